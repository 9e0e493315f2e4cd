"""The door to DuckDB: scopes, lock-down, threads, forks, snapshots that vanish or are torn."""

from __future__ import annotations

import dataclasses
import os
import shutil
import subprocess
import sys
import textwrap
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import duckdb
import polars as pl
import pytest

from dashboard.auth.scope import Scope, build_scope
from dashboard.errors import SnapshotInvalid, SnapshotNotFound
from dashboard.snapshot.contract import TABLES
from dashboard.snapshot.manifest import Manifest, write_manifest
from dashboard.snapshot.publish import publish_snapshot, snapshot_ids, write_snapshot
from dashboard.snapshot.store import OPEN_AT_MOST, Store
from tests.tiny import (
    BUILT_AT,
    CHENGDU,
    DATA_TIME,
    GAOXIN,
    JINJIANG,
    MIANYANG,
    SICHUAN,
    WUHOU,
    build_tiny,
    tiny_tables,
)

ROOT = Path(__file__).resolve().parents[2]
PROVINCE = build_scope([SICHUAN])
NOBODY = Scope(roots=(), codes=frozenset())
SCOPED = [table.name for table in TABLES if table.scoped]
OPEN_TO_ALL = [table.name for table in TABLES if not table.scoped]


@pytest.fixture
def tiny(tmp_path: Path) -> tuple[Store, Manifest]:
    manifest = build_tiny(tmp_path)
    publish_snapshot(tmp_path, manifest.id, now=BUILT_AT)
    return Store(tmp_path), manifest


def count(store: Store, scope: Scope, snapshot_id: str, table: str) -> int:
    with store.cursor(scope, snapshot_id) as cursor:
        (number,) = cursor.execute(f"SELECT count(*) FROM {table}").fetchone()
    return int(number)


@pytest.mark.parametrize("table", SCOPED)
def test_an_empty_scope_sees_no_row(tiny: tuple[Store, Manifest], table: str) -> None:
    store, manifest = tiny
    assert count(store, NOBODY, manifest.id, table) == 0
    assert count(store, PROVINCE, manifest.id, table) == manifest.table(table).rows > 0


@pytest.mark.parametrize("table", SCOPED)
def test_a_cursor_that_never_got_a_scope_sees_no_row(tiny: tuple[Store, Manifest], table: str) -> None:
    store, manifest = tiny
    raw = store._enter(manifest.id)
    try:
        assert raw.execute(f'SELECT count(*) FROM "{manifest.id}".{table}').fetchone() == (0,)
    finally:
        raw.close()
        store._leave(manifest.id)


@pytest.mark.parametrize("table", OPEN_TO_ALL)
def test_tables_without_areas_are_open_to_everyone_signed_in(
    tiny: tuple[Store, Manifest], table: str
) -> None:
    store, manifest = tiny
    assert count(store, NOBODY, manifest.id, table) == manifest.table(table).rows > 0


@pytest.mark.parametrize(
    ("roots", "areas"),
    [
        ([CHENGDU], {WUHOU, JINJIANG, GAOXIN}),
        ([MIANYANG], {"510703"}),
        ([WUHOU], {WUHOU}),
        ([GAOXIN], {GAOXIN}),
        ([WUHOU, MIANYANG], {WUHOU, "510703"}),
    ],
)
def test_a_scope_sees_its_areas_and_no_other(
    tiny: tuple[Store, Manifest], roots: list[str], areas: set[str]
) -> None:
    store, manifest = tiny
    with store.cursor(build_scope(roots), manifest.id) as cursor:
        seen = {area for (area,) in cursor.execute("SELECT DISTINCT area FROM code_stock").fetchall()}
    assert seen == areas


def test_a_table_nobody_delivered_is_empty_with_its_columns(tmp_path: Path) -> None:
    manifest = build_tiny(tmp_path, without=("scan_hourly",))
    with Store(tmp_path).cursor(PROVINCE, manifest.id) as cursor:
        answer = cursor.execute("SELECT * FROM scan_hourly")
        assert answer.fetchall() == []
        assert [c[0] for c in answer.description][:3] == ["date", "hour", "area"]
    assert manifest.table("scan_hourly").reported is False


