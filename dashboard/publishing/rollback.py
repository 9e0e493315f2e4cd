"""Going back to an earlier version: a change of its own, which a second person approves and publishes."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from dashboard.clock import epoch_s
from dashboard.publishing.actors import Actor, check_actor
from dashboard.publishing.changes import AUTHOR_RIGHTS, begin, list_changes
from dashboard.publishing.errors import WrongState
from dashboard.publishing.history import list_spells
from dashboard.publishing.model import Change
from dashboard.publishing.publish import check_published
from dashboard.publishing.review import ask_review
from dashboard.publishing.stand import read_head
from dashboard.publishing.states import WORKING


def open_rollback(
    connection: Connection, to_version: int, actor: Actor, at: datetime, *, reason: str
) -> Change:
    """Ask for a rollback to ``to_version``, which must have been in force; it is in review at once.

    The old text comes back unchanged, with its old number. Schedules and a running emergency end with it: a
    rollback to the version in force takes a schedule back. Raises ``NotAllowed``, ``WrongState``, and
    ``PolicyError`` for a version that was never published.
    """
    person = check_actor(connection, actor, rights=AUTHOR_RIGHTS["rollback"])
    head = check_published(read_head(connection))
    active = head.active(epoch_s(at))
    if to_version not in {spell.version for spell in list_spells(connection, at)}:
        raise WrongState(
            f"Version {to_version} was never in force.",
            todo="Choose one from the history.",
            key="publishing.error.never_in_force",
            version=to_version,
        )
    if active and active.version == to_version and active == head.newest and not head.pending(epoch_s(at)):
        raise WrongState(
            f"Version {to_version} is in force, and nothing else is scheduled.",
            todo="Choose an earlier version.",
            key="publishing.error.in_force_already",
            version=to_version,
        )
    if list_changes(connection, states=WORKING, author_id=person.account_id, kind="rollback"):
        raise WrongState(
            "You have another open rollback.",
            todo="Finish or discard it first.",
            key="publishing.error.second_draft",
        )
    change = begin(connection, person, at, kind="rollback", reason=reason, rollback_of=to_version)
    return ask_review(connection, change.id, change.row_version, actor, at, reason=reason)
