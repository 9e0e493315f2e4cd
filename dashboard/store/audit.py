"""The audit log: who did what to which object, each row chained to the one before it.

A row's hash covers its own content and the hash before it, so an edited, removed or inserted row
breaks the chain. Rows cut off at the end cannot be seen from the chain alone: note the last hash
that ``check_audit`` returns outside the store.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select

from dashboard.errors import TianfuError
from dashboard.store.models import AuditRow

START = "0" * 64
Detail = Mapping[str, "str | int | bool | list[str] | None"]


class BrokenAuditError(TianfuError):
    """The audit log was changed by other means than ``append_audit``."""

    exit_code = 11


@dataclass(frozen=True)
class AuditEntry:
    """One act. ``actor`` is a login, ``-`` where nobody was signed in; ``detail`` is JSON."""

    id: int
    at: datetime
    actor: str
    action: str
    object: str
    detail: str
    prev_hash: str
    hash: str


_COLUMNS = (
    AuditRow.id,
    AuditRow.at,
    AuditRow.actor,
    AuditRow.action,
    AuditRow.object,
    AuditRow.detail,
    AuditRow.prev_hash,
    AuditRow.hash,
)


def append_audit(
    connection: Connection,
    *,
    at: datetime,
    actor: str,
    action: str,
    target: str,
    detail: Detail | None = None,
) -> AuditEntry:
    """Add one row and return it.

    ``connection`` must be the one of ``Database.write`` that carries the act itself, so that the act
    and its row stand or fall together.
    """
    last = connection.execute(
        select(AuditRow.id, AuditRow.hash).order_by(AuditRow.id.desc()).limit(1)
    ).one_or_none()
    number, previous = (last.id + 1, last.hash) if last else (1, START)
    text = json.dumps(detail or {}, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    body = (number, at, actor[:64], action, target[:120], text, previous)
    entry = AuditEntry(*body, hash=_hash(*body))
    connection.execute(insert(AuditRow).values(vars(entry)))
    return entry


def list_audit(
    connection: Connection, *, limit: int = 200, before: int | None = None
) -> tuple[AuditEntry, ...]:
    """The newest rows first; ``before`` continues below that row."""
    query = select(*_COLUMNS).order_by(AuditRow.id.desc()).limit(limit)
    if before is not None:
        query = query.where(AuditRow.id < before)
    return tuple(AuditEntry(*row) for row in connection.execute(query))


def check_audit(connection: Connection) -> str:
    """Walk the whole chain and return its last hash; raise ``BrokenAuditError`` naming the first bad row."""
    previous, expected = START, 1
    for entry in _read_all(connection):
        if entry.id != expected:
            raise _broken(f"Row {expected} of the audit log is missing.")
        body = (entry.id, entry.at, entry.actor, entry.action, entry.object, entry.detail, entry.prev_hash)
        if entry.prev_hash != previous or entry.hash != _hash(*body):
            raise _broken(f"Row {entry.id} of the audit log does not match its hash: it was changed.")
        previous, expected = entry.hash, entry.id + 1
    return previous


def _read_all(connection: Connection) -> Iterator[AuditEntry]:
    """Every row in its order; raises ``BrokenAuditError`` for a value that no row ever held."""
    number = 0
    try:
        for row in connection.execute(select(*_COLUMNS).order_by(AuditRow.id)):
            number = row.id
            yield AuditEntry(*row)
    except (TypeError, ValueError) as problem:
        raise _broken(f"Row {number + 1} of the audit log cannot be read: {problem}.") from None


def _broken(what: str) -> BrokenAuditError:
    return BrokenAuditError(
        what, todo="Keep a copy of the store as it is, and compare it with the last backup."
    )


def _hash(number: int, at: datetime, actor: str, action: str, thing: str, detail: str, previous: str) -> str:
    body = json.dumps([number, at.isoformat(), actor, action, thing, detail, previous], ensure_ascii=False)
    return hashlib.sha256(body.encode()).hexdigest()
