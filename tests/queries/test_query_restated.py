"""Restated figures under disclosure control, and the same question as decided and as known now."""

from __future__ import annotations

import random
from datetime import date, datetime
from pathlib import Path

import polars as pl
import pytest

from dashboard.cells import SUPPRESSED, cell
from dashboard.errors import OutOfScope, SnapshotNotFound
from dashboard.snapshot.contract import RESTATED
from dashboard.snapshot.publish import publish_snapshot, write_snapshot
from dashboard.snapshot.restated import restate, stored
from queries.cases import get_case_trend
from queries.codes import get_colour_trend
from queries.decided import ask_both, get_decided_view, get_known_view
from queries.overview import CARD_COLOURS
from queries.restated import get_restated_days, get_restatements
from queries.run import View
from tests.queries.worlds import CHENGDU, SICHUAN, view_of
from tests.tiny import DAY1, DAY2, EVE, FUCHENG, JINJIANG, WUHOU, build_tiny, frame, tiny_tables

NOW = datetime(2022, 8, 31, 9, 0)
COLOURS = ("green", "yellow", "red", "grey")
COUNTIES = ("510104", "510107", "510703", "5101F1")


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    root = tmp_path_factory.mktemp("tiny")
    return root, build_tiny(root).id


def test_what_was_restated_is_listed_with_both_values(tiny: tuple[Path, str]) -> None:
    rows = get_restatements(view_of(*tiny), area=SICHUAN, first=DAY1, last=DAY2)
    said = [(r.table, r.part, r.before, r.after, r.kind, r.areas, r.one) for r in rows]
    assert said == [
        ("case_daily", "local", cell(3), cell(4), "corrected", 1, FUCHENG),
        ("code_stock", "green", cell(2095), cell(2080), "corrected", None, None),
        ("code_stock", "yellow", cell(45), cell(60), "corrected", None, None),
        ("scan_hourly", "", cell(120), cell(350), "late", 1, WUHOU),
    ]
    assert {(r.date, r.snapshot_before, r.feed) for r in rows if r.table == "case_daily"} == {
        (DAY1, EVE, "cases")
    }
    assert get_restatements(view_of(*tiny), area=SICHUAN, first=DAY2, last=DAY2) == ()


def test_a_small_count_is_not_listed_whether_it_is_the_old_or_the_new_one(tiny: tuple[Path, str]) -> None:
    view = view_of(*tiny)
    assert get_restatements(view, area=JINJIANG, first=DAY1, last=DAY2) == ()
    shown = get_restatements(view, area=JINJIANG, first=DAY1, last=DAY2, min_cell=1)
    assert [(r.part, r.before, r.after) for r in shown] == [("red", cell(12), cell(5))]


def test_a_chart_gets_the_newest_statement_of_each_point(tiny: tuple[Path, str]) -> None:
    found = get_restated_days(
        view_of(*tiny, CHENGDU), area=CHENGDU, table="code_stock", measure="holders", first=DAY1, last=DAY2
    )
    assert {key: row.before for key, row in found.items()} == {
        (DAY1, "green"): cell(1795),
        (DAY1, "yellow"): cell(25),
    }


def test_an_area_outside_the_scope_is_not_answered(tiny: tuple[Path, str]) -> None:
    with pytest.raises(OutOfScope):
        get_restatements(view_of(*tiny, WUHOU), area=CHENGDU, first=DAY1, last=DAY2)


def _stock(
    rng: random.Random, day: date, before: list[tuple[object, ...]] | None
) -> list[tuple[object, ...]]:
    """Counts that are often small; with ``before`` some of them are other than then."""
    rows: list[tuple[object, ...]] = []
    for place, (area, colour) in enumerate((a, c) for a in COUNTIES for c in COLOURS):
        people = rng.choice((0, rng.randrange(1, 12), rng.randrange(10, 60)))
        if before is not None and rng.random() < 0.5:
            people = int(str(before[place][-1]))
        rows.append((day, area, colour, "no_risk", "15-59", people))
    return rows


def _write(root: Path, tables: dict[str, pl.DataFrame | pl.LazyFrame], hour: int) -> str:
    return write_snapshot(
        root,
        tables,
        data_time=datetime(2022, 8, 30, hour),
        built_at=NOW,
        policy_version=1,
        synthetic=True,
        feeds={},
    ).id


