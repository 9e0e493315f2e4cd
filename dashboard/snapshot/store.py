"""The only door to DuckDB: published snapshots, read-only, each row behind a scope.

One in-memory DuckDB instance per process holds a schema per snapshot, whose views read that
snapshot's Parquet files and keep only rows whose area is in the session variable ``scope``.
A cursor without a scope therefore sees nothing: it fails closed.

The instance is opened at first use, never at import, and again after a fork: a connection carried
into a child process hangs or crashes it (measured).
"""

from __future__ import annotations

import ctypes
import os
import threading
import weakref
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TypeAlias

import duckdb

from dashboard.auth.scope import Scope
from dashboard.clock import china_now
from dashboard.errors import SnapshotInvalid, SnapshotNotFound, TianfuError
from dashboard.snapshot.history import CURRENT, way_back
from dashboard.snapshot.manifest import SNAPSHOT_ID, Manifest, read_manifest
from dashboard.snapshot.reader import Reader
from dashboard.snapshot.storage_follow import Follower
from dashboard.snapshot.storage_notice import (
    Served,
    being_brought,
    nothing_yet,
    store_notice,
    unusable_notice,
)
from dashboard.snapshot.verify import find_broken
from dashboard.snapshot.views import view_sql

# A cursor is kept for its snapshot and its very scope, and never given another.
_Key: TypeAlias = "tuple[str, frozenset[str]]"
KEPT_AT_MOST = 32

# Pages pin the snapshot they were loaded with; beyond these few, the least recently asked one is forgotten.
OPEN_AT_MOST = 4

_PUBLISH_AGAIN = "Publish one again: tianfu snapshot publish ID"


@dataclass
class _Opened:
    manifest: Manifest
    users: int = 0


