"""Pins of a folder: an append-only file of reasons that pruning respects."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from dashboard.errors import SnapshotInvalid, SnapshotNotFound
from dashboard.snapshot.publish import prune_snapshots, publish_snapshot, snapshot_ids, write_snapshot
from dashboard.snapshot.storage_pins import PINS, parse_pins, read_pins, set_pin
from tests.processes import run_tianfu
from tests.tiny import BUILT_AT, DATA_TIME, tiny_tables

ID = "20220830T2100-0123456789ab"


def made(root: Path, number: int) -> list[str]:
    return [
        write_snapshot(
            root,
            tiny_tables(),
            data_time=DATA_TIME + timedelta(hours=hours),
            built_at=BUILT_AT,
            policy_version=1,
            synthetic=True,
            feeds={},
        ).id
        for hours in range(number)
    ]


def test_pruning_keeps_what_is_pinned_until_it_is_unpinned(tmp_path: Path) -> None:
    names = made(tmp_path, 6)
    publish_snapshot(tmp_path, names[5], now=BUILT_AT)
    set_pin(tmp_path, names[1], reason="  evening\tmeeting\nof 30 August ", now=BUILT_AT)
    assert read_pins(tmp_path)[names[1]].reason == "evening meeting of 30 August"
    assert prune_snapshots(tmp_path, keep=3, now=BUILT_AT) == (names[2], names[0])
    set_pin(tmp_path, names[1], reason=None, now=BUILT_AT)
    assert read_pins(tmp_path) == {}
    assert prune_snapshots(tmp_path, keep=3, now=BUILT_AT) == (names[1],)
    lines = (tmp_path / PINS).read_text().splitlines()
    assert [line.split("\t")[1:3] for line in lines] == [["pin", names[1]], ["unpin", names[1]]]


def test_the_command_line_pins_lists_and_unpins(tmp_path: Path) -> None:
    root = tmp_path / "snapshots"
    names = made(root, 5)
    run_tianfu("snapshot", "pin", names[0], "--reason", "evening meeting", home=tmp_path)
    assert "pinned: evening meeting" in run_tianfu("snapshot", "list", home=tmp_path).stdout
    run_tianfu("snapshot", "prune", "--keep", "3", home=tmp_path)
    assert snapshot_ids(root) == (names[4], names[3], names[2], names[0])
    run_tianfu("snapshot", "unpin", names[0], home=tmp_path)
    assert f"Removed {names[0]}." in run_tianfu("snapshot", "prune", "--keep", "3", home=tmp_path).stdout
    done = run_tianfu("snapshot", "unpin", names[0], home=tmp_path, check=False)
    assert (done.returncode, done.stderr.startswith(f"tianfu: '{names[0]}' is not pinned.")) == (5, True)


@pytest.mark.parametrize("name", ["../elsewhere", ID, "CURRENT", ""])
def test_only_a_stored_snapshot_can_be_pinned(tmp_path: Path, name: str) -> None:
    with pytest.raises(SnapshotNotFound):
        set_pin(tmp_path, name, reason="why not", now=BUILT_AT)
    assert not (tmp_path / PINS).exists()


@pytest.mark.parametrize("reason", ["", " \n\t", "x" * 201])
def test_a_pin_has_a_reason(tmp_path: Path, reason: str) -> None:
    (name,) = made(tmp_path, 1)
    with pytest.raises(SnapshotInvalid, match="The reason of a pin"):
        set_pin(tmp_path, name, reason=reason, now=BUILT_AT)


@pytest.mark.parametrize(
    "line", ["", "pin", f"yesterday\tpin\t{ID}\twhy", f"2022-08-30 21:12:00\tpin\t{ID}", f"{ID}\tpin\t\t"]
)
def test_a_torn_or_foreign_line_is_passed_over(line: str) -> None:
    good = f"2022-08-30 21:12:00\tpin\t{ID}\tevening meeting"
    assert list(parse_pins([line, good, line])) == [ID]
