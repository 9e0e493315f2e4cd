"""The one clock: China Standard Time without a zone, as all times of snapshots and of the store."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone

Clock = Callable[[], datetime]

CHINA = timezone(timedelta(hours=8))  # no daylight saving since 1991, so a naive time is never ambiguous


def china_now() -> datetime:
    """This moment in China, naive, whatever zone the machine runs in."""
    return datetime.now(CHINA).replace(tzinfo=None)


def epoch_s(moment: datetime) -> int:
    """Whole seconds since 1970 in UTC of a naive time in China, as signed documents state times."""
    return int(moment.replace(tzinfo=CHINA).timestamp())


def from_epoch_s(seconds: int) -> datetime:
    """The naive time in China of whole seconds since 1970 in UTC."""
    return datetime.fromtimestamp(seconds, CHINA).replace(tzinfo=None)
