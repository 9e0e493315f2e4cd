"""Where delivery stands, read from the store: what was issued, what was observed, and the verdict on both."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from pydantic import ValidationError
from sqlalchemy import Connection, func, select

from dashboard.clock import epoch_s
from dashboard.envelope.status import ServiceStatus
from dashboard.publishing.stand import Entry
from dashboard.publishing.verdict import Issued, Judgement, Observed, judge
from dashboard.store.policy_models import PolicyEnvelopeRow, PolicyOutboxRow, PolicyStatusRow

# Two clocks never turn the second at the same moment: around a switch both versions are right.
TURN_OF_SECOND = timedelta(seconds=2)


@dataclass(frozen=True)
class Standing:
    """The verdict with what it was made from."""

    judgement: Judgement
    issued: Issued | None
    observed: Observed | None


def read_standing(connection: Connection, policy_id: str, at: datetime) -> Standing:
    """The verdict on the rules service at ``at``, by the last reading of the sender."""
    observed = read_observed(connection, policy_id)
    issued = read_issued(connection, policy_id, now=at, read_at=observed.read_at if observed else None)
    return Standing(judge(issued, observed, at), issued, observed)


def read_issued(
    connection: Connection, policy_id: str, *, now: datetime, read_at: datetime | None
) -> Issued | None:
    """The newest envelope and how far its delivery is; None where nothing was published.

    What should be in force is told for the moment the service was read, because only that can be compared.
    """
    rows = (
        select(
            PolicyOutboxRow.seq,
            PolicyOutboxRow.state,
            PolicyOutboxRow.created_at,
            PolicyEnvelopeRow.version,
            PolicyEnvelopeRow.entries,
        )
        .join(
            PolicyEnvelopeRow,
            (PolicyEnvelopeRow.policy_id == PolicyOutboxRow.policy_id)
            & (PolicyEnvelopeRow.seq == PolicyOutboxRow.seq),
        )
        .where(PolicyOutboxRow.policy_id == policy_id)
    )
    newest = connection.execute(rows.order_by(PolicyOutboxRow.seq.desc()).limit(1)).one_or_none()
    if newest is None:
        return None
    waiting = connection.execute(
        rows.where(PolicyOutboxRow.state.in_(("waiting", "foreign"))).order_by(PolicyOutboxRow.seq).limit(1)
    ).one_or_none()
    last_seq, last_at = connection.execute(
        select(func.max(PolicyOutboxRow.seq), func.max(PolicyOutboxRow.accepted_at)).where(
            PolicyOutboxRow.policy_id == policy_id, PolicyOutboxRow.state == "accepted"
        )
    ).one()
    held: Literal["", "blocked", "foreign"] = ""
    if newest.state == "blocked":
        held = "blocked"
    elif waiting is not None and waiting.state == "foreign":
        held = "foreign"
    entries = [Entry(int(version), int(begin), end) for version, begin, end in newest.entries]
    moments = {read_at or now, *((read_at - TURN_OF_SECOND, read_at + TURN_OF_SECOND) if read_at else ())}
    coming = min(
        (entry for entry in entries if entry.effective_at > now),
        key=lambda entry: entry.effective_at_s,
        default=None,
    )
    return Issued(
        seq=newest.seq,
        version=newest.version,
        accepted_seq=last_seq or 0,
        accepted_at=last_at,
        waiting_since=waiting.created_at if waiting else None,
        held=held,
        expected=tuple({_version_at(entries, moment): None for moment in sorted(moments)}),
        next_version=coming.version if coming else None,
        next_at=coming.effective_at if coming else None,
    )


def read_observed(connection: Connection, policy_id: str) -> Observed | None:
    """The last reading of the service; None where no sender ever ran."""
    row = connection.execute(
        select(PolicyStatusRow.__table__).where(PolicyStatusRow.policy_id == policy_id)
    ).one_or_none()
    if row is None:
        return None
    try:
        status = ServiceStatus.model_validate_json(json.dumps(row.reply)) if row.reply else None
    except ValidationError:
        # Written by another release of the sender: as good as not read, until the next poll.
        status = None
    return Observed(
        polled_at=row.polled_at,
        read_at=row.read_at,
        missed=row.missed,
        error=row.error,
        status=status,
        head_seq=find_seq(connection, policy_id, status.accepted.digest)
        if status and status.accepted
        else None,
        drift=row.drift,
        golden=row.golden_ok,
        golden_detail=row.golden_detail,
    )


def find_seq(connection: Connection, policy_id: str, digest: str) -> int | None:
    """The seq of our envelope of that digest; None for one that was not issued here."""
    return connection.execute(
        select(PolicyEnvelopeRow.seq).where(
            PolicyEnvelopeRow.policy_id == policy_id, PolicyEnvelopeRow.digest == digest
        )
    ).scalar_one_or_none()


def _version_at(entries: list[Entry], moment: datetime) -> int | None:
    holding = [entry.version for entry in entries if entry.holds(epoch_s(moment))]
    return max(holding, default=None)
