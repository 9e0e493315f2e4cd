"""Real processes that are killed, collide or run out of disk: the board keeps the last good snapshot."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from dashboard.auth.scope import build_scope
from dashboard.errors import SnapshotInvalid, SnapshotNotFound, StorageError, TianfuError
from dashboard.snapshot.build import build_snapshot, validate_stored
from dashboard.snapshot.contract import CONTRACT_VERSION
from dashboard.snapshot.history import read_current, way_back
from dashboard.snapshot.publish import publish_snapshot, read_checked, roll_back, snapshot_ids, write_snapshot
from dashboard.snapshot.store import Store
from tests.tiny import BUILT_AT, DATA_TIME, SICHUAN, build_tiny, tiny_tables, write_delivery

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def child(code: str, *words: str) -> Iterator[subprocess.Popen[str]]:
    """A Python process of its own, with pipes for a talk of lines; ended with the block."""
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), *words],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def hear(process: subprocess.Popen[str], word: str) -> None:
    assert process.stdout is not None
    line = process.stdout.readline().strip()
    assert line == word, (line, process.stderr.read() if process.stderr and not line else "")


def tell(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()


def delivery(folder: Path, number: int) -> Path:
    """The tiny delivery with ``number`` more holders in every cell, so that each is another snapshot."""
    write_delivery(folder)
    path = folder / "code_stock" / "two-days.parquet"
    pl.read_parquet(path).with_columns(pl.col("holders") + number).write_parquet(path)
    return folder


BUILD = """
    import sys
    from pathlib import Path
    from dashboard.snapshot.build import build_snapshot
    print("ready", flush=True)
    sys.stdin.readline()
    build_snapshot(input_dir=Path(sys.argv[1]), out=Path(sys.argv[2]), publish=True)
    print("done", flush=True)
"""


@pytest.mark.parametrize("kills", [6, pytest.param(100, marks=pytest.mark.soak)])
def test_a_build_killed_at_any_moment_leaves_a_complete_snapshot_published(
    tmp_path: Path, kills: int
) -> None:
    out = tmp_path / "home" / "snapshots"
    build_snapshot(input_dir=delivery(tmp_path / "first", 0), out=out, publish=True)
    with child(BUILD, str(delivery(tmp_path / "whole", 1)), str(out)) as process:
        hear(process, "ready")
        tell(process)
        began = time.monotonic()
        hear(process, "done")
        whole = time.monotonic() - began
    moments = random.Random(20220830)
    killed = 0
    for round_ in range(kills):
        before = read_current(out)
        with child(BUILD, str(delivery(tmp_path / f"round-{round_}", 2 + round_)), str(out)) as process:
            hear(process, "ready")
            tell(process)
            time.sleep(moments.uniform(0, whole))
            process.kill()
            killed += process.wait() == -signal.SIGKILL
        current = Store(out).current_id()
        read_checked(out, current)
        assert validate_stored(out, current).errors == ()
        # Whatever has a name is complete, published or not.
        for snapshot_id in snapshot_ids(out):
            read_checked(out, snapshot_id)
        assert current == before or before in way_back(out)
    assert killed >= kills // 2, "the kills came too late to prove anything"
    last = build_snapshot(input_dir=delivery(tmp_path / "last", 99), out=out, publish=True)
    assert read_current(out) == last.manifest.id
    assert [p.name for p in out.iterdir() if p.name.startswith((".staging", ".removed"))] == []


PAUSED = """
    import sys
    from pathlib import Path
    from dashboard.snapshot.build import build_snapshot

    def pause(step):
        if step.words == sys.argv[3]:
            print("holding", flush=True)
            sys.stdin.readline()

    build_snapshot(input_dir=Path(sys.argv[1]), out=Path(sys.argv[2]), publish=True, progress=pause)
    print("done", flush=True)
