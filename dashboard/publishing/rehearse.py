"""A publication tried out: the rules service is asked whether it would take the envelope.

The envelope is made by the very act that will publish it, in a transaction that is dropped; so nothing is
issued, no number is used, and what is tried is what would be sent but for the random part of its signature.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection, select
from sqlalchemy.exc import OperationalError

from dashboard.envelope.keys import load_token
from dashboard.errors import TianfuError
from dashboard.publishing.client import Outcome, RulesClient
from dashboard.publishing.errors import WrongState
from dashboard.publishing.stand import POLICY_ID
from dashboard.settings import Settings
from dashboard.store.engine import Database
from dashboard.store.policy_models import PolicyEnvelopeRow

# A person waits for it, and the sender tries again for ever: a slow service holds nobody up.
DEADLINE_S = 2.0


class _DropError(Exception):
    """Ends the transaction of a rehearsal; what it carries was never issued."""

    def __init__(self, body: bytes, prev: str | None) -> None:
        super().__init__("rehearsed")
        self.body = body
        self.prev = prev


def rehearse(database: Database, act: Callable[[Connection], object], settings: Settings) -> Outcome | None:
    """What the rules service says to the envelope that ``act`` would issue; nothing is kept or stored.

    None where there is nothing to ask: ``act`` refuses (it says so itself when it is done in earnest), issues
    nothing, or the token of the service is not known here.
    """
    try:
        token = load_token(settings)
        with database.write() as connection:
            before = _newest(connection)
            act(connection)
            made = _newest(connection)
            if made is not None and made != before:
                raise _DropError(made[1], made[2])
            raise _DropError(b"", None)
    except _DropError as dropped:
        body, prev = dropped.body, dropped.prev
    except (TianfuError, OperationalError):
        return None  # done in earnest it fails in the same way, and is told
    if not body:
        return None
    client = RulesClient(settings.rules_address, token=token, policy_id=POLICY_ID, deadline_s=DEADLINE_S)
    try:
        return client.try_out(body, head=prev)
    finally:
        client.close()


def check_rehearsal(outcome: Outcome | None) -> None:
    """Raise ``WrongState`` where the service would refuse the envelope for good.

    No reply, a busy service and one that is still behind are no refusals: the outbox delivers in order.
    """
    if outcome is not None and outcome.meaning == "refused":
        raise WrongState(
            f"The rules service would not take this publication: {outcome.detail}.",
            todo="Nothing was published. Correct what it names, then publish again.",
            key="publishing.error.rehearsal",
            detail=outcome.detail,
        )


def _newest(connection: Connection) -> tuple[int, bytes, str | None] | None:
    row = connection.execute(
        select(PolicyEnvelopeRow.seq, PolicyEnvelopeRow.body, PolicyEnvelopeRow.prev)
        .where(PolicyEnvelopeRow.policy_id == POLICY_ID)
        .order_by(PolicyEnvelopeRow.seq.desc())
        .limit(1)
    ).one_or_none()
    return (row.seq, row.body, row.prev) if row else None
