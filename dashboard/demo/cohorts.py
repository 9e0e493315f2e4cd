"""Cohorts of coloured codes: people enter on a day, are held, and leave; stocks are what is left.

Because stocks are sums of the very same integers as the flows, flows explain stocks exactly.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dashboard.demo.reasons import Hold
from dashboard.demo.story import Floats, Ints
from dashboard.demo.world import AGE_MOBILE


@dataclass(frozen=True, eq=False)
class Cohort:
    """One stream of people into a reason, as [day, county, age]: ``entered``, ``left`` and ``traced``.

    ``traced`` are those who leave it for a red code instead. ``source`` and ``target`` are the colours
    before and after; ``actor_in`` and ``actor_out`` say who changes them.
    """

    reason: str
    entered: Ints
    left: Ints
    traced: Ints
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


def release(random: np.random.Generator, entered: Ints, hold: Hold) -> Ints:
    """Days on which people who entered are released; those still held on the last day are not in it."""
    lags, shares = zip(*hold, strict=True)
    parts = random.multinomial(entered, np.asarray(shares) / sum(shares))
    left = np.zeros_like(entered)
    for index, lag in enumerate(lags):
        left[lag:] += parts[: len(entered) - lag, ..., index]
    return left


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
    return Cohort(
        reason=reason,
        entered=entered,
        left=release(random, entered - found, hold),
        traced=delay(found, traced_after),
        source=source,
        target=target,
        actor_in=actor_in,
        actor_out=actor_out,
    )
