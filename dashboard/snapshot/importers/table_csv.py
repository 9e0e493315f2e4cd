"""Reads one CSV file by the contract: each line becomes a row, or stands in quarantine with its reason."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import polars as pl

from dashboard.snapshot.contract import Column, Table
from dashboard.snapshot.files import POLARS_TYPES
from dashboard.snapshot.importers.files import Found
from dashboard.snapshot.importers.parquet import folder_day, optional_columns
from dashboard.snapshot.importers.text import split_cells, split_lines
from dashboard.snapshot.quarantine import Reject

LINE = "__line"
# Lines listed one by one for each file and reason; the rest stand as one entry with their number.
LISTED = 1000
_WHOLE, _DECIMAL = r"^-?\d{1,18}$", r"^-?\d{1,15}(\.\d{1,15})?$"
_DAY = r"^\d{4}-\d{1,2}-\d{1,2}$"
_MOMENT = r"^\d{4}-\d{1,2}-\d{1,2} \d{1,2}:\d{2}(:\d{2}(\.\d{1,6})?)?$"


@dataclass(frozen=True)
class CsvRows:
    """The readable lines of one file as typed columns with their line number ``LINE``, and its rejects."""

    frame: pl.DataFrame
    rejects: tuple[Reject, ...]


def read_csv(table: Table, file: Found) -> CsvRows | Reject:
    """The contract's columns of one CSV file, in order; an empty cell is an empty value, never zero.

    Columns may stand in any order, others are left out. The column ``date`` may be left out below a folder
    ``date=YYYY-MM-DD``. A file that lacks a column is refused as a whole.
    """

    def refuse(reason: str, detail: str, rows: int = 1) -> Reject:
        return Reject(table.feed, file.name, None, reason, detail, "", rows)

    try:
        lines = split_lines(file.path.read_bytes())
    except OSError as error:
        return refuse("unreadable_file", f"The file cannot be read: {error}.")
    header = [name.strip() for name in split_cells(lines[0] or "")]
    filled = [(n, line) for n, line in enumerate(lines[1:], start=2) if line is None or line.strip(" \t")]
    day = folder_day(file.name)
    own = [c for c in table.columns if not (c.name == "date" and c.name not in header and day)]
    missing = [c.name for c in own if c.name not in header]
    if missing:
        return refuse("missing_column", f"The header lacks {', '.join(missing)}.", max(1, len(filled)))
    if len(set(header)) != len(header):
        return refuse("wrong_header", "The header names a column twice.", max(1, len(filled)))
    if not filled:
        return refuse("empty_file", "The file has a header and no rows.")
    own += [c for c in optional_columns(table) if c.name in header]
    last = len(lines) + 1 if lines[-1] == "" else len(lines)  # a last line without its end may be torn
    rejects = _Rejects(table, file)
    rows: list[list[str]] = []
    for number, line in filled:
        if line is None:
            rejects.add("bad_encoding", number, "The line is neither UTF-8 nor GB18030.", "")
            continue
        cells = split_cells(line)
        if len(cells) != len(header):
            torn = number == last and len(cells) < len(header)
            detail = f"The line has {len(cells)} cells, the header {len(header)}."
            rejects.add("torn_line" if torn else "wrong_width", number, detail, line)
        else:
            rows.append([str(number), *(cells[header.index(c.name)].strip() for c in own)])
    frame = _typed(rows, own, rejects)
    if "date" not in frame.columns and any(c.name == "date" for c in table.columns):
        frame = frame.with_columns(pl.lit(day).alias("date"))
    extra = [c.name for c in optional_columns(table) if c.name in frame.columns]
    return CsvRows(frame.select(*(c.name for c in table.columns), *extra, LINE), tuple(rejects.listed()))


def _typed(rows: list[list[str]], columns: Sequence[Column], rejects: _Rejects) -> pl.DataFrame:
    """Text to values, by columns; a line with a cell that cannot be read is rejected."""
    names = [LINE, *(c.name for c in columns)]
    text = pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String), orient="row").with_columns(
        pl.col(LINE).cast(pl.Int64), pl.col(names[1:]).replace("", None)
    )
    values = text.select(LINE, *(_value(c).alias(c.name) for c in columns))
    torn = [(c, text[c.name].is_not_null() & values[c.name].is_null()) for c in columns]
    bad = pl.Series([False]).new_from_index(0, text.height)
    for column, unread in torn:
        for row in text.filter(unread & ~bad).iter_rows(named=True):
            reason = "bad_date" if column.type in ("DATE", "TIMESTAMP") else "bad_number"
            raw = ",".join(f"{name}={row[name] or ''}" for name in names[1:])
            rejects.add(reason, int(row[LINE]), f"{column.name} is {row[column.name]!r}.", raw)
        bad = bad | unread
    return values.filter(~bad)


def _value(column: Column) -> pl.Expr:
    plain = pl.col(column.name).str.normalize("NFKC")
    kind = POLARS_TYPES[column.type]
    if column.type in ("INTEGER", "BIGINT"):
        # As 64 bits in either case: what is too large is said to be out of range, not unreadable.
        return pl.when(plain.str.contains(_WHOLE)).then(plain).cast(pl.Int64, strict=False)
    if column.type == "DOUBLE":
        return pl.when(plain.str.contains(_DECIMAL)).then(plain).cast(kind, strict=False)
    if column.type == "DATE":
        day = plain.str.replace_all("/", "-", literal=True)
        return pl.when(day.str.contains(_DAY)).then(day).str.to_date("%Y-%m-%d", strict=False)
    if column.type == "TIMESTAMP":
        moment = plain.str.replace_all("/", "-", literal=True).str.replace("T", " ", literal=True)
        whole = pl.when(moment.str.count_matches(":") == 1).then(moment + ":00").otherwise(moment)
        shaped = pl.when(moment.str.contains(_MOMENT)).then(whole)
        return shaped.str.to_datetime("%Y-%m-%d %H:%M:%S%.f", strict=False, time_unit="us")
    return pl.col(column.name)


class _Rejects:
    def __init__(self, table: Table, file: Found) -> None:
        self._table, self._file = table, file
        self._found: dict[str, list[Reject]] = {}
        self._more: dict[str, int] = {}

    def add(self, reason: str, line: int, detail: str, raw: str) -> None:
        found = self._found.setdefault(reason, [])
        if len(found) < LISTED:
            found.append(Reject(self._table.feed, self._file.name, line, reason, detail, raw))
        else:
            self._more[reason] = self._more.get(reason, 0) + 1

    def listed(self) -> Iterator[Reject]:
        for reason, found in self._found.items():
            yield from found
            if more := self._more.get(reason, 0):
                detail = f"{more} more lines for the same reason."
                yield Reject(self._table.feed, self._file.name, None, reason, detail, "", more)
