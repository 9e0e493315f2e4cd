"""The one clock: China Standard Time without a zone, as all times of snapshots and of the store."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone

Clock = Callable[[], datetime]

CHINA = timezone(timedelta(hours=8))  # no daylight saving since 1991, so a naive time is never ambiguous


def china_now() -> datetime:
    """This moment in China, naive, whatever zone the machine runs in."""
    return datetime.now(CHINA).replace(tzinfo=None)
