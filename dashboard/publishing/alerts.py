"""What people must know about publishing, each thing once: a row of the store and a line of the log.

An alert lasts from the moment it was raised until what it says is over; the same trouble later is a new
alert.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, insert, select, update

from dashboard.clock import epoch_s
from dashboard.i18n.catalogue import Lang, t
from dashboard.publishing.verdict import Judgement
from dashboard.store.policy_models import PolicyAlertRow

log = logging.getLogger("tianfu.sender")

# How long an envelope may be on its way before the next person is told.
LATE_ALERTS: tuple[tuple[str, timedelta], ...] = (
    ("late_30s", timedelta(seconds=30)),
    ("late_5min", timedelta(minutes=5)),
    ("late_30min", timedelta(minutes=30)),
)
# Reasons of a verdict that raise an alert when they begin. A late delivery has its own three.
ALERTED = (
    "no_answer",
    "foreign_head",
    "conflict",
    "edited",
    "wrong",
    "blocked",
    "wiped",
    "older_head",
    "not_active",
    "stale",
    "unverified",
)
CLOCK = "clock"


@dataclass(frozen=True)
class Alert:
    """One alert; ``ended_at`` is None while what it says goes on."""

    key: str
    at: datetime
    kind: str
    detail: str
    ended_at: datetime | None

    def sentence(self, lang: Lang) -> str:
        """What the alert says, without its detail."""
        return t(lang, f"alert.{self.kind}")


def raise_late(
    connection: Connection, policy_id: str, *, seq: int, since: datetime, at: datetime, error: str
) -> tuple[str, ...]:
    """Raise the alerts an envelope on its way since ``since`` has reached by ``at``; return the new ones."""
    return tuple(
        kind
        for kind, limit in LATE_ALERTS
        if at - since >= limit
        # The moment the wait began belongs to the key: an envelope sent again on request may be late again.
        and _raise_once(
            connection,
            key=f"{policy_id}:{seq}:{kind}:{epoch_s(since)}",
            kind=kind,
            detail=f"seq {seq}; {error}",
            at=at,
        )
    )


def end_late(connection: Connection, policy_id: str, *, before_seq: int | None, at: datetime) -> None:
    """End the alerts of envelopes that arrived: those before ``before_seq``, the oldest undelivered."""
    kinds = [kind for kind, _ in LATE_ALERTS]
    for key in _open_keys(connection, policy_id, kinds):
        if before_seq is None or int(key.split(":")[1]) < before_seq:
            _end(connection, key, at)


def follow(connection: Connection, policy_id: str, judgement: Judgement, *, at: datetime) -> str | None:
    """Raise what ``judgement`` says unless it is raised already, end what it no longer says.

    Returns the kind of a new alert.
    """
    now = {judgement.reason} & set(ALERTED) | ({CLOCK} if judgement.skew_s is not None else set())
    raised = None
    open_kinds = set()
    for key in _open_keys(connection, policy_id, [*ALERTED, CLOCK]):
        kind = key.split(":")[1]
        open_kinds.add(kind)
        if kind not in now:
            _end(connection, key, at)
    for kind in sorted(now - open_kinds):
        detail = f"{judgement.skew_s:+d} s" if kind == CLOCK else judgement.sentence("en")
        key = f"{policy_id}:{kind}:{epoch_s(at)}"
        if _raise_once(connection, key=key, kind=kind, detail=detail, at=at):
            raised = kind
    return raised


def list_alerts(connection: Connection, policy_id: str, *, limit: int = 50) -> tuple[Alert, ...]:
    """The newest alerts first, those that go on before those that ended."""
    rows = connection.execute(
        select(
            PolicyAlertRow.key,
            PolicyAlertRow.at,
            PolicyAlertRow.kind,
            PolicyAlertRow.detail,
            PolicyAlertRow.ended_at,
        )
        .where(PolicyAlertRow.key.startswith(f"{policy_id}:", autoescape=True))
        .order_by(PolicyAlertRow.ended_at.is_not(None), PolicyAlertRow.id.desc())
        .limit(limit)
    )
    return tuple(Alert(*row) for row in rows)


def _raise_once(connection: Connection, *, key: str, kind: str, detail: str, at: datetime) -> bool:
    if connection.execute(select(PolicyAlertRow.id).where(PolicyAlertRow.key == key)).first():
        return False
    connection.execute(insert(PolicyAlertRow).values(key=key, at=at, kind=kind, detail=detail[:2000]))
    log.warning("alert %s: %s", kind, detail)
    return True


def _open_keys(connection: Connection, policy_id: str, kinds: list[str]) -> list[str]:
    query = select(PolicyAlertRow.key).where(
        PolicyAlertRow.key.startswith(f"{policy_id}:", autoescape=True),
        PolicyAlertRow.kind.in_(kinds),
        PolicyAlertRow.ended_at.is_(None),
    )
    return list(connection.execute(query).scalars())


def _end(connection: Connection, key: str, at: datetime) -> None:
    connection.execute(update(PolicyAlertRow).where(PolicyAlertRow.key == key).values(ended_at=at))
