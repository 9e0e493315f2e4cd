"""What an impact preview says: which counties, places, people, venues and desks another policy would touch.

Everything is a difference between two policies on one snapshot. What the snapshot cannot tell is said apart
with a code of its reason; it is never counted as *no change*.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import date as Date  # noqa: N812 - the house's name for it
from datetime import datetime

from dashboard.cells import Cell

# Why people cannot be placed: the fact that the snapshot does not hold.
UNSURE = ("discharge", "tests", "gap", "reason")


@dataclass(frozen=True, slots=True)
class Span:
    """A figure that is only known between two bounds; equal bounds are an exact figure."""

    least: Cell
    most: Cell

    @property
    def exact(self) -> bool:
        return self.least == self.most


@dataclass(frozen=True, slots=True)
class LevelTurn:
    """A county whose level would change; None cannot be told. The reasons are as in ``AreaLevel``."""

    area: str
    before: str | None
    after: str | None
    reason_before: str
    reason_after: str


@dataclass(frozen=True, slots=True)
class PlaceTurn:
    """A listed place whose day of release would move; ``after`` is its level if that day has come then.

    A day is None where it cannot be told. ``level`` is the level it is listed at.
    """

    place_id: str
    area: str
    text: str
    level: str
    after: str
    release_before: Date | None
    release_after: Date | None


@dataclass(frozen=True, slots=True)
class CodeTurn:
    """People of one area and reason who would change colour; ``before`` is what they hold or are due."""

    area: str
    reason: str
    before: str
    after: str
    people: Cell


@dataclass(frozen=True, slots=True)
class CodeUnsure:
    """People of one area and reason of whom it cannot be told; ``why`` is one of ``UNSURE``."""

    area: str
    reason: str
    why: str
    people: Cell


@dataclass(frozen=True, slots=True)
class TestTurn:
    """People of one area whose last test would stop or begin to admit to venues of one category.

    A bound between which the snapshot cannot decide: it knows hours in steps of 24.
    """

    __test__ = False

    area: str
    category: str
    stops: Span
    begins: Span


@dataclass(frozen=True, slots=True)
class AlarmTurn:
    """Alarms at the venues of one category on ``date``, before and after; ``alarm`` as in a rule's answer.

    ``crowded`` counts venues hour by hour, ``silent`` venues at the end of the day, ``red_scan`` scans.
    """

    alarm: str
    category: str
    date: Date
    before: Span
    after: Span


@dataclass(frozen=True, slots=True)
class Workload:
    """Appeals a day and the people they need; None where the tickets were not reported.

    ``appeals_*`` are expected new cases a day; ``seats_*`` people who close them and clear what is open
    within ``appeals.backlog_days_warn`` days, at ``CASES_A_DAY`` each; ``overdue_*`` open cases older than
    ``appeals.resolve_hours``.
    """

    appeals_before: float | None
    appeals_after: float | None
    seats_before: int | None
    seats_after: int | None
    open: int | None
    overdue_before: Span
    overdue_after: Span


@dataclass(frozen=True, slots=True)
class FeedTurn:
    """A feed that would be late and is not, or the other way round."""

    feed: str
    late_before: bool
    late_after: bool


@dataclass(frozen=True, slots=True)
class ImpactPreview:
    """The whole preview of ``after`` against ``before`` for one area on one snapshot.

    ``draft_digest`` and ``base_digest`` are the digests of the two policies. ``code_totals`` are the people
    of the whole area by colour before and after (``area`` is the area asked, ``reason`` is "all").
    ``not_measured`` are paths of changed thresholds whose effect no table shows; ``not_reported`` are tables
    that the preview needed and nobody delivered.
    """

    snapshot_id: str
    data_time: datetime
    area: str
    base_version: int
    base_digest: str
    draft_digest: str
    levels: tuple[LevelTurn, ...]
    places: tuple[PlaceTurn, ...]
    codes: tuple[CodeTurn, ...]
    code_totals: tuple[CodeTurn, ...]
    codes_unsure: tuple[CodeUnsure, ...]
    tests: tuple[TestTurn, ...]
    alarms: tuple[AlarmTurn, ...]
    workload: Workload
    feeds: tuple[FeedTurn, ...]
    not_measured: tuple[str, ...]
    not_reported: tuple[str, ...]

    @property
    def digest(self) -> str:
        """``sha256:`` and the hash of everything the preview says; an approval is bound to it."""
        content = json.dumps(
            asdict(self), ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=_text
        )
        return "sha256:" + hashlib.sha256(content.encode()).hexdigest()


def _text(value: object) -> str:
    if isinstance(value, Date):
        return value.isoformat()
    raise TypeError(f"{value!r} has no place in a preview")
