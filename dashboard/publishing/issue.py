"""One envelope more: numbered, chained to the one before it, signed once, put into the outbox."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, insert

from dashboard.clock import epoch_s
from dashboard.envelope.jws import digest, sign
from dashboard.envelope.keys import SigningKey
from dashboard.envelope.model import Approval, Envelope, Impact, Kind, VersionEntry, write_stamp
from dashboard.policy.document import canonical_json
from dashboard.policy.model import Policy
from dashboard.publishing.errors import WrongState
from dashboard.publishing.stand import POLICY_ID, Entry, Head, active_of, last_seq, read_version
from dashboard.store.policy_models import PolicyEnvelopeRow, PolicyOutboxRow

# A rules service calls itself stale this long after the last envelope; the refresh comes every hour.
FRESH_FOR = timedelta(hours=3)
# A version stays in the envelope this long after a newer one took over: a rules service whose clock is behind
# must not find itself with nothing in force.
KEPT_FOR_S = 24 * 3600
# A day of many publications would otherwise make an envelope that is too large to be taken.
KEPT_MOST = 4


@dataclass(frozen=True)
class Issued:
    """An envelope that was written: its number, its digest, the version it brings and when that holds."""

    seq: int
    digest: str
    kind: Kind
    version: int
    effective_at_s: int
    expires_at_s: int | None


@dataclass(frozen=True)
class Letter:
    """What an envelope shall say. ``brings`` is the version that is new in it, ``policy`` its document."""

    kind: Kind
    entries: tuple[Entry, ...]
    brings: Entry
    policy: Policy
    change_id: str | None = None
    rollback_of: int | None = None
    approval: Approval | None = None
    impact: Impact | None = None


def issue(
    connection: Connection, letter: Letter, *, head: Head | None, key: SigningKey, at: datetime
) -> Issued:
    """Sign ``letter`` as the next envelope after ``head`` and put it into the outbox.

    Must run in the transaction of ``Database.write``, so that the number is given out once, and the envelope,
    its row of the outbox and the change that caused it stand or fall together.
    """
    now_s, seq = epoch_s(at), last_seq(connection) + 1
    if head is None and seq > 1:
        raise WrongState(
            "The first envelope was refused by the rules service, and nothing can follow it.",
            todo="Mend what the status page names, then send it again.",
            key="publishing.error.first_refused",
        )
    envelope = Envelope(
        policy_id=POLICY_ID,
        seq=seq,
        revision=f"{POLICY_ID}:{seq}",
        prev=head.digest if head else None,
        kind=letter.kind,
        rollback_of=letter.rollback_of,
        issued_at=write_stamp(now_s),
        fresh_until_s=now_s + int(FRESH_FOR.total_seconds()),
        versions=tuple(_version(connection, entry, letter) for entry in letter.entries),
        approval=letter.approval,
        impact=letter.impact,
    )
    body = sign(envelope, key)
    issued = Issued(
        seq=seq,
        digest=digest(body),
        kind=letter.kind,
        version=letter.brings.version,
        # What comes back held before; what counts here is since when it holds again.
        effective_at_s=now_s if letter.kind == "rollback" else letter.brings.effective_at_s,
        expires_at_s=letter.brings.expires_at_s,
    )
    connection.execute(
        insert(PolicyEnvelopeRow).values(
            policy_id=POLICY_ID,
            change_id=letter.change_id,
            prev=envelope.prev,
            body=body,
            document=canonical_json(letter.policy),
            entries=[[e.version, e.effective_at_s, e.expires_at_s] for e in letter.entries],
            issued_at=at.replace(microsecond=0),
            **vars(issued),
        )
    )
    connection.execute(
        insert(PolicyOutboxRow).values(
            policy_id=POLICY_ID,
            seq=seq,
            state="waiting",
            attempts=0,
            created_at=at,
            next_try_at=at,
            last_error="",
        )
    )
    return issued


def follow(entries: Sequence[Entry], *, now_s: int) -> tuple[Entry, ...]:
    """Those of ``entries`` that may still come into force, or just were, by version.

    Of the outranked ones a few of the newest stay, and the one that was in force a day ago.
    """
    over = [entry for entry in entries if _is_over(entry, entries, now_s)]
    recent = sorted((e for e in over if e.expires_at_s is None), key=lambda e: e.version)[-KEPT_MOST:]
    before = active_of((e for e in entries if e.expires_at_s is None), now_s - KEPT_FOR_S)
    long_ago = {e for e in recent if _is_over(e, entries, now_s - KEPT_FOR_S)}
    kept = {*(set(entries) - set(over)), *(set(recent) - long_ago), *([before] if before else [])}
    return tuple(sorted(kept, key=lambda e: e.version))


def _is_over(entry: Entry, entries: Sequence[Entry], now_s: int) -> bool:
    """Whether an entry ended by itself, or a lasting one of a higher version took over for good."""
    if entry.expires_at_s is not None and entry.expires_at_s <= now_s:
        return True
    return any(
        other.version > entry.version
        and other.expires_at_s is None
        and max(other.effective_at_s, entry.effective_at_s) <= now_s
        for other in entries
    )


def _version(connection: Connection, entry: Entry, letter: Letter) -> VersionEntry:
    policy = letter.policy if entry == letter.brings else read_version(connection, entry.version)
    return VersionEntry(
        version=entry.version,
        effective_at_s=entry.effective_at_s,
        expires_at_s=entry.expires_at_s,
        thresholds=policy,
    )
