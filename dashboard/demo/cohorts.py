"""Cohorts of coloured codes: people enter on a day, are held, and leave; stocks are what is left.

Because stocks are sums of the very same integers as the flows, flows explain stocks exactly.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dashboard.demo.reasons import REASON_BY_ID, Hold
from dashboard.demo.story import Floats, Ints
from dashboard.demo.world import AGE_MOBILE


@dataclass(frozen=True, eq=False)
class Cohort:
    """One stream of people into a reason, as [day, county, age]: ``entered``, ``left`` and ``traced``.

    ``traced`` are those who leave it for a red code instead. Of those who leave, ``due`` counts the day on
    which they should, and ``late`` those who left after it; ``still`` are those held on the last day, by
    the day they entered. ``source`` and ``target`` are the colours
    before and after; ``actor_in`` and ``actor_out`` say who changes them.
    """

    reason: str
    entered: Ints
    left: Ints
    traced: Ints
    due: Ints
    late: Ints
    still: Ints
    source: str
    target: str
    actor_in: str
    actor_out: str

    @property
    def stock(self) -> Ints:
        return np.cumsum(self.entered - self.left - self.traced, axis=0)


def draw_people(random: np.random.Generator, expected: Floats) -> Ints:
    """Whole people from an expectation [day, county], split by age: [day, county, age]."""
    return split_ages(random, random.poisson(expected))


def split_ages(random: np.random.Generator, people: Ints) -> Ints:
    return random.multinomial(people, AGE_MOBILE)


@dataclass(frozen=True, eq=False)
class Release:
    """How people who entered leave: ``left``, ``due`` and ``late`` by day, ``still`` by the day of entry."""

    left: Ints
    due: Ints
    late: Ints
    still: Ints


def release(random: np.random.Generator, entered: Ints, hold: Hold, *, due: int) -> Release:
    """Days on which people who entered are released, and ought to be ``due`` days after they entered."""
    lags, shares = zip(*hold, strict=True)
    parts = random.multinomial(entered, np.asarray(shares) / sum(shares))
    found = Release(*(np.zeros_like(entered) for _ in range(4)))
    days = len(entered)
    for index, lag in enumerate(lags):
        part = parts[..., index]
        found.left[lag:] += part[: days - lag]
        found.due[min(lag, due) :] += part[: days - min(lag, due)]
        if lag > due:
            found.late[lag:] += part[: days - lag]
        found.still[days - lag :] += part[days - lag :]
    return found


def delay(people: Ints, days: int) -> Ints:
    """The same people some days later."""
    later = np.zeros_like(people)
    later[days:] = people[: len(people) - days]
    return later


def make_cohort(
    random: np.random.Generator,
    reason: str,
    entered: Ints,
    hold: Hold,
    *,
    traced: Ints | None = None,
    traced_after: int = 2,
    source: str = "green",
    target: str = "green",
    actor_in: str = "rule",
    actor_out: str = "rule",
) -> Cohort:
    """Hold ``entered`` for ``hold``; ``traced`` of them leave for a red code after ``traced_after`` days."""
    found = np.zeros_like(entered) if traced is None else traced
    freed = release(random, entered - found, hold, due=REASON_BY_ID[reason].due)
    still = freed.still.copy()
    still[len(found) - traced_after :] += found[len(found) - traced_after :]
    return Cohort(
        reason=reason,
        entered=entered,
        left=freed.left,
        traced=delay(found, traced_after),
        due=freed.due,
        late=freed.late,
        still=still,
        source=source,
        target=target,
        actor_in=actor_in,
        actor_out=actor_out,
    )
