"""Is the record whole: the audit chain, every envelope with its signature, and one against the other."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Row, select

from dashboard.clock import epoch_s
from dashboard.envelope.errors import EnvelopeError
from dashboard.envelope.jws import digest, open_envelope
from dashboard.envelope.keys import Trust
from dashboard.envelope.model import Envelope, write_stamp
from dashboard.policy.document import canonical_json
from dashboard.store.audit import START, BrokenAuditError, check_audit
from dashboard.store.models import AuditRow
from dashboard.store.policy_models import PolicyEnvelopeRow

# The acts that issue an envelope; each audit row of one names its digest.
ISSUING = ("policy_baseline", "policy_publish", "policy_emergency", "policy_refresh")


@dataclass(frozen=True)
class Verified:
    """What was looked at: rows of the audit log, its last hash, signed envelopes."""

    rows: int
    last_hash: str
    envelopes: int


def verify_records(connection: Connection, *, trust: Trust | None, expect: str = "") -> Verified:
    """Walk the audit log and all envelopes; raise ``BrokenAuditError`` naming the first thing that is wrong.

    ``trust`` checks the signatures; None leaves them out, for a store without any envelope. ``expect`` is a
    hash that was noted earlier: it must still be in the log, since rows cut off at the end leave no other
    trace.
    """
    last_hash = check_audit(connection)
    rows = connection.execute(select(AuditRow.id, AuditRow.action, AuditRow.detail, AuditRow.hash)).all()
    if expect and expect not in {START, *(row.hash for row in rows)}:
        raise _broken(f"The hash {expect[:16]}… that was noted earlier is not in the audit log.")
    issued = {str(json.loads(row.detail).get("digest")): row.id for row in rows if row.action in ISSUING}
    envelopes = _read_envelopes(connection)
    seen: set[str | None] = {None}
    for number, row in enumerate(envelopes, start=1):
        if row.seq != number:
            raise _broken(f"The envelope of seq {number} is missing.")
        if digest(row.body) != row.digest:
            raise _broken(f"The envelope of seq {row.seq} does not match its digest: it was changed.")
        if row.digest not in issued:
            raise _broken(f"The audit log knows nothing of the envelope of seq {row.seq}.")
        if trust is not None:
            _check_said(row, _open(row, trust))
        if row.prev not in seen or (row.prev is None) != (row.seq == 1):
            raise _broken(f"The envelope of seq {row.seq} does not follow one that was issued before.")
        seen.add(row.digest)
        del issued[row.digest]
    if issued:
        raise _broken(f"Row {min(issued.values())} of the audit log names an envelope that is not there.")
    return Verified(rows=len(rows), last_hash=last_hash, envelopes=len(envelopes))


def _read_envelopes(connection: Connection) -> Sequence[Row[tuple[object, ...]]]:
    """All envelopes in their order; raises ``BrokenAuditError`` for a value that no envelope ever held."""
    query = select(PolicyEnvelopeRow.__table__).order_by(PolicyEnvelopeRow.seq)
    try:
        rows = connection.execute(query).all()
    except (TypeError, ValueError) as problem:
        raise _broken(f"An envelope cannot be read: {problem}.") from None
    for row in rows:
        if not isinstance(row.body, bytes):
            raise _broken(f"The envelope of seq {row.seq} holds no signed bytes: it was changed.")
    return rows


def _open(row: Row[tuple[object, ...]], trust: Trust) -> Envelope:
    try:
        # By the keys that held when it was signed: a key that was retired since signed well then.
        return open_envelope(row.body, trust, now_s=epoch_s(row.issued_at))
    except EnvelopeError as error:
        raise _broken(f"The envelope of seq {row.seq} is not good ({error.code}): {error.what}") from None


def _check_said(row: Row[tuple[object, ...]], envelope: Envelope) -> None:
    """Raise unless the columns say what the signed text says."""
    entries = [[entry.version, entry.effective_at_s, entry.expires_at_s] for entry in envelope.versions]
    brings = [row.version, row.effective_at_s, row.expires_at_s]
    text = next(
        (canonical_json(entry.policy()) for entry in envelope.versions if entry.version == row.version), None
    )
    same = (
        (envelope.policy_id, envelope.seq, envelope.kind, envelope.prev)
        == (row.policy_id, row.seq, row.kind, row.prev)
        and envelope.issued_at == write_stamp(epoch_s(row.issued_at))
        and entries == row.entries
        and brings in entries
        and text == row.document
        and (envelope.approval.change_id if envelope.approval else None) == row.change_id
    )
    if not same:
        raise _broken(f"What the store says of the envelope of seq {row.seq} is not what was signed.")


def _broken(what: str) -> BrokenAuditError:
    return BrokenAuditError(
        what, todo="Keep a copy of the store as it is, and compare it with the last backup."
    )
