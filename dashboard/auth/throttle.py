"""How often a password may be tried: per login and per address, shared by all workers in the store.

A login nobody has is counted like any other, so being locked out tells nothing about who exists.
A try is charged before the password is weighed and given back when it was right: tries sent at the
same moment cannot slip past the count.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select, update

from dashboard.store.models import ThrottleRow

LOCK = timedelta(minutes=15)
# Longer than the lock: after it, one more wrong try locks again, until there was half an hour of quiet.
FORGET = timedelta(minutes=30)
LONGEST_WAIT = timedelta(seconds=60)


@dataclass(frozen=True)
class Limit:
    """``free`` failures cost no time, each further one doubles the wait, ``lock_at`` of them lock."""

    free: int
    lock_at: int

    def wait(self, failures: int) -> timedelta:
        """How long after the latest of so many failures the next try is weighed."""
        if failures >= self.lock_at:
            return LOCK
        if failures <= self.free:
            return timedelta(0)
        return min(timedelta(seconds=2 ** (failures - self.free)), LONGEST_WAIT)


LOGIN = Limit(free=3, lock_at=10)
# A whole office may share one address, so it is allowed more.
ADDRESS = Limit(free=15, lock_at=40)


@dataclass(frozen=True)
class Charge:
    """``until``: no try before that moment; ``locked``: this very charge began a lock-out.

    ``accepted`` says that the try may be weighed; ``until`` then speaks of the try after it.
    """

    accepted: bool
    until: datetime
    locked: bool


def charge(connection: Connection, *, login: str, address: str, at: datetime) -> Charge:
    """Count one try before it is weighed, or refuse it; a refused try is not counted."""
    limits = {_login(login): LOGIN, _address(address): ADDRESS}
    rows = {
        row.key: row
        for row in connection.execute(
            select(ThrottleRow.key, ThrottleRow.failures, ThrottleRow.last_at, ThrottleRow.free_at).where(
                ThrottleRow.key.in_(limits)
            )
        )
    }
    held = [row.free_at for row in rows.values() if row.free_at > at]
    if held:
        return Charge(accepted=False, until=max(held), locked=False)
    until, locked = at, False
    for key, limit in limits.items():
        row = rows.get(key)
        failures = row.failures + 1 if row and row.last_at > at - FORGET else 1
        free_at = at + limit.wait(failures)
        values = {"failures": failures, "last_at": at, "free_at": free_at}
        if row:
            connection.execute(update(ThrottleRow).where(ThrottleRow.key == key).values(values))
        else:
            connection.execute(insert(ThrottleRow).values(key=key, **values))
        until, locked = max(until, free_at), locked or failures >= limit.lock_at
    connection.execute(delete(ThrottleRow).where(ThrottleRow.last_at < at - timedelta(days=1)))
    return Charge(accepted=True, until=until, locked=locked)


def give_back(connection: Connection, *, login: str, address: str, at: datetime) -> None:
    """Take back the charge of a try that was right.

    The login starts afresh. The address keeps its other failures: a person with one account of
    their own could otherwise wipe out their guesses at another's.
    """
    release(connection, [login])
    connection.execute(
        update(ThrottleRow)
        .where(ThrottleRow.key == _address(address))
        .values(failures=ThrottleRow.failures - 1, free_at=at)
    )


def release(connection: Connection, logins: Iterable[str]) -> None:
    """End the waits and lock-outs of these logins."""
    connection.execute(delete(ThrottleRow).where(ThrottleRow.key.in_([_login(login) for login in logins])))


def _login(login: str) -> str:
    return f"login:{login}"


def _address(address: str) -> str:
    return f"address:{address}"
