"""Daily cases: the real year adds up on every day for every city, and small series worked out by hand."""

from __future__ import annotations

import csv
from collections import defaultdict
from datetime import date, datetime
from pathlib import Path

import polars as pl
import pytest

from dashboard.snapshot.contract import TABLE_BY_NAME
from dashboard.snapshot.importers.result import polars_schema
from dashboard.snapshot.inputs import Delivery, read_delivery

GOLDEN = Path(__file__).parents[1] / "golden" / "import"
NOW = datetime(2022, 9, 30, 8)
HEADER = "date,province,provinceCode,city,cityCode,confirmed,suspected,cured,dead"
REAL = "sichuan_city_daily_2020_canghailan.csv"


def read(folder: Path, **files: str | bytes) -> Delivery:
    for name, content in files.items():
        data = content.encode() if isinstance(content, str) else content
        (folder / f"{name}.csv").write_bytes(data)
    return read_delivery(folder, now=NOW)


def days(delivery: Delivery) -> pl.DataFrame:
    return delivery.tables["case_daily"].lazy().collect()


@pytest.fixture
def real(shared_data: Path, tmp_path: Path) -> pl.DataFrame:
    delivery = read(tmp_path, real=(shared_data / REAL).read_bytes())
    assert delivery.rejects == ()
    cases = next(feed for feed in delivery.feeds if feed.feed == "cases")
    assert (cases.accepted, cases.rejected) == (7301, 0)
    assert cases.data_until == datetime(2020, 12, 8, 23, 59)
    return days(delivery)


def published(shared_data: Path) -> list[dict[str, str]]:
    with (shared_data / REAL).open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_real_year_in_total(real: pl.DataFrame) -> None:
    # In the file of 2020-12-08: 820 for the province, 423 for Chengdu, nothing imported or left over.
    assert real.schema == polars_schema(TABLE_BY_NAME["case_daily"])
    assert real["confirmed_new"].sum() == 820
    assert real.filter(pl.col("area") == "510100")["confirmed_new"].sum() == 423
    last = real.filter(pl.col("date") == date(2020, 12, 8))
    assert last["confirmed_total"].sum() == 820
    assert last.filter(pl.col("origin") != "local")["confirmed_total"].to_list() == [0, 0]
    assert real["confirmed_new"].null_count() == 0
    assert real["asymptomatic_new"].null_count() == real.height  # not reported, and not zero
    assert not real.select("date", "area", "origin").is_duplicated().any()


def test_real_year_keeps_its_correction(real: pl.DataFrame) -> None:
    # 广元市 fell from 3 to 2 on 2020-01-30; no other city of the file ever fell.
    local = real.filter(pl.col("origin") == "local", pl.col("confirmed_new") < 0)
    assert local.select("date", "area", "confirmed_new", "confirmed_total", "correction").rows() == [
        (date(2020, 1, 30), "510800", -1, 2, True)
    ]


@pytest.mark.parametrize(
    ("column", "measure"), [("confirmed", "confirmed_new"), ("cured", "cured_new"), ("dead", "dead_new")]
)
def test_real_year_accumulates_again(
    column: str, measure: str, real: pl.DataFrame, shared_data: Path
) -> None:
    news: defaultdict[tuple[date, str], int] = defaultdict(int)
    for day, area, origin, value in real.select("date", "area", "origin", measure).iter_rows():
        news[day, "510000"] += value
        if origin == "local":
            news[day, area] += value
    running: defaultdict[str, int] = defaultdict(int)
    checked = 0
    for row in published(shared_data):
        if not row["cityCode"] and row["city"]:
            continue  # 未公布来源 lies inside the remainder
        if row["cityCode"] == "5100y0":
            continue
        code, day = row["cityCode"] or "510000", date.fromisoformat(row["date"])
        running[code] += news[day, code]
        assert running[code] == int(row[column]), row
        checked += 1
    assert checked == 7301 - 14 - 260


