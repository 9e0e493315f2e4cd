"""The sign-in desk: weighs login and password, begins and ends sessions, writes the audit log."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update

from dashboard.auth.accounts import clean_login
from dashboard.auth.loopback import demo_allowed
from dashboard.auth.passwords import hash_password, is_outdated, password_matches
from dashboard.auth.sessions import LiveSession, NewSession, Sessions
from dashboard.auth.throttle import charge, give_back
from dashboard.clock import Clock, china_now
from dashboard.settings import Settings
from dashboard.store.audit import append_audit
from dashboard.store.engine import Database
from dashboard.store.models import AccountRow


@dataclass(frozen=True)
class Visitor:
    """Where a request comes from: network address and what the browser calls itself."""

    address: str
    agent: str


@dataclass(frozen=True)
class Refused:
    """A sign-in that failed. ``until`` says when the next try is weighed; None: at once.

    ``weighed`` is False when the try came too early and the password was not even looked at.
    """

    weighed: bool
    until: datetime | None


class Desk:
    """Sign-in and sign-out of one board, by one database, settings and clock."""

    def __init__(
        self, settings: Settings, *, database: Database | None = None, clock: Clock = china_now
    ) -> None:
        self.database = database or Database(settings)
        self.clock = clock
        self.sessions = Sessions(self.database, settings=settings, clock=clock)
        self._demo_allowed = demo_allowed(settings)

    def sign_in(
        self, *, login: str, password: str, visitor: Visitor, old_token: str | None = None
    ) -> NewSession | Refused:
        """Begin a session with a token of its own, or say why not.

        An unknown login, a disabled account and a wrong password cannot be told apart: same answer,
        same work, same counting. The session behind ``old_token`` ends when the new one begins.
        """
        name, at = clean_login(login), self.clock()
        with self.database.write() as connection:
            charged = charge(connection, login=name, address=visitor.address, at=at)
            if not charged.accepted:
                return Refused(weighed=False, until=charged.until)
            account = connection.execute(
                select(
                    AccountRow.id, AccountRow.password_hash, AccountRow.disabled_at, AccountRow.demo
                ).where(AccountRow.login == name)
            ).one_or_none()
        # The hash takes over 100 ms, and no lock of the store is held meanwhile.
        usable = account and account.disabled_at is None and (self._demo_allowed or not account.demo)
        right = password_matches(account.password_hash if account and usable else None, password)
        # What was typed into the login box may be a password: only a login that exists is written down.
        target = f"account:{name}" if account else "account:unknown"
        with self.database.write() as connection:
            if not account or not right:
                detail = {"address": visitor.address}
                append_audit(
                    connection, at=at, actor="-", action="sign_in_failed", target=target, detail=detail
                )
                if charged.locked:
                    append_audit(
                        connection,
                        at=at,
                        actor="-",
                        action="sign_in_locked",
                        target=target,
                        detail=detail | {"until": charged.until.isoformat(timespec="seconds")},
                    )
                return Refused(weighed=True, until=charged.until if charged.until > at else None)
            give_back(connection, login=name, address=visitor.address, at=at)
            self.sessions.revoke(connection, old_token)
            if is_outdated(account.password_hash):
                connection.execute(
                    update(AccountRow)
                    .where(AccountRow.id == account.id)
                    .values(password_hash=hash_password(password))
                )
            append_audit(
                connection,
                at=at,
                actor=name,
                action="sign_in",
                target=target,
                detail={"address": visitor.address, "agent": visitor.agent[:200]},
            )
            return self.sessions.start(
                connection, account_id=account.id, address=visitor.address, agent=visitor.agent
            )

    def sign_out(self, session: LiveSession, *, token: str) -> None:
        """End the session; its token is worth nothing from here on, in every worker."""
        login = session.identity.login
        with self.database.write() as connection:
            self.sessions.revoke(connection, token)
            append_audit(
                connection, at=self.clock(), actor=login, action="sign_out", target=f"account:{login}"
            )

    def demo_logins(self) -> tuple[str, ...]:
        """The demo logins that may be used here, for the note on the sign-in page."""
        if not self._demo_allowed:
            return ()
        query = select(AccountRow.login).where(AccountRow.demo, AccountRow.disabled_at.is_(None))
        with self.database.read() as connection:
            return tuple(connection.execute(query.order_by(AccountRow.id)).scalars())
