"""Break-glass: publish at once without a second person, for a day at most, seen by everybody it passed by."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, insert, select, update

from dashboard.auth.rights import ROLE_RIGHTS
from dashboard.clock import epoch_s
from dashboard.envelope.keys import SigningKey
from dashboard.envelope.model import Approval
from dashboard.errors import InputError
from dashboard.publishing.actors import Actor, Person, check_actor, check_other
from dashboard.publishing.changes import check_author, check_base, edited_document, list_changes
from dashboard.publishing.edits import draft_digest
from dashboard.publishing.errors import InvalidDraft, NotAllowed, WrongState
from dashboard.publishing.issue import Letter, follow
from dashboard.publishing.model import Change
from dashboard.publishing.publish import Published, check_published, release
from dashboard.publishing.record import get_change, move
from dashboard.publishing.review import check_complete, check_text
from dashboard.publishing.stand import Entry, read_head
from dashboard.publishing.states import RIGHT_OF
from dashboard.store.audit import append_audit
from dashboard.store.models import AccountRow
from dashboard.store.policy_models import PolicyAlertRow, PolicyChangeRow

FRESH_SIGN_IN = timedelta(minutes=15)
LONGEST = timedelta(hours=24)
SHORTEST = timedelta(minutes=15)
REVIEW_WITHIN = timedelta(hours=24)
REASON_LEAST = 20


@dataclass(frozen=True)
class Told:
    """A message to one person that is open until it is read."""

    id: int
    at: datetime
    kind: str
    detail: str


def publish_emergency(
    connection: Connection,
    change_id: str,
    row_version: int,
    actor: Actor,
    at: datetime,
    *,
    key: SigningKey,
    reason: str,
    lasts: timedelta,
    signed_in_at: datetime,
) -> Published:
    """Publish an emergency draft of one's own, in force at once and for ``lasts``, 24 hours at most.

    Needs the right ``emergency``, a sign-in within 15 minutes, a reason of 20 characters, and no overdue
    review of an earlier emergency. The end stands in the signed text: the rules service goes back by itself.
    Every other commander is told, and one of them reviews it within 24 hours. Raises ``NotAllowed``,
    ``StaleChange``, ``InputError``, ``InvalidDraft``, ``WrongState``.
    """
    change = get_change(connection, change_id)
    person = check_author(connection, change, actor, "emergency", row_version=row_version)
    if change.kind != "emergency":
        raise WrongState(
            "Only an emergency draft can be published without a second person.",
            todo="Open an emergency draft, or ask for review.",
            key="publishing.error.no_emergency",
        )
    check_fresh(signed_in_at, at)
    said = check_text(reason, least=REASON_LEAST)
    if not SHORTEST <= lasts <= LONGEST:
        raise InputError(
            f"An emergency cannot last {lasts}.",
            todo="Choose 15 minutes to 24 hours.",
            key="publishing.error.lasts",
        )
    check_reviews(connection, at)
    check_complete(change)
    check_base(connection, change, at)
    head = check_published(read_head(connection))
    edited = edited_document(change)
    if edited.policy is None:
        raise InvalidDraft(edited.problems)
    now_s = epoch_s(at)
    brings = Entry(change.version, now_s, now_s + int(lasts.total_seconds()))
    letter = Letter(
        kind="emergency",
        entries=follow((*head.entries, brings), now_s=now_s),
        brings=brings,
        policy=edited.policy.model_copy(update={"effective_from": at.date()}),
        change_id=change.id,
        approval=Approval(
            change_id=change.id,
            drafted_by=change.author,
            approved_by=(),
            draft_digest=draft_digest(edited.policy),
            reason=said,
        ),
    )
    published = release(
        connection,
        change,
        letter,
        head=head,
        key=key,
        person=person,
        at=at,
        act="emergency",
        text=said,
        values={"reason": said, "review_due_at": at + REVIEW_WITHIN},
    )
    tell_skipped(connection, published.change, person, at)
    return published


def check_fresh(signed_in_at: datetime, at: datetime) -> None:
    """Raise ``NotAllowed`` unless the session began less than 15 minutes ago."""
    if not timedelta(0) <= at - signed_in_at < FRESH_SIGN_IN:
        raise NotAllowed(
            "An emergency needs a fresh sign-in.",
            todo="Sign out, sign in again, and publish within 15 minutes.",
            key="publishing.error.not_fresh",
        )


def check_reviews(connection: Connection, at: datetime) -> None:
    """Raise ``WrongState`` while the review of an earlier emergency is overdue."""
    for change in list_due_reviews(connection):
        if change.review_overdue(at):
            raise WrongState(
                f"The review of the emergency of {change.author} (version {change.version}) is overdue since "
                f"{change.review_due_at:%Y-%m-%d %H:%M}.",
                todo="Let another commander review it first.",
                key="publishing.error.review_overdue",
                version=change.version,
                author=change.author,
            )


def list_due_reviews(connection: Connection) -> tuple[Change, ...]:
    """The emergencies that nobody reviewed yet, overdue or not, the last touched first."""
    query = select(PolicyChangeRow.id).where(
        PolicyChangeRow.review_due_at.is_not(None), PolicyChangeRow.reviewed_at.is_(None)
    )
    ids = set(connection.execute(query).scalars())
    return tuple(c for c in list_changes(connection, kind="emergency", limit=1000) if c.id in ids)


def review_emergency(
    connection: Connection, change_id: str, actor: Actor, at: datetime, *, text: str
) -> Change:
    """Write down what a second commander found when looking at an emergency afterwards."""
    change = get_change(connection, change_id)
    person = check_actor(connection, actor, rights=RIGHT_OF["review"])
    check_other(connection, person, than=(change.author_id, *change.editors), act="review")
    if change.review_due_at is None or change.reviewed_at is not None:
        raise WrongState(
            "Nothing is to be reviewed here.",
            todo="It was reviewed already, or it was no emergency.",
            key="publishing.error.no_review",
        )
    said = check_text(text, least=1)
    return move(
        connection,
        change,
        "review",
        actor=person.login,
        at=at,
        text=said,
        values={"reviewed_by": person.login, "reviewed_at": at},
    )


def tell_skipped(connection: Connection, change: Change, author: Person, at: datetime) -> None:
    """Leave a message for everybody who may approve and was not asked."""
    roles = [role for role, rights in ROLE_RIGHTS.items() if rights & RIGHT_OF["approve"]]
    skipped = select(AccountRow.id).where(
        AccountRow.role.in_(roles), AccountRow.disabled_at.is_(None), AccountRow.id != author.account_id
    )
    for account_id in connection.execute(skipped).scalars().all():
        connection.execute(
            insert(PolicyAlertRow).values(
                key=f"emergency:{change.id}:{account_id}",
                at=at,
                kind="emergency",
                detail=f"{change.author}: {change.reason}"[:2000],
                account_id=account_id,
            )
        )


def list_told(connection: Connection, actor: Actor) -> tuple[Told, ...]:
    """The open messages to this person, the newest first."""
    query = (
        select(PolicyAlertRow.id, PolicyAlertRow.at, PolicyAlertRow.kind, PolicyAlertRow.detail)
        .where(PolicyAlertRow.account_id == actor.account_id, PolicyAlertRow.ended_at.is_(None))
        .order_by(PolicyAlertRow.at.desc(), PolicyAlertRow.id.desc())
    )
    return tuple(Told(*row) for row in connection.execute(query))


def note_read(connection: Connection, alert_id: int, actor: Actor, at: datetime) -> None:
    """Close a message that was read; only by the person it is for. Raises ``NotAllowed``."""
    done = connection.execute(
        update(PolicyAlertRow)
        .where(
            PolicyAlertRow.id == alert_id,
            PolicyAlertRow.account_id == actor.account_id,
            PolicyAlertRow.ended_at.is_(None),
        )
        .values(ended_at=at)
    )
    if done.rowcount != 1:
        raise NotAllowed(
            "This message is not yours, or was read already.",
            todo="Read the page again.",
            key="publishing.error.not_yours",
        )
    append_audit(
        connection, at=at, actor=actor.login, action="policy_alert_read", target=f"policy_alert:{alert_id}"
    )