class Store:
    """Reads the snapshots below ``root``. Safe to share between threads and across a fork."""

    def __init__(self, root: Path, *, follower: Follower | None = None) -> None:
        self.root = root.resolve()
        self._follower = follower
        self._was_read = False
        self._lock = threading.Lock()
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._open: OrderedDict[str, _Opened] = OrderedDict()
        self._kept: dict[_Key, list[duckdb.DuckDBPyConnection]] = {}
        _STORES.add(self)

    def current_id(self) -> str:
        """The id of the snapshot to show. Raises ``SnapshotNotFound`` when none is published."""
        return self.served().id

    def served(self) -> Served:
        """The snapshot to show, and what a reader must know about it.

        A published snapshot whose manifest this board cannot read (torn, or of a newer contract) is passed
        over for the one published before it, and the notice says so; ``SnapshotInvalid`` when there is none.
        """
        if self._follower is not None:
            self._follower.nudge()
        newest = self._pointer()
        try:
            self.manifest(newest)
        except SnapshotNotFound:
            return Served(newest)  # whoever opens it hears that it is gone
        except SnapshotInvalid as error:
            earlier = self._last_readable(newest)
            if earlier is None:
                raise
            return Served(earlier, unusable_notice(newest, error))
        self._was_read = True
        return Served(newest, store_notice(self._follower.known(), china_now()) if self._follower else None)

    def _last_readable(self, newest: str) -> str | None:
        for snapshot_id in reversed(way_back(self.root)):
            if snapshot_id != newest:
                try:
                    self.manifest(snapshot_id)
                except TianfuError:
                    continue
                return snapshot_id
        return None

    def _pointer(self) -> str:
        try:
            text = (self.root / CURRENT).read_text(encoding="ascii").strip()
        except (FileNotFoundError, NotADirectoryError):
            raise self._nothing() from None
        except (OSError, ValueError) as error:
            raise SnapshotInvalid(f"{CURRENT} cannot be read: {error}.", todo=_PUBLISH_AGAIN) from error
        if not SNAPSHOT_ID.match(text):
            raise SnapshotInvalid(
                f"{CURRENT} names {text[:40]!r}, which is no snapshot id.",
                todo=_PUBLISH_AGAIN,
            )
        return text

    def _nothing(self) -> SnapshotNotFound:
        if self._follower is not None:
            return nothing_yet(self._follower.known())
        if self._was_read:
            return SnapshotNotFound(
                "The folder of snapshots was emptied or removed while the board ran.",
                todo="Build and publish one: tianfu snapshot build --publish",
                key="error.snapshots_gone",
            )
        return SnapshotNotFound(
            "No snapshot is published yet.",
            todo="Build and publish one: tianfu snapshot build --publish",
            key="error.no_snapshot",
        )

    def manifest(self, snapshot_id: str) -> Manifest:
        """The manifest of one snapshot; read once while it is open, since a snapshot never changes."""
        known = self._open.get(snapshot_id)
        return known.manifest if known else self._read(snapshot_id)

    @contextmanager
    def cursor(self, scope: Scope, snapshot_id: str) -> Iterator[Reader]:
        """A cursor of its own on one snapshot, through one scope; it ends with the block.

        Raises ``SnapshotNotFound`` for a snapshot that was removed, also while it is read, and
        ``SnapshotInvalid`` for files that are torn.
        """
        key = (snapshot_id, scope.codes)
        cursor = self._take(key)
        reader = Reader(cursor)
        clean = False
        try:
            yield reader
            clean = reader.untouched
        except duckdb.Error as error:
            trouble = self._explain(snapshot_id)
            if trouble is None:
                raise
            raise trouble from error
        finally:
            reader.close()
            self._give_back(key, cursor, clean=clean)

    def _take(self, key: _Key) -> duckdb.DuckDBPyConnection:
        """A kept cursor of exactly this snapshot and these codes, or a new one set up for them."""
        snapshot_id, codes = key
        with self._lock:
            opened = self._open.get(snapshot_id)
            if opened and (kept := self._kept.get(key)):
                opened.users += 1
                self._open.move_to_end(snapshot_id)
                return kept.pop()
        cursor = self._enter(snapshot_id)
        try:
            # Setting up takes 0.5 ms, a sixth of a small question: the reason to keep cursors.
            cursor.execute("SET VARIABLE scope = $codes", {"codes": _sorted_codes(codes)})
            cursor.execute(f'USE "{snapshot_id}"')
        except BaseException:
            cursor.close()
            self._leave(snapshot_id)
            raise
        return cursor

    def _give_back(self, key: _Key, cursor: duckdb.DuckDBPyConnection, *, clean: bool) -> None:
        with self._lock:
            opened = self._open.get(key[0])
            if opened:
                opened.users -= 1
            if clean and opened and sum(map(len, self._kept.values())) < KEPT_AT_MOST:
                self._kept.setdefault(key, []).append(cursor)
                return
            if clean:
                self._forget_cursors()
        cursor.close()

    def _forget_cursors(self, snapshot_id: str = "") -> None:
        """Close the idle cursors of one snapshot, or of all: those in use now are kept after it."""
        for key in [key for key in self._kept if not snapshot_id or key[0] == snapshot_id]:
            for cursor in self._kept.pop(key):
                cursor.close()

    def _read(self, snapshot_id: str) -> Manifest:
        if not SNAPSHOT_ID.match(snapshot_id):
            raise SnapshotNotFound(
                f"{snapshot_id[:40]!r} is no snapshot id.",
                todo="Open the page without it to see the newest.",
                key="error.unknown_snapshot",
            )
        try:
            return read_manifest(self.root / snapshot_id)
        except SnapshotNotFound:
            if self._follower is not None and self._follower.want(snapshot_id):
                raise being_brought(snapshot_id) from None
            raise

    def _enter(self, snapshot_id: str) -> duckdb.DuckDBPyConnection:
        with self._lock:
            if self._connection is None:
                self._connection = _connect(self.root)
            opened = self._open.get(snapshot_id)
            if opened is None:
                manifest = self._read(snapshot_id)
                _create_views(self._connection, self.root / snapshot_id, manifest)
                opened = self._open[snapshot_id] = _Opened(manifest)
            self._open.move_to_end(snapshot_id)
            opened.users += 1
            self._forget_old(self._connection)
            return self._connection.cursor()

    def _leave(self, snapshot_id: str) -> None:
        with self._lock:
            opened = self._open.get(snapshot_id)
            if opened:
                opened.users -= 1

    def _forget_old(self, connection: duckdb.DuckDBPyConnection) -> None:
        idle = [i for i, opened in self._open.items() if not opened.users]
        for snapshot_id in idle[: max(0, len(self._open) - OPEN_AT_MOST)]:
            self._forget_cursors(snapshot_id)
            connection.execute(f'DROP SCHEMA "{snapshot_id}" CASCADE')
            del self._open[snapshot_id]

    def _explain(self, snapshot_id: str) -> TianfuError | None:
        """Why reading failed, when it is the files and not the question."""
        try:
            manifest = self._read(snapshot_id)
        except (SnapshotNotFound, SnapshotInvalid) as gone:
            return gone
        for broken in find_broken(self.root / snapshot_id, manifest):
            return SnapshotInvalid(
                f"{broken.path} of snapshot {snapshot_id} {broken.what}.",
                todo="Publish another snapshot: tianfu snapshot rollback",
            )
        return None

    def _start_again(self) -> None:
        # In a child process: the lock may be held by a thread that does not exist here, and the
        # connection's destructor would crash, so one reference to it is never given back; the same for
        # its cursors.
        for held in (self._connection, *(cursor for kept in self._kept.values() for cursor in kept)):
            if held is not None:
                ctypes.pythonapi.Py_IncRef(ctypes.py_object(held))
        self._lock = threading.Lock()
        self._connection = None
        self._open = OrderedDict()
        self._kept = {}


_STORES: weakref.WeakSet[Store] = weakref.WeakSet()


def _restart_stores() -> None:
    for store in list(_STORES):
        store._start_again()


os.register_at_fork(after_in_child=_restart_stores)


@lru_cache(maxsize=512)
def _sorted_codes(codes: frozenset[str]) -> list[str]:
    return sorted(codes)


def _connect(root: Path) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(":memory:")
    # Only files below the snapshots folder can be opened, and no later statement can loosen that.
    connection.execute("SET allowed_directories = $dirs", {"dirs": [str(root)]})
    connection.execute("SET enable_external_access = false")
    connection.execute("SET autoinstall_known_extensions = false")
    connection.execute("SET autoload_known_extensions = false")
    connection.execute("SET parquet_metadata_cache = true")
    # Several questions run at once, each best on one core; on a large machine a long one gets more.
    connection.execute(f"SET threads = {max(1, (os.cpu_count() or 1) // 2)}")
    connection.execute("SET lock_configuration = true")
    return connection


def _create_views(connection: duckdb.DuckDBPyConnection, folder: Path, manifest: Manifest) -> None:
    statements = view_sql(folder, manifest)
    # The transaction keeps a half-made schema from ever being used.
    connection.execute("BEGIN")
    try:
        for statement in statements:
            connection.execute(statement)
        connection.execute("COMMIT")
    except duckdb.Error as error:
        connection.execute("ROLLBACK")
        raise SnapshotInvalid(
            f"Snapshot {manifest.id} cannot be opened: {str(error).splitlines()[0]}",
            todo="Publish another snapshot: tianfu snapshot rollback",
        ) from error
