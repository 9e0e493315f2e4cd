"""The clock of the store: China Standard Time without a zone, as everywhere on the board."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

Clock = Callable[[], datetime]

# China has one time zone and no summer time since 1991, so a naive time is never ambiguous.
_OFFSET = timedelta(hours=8)


def now() -> datetime:
    """The present moment in China Standard Time, naive."""
    return datetime.now(UTC).replace(tzinfo=None) + _OFFSET
