"""Late and corrected days: what a build notes about the snapshot before it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from dashboard.cli.main import run
from dashboard.errors import InputError, SnapshotInvalid
from dashboard.snapshot.build import BuildResult, build_snapshot
from dashboard.snapshot.contract import ADDED_LATER, MEASURES, RESTATED, TABLE_BY_NAME
from dashboard.snapshot.history import HISTORY, Switch, append_line, current_at
from dashboard.snapshot.last_build import LAST_BUILD, LastBuild, read_last_build, read_refused
from dashboard.snapshot.manifest import MANIFEST, Manifest, read_manifest
from dashboard.snapshot.publish import publish_snapshot, roll_back, write_snapshot
from dashboard.snapshot.report import Refused
from dashboard.snapshot.restated import LATE_DAYS, Stored, find_changes, restate, stored
from tests.tiny import (
    CHENGDU,
    DATA_TIME,
    DAY1,
    DAY2,
    FUCHENG,
    GAOXIN,
    JINJIANG,
    MIANYANG,
    SICHUAN,
    WUHOU,
    frame,
    tiny_tables,
    write_delivery,
)

NOW = datetime(2022, 8, 31, 9, 30)
Change = Callable[[pl.DataFrame], pl.DataFrame]
Row = tuple[object, ...]


def world(root: Path, changes: Mapping[str, Change | None], *, moment: datetime = DATA_TIME) -> Stored:
    """The tiny snapshot with some tables changed, or left out."""
    tables = tiny_tables(without=[RESTATED])
    for name, change in changes.items():
        if change is None:
            del tables[name]
        else:
            tables[name] = change(tables[name])
    manifest = write_snapshot(
        root, tables, data_time=moment, built_at=NOW, policy_version=1, synthetic=True, feeds={}
    )
    return stored(root / manifest.id, manifest)


def where(**values: object) -> pl.Expr:
    return pl.all_horizontal(pl.col(name) == value for name, value in values.items())


def put(column: str, value: object, **key: object) -> Change:
    return lambda rows: rows.with_columns(
        pl.when(where(**key))
        .then(pl.lit(value))
        .otherwise(pl.col(column))
        .cast(rows.schema[column])
        .alias(column)
    )


def drop(**key: object) -> Change:
    return lambda rows: rows.filter(~where(**key))


def changes_of(earlier: Stored, later: Stored) -> set[Row]:
    names = ("date", "area", "table_name", "measure", "part", "before", "after", "kind")
    return set(find_changes(earlier, later).select(names).iter_rows())


def test_a_corrected_count_is_noted_for_its_area_and_every_area_above(tmp_path: Path) -> None:
    now = world(tmp_path, {})
    then = world(tmp_path, {"case_daily": put("confirmed_new", 5, date=DAY1, area=WUHOU)})
    said = ("case_daily", "confirmed_new", "local")
    assert changes_of(then, now) == {
        (DAY1, WUHOU, *said, 5, 3, "corrected"),
        (DAY1, CHENGDU, *said, 5, 3, "corrected"),
        (DAY1, SICHUAN, *said, 6, 4, "corrected"),
    }
    assert changes_of(now, now) == set()


def test_the_newest_day_then_and_a_day_that_was_missing_are_late(tmp_path: Path) -> None:
    now = world(tmp_path, {})
    then = world(
        tmp_path,
        {
            "test_daily": put("reported", 0, date=DAY2, area=WUHOU),
            "venue_daily": drop(date=DAY1, area=WUHOU),
        },
    )
    found = changes_of(then, now)
    assert {row[-1] for row in found if row[0] == DAY2} == {"late"}
    missing = [row for row in found if row[1] == WUHOU and row[2] == "venue_daily"]
    assert {row[5] for row in missing} == {None}
    assert {row[-1] for row in missing} == {"late"}


def test_of_an_area_that_reported_a_colour_without_a_row_is_zero_and_a_missing_value_stays_missing(
    tmp_path: Path,
) -> None:
    now = world(tmp_path, {})
    then = world(
        tmp_path,
        {
            "code_stock": drop(date=DAY1, area=GAOXIN, colour="red"),
            "case_daily": put("asymptomatic_new", 9, date=DAY1, area=JINJIANG),
        },
    )
    found = changes_of(then, now)
    assert (DAY1, GAOXIN, "code_stock", "holders", "red", 0, 11, "corrected") in found
    assert (DAY1, JINJIANG, "case_daily", "asymptomatic_new", "local", 9, None, "corrected") in found
    assert (DAY1, CHENGDU, "case_daily", "asymptomatic_new", "local", 11, 2, "corrected") in found


@pytest.mark.parametrize("side", ["then", "now"])
def test_a_table_that_one_of_the_two_lacks_is_not_compared(tmp_path: Path, side: str) -> None:
    whole, holed = world(tmp_path, {}), world(tmp_path, {"case_daily": None})
    then, now = (holed, whole) if side == "then" else (whole, holed)
    assert not [row for row in changes_of(then, now) if row[2] == "case_daily"]


def test_days_only_one_of_the_two_speaks_of_are_no_restatement(tmp_path: Path) -> None:
    now, then = world(tmp_path, {}), world(tmp_path, {"scan_hourly": drop(date=DAY2)})
    assert not [row for row in changes_of(then, now) if row[2] == "scan_hourly"]


def test_a_risk_list_of_the_past_that_came_late_restates_its_days(tmp_path: Path) -> None:
    now = world(tmp_path, {})
    then = world(tmp_path, {"risk_place": drop(place_id="p-wuhou-1")})
    found = {row for row in changes_of(then, now) if row[2] == "risk_place" and row[1] == WUHOU}
    said = (WUHOU, "risk_place", "places", "high", 0, 1)
    assert found == {(DAY1, *said, "corrected"), (DAY2, *said, "late")}


def test_every_measure_is_a_column_that_adds_up() -> None:
    for measure in MEASURES:
        table = TABLE_BY_NAME[measure.table]
        if measure.table == "risk_place":
            continue
        column = table.column(measure.column)
        assert column.additive
        assert not measure.part or table.column(measure.part)
        # Counts of people are hidden where they are small; nobody may forget to say so.
        assert measure.people == (column.unit == "people"), measure


def _restate(then: Stored, now: Stored, **more: int) -> pl.DataFrame:
    return restate(then, now, known_at={"cases": NOW}, data_time=DATA_TIME, **more).rows


def test_the_arrival_of_the_feed_says_since_when_and_the_data_time_stands_in(tmp_path: Path) -> None:
    now = world(tmp_path, {})
    then = world(
        tmp_path,
        {
            "case_daily": put("confirmed_new", 5, date=DAY1, area=WUHOU),
            "scan_hourly": put("scans", 1, date=DAY1, area=FUCHENG),
        },
    )
    rows = _restate(then, now)
    assert rows.filter(where(table_name="case_daily"))["known_at"].unique().to_list() == [NOW]
    assert rows.filter(where(table_name="scan_hourly"))["known_at"].unique().to_list() == [DATA_TIME]
    assert rows["snapshot_before"].unique().to_list() == [then.id]


def test_what_does_not_fit_is_counted_and_corrections_of_large_areas_stay(tmp_path: Path) -> None:
    now = world(tmp_path, {})
    then = world(
        tmp_path,
        {
            "case_daily": put("confirmed_new", 5, date=DAY1, area=WUHOU),
            "scan_hourly": put("scans", 1, date=DAY1, area=FUCHENG),
            "test_daily": put("sampled", 1000, date=DAY2, area=WUHOU),
        },
    )
    found = restate(then, now, known_at={}, data_time=DATA_TIME, most=2)
    assert found.left_out == 7
    assert set(found.rows.select("area", "kind").iter_rows()) == {(SICHUAN, "corrected")}


def test_late_days_are_forgotten_after_two_weeks_and_corrections_with_their_day(tmp_path: Path) -> None:
    known = datetime(2022, 8, 1)
    old = DAY2 - timedelta(days=LATE_DAYS)
    rows: list[Row] = [
        (day, SICHUAN, "scan_hourly", "scans", "", 1, 2, kind, "20220801T0000-0123456789ab", known)
        for day in (old, old + timedelta(days=1), DAY1, date(2022, 1, 1))
        for kind in ("late", "corrected")
        if (day, kind) != (DAY1, "corrected")
    ]
    keep = {"scan_hourly": lambda table: pl.concat([table, table[0].with_columns(date=pl.lit(old))])}
    earlier = world(tmp_path / "a", keep)
    entry = write_snapshot(
        tmp_path / "b",
        {RESTATED: frame(RESTATED, [r for r in rows if r[7] == "late"])},
        data_time=DATA_TIME,
        built_at=NOW,
        policy_version=1,
        synthetic=True,
        feeds={},
    )
    carried = stored(tmp_path / "b" / entry.id, entry)
    kept = restate(carried, earlier, known_at={}, data_time=DATA_TIME).rows
    assert sorted(kept["date"].to_list()) == [old + timedelta(days=1), DAY1]
    entry = write_snapshot(
        tmp_path / "c",
        {RESTATED: frame(RESTATED, [r for r in rows if r[7] == "corrected"])},
        data_time=DATA_TIME,
        built_at=NOW,
        policy_version=1,
        synthetic=True,
        feeds={},
    )
    carried = stored(tmp_path / "c" / entry.id, entry)
    kept = restate(carried, earlier, known_at={}, data_time=DATA_TIME).rows
    assert sorted(kept["date"].to_list()) == [old, old + timedelta(days=1)]


class Home:
    """Deliveries that follow one another, each built and published."""

    def __init__(self, tmp_path: Path) -> None:
        self.folder = write_delivery(tmp_path / "in")
        self.out = tmp_path / "home" / "snapshots"
        self.hours = 0

    def change(self, table: str, change: Change) -> None:
        path = self.folder / table / "two-days.parquet"
        change(pl.read_parquet(path)).write_parquet(path)

    def build(self) -> BuildResult:
        self.hours += 1
        at = NOW + timedelta(hours=self.hours)
        return build_snapshot(input_dir=self.folder, out=self.out, publish=True, clock=lambda: at)

    def rows(self, manifest: Manifest) -> list[Row]:
        names = ("date", "area", "table_name", "before", "after", "snapshot_before")
        path = self.out / manifest.id / RESTATED / "part-0.parquet"
        return sorted(pl.read_parquet(path).select(names).iter_rows())


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def test_a_build_notes_what_it_restated_and_the_next_ones_carry_it_on(home: Home) -> None:
    first = home.build().manifest
    assert home.rows(first) == []
    home.change("scan_hourly", put("refused", 5, date=DAY1, area=FUCHENG))
    second = home.build().manifest
    lines = [(DAY1, area, "scan_hourly", old, old + 5, first.id) for area, old in
             ((SICHUAN, 5), (MIANYANG, 0), (FUCHENG, 0))]  # fmt: skip
    assert home.rows(second) == sorted(lines)
    again = home.build()
    assert (again.already, again.manifest.id) == (True, second.id)
    home.change("scan_hourly", put("refused", 6, date=DAY1, area=FUCHENG))
    third = home.build().manifest
    more = [(DAY1, area, "scan_hourly", old + 5, old + 6, second.id) for area, old in
            ((SICHUAN, 5), (MIANYANG, 0), (FUCHENG, 0))]  # fmt: skip
    assert home.rows(third) == sorted(lines + more)
    roll_back(home.out, now=NOW + timedelta(hours=9))
    assert home.build().manifest.id == third.id


def test_an_old_delivery_that_is_built_again_corrects_nothing(home: Home) -> None:
    home.build()
    for table in ("scan_hourly", "code_stock"):
        home.change(table, drop(date=DAY2))
    later = write_snapshot(
        home.out,
        tiny_tables(),
        data_time=DATA_TIME + timedelta(days=30),
        built_at=NOW,
        policy_version=1,
        synthetic=True,
        feeds={},
    )
    publish_snapshot(home.out, later.id, now=NOW + timedelta(hours=2))
    found = {row[5] for row in home.rows(home.build().manifest)}
    assert later.id not in found


def test_invented_and_real_days_are_never_compared(home: Home) -> None:
    home.build()
    (home.folder / "synthetic.json").unlink()
    home.change("scan_hourly", put("refused", 5, date=DAY1, area=FUCHENG))
    real = home.build().manifest
    assert not real.synthetic
    assert home.rows(real) == []


def test_a_torn_earlier_snapshot_is_told_and_stops_no_build(home: Home) -> None:
    first = home.build().manifest
    path = home.out / first.id / "code_stock" / "part-0.parquet"
    path.write_bytes(path.read_bytes()[:-40])
    home.change("scan_hourly", put("refused", 5, date=DAY1, area=FUCHENG))
    second = home.build().manifest
    assert home.rows(second) == []
    assert [w for w in second.warnings if first.id in w and "cannot be read" in w and "无法读取" in w]


def test_a_snapshot_of_before_this_table_is_read_and_says_that_it_does_not_know(home: Home) -> None:
    manifest = home.build().manifest
    path = home.out / manifest.id / MANIFEST
    raw = json.loads(path.read_text(encoding="utf-8"))
    raw["tables"] = [table for table in raw["tables"] if table["name"] not in ADDED_LATER]
    del raw["validation"]
    path.write_text(json.dumps(raw), encoding="utf-8")
    read = read_manifest(home.out / manifest.id)
    assert read.validation is None
    assert [t.name for t in read.tables if not t.reported] == [RESTATED]


def test_a_manifest_with_a_validation_of_another_form_is_refused(home: Home) -> None:
    manifest = home.build().manifest
    path = home.out / manifest.id / MANIFEST
    raw = json.loads(path.read_text(encoding="utf-8")) | {"validation": {"passed": "many"}}
    path.write_text(json.dumps(raw), encoding="utf-8")
    with pytest.raises(SnapshotInvalid, match="not complete"):
        read_manifest(home.out / manifest.id)


def test_the_snapshot_in_service_at_a_moment(tmp_path: Path) -> None:
    a, b = "20220829T2100-0123456789ab", "20220830T2100-0123456789ab"
    for hour, action, name in ((8, "publish", a), (10, "publish", b), (12, "rollback", a)):
        append_line(tmp_path / HISTORY, Switch(datetime(2022, 8, 31, hour), action, name).line())
    at = {hour: current_at(tmp_path, datetime(2022, 8, 31, hour, 30)) for hour in (7, 8, 10, 12)}
    assert at == {7: None, 8: a, 10: b, 12: a}
    assert current_at(tmp_path, datetime(2022, 8, 31, 10)) == b
    assert current_at(tmp_path / "nowhere", NOW) is None


def test_a_refused_build_leaves_a_report_without_any_value(home: Home) -> None:
    served = home.build().manifest
    assert read_refused(home.out, served=served.built_at) is None
    home.change("test_daily", put("tested", 987_654_321, date=DAY1, area=WUHOU))
    with pytest.raises(Refused):
        home.build()
    build = read_refused(home.out, served=served.built_at)
    assert build is not None
    assert build.validation is not None
    finding = next(f for f in build.validation.findings if f.table == "test_daily")
    assert (finding.outcome, finding.rule, finding.rows) == ("error", "parts_fit_their_wholes", 1)
    assert finding.where == (f"date={DAY1} area={WUHOU}",)
    assert finding.sentence_zh == "表 test_daily：1 行的 tested 大于 sampled。"
    assert "987654321" not in (home.out / LAST_BUILD).read_text(encoding="utf-8")
    home.change("test_daily", put("tested", 0, date=DAY1, area=WUHOU))
    for column in ("reported", "in_24h", "positive"):
        home.change("test_daily", put(column, 0, date=DAY1, area=WUHOU))
    home.build()
    assert read_refused(home.out, served=served.built_at) is None


def test_a_delivery_of_which_nothing_can_be_used_is_noted(home: Home, tmp_path: Path) -> None:
    served = home.build().manifest
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError):
        build_snapshot(input_dir=tmp_path / "empty", out=home.out, clock=lambda: NOW + timedelta(hours=5))
    build = read_refused(home.out, served=served.built_at)
    assert build is not None
    assert (build.id, build.validation) == ("", None)
    assert "holds nothing that can be used" in build.trouble


@pytest.mark.parametrize("text", ["", "{", "[]", '{"at": "yesterday"}', '{"at": "2022-08-31T08:00:00"}'])
def test_a_torn_note_of_the_last_build_is_no_note(tmp_path: Path, text: str) -> None:
    (tmp_path / LAST_BUILD).write_text(text, encoding="utf-8")
    assert read_last_build(tmp_path) is None


def test_the_last_build_is_dated_and_newer_than_what_is_served(tmp_path: Path) -> None:
    from dashboard.snapshot.last_build import write_last_build

    write_last_build(tmp_path, LastBuild(at=NOW, id="", outcome="refuse", trouble="nothing"))
    assert read_refused(tmp_path, served=NOW) is None
    assert read_refused(tmp_path, served=None) == read_last_build(tmp_path)


def test_the_command_lists_what_was_restated(
    home: Home, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(os.environ, "TIANFU_HOME", str(home.out.parent))
    first = home.build().manifest
    home.change("scan_hourly", put("refused", 5, date=DAY1, area=FUCHENG))
    home.change("code_stock", put("holders", 4, date=DAY1, area=FUCHENG, colour="yellow"))
    home.build()
    assert run(["snapshot", "restated"]) == 0
    said = capsys.readouterr().out
    assert f"{DAY1}  corrected  scan_hourly.refused: 5 -> 10  (said by {first.id})" in said
    assert run(["snapshot", "restated", "--from", first.id, "--area", FUCHENG, "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(r["table_name"], r["before"], r["after"]) for r in rows] == [("scan_hourly", 0, 5)]
    assert run(["snapshot", "restated", "--from", first.id, "--area", FUCHENG]) == 0
    assert "1 small counts of people are left out" in capsys.readouterr().out
    assert run(["snapshot", "restated", "--at", "2000-01-01 00:00"]) == 5
    assert run(["snapshot", "restated", "--area", "nowhere"]) != 0
    assert run(["snapshot", "restated", "--from", "../x"]) == 5