FORBIDDEN = [
    "SET VARIABLE scope = ['510107', '510703']",
    "SELECT 1; SET VARIABLE scope = ['510703']",
    "CREATE TABLE t (a INTEGER)",
    "DROP SCHEMA main CASCADE",
    "COPY (SELECT 1) TO '{root}/x.parquet'",
    "ATTACH '{root}/x.db'",
    "INSTALL httpfs",
    "SET threads = 1",
    "PRAGMA database_list",
    "BEGIN",
]


@pytest.mark.parametrize("sql", FORBIDDEN)
def test_a_cursor_runs_nothing_but_one_select(tiny: tuple[Store, Manifest], sql: str) -> None:
    store, manifest = tiny
    before = sorted(p.name for p in store.root.rglob("*"))
    with store.cursor(PROVINCE, manifest.id) as cursor:
        for run in (cursor.execute, cursor.sql):
            with pytest.raises((PermissionError, duckdb.Error)):
                run(sql.format(root=store.root))
    assert sorted(p.name for p in store.root.rglob("*")) == before


LOCKED = [
    "SELECT * FROM read_text('{outside}')",
    "SELECT * FROM read_csv('{outside}')",
    "SELECT * FROM read_blob('{root}/../outside.csv')",
    "SELECT * FROM glob('/etc/*')",
    "COPY (SELECT 1) TO '{outside}.parquet'",
    "ATTACH '{outside}.db'",
    "SET enable_external_access = true",
    "SET allowed_directories = ['/']",
    "SET lock_configuration = false",
    "RESET enable_external_access",
    "LOAD httpfs",
]


@pytest.mark.parametrize("sql", LOCKED)
def test_duckdb_itself_is_locked_down(tiny: tuple[Store, Manifest], tmp_path: Path, sql: str) -> None:
    """Below the SELECT-only reader: the instance reaches no file outside and keeps its configuration."""
    outside = tmp_path.parent / f"{tmp_path.name}-outside.csv"
    outside.write_text("secret\n1\n")
    shutil.copy(outside, tmp_path.parent / "outside.csv")
    store, manifest = tiny
    raw = store._enter(manifest.id)
    try:
        with pytest.raises(duckdb.Error, match=r"(?i)disabled|locked|cannot|not permitted|permission"):
            raw.execute(sql.format(root=store.root, outside=outside))
    finally:
        raw.close()
        store._leave(manifest.id)


def test_sixteen_threads_keep_to_their_own_scope(tiny: tuple[Store, Manifest]) -> None:
    store, manifest = tiny
    wanted = {CHENGDU: 20, MIANYANG: 4, WUHOU: 10, JINJIANG: 6}
    start = threading.Barrier(16)

    def ask(number: int) -> None:
        root = list(wanted)[number % 4]
        scope = build_scope([root])
        start.wait()
        for _ in range(25):
            assert count(store, scope, manifest.id, "code_stock") == wanted[root]

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(ask, range(16)))


def hourly(root: Path, number: int) -> list[str]:
    ids = []
    for hour in range(number):
        manifest = write_snapshot(
            root,
            tiny_tables(),
            data_time=DATA_TIME + timedelta(hours=hour),
            built_at=BUILT_AT,
            policy_version=1,
            synthetic=True,
            feeds={},
        )
        ids.append(manifest.id)
    return ids


def test_old_snapshots_are_forgotten_but_never_one_in_use(tmp_path: Path) -> None:
    ids = hourly(tmp_path, OPEN_AT_MOST + 3)
    store = Store(tmp_path)
    with store.cursor(PROVINCE, ids[0]) as held:
        for snapshot_id in ids[1:]:
            assert count(store, PROVINCE, snapshot_id, "code_stock") == 24
        assert held.execute("SELECT count(*) FROM code_stock").fetchone() == (24,)
        assert set(store._open) == {ids[0], *ids[-OPEN_AT_MOST + 1 :]}
    assert count(store, PROVINCE, ids[1], "code_stock") == 24
    assert len(store._open) == OPEN_AT_MOST
    assert snapshot_ids(store.root) == tuple(reversed(ids))


