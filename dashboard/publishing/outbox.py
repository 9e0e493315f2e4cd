"""The envelopes on their way, in strict order: the oldest undelivered one is the only one that may be sent.

Rows are made by the publishing transaction and never deleted. Due rows in the store are the truth; no timer in
memory is. Every write of a sender carries its lease, see ``dashboard.publishing.lease``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, select, update

from dashboard.publishing.lease import Lease, check_fence
from dashboard.store.policy_models import PolicyEnvelopeRow, PolicyOutboxRow

OutboxState = Literal["waiting", "accepted", "blocked", "foreign"]


@dataclass(frozen=True)
class Parcel:
    """One envelope that was not acknowledged yet, with the bytes to send and what happened so far."""

    policy_id: str
    seq: int
    digest: str
    prev: str | None
    body: bytes
    state: str
    attempts: int
    created_at: datetime
    first_try_at: datetime | None
    next_try_at: datetime
    last_error: str


def oldest(connection: Connection, policy_id: str) -> Parcel | None:
    """The oldest envelope of ``policy_id`` that was not acknowledged; None when all were.

    One that is held (blocked, foreign) is returned as well: whatever comes after it waits behind it.
    """
    row = connection.execute(
        select(
            PolicyOutboxRow.policy_id,
            PolicyOutboxRow.seq,
            PolicyEnvelopeRow.digest,
            PolicyEnvelopeRow.prev,
            PolicyEnvelopeRow.body,
            PolicyOutboxRow.state,
            PolicyOutboxRow.attempts,
            PolicyOutboxRow.created_at,
            PolicyOutboxRow.first_try_at,
            PolicyOutboxRow.next_try_at,
            PolicyOutboxRow.last_error,
        )
        .join(
            PolicyEnvelopeRow,
            (PolicyEnvelopeRow.policy_id == PolicyOutboxRow.policy_id)
            & (PolicyEnvelopeRow.seq == PolicyOutboxRow.seq),
        )
        .where(PolicyOutboxRow.policy_id == policy_id, PolicyOutboxRow.state != "accepted")
        .order_by(PolicyOutboxRow.seq)
        .limit(1)
    ).one_or_none()
    return Parcel(*row) if row else None


def note_try(connection: Connection, parcel: Parcel, *, lease: Lease, at: datetime) -> None:
    """Write down that a try begins, before it begins: a kill in the middle of it leaves a trace."""
    _write(
        connection,
        parcel,
        lease=lease,
        attempts=PolicyOutboxRow.attempts + 1,
        first_try_at=parcel.first_try_at or at,
    )


def mark_accepted(connection: Connection, policy_id: str, seq: int, *, lease: Lease, at: datetime) -> None:
    """The service holds the envelope ``seq``, and so every one before it: each names the one before."""
    check_fence(connection, lease)
    connection.execute(
        update(PolicyOutboxRow)
        .where(
            PolicyOutboxRow.policy_id == policy_id,
            PolicyOutboxRow.seq <= seq,
            PolicyOutboxRow.state != "accepted",
        )
        .values(state="accepted", accepted_at=at, last_error="")
    )


def mark_waiting(
    connection: Connection, parcel: Parcel, *, lease: Lease, next_try_at: datetime, error: str
) -> None:
    """The try failed in a way that passes; the next one is not before ``next_try_at``."""
    _write(connection, parcel, lease=lease, state="waiting", next_try_at=next_try_at, last_error=error[:2000])


def mark_held(
    connection: Connection,
    parcel: Parcel,
    *,
    lease: Lease,
    state: Literal["blocked", "foreign"],
    error: str,
) -> None:
    """The envelope waits for a person, and with it every one after it."""
    _write(connection, parcel, lease=lease, state=state, last_error=error[:2000])


def wake(connection: Connection, policy_id: str, *, lease: Lease, at: datetime) -> None:
    """The service answers again: whoever waits out a long pause is tried now."""
    check_fence(connection, lease)
    connection.execute(
        update(PolicyOutboxRow)
        .where(
            PolicyOutboxRow.policy_id == policy_id,
            PolicyOutboxRow.state == "waiting",
            PolicyOutboxRow.next_try_at > at,
        )
        .values(next_try_at=at)
    )


def send_again(connection: Connection, policy_id: str, *, after_seq: int, at: datetime) -> int:
    """Put every envelope after ``after_seq`` back on its way, and return how many those are.

    For a held envelope whose cause was mended, and for a service that lost what it had acknowledged; both only
    because a person said so.
    """
    changed = connection.execute(
        update(PolicyOutboxRow)
        .where(PolicyOutboxRow.policy_id == policy_id, PolicyOutboxRow.seq > after_seq)
        .values(
            state="waiting",
            next_try_at=at,
            created_at=at,
            first_try_at=None,
            attempts=0,
            last_error="",
            accepted_at=None,
            active_at=None,
            verified_at=None,
        )
    )
    return changed.rowcount


def _write(connection: Connection, parcel: Parcel, *, lease: Lease, **values: object) -> None:
    check_fence(connection, lease)
    connection.execute(
        update(PolicyOutboxRow)
        .where(PolicyOutboxRow.policy_id == parcel.policy_id, PolicyOutboxRow.seq == parcel.seq)
        .values(**values)
    )
