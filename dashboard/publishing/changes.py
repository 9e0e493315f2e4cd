"""A change of the policy: begin it, edit it, read it, rebase it, take it back."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from dashboard.auth.rights import Right
from dashboard.policy.diff import Change as Difference
from dashboard.policy.diff import diff_policies
from dashboard.publishing.actors import Actor, Person, check_actor
from dashboard.publishing.edits import Edited, apply_edits, check_edits, draft_digest
from dashboard.publishing.errors import NotAllowed, StaleChange, WrongState
from dashboard.publishing.fields import Typed
from dashboard.publishing.merging import digest_edits, edited_path, is_in, merge_edits, tell_edits
from dashboard.publishing.model import Change, Kind, Note
from dashboard.publishing.record import (
    TABLE,
    begin_record,
    check_seen,
    get_change,
    move,
    read_notes,
    read_row,
)
from dashboard.publishing.stand import POLICY_ID, read_base, read_version
from dashboard.publishing.states import OPEN, WORKING, Act, State, find_step
from dashboard.store.policy_models import PolicyChangeRow, PolicyEnvelopeRow

__all__ = [
    "AUTHOR_RIGHTS",
    "NO_APPROVAL",
    "Rebased",
    "check_author",
    "check_base",
    "check_no_other",
    "discard",
    "edited_document",
    "get_change",
    "list_changes",
    "list_notes",
    "open_draft",
    "rebase",
    "save_edits",
    "tell_published",
]

# Which right it takes to author a change of each kind.
AUTHOR_RIGHTS: Mapping[Kind, frozenset[Right]] = {
    "normal": frozenset({"draft"}),
    "rollback": frozenset({"draft", "publish"}),
    "emergency": frozenset({"emergency"}),
}
NO_APPROVAL: Mapping[str, object] = dict.fromkeys(
    (
        "approver_id",
        "approved_by",
        "approved_at",
        "approved_digest",
        "approved_base",
        "impact_snapshot",
        "impact_digest",
    )
)


@dataclass(frozen=True)
class Rebased:
    """A change on its new base; ``conflicts`` are fields that both the change and the new base set anew."""

    change: Change
    conflicts: tuple[Difference, ...]


def open_draft(
    connection: Connection, actor: Actor, at: datetime, *, kind: Kind = "normal", reason: str = ""
) -> Change:
    """The open change of that kind of this author, or a new draft; nobody works on two.

    A suspended one comes back where there is no other, so that it is not forgotten. Raises ``NotAllowed``.
    """
    if kind == "rollback":
        raise WrongState("A rollback is not drafted.", todo="Open it with the version to go back to.")
    person = check_actor(connection, actor, rights=AUTHOR_RIGHTS[kind])
    known = list_changes(connection, states=OPEN, author_id=person.account_id, kind=kind)
    known = tuple(sorted(known, key=lambda change: change.state not in WORKING))
    return known[0] if known else begin(connection, person, at, kind=kind, reason=reason)


def begin(
    connection: Connection,
    person: Person,
    at: datetime,
    *,
    kind: Kind,
    reason: str,
    rollback_of: int | None = None,
) -> Change:
    """Write a new draft of ``person`` on the base of its kind."""
    base = read_base(connection, kind=kind, at=at)
    values = {
        "id": str(uuid.uuid4()),
        "policy_id": POLICY_ID,
        "kind": kind,
        "state": "draft",
        "row_version": 1,
        "author_id": person.account_id,
        "author": person.login,
        "editors": [person.account_id],
        "version": base.next_version if rollback_of is None else rollback_of,
        "base_version": base.policy.version,
        "base_digest": base.digest,
        "edits": {},
        "digest": None if rollback_of is None else draft_digest(read_version(connection, rollback_of)),
        "reason": reason,
        "rollback_of": rollback_of,
        "created_at": at,
        "updated_at": at,
        "updated_by": person.login,
    }
    return begin_record(connection, values, actor=person.login, at=at)


def list_changes(
    connection: Connection,
    *,
    states: Collection[State] | None = None,
    author_id: int | None = None,
    kind: Kind | None = None,
    limit: int = 100,
) -> tuple[Change, ...]:
    """The changes that match, the last touched first."""
    query = select(TABLE).where(PolicyChangeRow.policy_id == POLICY_ID)
    if states is not None:
        query = query.where(PolicyChangeRow.state.in_(sorted(states)))
    if author_id is not None:
        query = query.where(PolicyChangeRow.author_id == author_id)
    if kind is not None:
        query = query.where(PolicyChangeRow.kind == kind)
    query = query.order_by(PolicyChangeRow.updated_at.desc(), PolicyChangeRow.id).limit(limit)
    return tuple(read_row(connection, row) for row in connection.execute(query).all())


def list_notes(connection: Connection, change_id: str) -> tuple[Note, ...]:
    """What was said and done about a change, the oldest first; acts as in the dictionary, and ``open``."""
    return read_notes(connection, change_id)


def edited_document(change: Change) -> Edited:
    """The policy a change makes, or what is wrong at which field; a rollback makes the version it goes back
    to.
    """
    if change.target is not None:
        return Edited(change.target, (), change.target)
    return apply_edits(change.base, change.edits, version=change.version)


def save_edits(
    connection: Connection,
    change_id: str,
    edits: Mapping[str, Typed | None],
    row_version: int,
    actor: Actor,
    at: datetime,
) -> Change:
    """Keep what was typed; None takes an edit back, an empty text states that a field has no value.

    Wrong values are kept too and named by ``edited_document``. An edit that changes something clears an
    approval. Saving what is already there changes nothing, not even ``row_version``. Raises ``StaleChange``,
    ``NotAllowed``, ``WrongState``, and ``InputError`` for what is no edit of a policy.
    """
    change = get_change(connection, change_id)
    person = check_author(connection, change, actor, "edit", row_version=row_version)
    if change.kind == "rollback":
        raise WrongState(
            "A rollback cannot be edited.",
            todo="Open a draft instead.",
            key="publishing.error.rollback_edit",
        )
    merged = merge_edits(change, check_edits(edits, change.base))
    if merged == dict(change.edits) and all(type(merged[p]) is type(change.edits[p]) for p in merged):
        return change
    return move(
        connection,
        change,
        "edit",
        actor=person.login,
        at=at,
        text=tell_edits(change.edits, merged),
        values={
            "edits": merged,
            "digest": digest_edits(change, merged),
            "editors": sorted({*change.editors, person.account_id}),
            **NO_APPROVAL,
        },
        detail={
            "fields": sorted(p for p in {*merged, *change.edits} if merged.get(p) != change.edits.get(p))
        },
    )


def rebase(connection: Connection, change_id: str, row_version: int, actor: Actor, at: datetime) -> Rebased:
    """Put the edits of a change on what is published now; it is a draft again and needs a new review."""
    change = get_change(connection, change_id)
    person = check_author(connection, change, actor, "rebase", row_version=row_version)
    if change.state == "suspended":
        check_no_other(connection, change)
    base = read_base(connection, kind=change.kind, at=at)
    moved = diff_policies(change.base, base.policy)
    conflicts = tuple(d for d in moved if edited_path(d.path) in change.edits)
    kept = {p: v for p, v in change.edits.items() if not is_in(base.policy, p, v)}
    version = change.version if change.kind == "rollback" else base.next_version
    policy = change.target or apply_edits(base.policy, kept, version=version).policy
    renewed = move(
        connection,
        change,
        "rebase",
        actor=person.login,
        at=at,
        text=", ".join(f"{d.path}: {d.before} -> {d.after}" for d in conflicts)[:2000],
        values={
            "base_version": base.policy.version,
            "base_digest": base.digest,
            "version": version,
            "edits": kept,
            "digest": None if policy is None else draft_digest(policy),
            **NO_APPROVAL,
        },
        detail={"base_version": base.policy.version, "conflicts": len(conflicts)},
    )
    return Rebased(renewed, conflicts)


def discard(
    connection: Connection, change_id: str, row_version: int, actor: Actor, at: datetime, *, reason: str = ""
) -> Change:
    """Give a change up; its author only."""
    change = get_change(connection, change_id)
    person = check_author(connection, change, actor, "discard", row_version=row_version)
    return move(connection, change, "discard", actor=person.login, at=at, text=reason)


def check_author(
    connection: Connection, change: Change, actor: Actor, act: Act, *, row_version: int
) -> Person:
    """The person behind ``actor``, who may do ``act`` on what was seen as an author.

    Raises ``NotAllowed`` first, since nobody else is told anything, then ``StaleChange``, ``WrongState``.

    Any policy editor may edit and rebase a normal draft, and is then one of its editors who cannot approve
    it; everything else only its author does.
    """
    person = check_actor(connection, actor, rights=AUTHOR_RIGHTS[change.kind])
    shared = change.kind == "normal" and act in ("edit", "rebase")
    if person.account_id != change.author_id and not shared:
        raise NotAllowed(
            f"Only {change.author} can do that to this change.",
            todo="Ask its author, or open a change of your own.",
            key="publishing.error.not_author",
            author=change.author,
        )
    check_seen(connection, change, row_version)
    find_step(change.state, act)
    return person


def check_no_other(connection: Connection, change: Change) -> None:
    """Raise ``WrongState`` where the author of ``change`` works on another one of its kind."""
    if list_changes(connection, states=WORKING, author_id=change.author_id, kind=change.kind):
        raise WrongState(
            f"{change.author} has another open change.",
            todo="Finish or discard it first.",
            key="publishing.error.second_draft",
        )


def check_base(connection: Connection, change: Change, at: datetime) -> None:
    """Raise ``StaleChange`` where something was published since the change was begun or rebased.

    An emergency also starts from what is in force at this moment: a schedule may have come due meanwhile.
    """
    base = read_base(connection, kind=change.kind, at=at)
    if base.digest == change.base_digest and base.policy.version == change.base.version:
        return
    raise StaleChange(
        f"The policy moved on since this change was begun: it starts from version {change.base.version}, "
        f"now it would start from version {base.policy.version}.",
        todo="Rebase the change, look at it again, and ask for review.",
        key="publishing.error.head_moved",
        since=tell_published(connection, change),
        base=change.base.version,
        now=base.policy.version,
    )


def tell_published(connection: Connection, change: Change) -> tuple[str, ...]:
    """One sentence for each envelope that was published since the base of ``change``."""
    after = (
        select(PolicyEnvelopeRow.seq).where(PolicyEnvelopeRow.digest == change.base_digest).scalar_subquery()
    )
    query = (
        select(
            PolicyEnvelopeRow.seq,
            PolicyEnvelopeRow.kind,
            PolicyEnvelopeRow.version,
            PolicyEnvelopeRow.issued_at,
        )
        .where(PolicyEnvelopeRow.policy_id == POLICY_ID, PolicyEnvelopeRow.kind != "refresh")
        .where(PolicyEnvelopeRow.seq > func.coalesce(after, 0))
        .order_by(PolicyEnvelopeRow.seq)
    )
    return tuple(
        f"{row.issued_at:%Y-%m-%d %H:%M:%S} {row.kind}: version {row.version} (seq {row.seq})"
        for row in connection.execute(query)
    )
