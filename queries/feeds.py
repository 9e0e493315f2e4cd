"""Feeds: the state of each when the snapshot was built, and what of it was rejected."""

from __future__ import annotations

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


def get_feed_states(view: View) -> tuple[FeedState, ...]:
    """The state of every feed, by id; feeds have no area. Raises ``OutOfScope`` for an empty scope."""
    return read(view, "feed_states", FeedState)


def get_feed_rejects(view: View) -> tuple[FeedReject, ...]:
    """Rejected rows by feed and reason; feeds have no area. Raises ``OutOfScope`` for an empty scope."""
    return read(view, "feed_rejects", FeedReject)
