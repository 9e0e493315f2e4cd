"""The policy in force: what the rules service really runs, not what was sent to it last."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, select

from dashboard.clock import epoch_s, from_epoch_s
from dashboard.envelope.status import Active
from dashboard.errors import PolicyError
from dashboard.policy.document import digest_policy
from dashboard.policy.model import Policy
from dashboard.policy.store import load_baseline
from dashboard.publishing.stand import POLICY_ID, Entry, active_of, read_entries, read_head, read_version
from dashboard.publishing.standing import Standing, read_standing
from dashboard.publishing.verdict import Judgement, Verdict
from dashboard.store.policy_models import PolicyEnvelopeRow, PolicyOutboxRow


@dataclass(frozen=True)
class InForce:
    """The policy in force, how that is known, and the verdict on the rules service.

    ``source``: ``service`` said so itself; ``accepted`` is reckoned from the envelope it acknowledged last,
    while it does not answer or runs something we did not sign; ``baseline`` where it never acknowledged any.
    ``seq`` and ``digest`` are those of the envelope the version came in (None, "" for the baseline),
    ``policy_digest`` is that of the document. ``expires_at`` is the end of an emergency. ``pending`` are
    scheduled versions, the earliest first.
    """

    policy: Policy
    version: int
    seq: int | None
    digest: str
    policy_digest: str
    source: Literal["service", "accepted", "baseline"]
    judgement: Judgement
    effective_since: datetime | None
    expires_at: datetime | None
    pending: tuple[Entry, ...]

    @property
    def verdict(self) -> Verdict:
        return self.judgement.verdict

    @property
    def verdict_detail(self) -> str:
        """The reason behind the verdict, for programs; ``judgement.sentence`` is for people."""
        return self.judgement.reason

    @property
    def is_emergency(self) -> bool:
        """Whether what is in force ends by itself."""
        return self.expires_at is not None


def in_force(connection: Connection, at: datetime) -> InForce:
    """The policy in force at ``at`` by the last reading of the rules service."""
    standing = read_standing(connection, POLICY_ID, at)
    head = read_head(connection)
    pending = head.pending(epoch_s(at)) if head else ()
    return (
        _by_service(connection, standing, pending)
        or _by_acknowledgement(connection, standing, pending, at)
        or baseline_in_force(standing.judgement, pending)
    )


def baseline_in_force(judgement: Judgement, pending: tuple[Entry, ...] = ()) -> InForce:
    """The packaged baseline, as it holds where nothing else is known."""
    policy = load_baseline()
    return InForce(
        policy=policy,
        version=policy.version,
        seq=None,
        digest="",
        policy_digest=digest_policy(policy),
        source="baseline",
        judgement=judgement,
        effective_since=None,
        expires_at=None,
        pending=pending,
    )


def _by_service(connection: Connection, standing: Standing, pending: tuple[Entry, ...]) -> InForce | None:
    """What the service said it runs, where that was read lately and is a document that we signed."""
    status = standing.observed.status if standing.observed else None
    if standing.judgement.verdict == "unknown" or status is None or status.active is None:
        return None
    active = status.active
    policy = _find_document(connection, active)
    if policy is None:
        return None
    return InForce(
        policy=policy,
        version=active.version,
        seq=active.seq,
        digest=active.digest,
        policy_digest=active.policy_digest,
        source="service",
        judgement=standing.judgement,
        effective_since=from_epoch_s(active.since_s),
        expires_at=None if active.expires_at_s is None else from_epoch_s(active.expires_at_s),
        pending=pending,
    )


def _by_acknowledgement(
    connection: Connection, standing: Standing, pending: tuple[Entry, ...], at: datetime
) -> InForce | None:
    """What the envelope that was acknowledged last says about this moment: the service goes by it alone."""
    query = (
        select(PolicyEnvelopeRow.seq, PolicyEnvelopeRow.digest, PolicyEnvelopeRow.entries)
        .join(
            PolicyOutboxRow,
            (PolicyOutboxRow.policy_id == PolicyEnvelopeRow.policy_id)
            & (PolicyOutboxRow.seq == PolicyEnvelopeRow.seq),
        )
        .where(PolicyEnvelopeRow.policy_id == POLICY_ID, PolicyOutboxRow.state == "accepted")
        .order_by(PolicyEnvelopeRow.seq.desc())
        .limit(1)
    )
    row = connection.execute(query).one_or_none()
    entry = active_of(read_entries(row.entries), epoch_s(at)) if row else None
    if row is None or entry is None:
        return None
    policy = read_version(connection, entry.version)
    return InForce(
        policy=policy,
        version=entry.version,
        seq=row.seq,
        digest=row.digest,
        policy_digest=digest_policy(policy),
        source="accepted",
        judgement=standing.judgement,
        effective_since=entry.effective_at,
        expires_at=entry.expires_at,
        pending=pending,
    )


def _find_document(connection: Connection, active: Active) -> Policy | None:
    """Our document of that version, if it is the very one the service decides by."""
    try:
        policy = read_version(connection, active.version)
    except PolicyError:
        return None
    return policy if digest_policy(policy) == active.policy_digest else None
