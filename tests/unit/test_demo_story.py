"""The story of the demo data is really in its rows."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from dashboard.demo.cases import cases_frame
from dashboard.demo.generate import generate
from dashboard.demo.outbreak import build_outbreak
from dashboard.demo.planted import is_planted
from dashboard.demo.reds import build_cohorts
from dashboard.demo.story import PLACES, Calendar, stream
from dashboard.demo.world import build_world
from geo.areas import get_area

END = date(2021, 2, 3)
SCANNED = {"scans", "codes", "cases", "risk_feed"}


def day(offset: int) -> date:
    return END + timedelta(days=offset)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("story")
    generate(out, scale="demo")
    return out


def table(folder: Path, name: str) -> pl.LazyFrame:
    return pl.scan_parquet(sorted((folder / name).glob("*.parquet"))).filter(~is_planted(name))


def listed(folder: Path, offset: int) -> dict[str, str]:
    """Places and levels of the publication of a day."""
    feed = json.loads((folder / "risk_feed" / f"{day(offset).isoformat()}.json").read_text("utf-8"))
    return {
        text: level
        for level, key in (("high", "highlist"), ("medium", "middlelist"))
        for item in feed[key]
        for text in item["communitys"]
    }


def test_red_codes_by_hand(folder: Path) -> None:
    flow = table(folder, "code_flow").filter(
        (pl.col("actor") == "manual") & (pl.col("reason") == "emergency_red") & (pl.col("to_colour") == "red")
    )
    assert flow.select("date", "area", "people").collect().rows() == [(date(2021, 1, 27), "510921", 1_307)]


@pytest.mark.parametrize("hour", [7, 8, 9])
def test_mass_test_morning_shows_ten_times_the_usual(folder: Path, hour: int) -> None:
    shows = (
        table(folder, "scan_hourly")
        .filter(pl.col("area").str.starts_with("5101") & (pl.col("hour") == hour))
        .group_by("date")
        .agg(pl.col("shows").sum())
        .collect()
    )
    by_day = dict(shows.rows())
    test_day = by_day.pop(date(2021, 1, 25))
    # Against Mondays, the school rush left out.
    usual = [by_day[date(2021, 1, 11)], by_day[date(2021, 1, 4)]]
    assert test_day >= 8 * max(usual)
    assert max(by_day.values()) < 2 * max(usual)


def test_cases_are_taken_back_once_and_counted_in_city_and_province(folder: Path) -> None:
    cases = pl.read_csv(
        folder / "cases" / "cases.csv",
        schema_overrides={"cityCode": pl.String, "countyCode": pl.String},
        try_parse_dates=True,
    )
    county = cases.filter(pl.col("countyCode").is_not_null()).sort("countyCode", "date")
    new = county.with_columns(new=pl.col("confirmed").diff().over("countyCode"))
    fell = new.filter(pl.col("new") < 0).select("date", "countyCode", "new")
    assert fell.rows() == [(date(2021, 1, 29), "510681", -2)]
    city = cases.filter((pl.col("cityCode") == "510600") & pl.col("countyCode").is_null()).sort("date")
    assert city.with_columns(new=pl.col("confirmed").diff()).filter(pl.col("new") < 0)["date"].to_list() == [
        date(2021, 1, 29)
    ]
    local = new.filter(pl.col("date") >= date(2021, 1, 8)).group_by("countyCode").agg(pl.col("new").sum())
    assert set(local.filter(pl.col("new") > 0)["countyCode"]) == {place.county for place in PLACES}
    assert 100 <= local["new"].sum() <= 150


def test_wide_net_turns_400_000_yellow_and_ends_in_7_700_contacts(folder: Path) -> None:
    stock = (
        table(folder, "code_stock")
        .filter(pl.col("reason") == "time_space_overlap")
        .group_by("date")
        .agg(pl.col("holders").sum())
        .collect()
    )
    by_day = dict(stock.rows())
    assert max(by_day, key=lambda when: by_day[when]) == date(2021, 1, 11)
    assert 380_000 < by_day[date(2021, 1, 11)] < 420_000
    assert by_day[date(2021, 1, 7)] < 500
    assert by_day[END] < 5_000
    traced = (
        table(folder, "code_flow")
        .filter((pl.col("from_colour") == "yellow") & (pl.col("to_colour") == "red"))
        .filter(pl.col("date").is_between(date(2021, 1, 11), date(2021, 1, 13)))
        .select(pl.col("people").sum())
        .collect()
        .item()
    )
    assert 7_300 < traced < 8_100


def test_festival_brings_people_home(folder: Path) -> None:
    stock = (
        table(folder, "code_stock")
        .group_by("date", city=pl.col("area").str.head(4))
        .agg(pl.col("holders").sum())
    )
    by_city = {(d, c): n for d, c, n in stock.collect().rows()}
    for city in ("5117", "5113", "5119", "5116"):
        assert by_city[END, city] > 1.05 * by_city[date(2021, 1, 10), city]
    assert by_city[END, "5101"] < 1.03 * by_city[date(2021, 1, 10), "5101"]


def test_school_episode(folder: Path) -> None:
    shows = dict(
        table(folder, "scan_hourly")
        .filter(pl.col("category") == "school")
        .group_by("date")
        .agg(pl.col("shows").sum())
        .collect()
        .rows()
    )
    for surge in (18, 19, 20):
        assert shows[date(2021, 1, surge)] > 2 * shows[date(2021, 1, surge - 7)]
    assert shows[date(2021, 1, 21)] < 1.2 * shows[date(2021, 1, 14)]
    issued = dict(
        table(folder, "code_flow")
        .filter((pl.col("from_colour") == "none") & (pl.col("to_colour") == "green"))
        .group_by("date")
        .agg(pl.col("people").sum())
        .collect()
        .rows()
    )
    assert issued[date(2021, 1, 21)] > 5 * issued[date(2021, 1, 20)]
    ages = table(folder, "code_stock").group_by("date", "age_band").agg(pl.col("holders").sum()).collect()
    by_age = {(d, a): n for d, a, n in ages.rows()}
    grown = {
        age: by_age[date(2021, 1, 25), age] / by_age[date(2021, 1, 20), age]
        for age in ("0-14", "15-59", "60-79")
    }
    assert min(grown["0-14"], grown["60-79"]) > grown["15-59"] + 0.03


def test_scans_of_the_last_day_stop_at_15(folder: Path) -> None:
    hours = (
        table(folder, "scan_hourly").filter(pl.col("date") == END).select(pl.col("hour").unique()).collect()
    )
    assert sorted(hours["hour"]) == list(range(15))
    lines = [json.loads(line) for line in (folder / "feed_log.jsonl").read_text("utf-8").splitlines()]
    newest = {line["feed"]: line["data_until"] for line in lines}
    assert {newest.pop(feed) for feed in set(newest) - SCANNED} == {"2021-02-03T23:59:00"}
    assert newest == {
        "scans": "2021-02-03T15:00:00",
        "codes": "2021-02-03T23:59:00",
        "cases": "2021-02-03T23:59:00",
        "risk_feed": "2021-02-03T21:00:00",
    }


def test_one_county_reports_no_scans_for_two_days(folder: Path) -> None:
    areas = table(folder, "scan_hourly").group_by("date").agg(pl.col("area").unique()).collect()
    missing = {when: {"513338"} - set(codes) for when, codes in areas.rows()}
    assert {when for when, codes in missing.items() if codes} == {day(-1), day(0)}
    assert {len(set(codes)) for when, codes in areas.rows() if when < day(-1)} == {183}
    assert get_area("513338").city == "513300"


def test_small_counties_have_small_cells(folder: Path) -> None:
    red = (
        table(folder, "code_stock")
        .filter((pl.col("date") == END) & (pl.col("colour") == "red"))
        .group_by("area")
        .agg(pl.col("holders").sum())
        .collect()["holders"]
    )
    assert ((red > 0) & (red < 10)).sum() >= 30
    assert (red >= 10).sum() >= 30


def test_last_day_shows_upgrades_downgrades_and_releases(folder: Path) -> None:
    before, now = listed(folder, -1), listed(folder, 0)
    assert {t for t in now if now[t] == "high" and before.get(t) == "medium"} == {"合作街道示例公寓E 2单元"}
    assert {t for t in now if t not in before} == {"三水镇示例村L 4组"}
    assert {t for t in now if now[t] == "medium" and before.get(t) == "high"} == {"红光街道示例社区A 3栋"}
    assert len(set(before) - set(now)) == 3
    feed = json.loads((folder / "risk_feed" / f"{END.isoformat()}.json").read_text("utf-8"))
    due = [item for item in feed["middlelist"] if item["last_case"] == day(-14).isoformat()]
    assert len(due) == 3
    assert {len(item["communitys"]) for item in due} == {1}


def test_list_is_read_and_empty_before_the_outbreak(folder: Path) -> None:
    names = sorted(path.stem for path in (folder / "risk_feed").glob("*.json"))
    assert names[:2] == ["2020-11-06", "2021-01-09"]
    assert listed(folder, -89) == {}


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.text)
def test_places_are_told_in_order(place: object) -> None:
    assert isinstance(place, type(PLACES[0]))
    steps = [offset for offset, _ in place.levels]
    assert steps == sorted(set(steps))
    assert place.first_case <= place.last_case <= 0
    assert place.first_case < steps[0]
    assert place.cases >= (1 if place.first_case == place.last_case else 2)
    assert "示例" in place.text
    assert get_area(place.area).city == get_area(place.county).city


def test_streams_differ_by_name_and_seed() -> None:
    draws = {int(stream(seed, name).integers(1 << 60)) for seed in (1, 2) for name in ("a", "b")}
    assert len(draws) == 4
    assert stream(1, "a").integers(1 << 60) == stream(1, "a").integers(1 << 60)


def test_traced_contacts_cannot_lose_their_source() -> None:
    calendar, world = Calendar(end=END, days=14), build_world(1)
    outbreak = build_outbreak(world, calendar, 1)
    with pytest.raises(ValueError, match="belong together; given: close_contact, confirmed"):
        build_cohorts(world, calendar, outbreak, seed=1, reasons=("confirmed", "close_contact"))


@pytest.mark.parametrize("seed", [0, 5, 99, 2**63])
def test_outbreak_keeps_to_its_places_under_any_seed(seed: int) -> None:
    calendar, world = Calendar(end=END, days=14), build_world(seed)
    confirmed = build_outbreak(world, calendar, seed).confirmed
    assert confirmed.sum() == sum(place.cases for place in PLACES)
    for place in PLACES:
        for offset in (place.first_case, place.last_case):
            assert confirmed[calendar.offsets == offset, world.row(place.county)].item() >= 1
    cases = cases_frame(world, calendar, build_outbreak(world, calendar, seed), seed=seed)
    assert cases.filter(pl.col("cured") + pl.col("dead") > pl.col("confirmed")).height == 0


def test_calendar_pulse_reaches_its_day_only() -> None:
    calendar = Calendar(end=END, days=14)
    pulse = calendar.pulse((-3, 2.0), (-3, 1.0), (5, 9.0))
    assert pulse.sum() == 3.0
    assert calendar.offsets[pulse > 0].tolist() == [-3]
