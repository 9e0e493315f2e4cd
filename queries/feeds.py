"""Feeds: the state of each when the snapshot was built, and what of it was rejected."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from queries.run import View, read


@dataclass(frozen=True, slots=True)
class FeedState:
    """One feed. Times are China Standard Time; None is nothing delivered, or not known."""

    feed: str
    department: str
    state: str
    data_until: datetime | None
    arrived_at: datetime | None
    accepted: int | None
    rejected: int | None
    usual: int | None
    note: str | None


@dataclass(frozen=True, slots=True)
class FeedReject:
    """Rows of one feed that were rejected for one reason."""

    feed: str
    reason: str
    rows: int


# How much a state is to worry about; one that is not known here worries most.
_BADNESS = {"on_time": 0, "partial": 1, "late": 2, "not_reported": 3}


def worst_first(states: Iterable[FeedState]) -> list[FeedState]:
    """The same feeds, those that need a look at the top, by id among equals."""
    return sorted(states, key=lambda row: (-_BADNESS.get(row.state, 9), row.feed))


def get_feed_states(view: View) -> tuple[FeedState, ...]:
    """The state of every feed, by id; feeds have no area. Raises ``OutOfScope`` for an empty scope."""
    return read(view, "feed_states", FeedState)


def get_feed_rejects(view: View) -> tuple[FeedReject, ...]:
    """Rejected rows by feed and reason; feeds have no area. Raises ``OutOfScope`` for an empty scope."""
    return read(view, "feed_rejects", FeedReject)