def test_threads_may_open_and_forget_at_the_same_time(tmp_path: Path) -> None:
    ids = hourly(tmp_path, OPEN_AT_MOST + 3)
    store = Store(tmp_path)

    def ask(number: int) -> int:
        return count(store, PROVINCE, ids[number % len(ids)], "code_stock")

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(ask, range(80))) == {24}


def test_a_running_board_sees_the_switch_and_keeps_the_pinned_one(tmp_path: Path) -> None:
    first, second = hourly(tmp_path, 2)
    store = Store(tmp_path)
    with pytest.raises(SnapshotNotFound, match="No snapshot is published yet"):
        store.current_id()
    for snapshot_id in (first, second):
        publish_snapshot(tmp_path, snapshot_id, now=BUILT_AT)
        assert store.current_id() == snapshot_id
    assert count(store, PROVINCE, first, "code_stock") == 24


def test_a_snapshot_removed_under_a_running_board_is_said_plainly(tiny: tuple[Store, Manifest]) -> None:
    store, manifest = tiny
    assert count(store, PROVINCE, manifest.id, "code_stock") == 24
    shutil.rmtree(store.root / manifest.id)
    with pytest.raises(SnapshotNotFound, match=f"Snapshot {manifest.id} does not exist"):
        count(store, PROVINCE, manifest.id, "code_stock")


@pytest.mark.parametrize(
    "name", ["", "../x", "CURRENT", "20220830T2100-000000000000", "x' OR '1'='1", "a" * 500]
)
def test_a_snapshot_that_is_not_there_is_not_found(tiny: tuple[Store, Manifest], name: str) -> None:
    store, _ = tiny
    with pytest.raises(SnapshotNotFound), store.cursor(PROVINCE, name):
        pass
    with pytest.raises(SnapshotNotFound):
        store.manifest(name)


