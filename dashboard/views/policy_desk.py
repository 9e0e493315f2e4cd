"""What the policy page shows one person at one moment: in force, the change at hand, what waits for whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from dashboard.auth.rights import Identity, can
from dashboard.clock import epoch_s
from dashboard.policy.model import Policy
from dashboard.publishing.actors import actor_of
from dashboard.publishing.changes import edited_document, get_change, list_changes, list_notes
from dashboard.publishing.edits import Edited
from dashboard.publishing.emergency import Told, list_due_reviews, list_told
from dashboard.publishing.errors import UnknownChange
from dashboard.publishing.history import EnvelopeInfo, list_envelopes
from dashboard.publishing.in_force import InForce, in_force
from dashboard.publishing.model import Change, Note
from dashboard.publishing.stand import POLICY_ID, Entry, Head, read_base, read_head
from dashboard.publishing.standing import Standing, read_standing
from dashboard.publishing.states import OPEN, State
from dashboard.publishing.typed import Scalar
from dashboard.shell.context import Context
from dashboard.shell.desk import store_of_board
from dashboard.shell.policy_pulse import sees_drafts

AT_WORK: frozenset[State] = OPEN | {"rejected", "publishing", "publish_blocked"}


@dataclass(frozen=True)
class Desk:
    """One reading of the store. ``change`` is the one at hand, None where there is none."""

    at: datetime
    in_force: InForce
    standing: Standing
    head: Head | None
    newest: EnvelopeInfo | None
    told: tuple[Told, ...]
    changes: tuple[Change, ...]
    reviews_due: tuple[Change, ...]
    change: Change | None
    edited: Edited | None
    notes: tuple[Note, ...]
    is_stale: bool

    @property
    def pending(self) -> tuple[Entry, ...]:
        """The versions that are scheduled, the earliest first."""
        return self.head.pending(epoch_s(self.at)) if self.head else ()

    @property
    def active(self) -> Entry | None:
        """The version that should be in force now."""
        return self.head.active(epoch_s(self.at)) if self.head else None

    @property
    def base(self) -> Policy:
        """What the fields start from: the base of the change at hand, or the policy in force."""
        return self.change.base if self.change else self.in_force.policy

    @property
    def edits(self) -> Mapping[str, Scalar | None]:
        if self.change is None:
            return {}
        return {path: str(v) if isinstance(v, float) else v for path, v in self.change.edits.items()}

    @property
    def draft(self) -> Policy | None:
        """The policy the change makes; None without a change, or where it makes none."""
        return self.edited.policy if self.edited else None


def read_desk(context: Context) -> Desk:
    """Read everything the page needs in one state of the store; raises ``UnknownChange``."""
    database, clock = store_of_board()
    at, identity = clock(), context.identity
    sees = sees_drafts(identity)
    with database.read() as connection:
        changes = list_changes(connection, states=AT_WORK) if sees else ()
        due = list_due_reviews(connection) if sees else ()
        wanted = context.filters.options.get("change", "")
        if wanted and not sees:
            raise UnknownChange(
                "There is no such change.", todo="Open it from the list.", key="publishing.error.no_change"
            )
        change = get_change(connection, wanted) if wanted else at_hand(identity, changes, due)
        return Desk(
            at=at,
            in_force=in_force(connection, at),
            standing=read_standing(connection, POLICY_ID, at),
            head=read_head(connection),
            newest=next(iter(list_envelopes(connection, limit=1)), None),
            told=list_told(connection, actor_of(identity)),
            changes=changes,
            reviews_due=due,
            change=change,
            edited=edited_document(change) if change else None,
            notes=list_notes(connection, change.id) if change else (),
            is_stale=change is not None and change.state in OPEN and _is_stale(connection, change, at),
        )


def _is_stale(connection: Connection, change: Change, at: datetime) -> bool:
    """Whether something was published since the change was begun, so that it has to be rebased."""
    base = read_base(connection, kind=change.kind, at=at)
    return (base.digest, base.policy.version) != (change.base_digest, change.base.version)


def needs_review(change: Change) -> bool:
    """Whether an emergency still waits for the review that must follow it."""
    return change.review_due_at is not None and change.reviewed_at is None


def at_hand(identity: Identity, changes: tuple[Change, ...], due: tuple[Change, ...]) -> Change | None:
    """The change a person most likely came for: the own open one, then what waits for a decision."""
    own = [c for c in changes if c.author_id == identity.account_id and c.state != "publishing"]
    waiting = [c for c in (*due, *changes) if waits_for(identity, c)]
    return next(iter([*own, *waiting]), None)


def waits_for(identity: Identity, change: Change) -> bool:
    """Whether the next step of ``change`` is this person's."""
    stranger = identity.account_id not in (change.author_id, *change.editors)
    if needs_review(change):
        return can(identity, "approve") and stranger
    if change.state == "in_review":
        return can(identity, "approve") and stranger
    if change.state in ("approved", "publish_blocked"):
        return can(identity, "publish")
    mine = change.author_id == identity.account_id
    return mine and change.state in ("draft", "rejected", "suspended")


def is_editable(identity: Identity, change: Change | None) -> bool:
    """Whether this person may type into the fields of ``change`` now."""
    if change is None or change.kind == "rollback" or change.state not in ("draft", "in_review", "approved"):
        return False
    if change.kind == "emergency":
        return change.state == "draft" and change.author_id == identity.account_id
    return can(identity, "draft")
