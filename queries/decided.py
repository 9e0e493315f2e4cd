"""*As decided* and *as known now*: the same question asked of the snapshot of a moment and of the newest one.

As decided is what the board served at that moment: whoever sat in the meeting saw this, whatever was
corrected since. Both answers pass the scope and the disclosure control of the one who asks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Generic, TypeVar

from dashboard.errors import SnapshotNotFound
from dashboard.snapshot.history import current_at
from queries.run import View

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Both(Generic[T]):
    """One question twice: the answer of the snapshot that was served at ``at``, and of the newest one."""

    at: datetime
    decided_id: str
    decided: T
    known_id: str
    known: T

    @property
    def restated(self) -> bool:
        """Whether the two answers differ."""
        return self.decided != self.known


def get_decided_view(view: View, *, at: datetime) -> View:
    """The view on the snapshot that the board served at ``at``, China Standard Time, with the same scope.

    Raises ``SnapshotNotFound`` when nothing was published yet, or what was served then has been pruned since.
    """
    snapshot_id = current_at(view.store.root, at)
    if snapshot_id is None:
        raise SnapshotNotFound(
            f"Nothing was published at {at:%Y-%m-%d %H:%M}.",
            todo="Choose a later moment.",
            key="error.nothing_decided",
        )
    view.store.manifest(snapshot_id)
    return replace(view, snapshot_id=snapshot_id)


def get_known_view(view: View) -> View:
    """The view on the newest published snapshot with the same scope. Raises ``SnapshotNotFound``."""
    return replace(view, snapshot_id=view.store.current_id())


def ask_both(view: View, *, at: datetime, ask: Callable[[View], T]) -> Both[T]:
    """Ask ``ask`` as decided at ``at`` and as known now.

    For instance ``ask_both(view, at=meeting, ask=lambda v: get_case_trend(v, area=..., ...))``. Raises
    ``SnapshotNotFound``, and whatever the question raises.
    """
    then, now = get_decided_view(view, at=at), get_known_view(view)
    return Both(at, then.snapshot_id, ask(then), now.snapshot_id, ask(now))
