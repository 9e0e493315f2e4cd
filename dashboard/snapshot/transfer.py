"""Whole snapshots to and from an object store.

In: every file, the manifest last, so that a snapshot without a manifest is one that is not there yet.
Out: into a hidden folder, every file hashed on arrival, one rename; a torn copy never gets a name.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from dashboard.errors import SnapshotInvalid, SnapshotNotFound, TianfuError
from dashboard.snapshot.files import disk_trouble, sync
from dashboard.snapshot.manifest import MANIFEST, SNAPSHOT_ID, Manifest, read_manifest
from dashboard.snapshot.stage import REMOVED
from dashboard.snapshot.storage import ObjectStore
from dashboard.snapshot.verify import check_files

INCOMING = ".incoming-"


def push_snapshot(store: ObjectStore, root: Path, manifest: Manifest, *, again: bool) -> int:
    """Copy a stored, checked snapshot into the store and return how many files were sent.

    A copy that looks complete is sent ``again`` only if asked; that mends one whose bytes are wrong.
    Raises ``StorageError``; what was sent until then is invisible without its manifest.
    """
    files = [file for table in manifest.tables for file in table.files]
    there = store.sizes(manifest.id)
    if not again and MANIFEST in there and all(there.get(file.path) == file.bytes for file in files):
        return 0
    folder = root / manifest.id
    for file in files:
        store.upload(folder / file.path, f"{manifest.id}/{file.path}", sha256=file.sha256)
    arrived = store.sizes(manifest.id)
    for file in files:
        if arrived.get(file.path) != file.bytes:
            raise SnapshotInvalid(
                f"{file.path} of {manifest.id} has {arrived.get(file.path)} bytes in {store.address} "
                f"instead of {file.bytes}.",
                todo="Publish it again.",
            )
    store.upload(folder / MANIFEST, f"{manifest.id}/{MANIFEST}")
    return len(files) + 1


def fetch_snapshot(store: ObjectStore, root: Path, snapshot_id: str) -> Manifest:
    """Bring a snapshot of the store below ``root``, whose lock the caller holds, and return its manifest.

    One that is there already is not brought again. Raises ``SnapshotNotFound``, ``SnapshotInvalid`` when
    a byte is not as built, ``StorageError`` when the store is away or the disk is full; then nothing of
    that name is left.
    """
    if not SNAPSHOT_ID.match(snapshot_id):
        raise SnapshotNotFound(
            f"{snapshot_id[:40]!r} is no snapshot id.", todo="List them with: tianfu snapshot list"
        )
    if (root / snapshot_id).is_dir():
        return read_manifest(root / snapshot_id)
    incoming = root / f"{INCOMING}{os.getpid()}"
    # The inner folder has the right name, which the reading of the manifest checks.
    folder = incoming / snapshot_id
    with disk_trouble(root):
        _clean(root)
        try:
            folder.mkdir(parents=True)
            manifest = _receive(store, folder, snapshot_id)
            os.rename(folder, root / snapshot_id)
            sync(root)
        finally:
            shutil.rmtree(incoming, ignore_errors=True)
    return manifest


def read_remote_manifest(store: ObjectStore, snapshot_id: str, scratch: Path) -> Manifest:
    """The manifest of a snapshot in the store, checked as any other; written to ``scratch`` to be read."""
    read = store.read_text(f"{snapshot_id}/{MANIFEST}")
    if read is None:
        raise SnapshotNotFound(
            f"Snapshot {snapshot_id} does not exist in {store.address}.",
            todo="List them with: tianfu snapshot list",
            key="error.unknown_snapshot",
        )
    folder = scratch / snapshot_id
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MANIFEST).write_text(read.text, encoding="utf-8")
    return read_manifest(folder)


def _receive(store: ObjectStore, folder: Path, snapshot_id: str) -> Manifest:
    manifest = read_remote_manifest(store, snapshot_id, folder.parent)
    there = store.sizes(snapshot_id)
    for table in manifest.tables:
        for file in table.files:
            # Asked first, so that an object of another size cannot fill the disk.
            if there.get(file.path) != file.bytes:
                raise SnapshotInvalid(
                    f"{file.path} of {snapshot_id} has {there.get(file.path, 'no')} bytes in {store.address} "
                    f"instead of {file.bytes}.",
                    todo="Publish that snapshot again.",
                )
            path = folder / file.path
            path.parent.mkdir(parents=True, exist_ok=True)
            store.download(f"{snapshot_id}/{file.path}", path)
            sync(path)
            sync(path.parent)
    try:
        check_files(folder, manifest)
    except TianfuError as error:
        raise SnapshotInvalid(
            f"A copy from {store.address} is not as built: {error.what}", todo="Publish that snapshot again."
        ) from None
    sync(folder / MANIFEST)
    sync(folder)
    return manifest


def _clean(root: Path) -> None:
    """Remove what transfers that died left behind; the caller holds the lock, so nobody else's."""
    for path in root.iterdir():
        if path.name.startswith((INCOMING, REMOVED)):
            shutil.rmtree(path, ignore_errors=True)
