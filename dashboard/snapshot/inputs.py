"""The way in: one folder as the departments delivered it, to tables that keep the contract.

Nothing here raises over what a file holds: whatever cannot be used stands in ``Delivery.rejects``.
How a department delivers, and every reason of rejection: ``docs/data-contract.md``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import polars as pl

from dashboard.errors import InputError
from dashboard.snapshot.contract import AGGREGATES, FEEDS
from dashboard.snapshot.importers.case_days import import_cases
from dashboard.snapshot.importers.feed_log import FeedArrival, LogLine, judge_feeds, read_feed_log
from dashboard.snapshot.importers.files import (
    Found,
    feed_of,
    hash_content,
    is_synthetic,
    list_files,
)
from dashboard.snapshot.importers.result import Imported
from dashboard.snapshot.importers.risk_places import import_risk_feed
from dashboard.snapshot.importers.tables import import_table
from dashboard.snapshot.quarantine import Reject
from dashboard.snapshot.rollup.arrival import add_rolled
from dashboard.snapshot.rollup.run import RolledUp

__all__ = ["Delivery", "FeedArrival", "Reject", "read_delivery"]


@dataclass(frozen=True)
class Delivery:
    """What was delivered.

    ``tables`` holds, by name, the contract tables that some feed delivered, with exactly the contract's
    columns; a table nobody delivered is absent, which means "not reported". ``feeds`` has one entry for
    each feed of the contract. ``notes`` are for the clerk, in Chinese and English.
    """

    tables: dict[str, pl.DataFrame | pl.LazyFrame]
    feeds: tuple[FeedArrival, ...]
    rejects: tuple[Reject, ...]
    synthetic: bool
    notes: tuple[str, ...]


def read_delivery(
    folder: Path,
    *,
    now: datetime,
    late_after: Mapping[str, int] | None = None,
    rolled: RolledUp | None = None,
) -> Delivery:
    """Read all that was delivered into ``folder``; its events come rolled up as ``rolled``.

    A day that was rolled up from events holds, and rows of the same day delivered by another way are refused.
    ``now`` is the moment of the build, China Standard Time without a zone: anything later is refused.
    ``late_after`` gives minutes by feed (24 hours where absent). Raises ``InputError`` only when ``folder``
    is no folder that can be read.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder.", todo="Name the folder the departments deliver into.")
    listing = list_files(folder)
    rejects = list(listing.rejects)
    files = []
    for file in _without_twins(listing.found):
        if isinstance(file, Reject):
            rejects.append(file)
        else:
            files.append(file)
    log: dict[str, LogLine] = {}
    for file in files:
        if file.kind == "feed_log":
            log, bad_lines = read_feed_log(file, now=now)
            rejects.extend(bad_lines)
    imported = {
        "risk_feed": import_risk_feed([f for f in files if f.kind == "risk_feed"], now=now),
        "cases": import_cases([f for f in files if f.kind == "cases"], now=now),
    }
    for feed in FEEDS:
        if feed.id not in imported:
            delivered = [name for name in feed.tables if name in AGGREGATES]
            imported[feed.id] = _merge([_import(name, files, now) for name in delivered])
    if rolled is not None:
        imported = add_rolled(imported, rolled)
    rejects.extend(reject for result in imported.values() for reject in result.rejects)
    tables: dict[str, pl.DataFrame | pl.LazyFrame] = {}
    for result in imported.values():
        tables.update(result.tables)
    return Delivery(
        tables=tables,
        feeds=judge_feeds(imported, rejects, log, late_after=late_after or {}),
        rejects=tuple(rejects),
        synthetic=any(is_synthetic(f.path) for f in files if f.kind == "marker"),
        notes=tuple(note for result in imported.values() for note in result.notes),
    )


def _import(name: str, files: Sequence[Found], now: datetime) -> Imported:
    return import_table(name, [f for f in files if f.table == name], now=now)


def _merge(parts: Sequence[Imported]) -> Imported:
    """The tables of one feed: it has data only until where all that were delivered have."""
    moments = [part.data_until for part in parts if part.data_until is not None]
    return Imported(
        tables={name: frame for part in parts for name, frame in part.tables.items()},
        rejects=tuple(reject for part in parts for reject in part.rejects),
        accepted=sum(part.accepted for part in parts),
        data_until=min(moments, default=None),
        notes=tuple(note for part in parts for note in part.notes),
    )


def _without_twins(files: Sequence[Found]) -> Iterator[Found | Reject]:
    """Each content once: a file delivered twice under two names is one delivery."""
    seen: dict[tuple[str, str], Found] = {}
    for file in files:
        try:
            digest = hash_content(file.path)
        except OSError as error:
            yield Reject(
                _feed(file), file.name, None, "unreadable_file", f"The file cannot be read: {error}.", ""
            )
            continue
        # The same Parquet in two day folders without a date column speaks of two days.
        scope = file.name.rsplit("/", 1)[0] if file.kind == "table" else file.kind
        first = seen.setdefault((scope, digest), file)
        if first is file:
            yield file
        else:
            detail = f"The same content as {first.name}."
            yield Reject(_feed(file), file.name, None, "duplicate_delivery", detail, "")


def _feed(file: Found) -> str:
    return file.kind if file.kind in ("risk_feed", "cases") else feed_of(file.name)
