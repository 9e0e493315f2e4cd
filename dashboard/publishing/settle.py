"""What delivery means for the changes: which one is in force, which are no more, which one was refused."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, select

from dashboard.publishing.record import SYSTEM, get_change, move
from dashboard.publishing.states import TRANSITIONS, Act, read_state
from dashboard.store.policy_models import PolicyChangeRow, PolicyEnvelopeRow


def settle_changes(connection: Connection, policy_id: str, *, seq: int, version: int, at: datetime) -> None:
    """The service runs ``version`` out of our envelope ``seq``: its change is active, the one before it is
    not.

    A change that is still on its way, or whose time in that envelope has not come, goes on waiting.
    """
    rows = connection.execute(
        select(
            PolicyEnvelopeRow.change_id,
            PolicyEnvelopeRow.seq,
            PolicyEnvelopeRow.version,
            PolicyChangeRow.state,
        )
        .join(PolicyChangeRow, PolicyEnvelopeRow.change_id == PolicyChangeRow.id)
        .where(
            PolicyEnvelopeRow.policy_id == policy_id,
            PolicyEnvelopeRow.kind != "refresh",
            PolicyChangeRow.state.in_(("publishing", "active"))
            | ((PolicyEnvelopeRow.version == version) & (PolicyChangeRow.state == "superseded")),
        )
        .order_by(PolicyEnvelopeRow.seq)
    ).all()
    # After a rollback two changes carry the version; the later one is why it runs.
    running = next((row for row in reversed(rows) if row.version == version and row.seq <= seq), None)
    coming = _versions_in(connection, policy_id, seq)
    for row in rows:
        if row is running:
            if row.state != "active":
                _move(connection, row.change_id, "activate", at=at)
        elif row.state == "active" or (
            row.state == "publishing"
            and row.seq <= seq
            and not (row.version > version and row.version in coming)
        ):
            _move(connection, row.change_id, "supersede", at=at)


def block_change(connection: Connection, policy_id: str, seq: int, *, error: str, at: datetime) -> None:
    """The envelope ``seq`` was refused for good, and so is the change that it carries."""
    change_id = connection.execute(
        select(PolicyEnvelopeRow.change_id).where(
            PolicyEnvelopeRow.policy_id == policy_id, PolicyEnvelopeRow.seq == seq
        )
    ).scalar_one_or_none()
    if change_id is not None:
        _move(connection, change_id, "block", at=at, text=error)


def unblock_changes(
    connection: Connection, policy_id: str, seqs: Sequence[int], *, actor: str, at: datetime
) -> None:
    """The refused envelopes ``seqs`` are on their way once more, because ``actor`` said so."""
    ids = connection.execute(
        select(PolicyEnvelopeRow.change_id).where(
            PolicyEnvelopeRow.policy_id == policy_id, PolicyEnvelopeRow.seq.in_(seqs)
        )
    ).scalars()
    for change_id in [one for one in ids if one is not None]:
        change = get_change(connection, change_id)
        if change.state == "publish_blocked":
            move(connection, change, "retry", actor=actor, at=at)


def _versions_in(connection: Connection, policy_id: str, seq: int) -> frozenset[int]:
    entries = connection.execute(
        select(PolicyEnvelopeRow.entries).where(
            PolicyEnvelopeRow.policy_id == policy_id, PolicyEnvelopeRow.seq == seq
        )
    ).scalar_one()
    return frozenset(int(entry[0] or 0) for entry in entries)


def _move(connection: Connection, change_id: str, act: Act, *, at: datetime, text: str = "") -> None:
    change = get_change(connection, change_id)
    if (read_state(change.state), act) in TRANSITIONS:
        move(connection, change, act, actor=SYSTEM, at=at, text=text)
