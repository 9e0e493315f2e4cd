"""The one clock of the build side: China Standard Time without a zone, as all times of a snapshot."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

CHINA = timezone(timedelta(hours=8))  # no daylight saving since 1991, so no zone database is needed


def china_now() -> datetime:
    """This moment in China, whatever zone the machine runs in."""
    return datetime.now(CHINA).replace(tzinfo=None)
