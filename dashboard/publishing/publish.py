"""Publishing: the one transaction that turns an approved change into a signed envelope on its way.

Everything that was checked on the way here is checked again inside it, against the store as it is at that
moment: the row version, the base, the digest that was approved, both persons and what they may do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import Connection, select

from dashboard.clock import epoch_s, from_epoch_s
from dashboard.envelope.keys import SigningKey
from dashboard.envelope.model import Approval, Impact, write_stamp
from dashboard.policy.model import Policy
from dashboard.policy.store import load_baseline
from dashboard.publishing.actors import Actor, Person, check_other, read_person
from dashboard.publishing.changes import check_base, edited_document, list_changes
from dashboard.publishing.edits import draft_digest
from dashboard.publishing.errors import NotAllowed, StaleChange, WrongState
from dashboard.publishing.issue import Issued, Letter, follow, issue
from dashboard.publishing.model import Change
from dashboard.publishing.record import SYSTEM, get_change, move
from dashboard.publishing.review import check_complete, check_reviewer
from dashboard.publishing.stand import POLICY_ID, Entry, Head, read_head, read_version
from dashboard.publishing.states import RIGHT_OF, State
from dashboard.store.audit import append_audit
from dashboard.store.policy_models import PolicyOutboxRow

LONGEST_AHEAD = timedelta(days=366)
MOST_SCHEDULED = 32
REFRESH_EVERY = timedelta(hours=1)
CLOCKS_DIFFER_S = 24 * 3600


@dataclass(frozen=True)
class Published:
    """What was published: the envelope and the change behind it."""

    issued: Issued
    change: Change


def publish(
    connection: Connection,
    change_id: str,
    row_version: int,
    actor: Actor,
    at: datetime,
    *,
    key: SigningKey,
    effective_at: datetime | None = None,
) -> Published:
    """Publish an approved change or rollback, to take effect at once or at ``effective_at``.

    The envelope leaves at once in both cases: the rules service keeps a scheduled version and switches by
    itself. Needs ``Database.write``. Raises ``NotAllowed`` (rights, an own change, an approver who may not
    approve any more), ``StaleChange`` (the change or the policy moved on), ``InvalidDraft``, ``WrongState``.
    """
    change = get_change(connection, change_id)
    person = check_reviewer(connection, change, actor, "publish", row_version=row_version)
    check_approval(connection, change)
    check_complete(change)
    check_base(connection, change, at)
    head = check_published(read_head(connection))
    policy = check_approved_document(change)
    if change.kind == "rollback":
        if effective_at is not None:
            raise WrongState(
                "A rollback takes effect at once.",
                todo="Publish it without a time.",
                key="publishing.error.rollback_time",
            )
        entries, brings = _roll_back(change, head, at)
    else:
        brings = Entry(change.version, epoch_s(check_time(head, effective_at, at)), None)
        entries = follow((*head.entries, brings), now_s=epoch_s(at))
        # The day stands in the document too; it is the one part that an approval does not bind.
        policy = policy.model_copy(update={"effective_from": brings.effective_at.date()})
    letter = Letter(
        kind="rollback" if change.kind == "rollback" else "normal",
        entries=entries,
        brings=brings,
        policy=policy,
        change_id=change.id,
        rollback_of=change.rollback_of,
        approval=Approval(
            change_id=change.id,
            drafted_by=change.author,
            approved_by=(change.approved_by or "",),
            approved_at=write_stamp(epoch_s(change.approved_at or at)),
            draft_digest=draft_digest(policy),
            reason=change.reason,
        ),
        impact=Impact(snapshot_id=change.impact_snapshot or "", digest=change.impact_digest or ""),
    )
    return release(connection, change, letter, head=head, key=key, person=person, at=at)


def release(
    connection: Connection,
    change: Change,
    letter: Letter,
    *,
    head: Head,
    key: SigningKey,
    person: Person,
    at: datetime,
    act: Literal["publish", "emergency"] = "publish",
    text: str = "",
    values: Mapping[str, object] | None = None,
) -> Published:
    """Issue ``letter`` for ``change`` and move on every change that this one overtakes."""
    issued = issue(connection, letter, head=head, key=key, at=at)
    effective_at = from_epoch_s(issued.effective_at_s)
    done = move(
        connection,
        change,
        act,
        actor=person.login,
        at=at,
        text=text,
        values={"effective_at": effective_at, "expires_at": letter.brings.expires_at, **(values or {})},
        detail={
            "seq": issued.seq,
            "digest": issued.digest,
            "version": issued.version,
            "draft_digest": change.digest,
            "effective_at": effective_at.isoformat(),
        },
    )
    suspend_overtaken(connection, done, letter, head=head, at=at)
    return Published(issued, done)


def suspend_overtaken(
    connection: Connection, done: Change, letter: Letter, *, head: Head, at: datetime
) -> None:
    """Suspend what is in review, approved or was refused, and schedules that were taken back."""
    why = f"version {letter.brings.version} was published by {done.author} ({letter.kind})"
    decided: tuple[State, ...] = ("in_review", "approved", "publish_blocked")
    for change in list_changes(connection, states=decided, limit=1000):
        move(connection, change, "suspend", actor=SYSTEM, at=at, text=why)
    kept = {entry.version for entry in letter.entries}
    gone = {entry.version for entry in head.pending(epoch_s(at)) if entry.version not in kept}
    on_the_way: tuple[State, ...] = ("publishing",)
    for change in list_changes(connection, states=on_the_way, limit=1000):
        if change.version in gone and change.id != done.id:
            move(connection, change, "suspend", actor=SYSTEM, at=at, text=why)


def check_approval(connection: Connection, change: Change) -> None:
    """Raise unless the approval is of this draft and its giver may still give it, as a second person."""
    if not change.is_approved or change.approver_id is None:
        raise StaleChange(
            "The approval is not of the draft as it is now.",
            todo="Ask for review again.",
            key="publishing.error.not_approved",
        )
    approver = read_person(connection, change.approver_id)
    if approver is None or not approver.holds(RIGHT_OF["approve"]):
        raise NotAllowed(
            f"{change.approved_by}, who approved this change, does not hold the right to approve any more.",
            todo="Let another commander approve it.",
            key="publishing.error.approver_gone",
            login=change.approved_by,
        )
    check_other(connection, approver, than=(change.author_id, *change.editors), act="approve")


def check_approved_document(change: Change) -> Policy:
    """The document of an approved change; raises ``StaleChange`` where it is not what the digest says."""
    policy = edited_document(change).policy
    if policy is None or draft_digest(policy) != change.approved_digest:
        raise StaleChange(
            "The draft does not make the document that was approved.",
            todo="Ask for review again.",
            key="publishing.error.not_approved",
        )
    return policy


def check_published(head: Head | None) -> Head:
    """The head; raises ``WrongState`` where nothing was published that a version could follow."""
    if head is None:
        raise WrongState(
            "No policy was published yet.",
            todo="Publish the baseline first: tianfu policy install-baseline",
            key="publishing.error.no_baseline",
        )
    return head


def check_time(head: Head, effective_at: datetime | None, at: datetime) -> datetime:
    """When a version takes effect; raises ``WrongState`` for a time gone by, too far, or before a scheduled
    one.
    """
    pending = head.pending(epoch_s(at))
    moment = at if effective_at is None else effective_at
    if moment < at or moment - at > LONGEST_AHEAD:
        raise WrongState(
            f"{moment:%Y-%m-%d %H:%M} cannot be the time to take effect.",
            todo=f"Choose one from now on, within {LONGEST_AHEAD.days} days.",
            key="publishing.error.time",
            most=LONGEST_AHEAD.days,
        )
    if len(pending) >= MOST_SCHEDULED:
        raise WrongState(
            f"{len(pending)} versions are scheduled already.",
            todo="Wait until some took effect, or take them back.",
            key="publishing.error.many_scheduled",
            most=MOST_SCHEDULED,
        )
    if pending and epoch_s(moment) < pending[-1].effective_at_s:
        # A new version contains the newest one: earlier than that it would bring scheduled values early.
        last = pending[-1]
        raise WrongState(
            f"Version {last.version} is scheduled for {last.effective_at:%Y-%m-%d %H:%M}, and this change "
            "contains it.",
            todo="Take effect then or later, or take the schedule back by a rollback to what is in force.",
            key="publishing.error.before_schedule",
            version=last.version,
            at=f"{last.effective_at:%Y-%m-%d %H:%M}",
        )
    return moment


def _roll_back(change: Change, head: Head, at: datetime) -> tuple[tuple[Entry, ...], Entry]:
    """The one entry of a rollback: what it goes back to, and nothing else; so schedules end with it."""
    version = change.rollback_of or 0
    # Since before now: also a rules service whose clock is behind has something in force at once.
    known = [entry.effective_at_s for entry in head.entries if entry.version == version]
    back = Entry(version, min([*known, epoch_s(at) - CLOCKS_DIFFER_S]), None)
    return (back,), back


def install_baseline(
    connection: Connection, key: SigningKey, at: datetime, *, actor: str = SYSTEM
) -> Issued | None:
    """Publish the packaged baseline as the first envelope; None where something was published already.

    It carries no approval: it is the state the software is delivered in, and the first thing that is changed
    by two people.
    """
    if read_head(connection) is not None:
        return None
    policy = load_baseline()
    since = datetime.combine(policy.effective_from, datetime.min.time())
    brings = Entry(policy.version, epoch_s(min(since, at)), None)
    letter = Letter(kind="normal", entries=(brings,), brings=brings, policy=policy)
    issued = issue(connection, letter, head=None, key=key, at=at)
    append_audit(
        connection,
        at=at,
        actor=actor,
        action="policy_baseline",
        target=f"policy:{POLICY_ID}",
        detail={"seq": issued.seq, "digest": issued.digest, "version": issued.version},
    )
    return issued


def issue_refresh(connection: Connection, key: SigningKey, at: datetime) -> Issued | None:
    """Sign what is published once more, so that the rules service knows it is not forgotten; None when not
    due.

    Due an hour after the last envelope, and only while none is on its way or waits for a person.
    """
    head = read_head(connection)
    if head is None or at - head.issued_at < REFRESH_EVERY:
        return None
    waiting = select(PolicyOutboxRow.seq).where(
        PolicyOutboxRow.policy_id == POLICY_ID, PolicyOutboxRow.state.in_(("waiting", "foreign"))
    )
    if connection.execute(waiting.limit(1)).scalar() is not None:
        return None
    entries = follow(head.entries, now_s=epoch_s(at))
    brings = next((entry for entry in entries if entry.version == head.version), entries[-1])
    letter = Letter(
        kind="refresh",
        entries=entries,
        brings=brings,
        policy=read_version(connection, brings.version),
    )
    issued = issue(connection, letter, head=head, key=key, at=at)
    append_audit(
        connection,
        at=at,
        actor=SYSTEM,
        action="policy_refresh",
        target=f"policy:{POLICY_ID}",
        detail={"seq": issued.seq, "digest": issued.digest, "version": issued.version},
    )
    return issued
