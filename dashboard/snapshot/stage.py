"""The candidate: tables written into a hidden folder, checked there, then renamed into place."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path

import polars as pl

from dashboard.errors import SnapshotInvalid
from dashboard.snapshot.contract import CONTRACT_VERSION, TABLE_BY_NAME, TABLES
from dashboard.snapshot.files import disk_trouble, sync, write_table
from dashboard.snapshot.manifest import MANIFEST, Manifest, TableEntry, Validation, write_manifest
from dashboard.snapshot.rollup.parts import Part, by_table, place_parts

STAGING = ".staging-"
REMOVED = ".removed-"


@dataclass(frozen=True)
class Candidate:
    """A complete snapshot in a hidden folder, durable on disk but without its name."""

    folder: Path
    manifest: Manifest


# A table that is made from those written before it: their folder and entries to its rows.
Derive = Callable[[Path, Mapping[str, TableEntry]], pl.DataFrame]


@contextmanager
def stage_snapshot(
    root: Path,
    tables: Mapping[str, pl.DataFrame | pl.LazyFrame],
    *,
    data_time: datetime,
    built_at: datetime,
    policy_version: int,
    synthetic: bool,
    feeds: Mapping[str, str],
    warnings: tuple[str, ...] = (),
    parts: Sequence[Part] = (),
    derived: Mapping[str, Derive] | None = None,
    on_table: Callable[[str], None] = lambda _name: None,
) -> Iterator[Candidate]:
    """Write a candidate below ``root``; whatever is not committed by the end of the block is removed.

    The caller holds the lock. The folder lies on the same file system as its final place, so the
    rename at the end is one step. ``parts`` are days of tables that are made already: they are linked in
    beside the rows of ``tables``. ``derived`` makes tables from those that the contract names before
    them. ``on_table`` hears the name of each table before it is written.
    Raises ``SnapshotInvalid`` for tables outside the contract and ``StorageError`` for a full disk.
    """
    unknown = sorted(set(tables) - set(TABLE_BY_NAME))
    if unknown:
        raise SnapshotInvalid(f"The contract knows no table {', '.join(unknown)}.")
    folder = root / f"{STAGING}{os.getpid()}"
    try:
        with disk_trouble(root):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            days = by_table(parts)
            entries: list[TableEntry] = []
            for table in TABLES:
                on_table(table.name)
                derive = (derived or {}).get(table.name)
                made = {entry.name: entry for entry in entries}
                frame = derive(folder, made) if derive else tables.get(table.name)
                entry = (
                    TableEntry(name=table.name, reported=False, rows=0, files=())
                    if frame is None
                    else write_table(folder, table, frame)
                )
                entries.append(place_parts(folder, entry, days.get(table.name, ())))
            manifest = Manifest(
                id=_snapshot_id(
                    entries, data_time=data_time, policy_version=policy_version, synthetic=synthetic
                ),
                contract_version=CONTRACT_VERSION,
                data_time=data_time,
                data_day=_data_day(entries, data_time),
                built_at=built_at,
                policy_version=policy_version,
                synthetic=synthetic,
                tables=tuple(entries),
                feeds=dict(feeds),
                warnings=warnings,
            )
            write_manifest(folder, manifest)
            sync(folder / MANIFEST)
            sync(folder)
        yield Candidate(folder=folder, manifest=manifest)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def commit(
    root: Path,
    candidate: Candidate,
    *,
    warnings: tuple[str, ...] = (),
    validation: Validation | None = None,
) -> Manifest:
    """Give the candidate its name in one rename and return its manifest.

    ``warnings`` are added to it, and ``validation`` is what the rules said.

    A snapshot of that id already there holds the same rows: it stays, and the candidate is dropped.
    """
    manifest = candidate.manifest
    target = root / manifest.id
    with disk_trouble(root):
        if warnings or validation:
            manifest = _add_validation(candidate.folder, manifest, warnings, validation)
        if target.exists():
            return manifest
        os.rename(candidate.folder, target)
        sync(root)
    return manifest


def _add_validation(
    folder: Path, manifest: Manifest, warnings: tuple[str, ...], validation: Validation | None
) -> Manifest:
    """Rewrite the manifest of a candidate with what its validation found."""
    said = replace(manifest, warnings=(*manifest.warnings, *warnings), validation=validation)
    write_manifest(folder, said)
    sync(folder / MANIFEST)
    return said


def discard(root: Path, snapshot_id: str) -> None:
    """Remove a stored snapshot: first out of sight in one rename, so a half-removed one is never seen."""
    hidden = root / f"{REMOVED}{snapshot_id}"
    with disk_trouble(root):
        os.rename(root / snapshot_id, hidden)
        sync(root)
        shutil.rmtree(hidden)


def clean_stale(root: Path) -> int:
    """Remove what dead processes left behind and return how many folders that were.

    The caller holds the lock, so every hidden folder still there belongs to nobody.
    """
    stale = [p for p in root.iterdir() if p.name.startswith((STAGING, REMOVED))]
    for folder in stale:
        shutil.rmtree(folder, ignore_errors=True)
    return len(stale)


def _snapshot_id(
    entries: list[TableEntry], *, data_time: datetime, policy_version: int, synthetic: bool
) -> str:
    # Everything the board shows goes in, and the build time does not: the same input is the same snapshot.
    parts = [f"{CONTRACT_VERSION} {policy_version} {synthetic}"]
    parts += [f"{entry.name} {file.path} {file.sha256}" for entry in entries for file in entry.files]
    digest = hashlib.sha256("\n".join(parts).encode()).hexdigest()
    return f"{data_time:%Y%m%dT%H%M}-{digest[:12]}"


def _data_day(entries: list[TableEntry], data_time: datetime) -> date:
    days = [entry.last_day for entry in entries if entry.last_day]
    return max(days, default=data_time.date())
