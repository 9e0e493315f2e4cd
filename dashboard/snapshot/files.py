"""Bytes on disk: Parquet files that come out the same for the same rows, hashes, and real durability."""

from __future__ import annotations

import errno
import hashlib
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import polars as pl

from dashboard.errors import SnapshotInvalid, StorageError
from dashboard.snapshot.contract import ColumnType, Table
from dashboard.snapshot.manifest import FileEntry, TableEntry

# DuckDB skips whole row groups by their statistics; this is its own default size.
ROW_GROUP = 122_880

POLARS_TYPES: dict[ColumnType, pl.DataType] = {
    "VARCHAR": pl.String(),
    "DATE": pl.Date(),
    "TIMESTAMP": pl.Datetime("us"),
    "INTEGER": pl.Int32(),
    "BIGINT": pl.Int64(),
    "DOUBLE": pl.Float64(),
    "BOOLEAN": pl.Boolean(),
}


def write_table(folder: Path, table: Table, frame: pl.DataFrame | pl.LazyFrame) -> TableEntry:
    """Write one table below ``folder`` as a single sorted Parquet file and return its entry.

    One file per table, also for day tables: sorted by day and area, row-group statistics skip what a
    question does not ask for, and a cold view opens one footer instead of one for each of 90 days.
    Raises ``SnapshotInvalid`` when the columns are not those of the contract.
    """
    path = folder / table.name / "part-0.parquet"
    path.parent.mkdir()
    rows = _conform(table, frame)
    file = _write(path, rows)
    sync(path.parent)
    first, last = day_span(table, rows)
    return TableEntry(
        name=table.name,
        reported=True,
        rows=file.rows,
        files=(replace(file, path=path.relative_to(folder).as_posix()),),
        first_day=first,
        last_day=last,
    )


def write_part(path: Path, table: Table, frame: pl.DataFrame | pl.LazyFrame) -> FileEntry:
    """Write rows of one table, sorted, to ``path``; the entry has the file's name as its path.

    Raises ``SnapshotInvalid`` when the columns are not those of the contract.
    """
    return _write(path, _conform(table, frame))


def _write(path: Path, rows: pl.DataFrame) -> FileEntry:
    # Through memory (20 MB for three million rows): a full disk is then an OSError with its number, which
    # polars' own writer hides in the text of another error.
    buffer = io.BytesIO()
    rows.write_parquet(buffer, compression="zstd", statistics=True, row_group_size=ROW_GROUP)
    data = buffer.getbuffer()
    path.write_bytes(data)
    sync(path)
    return FileEntry(
        path=path.name, rows=rows.height, bytes=len(data), sha256=hashlib.sha256(data).hexdigest()
    )


def day_span(table: Table, rows: pl.DataFrame) -> tuple[date | None, date | None]:
    """First and last day the rows of ``table`` speak of; None, None without days."""
    if table.name == "area":  # validity days of codes are not days of data
        return None, None
    columns = [c.name for c in table.columns if c.type == "DATE" and c.name in _DAY_COLUMNS]
    days = [
        value
        for name in columns
        for value in (rows.get_column(name).min(), rows.get_column(name).max())
        if isinstance(value, date) and not isinstance(value, datetime)
    ]
    return (min(days), max(days)) if days else (None, None)


# 'since' and 'last_case' lie before the publication and 'source_time' is a moment, so they are not asked.
_DAY_COLUMNS = ("date", "listed_from", "listed_to")


def _conform(table: Table, frame: pl.DataFrame | pl.LazyFrame) -> pl.DataFrame:
    rows = frame.collect() if isinstance(frame, pl.LazyFrame) else frame
    wanted = [c.name for c in table.columns]
    missing = [name for name in wanted if name not in rows.columns]
    extra = [name for name in rows.columns if name not in wanted]
    if missing or extra:
        said = [f"lacks {', '.join(missing)}"] if missing else []
        said += [f"has the unknown {', '.join(extra)}"] if extra else []
        raise SnapshotInvalid(
            f"Table {table.name} {' and '.join(said)}.", todo="Deliver exactly the columns of the contract."
        )
    try:
        rows = rows.select(pl.col(c.name).cast(POLARS_TYPES[c.type], strict=True) for c in table.columns)
    except pl.exceptions.PolarsError as error:
        raise SnapshotInvalid(
            f"Table {table.name} holds values of another type: {str(error).splitlines()[0]}."
        ) from error
    # The key makes the order total, so the same rows give the same bytes and the same snapshot id.
    order = list(dict.fromkeys((*table.sort, *table.key)))
    return rows.sort(order, nulls_last=True)


def hash_file(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def sync(path: Path) -> None:
    """Force a file, or the names inside a folder, to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_durably(path: Path, text: str) -> None:
    """Replace a small text file in one step: it holds the old text or the new one, never half of it."""
    beside = path.with_name(f".{path.name}.new")
    with beside.open("w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(beside, path)
    sync(path.parent)


_DISK_TROUBLE = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the quota is used up",
    errno.EFBIG: "the file is larger than this process may write",
    errno.ENOTDIR: "a file is in the place of the folder",
    errno.EEXIST: "a file is in the place of the folder",
    errno.EACCES: "it is not writable",
    errno.EPERM: "it is not writable",
    errno.EROFS: "the file system is read-only",
}


@contextmanager
def disk_trouble(root: Path) -> Iterator[None]:
    """Turn a full disk or a folder that cannot be written into ``StorageError`` with a sentence."""
    try:
        yield
    except OSError as error:
        said = _DISK_TROUBLE.get(error.errno or 0)
        if said is None:
            raise
        raise StorageError(
            f"Cannot write below {root}: {said}.",
            todo="Free space or mend the permissions, then run the command again. "
            "The published snapshot is untouched.",
        ) from error
