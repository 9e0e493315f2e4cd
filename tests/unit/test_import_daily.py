"""Daily tables as CSV and Parquet: every line accepted or rejected, missing never zero, parts joined."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import polars as pl
import pytest

from dashboard.snapshot.contract import AGGREGATES, TABLE_BY_NAME
from dashboard.snapshot.importers import table_csv
from dashboard.snapshot.importers.result import polars_schema
from dashboard.snapshot.inputs import Delivery, read_delivery
from geo.gcj02 import wgs84_to_gcj02
from tests.tiny import tiny_tables

NOW = datetime(2022, 9, 6, 8)
DAY = date(2022, 9, 5)
TESTS = "date,area,sampled,tested,reported,in_24h,positive"


def deliver(folder: Path, name: str, text: str | bytes) -> Delivery:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_delivery(folder, now=NOW)


def rows(delivery: Delivery, name: str) -> pl.DataFrame:
    frame = delivery.tables[name].lazy().collect()
    assert frame.schema == polars_schema(TABLE_BY_NAME[name])
    return frame


def feed(delivery: Delivery, name: str):
    return next(f for f in delivery.feeds if f.feed == name)


@pytest.mark.parametrize("name", AGGREGATES)
@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_every_table_comes_back_as_it_was_delivered(tmp_path: Path, name: str, form: str) -> None:
    given = tiny_tables()[name]
    (tmp_path / name).mkdir()
    if form == "csv":
        given.write_csv(tmp_path / name / "a.csv")
    else:
        given.write_parquet(tmp_path / name / "a.parquet")
    delivery = read_delivery(tmp_path, now=NOW)
    assert delivery.rejects == ()
    key = list(TABLE_BY_NAME[name].key)
    assert rows(delivery, name).sort(key).equals(given.sort(key))
    found = feed(delivery, TABLE_BY_NAME[name].feed)
    assert (found.accepted, found.rejected, found.state) == (given.height, 0, "on_time")


def test_every_line_of_a_csv_is_accepted_or_rejected(tmp_path: Path) -> None:
    lines = [
        "2022-09-05,510107,9,8,7,6,5",
        "2022/9/5,510104, 10 ,8,7,6,5",
        "",
        "２０２２-09-05,510105,９,8,7,6,5",
        "2022-09-05,510106,9,8,7,6",
        "2022-09-05,510106,9,8,7,6,x",
        "2022-09-05,510106,,8,7,6,5",
        "2022-09-05,510106,-1,8,7,6,5",
        "2022-02-30,510106,9,8,7,6,5",
        "2022-09-07,510106,9,8,7,6,5",
        "2022-09-05,519999,9,8,7,6,5",
        "2022-09-05,510100,9,8,7,6,5",
        "2022-09-05,510106,99999999999999,8,7,6,5",
        "2022-09-05,510106,9.0,8,7,6,5",
        "2022-09-05,510106,9",
    ]
    delivery = deliver(tmp_path, "test_daily/a.csv", "\r\n".join([TESTS, *lines]))
    assert rows(delivery, "test_daily")["area"].sort().to_list() == ["510104", "510105", "510107"]
    assert sorted((r.row, r.reason) for r in delivery.rejects) == [
        (6, "wrong_width"),
        (7, "bad_number"),
        (8, "missing_value"),
        (9, "negative_count"),
        (10, "bad_date"),
        (11, "future_date"),
        (12, "unknown_area"),
        (13, "wrong_level"),
        (14, "out_of_range"),
        (15, "bad_number"),
        (16, "torn_line"),
    ]
    details = {r.row: r.detail for r in delivery.rejects}
    assert details[7] == "positive is 'x'."
    assert details[10] == "date is '2022-02-30'."
    assert details[11] == "date is 2022-09-07."
    assert {r.feed for r in delivery.rejects} == {"tests"}
    assert (feed(delivery, "tests").accepted, feed(delivery, "tests").rejected) == (3, 11)


@pytest.mark.parametrize(
    ("text", "reason", "counted"),
    [
        (f"{TESTS}\n", "empty_file", 1),
        ("date,area\n2022-09-05,510107\n2022-09-05,510104\n", "missing_column", 2),
        (f"{TESTS},area\n2022-09-05,510107,1,1,1,1,1,510107\n", "wrong_header", 1),
        (b"", "empty_file", 1),
        (TESTS.encode() + b"\n\xff\xfe\xfd,510107,1,1,1,1,1\n", "bad_encoding", 1),
    ],
)
def test_a_csv_that_cannot_be_used(tmp_path: Path, text: str | bytes, reason: str, counted: int) -> None:
    delivery = deliver(tmp_path, "test_daily/a.csv", text)
    assert [(r.feed, r.reason, r.rows) for r in delivery.rejects] == [("tests", reason, counted)]
    assert delivery.tables == {}
    assert feed(delivery, "tests").state == "not_reported"


def test_many_bad_lines_are_listed_up_to_a_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_csv, "LISTED", 2)
    text = "\n".join([TESTS, *["2022-09-05,510107,x,1,1,1,1"] * 5, ""])
    delivery = deliver(tmp_path, "test_daily/a.csv", text)
    assert [(r.row, r.rows) for r in delivery.rejects] == [(2, 1), (3, 1), (None, 3)]


def test_the_folder_may_name_the_day_of_a_csv(tmp_path: Path) -> None:
    header = TESTS.removeprefix("date,")
    delivery = deliver(tmp_path, "test_daily/date=2022-09-05/a.csv", f"{header}\n510107,1,1,1,1,1\n")
    assert rows(delivery, "test_daily")["date"].to_list() == [DAY]


def test_gb18030_is_read(tmp_path: Path) -> None:
    header = "institution,area,name,lon,lat,opens,closes,capacity,updated"
    line = "jg-1,510107,四川示例医院,104.04,30.64,8,20,,2022-09-01"
    delivery = deliver(tmp_path, "institution/a.csv", f"{header}\n{line}\n".encode("gb18030"))
    assert rows(delivery, "institution").row(0, named=True) == {
        "institution": "jg-1",
        "area": "510107",
        "name": "四川示例医院",
        "lon": 104.04,
        "lat": 30.64,
        "opens": 8,
        "closes": 20,
        "capacity": None,  # an empty cell was not reported
        "updated": date(2022, 9, 1),
    }


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_points_in_the_shifted_datum_become_wgs84(tmp_path: Path, form: str) -> None:
    given = tiny_tables()["institution"]
    true = given.select("lon", "lat").to_numpy()
    shifted = wgs84_to_gcj02(true)
    moved = given.with_columns(
        pl.Series("lon", [shifted[0, 0], true[1, 0]]),
        pl.Series("lat", [shifted[0, 1], true[1, 1]]),
        pl.Series("crs", ["gcj02", None], dtype=pl.String),
    )
    (tmp_path / "institution").mkdir()
    path = tmp_path / "institution" / f"a.{form}"
    moved.write_csv(path) if form == "csv" else moved.write_parquet(path)
    found = (
        rows(read_delivery(tmp_path, now=NOW), "institution")
        .sort("institution")
        .select("lon", "lat")
        .to_numpy()
    )
    assert abs(found - true).max() < 1e-6
    bad = moved.with_columns(pl.lit("bd09").alias("crs"))
    bad.write_csv(path) if form == "csv" else bad.write_parquet(path)
    delivery = read_delivery(tmp_path, now=NOW)
    assert {(r.reason, r.detail) for r in delivery.rejects} == {("unknown_category", "crs is 'bd09'.")}


def test_parts_of_an_area_are_joined_by_what_the_measure_allows(tmp_path: Path) -> None:
    schema = polars_schema(TABLE_BY_NAME["service_daily"])
    given = [
        (DAY, "510132", "results", 10, 1, 300),
        (DAY, "510118", "results", 20, 2, 100),
        (DAY, "510132", "vaccination", 5, 0, None),
        (DAY, "510118", "vaccination", 6, 0, 100),
    ]
    (tmp_path / "service_daily").mkdir()
    pl.DataFrame(given, schema=schema, orient="row").write_parquet(tmp_path / "service_daily" / "a.parquet")
    found = rows(read_delivery(tmp_path, now=NOW), "service_daily").sort("service")
    # Counts add up; of a percentile the larger stands for both; with an unknown part it is unknown.
    assert found.rows() == [
        (DAY, "510118", "results", 30, 3, 300),
        (DAY, "510118", "vaccination", 11, 0, None),
    ]


@pytest.mark.parametrize(
    ("name", "until"),
    [
        ("hotline_halfhour", datetime(2022, 8, 30, 3, 29)),
        ("load_minute", datetime(2022, 8, 30, 8, 1)),
        ("ticket_backlog", datetime(2022, 8, 30, 21, 0)),
        ("institution", datetime(2022, 8, 30, 23, 59)),
        ("venue_daily", datetime(2022, 8, 30, 23, 59)),
        ("incident", None),
    ],
)
def test_how_far_the_data_of_a_table_reach(tmp_path: Path, name: str, until: datetime | None) -> None:
    (tmp_path / name).mkdir()
    tiny_tables()[name].write_parquet(tmp_path / name / "a.parquet")
    found = feed(read_delivery(tmp_path, now=NOW), TABLE_BY_NAME[name].feed)
    assert (found.data_until, found.accepted is not None) == (until, True)


def test_times_are_read_and_refused_like_days(tmp_path: Path) -> None:
    header = "minute,system,channel,requests,peak_per_second,errors,p95_ms"
    lines = [
        "2022-09-05T08:00:00,code,app,5,1,0,90",
        "2022/9/5 8:01,code,app,5,1,0,",
        "2022-09-05 25:00,code,app,5,1,0,90",
        "2022-09-06 08:01,code,app,5,1,0,90",
        "2019-01-01 08:01,code,app,5,1,0,90",
        "2022-09-05 08:02,tests,app,5,1,0,90",
    ]
    delivery = deliver(tmp_path, "load_minute/a.csv", "\n".join([header, *lines, ""]))
    found = rows(delivery, "load_minute").sort("minute")
    assert found["minute"].to_list() == [datetime(2022, 9, 5, 8, 0), datetime(2022, 9, 5, 8, 1)]
    assert found["p95_ms"].to_list() == [90, None]
    assert sorted((r.row, r.reason) for r in delivery.rejects) == [
        (4, "bad_date"),
        (5, "future_date"),
        (6, "bad_date"),
        (7, "unknown_category"),
    ]
