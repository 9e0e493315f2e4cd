"""The demo data: deterministic, whole, plausible, and within the contract."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import polars as pl
import pytest

from dashboard.demo.generate import DemoSummary, generate
from dashboard.demo.planted import is_planted
from dashboard.demo.reasons import GREEN_REASON, REASON_BY_ID
from dashboard.errors import InputError, StorageError
from dashboard.snapshot.contract import NO_CODE, TABLE_BY_NAME
from geo.areas import all_areas, find_area, get_area

TABLES = ("code_stock", "code_flow", "scan_hourly")
POLARS = {"VARCHAR": pl.String, "DATE": pl.Date, "INTEGER": pl.Int32, "BIGINT": pl.Int64}
COUNTIES = {area.code for area in all_areas() if area.level == "county"}


def read_table(folder: Path, table: str) -> pl.DataFrame:
    return pl.concat([pl.read_parquet(path) for path in sorted((folder / table).glob("*.parquet"))])


def read_cases(folder: Path) -> pl.DataFrame:
    text = dict.fromkeys(("provinceCode", "cityCode", "countyCode"), pl.String)
    return pl.read_csv(folder / "cases" / "cases.csv", schema_overrides=text, try_parse_dates=True)


@dataclass(frozen=True)
class Delivery:
    summary: DemoSummary
    seconds: float
    raw: Mapping[str, pl.DataFrame]
    good: Mapping[str, pl.DataFrame]
    cases: pl.DataFrame


def deliver(folder: Path, **kwargs: object) -> Delivery:
    started = time.perf_counter()
    summary = generate(folder, **kwargs)  # type: ignore[arg-type]
    seconds = time.perf_counter() - started
    raw = {table: read_table(folder, table) for table in TABLES}
    good = {table: frame.filter(~is_planted(table)) for table, frame in raw.items()}
    return Delivery(summary=summary, seconds=seconds, raw=raw, good=good, cases=read_cases(folder))


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Delivery:
    return deliver(tmp_path_factory.mktemp("tiny"), scale="tiny")


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Delivery:
    return deliver(tmp_path_factory.mktemp("demo"), scale="demo")


@pytest.fixture(params=["tiny", "demo"])
def delivery(request: pytest.FixtureRequest) -> Delivery:
    found: Delivery = request.getfixturevalue(request.param)
    return found


def contents(folder: Path) -> dict[str, object]:
    """Every file by its path: rows of Parquet files, text of the others."""
    return {
        path.relative_to(folder).as_posix(): (
            pl.read_parquet(path).hash_rows().to_list()
            if path.suffix == ".parquet"
            else path.read_text("utf-8")
        )
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_same_seed_gives_the_same_rows_and_another_seed_does_not(tiny: Delivery, tmp_path: Path) -> None:
    generate(tmp_path / "again", scale="tiny")
    generate(tmp_path / "other", scale="tiny", seed=7)
    first = contents(tiny.summary.out)
    assert contents(tmp_path / "again") == first
    other = contents(tmp_path / "other")
    assert other.keys() == first.keys()
    changed = {name for name in first if first[name] != other[name]}
    # The risk list is written by hand and the log counts rows, so neither hangs on the seed alone.
    assert {"cases/cases.csv", "scan_hourly/2021-01.parquet", "code_stock/2021-01.parquet"} <= changed


def test_tiny_is_quick_and_small(tiny: Delivery) -> None:
    assert tiny.seconds < 5
    assert tiny.summary.bytes < 3_000_000
    assert (tiny.summary.end - tiny.summary.first_day).days == 13


def test_demo_is_quick_and_whole(demo: Delivery) -> None:
    assert demo.seconds < 20
    assert (demo.summary.end - demo.summary.first_day).days == 89
    assert demo.summary.rows["scan_hourly"] > 3_000_000


def test_summary_counts_what_was_written(delivery: Delivery) -> None:
    summary = delivery.summary
    files = [path for path in summary.out.rglob("*") if path.is_file()]
    assert summary.files == len(files)
    assert summary.bytes == sum(path.stat().st_size for path in files)
    assert summary.rows["cases"] == delivery.cases.height
    for table in TABLES:
        assert summary.rows[table] == delivery.raw[table].height
    bad = {table: delivery.raw[table].height - delivery.good[table].height for table in TABLES}
    assert bad == {"code_stock": 1, "code_flow": 1, "scan_hourly": 1}
    assert summary.planted_rows == sum(bad.values())


def test_synthetic_mark(delivery: Delivery) -> None:
    mark = json.loads((delivery.summary.out / "synthetic.json").read_text("utf-8"))
    assert mark["synthetic"] is True
    assert "虚构" in mark["note"]


@pytest.mark.parametrize("name", TABLES)
def test_rows_keep_the_contract(delivery: Delivery, name: str) -> None:
    table, frame = TABLE_BY_NAME[name], delivery.good[name]
    assert frame.columns == [column.name for column in table.columns]
    for column in table.columns:
        values = frame[column.name]
        assert values.dtype == POLARS[column.type], column.name
        assert values.null_count() == 0, column.name
        if column.allowed:
            assert set(values.unique()) <= set(column.allowed), column.name
        if column.low is not None:
            assert values.min() >= column.low, column.name
        if column.area:
            assert set(values.unique()) == COUNTIES, column.name
    assert frame.select(table.key).is_duplicated().sum() == 0
    assert frame["date"].min() == delivery.summary.first_day
    assert frame["date"].max() == delivery.summary.end


def test_every_area_has_every_colour_stock_on_every_day(delivery: Delivery) -> None:
    cells = delivery.good["code_stock"].group_by("date", "area").len()["len"]
    days = (delivery.summary.end - delivery.summary.first_day).days + 1
    assert cells.len() == days * 183
    assert cells.n_unique() == 1


def test_reasons_give_their_colour(delivery: Delivery) -> None:
    colours = {GREEN_REASON: "green", **{reason.id: reason.colour for reason in REASON_BY_ID.values()}}
    for colour, reason in delivery.good["code_stock"].select("colour", "reason").unique().rows():
        assert colour == colours[reason]
    flows = delivery.good["code_flow"].select("from_colour", "to_colour", "reason").unique().rows()
    for before, after, reason in flows:
        assert colours[reason] in (before, after)
        assert before != after


def test_flows_explain_stocks_exactly(delivery: Delivery) -> None:
    keys = ["date", "area", "colour"]
    flow = delivery.good["code_flow"]
    into = flow.select("date", "area", colour="to_colour", net=pl.col("people"))
    out = flow.select("date", "area", colour="from_colour", net=-pl.col("people"))
    net = pl.concat([into, out]).filter(pl.col("colour") != NO_CODE).group_by(keys).agg(pl.col("net").sum())
    stock = (
        delivery.good["code_stock"].group_by(keys).agg(pl.col("holders").sum()).sort("area", "colour", "date")
    )
    change = stock.with_columns(
        change=pl.col("holders") - pl.col("holders").shift(1).over("area", "colour")
    ).filter(pl.col("date") > delivery.summary.first_day)
    both = change.join(net, on=keys, how="full", coalesce=True).filter(
        pl.col("date") > delivery.summary.first_day
    )
    wrong = both.filter(pl.col("change").fill_null(0) != pl.col("net").fill_null(0))
    assert wrong.height == 0
    assert change["change"].abs().sum() > 0


def test_changes_cover_people(delivery: Delivery) -> None:
    flow = delivery.good["code_flow"]
    assert flow.filter(pl.col("changes") < pl.col("people")).height == 0
    assert flow["changes"].sum() > flow["people"].sum()


def test_holders_stay_near_residents(delivery: Delivery) -> None:
    residents = {area.code: area.residents for area in all_areas() if area.level == "county"}
    stock = delivery.good["code_stock"].group_by("date", "area").agg(pl.col("holders").sum())
    share = stock["holders"] / stock["area"].replace_strict(residents, return_dtype=pl.Int64)
    assert share.min() >= 0.6
    assert share.max() <= 1.6
    assert stock.group_by("date").agg(pl.col("holders").sum())["holders"].max() < 150_000_000


def test_parts_of_scans_fit(delivery: Delivery) -> None:
    scan = delivery.good["scan_hourly"]
    for small, large in (
        (pl.col("scans"), pl.col("shows")),
        (pl.col("yellow") + pl.col("red"), pl.col("scans")),
        (pl.col("refused"), pl.col("yellow") + pl.col("red")),
        (pl.col("active_venues"), pl.col("scans")),
    ):
        assert scan.filter(small > large).height == 0
    assert scan.filter((pl.col("scans") > 0) & (pl.col("active_venues") == 0)).height == 0
    assert scan.filter((pl.col("hour") == 3) & (pl.col("category") == "school"))["shows"].sum() == 0


def test_cases_add_up_and_say_zero(delivery: Delivery) -> None:
    cases = delivery.cases
    measures = ["confirmed", "suspected", "cured", "dead", "asymptomatic"]
    assert cases.select(measures).null_count().sum_horizontal().item() == 0
    assert cases.select(pl.min_horizontal(pl.col(measures).min())).item() >= 0
    assert cases.filter(pl.col("cured") + pl.col("dead") > pl.col("confirmed")).height == 0
    county = cases.filter(pl.col("countyCode").is_not_null())
    city = cases.filter(pl.col("cityCode").is_not_null() & pl.col("countyCode").is_null())
    imported = cases.filter(pl.col("city") == "境外输入")
    province = cases.filter(pl.col("city").is_null())
    days = (delivery.summary.end - delivery.summary.first_day).days + 2
    assert (county.height, city.height, imported.height, province.height) == (
        183 * days,
        21 * days,
        days,
        days,
    )
    of_counties = county.group_by("date", "cityCode").agg(pl.col(measures).sum()).sort("date", "cityCode")
    assert of_counties.equals(city.select(of_counties.columns).sort("date", "cityCode"))
    parts = pl.concat([city, imported]).group_by("date").agg(pl.col(measures).sum()).sort("date")
    assert parts.equals(province.select(parts.columns).sort("date"))


def test_end_moves_the_story(tmp_path: Path, tiny: Delivery) -> None:
    moved = deliver(tmp_path, scale="tiny", end=date(2024, 3, 1))
    assert moved.summary.first_day == date(2024, 2, 17)
    assert (tmp_path / "risk_feed" / "2024-03-01.json").is_file()
    keys = ["date", "area", "reason"]
    by_hand = moved.good["code_flow"].filter((pl.col("actor") == "manual") & (pl.col("people") > 1_000))
    assert by_hand.select(keys).row(0) == (date(2024, 2, 23), "510921", "emergency_red")


def test_an_earlier_demo_folder_is_replaced(tmp_path: Path) -> None:
    generate(tmp_path, scale="tiny", end=date(2024, 3, 1))
    generate(tmp_path, scale="tiny")
    assert not list(tmp_path.rglob("2024*"))


def test_a_foreign_folder_is_left_alone(tmp_path: Path) -> None:
    keep = tmp_path / "report.txt"
    keep.write_text("keep", encoding="utf-8")
    with pytest.raises(StorageError, match="holds no demo data"):
        generate(tmp_path, scale="tiny")
    assert list(tmp_path.iterdir()) == [keep]


def test_a_file_in_the_way_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("", encoding="utf-8")
    with pytest.raises(StorageError):
        generate(path, scale="tiny")


@pytest.mark.parametrize(("scale", "seed", "words"), [("huge", 1, "no scale"), ("tiny", -1, "seed is -1")])
def test_wrong_arguments_are_named(tmp_path: Path, scale: str, seed: int, words: str) -> None:
    with pytest.raises(InputError, match=words):
        generate(tmp_path, scale=scale, seed=seed)  # type: ignore[arg-type]


def test_progress_only_grows(tmp_path: Path) -> None:
    told: list[tuple[str, float]] = []
    generate(tmp_path, scale="tiny", progress=lambda part, share: told.append((part, share)))
    shares = [share for _, share in told]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert {"risk_feed", "cases", "code_stock", "code_flow", "scan_hourly", "feed_log"} <= {
        p for p, _ in told
    }


def test_risk_feed_places_are_known_areas_and_marked(delivery: Delivery) -> None:
    files = sorted((delivery.summary.out / "risk_feed").glob("*.json"))
    assert files[0].stem == delivery.summary.first_day.isoformat()
    assert files[-1].stem == delivery.summary.end.isoformat()
    levels = set()
    for path in files:
        feed = json.loads(path.read_text("utf-8"))
        assert feed["end_update_time"] == f"{path.stem} 21时"
        for key, count in (("highlist", "hcount"), ("middlelist", "mcount"), ("lowlist", "lcount")):
            assert feed[count] == sum(len(item["communitys"]) for item in feed[key])
            for item in feed[key]:
                area = find_area(item["county"], city=item["city"])
                assert area is not None
                levels.add(area.level)
                assert all("示例" in text for text in item["communitys"])
                assert item["since"] <= path.stem
                assert item["last_case"] <= path.stem
    assert levels == {"county", "functional"}


def test_feed_log_tells_of_each_delivery(delivery: Delivery) -> None:
    lines = [
        json.loads(line) for line in (delivery.summary.out / "feed_log.jsonl").read_text("utf-8").splitlines()
    ]
    assert lines == sorted(lines, key=lambda line: line["delivered_at"])
    for line in lines:
        assert datetime.fromisoformat(line["data_until"]) < datetime.fromisoformat(line["delivered_at"])
    rows = pl.DataFrame(
        [(line["feed"], line["rows"]) for line in lines], schema=["feed", "rows"], orient="row"
    )
    total = dict(rows.group_by("feed").agg(pl.col("rows").sum()).rows())
    assert total["scans"] == delivery.raw["scan_hourly"].height
    codes = ("code_release", "code_cohort", "code_channel")
    assert total["codes"] == (
        delivery.raw["code_stock"].height
        + delivery.raw["code_flow"].height
        + sum(read_table(delivery.summary.out, name).height for name in codes)
    )
    assert total["cases"] == delivery.cases.filter(pl.col("date") >= delivery.summary.first_day).height
    assert get_area("513338").name_zh in next(
        line["note"] for line in reversed(lines) if line["feed"] == "scans"
    )
