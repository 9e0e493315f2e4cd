"""The envelopes on their way, in strict order: the oldest waiting one is the only one that may be sent.

Rows are made by the publishing transaction and never deleted. Due rows in the store are the truth; no timer
in memory is. Every write of a sender carries its lease, see ``dashboard.publishing.lease``.

Each envelope names the one before it, so ``waiting`` rows form one chain. A row that is refused for good
takes the rows after it along, and the next publication continues from the last one that was not refused; a
refused row is never sent behind it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, func, select, update

from dashboard.publishing.lease import Lease, check_fence
from dashboard.store.policy_models import PolicyEnvelopeRow, PolicyOutboxRow

# The states of a row that has not arrived and was not refused; the other two are accepted and blocked.
ON_THE_WAY = ("waiting", "foreign")
# An error that begins like this waits as long as the service asked for, also when it answers meanwhile.
BUSY = "busy: "


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
    """The oldest envelope of ``policy_id`` that is on its way; None when all arrived or were refused.

    One that met a foreign head is returned as well: whatever comes after it waits behind it.
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
        .where(PolicyOutboxRow.policy_id == policy_id, PolicyOutboxRow.state.in_(ON_THE_WAY))
        .order_by(PolicyOutboxRow.seq)
        .limit(1)
    ).one_or_none()
    return Parcel(*row) if row else None


def waiting_since(connection: Connection, parcel: Parcel) -> datetime:
    """Since when nothing moves: a parcel that stood behind others is not late while those arrive."""
    last = connection.execute(
        select(func.max(PolicyOutboxRow.accepted_at)).where(PolicyOutboxRow.policy_id == parcel.policy_id)
    ).scalar()
    return max(parcel.created_at, last) if last else parcel.created_at


def note_try(connection: Connection, parcel: Parcel, *, lease: Lease, at: datetime) -> None:
    """Write down that a try begins, before it begins: a kill in the middle of it leaves a trace."""
    _write(
        connection,
        parcel,
        lease=lease,
        attempts=PolicyOutboxRow.attempts + 1,
        first_try_at=parcel.first_try_at or at,
    )


def mark_accepted(
    connection: Connection, policy_id: str, digest: str, *, lease: Lease, at: datetime
) -> tuple[int, ...]:
    """The service holds the envelope ``digest``, and so every one it descends from; return their seqs.

    Descent is what counts, not a lower number: a refused envelope may have been passed by.
    """
    check_fence(connection, lease)
    seqs: list[int] = []
    name: str | None = digest
    while name is not None:
        row = connection.execute(
            select(PolicyEnvelopeRow.seq, PolicyEnvelopeRow.prev, PolicyOutboxRow.state)
            .join(
                PolicyOutboxRow,
                (PolicyEnvelopeRow.policy_id == PolicyOutboxRow.policy_id)
                & (PolicyEnvelopeRow.seq == PolicyOutboxRow.seq),
            )
            .where(PolicyEnvelopeRow.policy_id == policy_id, PolicyEnvelopeRow.digest == name)
        ).one_or_none()
        if row is None or row.state == "accepted":
            break
        seqs.append(row.seq)
        name = row.prev
    if seqs:
        connection.execute(
            update(PolicyOutboxRow)
            .where(PolicyOutboxRow.policy_id == policy_id, PolicyOutboxRow.seq.in_(seqs))
            .values(state="accepted", accepted_at=at, last_error="")
        )
    return tuple(seqs)


def mark_waiting(
    connection: Connection, parcel: Parcel, *, lease: Lease, next_try_at: datetime, error: str
) -> None:
    """The try failed in a way that passes; the next one is not before ``next_try_at``."""
    _write(connection, parcel, lease=lease, state="waiting", next_try_at=next_try_at, last_error=error[:2000])


def mark_foreign(connection: Connection, parcel: Parcel, *, lease: Lease, error: str) -> None:
    """Somebody else's head is in the way: the envelope, and every one after it, waits for a person."""
    _write(connection, parcel, lease=lease, state="foreign", last_error=error[:2000])


