"""Surges: a topic, a rule, a place or a kind of venue of which far more comes in than on such days before.

**The rule.** A series is compared with the same kind of day (working day, or Saturday and Sunday) of the 28
days before. It surges on a day when its amount is at least half above their median, at least
``LEAST_ABOVE`` above it, and more than ``SIGMAS`` spreads above it. The spread is the larger of the
scaled median deviation and the square root of the median, which is what chance alone gives counts. Medians
because an earlier surge inside the 28 days must neither raise what is expected nor hide the next one.
A series with fewer than ``LEAST_DAYS`` such days is not judged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date as Date  # noqa: N812 - `date` is the name of a parameter everywhere
from datetime import timedelta
from math import sqrt
from statistics import median

from queries.areas import Grain, check_level, child_of, get_members
from queries.run import View, read

BASELINE_DAYS = 28
LEAST_DAYS = 4
SIGMAS = 5.0
TIMES = 1.5
LEAST_ABOVE = 50
_MAD = 1.4826  # makes a median deviation comparable with a standard deviation
KINDS = ("topic", "rule", "place", "venue")

Series = Mapping[tuple[str, str], Mapping[Date, int]]


@dataclass(frozen=True, slots=True)
class Surge:
    """One alarm: kind and name of the series, day, what came in, and what such days before had."""

    kind: str
    name: str
    date: Date
    amount: int
    expected: float

    @property
    def above(self) -> float:
        """How much more than expected."""
        return self.amount - self.expected


@dataclass(frozen=True, slots=True)
class SurgeWatch:
    """The alarms of some days, newest first and largest first; how many series and days were judged."""

    surges: tuple[Surge, ...]
    judged: int


@dataclass(frozen=True, slots=True)
class _Point:
    kind: str
    name: str
    date: Date
    amount: int


def get_surges(view: View, *, area: str, first: Date, last: Date, level: Grain) -> SurgeWatch:
    """The alarms of ``area`` from ``first`` to ``last``; places are its children.

    Raises ``OutOfScope``, and ``BadFilter`` for the cities of a county.
    """
    members = get_members(view, area=area)
    check_level(area, level)
    start = first - timedelta(days=BASELINE_DAYS)
    series: dict[tuple[str, str], dict[Date, int]] = {}
    for row in read(view, "surge_series", _Point, members=members, first=start, last=last):
        name = child_of(row.name, level) if row.kind == "place" else row.name
        line = series.setdefault((row.kind, name), {})
        line[row.date] = line.get(row.date, 0) + row.amount
    return find_surges(series, first=first, last=last)


def find_surges(series: Series, *, first: Date, last: Date) -> SurgeWatch:
    """Apply the rule to every series and day.

    A day on which any series of a kind has an amount was reported; there the others had none.
    """
    reported: dict[str, set[Date]] = {kind: set() for kind in KINDS}
    for (kind, _), line in series.items():
        reported[kind] |= line.keys()
    found, judged = [], 0
    for (kind, name), line in series.items():
        for n in range((last - first).days + 1):
            day = first + timedelta(days=n)
            usual = [
                line.get(before, 0)
                for b in range(1, BASELINE_DAYS + 1)
                if (before := day - timedelta(days=b)) in reported[kind] and _free(before) == _free(day)
            ]
            if day not in reported[kind] or len(usual) < LEAST_DAYS:
                continue
            judged += 1
            expected = median(usual)
            spread = max(_MAD * median(abs(v - expected) for v in usual), sqrt(expected), 1.0)
            amount = line.get(day, 0)
            above = amount - expected
            if above >= LEAST_ABOVE and amount >= TIMES * expected and above > SIGMAS * spread:
                found.append(Surge(kind, name, day, amount, expected))
    order = {kind: place for place, kind in enumerate(KINDS)}
    found.sort(key=lambda s: (-s.date.toordinal(), -s.above / max(s.expected, 1.0), order[s.kind], s.name))
    return SurgeWatch(tuple(found), judged)


def _free(day: Date) -> bool:
    return day.weekday() >= 5
