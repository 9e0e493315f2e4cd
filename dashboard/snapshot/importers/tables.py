"""The aggregate tables that arrive as Parquet: ``code_stock``, ``code_flow``, ``scan_hourly``.

Everything runs on whole columns: a delivery has millions of rows. A file with a wrong schema is
refused as a whole; a wrong row goes to quarantine alone. Codes of an earlier year become today's
and their counts are added.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import polars as pl

from dashboard.snapshot.contract import TABLE_BY_NAME, Column, Table
from dashboard.snapshot.importers.files import Found
from dashboard.snapshot.importers.places import area_by_code
from dashboard.snapshot.importers.result import Imported, end_of_day, polars_schema
from dashboard.snapshot.quarantine import Reject

# Rows listed one by one for each file and reason; the rest stand as one entry with their number.
LISTED = 1000
_HIVE_DAY = re.compile(r"(?:^|/)date=(\d{4}-\d{2}-\d{2})/")
_FILE, _ROW, _WHY = "__file", "__row", "__why"
_FIRST_DAY = date(2019, 12, 1)
_LEAST_HOUR, _MOST_HOUR = 0, 23


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
    def refuse(reason: str, detail: str, *, rows: int = 1) -> Reject:
        return Reject(table.feed, file.name, None, reason, detail, "", rows)

    try:
        frame = pl.read_parquet(file.path, hive_partitioning=False, glob=False)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, ValueError) as error:
        return refuse("unreadable_file", f"No readable Parquet file: {str(error).splitlines()[0]}.")
    if not frame.height:
        return refuse("empty_file", "The file has no rows.")
    folder_day = _folder_day(file.name)
    if "date" not in frame.columns and folder_day is not None:
        frame = frame.with_columns(pl.lit(folder_day).alias("date"))
    missing = [column.name for column in table.columns if column.name not in frame.columns]
    if missing:
        return refuse("missing_column", f"The file lacks {', '.join(missing)}.", rows=frame.height)
    wrong = [
        f"{c.name} is {frame.schema[c.name]}, not {c.type}"
        for c in table.columns
        if not _fits(c, frame.schema[c.name])
    ]
    if wrong:
        return refuse("wrong_type", f"{'; '.join(wrong)}.", rows=frame.height)
    raw = frame.select(c.name for c in table.columns)
    checked = raw.with_columns(_why(table, raw, folder_day, now).alias(_WHY)).with_row_index(_ROW, offset=1)
    good = checked.filter(pl.col(_WHY).is_null()).drop(_WHY)
    typed = good.select(
        *(pl.col(n).cast(t) for n, t in polars_schema(table).items()),
        pl.col(_ROW),
        pl.lit(index).alias(_FILE),
    )
    return _Loaded(typed, tuple(_list(table, file, checked.filter(pl.col(_WHY).is_not_null()))))


def _folder_day(name: str) -> date | None:
    match = _HIVE_DAY.search(name)
    try:
        return date.fromisoformat(match[1]) if match else None
    except ValueError:
        return None


def _fits(column: Column, given: pl.DataType) -> bool:
    """Whether a type holds the column without loss; text is never read as a number or a day."""
    if column.type == "VARCHAR":
        return given == pl.String or isinstance(given, (pl.Categorical, pl.Enum))
    if column.type == "DATE":
        return given == pl.Date
    return given.is_integer()


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
            checks.append((~value.cast(pl.String).is_in(column.allowed), "unknown_category"))
        if column.low is not None:
            checks.append((value < column.low, "negative_count"))
        if column.name == "hour":
            checks.append((value > _MOST_HOUR, "out_of_range"))
        elif column.low is not None:
            # Beyond any count of people or scans, and a guard for sums that must stay within 64 bits.
            checks.append((value > 10**12, "out_of_range"))
    return pl.coalesce(*(pl.when(bad).then(pl.lit(reason)) for bad, reason in checks))


def _area_checks(frame: pl.DataFrame) -> list[tuple[pl.Expr, str]]:
    """Which codes are wrong is asked once for each code, not for each row."""
    codes = [c for c in frame["area"].cast(pl.String).unique().to_list() if c is not None]
    areas = {code: area_by_code(code) for code in codes}
    unknown = [code for code, area in areas.items() if area is None]
    # A city's row beside those of its counties would count its people twice.
    above = [code for code, area in areas.items() if area is not None and area.level in ("province", "city")]
    area = pl.col("area").cast(pl.String)
    return [
        (area.is_in(codes), reason)
        for codes, reason in ((unknown, "unknown_area"), (above, "wrong_level"))
        if codes
    ]


def _list(table: Table, file: Found, bad: pl.DataFrame) -> Iterator[Reject]:
    """Rejects of one file: each row with its values, the rest beyond ``LISTED`` by number."""
    for (why,), rows in bad.group_by(_WHY, maintain_order=True):
        reason = str(why)
        for values in rows.head(LISTED).iter_rows(named=True):
            number = int(values.pop(_ROW))
            values.pop(_WHY)
            yield Reject(table.feed, file.name, number, reason, _detail(reason, values), _raw(values))
        if rows.height > LISTED:
            rest = rows.height - LISTED
            first, last = int(rows[_ROW][LISTED]), int(rows[_ROW][-1])
            detail = f"{rest} more rows for the same reason, from row {first} to row {last} of the file."
            yield Reject(table.feed, file.name, None, reason, detail, "", rest)


def _detail(reason: str, values: dict[str, object]) -> str:
    if reason in ("unknown_area", "wrong_level"):
        return f"area is {values['area']!r}."
    if reason in ("bad_date", "future_date", "wrong_folder_day"):
        return f"date is {values['date']}."
    if reason == "missing_value":
        return f"{', '.join(name for name, value in values.items() if value is None)} is empty."
    return "See the row."


def _raw(values: dict[str, object]) -> str:
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
    over = candidates.with_columns(
        pl.col("__at").max().over(keys).alias("__kept"),
        pl.col(_FILE).sort_by("__at").last().over(keys).alias("__kept_file"),
        pl.all_horizontal(pl.col(m) == pl.col(m).sort_by("__at").last().over(keys) for m in measures).alias(
            "__same"
        ),
    ).filter(pl.col("__at") != pl.col("__kept"))
    reason = (
        pl.when(pl.col(_FILE) != pl.col("__kept_file"))
        .then(pl.lit("duplicate_delivery"))
        .when(pl.col("__same"))
        .then(pl.lit("duplicate_row"))
        .otherwise(pl.lit("conflicting_row"))
    )
    columns = [*(c.name for c in table.columns), _ROW, _WHY]
    rejects: list[Reject] = []
    for (index,), bad in over.with_columns(reason.alias(_WHY)).group_by(_FILE, maintain_order=True):
        rejects.extend(_list(table, files[int(str(index))], bad.select(columns)))
    kept = rows.with_row_index("__at").join(over.select("__at"), on="__at", how="anti").drop("__at")
    return kept, rejects


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
