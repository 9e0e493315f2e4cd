"""A service that lost what it had acknowledged: it is sent again, in order, after a person confirmed it.

Confirmation names the instance that was seen, so that it never covers a loss that happens later.
"""

from __future__ import annotations

import logging
from datetime import datetime

from sqlalchemy import Connection, select, update

from dashboard.envelope.status import ServiceStatus
from dashboard.errors import TianfuError
from dashboard.publishing.client import Outcome, RulesClient
from dashboard.publishing.outbox import release
from dashboard.publishing.settle import unblock_changes
from dashboard.publishing.standing import read_standing
from dashboard.store.audit import append_audit
from dashboard.store.engine import Database
from dashboard.store.policy_models import PolicyEnvelopeRow, PolicyOutboxRow, PolicyStatusRow

log = logging.getLogger("tianfu.sender")
LOST = frozenset({"wiped", "older_head"})
HELD = frozenset({"blocked", "conflict"})


class NothingToSend(TianfuError):
    """There is nothing that waits for a confirmation."""

    http_status = 409


def confirm_send(connection: Connection, policy_id: str, *, actor: str, at: datetime) -> str:
    """A person says: send it again. Returns the reason it was held for; the audit row goes with it.

    For a service that lost what it had acknowledged, and for envelopes that were refused or met a foreign
    head. Raises ``NothingToSend`` where the verdict names none of these.
    """
    standing = read_standing(connection, policy_id, at)
    reason = standing.judgement.reason
    if reason in LOST and standing.observed and standing.observed.status:
        instance = standing.observed.status.instance
        connection.execute(
            update(PolicyStatusRow)
            .where(PolicyStatusRow.policy_id == policy_id)
            .values(confirm_resend=instance)
        )
        detail = f"instance {instance}"
    elif standing.issued and standing.issued.held:
        reason = standing.issued.held
        seqs = release(connection, policy_id, at=at)
        unblock_changes(connection, policy_id, seqs, actor=actor, at=at)
        detail = "seq " + ", ".join(map(str, seqs))
    else:
        raise NothingToSend(
            f"Nothing waits for a confirmation: {standing.judgement.sentence('en')}",
            todo="Read the verdict again.",
            key="publishing.error.nothing_to_send",
        )
    append_audit(
        connection,
        at=at,
        actor=actor,
        action="policy_send_again",
        target=f"policy:{policy_id}",
        detail={"reason": reason, "what": detail},
    )
    return reason


def is_confirmed(connection: Connection, policy_id: str, instance: str) -> bool:
    """Whether a person confirmed that ``instance`` is sent again what it lost."""
    return (
        connection.execute(
            select(PolicyStatusRow.confirm_resend).where(PolicyStatusRow.policy_id == policy_id)
        ).scalar_one_or_none()
        == instance
    )


def send_again(
    database: Database, client: RulesClient, *, policy_id: str, status: ServiceStatus
) -> Outcome | None:
    """Send what the service once acknowledged and does not hold; the last outcome, None where nothing lacked.

    An empty service gets the newest acknowledged envelope, which holds all versions that matter; one that
    went back gets every later one, each after the one it names.
    """
    with database.read() as connection:
        missing = _missing(connection, policy_id, status)
    head = status.accepted.digest if status.accepted else None
    outcome = None
    for seq, digest, body in missing:
        outcome = client.put(body, digest=digest, head=head, seq=seq)
        log.info("seq %s sent again: %s %s", seq, outcome.meaning, outcome.detail)
        if outcome.meaning != "accepted":
            return outcome
        head = digest
    return outcome


def _missing(connection: Connection, policy_id: str, status: ServiceStatus) -> list[tuple[int, str, bytes]]:
    rows = connection.execute(
        select(PolicyEnvelopeRow.seq, PolicyEnvelopeRow.digest, PolicyEnvelopeRow.body)
        .join(
            PolicyOutboxRow,
            (PolicyEnvelopeRow.policy_id == PolicyOutboxRow.policy_id)
            & (PolicyEnvelopeRow.seq == PolicyOutboxRow.seq),
        )
        .where(PolicyOutboxRow.policy_id == policy_id, PolicyOutboxRow.state == "accepted")
        .where(PolicyEnvelopeRow.seq > (status.accepted.seq if status.accepted else 0))
        .order_by(PolicyEnvelopeRow.seq)
    ).all()
    return [(row.seq, row.digest, row.body) for row in (rows if status.accepted else rows[-1:])]