def mark_blocked(connection: Connection, parcel: Parcel, *, lease: Lease, error: str) -> tuple[int, ...]:
    """The service refused the envelope for good; it and the ones that descend from it are out. Their seqs."""
    check_fence(connection, lease)
    found = select(PolicyOutboxRow.seq).where(
        PolicyOutboxRow.policy_id == parcel.policy_id,
        PolicyOutboxRow.seq >= parcel.seq,
        PolicyOutboxRow.state.in_(ON_THE_WAY),
    )
    seqs = tuple(connection.execute(found).scalars())
    for seq in seqs:
        words = error if seq == parcel.seq else f"follows seq {parcel.seq}, which was refused: {error}"
        connection.execute(
            update(PolicyOutboxRow)
            .where(PolicyOutboxRow.policy_id == parcel.policy_id, PolicyOutboxRow.seq == seq)
            .values(state="blocked", last_error=words[:2000])
        )
    return seqs


def wake(connection: Connection, policy_id: str, *, lease: Lease, at: datetime) -> None:
    """The service answers again: a long pause ends now, unless the service asked for it."""
    check_fence(connection, lease)
    connection.execute(
        update(PolicyOutboxRow)
        .where(
            PolicyOutboxRow.policy_id == policy_id,
            PolicyOutboxRow.state == "waiting",
            PolicyOutboxRow.next_try_at > at,
            PolicyOutboxRow.last_error.not_like(f"{BUSY}%"),
        )
        .values(next_try_at=at)
    )


def mark_reached(
    connection: Connection,
    policy_id: str,
    *,
    seq: int,
    version: int,
    column: Literal["active_at", "verified_at"],
    at: datetime,
) -> None:
    """Note the first time that ``version``, out of envelope ``seq``, was seen active or verified."""
    brought = select(PolicyEnvelopeRow.seq).where(
        PolicyEnvelopeRow.policy_id == policy_id, PolicyEnvelopeRow.version == version
    )
    connection.execute(
        update(PolicyOutboxRow)
        .where(
            PolicyOutboxRow.policy_id == policy_id,
            PolicyOutboxRow.seq <= seq,
            PolicyOutboxRow.seq.in_(brought),
            PolicyOutboxRow.state == "accepted",
            getattr(PolicyOutboxRow, column).is_(None),
        )
        .values({column: at})
    )


def release(connection: Connection, policy_id: str, *, at: datetime) -> tuple[int, ...]:
    """Put what waits for a person back on its way, and return its seqs.

    Envelopes that met a foreign head, and refused ones unless a later publication passed them by.
    """
    passed = select(func.max(PolicyOutboxRow.seq)).where(
        PolicyOutboxRow.policy_id == policy_id, PolicyOutboxRow.state.in_(("accepted", "waiting"))
    )
    held = (
        PolicyOutboxRow.policy_id == policy_id,
        (PolicyOutboxRow.state == "foreign")
        | (
            (PolicyOutboxRow.state == "blocked")
            & (PolicyOutboxRow.seq > func.coalesce(passed.scalar_subquery(), 0))
        ),
    )
    seqs = tuple(connection.execute(select(PolicyOutboxRow.seq).where(*held)).scalars())
    connection.execute(
        update(PolicyOutboxRow)
        .where(PolicyOutboxRow.policy_id == policy_id, PolicyOutboxRow.seq.in_(seqs))
        # Time on its way counts from now: the alerts of the first attempt were raised and read.
        .values(state="waiting", next_try_at=at, created_at=at, last_error="")
    )
    return seqs


def _write(connection: Connection, parcel: Parcel, *, lease: Lease, **values: object) -> None:
    check_fence(connection, lease)
    connection.execute(
        update(PolicyOutboxRow)
        .where(PolicyOutboxRow.policy_id == parcel.policy_id, PolicyOutboxRow.seq == parcel.seq)
        .values(**values)
    )
