"""Releases and cohorts of coloured codes, channels of all codes, the move from the former city codes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time

import numpy as np
import polars as pl

from dashboard.demo.codes import CodeHistory
from dashboard.demo.cohorts import Cohort
from dashboard.demo.frames import daily_frame
from dashboard.demo.story import FAMILY_CODES, FORMER_CODES, FORMER_IN_USE, Calendar, Ints, stream
from dashboard.demo.world import World
from dashboard.snapshot.contract import CODE_CHANNELS, NO_FORMER_CODE

_NEGATIVE = np.array([[0.8, 0.2, 0.0, 0.0], [0.5, 0.4, 0.1, 0.0], [0.25, 0.35, 0.25, 0.15]])  # by days held
_LEFT_BEHIND = 0.03  # of residents, who still hold a former code that is in use
_SWITCHED_OFF = -40  # day on which the other former codes ended


def as_of(calendar: Calendar) -> datetime:
    """The moment that tables of one moment speak of."""
    return datetime.combine(calendar.end, time(23, 59))


def release_frame(cohorts: Sequence[Cohort], world: World, calendar: Calendar, *, seed: int) -> pl.DataFrame:
    """``code_release`` rows of people who turn green; a day, county and reason without anybody has no row."""
    random = stream(seed, "releases")
    parts = []
    for reason in dict.fromkeys(c.reason for c in cohorts if c.target == "green"):
        own = [c for c in cohorts if c.reason == reason and c.target == "green"]
        due, left, late = (
            np.asarray(sum(a.sum(axis=2) for a in arrays))
            for arrays in zip(*((c.due, c.left, c.late) for c in own), strict=True)
        )
        overdue = np.cumsum(due - left, axis=0)
        median = np.where(late * 2 > left, 25, 1) + random.integers(1, 8, left.shape)
        p90 = median + np.where(
            late * 10 > left, random.integers(24, 40, left.shape), random.integers(1, 6, left.shape)
        )
        measures = {
            "due": due,
            "on_time": left - late,
            "late": late,
            "open_overdue": overdue,
            "median_hours": median,
            "p90_hours": p90,
        }
        days = {name: array[-calendar.days :].astype(np.int64) for name, array in measures.items()}
        parts.append(daily_frame(calendar, world.codes, {"reason": reason}, days))
    rows = pl.concat(parts).filter(pl.any_horizontal(pl.col("due", "on_time", "late", "open_overdue") > 0))
    nobody = pl.col("on_time") + pl.col("late") == 0
    hours = (pl.when(nobody).then(None).otherwise(pl.col(n)).alias(n) for n in ("median_hours", "p90_hours"))
    return rows.with_columns(hours).sort("date", "area", "reason")


def cohort_frame(cohorts: Sequence[Cohort], world: World, calendar: Calendar, *, seed: int) -> pl.DataFrame:
    """``code_cohort`` rows: who holds a colour on the last day, by the days since it began."""
    random = stream(seed, "cohort tests")
    parts = []
    for reason in dict.fromkeys(c.reason for c in cohorts):
        still = np.asarray(sum(c.still.sum(axis=2) for c in cohorts if c.reason == reason))
        day, county = np.nonzero(still)
        held = len(still) - 1 - day
        tests = random.multinomial(still[day, county], _NEGATIVE[np.minimum(held, len(_NEGATIVE) - 1)])
        row, number = np.nonzero(tests)
        parts.append(
            pl.DataFrame(
                {
                    "area": pl.Series(list(world.codes)).gather(county[row]),
                    "reason": [reason] * len(row),
                    "hours_since_start": pl.Series(held[row] * 24, dtype=pl.Int32),
                    "negative_tests": pl.Series(number, dtype=pl.Int32),
                    "holders": pl.Series(tests[row, number], dtype=pl.Int64),
                }
            )
        )
    rows = pl.concat(parts).sort("area", "reason", "hours_since_start", "negative_tests")
    return rows.select(pl.lit(as_of(calendar)).alias("as_of"), pl.all())


def channel_frame(history: CodeHistory, world: World, calendar: Calendar) -> pl.DataFrame:
    """``code_channel`` rows; family and offline codes have none before they were built."""
    issued = np.stack(
        [history.issued - history.family - history.offline, history.family, history.offline], axis=2
    )
    others = np.cumsum(issued[..., 1:], axis=0)
    active = np.concatenate([(history.holders - others.sum(axis=2))[..., None], others], axis=2)
    rows = daily_frame(
        calendar,
        world.codes,
        {"channel": CODE_CHANNELS},
        {"active": active[-calendar.days :], "issued": issued[-calendar.days :]},
    )
    built = pl.col("date") >= calendar.day(FAMILY_CODES[0][0])
    return rows.filter((pl.col("channel") == "self") | built)


def adoption_frame(history: CodeHistory, world: World, calendar: Calendar, *, seed: int) -> pl.DataFrame:
    """``adoption_daily`` rows: each newly issued code is of a person who moved, or of one who registers."""
    random = stream(seed, "adoption")
    issued: Ints = history.issued
    cities = np.array(world.city_codes)
    former = np.where(np.isin(cities, FORMER_CODES), cities, NO_FORMER_CODE)
    in_use = np.isin(cities, FORMER_CODES[:FORMER_IN_USE])
    open_until = np.where(in_use, 0, np.where(former == NO_FORMER_CODE, -10_000, _SWITCHED_OFF))
    moving = calendar.offsets[:, None] <= open_until[None]
    own = issued - history.family - history.offline
    moved = random.binomial(np.where(moving, own, 0), 0.55).astype(np.int64)
    left = np.where(in_use, np.rint(world.residents * _LEFT_BEHIND), 0).astype(np.int64)
    not_moved = left[None] + moved.sum(axis=0)[None] - np.cumsum(moved, axis=0)
    rows = daily_frame(
        calendar,
        world.codes,
        {},
        {
            "moved": moved[-calendar.days :],
            "registered": (issued - moved)[-calendar.days :],
            "not_moved": not_moved[-calendar.days :],
        },
    )
    codes = dict(zip(world.codes, former.tolist(), strict=True))
    return rows.select(
        "date",
        "area",
        pl.col("area").replace_strict(codes).alias("former_code"),
        "moved",
        "registered",
        "not_moved",
    )
