"""The daily tables of the demo data: within the contract, agreeing with each other, telling the story."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from dashboard.demo.daily import DAILY_TABLES
from dashboard.demo.generate import generate
from dashboard.demo.planted import is_planted
from dashboard.demo.story import FORMER_CODES, FORMER_IN_USE
from dashboard.i18n.catalogue import LANGS, Lang, t
from dashboard.snapshot.build import build_snapshot
from dashboard.snapshot.contract import AGGREGATES, FEEDS, TABLE_BY_NAME
from dashboard.snapshot.importers.result import polars_schema
from dashboard.snapshot.rules_jumps import SERIES, daily_counts, find_jumps

END = date(2021, 2, 3)
PIXELS = {"scan_pixel", "scan_pyramid", "scan_holders"}


def day(offset: int) -> date:
    return END + timedelta(days=offset)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("daily")
    generate(out, scale="demo")
    return out


def table(folder: Path, name: str) -> pl.DataFrame:
    frame = pl.concat([pl.read_parquet(path) for path in sorted((folder / name).glob("*.parquet"))])
    return frame.filter(~is_planted(name)) if name in ("code_stock", "code_flow", "scan_hourly") else frame


def per_day(frame: pl.DataFrame, column: str) -> dict[date, int]:
    return dict(frame.group_by("date").agg(pl.col(column).sum()).rows())


def test_every_table_that_is_no_roll_up_is_delivered() -> None:
    delivered = {*DAILY_TABLES, "code_stock", "code_flow", "scan_hourly"}
    assert delivered == set(AGGREGATES) - PIXELS


@pytest.mark.parametrize("name", DAILY_TABLES)
def test_rows_keep_the_contract(folder: Path, name: str) -> None:
    frame, declared = table(folder, name), TABLE_BY_NAME[name]
    assert frame.schema == polars_schema(declared)
    assert frame.height > 0
    assert frame.select(declared.key).is_duplicated().sum() == 0
    for column in declared.columns:
        assert column.nullable or frame[column.name].null_count() == 0, column.name


@pytest.mark.parametrize("scale", ["tiny", "demo"])
def test_the_delivery_is_published_without_a_warning(tmp_path: Path, scale: str) -> None:
    generate(tmp_path / "in", scale=scale)  # type: ignore[arg-type]
    result = build_snapshot(
        input_dir=tmp_path / "in", out=tmp_path / "out", clock=lambda: datetime(2021, 2, 4, 9)
    )
    assert (result.report.errors, result.report.warnings) == ((), ())
    assert {entry.name for entry in result.manifest.tables if not entry.reported} == PIXELS
    late = {feed for feed, state in result.manifest.feeds.items() if state != "on_time"}
    assert late == {"scans"}
    assert set(result.manifest.feeds) == {feed.id for feed in FEEDS}


def test_jumps_are_those_of_the_story(folder: Path) -> None:
    found: dict[str, set[int]] = {}
    for series in SERIES:
        rows = table(folder, series.table).lazy().filter(pl.col("date") <= END)
        daily = daily_counts(rows, series)
        for offset in range(-61, 1):
            if find_jumps(daily, day(offset)):
                found.setdefault(series.name, set()).add(offset)
    assert min(min(days) for days in found.values()) >= -26, "quiet months raise no alarm"
    assert {-25, -24, -23} <= found["turned yellow"], "the wide net"
    assert {-23, -22, -7} <= found["turned red"], "the contacts, and the red codes by hand"
    assert found["codes shown"] == {-9}, "the morning of the mass tests"
    assert found["calls offered"] == {-16, -15, -14, -13}, "schools ask for codes"
    assert not any(0 in days for days in found.values()), "the last day is an ordinary one"


def test_calls_triple_while_schools_ask_and_fall_after_the_family_codes(folder: Path) -> None:
    calls = table(folder, "hotline_halfhour")
    offered, answered = per_day(calls, "offered"), per_day(calls, "answered")
    for offset in (-16, -15, -14):
        assert 2.6 < offered[day(offset)] / offered[day(offset - 7)] < 3.4
        assert answered[day(offset)] < 0.6 * offered[day(offset)]
    assert offered[day(-13)] < 0.7 * offered[day(-14)]
    assert offered[day(-8)] < 1.1 * offered[day(-22)]
    channels = table(folder, "code_channel").filter(pl.col("channel") != "self")
    assert channels["date"].min() == day(-13)
    issued = dict(channels.group_by("channel").agg(pl.col("issued").sum()).rows())
    assert issued["family"] > issued["offline"] > 100_000


def test_backlog_is_what_was_opened_and_not_closed(folder: Path) -> None:
    cases, backlog = table(folder, "ticket_daily"), table(folder, "ticket_backlog")
    assert 340_000 < backlog["open"].sum() < 440_000
    assert cases["closed"].sum() > 350_000
    assert max(per_day(cases, "closed").values()) < 60 * 80 * 1.05, "60 people, 80 cases a day"
    came = pl.col("opened") + pl.col("reopened") - pl.col("closed")
    late = cases.filter(pl.col("date") >= day(-40)).select(came.sum()).item()
    assert abs(backlog["open"].sum() - late) < 10_000, "what was open before is little"


def test_funnel_goes_from_800_000_to_the_contacts_by_city(folder: Path) -> None:
    funnel = table(folder, "funnel")
    stages = funnel.group_by("stage_no").agg(pl.col("entered", "kept").sum()).sort("stage_no").rows()
    assert stages[0][1] == 800_000
    assert 390_000 < stages[0][2] < 410_000
    assert stages[1][1] == stages[0][2]
    assert 7_300 < stages[1][2] < 8_100
    flow = table(folder, "code_flow")
    net = flow.filter((pl.col("reason") == "time_space_overlap") & (pl.col("to_colour") == "yellow"))
    near = net.filter(pl.col("date").is_between(day(-25), day(-23)))["people"].sum()
    assert abs(near - stages[0][2]) < 200, "the net is what the first stage kept"
    assert funnel.filter(pl.col("stage_no") == 1)["area"].str.head(4).n_unique() == 3
    assert funnel["computed_at"].n_unique() == 2


@pytest.mark.parametrize("lang", LANGS)
def test_every_stage_and_reason_of_the_funnel_has_words(folder: Path, lang: Lang) -> None:
    funnel = table(folder, "funnel")
    keys = [f"stage.{name}" for name in funnel["stage"].unique()]
    keys += [f"dropreason.{name}" for name in funnel["drop_reason"].unique()]
    assert len(keys) == 2 + 1 + 6
    assert len({t(lang, key) for key in keys}) == len(keys)


def test_mass_test_morning_breaks_the_test_system_and_not_the_code_system(folder: Path) -> None:
    load = table(folder, "load_minute").with_columns(
        pl.col("minute").dt.date().alias("date"), pl.col("minute").dt.hour().alias("hour")
    )
    at_eight = (
        load.filter(pl.col("hour") == 8).group_by("date", "system").agg(pl.col("requests", "errors").sum())
    )
    by = {(d, s): (r, e) for d, s, r, e in at_eight.rows()}
    for system in ("code", "test"):
        assert 7 < by[day(-9), system][0] / by[day(-2), system][0] < 11
    assert by[day(-9), "code"][1] < 0.01 * by[day(-9), "code"][0]
    assert by[day(-9), "test"][1] > 0.3 * by[day(-9), "test"][0]
    shows = (
        table(folder, "scan_hourly")
        .filter(pl.col("date") == day(-9))
        .group_by("hour")
        .agg(pl.col("shows").sum())
    )
    requests = load.filter((pl.col("date") == day(-9)) & (pl.col("system") == "code"))
    for hour, shown in shows.rows():
        assert requests.filter(pl.col("hour") == hour)["requests"].sum() > shown


def test_one_city_answers_its_lists_late(folder: Path) -> None:
    lists = table(folder, "pushed_list_daily").filter(pl.col("date").is_between(day(-9), day(-1)))
    by_city = lists.group_by(pl.col("area").str.head(4).alias("city")).agg(
        pl.col("pushed", "returned_24h").sum()
    )
    share = {city: returned / pushed for city, pushed, returned in by_city.rows()}
    assert share.pop("5114") < 0.65
    assert min(share.values()) > 0.9


def test_ten_former_codes_of_which_six_are_in_use(folder: Path) -> None:
    last = table(folder, "adoption_daily").filter((pl.col("date") == END) & (pl.col("former_code") != "none"))
    left = dict(last.group_by("former_code").agg(pl.col("not_moved").sum()).rows())
    assert set(left) == set(FORMER_CODES)
    assert {code for code, people in left.items() if people} == set(FORMER_CODES[:FORMER_IN_USE])


def test_releases_are_the_changes_to_green(folder: Path) -> None:
    released = table(folder, "code_release")
    green = table(folder, "code_flow").filter(
        (pl.col("to_colour") == "green") & pl.col("from_colour").is_in(["red", "yellow"])
    )
    key = ["date", "area", "reason"]
    flows = green.group_by(key).agg(pl.col("people").sum())
    both = released.join(flows, on=key, how="full", coalesce=True).fill_null(0)
    assert both.filter(pl.col("on_time") + pl.col("late") != pl.col("people")).height == 0


def test_contacts_are_the_changes_to_red(folder: Path) -> None:
    found = table(folder, "contact_daily")
    flow = table(folder, "code_flow").filter(pl.col("to_colour") == "red")
    for column, reason in (("close", "close_contact"), ("secondary", "contact_of_contact")):
        people = per_day(flow.filter(pl.col("reason") == reason), "people")
        counted = {d: n for d, n in per_day(found, column).items() if n}
        assert counted == people


def test_the_watch_finds_the_red_codes_by_hand(folder: Path) -> None:
    by_hand = table(folder, "integrity").filter(pl.col("finding") == "by_hand")
    assert by_hand.select("date", "area", "reason", "actor").rows() == [
        (day(-7), "510921", "emergency_red", "manual")
    ]
    assert by_hand["changes"].item() >= 1_307


def test_institutions_lie_in_the_province(folder: Path) -> None:
    points = table(folder, "institution")
    assert points["area"].n_unique() == 183
    assert points.filter(~pl.col("lon").is_between(97, 109) | ~pl.col("lat").is_between(26, 35)).height == 0
    assert points["name"].str.contains("示例").all()