def test_remainder_gap_and_correction_by_hand(tmp_path: Path) -> None:
    delivery = read(tmp_path, c=(GOLDEN / "cases_cumulative.csv").read_bytes())
    assert delivery.rejects == ()
    found = days(delivery).select(
        "date", "area", "origin", "confirmed_new", "cured_new", "confirmed_total", "correction"
    )
    d1, d2, d3, d4 = (date(2022, 8, day) for day in (1, 2, 3, 4))
    assert found.rows() == [
        (d1, "510000", "imported", None, None, 30, False),
        (d1, "510000", "unallocated", None, None, 10, False),
        (d1, "510100", "local", None, None, 60, False),
        (d2, "510000", "imported", 2, 1, 32, False),
        (d2, "510000", "unallocated", 0, 0, 10, False),  # 107 - 63 - 32 - 2; the 9 unpublished lie in it
        (d2, "510100", "local", 3, 1, 63, False),
        (d2, "510700", "local", 2, 0, 2, False),
        (d3, "510000", "imported", 0, 0, 32, False),
        (d3, "510000", "unallocated", 4, 3, 14, False),  # Chengdu did not report: its 63 stay
        (d3, "510700", "local", -1, 0, 1, True),
        (d4, "510000", "imported", 0, 2, 32, False),
        (d4, "510000", "unallocated", -6, -3, 8, True),
        (d4, "510100", "local", 7, 5, 70, False),
        (d4, "510700", "local", 0, 1, 1, False),
    ]
    by_day = found.group_by("date").agg(pl.col("confirmed_new").sum()).sort("date")
    assert by_day["confirmed_new"].to_list()[1:] == [7, 3, 1]  # 107 - 100, 110 - 107, 111 - 110
    assert any("510100 2022-08-04 (1)" in note for note in delivery.notes)


def test_counties_and_their_city_by_hand(tmp_path: Path) -> None:
    delivery = read(tmp_path, c=(GOLDEN / "cases_county.csv").read_bytes())
    assert delivery.rejects == ()
    found = days(delivery).select("date", "area", "origin", "confirmed_new", "asymptomatic_new")
    d1, d2 = date(2022, 8, 1), date(2022, 8, 2)
    assert found.rows() == [
        (date(2019, 12, 30), "510118", "local", 0, None),
        (d1, "510100", "unallocated", 3, 0),  # 10 - 4 - 3
        (d1, "510107", "local", 4, 0),
        (d1, "5101F1", "local", 3, 0),
        (d2, "510100", "unallocated", 0, 1),  # 15 - 6 - 5 - 1; 4 - 1 - 2
        (d2, "510107", "local", 2, 1),
        (d2, "510118", "local", 1, None),  # delivered as 510132 新津县
        (d2, "5101F1", "local", 2, 2),
        (d2, "513402", "local", 2, None),  # delivered as 513425 会理县
    ]


def test_unpublished_rows_count_when_no_total_is_delivered(tmp_path: Path) -> None:
    rows = [
        "2022-08-01,四川省,510000,未公布来源,,0,0,0,0",
        "2022-08-02,四川省,510000,未公布来源,,5,0,0,0",
        "2022-08-02,四川省,510000,绵阳市,,2,0,,0",
    ]
    found = days(read(tmp_path, c="\n".join([HEADER, *rows]) + "\n"))
    assert found.select("area", "origin", "confirmed_new", "cured_new").rows() == [
        ("510000", "unallocated", 0, 0),
        ("510000", "unallocated", 5, 0),
        ("510700", "local", 2, None),  # an empty cell is not reported
    ]


def test_last_delivered_file_wins(tmp_path: Path) -> None:
    head = f"{HEADER}\n2022-08-01,四川省,510000,绵阳市,510700,"
    delivery = read(
        tmp_path,
        a=f"{head}0,0,0,0\n2022-08-02,四川省,510000,绵阳市,510700,3,0,0,0\n",  # reaches further
        b=f"{head}1,0,0,0\n",
    )
    assert [(r.file, r.row, r.reason) for r in delivery.rejects] == [("b.csv", 2, "conflicting_row")]
    assert days(delivery)["confirmed_total"].to_list() == [0, 3]


@pytest.mark.parametrize("name", ["cases_gb18030.csv", "cases_bom.csv"])
def test_encodings(name: str, tmp_path: Path) -> None:
    delivery = read(tmp_path, c=(GOLDEN / name).read_bytes())
    assert delivery.rejects == ()
    assert days(delivery).select("area", "origin", "confirmed_total").rows() == [
        ("510000", "unallocated", 40),
        ("510100", "local", 60),
    ]


def test_one_wrong_byte_costs_one_line(tmp_path: Path) -> None:
    data = bytearray((GOLDEN / "cases_cumulative.csv").read_bytes())
    at = data.index("成都".encode())
    data[at] = 0xFF
    delivery = read(tmp_path, c=bytes(data))
    assert [(r.row, r.reason) for r in delivery.rejects] == [(3, "bad_encoding")]
    assert next(f.accepted for f in delivery.feeds if f.feed == "cases") == 14


def test_column_order_and_unused_columns(tmp_path: Path) -> None:
    content = "dead,cured,suspected,confirmed,cityCode,city,provinceCode,province,date,remark\n"
    delivery = read(tmp_path, c=content + "0,0,0,2,510700,,,四川,2022/8/1,x\n")
    assert days(delivery).select("area", "confirmed_total").rows() == [("510700", 2)]
    assert any("remark" in note for note in delivery.notes)
