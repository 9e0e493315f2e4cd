"""Review of a change by a second person: ask, comment, approve or decline."""

from __future__ import annotations

import re
from datetime import datetime

from sqlalchemy import Connection

from dashboard.errors import InputError
from dashboard.publishing.actors import Actor, Person, check_actor, check_other
from dashboard.publishing.changes import (
    NO_APPROVAL,
    check_author,
    check_base,
    check_no_other,
    edited_document,
)
from dashboard.publishing.errors import InvalidDraft, StaleChange, WrongState
from dashboard.publishing.fields import is_plain
from dashboard.publishing.model import Change
from dashboard.publishing.record import add_comment, check_seen, get_change, move
from dashboard.publishing.states import RIGHT_OF, Act, find_step

COMMENT_LONGEST = 2000
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def ask_review(
    connection: Connection, change_id: str, row_version: int, actor: Actor, at: datetime, *, reason: str
) -> Change:
    """Hand a complete draft to the commanders, with the reason they and the signed text will read.

    Raises ``InvalidDraft`` naming every field that is not right, ``StaleChange`` where the change or the
    policy moved on, ``WrongState`` for a draft that changes nothing.
    """
    change = get_change(connection, change_id)
    person = check_author(connection, change, actor, "ask_review", row_version=row_version)
    if change.kind == "emergency":
        raise WrongState(
            "An emergency is published by its author and reviewed afterwards.",
            todo="Publish it, or open a normal draft.",
            key="publishing.error.emergency_review",
        )
    check_complete(change)
    check_base(connection, change, at)
    said = check_text(reason, least=1)
    return move(
        connection, change, "ask_review", actor=person.login, at=at, text=said, values={"reason": said}
    )


def withdraw(
    connection: Connection, change_id: str, row_version: int, actor: Actor, at: datetime, *, reason: str = ""
) -> Change:
    """Take a change back from review; its author only."""
    change = get_change(connection, change_id)
    person = check_author(connection, change, actor, "withdraw", row_version=row_version)
    return move(
        connection,
        change,
        "withdraw",
        actor=person.login,
        at=at,
        text=check_text(reason, least=0),
        values=NO_APPROVAL,
    )


def comment(connection: Connection, change_id: str, text: str, actor: Actor, at: datetime) -> Change:
    """Say something about a change; moves no ``row_version``, so that nobody's work is stale."""
    change = get_change(connection, change_id)
    step = find_step(change.state, "comment")
    person = check_actor(connection, actor, rights=step.rights)
    return add_comment(connection, change, check_text(text, least=1), person, at)


def approve(
    connection: Connection,
    change_id: str,
    row_version: int,
    actor: Actor,
    at: datetime,
    *,
    draft_digest: str,
    impact_snapshot: str,
    impact_digest: str,
    reason: str = "",
) -> Change:
    """Approve exactly this draft, as a person who has no part in it, on the impact that was shown.

    ``draft_digest`` is the ``digest`` of the change the approver looked at; ``impact_snapshot`` and
    ``impact_digest`` name the preview that was shown. Raises ``StaleChange``, ``NotAllowed``,
    ``InvalidDraft``.
    """
    change = get_change(connection, change_id)
    person = check_reviewer(connection, change, actor, "approve", row_version=row_version)
    check_complete(change)
    check_base(connection, change, at)
    if draft_digest != change.digest:
        raise StaleChange(
            "The draft is not the one you looked at.",
            todo="Read it again, with its impact, then decide.",
            key="publishing.error.other_draft",
        )
    if not impact_snapshot or not DIGEST.fullmatch(impact_digest):
        raise WrongState(
            "A change is approved on its impact, and none was shown.",
            todo="Open the impact preview of this draft, then decide.",
            key="publishing.error.no_impact",
        )
    return move(
        connection,
        change,
        "approve",
        actor=person.login,
        at=at,
        text=check_text(reason, least=0),
        values={
            "approver_id": person.account_id,
            "approved_by": person.login,
            "approved_at": at,
            "approved_digest": change.digest,
            "approved_base": change.base_digest,
            "impact_snapshot": impact_snapshot[:64],
            "impact_digest": impact_digest,
        },
        detail={
            "draft_digest": change.digest,
            "snapshot": impact_snapshot[:64],
            "impact": impact_digest,
        },
    )


def decline(
    connection: Connection, change_id: str, row_version: int, actor: Actor, at: datetime, *, reason: str
) -> Change:
    """Decline a change and say why; the author may open it again and change it."""
    change = get_change(connection, change_id)
    person = check_reviewer(connection, change, actor, "decline", row_version=row_version)
    said = check_text(reason, least=1)
    return move(connection, change, "decline", actor=person.login, at=at, text=said, values=NO_APPROVAL)


def reopen(connection: Connection, change_id: str, row_version: int, actor: Actor, at: datetime) -> Change:
    """Make a declined change a draft again; not while its author has another open one."""
    change = get_change(connection, change_id)
    person = check_author(connection, change, actor, "reopen", row_version=row_version)
    check_no_other(connection, change)
    return move(connection, change, "reopen", actor=person.login, at=at)


def check_complete(change: Change) -> None:
    """Raise ``InvalidDraft`` for a document that is no policy, ``WrongState`` where nothing changes."""
    problems = edited_document(change).problems
    if problems:
        raise InvalidDraft(problems)
    if not change.edits and change.kind != "rollback":
        raise WrongState(
            "The draft changes nothing.", todo="Edit a field first.", key="publishing.error.no_edit"
        )


def check_text(text: str, *, least: int) -> str:
    """A reason or a comment without outer spaces; raises ``InputError`` for one too short, too long, or no
    text.
    """
    said = text.strip()
    if len(said) < least:
        raise InputError(
            f"This text has {len(said)} characters and needs {least}.",
            todo="Say why, for those who read it later.",
            key="publishing.error.text_short",
            least=least,
        )
    if len(said) > COMMENT_LONGEST or not is_plain(said):
        raise InputError(
            f"This text cannot be kept: at most {COMMENT_LONGEST} characters, no markup.",
            todo="Shorten it, and leave out < before a letter.",
            key="publishing.error.text_unusable",
            most=COMMENT_LONGEST,
        )
    return said


def check_reviewer(
    connection: Connection, change: Change, actor: Actor, act: Act, *, row_version: int
) -> Person:
    """The person behind ``actor``, who may do ``act`` on what was seen and has no part in the change.

    Raises ``NotAllowed``, ``StaleChange``, ``WrongState``.
    """
    person = check_actor(connection, actor, rights=RIGHT_OF[act])
    check_other(connection, person, than=(change.author_id, *change.editors), act=act)
    check_seen(connection, change, row_version)
    find_step(change.state, act)
    return person
