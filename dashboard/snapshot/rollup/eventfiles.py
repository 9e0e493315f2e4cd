"""Event files of a delivery by day, checked by their footers alone: columns, types, rows."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from dashboard.snapshot.importers.bulk import find_bulky_column, is_text
from dashboard.snapshot.importers.parquet import folder_day
from dashboard.snapshot.quarantine import Reject, printable

# Below this size the whole content is hashed; above it the footer, with the time of the last change.
WHOLE_BYTES = 16 * 1024 * 1024
FIRST_DAY = date(2019, 12, 1)

Fits = Callable[[pa.DataType], bool]


@dataclass(frozen=True)
class EventFile:
    """One file: path, name below the delivery, rows, fingerprint, columns with NULL, columns of text."""

    path: Path
    name: str
    rows: int
    fingerprint: str
    with_nulls: frozenset[str]
    words: frozenset[str]


@dataclass(frozen=True)
class EventDays:
    """The usable files by day, and those refused."""

    days: Mapping[date, tuple[EventFile, ...]]
    rejects: tuple[Reject, ...]


def is_key(given: pa.DataType) -> bool:
    return bool(pa.types.is_integer(given)) or is_text(given)


def is_flag(given: pa.DataType) -> bool:
    return bool(pa.types.is_boolean(given))


def is_moment(given: pa.DataType) -> bool:
    # A zone would have to be guessed at: China Standard Time is what every feed speaks.
    return bool(pa.types.is_timestamp(given)) and given.tz is None


def find_event_days(
    folder: Path,
    name: str,
    *,
    feed: str,
    columns: Mapping[str, Fits],
    now: datetime,
) -> EventDays:
    """Files ``folder/name/date=YYYY-MM-DD/*.parquet``, without reading a single event.

    The same content twice in one day counts once. A link that leads outside the delivery, a file
    outside a day folder, of a day to come, without a column or with another type is refused.
    """
    days: dict[date, list[EventFile]] = {}
    rejects: list[Reject] = []
    for path in _walk(folder / name):
        short = printable(path.relative_to(folder).as_posix())
        checked = _check(path, short, folder, feed, columns, now)
        if isinstance(checked, Reject):
            rejects.append(checked)
            continue
        day, file = checked
        same = [f for f in days.get(day, []) if f.fingerprint.split("@")[0] == file.fingerprint.split("@")[0]]
        if same:
            said = f"The same content as {same[0].name}."
            rejects.append(Reject(feed, short, None, "duplicate_delivery", said, "", max(1, file.rows)))
        elif file.rows:
            days.setdefault(day, []).append(file)
        else:
            rejects.append(Reject(feed, short, None, "empty_file", "The file has no rows.", ""))
    return EventDays({day: tuple(days[day]) for day in sorted(days)}, tuple(rejects))


def _walk(folder: Path) -> Sequence[Path]:
    found: list[Path] = []
    for here, below, names in os.walk(folder):
        below[:] = sorted(n for n in below if not n.startswith("."))
        found += [
            Path(here) / n
            for n in sorted(names)
            if not n.startswith(".") and not n.upper().startswith("README")
        ]
    return found


def _check(
    path: Path,
    short: str,
    folder: Path,
    feed: str,
    columns: Mapping[str, Fits],
    now: datetime,
) -> tuple[date, EventFile] | Reject:
    def refuse(reason: str, detail: str, rows: int = 1) -> Reject:
        return Reject(feed, short, None, reason, detail, "", max(1, rows))

    if path.is_symlink() and not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder)):
        return refuse("link_outside", f"{short} is a link that leads outside the delivery.")
    day = folder_day(short)
    if path.suffix != ".parquet" or day is None:
        return refuse("unrecognised_file", "Events are Parquet files in folders date=YYYY-MM-DD.")
    try:
        with pq.ParquetFile(path) as opened:
            meta, rows = opened.metadata, int(opened.metadata.num_rows)
            types = {field.name: field.type for field in opened.schema_arrow}
            with_nulls = frozenset(_with_nulls(meta))
        fingerprint = _fingerprint(path)
    except (OSError, ValueError, TypeError, KeyError, NotImplementedError, MemoryError) as error:
        said = (str(error).splitlines() or [""])[0]
        return refuse("unreadable_file", f"No readable Parquet file: {said}.")
    if day > now.date():
        return refuse("future_date", f"{day} is later than the build.", rows)
    if day < FIRST_DAY:
        return refuse("bad_date", f"{day} is before {FIRST_DAY}.", rows)
    missing = [c for c in columns if c not in types]
    if missing:
        return refuse("missing_column", f"The file lacks {', '.join(missing)}.", rows)
    wrong = [f"{c} is {types[c]}" for c, fits in columns.items() if not fits(types[c])]
    if wrong:
        return refuse("wrong_type", f"{'; '.join(wrong)}.", rows)
    words = frozenset(c for c in columns if is_text(types[c]))
    if bulky := find_bulky_column(meta, words):
        return refuse("long_text", bulky, rows)
    return day, EventFile(path, short, rows, fingerprint, with_nulls, words)


def _with_nulls(meta: pq.FileMetaData) -> set[str]:
    """Columns that hold a NULL, or whose footer does not say: only those need to be asked row by row."""
    found = set()
    for group in range(meta.num_row_groups):
        row_group = meta.row_group(group)
        for index in range(row_group.num_columns):
            column = row_group.column(index)
            known = column.statistics if column.is_stats_set else None
            if known is None or not known.has_null_count or known.null_count:
                found.add(column.path_in_schema)
    return found


def _fingerprint(path: Path) -> str:
    """Changes with the content of a file, without reading gigabytes.

    A small file: SHA-256 of all bytes. A large one: SHA-256 of its footer (which holds size, offset,
    number of values, least and largest value of every column chunk) with size and time of change.
    What escapes: bytes of a large file edited in place, to the same packed length and the same bounds, with
    the time of change set back. What is rebuilt in vain: a large file that was only copied anew.
    """
    status = path.stat()
    with path.open("rb") as stream:
        if status.st_size <= WHOLE_BYTES:
            return f"{status.st_size}:{hashlib.file_digest(stream, 'sha256').hexdigest()}"
        stream.seek(-8, os.SEEK_END)
        length = int.from_bytes(stream.read(4), "little")
        stream.seek(-8 - length, os.SEEK_END)
        footer = hashlib.sha256(stream.read(length)).hexdigest()
    return f"{status.st_size}:{footer}@{status.st_mtime_ns}"
