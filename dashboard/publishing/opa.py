"""Policy engines (OPA) that pull their bundle: tokens, what is handed out, what they report and decided.

The engine is judged by the revision it reports as active and the age of that report: it keeps answering by an
old bundle, and calls itself healthy, while every download fails.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import Connection, delete, func, insert, select, update

from dashboard.envelope.bundle import build_bundle
from dashboard.envelope.keys import SigningKey
from dashboard.envelope.model import parse_payload
from dashboard.errors import InputError
from dashboard.store.audit import append_audit
from dashboard.store.opa_models import OpaDecisionRow, OpaInstanceRow
from dashboard.store.policy_models import PolicyEnvelopeRow, PolicyOutboxRow

POLICY_ID = "epidemic"
# Three reports missed, as for a rules service: OPA reports at least every minute with the printed settings.
SILENT_AFTER = timedelta(minutes=3)
KEPT = timedelta(days=7)  # decision logs; long enough to find a log that is sent again
Verdict = Literal["synced", "behind", "failing", "unknown"]


@dataclass(frozen=True)
class OpaInstance:
    """One engine: what it was handed, what it says is active, and what to make of that.

    ``verdict``: *synced* with the newest envelope, *behind* it, *failing* by its own word, *unknown* when
    it was silent for ``SILENT_AFTER``. Never synced by default.
    """

    name: str
    created_at: datetime
    revoked_at: datetime | None
    served_seq: int
    served_at: datetime | None
    reported_at: datetime | None
    reported_revision: str | None
    problem: str
    verdict: Verdict


@dataclass(frozen=True)
class Decision:
    """One logged decision; what the person asked about is not part of it."""

    decision_id: str
    revision: str
    ask: str
    reason: str


@dataclass(frozen=True)
class Head:
    """The newest envelope: its number, revision and payload."""

    seq: int
    revision: str
    body: bytes


def add_instance(connection: Connection, name: str, *, actor: str, at: datetime) -> str:
    """Register an engine and return its token, which is shown this once. Raises ``InputError``."""
    if not name.isascii() or not name.replace("-", "").isalnum() or len(name) > 64:
        raise InputError(
            f"{name[:80]!r} is no name for an engine.", todo="Use letters, digits and -, at most 64."
        )
    if connection.execute(select(OpaInstanceRow.name).where(OpaInstanceRow.name == name)).first():
        raise InputError(f"There is already an engine called {name}.", todo="Choose another name.")
    token = secrets.token_urlsafe(32)
    connection.execute(
        insert(OpaInstanceRow).values(
            name=name, token_sha256=_digest(token), created_at=at, served_seq=0, problem=""
        )
    )
    append_audit(connection, at=at, actor=actor, action="policy.opa.added", target=name)
    return token


def revoke_instance(connection: Connection, name: str, *, actor: str, at: datetime) -> None:
    """Take the token of an engine back. Raises ``InputError`` for one that is not there or was revoked."""
    done = connection.execute(
        update(OpaInstanceRow)
        .where(OpaInstanceRow.name == name, OpaInstanceRow.revoked_at.is_(None))
        .values(revoked_at=at)
    )
    if done.rowcount != 1:
        raise InputError(
            f"No engine called {name} has a token.", todo="List them with: tianfu policy opa list"
        )
    append_audit(connection, at=at, actor=actor, action="policy.opa.revoked", target=name)


def find_instance(connection: Connection, token: str) -> str | None:
    """The name of the engine that holds ``token``; None for an unknown or revoked one."""
    found = connection.execute(
        select(OpaInstanceRow.name).where(
            OpaInstanceRow.token_sha256 == _digest(token), OpaInstanceRow.revoked_at.is_(None)
        )
    ).scalar_one_or_none()
    return None if found is None else str(found)


def list_instances(connection: Connection, now: datetime) -> tuple[OpaInstance, ...]:
    """Every engine by name, with its verdict at ``now``."""
    newest = head(connection)
    rows = connection.execute(select(OpaInstanceRow.__table__).order_by(OpaInstanceRow.name))
    return tuple(
        OpaInstance(
            name=row.name,
            created_at=row.created_at,
            revoked_at=row.revoked_at,
            served_seq=row.served_seq,
            served_at=row.served_at,
            reported_at=row.reported_at,
            reported_revision=row.reported_revision,
            problem=row.problem,
            verdict=judge(
                reported_at=row.reported_at,
                revision=row.reported_revision,
                problem=row.problem,
                newest=newest.revision if newest else None,
                now=now,
            ),
        )
        for row in rows
    )


def judge(
    *, reported_at: datetime | None, revision: str | None, problem: str, newest: str | None, now: datetime
) -> Verdict:
    """What one report is worth at ``now``; a report from the future is as unknown as one too old."""
    if reported_at is None or not timedelta(0) <= now - reported_at <= SILENT_AFTER or newest is None:
        return "unknown"
    if problem:
        return "failing"
    return "synced" if revision == newest else "behind"


def head(connection: Connection) -> Head | None:
    """The newest envelope that was issued and not refused for good; None before the first."""
    blocked = select(PolicyOutboxRow.seq).where(
        PolicyOutboxRow.policy_id == POLICY_ID, PolicyOutboxRow.state == "blocked"
    )
    row = connection.execute(
        select(PolicyEnvelopeRow.seq, PolicyEnvelopeRow.body)
        .where(PolicyEnvelopeRow.policy_id == POLICY_ID, PolicyEnvelopeRow.seq.not_in(blocked))
        .order_by(PolicyEnvelopeRow.seq.desc())
        .limit(1)
    ).first()
    return None if row is None else Head(row.seq, f"{POLICY_ID}:{row.seq}", bytes(row.body))


def bundle_of(newest: Head, key: SigningKey) -> bytes:
    """The bundle of an envelope of our own store, whose signature was made here and is not checked again."""
    payload = newest.body.split(b".")[1]
    return build_bundle(parse_payload(base64.urlsafe_b64decode(payload + b"=" * (-len(payload) % 4))), key)


def hand_out(connection: Connection, name: str, seq: int, *, at: datetime) -> bool:
    """Note that ``name`` is handed envelope ``seq``; False, and nothing noted, if it was handed a newer one.

    After a store was restored from an old backup an engine could otherwise be taken back in time by a bundle
    whose signature is good.
    """
    done = connection.execute(
        update(OpaInstanceRow)
        .where(OpaInstanceRow.name == name, OpaInstanceRow.served_seq <= seq)
        .values(served_seq=seq, served_at=at)
    )
    return done.rowcount == 1


def note_report(
    connection: Connection, name: str, *, revision: str | None, problem: str, at: datetime
) -> None:
    """Keep what an engine reports: its active revision, and what it says is wrong ("" for nothing)."""
    connection.execute(
        update(OpaInstanceRow)
        .where(OpaInstanceRow.name == name)
        .values(
            reported_at=at,
            reported_revision=None if revision is None else revision[:120],
            problem=problem[:1000],
        )
    )


def keep_decisions(connection: Connection, name: str, decisions: Iterable[Decision], *, at: datetime) -> int:
    """Keep decisions that are not kept yet, and forget those older than ``KEPT``; how many were new."""
    given = {one.decision_id: one for one in decisions}
    ids = list(given)
    known: set[str] = set()
    for start in range(0, len(ids), 500):
        chunk = ids[start : start + 500]
        query = select(OpaDecisionRow.decision_id).where(OpaDecisionRow.decision_id.in_(chunk))
        known |= set(connection.execute(query).scalars())
    fresh = [
        {
            "decision_id": one.decision_id,
            "instance": name,
            "received_at": at,
            "revision": one.revision[:120],
            "ask": one.ask[:32],
            "reason": one.reason[:64],
        }
        for one in given.values()
        if one.decision_id not in known
    ]
    if fresh:
        connection.execute(insert(OpaDecisionRow), fresh)
    connection.execute(delete(OpaDecisionRow).where(OpaDecisionRow.received_at < at - KEPT))
    return len(fresh)


def count_decisions(connection: Connection, *, since: datetime) -> dict[tuple[str, str, str], int]:
    """Kept decisions since a moment, by revision, question and reason."""
    rows = connection.execute(
        select(OpaDecisionRow.revision, OpaDecisionRow.ask, OpaDecisionRow.reason, func.count())
        .where(OpaDecisionRow.received_at >= since)
        .group_by(OpaDecisionRow.revision, OpaDecisionRow.ask, OpaDecisionRow.reason)
    )
    return {(revision, ask, reason): count for revision, ask, reason, count in rows}


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
