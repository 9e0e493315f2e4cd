"""What leaves this room: a change of the policy, and what was said about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

from dashboard.policy.model import Policy
from dashboard.publishing.fields import Typed
from dashboard.publishing.states import State

Kind = Literal["normal", "rollback", "emergency"]
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True)
class Change:
    """One change of the policy as of ``row_version``.

    ``version`` is the number it has or will have when published; ``base`` the policy it starts from;
    ``base_digest`` the envelope that had decided last by then. ``edits`` holds what was typed by path, wrong
    values too. ``digest`` is the ``draft_digest`` of the edited document, None while that is no policy.
    ``rollback_of`` is the version a rollback goes back to and ``target`` its document. Times are China
    Standard Time.
    """

    id: str
    kind: Kind
    state: State
    row_version: int
    author_id: int
    author: str
    editors: tuple[int, ...]
    version: int
    base: Policy
    base_digest: str
    edits: Mapping[str, Typed]
    digest: str | None
    reason: str
    rollback_of: int | None
    target: Policy | None
    effective_at: datetime | None
    expires_at: datetime | None
    approver_id: int | None
    approved_by: str | None
    approved_at: datetime | None
    approved_digest: str | None
    approved_base: str | None
    impact_snapshot: str | None
    impact_digest: str | None
    review_due_at: datetime | None
    reviewed_by: str | None
    reviewed_at: datetime | None
    created_at: datetime
    updated_at: datetime
    updated_by: str

    @property
    def is_approved(self) -> bool:
        """Whether the approval is of what the draft is now."""
        return (
            self.digest is not None
            and self.approved_digest == self.digest
            and self.approved_base == self.base_digest
        )

    def review_overdue(self, at: datetime) -> bool:
        """Whether the review of an emergency is due and was not done."""
        return self.review_due_at is not None and self.reviewed_at is None and self.review_due_at <= at


@dataclass(frozen=True)
class Note:
    """A comment or a step; ``row_version`` is that of the change after it."""

    row_version: int
    at: datetime
    actor: str
    act: str
    text: str


def read_kind(text: str) -> Kind:
    """The kind of that name, as the store holds it."""
    return next(kind for kind in KINDS if kind == text)