"""


def tianfu(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "dashboard.cli.main", "snapshot", *words],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_second_build_is_refused_at_once_and_the_first_one_finishes(tmp_path: Path) -> None:
    out = tmp_path / "snapshots"
    first, second = delivery(tmp_path / "first", 0), delivery(tmp_path / "second", 1)
    with child(PAUSED, str(first), str(out), "writing code_stock") as process:
        hear(process, "holding")
        for words in (("build", "--input", str(second)), ("prune", "--keep", "3"), ("rollback",)):
            done = tianfu(*words, "--out", str(out))
            assert done.returncode == 6
            last = done.stderr.strip().splitlines()[-1]
            assert last.startswith(
                f"tianfu: Another build or publication is running: process {process.pid} since "
            )
            assert "Traceback" not in done.stderr
        tell(process)
        hear(process, "done")
    done = tianfu("build", "--input", str(second), "--publish", "--out", str(out))
    assert done.returncode == 0, done.stderr
    assert len(snapshot_ids(out)) == 2


@pytest.mark.parametrize("step", ["reading first", "writing scan_hourly", "cases add up", "taking its place"])
def test_a_killed_builds_lock_and_remains_stop_nobody(tmp_path: Path, step: str) -> None:
    out = tmp_path / "snapshots"
    first = delivery(tmp_path / "first", 0)
    with child(PAUSED, str(first), str(out), step) as process:
        hear(process, "holding")
        process.kill()
    assert read_current(out) is None
    assert snapshot_ids(out) == ()
    result = build_snapshot(input_dir=first, out=out, publish=True)
    assert (result.published, read_current(out)) == (True, result.manifest.id)
    assert [p.name for p in out.iterdir() if p.name.startswith(".staging")] == []


LIMITED = """
    import resource, signal, sys
    from pathlib import Path
    from dashboard.errors import StorageError
    from tests.tiny import build_tiny
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))
    try:
        build_tiny(Path(sys.argv[1]))
    except StorageError as error:
        print(error.exit_code, error)
