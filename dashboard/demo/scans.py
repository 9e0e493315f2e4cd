"""Hourly scans of the demo data by county and venue category, one frame per month."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import polars as pl

from dashboard.demo.codes import CodeHistory
from dashboard.demo.reasons import GREEN_REASON, REASON_BY_ID
from dashboard.demo.rhythm import SCANNED, SHOWS, VENUE_SIZE, day_factors, hour_shares
from dashboard.demo.story import (
    MASS_TEST,
    MASS_TEST_CITY,
    MASS_TEST_HOURS,
    SCANS_STOP_HOUR,
    SILENT_COUNTY,
    SILENT_DAYS,
    Calendar,
    Floats,
    Ints,
    stream,
)
from dashboard.demo.world import World
from dashboard.snapshot.contract import VENUE_CATEGORIES

MASS_TEST_TIMES = 10.0
# Where samples are taken: school yards, hospitals, the squares of housing estates.
_SITES = np.array(
    [{"school": 0.15, "hospital": 0.15, "residential": 0.7}.get(c, 0.0) for c in VENUE_CATEGORIES]
)
# A yellow or red code goes out less; those who do are refused this often.
_YELLOW_OUT, _RED_OUT, _YELLOW_REFUSED = 0.45, 0.05, 0.55


def scan_frames(
    world: World, calendar: Calendar, history: CodeHistory, *, seed: int, hours: Sequence[int]
) -> Iterator[tuple[str, pl.DataFrame]]:
    """Month (``YYYY-MM``) and its rows, sorted by day, county, hour and category.

    A closed hour is a true zero. Hours after the feed stopped and days a county did not report have no row.
    """
    random = stream(seed, "scans")
    yellow, red = _colour_shares(history, calendar)
    moods = random.normal(1, 0.04, (calendar.days, len(world.counties), 1, len(VENUE_CATEGORIES)))
    factors = day_factors(calendar)
    months = np.array([day.strftime("%Y-%m") for day in calendar.dates])
    for month in sorted(set(months)):
        days = np.flatnonzero(months == month)
        expected = _expected(world, factors[days], hours) * moods[days]
        measures = _draw(random, world, calendar, expected, days, hours, yellow[days], red[days])
        yield month, _deliver(_rows(calendar, world, days, hours, measures), calendar)


def _colour_shares(history: CodeHistory, calendar: Calendar) -> tuple[Floats, Floats]:
    """Share of a county's holders whose code is yellow, and red: [delivered day, county]."""
    totals = {
        colour: np.zeros(history.stocks[GREEN_REASON].shape[:2]) for colour in ("green", "yellow", "red")
    }
    for reason, stock in history.stocks.items():
        totals["green" if reason == GREEN_REASON else REASON_BY_ID[reason].colour] += stock.sum(axis=2)
    everyone = sum(totals.values())
    return (totals["yellow"] / everyone)[-calendar.days :], (totals["red"] / everyone)[-calendar.days :]


def _expected(world: World, factors: Floats, hours: Sequence[int]) -> Floats:
    """Expected shows: [day, county, hour, category]."""
    profile = (hour_shares() * SHOWS[:, None])[:, list(hours)].T
    return np.asarray(factors[:, None, None, :] * profile[None, None] * world.residents[None, :, None, None])


def _draw(
    random: np.random.Generator,
    world: World,
    calendar: Calendar,
    expected: Floats,
    days: Ints,
    hours: Sequence[int],
    yellow_share: Floats,
    red_share: Floats,
) -> dict[str, Ints]:
    scans = random.poisson(expected * SCANNED).astype(np.int64)
    glances = expected * (1 - SCANNED)
    offsets = calendar.offsets[-calendar.days :][days]
    test_day = np.flatnonzero(offsets == MASS_TEST)
    test_hours = np.flatnonzero(np.isin(hours, MASS_TEST_HOURS))
    city = np.flatnonzero(np.array(world.city_codes) == MASS_TEST_CITY)
    if test_day.size and test_hours.size:
        block = np.ix_(test_day, city, test_hours)
        crowd = (MASS_TEST_TIMES - 1) * expected[block].sum(axis=3, keepdims=True)
        glances[block] += crowd * _SITES
    yellow = np.minimum(random.poisson(scans * (yellow_share * _YELLOW_OUT)[:, :, None, None]), scans)
    red = np.minimum(random.poisson(scans * (red_share * _RED_OUT)[:, :, None, None]), scans - yellow)
    venues = np.ceil(world.residents[:, None] / VENUE_SIZE)[None, :, None, :]
    # Venues with a scan when scans fall on venues at random: n (1 - e^(-scans / n)), whole, at most scans.
    active = np.minimum(np.ceil(venues * -np.expm1(-scans / venues)).astype(np.int64), scans)
    return {
        "shows": scans + random.poisson(glances),
        "scans": scans,
        "yellow": yellow,
        "red": red,
        "refused": red + random.binomial(yellow, _YELLOW_REFUSED),
        "active_venues": active,
    }


def _rows(
    calendar: Calendar, world: World, days: Ints, hours: Sequence[int], measures: dict[str, Ints]
) -> pl.DataFrame:
    shape = measures["scans"].shape
    places = np.indices(shape, dtype=np.int32).reshape(4, -1)
    dates = pl.Series([calendar.dates[day] for day in days], dtype=pl.Date)
    return pl.DataFrame(
        {
            "date": dates.gather(places[0]),
            "hour": pl.Series(list(hours), dtype=pl.Int32).gather(places[2]),
            "area": pl.Series(world.codes).gather(places[1]),
            "category": pl.Series(VENUE_CATEGORIES).gather(places[3]),
            **{name: pl.Series(array.reshape(-1).astype(np.int64)) for name, array in measures.items()},
        }
    )


def _deliver(frame: pl.DataFrame, calendar: Calendar) -> pl.DataFrame:
    """Leave out what never arrived."""
    stopped = (pl.col("date") == calendar.end) & (pl.col("hour") >= SCANS_STOP_HOUR)
    silent = (pl.col("area") == SILENT_COUNTY) & (pl.col("date") > calendar.day(-SILENT_DAYS))
    return frame.filter(~(stopped | silent))
