"""Every rule of the validation finds what it is there for, and nothing in a good snapshot."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from dashboard.snapshot.files import hash_file
from dashboard.snapshot.manifest import Manifest
from dashboard.snapshot.publish import write_snapshot
from dashboard.snapshot.report import Refused, Report, check_report, render_json, render_text
from dashboard.snapshot.rollup.parts import make_part
from dashboard.snapshot.stage import stage_snapshot
from dashboard.snapshot.validate import GROUPS, validate_snapshot
from tests.tiny import BUILT_AT, DATA_TIME, DAY1, DAY2, FUCHENG, JINJIANG, WUHOU, build_tiny, tiny_tables

REASONS = {
    "no_risk": ("green",),
    "time_space_overlap": ("yellow",),
    "near_risk_area": ("yellow",),
    "risk_area_stay": ("red",),
    "test_positive": ("red",),
    "close_contact": ("red",),
}
Change = Callable[[pl.DataFrame], pl.DataFrame]


def put(column: str, value: object, *, row: int = 0) -> Change:
    """A change that sets one cell."""

    def change(frame: pl.DataFrame) -> pl.DataFrame:
        here = pl.int_range(pl.len()) == row
        return frame.with_columns(
            pl.when(here)
            .then(pl.lit(value, dtype=frame.schema[column]))
            .otherwise(pl.col(column))
            .alias(column)
        )

    return change


def again(*, row: int = 0, **values: object) -> Change:
    """A change that adds a copy of one row, with other values."""

    def change(frame: pl.DataFrame) -> pl.DataFrame:
        copy = frame[row].with_columns(
            pl.lit(value, dtype=frame.schema[name]).alias(name) for name, value in values.items()
        )
        return pl.concat([frame, copy])

    return change


def drop(*, row: int) -> Change:
    """A change that leaves out one row."""
    return lambda frame: frame.filter(pl.int_range(pl.len()) != row)


def weeks_before(**values: object) -> Change:
    """A change that puts four weeks of one row, with other values, before a day like the last one."""

    def change(frame: pl.DataFrame) -> pl.DataFrame:
        days = [DAY2 - timedelta(days=n) for n in range(1, 29)]
        past = [again(row=0, date=day, **values)(frame)[-1] for day in days]
        return pl.concat([frame[1:], *past])

    return change


def without(feed: str) -> Change:
    return lambda frame: frame.filter(pl.col("feed") != feed)


def check(root: Path, tables: dict[str, pl.DataFrame]) -> Report:
    manifest = write_snapshot(
        root,
        tables,
        data_time=DATA_TIME,
        built_at=BUILT_AT,
        policy_version=1,
        synthetic=True,
        feeds={},
    )
    return validate_snapshot(root / manifest.id, manifest, reasons=REASONS)


@pytest.mark.parametrize(
    "absent", [(), ("scan_hourly",), ("code_stock", "code_flow"), ("risk_place", "case_daily")]
)
def test_a_good_snapshot_passes_every_rule(tmp_path: Path, absent: tuple[str, ...]) -> None:
    manifest = build_tiny(tmp_path, without=absent)
    heard: list[str] = []
    report = validate_snapshot(tmp_path / manifest.id, manifest, reasons=REASONS, on_rule=heard.append)
    assert [f for f in report.findings if f.outcome != "ok"] == []
    assert heard == [rule.__name__ for group in GROUPS for rule in group]


TOMORROW = DAY2 + timedelta(days=1)
BAD = [
    ("code_stock", again(), "keys_are_unique", "error"),
    ("area", again(name_zh="另一个"), "keys_are_unique", "error"),
    ("code_stock", put("holders", None), "nothing_required_is_missing", "error"),
    ("risk_place", put("text", None), "nothing_required_is_missing", "error"),
    ("code_flow", put("actor", "clerk"), "values_are_allowed", "error"),
    ("code_stock", put("age_band", "0-13"), "values_are_allowed", "error"),
    ("code_stock", put("holders", -1), "numbers_lie_within_bounds", "error"),
    ("scan_hourly", put("hour", 24), "numbers_lie_within_bounds", "error"),
    ("code_stock", put("area", "999999"), "areas_are_known", "error"),
    ("case_daily", put("area", "510199"), "areas_are_known", "error"),
    ("scan_hourly", put("area", "510100"), "areas_are_known", "error"),
    ("area", put("parent", "520000", row=3), "areas_form_a_tree", "error"),
    ("area", put("parent", None, row=3), "areas_form_a_tree", "error"),
    ("area", put("successor", "510198", row=3), "areas_form_a_tree", "error"),
    ("code_stock", put("date", TOMORROW), "no_row_is_from_the_future", "error"),
    ("risk_place", put("listed_from", TOMORROW, row=3), "no_row_is_from_the_future", "error"),
    ("risk_place", put("since", TOMORROW), "no_row_is_from_the_future", "warning"),
    ("feed_state", without("scans"), "every_feed_has_a_state", "error"),
    ("code_stock", put("colour", "blue"), "reasons_match_their_colours", "error"),
    ("code_stock", put("reason", "because"), "reasons_match_their_colours", "error"),
    ("code_stock", put("reason", "test_positive"), "reasons_match_their_colours", "error"),
    ("code_flow", put("from_colour", "blue"), "reasons_match_their_colours", "error"),
    ("code_flow", put("reason", "test_positive"), "reasons_match_their_colours", "error"),
    ("code_flow", put("changes", 39), "changes_cover_people", "error"),
    ("scan_hourly", put("red", 97), "parts_of_scans_fit", "error"),
    ("scan_hourly", put("refused", 101), "parts_of_scans_fit", "error"),
    ("code_stock", put("holders", 1011, row=0), "flows_explain_stocks", "warning"),
    ("code_flow", put("people", 1, row=3), "flows_explain_stocks", "warning"),
    ("case_daily", put("confirmed_total", 120, row=5), "cases_add_up", "warning"),
    ("case_daily", put("correction", False, row=6), "cases_add_up", "error"),
    ("risk_place", put("listed_to", DAY1, row=1), "places_are_listed_once", "error"),
    ("risk_place", again(row=0, listed_from=DAY2), "places_are_listed_once", "error"),
    ("risk_place", again(row=0, level="medium", listed_from=DAY2), "places_are_listed_once", "warning"),
    ("code_cohort", put("reason", "because"), "reasons_match_their_colours", "error"),
    ("ticket_daily", put("reason", "because"), "reasons_match_their_colours", "error"),
    ("load_minute", put("minute", datetime(2022, 8, 31)), "no_row_is_from_the_future", "error"),
    ("institution", put("lon", 120.0), "numbers_lie_within_bounds", "error"),
    ("code_release", put("on_time", 5, row=2), "parts_fit_their_wholes", "error"),
    ("code_release", put("median_hours", 31, row=2), "parts_fit_their_wholes", "error"),
    ("venue_daily", put("silent", 16), "parts_fit_their_wholes", "error"),
    ("venue_daily", put("active", 16), "parts_fit_their_wholes", "error"),
    ("venue_daily", put("new", 16), "parts_fit_their_wholes", "error"),
    ("arrival_daily", put("scanned", 301), "parts_fit_their_wholes", "error"),
    ("arrival_daily", put("from_risk", 301), "parts_fit_their_wholes", "error"),
    ("test_daily", put("tested", 501), "parts_fit_their_wholes", "error"),
    ("test_daily", put("reported", 501), "parts_fit_their_wholes", "error"),
    ("test_daily", put("in_24h", 501), "parts_fit_their_wholes", "error"),
    ("test_daily", put("positive", 501), "parts_fit_their_wholes", "error"),
    ("contact_daily", put("lost", 2), "parts_fit_their_wholes", "error"),
    ("pushed_list_daily", put("overdue", 3), "parts_fit_their_wholes", "error"),
    ("service_daily", put("failures", 101), "parts_fit_their_wholes", "error"),
    ("ticket_daily", put("upheld", 5), "parts_fit_their_wholes", "error"),
    ("hotline_halfhour", put("answered", 101), "parts_fit_their_wholes", "error"),
    ("hotline_halfhour", put("in_15s", 98), "parts_fit_their_wholes", "error"),
    ("load_minute", put("errors", 6001), "parts_fit_their_wholes", "error"),
    ("load_minute", put("peak_per_second", 6001), "parts_fit_their_wholes", "error"),
    ("code_release", put("open_overdue", 2, row=2), "levels_follow_from_their_flows", "warning"),
    ("adoption_daily", put("not_moved", 86, row=1), "levels_follow_from_their_flows", "warning"),
    ("vaccination_daily", put("cumulative", 151, row=2), "levels_follow_from_their_flows", "warning"),
    ("funnel", put("dropped", 1), "funnels_reconcile", "error"),
    ("funnel", put("computed_at", BUILT_AT + timedelta(days=1)), "no_row_is_from_the_future", "error"),
    ("funnel", put("drop_reason", "other"), "funnels_reconcile", "error"),
    ("funnel", put("stage", "other", row=1), "funnels_reconcile", "error"),
    ("funnel", drop(row=6), "funnels_reconcile", "error"),
    ("funnel", again(row=4, area=FUCHENG), "funnels_reconcile", "error"),
    ("code_channel", put("active", 1156), "daily_tables_agree_with_codes", "warning"),
    ("code_channel", put("issued", 7, row=7), "daily_tables_agree_with_codes", "warning"),
    ("code_cohort", put("holders", 31), "daily_tables_agree_with_codes", "warning"),
    ("integrity", put("changes", 6), "daily_tables_agree_with_codes", "warning"),
    ("scan_pixel", put("scans", 271), "scans_agree_with_each_other", "warning"),
    ("scan_pyramid", put("scans", 271), "scans_agree_with_each_other", "warning"),
    ("venue_daily", put("active", 9), "scans_agree_with_each_other", "warning"),
    ("hotline_halfhour", weeks_before(half_hour=6, offered=1_000), "newest_days_are_no_jump", "warning"),
]


@pytest.mark.parametrize(("table", "change", "rule", "outcome"), BAD)
def test_a_rule_finds_the_bad_row(
    tmp_path: Path, table: str, change: Change, rule: str, outcome: str
) -> None:
    tables = tiny_tables()
    report = check(tmp_path, tables | {table: change(tables[table])})
    found = {(f.rule, f.outcome) for f in report.findings if f.outcome != "ok"}
    assert (rule, outcome) in found
    for finding in report.findings:
        if finding.outcome != "ok":
            assert finding.sentence_zh, "a finding is shown on the board in both languages"
        assert all(re.fullmatch(r"(date=\S+)? ?(area=\S+)?", text) for text in finding.where)


def test_every_rule_has_a_case_that_breaks_it() -> None:
    rules = {rule.__name__ for group in GROUPS for rule in group}
    elsewhere = {"files_are_as_built", "columns_are_those_of_the_contract"}
    assert rules - elsewhere == {rule for _, _, rule, _ in BAD}


def test_flows_that_explain_too_little_are_named_with_the_worst_area(tmp_path: Path) -> None:
    tables = tiny_tables()
    flow = tables["code_flow"].filter(~((pl.col("date") == DAY2) & (pl.col("area") != WUHOU)))
    report = check(tmp_path, tables | {"code_flow": flow})
    (finding,) = [f for f in report.warnings if f.rule == "flows_explain_stocks"]
    # 锦江 5 out of red into green, 涪城 8 out of green into yellow: four rows, two areas, at most 8.
    assert (finding.rows, finding.outcome) == (4, "warning")
    assert "2 areas; the largest difference is 8 people" in finding.sentence
    assert finding.sample[0].startswith("date=2022-08-30 area=510703 colour=green today=292 yesterday=300")
    said = "2 个地区的转码流量与码量变化不符，最大相差 8 人。 / " + finding.sentence
    assert said in report.board_warnings()


def test_an_area_that_did_not_report_yesterday_is_not_compared(tmp_path: Path) -> None:
    tables = tiny_tables()
    stock = tables["code_stock"].filter(~((pl.col("date") == DAY1) & (pl.col("area") == JINJIANG)))
    assert check(tmp_path, tables | {"code_stock": stock}).warnings == ()


def test_a_place_may_come_back_and_may_move_to_another_level(tmp_path: Path) -> None:
    tables = tiny_tables()
    places = again(row=2, listed_from=DAY2, listed_to=None)(tables["risk_place"])
    moved = again(row=2, level="low", listed_from=DAY2, listed_to=None)(tables["risk_place"])
    for frame in (places, moved):
        report = check(tmp_path, tables | {"risk_place": frame})
        assert (report.errors, report.warnings) == ((), ())


def check_parts(
    root: Path, rest: pl.DataFrame | None, parts: dict[date, pl.DataFrame], *, checked: tuple[date, ...] = ()
) -> set[str]:
    """The sentences against ``code_flow`` when some of its days are partitions."""
    tables = tiny_tables()
    del tables["code_flow"]
    made = {}
    for day, rows in parts.items():
        (root / str(day)).mkdir(parents=True)
        made[day] = make_part(root / str(day), "code_flow", day, rows)
    known = [made[day].entry.sha256 for day in checked]
    with stage_snapshot(
        root,
        tables if rest is None else tables | {"code_flow": rest},
        data_time=DATA_TIME,
        built_at=BUILT_AT,
        policy_version=1,
        synthetic=True,
        feeds={},
        parts=list(made.values()),
    ) as candidate:
        report = validate_snapshot(candidate.folder, candidate.manifest, reasons=REASONS, checked=known)
    return {f.sentence for f in report.errors if f.rule == "keys_are_unique"}


def test_keys_are_unique_within_and_between_partitions(tmp_path: Path) -> None:
    flow = tiny_tables()["code_flow"]
    days = {day: flow.filter(pl.col("date") == day) for day in (DAY1, DAY2)}
    assert all(rows.height for rows in days.values())
    key = "date, area, from_colour, to_colour, reason, actor"
    twice = f"Table code_flow: 1 row: the key ({key}) occurs more than once."
    assert check_parts(tmp_path / "good", None, days) == set()
    assert check_parts(tmp_path / "mixed", days[DAY1], {DAY2: days[DAY2]}) == set()
    doubled = days | {DAY2: again()(days[DAY2])}
    assert check_parts(tmp_path / "twin", None, doubled) == {twice}
    assert check_parts(tmp_path / "rest", again()(days[DAY1]), {DAY2: days[DAY2]}) == {twice}
    foreign = days | {DAY2: pl.concat([days[DAY2], days[DAY1][:1]])}
    assert check_parts(tmp_path / "foreign", None, foreign) == {
        f"Table code_flow: 1 row of another day in code_flow/date={DAY2}/part.parquet."
    }
    (said,) = check_parts(tmp_path / "beside", flow, {DAY2: days[DAY2]})
    assert said.startswith(f"Table code_flow: {days[DAY2].height} row")
    assert said.endswith("of a day that has a partition of its own.")
    # What an earlier build checked is not looked at again; everything else is.
    assert check_parts(tmp_path / "known", None, doubled, checked=(DAY2,)) == set()
    assert check_parts(tmp_path / "other", None, doubled, checked=(DAY1,)) == {twice}


def test_an_older_overlap_is_not_hidden_by_a_shorter_listing(tmp_path: Path) -> None:
    tables = tiny_tables()
    frame = tables["risk_place"]
    rows = [
        frame[0].with_columns(listed_from=pl.lit(date(2022, 8, day)), listed_to=pl.lit(last, dtype=pl.Date))
        for day, last in ((1, date(2022, 8, 20)), (2, date(2022, 8, 3)), (10, date(2022, 8, 12)))
    ]
    report = check(tmp_path, tables | {"risk_place": pl.concat(rows)})
    (finding,) = report.errors
    assert finding.rows == 2


def test_data_from_far_ahead_of_the_build_are_refused(tmp_path: Path) -> None:
    manifest = build_tiny(tmp_path)
    early = dataclasses.replace(manifest, built_at=BUILT_AT - timedelta(days=2))
    report = validate_snapshot(tmp_path / manifest.id, early, reasons=REASONS)
    assert {f.rule for f in report.errors} == {"no_row_is_from_the_future"}


def reseal(folder: Path, manifest: Manifest, table: str) -> Manifest:
    """A manifest that agrees with a rewritten file, so that only the columns are wrong."""
    entries = []
    for entry in manifest.tables:
        files = entry.files
        if entry.name == table:
            path = folder / files[0].path
            files = (dataclasses.replace(files[0], bytes=path.stat().st_size, sha256=hash_file(path)),)
        entries.append(dataclasses.replace(entry, files=files))
    return dataclasses.replace(manifest, tables=tuple(entries))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda f: f.drop("holders"), "holders is missing"),
        (lambda f: f.with_columns(extra=1), "extra is unknown"),
        (lambda f: f.with_columns(pl.col("holders").cast(pl.Float64)), "holders is Float64 instead of Int64"),
    ],
)
def test_other_columns_are_refused_before_any_row_is_read(tmp_path: Path, change: Change, said: str) -> None:
    manifest = build_tiny(tmp_path)
    path = tmp_path / manifest.id / "code_stock" / "part-0.parquet"
    change(pl.read_parquet(path)).write_parquet(path)
    sealed = reseal(tmp_path / manifest.id, manifest, "code_stock")
    report = validate_snapshot(tmp_path / manifest.id, sealed, reasons=REASONS)
    (finding,) = report.errors
    assert (finding.rule, finding.table) == ("columns_are_those_of_the_contract", "code_stock")
    assert said in finding.sentence
    assert "keys_are_unique" not in {f.rule for f in report.findings}


def test_a_manifest_without_one_table_is_refused(tmp_path: Path) -> None:
    manifest = build_tiny(tmp_path)
    short = dataclasses.replace(manifest, tables=manifest.tables[1:])
    report = validate_snapshot(tmp_path / manifest.id, short, reasons=REASONS)
    assert [f.rule for f in report.errors] == ["files_are_as_built"]


def test_the_report_says_table_rule_rows_and_sample(tmp_path: Path) -> None:
    tables = tiny_tables()
    frame = put("holders", -1)(put("holders", -3, row=1)(tables["code_stock"]))
    report = check(tmp_path, tables | {"code_stock": frame})
    text = render_text(report)
    assert "ERROR    Table code_stock: 2 rows whose holders is not 0 and above." in text
    assert "date=2022-08-29 area=510107 colour=green reason=no_risk age_band=15-59 holders=-1" in text
    data = json.loads(render_json(report))
    assert {f["rule"] for f in data["findings"] if f["outcome"] == "error"} == {"numbers_lie_within_bounds"}
    with pytest.raises(Refused, match="2 rows whose holders is not 0 and above") as caught:
        check_report(report)
    assert caught.value.report is report
