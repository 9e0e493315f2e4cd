"""Publication: which snapshot the board serves, and the way there and back."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import polars as pl

from dashboard.errors import SnapshotInvalid, SnapshotNotFound, TianfuError
from dashboard.snapshot.files import disk_trouble
from dashboard.snapshot.history import read_current, switch_current, way_back
from dashboard.snapshot.lock import hold_lock
from dashboard.snapshot.manifest import SNAPSHOT_ID, Manifest, read_manifest
from dashboard.snapshot.stage import commit, discard, stage_snapshot
from dashboard.snapshot.storage_pins import read_pins
from dashboard.snapshot.verify import check_files

KEEP_LEAST = 3


@dataclass(frozen=True)
class Listed:
    """One snapshot in a list: ``manifest`` is None and ``trouble`` says why when it cannot be read."""

    id: str
    current: bool
    manifest: Manifest | None
    trouble: str = ""


def write_snapshot(
    root: Path,
    tables: Mapping[str, pl.DataFrame | pl.LazyFrame],
    *,
    data_time: datetime,
    built_at: datetime,
    policy_version: int,
    synthetic: bool,
    feeds: Mapping[str, str],
    warnings: tuple[str, ...] = (),
) -> Manifest:
    """Write tables as one snapshot below ``root`` without judging their rows, and return its manifest.

    Tables that are not given are marked as not reported. Nothing is published.
    """
    with (
        hold_lock(root, since=built_at),
        stage_snapshot(
            root,
            tables,
            data_time=data_time,
            built_at=built_at,
            policy_version=policy_version,
            synthetic=synthetic,
            feeds=feeds,
            warnings=warnings,
        ) as candidate,
    ):
        return commit(root, candidate)


def publish_snapshot(root: Path, snapshot_id: str, *, now: datetime) -> Manifest:
    """Make the board serve ``snapshot_id``, after every one of its files was hashed again.

    Raises ``SnapshotNotFound``, ``SnapshotInvalid``, ``BuildBusy`` or ``StorageError``; in each case
    ``CURRENT`` stays as it was.
    """
    with hold_lock(root, since=now):
        return publish_locked(root, snapshot_id, now=now)


def publish_locked(root: Path, snapshot_id: str, *, now: datetime, action: str = "publish") -> Manifest:
    """Like ``publish_snapshot``, for a caller that holds the lock."""
    manifest = read_checked(root, snapshot_id)
    with disk_trouble(root):
        switch_current(root, snapshot_id, action=action, now=now)
    return manifest


def roll_back(root: Path, *, to: str | None = None, now: datetime) -> Manifest:
    """Serve the snapshot that was published before the current one, or the one named by ``to``.

    Two rollbacks go back two publications. A snapshot that was pruned since is passed over.
    """
    with hold_lock(root, since=now):
        target = to or _before(root)
        return publish_locked(root, target, now=now, action="rollback")


def list_snapshots(root: Path) -> tuple[Listed, ...]:
    """All snapshots below ``root``, newest data time first, broken ones included."""
    current = read_current(root)
    listed = []
    for snapshot_id in snapshot_ids(root):
        try:
            manifest, trouble = read_manifest(root / snapshot_id), ""
        except TianfuError as error:
            manifest, trouble = None, str(error)
        listed.append(Listed(snapshot_id, snapshot_id == current, manifest, trouble))
    return tuple(listed)


def snapshot_ids(root: Path) -> tuple[str, ...]:
    """Ids of the snapshot folders below ``root``, newest first; the id starts with the data time."""
    if not root.is_dir():
        return ()
    return tuple(sorted((p.name for p in root.iterdir() if SNAPSHOT_ID.match(p.name)), reverse=True))


def prune_snapshots(root: Path, *, keep: int, pinned: Collection[str] = (), now: datetime) -> tuple[str, ...]:
    """Remove old snapshots and return their ids.

    What stays: the newest ``keep``, the current one, the one a rollback would return to, those in the
    file ``PINS``, and those in ``pinned``. Raises ``SnapshotInvalid`` for ``keep`` below 3.
    """
    if keep < KEEP_LEAST:
        raise SnapshotInvalid(
            f"Keeping {keep} snapshots is too few.",
            todo=f"Keep at least {KEEP_LEAST}, for rollback and open pages.",
        )
    with hold_lock(root, since=now):
        return remove_old(root, keep=keep, pinned=pinned)


def remove_old(root: Path, *, keep: int, pinned: Collection[str]) -> tuple[str, ...]:
    """Like ``prune_snapshots``, for a caller that holds the lock."""
    ids = snapshot_ids(root)
    stay = {*ids[:keep], *pinned, *read_pins(root), *way_back(root)[-2:]}
    gone = tuple(i for i in ids if i not in stay)
    for snapshot_id in gone:
        discard(root, snapshot_id)
    return gone


def read_checked(root: Path, snapshot_id: str) -> Manifest:
    """The manifest of a stored snapshot whose files are all as built."""
    if not SNAPSHOT_ID.match(snapshot_id):
        raise SnapshotNotFound(
            f"{snapshot_id[:40]!r} is no snapshot id.", todo="List them with: tianfu snapshot list"
        )
    manifest = read_manifest(root / snapshot_id)
    check_files(root / snapshot_id, manifest)
    return manifest


def _before(root: Path) -> str:
    present = set(snapshot_ids(root))
    current = read_current(root)
    for snapshot_id in reversed(way_back(root)):
        if snapshot_id != current and snapshot_id in present:
            return snapshot_id
    raise SnapshotNotFound(
        "No snapshot was published before the current one.",
        todo="Name one: tianfu snapshot rollback --to ID. List them with: tianfu snapshot list",
    )