"""


@pytest.mark.parametrize("limit", [10, 1000, 3000])
def test_a_write_that_fails_leaves_no_candidate(tmp_path: Path, limit: int) -> None:
    """The kernel refuses to let files grow, which fails the same calls as a full disk, without a mount."""
    first = published(tmp_path)
    with child(LIMITED, str(tmp_path), str(limit)) as process:
        said, trouble = process.communicate(timeout=60)
    assert said.startswith(f"7 Cannot write below {tmp_path}: the file is larger"), trouble
    assert read_current(tmp_path) == first
    assert [p.name for p in tmp_path.iterdir() if p.is_dir()] == [first]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 640 kB; skips where this user may not mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = shutil.which("mount")
    done = mount and subprocess.run(
        [mount, "-t", "tmpfs", "-o", "size=640k", "tianfu", str(folder)],
        capture_output=True,
        check=False,
    )
    if not done or done.returncode:
        pytest.skip("this user may not mount a small file system")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_is_said_plainly_and_the_board_serves_on(small_disk: Path) -> None:
    first = published(small_disk)
    (small_disk / "filler").write_bytes(bytes(shutil.disk_usage(small_disk).free - 8192))
    with pytest.raises(StorageError, match=r"the disk is full.*published snapshot is untouched") as caught:
        later(small_disk, 1)
    assert caught.value.exit_code == 7
    assert [p.name for p in small_disk.iterdir() if p.is_dir()] == [first]
    assert holders(Store(small_disk)) == 2178
    (small_disk / "filler").unlink()
    publish_snapshot(small_disk, later(small_disk, 1), now=BUILT_AT)
    assert read_current(small_disk) != first


def test_a_disk_that_fills_up_at_the_switch_keeps_the_old_pointer(small_disk: Path) -> None:
    first = published(small_disk)
    second = later(small_disk, 1)
    (small_disk / "filler").write_bytes(bytes(shutil.disk_usage(small_disk).free))
    with pytest.raises(StorageError, match="the disk is full"):
        publish_snapshot(small_disk, second, now=BUILT_AT)
    assert read_current(small_disk) == first


def published(root: Path) -> str:
    manifest = build_tiny(root)
    publish_snapshot(root, manifest.id, now=BUILT_AT)
    return manifest.id


def later(root: Path, hours: int) -> str:
    return write_snapshot(
        root,
        tiny_tables(),
        data_time=DATA_TIME + timedelta(hours=hours),
        built_at=BUILT_AT,
        policy_version=1,
        synthetic=True,
        feeds={},
    ).id


def holders(store: Store) -> int:
    with store.cursor(build_scope([SICHUAN]), store.current_id()) as cursor:
        (total,) = cursor.execute(
            "SELECT sum(holders)::BIGINT FROM code_stock WHERE date = (SELECT max(date) FROM code_stock)"
        ).fetchone()
    return int(total)


def tear(folder: Path) -> None:
    path = folder / "code_stock" / "part-0.parquet"
    path.write_bytes(path.read_bytes()[:-1])


def edit_a_byte(folder: Path) -> None:
    path = folder / "code_stock" / "part-0.parquet"
    data = bytearray(path.read_bytes())
    data[100] ^= 1
    path.write_bytes(bytes(data))


def swap(folder: Path) -> None:
    """Another valid file of the same table in the place of the right one."""
    path = folder / "code_stock" / "part-0.parquet"
    pl.read_parquet(path).with_columns(pl.col("holders") + 1).write_parquet(path)


def lose(folder: Path) -> None:
    (folder / "code_flow" / "part-0.parquet").unlink()


def add(folder: Path) -> None:
    shutil.copy(folder / "code_stock" / "part-0.parquet", folder / "code_stock" / "part-1.parquet")


def tear_the_manifest(folder: Path) -> None:
    path = folder / "manifest.json"
    path.write_text(path.read_text()[:-40])


def newer_contract(folder: Path) -> None:
    path = folder / "manifest.json"
    raw = json.loads(path.read_text())
    path.write_text(json.dumps(raw | {"contract_version": CONTRACT_VERSION + 1}))


def other_id(folder: Path) -> None:
    path = folder / "manifest.json"
    raw = json.loads(path.read_text())
    path.write_text(json.dumps(raw | {"id": "20220830T2100-000000000000"}))


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (tear, r"has \d+ bytes instead of \d+"),
        (edit_a_byte, "was changed after the build"),
        (swap, "code_stock/part-0.parquet"),
        (lose, "code_flow/part-0.parquet .* is missing"),
        (add, "is not in the manifest"),
        (tear_the_manifest, "cannot be read"),
        (
            newer_contract,
            f"contract version {CONTRACT_VERSION + 1}, this board reads version {CONTRACT_VERSION}",
        ),
        (other_id, "holds the manifest of 20220830T2100-000000000000"),
    ],
)
def test_a_damaged_snapshot_is_not_published(tmp_path: Path, damage: object, said: str) -> None:
    first = published(tmp_path)
    second = later(tmp_path, 1)
    damage(tmp_path / second)  # type: ignore[operator]
    with pytest.raises(SnapshotInvalid, match=said):
        publish_snapshot(tmp_path, second, now=BUILT_AT)
    assert read_current(tmp_path) == first
    assert holders(Store(tmp_path)) == 2178
    done = tianfu("publish", second, "--out", str(tmp_path))
    assert (done.returncode, "Traceback" in done.stderr) == (4, False)


def test_a_damaged_snapshot_is_built_again_from_the_same_delivery(tmp_path: Path) -> None:
    out = tmp_path / "snapshots"
    source = delivery(tmp_path / "in", 0)
    first = build_snapshot(input_dir=source, out=out, publish=True)
    edit_a_byte(out / first.manifest.id)
    second = build_snapshot(input_dir=source, out=out, publish=True)
    assert (second.manifest.id, second.already) == (first.manifest.id, False)
    read_checked(out, second.manifest.id)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\n",
        b"latest\n",
        b"../../etc\n",
        b"\xff\xfe\x00",
        b"20220830T2100-ffffffffffff\n",
        b"20220830T2100-FFFFFFFFFFFF\n",
    ],
)
def test_a_pointer_edited_by_hand_is_said_plainly_and_mended(tmp_path: Path, text: bytes) -> None:
    first = published(tmp_path)
    second = later(tmp_path, 1)
    publish_snapshot(tmp_path, second, now=BUILT_AT)
    (tmp_path / "CURRENT").write_bytes(text)
    with pytest.raises((SnapshotInvalid, SnapshotNotFound)) as caught:
        holders(Store(tmp_path))
    assert isinstance(caught.value, TianfuError)
    assert caught.value.todo
    # The snapshot that was current before the edit is the nearest good one.
    assert roll_back(tmp_path, now=BUILT_AT).id == second
    assert roll_back(tmp_path, now=BUILT_AT).id == first


def test_a_pointer_moved_by_hand_to_another_good_snapshot_is_followed(tmp_path: Path) -> None:
    first = published(tmp_path)
    second = later(tmp_path, 1)
    (tmp_path / "CURRENT").write_text(second + "\n")
    assert Store(tmp_path).current_id() == second
    assert roll_back(tmp_path, now=BUILT_AT).id == first


def test_a_folder_that_cannot_be_written_is_said_plainly(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file, where the folder should be")
    done = tianfu("prune", "--keep", "3", "--out", str(tmp_path / "home" / "snapshots"))
    assert done.returncode == 7, done.stderr
    assert "Traceback" not in done.stderr
