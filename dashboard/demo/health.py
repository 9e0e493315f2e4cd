"""Tests, vaccination, contacts and lists to check of the demo data."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from dashboard.demo.codes import CodeHistory
from dashboard.demo.cohorts import Cohort, delay
from dashboard.demo.frames import daily_frame
from dashboard.demo.outbreak import Outbreak
from dashboard.demo.releases import as_of
from dashboard.demo.story import (
    LATE_CITY,
    LATE_CITY_DAYS,
    MASS_TEST,
    MASS_TEST_CITY,
    OUTBREAK,
    OVERLAP_COUNTIES,
    WAVE,
    Calendar,
    Ints,
    stream,
)
from dashboard.demo.world import World
from dashboard.snapshot.contract import VACCINE_GROUPS

VACCINE_START = -46  # 2020-12-19
SECOND_DOSE = 21
_DOSES_A_DAY = np.array([9_000.0, 2_500.0, 12_000.0, 21_000.0])
_MASS_SHARE = 0.85
_VALID_DAYS = 14  # of tests that still stand as the last one


def sampled(world: World, calendar: Calendar, *, seed: int) -> Ints:
    """Samples taken: [delivered day, county]."""
    random = stream(seed, "tests")
    offsets = calendar.offsets[-calendar.days :]
    week = np.array([0.8 if day.weekday() >= 5 else 1.0 for day in calendar.dates])
    expected = np.outer(week, world.residents * 0.004)
    near = np.isin(world.codes, list(OVERLAP_COUNTIES))
    expected[np.ix_((offsets > OUTBREAK) & (offsets <= OUTBREAK + 14), near)] += 0.06 * world.residents[near]
    city = np.array(world.city_codes) == MASS_TEST_CITY
    expected[np.ix_(offsets == MASS_TEST, city)] += _MASS_SHARE * world.residents[city]
    return random.poisson(expected).astype(np.int64)


def tests_frame(
    taken: Ints, outbreak: Outbreak, world: World, calendar: Calendar, *, seed: int
) -> pl.DataFrame:
    """``test_daily`` rows: on the last day some samples wait, on the day of mass tests results are late."""
    random = stream(seed, "results")
    tested, reported = taken.copy(), taken.copy()
    tested[-1] = random.binomial(taken[-1], 0.82)
    reported[-1] = random.binomial(tested[-1], 0.9)
    reported[:-1] = tested[:-1]
    quick = np.full(taken.shape, 0.97)
    mass = calendar.offsets[-calendar.days :] == MASS_TEST
    quick[np.ix_(mass, np.array(world.city_codes) == MASS_TEST_CITY)] = 0.62
    found = (outbreak.confirmed + outbreak.asymptomatic)[-calendar.days :]
    measures = {
        "sampled": taken,
        "tested": tested,
        "reported": reported,
        "in_24h": random.binomial(reported, quick),
        "positive": np.minimum(found, reported),
    }
    return daily_frame(calendar, world.codes, {}, measures)


def validity_frame(taken: Ints, history: CodeHistory, world: World, calendar: Calendar) -> pl.DataFrame:
    """``test_validity`` rows: holders by the days since their last test, from each of the three moments."""
    days = taken[::-1][:_VALID_DAYS]
    parts = []
    for basis, share in (("sampled", 1.0), ("tested", 0.98), ("reported", 0.95)):
        free = history.holders[-1].copy()
        for age, day in enumerate(days):
            people = np.minimum((day * share * 0.9**age).astype(np.int64), free)
            free = free - people
            parts.append(
                pl.DataFrame(
                    {
                        "area": list(world.codes),
                        "basis": [basis] * len(people),
                        "hours_since": pl.Series([min(age, 7) * 24] * len(people), dtype=pl.Int32),
                        "holders": pl.Series(people, dtype=pl.Int64),
                    }
                )
            )
    rows = pl.concat(parts).group_by("area", "basis", "hours_since").agg(pl.col("holders").sum())
    return rows.sort("area", "basis", "hours_since").select(pl.lit(as_of(calendar)).alias("as_of"), pl.all())


def vaccination_frame(world: World, calendar: Calendar, *, seed: int) -> pl.DataFrame:
    """``vaccination_daily`` rows from the first day of the plan; the second dose follows after 21 days."""
    random = stream(seed, "vaccination")
    begun = (calendar.offsets >= VACCINE_START).astype(float)
    first = random.poisson(begun[:, None, None] * world.by_residents[None, :, None] * _DOSES_A_DAY).astype(
        np.int64
    )
    doses = np.stack([first, random.binomial(delay(first, SECOND_DOSE), 0.94)], axis=3)
    total = np.cumsum(doses, axis=0)
    rows = daily_frame(
        calendar,
        world.codes,
        {"population": VACCINE_GROUPS, "dose": ("1", "2")},
        {"doses": doses[-calendar.days :], "cumulative": total[-calendar.days :]},
    )
    started = pl.col("date") >= calendar.day(VACCINE_START)
    return rows.filter(started).with_columns(pl.col("dose").cast(pl.Int32))


def contact_frame(
    cohorts: Sequence[Cohort], outbreak: Outbreak, world: World, calendar: Calendar, *, seed: int
) -> pl.DataFrame:
    """``contact_daily`` rows: contacts found are those whose code turned red for it."""
    random = stream(seed, "contacts")

    def found(reason: str) -> Ints:
        entered = [c.entered.sum(axis=2) for c in cohorts if c.reason == reason]
        return np.asarray(sum(entered))[-calendar.days :].astype(np.int64)

    close, secondary = found("close_contact"), found("contact_of_contact")
    lost = random.binomial(close + secondary, 0.004)
    reached = close + secondary - lost
    reached[-1] = random.binomial(reached[-1], 0.8)
    cases = random.binomial(outbreak.confirmed[-calendar.days :], 0.7)
    measures = {
        "close": close,
        "secondary": secondary,
        "followed_up": reached,
        "lost": lost,
        "became_case": cases,
    }
    return daily_frame(calendar, world.codes, {}, measures)


def pushed_frame(world: World, calendar: Calendar, *, seed: int) -> pl.DataFrame:
    """``pushed_list_daily`` rows: counties answer within 24 hours, those of one city lately do not."""
    random = stream(seed, "pushed lists")
    expected = np.outer(700 + 300 * calendar.homecoming, world.by_travel)
    near = np.array([OVERLAP_COUNTIES.get(code, 0.0) for code in world.codes])
    expected += np.outer(calendar.pulse(*WAVE) * 40_000, near)
    expected = expected[-calendar.days :]
    pushed = random.poisson(expected * 4).astype(np.int64)
    on_time = np.full(pushed.shape, 0.985)
    offsets = calendar.offsets[-calendar.days :]
    late = np.ix_(offsets > -LATE_CITY_DAYS, np.array(world.city_codes) == LATE_CITY)
    on_time[late] = 0.55
    returned = random.binomial(pushed, on_time)
    overdue = pushed - returned
    returned[-1] = random.binomial(returned[-1], 0.6)  # the lists of the last day have time left
    overdue[-1] = 0
    return daily_frame(
        calendar, world.codes, {}, {"pushed": pushed, "returned_24h": returned, "overdue": overdue}
    )
