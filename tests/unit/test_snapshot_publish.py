"""Writing, publishing, rolling back, listing and pruning, one process at a time."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dashboard.errors import BuildBusy, SnapshotInvalid, SnapshotNotFound
from dashboard.snapshot.history import HISTORY, read_current, read_history, way_back
from dashboard.snapshot.lock import hold_lock
from dashboard.snapshot.manifest import read_manifest
from dashboard.snapshot.publish import (
    list_snapshots,
    prune_snapshots,
    publish_snapshot,
    roll_back,
    snapshot_ids,
    write_snapshot,
)
from tests.tiny import BUILT_AT, DATA_TIME, DAY1, DAY2, build_tiny, tiny_tables

NOW = datetime(2022, 8, 31, 8, 0)


def write_many(root: Path, count: int) -> list[str]:
    """Snapshots of consecutive hours, oldest first; each has one holder more."""
    ids = []
    for number in range(count):
        tables = tiny_tables()
        tables["code_stock"] = tables["code_stock"].with_columns(pl.col("holders") + number)
        manifest = write_snapshot(
            root,
            tables,
            data_time=DATA_TIME + timedelta(hours=number),
            built_at=BUILT_AT,
            policy_version=1,
            synthetic=True,
            feeds={},
        )
        ids.append(manifest.id)
    return ids


def test_what_is_written_is_what_is_read(tmp_path: Path) -> None:
    manifest = build_tiny(tmp_path)
    assert read_manifest(tmp_path / manifest.id) == manifest
    assert (manifest.data_day, manifest.data_time) == (DAY2, DATA_TIME)
    for name, frame in tiny_tables().items():
        entry = manifest.table(name)
        stored = pl.read_parquet([tmp_path / manifest.id / f.path for f in entry.files])
        assert stored.sort(stored.columns).equals(frame.sort(frame.columns))
        assert (entry.reported, entry.rows) == (True, frame.height)
    assert (manifest.table("code_stock").first_day, manifest.table("code_stock").last_day) == (DAY1, DAY2)
    assert manifest.table("area").first_day is None


def test_a_table_nobody_delivered_is_not_an_empty_table(tmp_path: Path) -> None:
    entry = build_tiny(tmp_path, without=("scan_hourly",)).table("scan_hourly")
    assert (entry.reported, entry.rows, entry.files) == (False, 0, ())


def test_the_same_rows_in_any_order_are_the_same_snapshot(tmp_path: Path) -> None:
    first = build_tiny(tmp_path)
    shuffled = {name: frame.sample(fraction=1, shuffle=True, seed=7) for name, frame in tiny_tables().items()}
    second = write_snapshot(
        tmp_path,
        {name: frame.lazy() for name, frame in shuffled.items()},
        data_time=DATA_TIME,
        built_at=BUILT_AT + timedelta(hours=3),
        policy_version=1,
        synthetic=True,
        feeds=first.feeds,
    )
    assert second.id == first.id
    assert snapshot_ids(tmp_path) == (first.id,)
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".staging")] == []


@pytest.mark.parametrize("changed", [{"policy_version": 2}, {"synthetic": False}, {"data_time": NOW}])
def test_another_policy_or_mark_or_time_is_another_snapshot(
    tmp_path: Path, changed: dict[str, object]
) -> None:
    first = build_tiny(tmp_path)
    said = {"data_time": DATA_TIME, "policy_version": 1, "synthetic": True} | changed
    second = write_snapshot(tmp_path, tiny_tables(), built_at=BUILT_AT, feeds={}, **said)  # type: ignore[arg-type]
    assert second.id != first.id


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda f: f.drop("holders"), "lacks holders"),
        (lambda f: f.with_columns(name=pl.lit("张三")), "has the unknown name"),
        (lambda f: f.with_columns(holders=pl.lit("many")), "another type"),
    ],
)
def test_columns_outside_the_contract_are_never_written(tmp_path: Path, change: object, said: str) -> None:
    tables = tiny_tables()
    tables["code_stock"] = change(tables["code_stock"])  # type: ignore[operator]
    with pytest.raises(SnapshotInvalid, match=said):
        write_snapshot(
            tmp_path,
            tables,
            data_time=DATA_TIME,
            built_at=BUILT_AT,
            policy_version=1,
            synthetic=True,
            feeds={},
        )
    assert [p.name for p in tmp_path.iterdir()] == [".lock"]


def test_a_table_outside_the_contract_is_never_written(tmp_path: Path) -> None:
    with pytest.raises(SnapshotInvalid, match="no table people"):
        write_snapshot(
            tmp_path,
            {"people": pl.DataFrame({"a": [1]})},
            data_time=DATA_TIME,
            built_at=BUILT_AT,
            policy_version=1,
            synthetic=True,
            feeds={},
        )


def test_two_rollbacks_go_back_two_publications(tmp_path: Path) -> None:
    a, b, c = write_many(tmp_path, 3)
    for snapshot_id in (a, b, c):
        publish_snapshot(tmp_path, snapshot_id, now=NOW)
    assert roll_back(tmp_path, now=NOW).id == b
    assert roll_back(tmp_path, now=NOW).id == a
    with pytest.raises(SnapshotNotFound, match="before the current one"):
        roll_back(tmp_path, now=NOW)
    assert read_current(tmp_path) == a
    publish_snapshot(tmp_path, c, now=NOW)
    assert roll_back(tmp_path, now=NOW).id == a
    assert [s.action for s in read_history(tmp_path)].count("rollback") == 3


def test_a_rollback_to_a_named_snapshot_shortens_the_way_back(tmp_path: Path) -> None:
    a, b, c = write_many(tmp_path, 3)
    for snapshot_id in (a, b, c):
        publish_snapshot(tmp_path, snapshot_id, now=NOW)
    assert roll_back(tmp_path, to=a, now=NOW).id == a
    assert way_back(tmp_path) == [a]


def test_a_crash_before_the_history_line_loses_no_way_back(tmp_path: Path) -> None:
    a, b, c = write_many(tmp_path, 3)
    publish_snapshot(tmp_path, a, now=NOW)
    (tmp_path / "CURRENT").write_text(b + "\n")  # the switch happened, its line did not
    publish_snapshot(tmp_path, c, now=NOW)
    assert roll_back(tmp_path, now=NOW).id == b
    assert roll_back(tmp_path, now=NOW).id == a


@pytest.mark.parametrize("torn", ["2022-08-31 08:00:00\tpubl", "\x00\x00\x00", "garbage\n"])
def test_a_torn_history_line_is_passed_over(tmp_path: Path, torn: str) -> None:
    a, b = write_many(tmp_path, 2)
    publish_snapshot(tmp_path, a, now=NOW)
    with (tmp_path / HISTORY).open("a") as stream:
        stream.write(torn)
    publish_snapshot(tmp_path, b, now=NOW)
    assert way_back(tmp_path) == [a, b]


def test_a_pruned_snapshot_is_passed_over_on_the_way_back(tmp_path: Path) -> None:
    ids = write_many(tmp_path, 6)
    for snapshot_id in ids:
        publish_snapshot(tmp_path, snapshot_id, now=NOW)
    assert prune_snapshots(tmp_path, keep=3, now=NOW) == tuple(reversed(ids[:3]))
    for expected in (ids[4], ids[3]):
        assert roll_back(tmp_path, now=NOW).id == expected
    with pytest.raises(SnapshotNotFound):
        roll_back(tmp_path, now=NOW)


def test_pruning_keeps_the_current_the_way_back_and_the_pinned(tmp_path: Path) -> None:
    ids = write_many(tmp_path, 7)
    publish_snapshot(tmp_path, ids[1], now=NOW)
    publish_snapshot(tmp_path, ids[0], now=NOW)
    assert prune_snapshots(tmp_path, keep=3, pinned=[ids[2]], now=NOW) == (ids[3],)
    assert set(snapshot_ids(tmp_path)) == {*ids[:3], *ids[4:]}
    assert read_current(tmp_path) == ids[0]


@pytest.mark.parametrize("keep", [-1, 0, 2])
def test_pruning_below_three_is_refused(tmp_path: Path, keep: int) -> None:
    ids = write_many(tmp_path, 4)
    with pytest.raises(SnapshotInvalid, match="too few"):
        prune_snapshots(tmp_path, keep=keep, now=NOW)
    assert len(snapshot_ids(tmp_path)) == len(ids)


def test_the_list_shows_the_current_one_and_the_broken_ones(tmp_path: Path) -> None:
    a, b, c = write_many(tmp_path, 3)
    publish_snapshot(tmp_path, b, now=NOW)
    (tmp_path / a / "manifest.json").write_text("{")
    listed = list_snapshots(tmp_path)
    assert [(one.id, one.current) for one in listed] == [(c, False), (b, True), (a, False)]
    assert listed[2].manifest is None
    assert "cannot be read" in listed[2].trouble
    assert list_snapshots(tmp_path / "nowhere") == ()


@pytest.mark.parametrize("name", ["../etc", "", "20220830T2100-zzzzzzzzzzzz", "20220830T2100-000000000000"])
def test_what_is_no_snapshot_cannot_be_published(tmp_path: Path, name: str) -> None:
    (a,) = write_many(tmp_path, 1)
    publish_snapshot(tmp_path, a, now=NOW)
    with pytest.raises(SnapshotNotFound):
        publish_snapshot(tmp_path, name, now=NOW)
    assert read_current(tmp_path) == a


def test_the_second_writer_is_refused_with_the_first_ones_name(tmp_path: Path) -> None:
    with hold_lock(tmp_path, since=NOW):
        with pytest.raises(BuildBusy, match=rf"process {os.getpid()} since 2022-08-31 08:00:00"):
            build_tiny(tmp_path)
        (tmp_path / ".lock").write_text("")
        with pytest.raises(BuildBusy, match="another process"):
            build_tiny(tmp_path)
    build_tiny(tmp_path)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(moves=st.lists(st.one_of(st.integers(0, 3), st.just("back")), max_size=12))
def test_the_way_back_is_a_stack(tmp_path_factory: pytest.TempPathFactory, moves: list[int | str]) -> None:
    """Any sequence of publications and rollbacks agrees with a plain list that is pushed and popped."""
    root = tmp_path_factory.mktemp("stack")
    ids = [f"2022083{n}T0000-{str(n) * 12}" for n in range(4)]
    for snapshot_id in ids:
        _bare(root, snapshot_id)
    plain: list[str] = []
    for move in moves:
        if isinstance(move, int):
            publish_snapshot(root, ids[move], now=NOW)
            if not plain or plain[-1] != ids[move]:
                plain.append(ids[move])
            continue
        if len(plain) < 2:
            with pytest.raises(SnapshotNotFound):
                roll_back(root, now=NOW)
            continue
        roll_back(root, now=NOW)
        plain.pop()
        assert read_current(root) == plain[-1]
    assert way_back(root) == plain


def _bare(root: Path, snapshot_id: str) -> None:
    """A snapshot of no tables: enough to be published, quick to write."""
    from dashboard.snapshot.contract import CONTRACT_VERSION, TABLES
    from dashboard.snapshot.manifest import Manifest, TableEntry, write_manifest

    folder = root / snapshot_id
    folder.mkdir()
    tables = tuple(TableEntry(name=t.name, reported=False, rows=0, files=()) for t in TABLES)
    manifest = Manifest(
        id=snapshot_id,
        contract_version=CONTRACT_VERSION,
        data_time=DATA_TIME,
        data_day=DAY2,
        built_at=BUILT_AT,
        policy_version=1,
        synthetic=True,
        tables=tables,
    )
    write_manifest(folder, manifest)
