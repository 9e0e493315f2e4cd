"""Reads one Parquet file by the contract, or says why it cannot be used.

pyarrow reads it, not polars: torn bytes must not end the build. Of some thousand files with changed
bytes polars 2.1 aborted the process on one; pyarrow 26 raised an error on all it could not read. Only columns
whose type was checked are handed over, without their metadata, which may be torn as well.
"""

from __future__ import annotations

import re
from datetime import date

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from dashboard.snapshot.contract import Column, Table
from dashboard.snapshot.importers.bulk import find_bulky_column, find_long_text, is_text
from dashboard.snapshot.importers.files import Found
from dashboard.snapshot.quarantine import Reject

_HIVE_DAY = re.compile(r"(?:^|/)date=(\d{4}-\d{2}-\d{2})/")
# What pyarrow and the hand-over to polars raise on a file that is torn, or no Parquet at all.
_UNREADABLE = (
    OSError,
    ValueError,
    TypeError,
    KeyError,
    NotImplementedError,
    MemoryError,
    pl.exceptions.PolarsError,
)
CRS = Column("crs", "VARCHAR", "", "Datum of a point.", nullable=True, allowed=("wgs84", "gcj02"))
_MOST_ROWS = 10**12  # a torn footer may promise any number


def read_parquet(table: Table, file: Found) -> pl.DataFrame | Reject:
    """The contract's columns of one file, in order; whole numbers of any width, words as text.

    Points may say the datum they are in: then a column ``crs`` follows.

    The column ``date`` may be left out below a folder ``date=YYYY-MM-DD``.
    """

    def refuse(reason: str, detail: str, *, rows: int = 1) -> Reject:
        return Reject(table.feed, file.name, None, reason, detail, "", rows)

    day = folder_day(file.name)
    try:
        with pq.ParquetFile(file.path) as footer:
            rows = max(1, min(int(footer.metadata.num_rows), _MOST_ROWS))
            types = {field.name: field.type for field in footer.schema_arrow}
            own = [c for c in table.columns if not (c.name == "date" and c.name not in types and day)]
            own += [c for c in optional_columns(table) if c.name in types]
            missing = [c.name for c in own if c.name not in types]
            if missing:
                return refuse("missing_column", f"The file lacks {', '.join(missing)}.", rows=rows)
            wrong = [f"{c.name} is {types[c.name]}, not {c.type}" for c in own if not _fits(c, types[c.name])]
            if wrong:
                return refuse("wrong_type", f"{'; '.join(wrong)}.", rows=rows)
            words = [c.name for c in own if c.type == "VARCHAR"]
            if bulky := find_bulky_column(footer.metadata, words):
                return refuse("long_text", bulky, rows=rows)
        # A text that is repeated is never spelled out before its length is known.
        with pq.ParquetFile(file.path, page_checksum_verification=True, read_dictionary=words) as opened:
            arrow = opened.read(columns=[c.name for c in own])
        if long := find_long_text(arrow, words):
            return refuse("long_text", long, rows=rows)
        frame = _to_polars(arrow, own)
    except _UNREADABLE as error:
        return refuse("unreadable_file", f"No readable Parquet file: {(str(error).splitlines() or [''])[0]}.")
    if not frame.height:
        return refuse("empty_file", "The file has no rows.")
    if "date" not in frame.columns:
        frame = frame.with_columns(pl.lit(day).alias("date"))
    extra = [c.name for c in optional_columns(table) if c.name in frame.columns]
    return frame.select(*(c.name for c in table.columns), *extra)


def optional_columns(table: Table) -> tuple[Column, ...]:
    """Columns a delivery may carry that the snapshot does not: the datum of points."""
    return (CRS,) if any(c.name == "lon" for c in table.columns) else ()


def folder_day(name: str) -> date | None:
    """The day that a folder ``date=YYYY-MM-DD`` above the file names."""
    match = _HIVE_DAY.search(name)
    try:
        return date.fromisoformat(match[1]) if match else None
    except ValueError:
        return None


def _fits(column: Column, given: pa.DataType) -> bool:
    """Whether a type holds the column without loss; text is never read as a number or a day."""
    if column.type == "VARCHAR":
        return is_text(given)
    if column.type == "DATE":
        return bool(pa.types.is_date32(given))
    if column.type == "TIMESTAMP":
        return bool(pa.types.is_timestamp(given)) and given.tz is None
    if column.type == "DOUBLE":
        return bool(pa.types.is_floating(given) or pa.types.is_integer(given))
    return bool(pa.types.is_integer(given))


def _to_polars(arrow: pa.Table, columns: list[Column]) -> pl.DataFrame:
    # Checks that text is UTF-8 and that dictionaries hold what their indices ask for.
    arrow.validate(full=True)
    plain = [
        arrow[c.name].cast(pa.large_string()) if pa.types.is_dictionary(arrow[c.name].type) else arrow[c.name]
        for c in columns
    ]
    frame = pl.from_arrow(pa.Table.from_arrays(plain, names=[c.name for c in columns]))
    if not isinstance(frame, pl.DataFrame):
        raise TypeError("a Parquet file holds a table")
    return frame
