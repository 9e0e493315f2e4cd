"""The pulse of the policy: a text that differs as soon as anything the policy page shows has moved."""

from __future__ import annotations

import hashlib
import json

from sqlalchemy import Connection, func, select

from dashboard.auth.rights import Identity, can
from dashboard.publishing.stand import POLICY_ID
from dashboard.publishing.standing import read_standing
from dashboard.shell.desk import store_of_board
from dashboard.store.policy_models import PolicyChangeRow, PolicyNoteRow, PolicyOutboxRow, PolicyStatusRow

SEES_DRAFTS = ("draft", "approve", "publish", "audit")


def sees_drafts(identity: Identity) -> bool:
    """Whether a person sees changes that are not published: who drafts, decides or audits."""
    return any(can(identity, right) for right in SEES_DRAFTS)  # type: ignore[arg-type]


def read_pulse(identity: Identity) -> str:
    """The pulse as of now, for what ``identity`` may see: drafts move it only for those who see them.

    A page is drawn with the pulse read before its cards, so that what moves while they are drawn is noticed.
    """
    database, clock = store_of_board()
    with database.read() as connection:
        standing = read_standing(connection, POLICY_ID, clock()).judgement
        seen: list[object] = [standing.verdict, standing.reason, sorted(standing.values.items())]
        seen += _moved(connection, drafts=sees_drafts(identity))
    return hashlib.sha256(json.dumps(seen, default=str).encode()).hexdigest()[:24]


def _moved(connection: Connection, *, drafts: bool) -> list[object]:
    """What changes whenever something that the page shows has changed."""
    outbox = connection.execute(
        select(
            PolicyOutboxRow.seq,
            PolicyOutboxRow.state,
            PolicyOutboxRow.accepted_at,
            PolicyOutboxRow.active_at,
            PolicyOutboxRow.verified_at,
        )
        .order_by(PolicyOutboxRow.seq.desc())
        .limit(3)
    )
    found: list[object] = [[str(value) for value in row] for row in outbox]
    found.append(connection.execute(select(PolicyStatusRow.golden_ok)).scalars().all())
    if drafts:
        found.append(
            [
                str(value)
                for value in connection.execute(
                    select(
                        func.count(PolicyChangeRow.id),
                        func.sum(PolicyChangeRow.row_version),
                        func.max(PolicyChangeRow.updated_at),
                    )
                ).one()
            ]
        )
        found.append(connection.execute(select(func.max(PolicyNoteRow.id))).scalar())
    return found
