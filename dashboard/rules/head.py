"""The durable head: every accepted envelope byte for byte in an SQLite file, and which of them is the head.

An envelope is on the disk before ``append`` returns. One process holds the file. The journal is the classic
one, so that at rest the head is one file that can be copied and looked at; with it ``synchronous=EXTRA`` also
syncs the folder, without which a power cut right after a commit could bring the old head back.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dashboard.envelope.jws import digest
from dashboard.errors import StorageError

FILE = "rules.sqlite3"
# A refresh an hour and some changes a day: three weeks that can still be fetched, below 50 MB.
KEPT = 500

_TABLES = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS envelope (
  seq INTEGER PRIMARY KEY, digest TEXT NOT NULL, body BLOB NOT NULL, accepted_at_s INTEGER NOT NULL,
  label TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS head (
  policy_id TEXT PRIMARY KEY, seq INTEGER NOT NULL, digest TEXT NOT NULL
) STRICT;
"""
_POLICY = "epidemic"
_SELECT = "SELECT seq, digest, body, accepted_at_s FROM envelope"


class HeadFileError(Exception):
    """The file cannot be read or written now; what was committed before is untouched."""


@dataclass(frozen=True)
class Stored:
    """One envelope as it lies in the file; ``intact``: its bytes still have the digest it came by."""

    seq: int
    digest: str
    body: bytes
    accepted_at_s: int

    @property
    def actual_digest(self) -> str:
        """The digest of the bytes that are there now."""
        return digest(self.body)

    @property
    def intact(self) -> bool:
        return self.actual_digest == self.digest


class HeadFile:
    """The file ``rules.sqlite3`` in ``folder``, locked for this process until ``close``.

    ``instance`` is made with the file: a service that lost its file comes back under another name.
    """

    def __init__(self, folder: Path) -> None:
        """Open or make the file. Raises ``StorageError`` when it cannot be used or another process has it."""
        self.path = folder / FILE
        self._lock = _lock(folder)
        try:
            with _told():
                self._open()
                self.instance = self._make_instance()
        except HeadFileError as problem:
            os.close(self._lock)
            raise StorageError(
                f"The file of the rules service {self.path} cannot be used: {problem}.",
                todo="Restore it, or move it away: the service then starts empty and says so.",
            ) from problem

    def head(self) -> Stored | None:
        """What lies at the head, intact or not; None when nothing was ever accepted.

        Raises ``HeadFileError``, as all that follow.
        """
        with _told():
            self._check_place()
            head = self._connection.execute(
                "SELECT seq, digest FROM head WHERE policy_id = ?", (_POLICY,)
            ).fetchone()
            if head is None:
                return None
            row = self._connection.execute(f"{_SELECT} WHERE seq = ?", (head[0],)).fetchone()
            # A row that is gone: nothing has the digest that the head names.
            return _stored((*head, row[2], row[3]) if row else (*head, b"", 0))

    def get(self, seq: int) -> Stored | None:
        """One envelope; None when it was never accepted or is no longer kept."""
        with _told():
            row = self._connection.execute(f"{_SELECT} WHERE seq = ?", (seq,)).fetchone()
            return _stored(row) if row else None

    def newest_first(self) -> Iterator[Stored]:
        """All envelopes kept, the highest number first, up to the first that cannot be read."""
        with _told():
            for row in self._connection.execute(f"{_SELECT} ORDER BY seq DESC"):
                yield _stored(row)

    def append(self, *, seq: int, body: bytes, accepted_at_s: int, label: str) -> Stored:
        """Make ``body`` the head, durably; an error leaves the file unchanged."""
        name = digest(body)
        with _told(), self._transaction() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO envelope (seq, digest, body, accepted_at_s, label) "
                "VALUES (?, ?, ?, ?, ?)",
                (seq, name, body, accepted_at_s, label),
            )
            connection.execute("DELETE FROM envelope WHERE seq <= ?", (seq - KEPT,))
            connection.execute(
                "INSERT OR REPLACE INTO head (policy_id, seq, digest) VALUES (?, ?, ?)", (_POLICY, seq, name)
            )
        return Stored(seq, name, body, accepted_at_s)

    def close(self) -> None:
        """Give the file back."""
        self._connection.close()
        os.close(self._lock)

    def _open(self) -> None:
        os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
        self._inode = self.path.stat().st_ino
        # One thread at a time uses it (the service holds a lock), but not always the same one.
        self._connection = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
        self._connection.execute("PRAGMA journal_mode = DELETE")
        self._connection.execute("PRAGMA synchronous = EXTRA")
        self._connection.executescript(_TABLES)

    def _make_instance(self) -> str:
        with self._transaction() as connection:
            connection.execute(
                "INSERT OR IGNORE INTO meta (name, value) VALUES ('instance', ?)", (str(uuid.uuid4()),)
            )
        row = self._connection.execute("SELECT value FROM meta WHERE name = 'instance'").fetchone()
        return str(row[0])

    def _check_place(self) -> None:
        # A removed file stays open and takes commits that nobody will ever read again.
        try:
            there = self.path.stat().st_ino == self._inode
        except OSError:
            there = False
        if not there:
            raise HeadFileError(f"{self.path.name} was removed or replaced under the service")

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        self._check_place()
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield self._connection
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise


@contextmanager
def _told() -> Iterator[None]:
    """Whatever a damaged file or a full disk raises, as one error."""
    try:
        yield
    except (sqlite3.Error, OSError, UnicodeDecodeError, TypeError) as problem:
        # SQLite quotes the damaged bytes in some of its messages, and they need not be text.
        raise HeadFileError(str(problem)) from problem


def _stored(row: tuple[object, ...]) -> Stored:
    match row:
        case (int(seq), str(name), bytes(body), int(accepted_at_s)):
            return Stored(seq, name, body, accepted_at_s)
        case _:
            raise HeadFileError("a row does not hold what it should")


def _lock(folder: Path) -> int:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as problem:
        raise StorageError(
            f"{folder} cannot be used: {problem.strerror}.", todo="Check TIANFU_HOME and who owns it."
        ) from problem
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        raise StorageError(
            f"Another rules service holds {folder}.", todo="Stop it, or give this one its own TIANFU_HOME."
        ) from None
    return handle
