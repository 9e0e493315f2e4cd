"""What may be wrong with a row of an aggregate table, and how a wrong one is told in the quarantine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime, time

import polars as pl

from dashboard.snapshot.contract import Column, Table
from dashboard.snapshot.importers.bulk import LONGEST_TEXT
from dashboard.snapshot.importers.files import Found
from dashboard.snapshot.importers.parquet import optional_columns
from dashboard.snapshot.importers.places import area_by_code
from dashboard.snapshot.importers.table_csv import LISTED
from dashboard.snapshot.quarantine import Reject

ROW, WHY = "__row", "__why"
_DAYS = ((date.min - date(1970, 1, 1)).days, (date.max - date(1970, 1, 1)).days)
_FIRST_DAY = date(2019, 12, 1)
# Beyond any count of people or scans, and a guard for sums that must stay within 64 bits.
_MOST = 10**12
_SHOWN = 80  # characters of a wrong text that a detail repeats


def why_rejected(table: Table, frame: pl.DataFrame, folder_day: date | None, now: datetime) -> pl.Expr:
    """The reason against each row, as an expression; null for a good row. The first that holds is named."""
    missing = pl.any_horizontal(pl.col(c.name).is_null() for c in table.columns if not c.nullable)
    checks: list[tuple[pl.Expr, str]] = [(missing, "missing_value")]
    for column in table.columns:
        value = pl.col(column.name)
        if column.type in ("DATE", "TIMESTAMP"):
            latest = now.date() if column.type == "DATE" else now
            checks += [(value < _FIRST_DAY, "bad_date"), (value > latest, "future_date")]
    if folder_day is not None and "date" in frame.columns:
        checks.append((pl.col("date") != folder_day, "wrong_folder_day"))
    checks += _area_checks(table, frame)
    extra = [c for c in optional_columns(table) if c.name in frame.columns]
    for column in (*table.columns, *extra):
        checks += _value_checks(column)
    return pl.coalesce(*(pl.when(bad).then(pl.lit(reason)) for bad, reason in checks))


def _value_checks(column: Column) -> list[tuple[pl.Expr, str]]:
    value = pl.col(column.name)
    checks = [(value.str.len_bytes() > LONGEST_TEXT, "long_text")] if column.type == "VARCHAR" else []
    checks += [(~value.is_in(column.allowed), "unknown_category")] if column.allowed else []
    if column.low is not None:
        checks += [
            (value < column.low, _too_low(column)),
            (value > _most(column), "out_of_range"),
        ]
    if column.type == "DOUBLE":
        checks.append((~value.cast(pl.Float64).is_finite(), "out_of_range"))
    return checks


def _too_low(column: Column) -> str:
    return "out_of_range" if column.low else "negative_count"


def _most(column: Column) -> int:
    return _MOST if column.high is None else column.high


def _area_checks(table: Table, frame: pl.DataFrame) -> list[tuple[pl.Expr, str]]:
    """Which codes are wrong is asked once for each code, not for each row."""
    if "area" not in frame.columns:
        return []
    codes = [c for c in frame["area"].unique().to_list() if c is not None]
    areas = {code: area_by_code(code) for code in codes}
    unknown = [code for code, area in areas.items() if area is None]
    # A city's row beside those of its counties would count its people twice.
    above = [code for code, area in areas.items() if area is not None and area.level in ("province", "city")]
    area = pl.col("area")
    found = ((unknown, "unknown_area"), (above if table.by_county else [], "wrong_level"))
    return [(area.is_in(codes), reason) for codes, reason in found if codes]


def list_rejects(table: Table, file: Found, bad: pl.DataFrame) -> Iterator[Reject]:
    """Rejects of one file: each row with its values, the rest beyond ``LISTED`` by number."""
    bad = _within_calendar(table, bad)
    for (why,), rows in bad.group_by(WHY, maintain_order=True):
        reason = str(why)
        for values in rows.head(LISTED).iter_rows(named=True):
            number = int(values.pop(ROW))
            values.pop(WHY)
            yield Reject(table.feed, file.name, number, reason, _detail(table, reason, values), _raw(values))
        if rows.height > LISTED:
            rest = rows.height - LISTED
            first, last = int(rows[ROW][LISTED]), int(rows[ROW][-1])
            detail = f"{rest} more rows for the same reason, from row {first} to row {last} of the file."
            yield Reject(table.feed, file.name, None, reason, detail, "", rest)


def _within_calendar(table: Table, rows: pl.DataFrame) -> pl.DataFrame:
    """A day beyond the years of a calendar cannot be shown; the nearest one is."""
    days = [c.name for c in table.columns if c.type == "DATE"]
    moments = [c.name for c in table.columns if c.type == "TIMESTAMP"]
    least, most = (datetime.combine(d, time()) for d in (date.min, date.max))
    return rows.with_columns(
        pl.col(days).cast(pl.Int32).clip(*_DAYS).cast(pl.Date),
        pl.col(moments).cast(pl.Datetime("us")).clip(least, most),
    )


def _detail(table: Table, reason: str, values: Mapping[str, object]) -> str:
    """The values that are wrong, in words."""
    if reason in ("duplicate_delivery", "duplicate_row", "conflicting_row"):
        return f"{', '.join(f'{name} {values[name]}' for name in table.key)} was delivered again later."
    if reason in ("unknown_area", "wrong_level"):
        wrong = ["area"]
    elif reason == "wrong_folder_day":
        wrong = ["date"]
    else:
        columns = (*table.columns, *(c for c in optional_columns(table) if c.name in values))
        wrong = [c.name for c in columns if _is_wrong(c, values[c.name], reason)]
    return f"{'; '.join(f'{name} is {_shown(values[name])}' for name in wrong)}."


def _is_wrong(column: Column, value: object, reason: str) -> bool:
    if value is None:
        return reason == "missing_value" and not column.nullable
    if reason in ("bad_date", "future_date"):
        day = value.date() if isinstance(value, datetime) else value
        return isinstance(day, date) and (day < _FIRST_DAY) == (reason == "bad_date")
    if reason == "long_text":
        return isinstance(value, str) and len(value.encode()) > LONGEST_TEXT
    if reason == "unknown_category":
        return bool(column.allowed) and value not in column.allowed
    if column.low is None or not isinstance(value, int | float):
        return False
    if reason == _too_low(column) and value < column.low:
        return True
    return reason == "out_of_range" and not value <= _most(column)


def _shown(value: object) -> str:
    return "empty" if value is None else repr(value[:_SHOWN]) if isinstance(value, str) else str(value)


def _raw(values: Mapping[str, object]) -> str:
    return ",".join(f"{name}={'' if value is None else value}" for name, value in values.items())
