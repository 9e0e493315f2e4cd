"""Publication to an object store: the same commands, with the store's pointer as the truth.

Snapshots are built in a local folder, the workshop, whose ``CURRENT`` and ``HISTORY`` are kept as a copy
of the store's pointer. The order is: all files, the manifest, the pointer.
"""

from __future__ import annotations

import tempfile
from collections.abc import Collection
from datetime import datetime
from pathlib import Path

from dashboard.errors import SnapshotInvalid, SnapshotNotFound
from dashboard.snapshot.files import disk_trouble, write_durably
from dashboard.snapshot.history import CURRENT, HISTORY
from dashboard.snapshot.lock import hold_lock
from dashboard.snapshot.manifest import MANIFEST, SNAPSHOT_ID, Manifest
from dashboard.snapshot.publish import KEEP_LEAST, Listed, read_checked
from dashboard.snapshot.storage import ObjectStore
from dashboard.snapshot.storage_pins import read_store_pins
from dashboard.snapshot.storage_pointer import Pointer, read_pointer, switch_pointer
from dashboard.snapshot.transfer import fetch_snapshot, push_snapshot, read_remote_manifest


def publish_to_store(store: ObjectStore, workshop: Path, snapshot_id: str, *, now: datetime) -> Manifest:
    """Copy a snapshot into the store, complete, and then make the boards serve it.

    Raises ``SnapshotNotFound``, ``SnapshotInvalid``, ``BuildBusy`` when another machine published at the same
    moment, or ``StorageError``; in each case the store's pointer stays as it was.
    """
    with hold_lock(workshop, since=now):
        return _switch(store, workshop, snapshot_id, before=read_pointer(store), action="publish", now=now)


def roll_back_in_store(
    store: ObjectStore, workshop: Path, *, to: str | None = None, now: datetime
) -> Manifest:
    """Serve what was published to the store before the current one, or the snapshot named by ``to``."""
    with hold_lock(workshop, since=now):
        before = read_pointer(store)
        target = to or _previous(before, store_ids(store))
        return _switch(store, workshop, target, before=before, action="rollback", now=now)


def store_ids(store: ObjectStore) -> tuple[str, ...]:
    """Ids of the snapshots in the store, newest first, half-sent ones included."""
    return tuple(sorted((name for name in store.folders() if SNAPSHOT_ID.match(name)), reverse=True))


def store_pointer_id(store: ObjectStore) -> str | None:
    """The id that the boards are told to serve."""
    pointer = read_pointer(store)
    return pointer.id if pointer else None


def list_store(store: ObjectStore) -> tuple[Listed, ...]:
    """All snapshots in the store, newest first; one that was not sent completely says so."""
    pointer = read_pointer(store)
    listed = []
    with tempfile.TemporaryDirectory() as scratch:
        for snapshot_id in store_ids(store):
            current = pointer is not None and pointer.id == snapshot_id
            try:
                manifest = read_remote_manifest(store, snapshot_id, Path(scratch))
                listed.append(Listed(snapshot_id, current, manifest))
            except SnapshotNotFound:
                listed.append(Listed(snapshot_id, current, None, "It was not sent completely."))
            except SnapshotInvalid as error:
                listed.append(Listed(snapshot_id, current, None, str(error)))
    return tuple(listed)


def prune_store(store: ObjectStore, *, keep: int, pinned: Collection[str] = ()) -> tuple[str, ...]:
    """Remove old snapshots from the store and return their ids; what stays is as for a folder.

    The manifest goes first, so that a half-removed snapshot is one that is not there.
    """
    if keep < KEEP_LEAST:
        raise SnapshotInvalid(
            f"Keeping {keep} snapshots is too few.",
            todo=f"Keep at least {KEEP_LEAST}, for rollback and open pages.",
        )
    pointer = read_pointer(store)
    ids = store_ids(store)
    stay = {*ids[:keep], *pinned, *read_store_pins(store), *(pointer.way_back()[-2:] if pointer else ())}
    gone = tuple(snapshot_id for snapshot_id in ids if snapshot_id not in stay)
    for snapshot_id in gone:
        names = sorted(store.sizes(snapshot_id), key=lambda name: name != MANIFEST)
        store.remove([f"{snapshot_id}/{name}" for name in names])
    return gone


def _switch(
    store: ObjectStore,
    workshop: Path,
    snapshot_id: str,
    *,
    before: Pointer | None,
    action: str,
    now: datetime,
) -> Manifest:
    if before is not None:
        _copy_pointer(workshop, before)
    try:
        manifest = read_checked(workshop, snapshot_id)
    except SnapshotNotFound:
        manifest = fetch_snapshot(store, workshop, snapshot_id)  # built on another machine, or pruned here
    push_snapshot(store, workshop, manifest, again=action == "publish")
    _copy_pointer(workshop, switch_pointer(store, before, snapshot_id, action=action, now=now))
    return manifest


def _copy_pointer(workshop: Path, pointer: Pointer) -> None:
    lines = [switch.line() for switch in pointer.switches]
    with disk_trouble(workshop):
        write_durably(workshop / HISTORY, "\n".join(lines) + "\n")
        write_durably(workshop / CURRENT, pointer.id + "\n")


def _previous(pointer: Pointer | None, present: Collection[str]) -> str:
    for snapshot_id in reversed(pointer.way_back() if pointer else []):
        if pointer and snapshot_id != pointer.id and snapshot_id in present:
            return snapshot_id
    raise SnapshotNotFound(
        "No snapshot was published before the current one.",
        todo="Name one: tianfu snapshot rollback --to ID. List them with: tianfu snapshot list",
    )
