"""Load of the two systems by minute, and look-ups by day."""

from __future__ import annotations

from datetime import datetime, time, timedelta

import numpy as np
import polars as pl

from dashboard.demo.frames import daily_frame
from dashboard.demo.rhythm import SHOWS, day_factors, hour_shares
from dashboard.demo.story import MASS_TEST, MASS_TEST_CITY, OUTBREAK, Calendar, Floats, Ints, stream
from dashboard.demo.world import World
from dashboard.snapshot.contract import LOAD_CHANNELS, LOAD_SYSTEMS, SERVICES

DAYS = 14  # minutes are kept as long as this
MASS_TIMES = 10.0
_PER_SHOW = 1.15  # requests of the code system for each code shown
_PER_SAMPLE = 30.0  # requests of the test system for each sample on a usual day
_CHANNEL_SHARE = np.array([0.55, 0.33, 0.12])
# Minutes of the morning of the mass tests and how many times the usual came.
_MORNING = ((405, 1.0), (440, MASS_TIMES), (520, MASS_TIMES), (599, 4.5), (640, 1.0))
_MINUTES = 24 * 60


def load_frame(world: World, calendar: Calendar, taken: Ints, *, seed: int, short: bool) -> pl.DataFrame:
    """``load_minute`` rows of the last days; ``short`` keeps the day of mass tests and the last one.

    The code system bends under ten times its load, the test system breaks.
    """
    random = stream(seed, "load")
    offsets = [o for o in range(1 - DAYS, 1) if not short or o in (MASS_TEST, 0)]
    days = np.array([o + calendar.days - 1 for o in offsets])
    shown = (day_factors(calendar)[days] @ (hour_shares() * SHOWS[:, None])) * world.residents.sum()
    tests = taken[days].sum(axis=1).astype(float)
    tests[np.array(offsets) == MASS_TEST] = np.median(taken.sum(axis=1))
    working = np.interp(np.arange(_MINUTES), [380, 480, 690, 840, 1080, 1260], [0.02, 1, 0.9, 0.9, 0.6, 0.02])
    minute = np.arange(_MINUTES)
    hourly = np.stack([np.interp(minute, np.arange(24) * 60 + 30, day) for day in shown]) / 60
    usual = np.stack([hourly * _PER_SHOW, tests[:, None] * working / working.sum() * _PER_SAMPLE])
    times = np.ones((len(offsets), _MINUTES))
    crowded, crowd_times = np.array(_MORNING).T
    times[np.array(offsets) == MASS_TEST] = np.interp(minute, crowded, crowd_times)
    expected = (usual * times)[..., None] * _CHANNEL_SHARE
    requests = random.poisson(expected).astype(np.int64)  # [system, day, minute, channel]
    crowd = np.broadcast_to(times[None, :, :, None], requests.shape)
    rate = np.full(requests.shape, 0.0002)
    rate[0] = np.where(crowd[0] > 5, 0.004, rate[0])
    rate[1] = np.where(crowd[1] > 4, np.minimum(0.05 * crowd[1], 0.45), rate[1])
    errors = random.binomial(requests, rate)
    p95 = np.stack([90 + 32 * (crowd[0] - 1), 140 + 880 * (crowd[1] - 1)]) * random.normal(
        1, 0.05, requests.shape
    )
    peak = np.minimum(np.rint(requests / 60 * 1.6).astype(np.int64) + 1, requests)
    return _rows(calendar, offsets, requests, peak, errors, np.rint(p95).astype(np.int64))


def _rows(
    calendar: Calendar, offsets: list[int], requests: Ints, peak: Ints, errors: Ints, p95: Ints
) -> pl.DataFrame:
    system, day, minute, channel = np.indices(requests.shape, dtype=np.int32).reshape(4, -1)
    starts = pl.Series([datetime.combine(calendar.day(o), time()) for o in offsets], dtype=pl.Datetime("us"))
    rows = pl.DataFrame(
        {
            "minute": starts.gather(day) + pl.Series(minute.astype(np.int64)) * timedelta(minutes=1),
            "system": pl.Series(LOAD_SYSTEMS).gather(system),
            "channel": pl.Series(LOAD_CHANNELS).gather(channel),
            "requests": pl.Series(requests.reshape(-1)),
            "peak_per_second": pl.Series(peak.reshape(-1)),
            "errors": pl.Series(errors.reshape(-1), dtype=pl.Int64),
            "p95_ms": pl.Series(p95.reshape(-1)),
        }
    )
    answered = pl.when(pl.col("requests") > pl.col("errors")).then(pl.col("p95_ms"))
    return rows.with_columns(answered.alias("p95_ms")).sort("minute", "system", "channel")


def service_frame(world: World, calendar: Calendar, taken: Ints, *, seed: int) -> pl.DataFrame:
    """``service_daily`` rows: results follow the samples, risk areas are asked for in an outbreak."""
    random = stream(seed, "services")
    offsets = calendar.offsets[-calendar.days :]
    anxious: Floats = np.where((offsets >= OUTBREAK) & (offsets <= OUTBREAK + 20), 6.0, 1.0)
    results = taken * 1.3 + world.residents * 0.0005
    expected = np.stack(
        [
            taken * 0.25 + world.residents * 0.0004,
            results,
            np.broadcast_to(world.residents * 0.0008, taken.shape),
            np.outer(anxious, world.residents * 0.0012),
        ],
        axis=2,
    )
    lookups = random.poisson(expected).astype(np.int64)
    broken = np.ix_(
        offsets == MASS_TEST, np.array(world.city_codes) == MASS_TEST_CITY, [SERVICES.index("results")]
    )
    rate, p95 = np.full(lookups.shape, 0.002), random.integers(110, 280, lookups.shape)
    rate[broken], p95[broken] = 0.18, 4_200
    measures = {
        "lookups": lookups,
        "failures": random.binomial(lookups, rate),
        "p95_ms": p95.astype(np.int64),
    }
    rows = daily_frame(calendar, world.codes, {"service": SERVICES}, measures)
    asked = pl.when(pl.col("lookups") > 0).then(pl.col("p95_ms"))
    return rows.with_columns(asked.alias("p95_ms"))
