"""Partitions of day tables: made once, then linked into every snapshot that carries the day."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import polars as pl

from dashboard.snapshot.contract import TABLE_BY_NAME
from dashboard.snapshot.files import sync, write_part
from dashboard.snapshot.manifest import FileEntry, TableEntry


@dataclass(frozen=True)
class Part:
    """The rows of one table on one day, in a file at ``path``; ``entry`` is as the manifest will have it."""

    table: str
    day: date
    path: Path
    entry: FileEntry


def make_part(folder: Path, table: str, day: date, rows: pl.DataFrame) -> Part:
    """Write the rows of one day, sorted by their key, to ``folder/<table>.parquet``."""
    path = folder / f"{table}.parquet"
    entry = write_part(path, TABLE_BY_NAME[table], rows)
    return Part(table, day, path, replace(entry, path=f"{table}/date={day}/part.parquet"))


def place_parts(folder: Path, entry: TableEntry, parts: Sequence[Part]) -> TableEntry:
    """Link the parts into the snapshot in ``folder`` and return the table's entry with them added.

    Where the file system cannot link, the bytes are copied.
    """
    if not parts:
        return entry
    for part in parts:
        target = folder / part.entry.path
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(part.path, target)
        except OSError:
            shutil.copyfile(part.path, target)
            sync(target)
        sync(target.parent)
    sync(folder / entry.name)
    days = [part.day for part in parts]
    return replace(
        entry,
        reported=True,
        rows=entry.rows + sum(part.entry.rows for part in parts),
        files=(*entry.files, *(part.entry for part in sorted(parts, key=lambda p: p.day))),
        first_day=min(filter(None, (entry.first_day, *days))),
        last_day=max(filter(None, (entry.last_day, *days))),
    )


def by_table(parts: Sequence[Part]) -> Mapping[str, tuple[Part, ...]]:
    """The parts of each table."""
    return {name: tuple(p for p in parts if p.table == name) for name in {p.table for p in parts}}
