"""Sessions on the server: a random token in the browser, its SHA-256 here.

A session ends by itself after a time without a request and after a time in any case, and at once
when it is signed out, revoked, or its account disabled: every request asks the store again (one
indexed read), so nothing has to be told to other workers.
"""

from __future__ import annotations

import hashlib
import logging
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, bindparam, delete, insert, select, update
from sqlalchemy.exc import DatabaseError

from dashboard.auth.loopback import demo_allowed
from dashboard.auth.rights import Identity, read_role
from dashboard.clock import Clock
from dashboard.settings import Settings
from dashboard.store.engine import Database
from dashboard.store.models import AccountRow, SessionRow

log = logging.getLogger("tianfu.auth")

TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
# A write per request would cost a disk sync each; the idle end needs no finer clock.
SEEN_EVERY = timedelta(minutes=1)
KEPT = timedelta(days=30)


# Made once: putting the statement together took half of a cached answer's time (measured).
_LIVING = (
    select(
        SessionRow.id.label("session_id"),
        SessionRow.csrf_token,
        SessionRow.last_seen_at,
        AccountRow.id,
        AccountRow.login,
        AccountRow.name_zh,
        AccountRow.name_en,
        AccountRow.role,
        AccountRow.areas,
        AccountRow.demo,
    )
    .join(AccountRow, AccountRow.id == SessionRow.account_id)
    .where(
        SessionRow.token_sha256 == bindparam("digest"),
        SessionRow.revoked_at.is_(None),
        SessionRow.ends_at > bindparam("at"),
        SessionRow.last_seen_at > bindparam("seen_after"),
        AccountRow.disabled_at.is_(None),
    )
)


@dataclass(frozen=True)
class NewSession:
    """What the browser gets, once: ``token`` is stored nowhere."""

    token: str
    csrf_token: str


@dataclass(frozen=True)
class LiveSession:
    """The session of a request and whose it is."""

    identity: Identity
    csrf_token: str


@dataclass(frozen=True)
class SessionInfo:
    """A session as the administrator sees it."""

    id: int
    login: str
    created_at: datetime
    last_seen_at: datetime
    address: str
    agent: str


class Sessions:
    """The sessions of one board."""

    def __init__(self, database: Database, *, settings: Settings, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._demo_allowed = demo_allowed(settings)
        self.idle = timedelta(minutes=settings.session_idle_minutes)
        self.absolute = timedelta(hours=settings.session_absolute_hours)
        # With the shortest idle time of one minute, noting each minute would end a session in use.
        self.seen_every = min(SEEN_EVERY, self.idle / 4)

    def start(self, connection: Connection, *, account_id: int, address: str, agent: str) -> NewSession:
        """Begin a session inside the caller's transaction; long ended ones are cleared away."""
        at = self._clock()
        new = NewSession(token=secrets.token_urlsafe(32), csrf_token=secrets.token_urlsafe(32))
        connection.execute(delete(SessionRow).where(SessionRow.ends_at < at - KEPT))
        connection.execute(
            insert(SessionRow).values(
                token_sha256=_digest(new.token),
                account_id=account_id,
                csrf_token=new.csrf_token,
                created_at=at,
                last_seen_at=at,
                ends_at=at + self.absolute,
                address=address[:64],
                agent=agent[:200],
            )
        )
        return new

    def find(self, token: str | None) -> LiveSession | None:
        """The living session of ``token``, or None for one that ended or never was."""
        if token is None or not TOKEN.fullmatch(token):
            return None
        at = self._clock()
        given = {"digest": _digest(token), "at": at, "seen_after": at - self.idle}
        with self._database.read() as connection:
            row = connection.execute(_LIVING, given).one_or_none()
        if row is None or (row.demo and not self._demo_allowed):
            return None
        if at - row.last_seen_at >= self.seen_every:
            self._note_seen(row.session_id, at)
        identity = Identity(
            account_id=row.id,
            login=row.login,
            name_zh=row.name_zh,
            name_en=row.name_en,
            role=read_role(row.role),
            roots=tuple(row.areas),
            session_id=row.session_id,
        )
        return LiveSession(identity=identity, csrf_token=row.csrf_token)

    def revoke(self, connection: Connection, token: str | None) -> None:
        """End the session of ``token``; a token of no session ends nothing."""
        if token is not None and TOKEN.fullmatch(token):
            self._end(connection, SessionRow.token_sha256 == _digest(token))

    def revoke_all(self, connection: Connection, account_id: int) -> int:
        """End every session of an account; returns how many."""
        return self._end(connection, SessionRow.account_id == account_id)

    def living(self) -> tuple[SessionInfo, ...]:
        """All sessions that have not ended, the latest used first."""
        at = self._clock()
        query = (
            select(
                SessionRow.id,
                AccountRow.login,
                SessionRow.created_at,
                SessionRow.last_seen_at,
                SessionRow.address,
                SessionRow.agent,
            )
            .join(AccountRow, AccountRow.id == SessionRow.account_id)
            .where(
                SessionRow.revoked_at.is_(None),
                SessionRow.ends_at > at,
                SessionRow.last_seen_at > at - self.idle,
            )
            .order_by(SessionRow.last_seen_at.desc())
        )
        with self._database.read() as connection:
            return tuple(SessionInfo(*row) for row in connection.execute(query))

    def _end(self, connection: Connection, whose: ColumnElement[bool]) -> int:
        done = connection.execute(
            update(SessionRow).where(whose, SessionRow.revoked_at.is_(None)).values(revoked_at=self._clock())
        )
        return done.rowcount

    def _note_seen(self, session_id: int, at: datetime) -> None:
        try:
            with self._database.write() as connection:
                connection.execute(
                    update(SessionRow).where(SessionRow.id == session_id).values(last_seen_at=at)
                )
        except DatabaseError:
            # On a full disk the board can still be read; the session then only ends earlier.
            log.warning("last_seen of session %s could not be written", session_id, exc_info=True)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
