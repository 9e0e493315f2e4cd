"""The aggregate tables, each delivered as Parquet or CSV in a folder of its name.

Everything runs on whole columns: a delivery has millions of rows. A file with a wrong schema is
refused as a whole; a wrong row goes to quarantine alone. Codes of an earlier year become today's
and their counts are added.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

import polars as pl

from dashboard.snapshot.contract import TABLE_BY_NAME, Column, Table
from dashboard.snapshot.importers.bulk import LONGEST_TEXT
from dashboard.snapshot.importers.files import Found
from dashboard.snapshot.importers.parquet import CRS, folder_day, optional_columns, read_parquet
from dashboard.snapshot.importers.places import area_by_code
from dashboard.snapshot.importers.result import Imported, end_of_day, polars_schema
from dashboard.snapshot.importers.table_csv import LINE, LISTED, read_csv
from dashboard.snapshot.quarantine import Reject
from geo.gcj02 import gcj02_to_wgs84

_FILE, _ROW, _WHY = "__file", "__row", "__why"
_DAYS = ((date.min - date(1970, 1, 1)).days, (date.max - date(1970, 1, 1)).days)
_FIRST_DAY = date(2019, 12, 1)
# Beyond any count of people or scans, and a guard for sums that must stay within 64 bits.
_MOST = 10**12
_SHOWN = 80  # characters of a wrong text that a detail repeats


@dataclass(frozen=True)
class _Loaded:
    """One readable file: good rows with their file and row number, and its rejects."""

    frame: pl.DataFrame
    rejects: tuple[Reject, ...]


def import_table(name: str, files: Sequence[Found], *, now: datetime) -> Imported:
    """Read all files of one table, in the order of their paths, and return it by the contract.

    The table is absent when no row was accepted.
    """
    table = TABLE_BY_NAME[name]
    frames: list[pl.DataFrame] = []
    rejects: list[Reject] = []
    for index, file in enumerate(files):
        loaded = _load(table, file, index, now)
        if isinstance(loaded, Reject):
            rejects.append(loaded)
        else:
            frames.append(loaded.frame)
            rejects.extend(loaded.rejects)
    if not any(frame.height for frame in frames):
        return Imported(rejects=tuple(rejects))
    rows = pl.concat(frames)
    rows, repeated = _without_repeats(table, files, rows)
    rejects.extend(repeated)
    return Imported(
        tables={name: _to_today(table, rows)},
        rejects=tuple(rejects),
        accepted=rows.height,
        data_until=_data_until(rows, now),
    )


def _load(table: Table, file: Found, index: int, now: datetime) -> _Loaded | Reject:
    read = _read(table, file)
    if isinstance(read, Reject):
        return read
    frame, rejects = read
    checked = frame.with_columns(_why(table, frame, folder_day(file.name), now).alias(_WHY))
    good = _to_wgs84(checked.filter(pl.col(_WHY).is_null()).drop(_WHY))
    typed = good.select(
        *(pl.col(n).cast(t) for n, t in polars_schema(table).items()),
        pl.col(_ROW),
        pl.lit(index).alias(_FILE),
    )
    return _Loaded(typed, (*rejects, *_list(table, file, checked.filter(pl.col(_WHY).is_not_null()))))


def _read(table: Table, file: Found) -> tuple[pl.DataFrame, tuple[Reject, ...]] | Reject:
    """Rows with their number in the file: the line of a CSV, the row of a Parquet file from 1."""
    if file.path.suffix == ".csv":
        lines = read_csv(table, file)
        return lines if isinstance(lines, Reject) else (lines.frame.rename({LINE: _ROW}), lines.rejects)
    frame = read_parquet(table, file)
    return (
        frame
        if isinstance(frame, Reject)
        else (frame.with_row_index(_ROW, offset=1).cast({_ROW: pl.Int64}), ())
    )


def _to_wgs84(rows: pl.DataFrame) -> pl.DataFrame:
    """Points in the shifted datum of Chinese web maps become WGS84."""
    if CRS.name not in rows.columns:
        return rows
    shifted = pl.col(CRS.name).fill_null("wgs84") == "gcj02"
    points = gcj02_to_wgs84(rows.select(pl.col("lon", "lat").cast(pl.Float64)).to_numpy())
    return rows.with_columns(
        pl.when(shifted).then(pl.Series(points[:, i])).otherwise(pl.col(name)).alias(name)
        for i, name in enumerate(("lon", "lat"))
    ).drop(CRS.name)


def _why(table: Table, frame: pl.DataFrame, folder_day: date | None, now: datetime) -> pl.Expr:
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


def _list(table: Table, file: Found, bad: pl.DataFrame) -> Iterator[Reject]:
    """Rejects of one file: each row with its values, the rest beyond ``LISTED`` by number."""
    bad = _within_calendar(table, bad)
    for (why,), rows in bad.group_by(_WHY, maintain_order=True):
        reason = str(why)
        for values in rows.head(LISTED).iter_rows(named=True):
            number = int(values.pop(_ROW))
            values.pop(_WHY)
            yield Reject(table.feed, file.name, number, reason, _detail(table, reason, values), _raw(values))
        if rows.height > LISTED:
            rest = rows.height - LISTED
            first, last = int(rows[_ROW][LISTED]), int(rows[_ROW][-1])
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


def _without_repeats(
    table: Table, files: Sequence[Found], rows: pl.DataFrame
) -> tuple[pl.DataFrame, list[Reject]]:
    """One row for each key as delivered: the last one; the others go to quarantine.

    The hash of the key finds the few candidates; only those are compared in full, which keeps five
    million rows within a second.
    """
    keys = list(table.key)
    candidates = rows.with_row_index("__at").filter(pl.struct(keys).hash().is_duplicated())
    if not candidates.height:
        return rows, []
    measures = [c.name for c in table.columns if c.name not in keys]
    # Within a group rows keep their order, so the last is the one delivered last.
    kept = candidates.group_by(keys).agg(
        pl.col("__at").last().alias("__kept"),
        pl.col(_FILE).last().alias("__kept_file"),
        pl.struct(measures).last().alias("__kept_measures"),
    )
    over = (
        candidates.join(kept, on=keys, nulls_equal=True)
        .filter(pl.col("__at") != pl.col("__kept"))
        .sort("__at")
    )
    reason = (
        pl.when(pl.col(_FILE) != pl.col("__kept_file"))
        .then(pl.lit("duplicate_delivery"))
        .when(pl.struct(measures) == pl.col("__kept_measures"))
        .then(pl.lit("duplicate_row"))
        .otherwise(pl.lit("conflicting_row"))
    )
    columns = [*(c.name for c in table.columns), _ROW, _WHY]
    rejects: list[Reject] = []
    for (index,), bad in over.with_columns(reason.alias(_WHY)).group_by(_FILE, maintain_order=True):
        rejects.extend(_list(table, files[int(str(index))], bad.select(columns)))
    alone = rows.with_row_index("__at").join(over.select("__at"), on="__at", how="anti").drop("__at")
    return alone, rejects


def _to_today(table: Table, rows: pl.DataFrame) -> pl.DataFrame:
    """Codes of an earlier year become today's; rows that thereby share a key are added up."""
    names = [c.name for c in table.columns]
    rows = rows.select(names)
    if "area" not in names:
        return rows
    today = {code: area.code for code in rows["area"].unique() if (area := area_by_code(code)) is not None}
    renamed = [old for old, new in today.items() if old != new]
    if not renamed:
        return rows
    touched = {today[old] for old in renamed}
    rows = rows.with_columns(pl.col("area").replace(today))
    if "area" not in table.key:
        return rows
    moved = pl.col("area").is_in(list(touched))
    measures = [c for c in table.columns if c.name not in table.key]
    added = rows.filter(moved).group_by(table.key).agg(_together(c) for c in measures).select(names)
    return pl.concat([rows.filter(~moved), added])


def _together(column: Column) -> pl.Expr:
    """The value of two parts of an area; not reported when one of them was not."""
    value = pl.col(column.name)
    both = value.sum() if column.additive and column.low is not None else value.max()
    return pl.when(value.has_nulls()).then(None).otherwise(both).alias(column.name)


def _data_until(rows: pl.DataFrame, now: datetime) -> datetime | None:
    """The newest moment the rows speak of; None for a list that names no day of its data."""
    for name in ("as_of", "minute", "computed_at"):
        if name in rows.columns and isinstance(newest := rows[name].max(), datetime):
            return newest
    days = [name for name in ("date", "updated") if name in rows.columns]
    day = rows[days[0]].max() if days else None
    if not isinstance(day, date):
        return None
    start = datetime(day.year, day.month, day.day)
    for name, minutes in (("hour", 60), ("half_hour", 30)):
        if name in rows.columns:
            newest_part = int(str(rows.filter(pl.col("date") == day)[name].max()))
            return min(start + timedelta(minutes=(newest_part + 1) * minutes - 1), now)
    return end_of_day(start, now)
