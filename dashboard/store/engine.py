"""The store's database: SQLite in the home folder, or any SQLAlchemy URL.

Opened at first use, never at import, and again after a fork: a connection carried into a gunicorn
worker would be shared by two processes. The first use in a process also brings the tables up to date.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, DatabaseError, NoSuchModuleError
from sqlalchemy.pool import ConnectionPoolEntry

from dashboard.errors import SettingError, StorageError
from dashboard.settings import Settings
from dashboard.store.upgrade import upgrade

FILE = "tianfu.sqlite3"
BUSY_SECONDS = 10.0
# Any constant will do: it names the one lock that writers and migrations of this store take.
_POSTGRES_LOCK = 5101_0700


class Database:
    """The store of one board. Safe to share between threads and across a fork."""

    def __init__(self, settings: Settings) -> None:
        self.url = settings.database_url or f"sqlite:///{settings.home / FILE}"
        self._lock = threading.Lock()
        self._pid = 0
        self._engine: Engine | None = None

    @property
    def engine(self) -> Engine:
        """The engine of this process, its tables up to date. Raises ``StorageError``, ``SettingError``."""
        if self._engine is None or self._pid != os.getpid():
            with self._lock:
                if self._engine is None or self._pid != os.getpid():
                    if self._engine is not None:
                        # Forget the parent's connections without closing them under the parent.
                        self._engine.dispose(close=False)
                    self._engine = open_engine(self.url)
                    self._pid = os.getpid()
        return self._engine

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection on one consistent state of the store; whatever the block changes is dropped."""
        with self.engine.connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction, alone among writers; kept when the block ends, dropped when it raises."""
        with write(self.engine) as connection:
            yield connection

    def close(self) -> None:
        """Give back the connections of this process."""
        with self._lock:
            if self._engine is not None:
                self._engine.dispose(close=self._pid == os.getpid())
                self._engine = None


def open_engine(url: str) -> Engine:
    """Make the engine for ``url`` and bring its tables up to date."""
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() == "sqlite":
            engine = create_engine(parsed, connect_args={"timeout": BUSY_SECONDS})
            event.listen(engine, "connect", _prepare_sqlite)
            event.listen(engine, "begin", _begin_sqlite)
            _make_file(parsed.database)
        else:
            engine = create_engine(parsed, pool_pre_ping=True)
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError) as error:
        raise SettingError(
            f"TIANFU_DATABASE_URL cannot be used: {error}.",
            todo="Give a SQLAlchemy URL whose driver is installed, or leave it empty for SQLite.",
        ) from error
    try:
        with write(engine) as connection:
            upgrade(connection)
    except DatabaseError as error:
        engine.dispose()
        raise StorageError(
            f"The store {parsed.render_as_string(hide_password=True)} cannot be opened: {error.orig}.",
            todo="Check that the folder is writable, the disk has room, and the database answers.",
        ) from error
    return engine


@contextmanager
def write(engine: Engine) -> Iterator[Connection]:
    """One transaction on ``engine`` that no other writer can interleave with."""
    with engine.connect().execution_options(tianfu_write=True) as connection, connection.begin():
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _POSTGRES_LOCK})
        yield connection


def _make_file(database: str | None) -> None:
    """Create the file for its owner alone, before SQLite would create it readable for all."""
    if not database or database == ":memory:":
        raise SettingError(
            "The store cannot live in memory.", todo="Give a file: sqlite:////path/to/tianfu.sqlite3"
        )
    path = Path(database)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise StorageError(
            f"{path} cannot be opened: {error.strerror}.", todo="Check TIANFU_HOME and who owns it."
        ) from error


def _prepare_sqlite(connection: sqlite3.Connection, _entry: ConnectionPoolEntry) -> None:
    # The driver's own transactions begin late and deferred; ours are begun by _begin_sqlite.
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout = {int(BUSY_SECONDS * 1000)}")
    _switch_to_wal(connection)
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")


def _switch_to_wal(connection: sqlite3.Connection) -> None:
    # Only the very first switch needs the file alone, and SQLite does not wait for that by itself.
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that reads first and writes later fails at once when another wrote in between;
    # so a writer takes the write lock at its beginning, and waits for it.
    writes = connection.get_execution_options().get("tianfu_write")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