def tear(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def blank(path: Path) -> None:
    path.write_bytes(b"")


def scribble(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[8 : len(data) // 2] = bytes(len(data) // 2 - 8)
    path.write_bytes(bytes(data))


@pytest.mark.parametrize("opened", [False, True], ids=["before it was opened", "while it is open"])
@pytest.mark.parametrize("damage", [tear, blank, scribble, Path.unlink])
def test_a_damaged_file_is_said_plainly(tiny: tuple[Store, Manifest], damage: object, opened: bool) -> None:
    store, manifest = tiny
    if opened:
        count(store, PROVINCE, manifest.id, "area")
    damage(store.root / manifest.id / "code_stock" / "part-0.parquet")  # type: ignore[operator]
    with (
        pytest.raises(SnapshotInvalid, match=manifest.id),
        store.cursor(PROVINCE, manifest.id) as cursor,
    ):
        cursor.execute("SELECT area, sum(holders) FROM code_stock GROUP BY ALL").fetchall()


def test_a_wrong_question_is_a_bug_not_a_broken_snapshot(tiny: tuple[Store, Manifest]) -> None:
    store, manifest = tiny
    with store.cursor(PROVINCE, manifest.id) as cursor:
        with pytest.raises(duckdb.BinderException):
            cursor.execute("SELECT nothing_of_that_name FROM code_stock")
        with pytest.raises(duckdb.InvalidInputException):
            cursor.execute("SELECT * FROM area WHERE code = $code", {"other": 1})


@pytest.mark.parametrize(
    "path",
    [
        "../../etc/passwd",
        "/etc/passwd",
        "area/../../x.parquet",
        "area/part-0.csv",
        "area//part-0.parquet",
        "a/b/c.parquet",
    ],
)
def test_a_manifest_cannot_name_files_elsewhere(tiny: tuple[Store, Manifest], path: str) -> None:
    store, manifest = tiny
    area = manifest.table("area")
    bent = dataclasses.replace(area, files=(dataclasses.replace(area.files[0], path=path),))
    write_manifest(
        store.root / manifest.id,
        dataclasses.replace(manifest, tables=(bent, *(t for t in manifest.tables if t.name != "area"))),
    )
    with pytest.raises(SnapshotInvalid, match="names the file"), store.cursor(PROVINCE, manifest.id):
        pass


@pytest.mark.parametrize("what", ["file", "folder"])
def test_a_link_that_leads_outside_is_not_followed(
    tiny: tuple[Store, Manifest], tmp_path: Path, what: str
) -> None:
    store, manifest = tiny
    outside = tmp_path.parent / f"{tmp_path.name}-elsewhere"
    folder = store.root / manifest.id / "code_stock"
    shutil.copytree(folder, outside)
    if what == "file":
        (folder / "part-0.parquet").unlink()
        (folder / "part-0.parquet").symlink_to(outside / "part-0.parquet")
    else:
        shutil.rmtree(folder)
        folder.symlink_to(outside)
    with pytest.raises(SnapshotInvalid, match="leads outside"), store.cursor(PROVINCE, manifest.id):
        pass
    with pytest.raises(SnapshotInvalid, match="is a link"):
        publish_snapshot(store.root, manifest.id, now=BUILT_AT)


def test_the_scan_skips_what_the_scope_does_not_hold(tiny: tuple[Store, Manifest]) -> None:
    """The scope reaches the Parquet scan as a filter; the rows are not read and thrown away above it."""
    store, manifest = tiny
    raw = store._enter(manifest.id)
    try:
        raw.execute("SET VARIABLE scope = ['510703']")
        raw.execute(f'USE "{manifest.id}"')
        plan = raw.execute("EXPLAIN ANALYZE SELECT sum(holders) FROM code_stock").fetchall()[0][1]
    finally:
        raw.close()
        store._leave(manifest.id)
    assert "Dynamic Filters" in plan


FORK = """
    import os, sys, threading
    from pathlib import Path
    from dashboard.auth.scope import build_scope
    from dashboard.snapshot.store import Store

    store, name = Store(Path(sys.argv[1])), sys.argv[2]

    def ask():
        with store.cursor(build_scope(["510000"]), name) as cursor:
            return cursor.execute("SELECT sum(holders) FROM code_stock").fetchone()[0]

    before = ask()
    held = {held}
    if held:
        store._lock.acquire()  # as another thread would at the moment of the fork
    children = []
    for _ in range(4):
        pid = os.fork()
        if pid == 0:
            code = 0 if ask() == before else 9
            sys.exit(code)  # a full exit, with all destructors
        children.append(pid)
    if held:
        store._lock.release()
    codes = [os.waitpid(pid, 0)[1] for pid in children]
    assert codes == [0] * 4, codes
    assert ask() == before
    print("fine", before)
"""


@pytest.mark.parametrize("held", [False, True], ids=["idle", "lock held at the fork"])
def test_a_fork_with_an_open_store_is_safe(tiny: tuple[Store, Manifest], held: bool) -> None:
    store, manifest = tiny
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(FORK).format(held=held), str(store.root), manifest.id],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout.split()[:1]) == (0, ["fine"]), done.stderr


def test_nothing_is_opened_before_the_first_question(tmp_path: Path) -> None:
    assert Store(tmp_path / "not-there")._connection is None


def test_real_types_come_back(tiny: tuple[Store, Manifest]) -> None:
    store, manifest = tiny
    with store.cursor(PROVINCE, manifest.id) as cursor:
        frame = cursor.sql(
            "SELECT * FROM case_daily WHERE area = $area ORDER BY date", {"area": JINJIANG}
        ).pl()
    assert frame["asymptomatic_new"].to_list() == [None, None]
    assert frame["confirmed_new"].to_list() == [0, -1]
    assert frame.schema["date"] == pl.Date
