"""Aggregate tables: codes of an earlier year, repeats, folders by day, files that cannot be used."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from random import Random

import polars as pl
import pytest

from dashboard.snapshot.contract import TABLE_BY_NAME
from dashboard.snapshot.importers import table_rows, tables
from dashboard.snapshot.importers.result import polars_schema
from dashboard.snapshot.inputs import Delivery, read_delivery
from dashboard.snapshot.quarantine import count_reasons

NOW = datetime(2022, 9, 6, 8)
DAY = date(2022, 9, 5)
STOCK = ("date", "area", "colour", "reason", "age_band", "holders")
Row = tuple[date | None, str | None, str, str, str, int | None]


def stock(
    area: str | None = "510107", holders: int | None = 10, *, day: date | None = DAY, age: str = "15-59"
) -> Row:
    return (day, area, "green", "no_risk", age, holders)


def write(path: Path, rows: Sequence[Row], **casts: pl.DataType) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    frame = pl.DataFrame(rows, schema=polars_schema(TABLE_BY_NAME["code_stock"]), orient="row")
    frame.cast(dict(casts)).write_parquet(path) if casts else frame.write_parquet(path)


def read(folder: Path) -> tuple[Delivery, list[tuple[object, ...]]]:
    delivery = read_delivery(folder, now=NOW)
    if "code_stock" not in delivery.tables:
        return delivery, []
    frame = delivery.tables["code_stock"].lazy().collect()
    assert frame.schema == polars_schema(TABLE_BY_NAME["code_stock"])
    return delivery, sorted(frame.select("area", "age_band", "holders").rows())


def reasons(delivery: Delivery) -> list[tuple[str, int]]:
    return [(reason, rows) for feed, reason, rows in count_reasons(delivery.rejects) if feed == "codes"]


def test_nothing_delivered_is_absent(tmp_path: Path) -> None:
    delivery = read_delivery(tmp_path, now=NOW)
    assert delivery.tables == {}
    assert {(f.state, f.accepted, f.rejected) for f in delivery.feeds} == {("not_reported", None, None)}


def test_earlier_codes_are_booked_on_todays(tmp_path: Path) -> None:
    write(tmp_path / "code_stock/a.parquet", [stock("510132", 3), stock("510118", 4), stock("510107", 5)])
    write(tmp_path / "code_stock/b.parquet", [stock("513425", 6)])
    delivery, rows = read(tmp_path)
    assert rows == [("510107", "15-59", 5), ("510118", "15-59", 7), ("513402", "15-59", 6)]
    assert delivery.rejects == ()
    assert next(f.accepted for f in delivery.feeds if f.feed == "codes") == 4


def test_every_row_is_accepted_or_rejected(tmp_path: Path) -> None:
    bad = [
        stock("519999"),
        stock("510000"),
        stock(None),
        stock(holders=None),
        stock(holders=-1),
        stock(holders=10**13),
        stock(day=date(2022, 9, 7)),
        stock(day=date(1970, 1, 1)),
        stock(age="teens"),
    ]
    write(tmp_path / "code_stock/a.parquet", [stock(), *bad, stock("510104")])
    delivery, rows = read(tmp_path)
    assert rows == [("510104", "15-59", 10), ("510107", "15-59", 10)]
    assert sorted((r.row, r.reason) for r in delivery.rejects) == [
        (2, "unknown_area"),
        (3, "wrong_level"),
        (4, "missing_value"),
        (5, "missing_value"),
        (6, "negative_count"),
        (7, "out_of_range"),
        (8, "future_date"),
        (9, "bad_date"),
        (10, "unknown_category"),
    ]
    assert "holders=-1" in next(r.raw for r in delivery.rejects if r.reason == "negative_count")
    details = {r.row: r.detail for r in delivery.rejects}
    assert details[2] == "area is '519999'."
    assert details[4] == "area is empty."
    assert details[6] == "holders is -1."
    assert details[8] == "date is 2022-09-07."
    assert details[10] == "age_band is 'teens'."
    assert next(f.state for f in delivery.feeds if f.feed == "codes") == "partial"


def test_repeats_keep_the_last(tmp_path: Path) -> None:
    write(
        tmp_path / "code_stock/a.parquet",
        [stock(holders=1), stock("510104", 2), stock("510104", 2), stock("510105", 7)],
    )
    write(tmp_path / "code_stock/b.parquet", [stock(holders=9), stock("510106", 1), stock("510106", 3)])
    delivery, rows = read(tmp_path)
    assert rows == [
        ("510104", "15-59", 2),
        ("510105", "15-59", 7),
        ("510106", "15-59", 3),
        ("510107", "15-59", 9),
    ]
    assert sorted((r.file, r.row, r.reason) for r in delivery.rejects) == [
        ("code_stock/a.parquet", 1, "duplicate_delivery"),
        ("code_stock/a.parquet", 2, "duplicate_row"),
        ("code_stock/b.parquet", 2, "conflicting_row"),
    ]


def test_the_same_file_twice(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write(tmp_path / f"code_stock/{name}.parquet", [stock()])
    delivery, rows = read(tmp_path)
    assert rows == [("510107", "15-59", 10)]
    assert [(r.file, r.row, r.reason) for r in delivery.rejects] == [
        ("code_stock/b.parquet", None, "duplicate_delivery")
    ]
    assert next(f.state for f in delivery.feeds if f.feed == "codes") == "on_time"


def test_day_of_the_folder(tmp_path: Path) -> None:
    frame = pl.DataFrame([stock()], schema=polars_schema(TABLE_BY_NAME["code_stock"]), orient="row").drop(
        "date"
    )
    for day in ("2022-09-04", "2022-09-05"):
        path = tmp_path / f"code_stock/date={day}/part.parquet"
        path.parent.mkdir(parents=True)
        frame.write_parquet(path)  # the same bytes speak of two days
    delivery = read_delivery(tmp_path, now=NOW)
    assert delivery.rejects == ()
    dates = delivery.tables["code_stock"].lazy().collect()["date"].sort().to_list()
    assert dates == [date(2022, 9, 4), DAY]


@pytest.mark.parametrize(
    ("column", "given", "fits"),
    [
        ("holders", pl.Int16(), True),
        ("holders", pl.UInt64(), True),
        ("holders", pl.Float64(), False),
        ("holders", pl.String(), False),
        ("holders", pl.Boolean(), False),
        ("area", pl.Categorical(), True),
        ("colour", pl.Enum(["green"]), True),
        ("area", pl.Binary(), False),
        ("date", pl.String(), False),
        ("date", pl.Datetime("us"), False),
    ],
)
def test_types(column: str, given: pl.DataType, fits: bool, tmp_path: Path) -> None:
    write(tmp_path / "code_stock/a.parquet", [stock(), stock("510104")], **{column: given})
    delivery, rows = read(tmp_path)
    assert len(rows) == (2 if fits else 0)
    assert reasons(delivery) == ([] if fits else [("wrong_type", 2)])
    assert fits or column in delivery.rejects[0].detail


def test_one_bad_file_leaves_the_others(tmp_path: Path) -> None:
    write(tmp_path / "code_stock/a.parquet", [stock()])
    write(tmp_path / "code_stock/b.parquet", [stock("510104")])
    data = (tmp_path / "code_stock/b.parquet").read_bytes()
    (tmp_path / "code_stock/b.parquet").write_bytes(data[: len(data) // 2])
    (tmp_path / "code_stock/c.parquet").write_bytes(b"")
    delivery, rows = read(tmp_path)
    assert rows == [("510107", "15-59", 10)]
    assert reasons(delivery) == [("empty_file", 1), ("unreadable_file", 1)]


def test_rejects_of_a_large_file_are_counted_in_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_rows, "LISTED", 3)
    write(tmp_path / "code_stock/a.parquet", [stock("519999", n) for n in range(10)] + [stock()])
    delivery, _ = read(tmp_path)
    assert [(r.row, r.rows) for r in delivery.rejects] == [(1, 1), (2, 1), (3, 1), (None, 7)]
    assert next(f.rejected for f in delivery.feeds if f.feed == "codes") == 10


def test_million_rows_are_handled_as_columns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    real = tables.area_by_code
    for module in (tables, table_rows):
        monkeypatch.setattr(module, "area_by_code", lambda code: (asked.append(code), real(code))[1])
    frame = pl.DataFrame({"holders": pl.int_range(200_000, eager=True)}).select(
        pl.lit(DAY).alias("date"),
        pl.when(pl.col("holders") % 2 == 0).then(pl.lit("510107")).otherwise(pl.lit("510104")).alias("area"),
        pl.lit("green").alias("colour"),
        pl.format("reason{}", pl.col("holders")).alias("reason"),
        pl.lit("15-59").alias("age_band"),
        "holders",
    )
    (tmp_path / "code_stock").mkdir()
    frame.write_parquet(tmp_path / "code_stock/a.parquet")
    assert len(read(tmp_path)[1]) == 200_000
    assert len(asked) <= 4  # once for each code in the file, once for each in the table


def test_a_day_beyond_the_calendar(tmp_path: Path) -> None:
    schema = polars_schema(TABLE_BY_NAME["code_stock"])
    frame = pl.DataFrame([stock(), stock("510104")], schema=schema, orient="row")
    far = frame.with_columns(pl.Series("date", [2**31 - 1, -(2**31)], dtype=pl.Int32).cast(pl.Date))
    (tmp_path / "code_stock").mkdir()
    far.write_parquet(tmp_path / "code_stock/a.parquet")
    delivery, _ = read(tmp_path)
    assert [(r.row, r.reason) for r in delivery.rejects] == [(1, "future_date"), (2, "bad_date")]
    assert delivery.rejects[0].detail == "date is 9999-12-31."


def test_changed_bytes_never_raise(tmp_path: Path) -> None:
    path = tmp_path / "code_stock/a.parquet"
    write(path, [stock(holders=n, age=age) for n, age in enumerate(("0-14", "15-59", "60-79", "80+"))])
    data = path.read_bytes()
    for seed in range(60):
        draw = Random(seed)
        changed = bytearray(data)
        for _ in range(draw.randint(1, 4)):
            changed[draw.randrange(len(changed))] = draw.randrange(256)
        path.write_bytes(changed[: draw.randint(len(data) // 2, len(data))] if seed % 3 == 0 else changed)
        delivery, rows = read(tmp_path)
        assert rows or delivery.rejects
