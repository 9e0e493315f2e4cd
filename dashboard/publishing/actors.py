"""Who acts: the person as the store knows them now, never as a page or a session remembers them."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from sqlalchemy import Connection, select

from dashboard.auth.rights import ROLE_RIGHTS, Identity, Right, Role, read_role
from dashboard.errors import TianfuError
from dashboard.publishing.errors import NotAllowed
from dashboard.store.audit import append_audit
from dashboard.store.engine import Database
from dashboard.store.models import AccountRow, SessionRow

T = TypeVar("T")


@dataclass(frozen=True)
class Actor:
    """A person who acts. ``role`` is what the session knew; rights are read from the store at each act."""

    account_id: int
    login: str
    role: Role


@dataclass(frozen=True)
class Person:
    """An account as the store holds it now; ``disabled`` ones hold no right."""

    account_id: int
    login: str
    names: frozenset[str]
    role: Role
    disabled: bool

    def holds(self, rights: Iterable[Right]) -> bool:
        """Whether any one of ``rights`` is held."""
        return not self.disabled and any(right in ROLE_RIGHTS[self.role] for right in rights)


def actor_of(identity: Identity) -> Actor:
    """The signed-in person as an actor."""
    return Actor(account_id=identity.account_id, login=identity.login, role=identity.role)


def read_person(connection: Connection, account_id: int) -> Person | None:
    """The account of that id, or None."""
    row = connection.execute(
        select(
            AccountRow.id,
            AccountRow.login,
            AccountRow.name_zh,
            AccountRow.name_en,
            AccountRow.role,
            AccountRow.disabled_at,
        ).where(AccountRow.id == account_id)
    ).one_or_none()
    if row is None:
        return None
    return Person(
        account_id=row.id,
        login=row.login,
        names=frozenset(name for name in (_plain(row.name_zh), _plain(row.name_en)) if name),
        role=read_role(row.role),
        disabled=row.disabled_at is not None,
    )


def check_actor(connection: Connection, actor: Actor, *, rights: Iterable[Right]) -> Person:
    """The person behind ``actor``; raises ``NotAllowed`` unless one of ``rights`` is held at this moment."""
    wanted = tuple(rights)
    person = read_person(connection, actor.account_id)
    if person is None or person.login != actor.login or not person.holds(wanted):
        raise NotAllowed(
            f"{actor.login} does not hold the right to {' or '.join(sorted(wanted)) or 'do this'}.",
            todo="Ask your administrator for a role that includes it.",
            key="publishing.error.no_right",
            login=actor.login,
        )
    return person


def check_other(connection: Connection, person: Person, *, than: Iterable[int], act: str) -> None:
    """Raise ``NotAllowed`` where ``person`` is one of the accounts ``than``, or bears the same name.

    A person with two accounts cannot be known for sure; what can be seen is the account itself and a name
    that is the same but for width, case and spaces. There is no exception for any role.
    """
    for account_id in than:
        other = read_person(connection, account_id)
        if account_id == person.account_id or (other is not None and other.names & person.names):
            login = other.login if other else str(account_id)
            raise NotAllowed(
                f"{person.login} cannot {act} a change of their own (drafted by {login}).",
                todo="A second person has to do it.",
                key="publishing.error.own_change",
                login=person.login,
                author=login,
                act=act,
            )


def signed_in_at(connection: Connection, identity: Identity) -> datetime:
    """When the session of ``identity`` began."""
    return connection.execute(
        select(SessionRow.created_at).where(SessionRow.id == identity.session_id)
    ).scalar_one()


def attempt(
    database: Database,
    act: Callable[[Connection], T],
    *,
    actor: Actor,
    at: datetime,
    name: str,
    target: str,
) -> T:
    """Run ``act`` in one transaction; a refusal is written to the audit log in its own one, and raised.

    ``name`` is the act as the audit log shall call it, ``target`` its object. Nothing of a refused act is
    kept.
    """
    try:
        with database.write() as connection:
            return act(connection)
    except TianfuError as refusal:
        note_refusal(database, refusal, actor=actor.login, at=at, name=name, target=target)
        raise


def note_refusal(
    database: Database, refusal: TianfuError, *, actor: str, at: datetime, name: str, target: str
) -> None:
    """Write to the audit log that ``actor`` was refused ``name`` on ``target``, and why."""
    with database.write() as connection:
        append_audit(
            connection,
            at=at,
            actor=actor,
            action="policy_refused",
            target=target,
            detail={"act": name, "error": type(refusal).__name__, "what": refusal.what[:500]},
        )


def _plain(name: str) -> str:
    return "".join(unicodedata.normalize("NFKC", name).casefold().split())
