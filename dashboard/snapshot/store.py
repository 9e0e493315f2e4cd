"""The only door to DuckDB: published snapshots, read-only, each row behind a scope.

One in-memory DuckDB instance per process holds a schema per snapshot, whose views read that
snapshot's Parquet files and keep only rows whose area is in the session variable ``scope``.
A cursor without a scope therefore sees nothing: it fails closed.

The instance is opened at first use, never at import, and again after a fork: a connection carried
into a child process hangs or crashes it (measured).
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from dashboard.auth.scope import Scope
from dashboard.errors import SnapshotInvalid, SnapshotNotFound
from dashboard.snapshot.contract import TABLES, Table
from dashboard.snapshot.manifest import SNAPSHOT_ID, Manifest, TableEntry, read_manifest

CURRENT = "CURRENT"


class Store:
    """Reads the snapshots below ``root``. Safe to share between threads and across a fork."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self._lock = threading.Lock()
        self._pid = 0
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._open: dict[str, Manifest] = {}

    def current_id(self) -> str:
        """The id of the published snapshot. Raises ``SnapshotNotFound`` when there is none."""
        try:
            text = (self.root / CURRENT).read_text(encoding="ascii").strip()
        except (FileNotFoundError, NotADirectoryError):
            raise SnapshotNotFound(
                "No snapshot is published yet.", todo="Build and publish one: tianfu snapshot build --publish"
            ) from None
        except (OSError, ValueError) as error:
            raise SnapshotInvalid(f"{CURRENT} cannot be read: {error}.") from error
        if not SNAPSHOT_ID.match(text):
            raise SnapshotInvalid(f"{CURRENT} names {text[:40]!r}, which is no snapshot id.")
        return text

    def manifest(self, snapshot_id: str) -> Manifest:
        """The manifest of one snapshot; read once, since a snapshot never changes."""
        known = self._open.get(snapshot_id)
        return known or self._read(snapshot_id)

    @contextmanager
    def cursor(self, scope: Scope, snapshot_id: str) -> Iterator[duckdb.DuckDBPyConnection]:
        """A cursor of its own on one snapshot, through one scope; closed at the end of the block."""
        connection = self._ready(snapshot_id)
        cursor = connection.cursor()
        try:
            cursor.execute("SET VARIABLE scope = $codes", {"codes": sorted(scope.codes)})
            cursor.execute(f'USE "{snapshot_id}"')
            yield cursor
        finally:
            cursor.close()

    def _read(self, snapshot_id: str) -> Manifest:
        if not SNAPSHOT_ID.match(snapshot_id):
            raise SnapshotNotFound(
                f"{snapshot_id[:40]!r} is no snapshot id.", todo="Open the page without it to see the newest."
            )
        return read_manifest(self.root / snapshot_id)

    def _ready(self, snapshot_id: str) -> duckdb.DuckDBPyConnection:
        with self._lock:
            if self._connection is None or self._pid != os.getpid():
                self._connection = _connect(self.root)
                self._pid = os.getpid()
                self._open = {}
            if snapshot_id not in self._open:
                manifest = self._read(snapshot_id)
                _create_views(self._connection, self.root / snapshot_id, manifest)
                self._open[snapshot_id] = manifest
            return self._connection


def _connect(root: Path) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(":memory:")
    # Only Parquet below the snapshots folder can be opened, and no later statement can loosen that.
    connection.execute("SET allowed_directories = $dirs", {"dirs": [str(root)]})
    connection.execute("SET enable_external_access = false")
    connection.execute("SET autoinstall_known_extensions = false")
    connection.execute("SET autoload_known_extensions = false")
    connection.execute("SET parquet_metadata_cache = true")
    connection.execute("SET lock_configuration = true")
    return connection


def _create_views(connection: duckdb.DuckDBPyConnection, folder: Path, manifest: Manifest) -> None:
    # The transaction keeps a half-made schema from ever being used.
    connection.execute("BEGIN")
    try:
        connection.execute(f'CREATE SCHEMA "{manifest.id}"')
        for table in TABLES:
            connection.execute(
                f'CREATE VIEW "{manifest.id}"."{table.name}" AS {_view(table, folder, manifest.table(table.name))}'
            )
        connection.execute("COMMIT")
    except duckdb.Error as error:
        connection.execute("ROLLBACK")
        raise SnapshotInvalid(f"Snapshot {manifest.id} cannot be opened: {error}.") from error


def _view(table: Table, folder: Path, entry: TableEntry) -> str:
    if not entry.files:
        columns = ", ".join(f'CAST(NULL AS {c.type}) AS "{c.name}"' for c in table.columns)
        return f"SELECT {columns} WHERE false"
    # File names come from a checked manifest and the folder from the settings; quotes are doubled all the same.
    files = ", ".join("'" + str(folder / file.path).replace("'", "''") + "'" for file in entry.files)
    columns = ", ".join(f't."{c.name}"' for c in table.columns)
    select = f"SELECT {columns} FROM read_parquet([{files}], hive_partitioning = false) t"  # noqa: S608
    if not table.scoped:
        return select
    return f"{select} WHERE t.\"{table.scoped}\" IN (SELECT unnest(getvariable('scope')))"
