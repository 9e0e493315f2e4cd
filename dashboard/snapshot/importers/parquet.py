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
import pyarrow.compute as pc
import pyarrow.parquet as pq

from dashboard.snapshot.contract import Column, Table
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
# A word of the contract is an id or a code. What one value of a column may take is bounded before the file
# is read, and a text that is repeated is never spelled out: 50 kB of zstd can stand for gigabytes.
LONGEST_TEXT = 1000
_TEXT_BYTES_PER_ROW = 256
_TEXT_BYTES_ALWAYS = 4 * 1024 * 1024
_TEXT_BYTES_SPELLED = 2 * 1024**3
_MOST_ROWS = 10**12  # a torn footer may promise any number


def read_parquet(table: Table, file: Found) -> pl.DataFrame | Reject:
    """The contract's columns of one file, in order; whole numbers of any width, words as text.

    Points may say the datum they are in: then a column ``crs`` follows.

    The column ``date`` may be left out below a folder ``date=YYYY-MM-DD``.
    """

    def refuse(reason: str, detail: str, *, rows: int = 1) -> Reject:
        return Reject(table.feed, file.name, None, reason, detail, "", rows)

    try:
        words = [c.name for c in table.columns if c.type == "VARCHAR"]
        with pq.ParquetFile(file.path, page_checksum_verification=True, read_dictionary=words) as opened:
            rows = max(0, min(int(opened.metadata.num_rows), _MOST_ROWS))
            types = {field.name: field.type for field in opened.schema_arrow}
            day = folder_day(file.name)
            own = [c for c in table.columns if not (c.name == "date" and c.name not in types and day)]
            own += [c for c in optional_columns(table) if c.name in types]
            missing = [c.name for c in own if c.name not in types]
            if missing:
                return refuse("missing_column", f"The file lacks {', '.join(missing)}.", rows=max(1, rows))
            wrong = [f"{c.name} is {types[c.name]}, not {c.type}" for c in own if not _fits(c, types[c.name])]
            if wrong:
                return refuse("wrong_type", f"{'; '.join(wrong)}.", rows=max(1, rows))
            bulky = _bulky_column(opened.metadata, words)
            if bulky:
                return refuse("too_large", bulky, rows=max(1, rows))
            arrow = opened.read(columns=[c.name for c in own])
            long = _long_text(arrow, own)
            if long:
                return refuse("too_large", long, rows=max(1, rows))
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


def _bulky_column(metadata: pq.FileMetaData, words: list[str]) -> str:
    """A sentence about a column of texts that unpacks to far more than ids need, "" when there is none."""
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        most = _TEXT_BYTES_ALWAYS + _TEXT_BYTES_PER_ROW * group.num_rows
        for index in range(group.num_columns):
            chunk = group.column(index)
            if chunk.path_in_schema in words and chunk.total_uncompressed_size > most:
                return (
                    f"The column {chunk.path_in_schema} unpacks to {chunk.total_uncompressed_size} bytes in "
                    f"{group.num_rows} rows; {most} is the limit for ids and codes."
                )
    return ""


def _long_text(arrow: pa.Table, columns: list[Column]) -> str:
    """A sentence about a text longer than any id, "" when there is none; looks at each distinct text once."""
    for column in (c for c in columns if c.type == "VARCHAR"):
        for chunk in arrow[column.name].chunks:
            texts = chunk.dictionary if pa.types.is_dictionary(chunk.type) else chunk
            longest = pc.max(pc.binary_length(texts)).as_py() or 0
            if longest > LONGEST_TEXT:
                return (
                    f"The column {column.name} holds a text of {longest} bytes; {LONGEST_TEXT} is the limit."
                )
            if longest * len(chunk) > _TEXT_BYTES_SPELLED:
                return f"The column {column.name} may spell out to {longest * len(chunk)} bytes, too many."
    return ""


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
        words = given.value_type if pa.types.is_dictionary(given) else given
        return bool(
            pa.types.is_string(words) or pa.types.is_large_string(words) or pa.types.is_string_view(words)
        )
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