@pytest.mark.parametrize("seed", range(25))
def test_a_listed_count_of_people_is_one_that_both_snapshots_show(tmp_path: Path, seed: int) -> None:
    """Three snapshots of one day, each restating the one before.

    Whatever is listed stands open in the answers of the two it compares, so it tells nothing they do not.
    """
    rng = random.Random(seed)
    steps: list[list[tuple[object, ...]]] = []
    for _ in range(3):
        steps.append(_stock(rng, DAY1, steps[-1] if steps else None))
    ids: list[str] = []
    for hour, rows in enumerate(steps):
        tables: dict[str, pl.DataFrame | pl.LazyFrame] = {
            "code_stock": frame("code_stock", rows),
            "area": tiny_tables()["area"],
            "feed_state": tiny_tables()["feed_state"],
        }
        moment = datetime(2022, 8, 30, hour)
        if ids:
            draft = write_snapshot(
                tmp_path / f"draft{hour}",
                tables,
                data_time=moment,
                built_at=NOW,
                policy_version=1,
                synthetic=True,
                feeds={},
            )
            earlier = stored(
                tmp_path / "s" / ids[-1], view_of(tmp_path / "s", ids[-1]).store.manifest(ids[-1])
            )
            later = stored(tmp_path / f"draft{hour}" / draft.id, draft)
            # The carried rows of the middle snapshot are kept by hand, as the build keeps them.
            tables[RESTATED] = restate(earlier, later, known_at={}, data_time=moment).rows
        ids.append(_write(tmp_path / "s", tables, hour))
    order = {name: place for place, name in enumerate(ids)}
    now = view_of(tmp_path / "s", ids[-1])
    listed = 0
    for area in (SICHUAN, CHENGDU, *COUNTIES):
        for row in get_restatements(now, area=area, first=DAY1, last=DAY2):
            place = order[row.snapshot_before]
            for snapshot_id, value in ((ids[place], row.before), (ids[place + 1], row.after)):
                for apart in ((), CARD_COLOURS):
                    view = View(now.store, snapshot_id, now.scope)
                    answer = get_colour_trend(view, area=area, first=DAY1, last=DAY1, apart=apart)
                    shown = answer[0].colours
                    assert row.part not in shown or shown[row.part] == value != SUPPRESSED
            listed += 1
    if seed == 0:
        assert listed > 0


def test_as_decided_is_what_was_served_then_and_as_known_is_the_newest(tmp_path: Path) -> None:
    tables = tiny_tables()
    first = _write(tmp_path, tables | {"case_daily": tables["case_daily"].filter(~_counted())}, 20)
    second = _write(tmp_path, dict(tables), 21)
    publish_snapshot(tmp_path, first, now=datetime(2022, 8, 31, 8, 0))
    publish_snapshot(tmp_path, second, now=datetime(2022, 8, 31, 10, 0))
    view = view_of(tmp_path, second, CHENGDU)
    meeting = datetime(2022, 8, 31, 8, 30)
    both = ask_both(view, at=meeting, ask=lambda v: get_case_trend(v, area=CHENGDU, first=DAY1, last=DAY1))
    assert (both.decided_id, both.known_id) == (first, second)
    assert [row.confirmed_new for row in both.decided] == [0]
    assert [row.confirmed_new for row in both.known] == [3]
    assert both.restated
    assert get_decided_view(view, at=meeting).scope == view.scope == get_known_view(view).scope
    same = ask_both(view, at=datetime(2022, 8, 31, 11), ask=lambda v: v.snapshot_id)
    assert not same.restated
    with pytest.raises(SnapshotNotFound, match="Nothing was published at 2022-08-31 07:00"):
        get_decided_view(view, at=datetime(2022, 8, 31, 7))
    with pytest.raises(OutOfScope):
        ask_both(view, at=meeting, ask=lambda v: get_case_trend(v, area=FUCHENG, first=DAY1, last=DAY1))


def _counted() -> pl.Expr:
    return (pl.col("area") == WUHOU) & (pl.col("date") == DAY1)
