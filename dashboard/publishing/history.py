"""What was published and what was in force when: envelopes, spells, marks for time charts, comparisons."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise

from sqlalchemy import Connection, select

from dashboard.clock import epoch_s, from_epoch_s
from dashboard.policy.diff import Change as Difference
from dashboard.policy.diff import diff_policies
from dashboard.publishing.stand import POLICY_ID, Entry, active_of, read_entries, read_version
from dashboard.store.policy_models import PolicyChangeRow, PolicyEnvelopeRow, PolicyOutboxRow


@dataclass(frozen=True)
class EnvelopeInfo:
    """One envelope, who stands behind it, how far it got; ``delivery`` is the state of its outbox row."""

    seq: int
    kind: str
    version: int
    digest: str
    prev: str | None
    issued_at: datetime
    effective_at: datetime
    expires_at: datetime | None
    change_id: str | None
    drafted_by: str | None
    approved_by: str | None
    reason: str | None
    delivery: str
    last_error: str
    accepted_at: datetime | None
    active_at: datetime | None
    verified_at: datetime | None


@dataclass(frozen=True)
class Spell:
    """A time in which one version was in force by what was published; ``until`` is exclusive, None is open.

    ``kind`` is that of the envelope that brought it: normal, rollback, emergency; ``end`` where an emergency
    ended and what it covered came back.
    """

    version: int
    seq: int
    kind: str
    since: datetime
    until: datetime | None


@dataclass(frozen=True)
class Mark:
    """A moment at which the version in force changed, for a line in a time chart."""

    at: datetime
    version: int
    before: int | None
    kind: str


def list_envelopes(
    connection: Connection, *, refreshes: bool = False, limit: int = 200
) -> tuple[EnvelopeInfo, ...]:
    """The envelopes, the newest first; hourly refreshes only where asked for."""
    query = (
        select(
            PolicyEnvelopeRow.seq,
            PolicyEnvelopeRow.kind,
            PolicyEnvelopeRow.version,
            PolicyEnvelopeRow.digest,
            PolicyEnvelopeRow.prev,
            PolicyEnvelopeRow.issued_at,
            PolicyEnvelopeRow.effective_at_s,
            PolicyEnvelopeRow.expires_at_s,
            PolicyEnvelopeRow.change_id,
            PolicyChangeRow.author,
            PolicyChangeRow.approved_by,
            PolicyChangeRow.reason,
            PolicyOutboxRow.state,
            PolicyOutboxRow.last_error,
            PolicyOutboxRow.accepted_at,
            PolicyOutboxRow.active_at,
            PolicyOutboxRow.verified_at,
        )
        .join(
            PolicyOutboxRow,
            (PolicyOutboxRow.policy_id == PolicyEnvelopeRow.policy_id)
            & (PolicyOutboxRow.seq == PolicyEnvelopeRow.seq),
        )
        .outerjoin(PolicyChangeRow, PolicyChangeRow.id == PolicyEnvelopeRow.change_id)
        .where(PolicyEnvelopeRow.policy_id == POLICY_ID)
        .order_by(PolicyEnvelopeRow.seq.desc())
        .limit(limit)
    )
    if not refreshes:
        query = query.where(PolicyEnvelopeRow.kind != "refresh")
    return tuple(
        EnvelopeInfo(
            seq=row.seq,
            kind=row.kind,
            version=row.version,
            digest=row.digest,
            prev=row.prev,
            issued_at=row.issued_at,
            effective_at=from_epoch_s(row.effective_at_s),
            expires_at=None if row.expires_at_s is None else from_epoch_s(row.expires_at_s),
            change_id=row.change_id,
            drafted_by=row.author,
            approved_by=row.approved_by,
            reason=row.reason,
            delivery=row.state,
            last_error=row.last_error,
            accepted_at=row.accepted_at,
            active_at=row.active_at,
            verified_at=row.verified_at,
        )
        for row in connection.execute(query)
    )


def compare_versions(connection: Connection, before: int, after: int) -> tuple[Difference, ...]:
    """What differs between two published versions; raises ``PolicyError`` for an unknown one."""
    return diff_policies(read_version(connection, before), read_version(connection, after))


def list_spells(connection: Connection, at: datetime) -> tuple[Spell, ...]:
    """Which version was in force when, by what was published up to ``at``, and what is scheduled after it.

    Reckoned from the envelopes, not from what the rules service reported: it may have taken over a little
    later.
    """
    query = (
        select(
            PolicyEnvelopeRow.seq,
            PolicyEnvelopeRow.kind,
            PolicyEnvelopeRow.issued_at,
            PolicyEnvelopeRow.entries,
        )
        .join(
            PolicyOutboxRow,
            (PolicyOutboxRow.policy_id == PolicyEnvelopeRow.policy_id)
            & (PolicyOutboxRow.seq == PolicyEnvelopeRow.seq),
        )
        .where(PolicyEnvelopeRow.policy_id == POLICY_ID, PolicyOutboxRow.state != "blocked")
        .where(PolicyEnvelopeRow.kind != "refresh", PolicyEnvelopeRow.issued_at <= at)
        .order_by(PolicyEnvelopeRow.seq)
    )
    envelopes = [
        (
            row.seq,
            row.kind,
            epoch_s(row.issued_at),
            read_entries(row.entries),
        )
        for row in connection.execute(query)
    ]
    if not envelopes:
        return ()
    ends = [begin for _, _, begin, _ in envelopes[1:]]
    switches: list[tuple[int, Entry, int, str]] = []
    for (seq, kind, begin, entries), end in zip(envelopes, [*ends, None], strict=True):
        first = not switches
        moments = {begin, *(e.effective_at_s for e in entries), *(e.expires_at_s or 0 for e in entries)}
        within = sorted(m for m in moments if (first or m >= begin) and (end is None or m < end))
        switches += [(m, e, seq, kind) for m in within if (e := active_of(entries, m)) is not None]
    return _spells(switches)


def _spells(switches: list[tuple[int, Entry, int, str]]) -> tuple[Spell, ...]:
    changes: list[Spell] = []
    for moment, entry, seq, kind in switches:
        if changes and changes[-1].version == entry.version:
            continue
        came_back = bool(changes) and kind == "emergency" and entry.expires_at_s is None
        changes.append(Spell(entry.version, seq, "end" if came_back else kind, from_epoch_s(moment), None))
    closed = [
        Spell(one.version, one.seq, one.kind, one.since, after.since) for one, after in pairwise(changes)
    ]
    return (*closed, *changes[-1:])


def list_marks(connection: Connection, first: date, last: date, *, at: datetime) -> tuple[Mark, ...]:
    """The moments from ``first`` to ``last`` (both days included) at which the version in force changed."""
    begin = datetime.combine(first, datetime.min.time())
    end = datetime.combine(last, datetime.min.time()) + timedelta(days=1)
    spells = list_spells(connection, at)
    befores = [None, *(spell.version for spell in spells)]
    return tuple(
        Mark(spell.since, spell.version, before, spell.kind)
        for before, spell in zip(befores, spells, strict=False)
        if begin <= spell.since < end
    )
