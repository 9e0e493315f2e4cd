"""Snapshots in a real S3 server: order of writes, one pointer, copies that are whole or not there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from dashboard.auth.scope import build_scope
from dashboard.errors import BuildBusy, SettingError, SnapshotInvalid, SnapshotNotFound, StorageError
from dashboard.settings import read_settings
from dashboard.snapshot.contract import CONTRACT_VERSION
from dashboard.snapshot.history import read_current, read_history
from dashboard.snapshot.manifest import MANIFEST, read_manifest
from dashboard.snapshot.publish import read_checked, snapshot_ids, write_snapshot
from dashboard.snapshot.storage import Keys, ObjectStore, Overtaken, open_store, read_keys
from dashboard.snapshot.storage_follow import KEEP_COPIES, Follower, follow
from dashboard.snapshot.storage_pins import read_store_pins, set_store_pin
from dashboard.snapshot.storage_pointer import read_pointer, switch_pointer
from dashboard.snapshot.storage_publish import list_store, prune_store, publish_to_store, roll_back_in_store
from dashboard.snapshot.store import Store
from dashboard.snapshot.transfer import fetch_snapshot
from tests.object_store import KEY_ID, SECRET, S3Server, s3_server
from tests.tiny import BUILT_AT, DATA_TIME, SICHUAN, tiny_tables

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def s3() -> Iterator[S3Server]:
    with s3_server() as running:
        yield running


@pytest.fixture
def store(s3: S3Server) -> ObjectStore:
    return s3.store()


def made(root: Path, hours: int) -> str:
    """A stored snapshot whose data are ``hours`` later."""
    return write_snapshot(
        root,
        tiny_tables(),
        data_time=DATA_TIME + timedelta(hours=hours),
        built_at=BUILT_AT,
        policy_version=1,
        synthetic=True,
        feeds={},
    ).id


def published(store: ObjectStore, workshop: Path, hours: int) -> str:
    name = made(workshop, hours)
    publish_to_store(store, workshop, name, now=BUILT_AT)
    return name


def holders(board: Store) -> int:
    with board.cursor(build_scope([SICHUAN]), board.current_id()) as cursor:
        return int(cursor.execute("SELECT sum(holders) FROM code_stock").fetchone()[0])


class Watched(ObjectStore):
    """A store that notes what is written, and can fail before the n-th write."""

    def __init__(self, inner: ObjectStore, *, fail_at: int = -1) -> None:
        super().__init__(inner.address, endpoint=inner._endpoint, keys=inner._read_keys)
        self.written: list[str] = []
        self.fail_at = fail_at

    def _note(self, name: str) -> None:
        if len(self.written) == self.fail_at:
            raise StorageError("The line was cut.")
        self.written.append(name)

    def upload(self, path: Path, name: str, *, sha256: str = "") -> None:
        self._note(name)
        super().upload(path, name, sha256=sha256)

    def write_text(self, name: str, text: str, *, over: object) -> None:
        self._note(name)
        super().write_text(name, text, over=over)  # type: ignore[arg-type]


def test_files_go_first_then_the_manifest_then_the_pointer(store: ObjectStore, tmp_path: Path) -> None:
    watched = Watched(store)
    name = published(watched, tmp_path, 0)
    files = [f.path for t in read_manifest(tmp_path / name).tables for f in t.files]
    assert watched.written == [*(f"{name}/{path}" for path in files), f"{name}/{MANIFEST}", "CURRENT"]
    pointer = read_pointer(store)
    assert pointer is not None
    assert (pointer.id, [s.action for s in pointer.switches]) == (name, ["publish"])
    assert read_current(tmp_path) == name


def test_a_line_cut_before_any_write_leaves_the_old_pointer(store: ObjectStore, tmp_path: Path) -> None:
    first = published(store, tmp_path, 0)
    writes = len([f for t in read_manifest(tmp_path / first).tables for f in t.files]) + 2
    second = made(tmp_path, 1)
    for fail_at in range(writes):
        with pytest.raises(StorageError, match="The line was cut"):
            publish_to_store(Watched(store, fail_at=fail_at), tmp_path, second, now=BUILT_AT)
        pointer = read_pointer(store)
        assert pointer is not None
        assert pointer.id == first
        assert read_current(tmp_path) == first
    publish_to_store(store, tmp_path, second, now=BUILT_AT)
    assert fetch_snapshot(store, _folder(tmp_path / "copy"), second).id == second


def _folder(path: Path) -> Path:
    path.mkdir()
    return path


def test_of_two_publishers_at_once_the_slower_one_is_refused(store: ObjectStore, tmp_path: Path) -> None:
    first = published(store, tmp_path / "a", 0)
    seen = read_pointer(store)
    second = published(store, tmp_path / "b", 1)
    with pytest.raises(BuildBusy, match="published to s3://snapshots/board at the same moment"):
        switch_pointer(store, seen, first, action="publish", now=BUILT_AT)
    with pytest.raises(BuildBusy):  # as if nothing had ever been published
        switch_pointer(store, None, first, action="publish", now=BUILT_AT)
    pointer = read_pointer(store)
    assert pointer is not None
    assert (pointer.id, [s.id for s in pointer.switches]) == (second, [first, second])


def test_a_store_without_conditional_writes_still_compares(store: ObjectStore) -> None:
    plain = store._fs.call_s3

    def without_conditions(method: str, **words: object) -> object:
        if {"IfMatch", "IfNoneMatch"} & set(words):
            error = OSError("unknown header")
            error.__cause__ = Exception()
            error.__cause__.response = {"Error": {"Code": "NotImplemented"}}  # type: ignore[attr-defined]
            raise error
        return plain(method, **words)

    store._fs.call_s3 = without_conditions
    store.write_text("CURRENT", "one", over=None)
    read = store.read_text("CURRENT")
    with pytest.raises(Overtaken):
        store.write_text("CURRENT", "two", over=None)
    store.write_text("CURRENT", "two", over=read)
    with pytest.raises(Overtaken):
        store.write_text("CURRENT", "three", over=read)
    now = store.read_text("CURRENT")
    assert now is not None
    assert now.text == "two"


def test_another_machine_rolls_back_and_fetches_what_it_lacks(store: ObjectStore, tmp_path: Path) -> None:
    first, second = published(store, tmp_path / "a", 0), published(store, tmp_path / "a", 1)
    _folder(tmp_path / "b")
    assert roll_back_in_store(store, tmp_path / "b", now=BUILT_AT).id == first
    read_checked(tmp_path / "b", first)
    assert [s.action for s in read_history(tmp_path / "b")] == ["publish", "publish", "rollback"]
    with pytest.raises(SnapshotNotFound, match="before the current one"):
        roll_back_in_store(store, tmp_path / "b", now=BUILT_AT)
    assert roll_back_in_store(store, tmp_path / "b", to=second, now=BUILT_AT).id == second
    assert [(one.id, one.current) for one in list_store(store)] == [(second, True), (first, False)]


@pytest.mark.parametrize("damage", ["other bytes", "shorter", "missing", "manifest"])
def test_a_copy_that_is_not_as_built_never_gets_a_name(
    store: ObjectStore, tmp_path: Path, damage: str
) -> None:
    name = published(store, tmp_path / "a", 0)
    path = f"{name}/code_stock/part-0.parquet"
    data = store._fs.cat_file(store._full(path))
    if damage == "other bytes":
        store._fs.pipe_file(store._full(path), data[:-100] + bytes([data[-100] ^ 1]) + data[-99:])
    elif damage == "shorter":
        store._fs.pipe_file(store._full(path), data[:-1])
    elif damage == "missing":
        store.remove([path])
    else:
        raw = store._fs.cat_file(store._full(f"{name}/{MANIFEST}"))
        store._fs.pipe_file(store._full(f"{name}/{MANIFEST}"), raw[:-40])
    copy = _folder(tmp_path / "copy")
    with pytest.raises(SnapshotInvalid):
        fetch_snapshot(store, copy, name)
    assert list(copy.iterdir()) == []
    publish_to_store(store, tmp_path / "a", name, now=BUILT_AT)  # sending it again mends it
    assert fetch_snapshot(store, copy, name).id == name


def test_what_a_dead_transfer_left_is_cleaned(store: ObjectStore, tmp_path: Path) -> None:
    name = published(store, tmp_path / "a", 0)
    copy = _folder(tmp_path / "copy")
    (copy / ".incoming-1" / name).mkdir(parents=True)
    fetch_snapshot(store, copy, name)
    assert [p.name for p in copy.iterdir()] == [name]


class HandClock:
    def __init__(self) -> None:
        self.at = datetime(2022, 8, 30, 22, 0)

    def __call__(self) -> datetime:
        return self.at


def test_the_board_follows_and_serves_on_when_the_store_is_away(s3: S3Server, tmp_path: Path) -> None:
    clock, workshop = HandClock(), tmp_path / "a"
    follower = Follower(tmp_path / "copy", s3.store, clock=clock)
    empty = follower.follow_once()
    assert empty is not None
    assert empty.trouble == "Nothing is published in s3://snapshots/board yet."
    first = published(s3.store(), workshop, 0)
    known = follower.follow_once()
    assert known is not None
    assert (known.pointer, known.as_of, known.trouble) == (first, clock.at, "")
    board = Store(tmp_path / "copy")
    before = holders(board)
    s3.stop()
    clock.at += timedelta(minutes=7)
    known = follower.follow_once()
    assert known is not None
    assert (known.pointer, known.as_of) == (first, clock.at - timedelta(minutes=7))
    assert known.trouble.startswith("The snapshot store s3://snapshots/board does not answer")
    assert holders(board) == before
    s3.start()
    known = follower.follow_once()
    assert known is not None
    assert (known.as_of, known.trouble) == (clock.at, "")


def test_a_snapshot_that_cannot_be_used_keeps_the_last_good_one(s3: S3Server, tmp_path: Path) -> None:
    clock, workshop, store = HandClock(), tmp_path / "a", s3.store()
    follower = Follower(tmp_path / "copy", s3.store, clock=clock)
    first = published(store, workshop, 0)
    follower.follow_once()
    second = published(store, workshop, 1)
    where = store._full(f"{second}/{MANIFEST}")
    good = store._fs.cat_file(where)
    newer = json.loads(good) | {"contract_version": CONTRACT_VERSION + 1}
    store._fs.pipe_file(where, json.dumps(newer).encode())
    known = follower.follow_once()
    assert known is not None
    assert known.pointer == second
    assert f"follows contract version {CONTRACT_VERSION + 1}" in known.trouble
    assert read_current(tmp_path / "copy") == first
    store._fs.pipe_file(where, good)
    clock.at += timedelta(seconds=30)
    assert follower.follow_once().trouble  # type: ignore[union-attr] - it rests a minute
    clock.at += timedelta(seconds=31)
    assert follower.follow_once().trouble == ""  # type: ignore[union-attr]
    assert read_current(tmp_path / "copy") == second


def test_the_copy_stays_small_and_brings_an_older_one_when_a_page_asks(s3: S3Server, tmp_path: Path) -> None:
    store, copy = s3.store(), tmp_path / "copy"
    follower = Follower(copy, s3.store, clock=HandClock())
    names = []
    for hours in range(KEEP_COPIES + 2):
        names.append(published(store, tmp_path / "a", hours))
        if hours == 0:
            set_store_pin(store, names[0], reason="evening meeting", now=BUILT_AT)
        follower.follow_once()
    assert set(snapshot_ids(copy)) == {names[0], *names[2:]}
    follower._pid = os.getpid()  # no thread of its own: this test turns the handle
    board = Store(copy, follower=follower)
    with pytest.raises(SnapshotNotFound, match="is being brought from the snapshot store") as caught:
        board.manifest(names[1])
    assert caught.value.key == "error.snapshot_coming"
    follower.follow_once()
    assert board.manifest(names[1]).id == names[1]
    unknown = "20220101T0000-000000000000"
    with pytest.raises(SnapshotNotFound, match="is being brought"):
        board.manifest(unknown)
    follower.follow_once()
    with pytest.raises(SnapshotNotFound, match="does not exist"):
        board.manifest(unknown)


def test_pruning_the_store_keeps_pins_and_the_way_back(store: ObjectStore, tmp_path: Path) -> None:
    names = [published(store, tmp_path, hours) for hours in range(6)]
    roll_back_in_store(store, tmp_path, to=names[1], now=BUILT_AT)
    set_store_pin(store, names[2], reason="evening meeting", now=BUILT_AT)
    assert read_store_pins(store)[names[2]].reason == "evening meeting"
    # The way back from the second one leads to the first.
    assert prune_store(store, keep=3) == ()
    set_store_pin(store, names[2], reason=None, now=BUILT_AT)
    assert prune_store(store, keep=3) == (names[2],)
    assert names[2] not in store.folders()
    with pytest.raises(SnapshotInvalid, match="too few"):
        prune_store(store, keep=2)


def test_a_half_sent_snapshot_is_listed_as_such(store: ObjectStore, tmp_path: Path) -> None:
    name = made(tmp_path, 0)
    store.upload(tmp_path / name / "area" / "part-0.parquet", f"{name}/area/part-0.parquet")
    (one,) = list_store(store)
    assert (one.manifest, one.trouble) == (None, "It was not sent completely.")


def test_keys_come_from_the_environment_and_are_never_shown(s3: S3Server) -> None:
    keys = read_keys({"AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET})
    assert keys == Keys(KEY_ID, SECRET)
    assert KEY_ID not in repr(keys)
    assert SECRET not in repr(keys)
    with pytest.raises(SettingError, match="AWS_SECRET_ACCESS_KEY is not set"):
        read_keys({"AWS_ACCESS_KEY_ID": KEY_ID})


@pytest.mark.parametrize(
    "place", ["s3://KEY:SECRET@bucket/x", "gs://bucket", "s3://", "https://bucket", "s3://b/../c?x=SECRET"]
)
def test_a_place_that_is_no_place_is_refused_without_repeating_it(place: str) -> None:
    with pytest.raises(SettingError, match="TIANFU_SNAPSHOTS is neither") as caught:
        read_settings({"TIANFU_SNAPSHOTS": place})
    assert "SECRET" not in str(caught.value)


@pytest.mark.parametrize("endpoint", ["127.0.0.1:9000", "http://KEY:SECRET@host", "ftp://host"])
def test_an_endpoint_that_is_none_is_refused_without_repeating_it(endpoint: str) -> None:
    with pytest.raises(SettingError, match="TIANFU_S3_ENDPOINT is no address") as caught:
        read_settings({"TIANFU_S3_ENDPOINT": endpoint})
    assert "SECRET" not in str(caught.value)


@pytest.mark.parametrize(
    ("env", "snapshots", "board"),
    [
        ({}, "home/snapshots", "home/snapshots"),
        ({"TIANFU_SNAPSHOTS": "share/days"}, "share/days", "share/days"),
        ({"TIANFU_SNAPSHOTS": "s3://bucket/x"}, "home/snapshots", "home/snapshot-cache"),
    ],
)
def test_where_snapshots_lie(env: dict[str, str], snapshots: str, board: str) -> None:
    settings = read_settings({"TIANFU_HOME": "home"} | env)
    assert settings.snapshots == Path(snapshots).resolve()
    assert settings.board_snapshots == Path(board).resolve()
    assert (follow(settings) is None) == (not settings.object_store)


def test_wrong_trouble_is_said_in_our_own_words(s3: S3Server) -> None:
    settings = read_settings(s3.environment | {"TIANFU_SNAPSHOTS": "s3://no-such-bucket/x"})
    lost = ObjectStore("s3://no-such-bucket/x", endpoint=s3.url, keys=lambda: Keys(KEY_ID, SECRET))
    assert open_store(settings).address == lost.address
    with pytest.raises(StorageError, match="has no such bucket or object") as caught:
        read_pointer(lost)
    assert caught.value.__cause__ is None
    assert SECRET not in str(caught.value)


def test_a_board_on_a_folder_loads_nothing_of_it(tmp_path: Path) -> None:
    code = (
        "import sys, app\nfrom dashboard.shell.board import get_board\n"
        "try:\n    get_board().store.current_id()\nexcept Exception as e:\n    print(type(e).__name__)\n"
        "print([m for m in ('fsspec', 's3fs', 'botocore', 'aiohttp') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "TIANFU_HOME": str(tmp_path / "home")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == ["SnapshotNotFound", "[]"]
