"""Who may send: one sender at a time, by a lease in the store with a fencing token.

A sender that was paused, or lost the network to the store, may believe that it still holds the lease. So
every write of a sender carries its fence, and the store refuses a fence that is not the newest; and every
request is given less time than the lease has left.
"""

from __future__ import annotations

import os
import secrets
import socket
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, insert, select, update

from dashboard.errors import TianfuError
from dashboard.store.policy_models import SenderLeaseRow

LEASE_FOR = timedelta(seconds=15)


class LeaseLost(TianfuError):
    """Another sender took over; whatever this one was about to write is not written."""


@dataclass(frozen=True)
class Lease:
    """A lease that was given: its name, holder, fence, and the moment it ends unless renewed."""

    name: str
    holder: str
    fence: int
    until: datetime


def new_holder() -> str:
    """A name for this process that no other process has: machine, process id, and a random part."""
    return f"{socket.gethostname()[:40]}:{os.getpid()}:{secrets.token_hex(8)}"


def acquire(
    connection: Connection, *, name: str, holder: str, at: datetime, length: timedelta = LEASE_FOR
) -> Lease | None:
    """Take the lease if it is free, ended or already ours; None while another holds it.

    ``connection`` must be one of ``Database.write``. Every new holder gets a higher fence.
    """
    row = connection.execute(
        select(SenderLeaseRow.holder, SenderLeaseRow.fence, SenderLeaseRow.until).where(
            SenderLeaseRow.name == name
        )
    ).one_or_none()
    until = at + length
    if row is None:
        connection.execute(insert(SenderLeaseRow).values(name=name, holder=holder, fence=1, until=until))
        return Lease(name, holder, 1, until)
    # A lease that ends further away than any lease lasts was written by a clock that was set back since.
    if row.holder != holder and at < row.until <= at + 2 * length:
        return None
    fence = row.fence if row.holder == holder else row.fence + 1
    connection.execute(
        update(SenderLeaseRow)
        .where(SenderLeaseRow.name == name)
        .values(holder=holder, fence=fence, until=until)
    )
    return Lease(name, holder, fence, until)


def renew(connection: Connection, lease: Lease, *, at: datetime, length: timedelta = LEASE_FOR) -> Lease:
    """``lease`` with its whole length before it; raises ``LeaseLost`` when another sender took over."""
    check_fence(connection, lease)
    connection.execute(
        update(SenderLeaseRow)
        .where(SenderLeaseRow.name == lease.name, SenderLeaseRow.fence == lease.fence)
        .values(until=at + length)
    )
    return replace(lease, until=at + length)


def check_fence(connection: Connection, lease: Lease) -> None:
    """Raise ``LeaseLost`` unless ``lease`` is the newest one; call it first in every transaction that writes.

    A lease that ended but that nobody took is still the newest, and what was learned under it is true.
    """
    current = connection.execute(
        select(SenderLeaseRow.fence).where(
            SenderLeaseRow.name == lease.name, SenderLeaseRow.holder == lease.holder
        )
    ).scalar_one_or_none()
    if current != lease.fence:
        raise LeaseLost(f"Another sender holds the lease {lease.name}.", todo="This one waits.")


def give_up(connection: Connection, lease: Lease, *, at: datetime) -> None:
    """End the lease now, so that the next sender need not wait; nothing happens when it was lost."""
    connection.execute(
        update(SenderLeaseRow)
        .where(
            SenderLeaseRow.name == lease.name,
            SenderLeaseRow.holder == lease.holder,
            SenderLeaseRow.fence == lease.fence,
        )
        .values(until=at)
    )
