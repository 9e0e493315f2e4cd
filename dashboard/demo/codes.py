"""Health codes of the demo data: stocks by county, reason and age band, and the flows that explain them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from dashboard.demo.cohorts import Cohort
from dashboard.demo.frames import daily_frame
from dashboard.demo.reasons import GREEN_REASON, REASON_BY_ID
from dashboard.demo.story import FAMILY_CODES, Calendar, Ints, stream
from dashboard.demo.world import AGES, World
from dashboard.snapshot.contract import NO_CODE

FAMILY_SHARE = (0.065, 0.0, 0.06, 0.09, 0.0)  # of an age's holders, who get a family or offline code
BY_HAND = 0.0008  # of ordinary changes, made by hand at a counter
CHANGED_AGAIN = 0.02  # of people, who change the same way twice in a day


@dataclass(frozen=True, eq=False)
class Flow:
    """One kind of change: colours before and after, reason, actor, people as [day, county]."""

    before: str
    after: str
    reason: str
    actor: str
    people: Ints


@dataclass(frozen=True, eq=False)
class CodeHistory:
    """Codes over all simulated days: ``stocks`` per reason as [day, county, age], and the flows.

    ``family`` and ``offline`` are newly issued codes of these kinds, as [day, county].
    """

    stocks: dict[str, Ints]
    flows: tuple[Flow, ...]
    family: Ints
    offline: Ints

    @property
    def holders(self) -> Ints:
        """All holders: [day, county]."""
        return np.asarray(sum(stock.sum(axis=2) for stock in self.stocks.values()))

    @property
    def issued(self) -> Ints:
        """Newly issued codes: [day, county]."""
        return np.asarray(sum(flow.people for flow in self.flows if flow.before == NO_CODE))


def build_codes(world: World, calendar: Calendar, cohorts: Sequence[Cohort], *, seed: int) -> CodeHistory:
    """Let green be what is left after new and closed codes and all that turn red or yellow and back."""
    random = stream(seed, "codes")
    ordinary, family, closed = _green_changes(random, world, calendar)
    # On paper for a third of those of 60 and more; children are held by their parents.
    offline = random.binomial(family, np.array([0.0, 0.0, 0.33, 0.33, 0.0])).astype(np.int64)
    issued = ordinary + family
    green = issued - closed
    flows = [
        *_by_actor(random, "none", "green", GREEN_REASON, issued.sum(axis=2)),
        *_by_actor(random, "green", "none", GREEN_REASON, closed.sum(axis=2)),
    ]
    stocks: dict[str, Ints] = {}
    for cohort in cohorts:
        reason, colour = cohort.reason, REASON_BY_ID[cohort.reason].colour
        stocks[reason] = stocks.get(reason, np.zeros_like(cohort.entered)) + cohort.stock
        entered, left = cohort.entered.sum(axis=2), cohort.left.sum(axis=2)
        flows += _entering(random, cohort, colour, entered)
        flows += _leaving(random, cohort, colour, left)
        if cohort.source == "green":
            green[..., :4] -= cohort.entered
        if cohort.target == "green":
            green[..., :4] += cohort.left
    stocks[GREEN_REASON] = np.rint(world.holders).astype(np.int64) + np.cumsum(green, axis=0)
    return CodeHistory(
        stocks=stocks,
        flows=tuple(flows),
        family=(family - offline).sum(axis=2),
        offline=offline.sum(axis=2),
    )


def _green_changes(random: np.random.Generator, world: World, calendar: Calendar) -> tuple[Ints, Ints, Ints]:
    """Codes newly issued, those in a family account or on paper, and closed ones: [day, county, age] each."""
    holders, days = world.holders, len(calendar.offsets)
    steady = np.broadcast_to(holders * 0.00018, (days, *holders.shape))
    travelled = np.diff(calendar.homecoming, prepend=calendar.homecoming[:1])[:, None, None]
    home = (
        travelled
        * (world.residents * world.returning)[None, :, None]
        * np.array([0.08, 0.87, 0.04, 0.006, 0.004])
    )
    family = calendar.pulse(*FAMILY_CODES)[:, None, None] * holders[None] * np.array(FAMILY_SHARE)
    away = travelled * world.departing[None, :, None] * holders[None] * np.array([0.8, 1.1, 0.5, 0.2, 0.5])
    ordinary = random.poisson(steady + home).astype(np.int64)
    closed = random.poisson(steady * 0.55 + away).astype(np.int64)
    return ordinary, random.poisson(family).astype(np.int64), closed


def _entering(random: np.random.Generator, cohort: Cohort, colour: str, people: Ints) -> list[Flow]:
    if cohort.actor_in == "rule":
        return _by_actor(random, cohort.source, colour, cohort.reason, people)
    return [Flow(cohort.source, colour, cohort.reason, cohort.actor_in, people)]


def _leaving(random: np.random.Generator, cohort: Cohort, colour: str, people: Ints) -> list[Flow]:
    if cohort.actor_out == "rule":
        return _by_actor(random, colour, cohort.target, cohort.reason, people)
    return [Flow(colour, cohort.target, cohort.reason, cohort.actor_out, people)]


def _by_actor(random: np.random.Generator, before: str, after: str, reason: str, people: Ints) -> list[Flow]:
    by_hand = random.binomial(people, BY_HAND)
    return [
        Flow(before, after, reason, "rule", people - by_hand),
        Flow(before, after, reason, "manual", by_hand),
    ]


def stock_frames(history: CodeHistory, world: World, calendar: Calendar) -> Iterator[pl.DataFrame]:
    """``code_stock`` rows, one frame per reason; a reason in use has a row everywhere, zero included."""
    for reason, stock in history.stocks.items():
        delivered = stock[-calendar.days :]
        yield daily_frame(
            calendar,
            world.codes,
            {
                "colour": "green" if reason == GREEN_REASON else REASON_BY_ID[reason].colour,
                "reason": reason,
                "age_band": AGES[: delivered.shape[2]],
            },
            {"holders": delivered},
        )


def flow_frame(history: CodeHistory, world: World, calendar: Calendar, *, seed: int) -> pl.DataFrame:
    """``code_flow`` rows; a change that nobody made has no row."""
    random = stream(seed, "changes")
    parts = [
        daily_frame(
            calendar,
            world.codes,
            {"from_colour": flow.before, "to_colour": flow.after, "reason": flow.reason, "actor": flow.actor},
            {"people": flow.people[-calendar.days :]},
        ).filter(pl.col("people") > 0)
        for flow in history.flows
    ]
    keys = ["date", "area", "from_colour", "to_colour", "reason", "actor"]
    frame = pl.concat(parts).group_by(keys).agg(pl.col("people").sum()).sort(keys)
    people = frame["people"].to_numpy()
    return frame.with_columns(
        changes=pl.Series(people + random.binomial(people, CHANGED_AGAIN), dtype=pl.Int64)
    )
