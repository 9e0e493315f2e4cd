"""The aggregate tables that arrive as Parquet: ``code_stock``, ``code_flow``, ``scan_hourly``.

Everything runs on whole columns: a delivery has millions of rows. A file with a wrong schema is
refused as a whole; a wrong row goes to quarantine alone. Codes of an earlier year become today's
and their counts are added.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import polars as pl

from dashboard.snapshot.contract import TABLE_BY_NAME, Table
from dashboard.snapshot.importers.files import Found
from dashboard.snapshot.importers.parquet import folder_day, read_parquet
from dashboard.snapshot.importers.places import area_by_code
from dashboard.snapshot.importers.result import Imported, end_of_day, polars_schema
from dashboard.snapshot.quarantine import Reject

# Rows listed one by one for each file and reason; the rest stand as one entry with their number.
LISTED = 1000
_FILE, _ROW, _WHY = "__file", "__row", "__why"
_DAYS = ((date.min - date(1970, 1, 1)).days, (date.max - date(1970, 1, 1)).days)
_FIRST_DAY = date(2019, 12, 1)
_MOST_HOUR = 23
# Beyond any count of people or scans, and a guard for sums that must stay within 64 bits.
_MOST = 10**12


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
    frame = read_parquet(table, file)
    if isinstance(frame, Reject):
        return frame
    why = _why(table, frame, folder_day(file.name), now)
    checked = frame.with_columns(why.alias(_WHY)).with_row_index(_ROW, offset=1)
    good = checked.filter(pl.col(_WHY).is_null()).drop(_WHY)
    typed = good.select(
        *(pl.col(n).cast(t) for n, t in polars_schema(table).items()),
        pl.col(_ROW),
        pl.lit(index).alias(_FILE),
    )
    return _Loaded(typed, tuple(_list(table, file, checked.filter(pl.col(_WHY).is_not_null()))))


def _why(table: Table, frame: pl.DataFrame, folder_day: date | None, now: datetime) -> pl.Expr:
    """The reason against each row, as an expression; null for a good row. The first that holds is named."""
    checks: list[tuple[pl.Expr, str]] = [
        (
            pl.any_horizontal(pl.col(c.name).is_null() for c in table.columns if not c.nullable),
            "missing_value",
        ),
        (pl.col("date") < _FIRST_DAY, "bad_date"),
        (pl.col("date") > now.date(), "future_date"),
    ]
    if folder_day is not None:
        checks.append((pl.col("date") != folder_day, "wrong_folder_day"))
    checks += _area_checks(frame)
    for column in table.columns:
        value = pl.col(column.name)
        if column.allowed:
            checks.append((~value.is_in(column.allowed), "unknown_category"))
        if column.low is not None:
            checks.append((value < column.low, "negative_count"))
        if column.name == "hour":
            checks.append((value > _MOST_HOUR, "out_of_range"))
        elif column.low is not None:
            checks.append((value > _MOST, "out_of_range"))
    return pl.coalesce(*(pl.when(bad).then(pl.lit(reason)) for bad, reason in checks))


def _area_checks(frame: pl.DataFrame) -> list[tuple[pl.Expr, str]]:
    """Which codes are wrong is asked once for each code, not for each row."""
    codes = [c for c in frame["area"].unique().to_list() if c is not None]
    areas = {code: area_by_code(code) for code in codes}
    unknown = [code for code, area in areas.items() if area is None]
    # A city's row beside those of its counties would count its people twice.
    above = [code for code, area in areas.items() if area is not None and area.level in ("province", "city")]
    area = pl.col("area")
    return [
        (area.is_in(codes), reason)
        for codes, reason in ((unknown, "unknown_area"), (above, "wrong_level"))
        if codes
    ]


def _list(table: Table, file: Found, bad: pl.DataFrame) -> Iterator[Reject]:
    """Rejects of one file: each row with its values, the rest beyond ``LISTED`` by number."""
    # A day beyond the years of a calendar cannot be shown; the nearest one is.
    bad = bad.with_columns(pl.col("date").cast(pl.Int32).clip(_DAYS[0], _DAYS[1]).cast(pl.Date))
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


def _detail(table: Table, reason: str, values: Mapping[str, object]) -> str:
    """The values that are wrong, in words."""
    if reason in ("duplicate_delivery", "duplicate_row", "conflicting_row"):
        return f"{', '.join(f'{name} {values[name]}' for name in table.key)} was delivered again later."
    if reason in ("unknown_area", "wrong_level"):
        wrong = ["area"]
    elif reason in ("bad_date", "future_date", "wrong_folder_day"):
        wrong = ["date"]
    elif reason == "unknown_category":
        wrong = [c.name for c in table.columns if c.allowed and values[c.name] not in c.allowed]
    else:
        wrong = [name for name, value in values.items() if _is_wrong(name, value, reason)]
    return f"{'; '.join(f'{name} is {_shown(values[name])}' for name in wrong)}."


def _is_wrong(name: str, value: object, reason: str) -> bool:
    if not isinstance(value, int):
        return value is None and reason == "missing_value"
    most = _MOST_HOUR if name == "hour" else _MOST
    return value < 0 if reason == "negative_count" else value > most


def _shown(value: object) -> str:
    return "empty" if value is None else repr(value) if isinstance(value, str) else str(value)


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
    over = candidates.join(kept, on=keys).filter(pl.col("__at") != pl.col("__kept")).sort("__at")
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
    today = {code: area.code for code in rows["area"].unique() if (area := area_by_code(code)) is not None}
    renamed = [old for old, new in today.items() if old != new]
    if not renamed:
        return rows
    touched = {today[old] for old in renamed}
    rows = rows.with_columns(pl.col("area").replace(today))
    moved = pl.col("area").is_in(list(touched))
    measures = [name for name in names if name not in table.key]
    added = rows.filter(moved).group_by(table.key).agg(pl.col(m).sum() for m in measures).select(names)
    return pl.concat([rows.filter(~moved), added])


def _data_until(rows: pl.DataFrame, now: datetime) -> datetime:
    day = rows["date"].max()
    if not isinstance(day, date):
        raise TypeError("accepted rows have a day")
    start = datetime(day.year, day.month, day.day)
    if "hour" not in rows.columns:
        return end_of_day(start, now)
    hour = rows.filter(pl.col("date") == day)["hour"].max()
    return min(start + timedelta(hours=int(str(hour)), minutes=59), now)
