"""The desks of the demo data: appeals with their backlog, and the hotline."""

from __future__ import annotations

import numpy as np
import polars as pl

from dashboard.demo.frames import daily_frame
from dashboard.demo.releases import as_of
from dashboard.demo.story import (
    CALLS_TIMES,
    FAMILY_CODES,
    HOLIDAYS,
    OVERLAP_COUNTIES,
    SCHOOL_RUSH,
    WAVE,
    Calendar,
    Floats,
    Ints,
    stream,
)
from dashboard.demo.world import World
from dashboard.snapshot.contract import NO_REASON, TICKET_CHANNELS

CLERKS, CASES_A_DAY = 60, 80  # 60 people close 4,800 cases a day
_CAPACITY = CLERKS * CASES_A_DAY
# Category, reason of the colour, share of ordinary cases.
_KINDS = (
    ("wrong_code", "risk_area_stay", 0.08),
    ("wrong_code", "time_space_overlap", 0.10),
    ("wrong_code", "near_risk_area", 0.16),
    ("not_released", "time_space_overlap", 0.06),
    ("not_released", "near_risk_area", 0.12),
    ("no_phone", NO_REASON, 0.10),
    ("test_result", NO_REASON, 0.16),
    ("information", NO_REASON, 0.14),
    ("other", NO_REASON, 0.08),
)
_CHANNEL_SHARE = (0.72, 0.2, 0.08)
_ORDINARY = 4_300.0  # cases opened a day
_WAVE_CASES, _SCHOOL_CASES, _FESTIVAL_CASES = 150_000.0, 70_000.0, 9_000.0

_HALF_HOURS = np.repeat(
    [4, 2, 1, 1, 1, 2, 6, 18, 42, 55, 52, 44, 30, 36, 46, 48, 44, 36, 26, 22, 20, 16, 10, 6], 2
).astype(float)
_CALLS_A_DAY = 4_200.0
_CALLS_PER_SEAT = 6  # in half an hour
_SEATS = np.array([10] * 14 + [30] * 24 + [20] * 10)  # 60 people in three shifts


def ticket_frames(world: World, calendar: Calendar, *, seed: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """``ticket_daily`` and ``ticket_backlog``: cases are opened by the story and closed as hands allow."""
    random = stream(seed, "tickets")
    expected = _expected_cases(world, calendar)
    waiting = np.zeros(expected.shape[1:], dtype=np.int64)
    days: dict[str, list[Ints]] = {name: [] for name in ("opened", "closed", "upheld", "reopened", "hours")}
    for cases in expected:
        opened = random.poisson(cases).astype(np.int64)
        reopened = np.zeros_like(opened) if not days["closed"] else random.binomial(days["closed"][-1], 0.02)
        waiting = waiting + opened + reopened
        total = int(waiting.sum())
        closed = random.binomial(waiting, min(1.0, _CAPACITY / max(total, 1)) * 0.985).astype(np.int64)
        # First come, first served: who is closed today has waited as long as the queue is.
        hours = closed * max(5, round(24 * total / _CAPACITY))
        waiting = waiting - closed
        for name, values in zip(
            days, (opened, closed, random.binomial(closed, 0.31), reopened, hours), strict=True
        ):
            days[name].append(values)
    measures = {name: np.stack(values) for name, values in days.items()}
    return _daily(world, calendar, measures), _backlog(world, calendar, waiting, measures)


def _expected_cases(world: World, calendar: Calendar) -> Floats:
    """[simulated day, county, channel, kind]."""
    offsets, kinds = calendar.offsets, np.array([share for _, _, share in _KINDS])
    channels = np.array(_CHANNEL_SHARE)
    week = np.array([0.6 if calendar.day(int(o)).weekday() >= 5 else 1.0 for o in offsets])
    festival = np.where(offsets > HOLIDAYS - 12, _FESTIVAL_CASES * calendar.homecoming, 0.0)
    ordinary = (week * _ORDINARY + festival)[:, None] * world.by_residents
    near = np.array([OVERLAP_COUNTIES.get(code, 0.0) for code in world.codes])
    overlap = np.array([1.0 if reason == "time_space_overlap" else 0.0 for _, reason, _ in _KINDS])
    no_phone = np.array([1.0 if category == "no_phone" else 0.0 for category, _, _ in _KINDS])
    wave = np.zeros(len(offsets))
    for offset, share in WAVE:
        for later, part in ((0, 0.4), (1, 0.4), (2, 0.2)):
            wave += calendar.pulse((offset + later, _WAVE_CASES * share * part))
    school = calendar.pulse(*((offset, _SCHOOL_CASES) for offset in SCHOOL_RUSH))
    school += calendar.pulse(*((offset, _SCHOOL_CASES * 0.15) for offset, _ in FAMILY_CODES[:3]))
    by_kind = (
        ordinary[..., None] * kinds
        + (wave[:, None] * near)[..., None] * (overlap / overlap.sum())
        + (school[:, None] * world.by_residents)[..., None] * no_phone
    )
    return np.asarray(by_kind[:, :, None, :] * channels[None, None, :, None])


def _daily(world: World, calendar: Calendar, measures: dict[str, Ints]) -> pl.DataFrame:
    rows = daily_frame(
        calendar,
        world.codes,
        {"channel": TICKET_CHANNELS, "kind": tuple(str(n) for n in range(len(_KINDS)))},
        {name: values[-calendar.days :] for name, values in measures.items()},
    ).filter(pl.any_horizontal(pl.col("opened", "closed", "reopened") > 0))
    kind = pl.col("kind").cast(pl.Int32)
    return rows.select(
        "date",
        "area",
        "channel",
        pl.lit(pl.Series([category for category, _, _ in _KINDS])).gather(kind).alias("category"),
        pl.lit(pl.Series([reason for _, reason, _ in _KINDS])).gather(kind).alias("reason"),
        pl.lit(1, dtype=pl.Int32).alias("rule_version"),
        *measures,
    )


def _backlog(world: World, calendar: Calendar, waiting: Ints, measures: dict[str, Ints]) -> pl.DataFrame:
    """The open cases of each county and category are those opened last."""
    categories = list(dict.fromkeys(category for category, _, _ in _KINDS))
    member = np.array([[c == category for c in categories] for category, _, _ in _KINDS], dtype=np.int64)
    left = waiting.sum(axis=1) @ member
    came = (measures["opened"] + measures["reopened"]).sum(axis=2) @ member
    ages = ((0, "0-24h"), (1, "24-72h"), (3, "3-7d"), (7, "7d+"))
    open_cases = np.zeros((len(ages), *left.shape), dtype=np.int64)
    oldest = np.zeros_like(open_cases)
    for age, opened in enumerate(came[::-1]):
        taken = np.minimum(left, opened)
        left -= taken
        band = max(i for i, (start, _) in enumerate(ages) if age >= start)
        open_cases[band] += taken
        oldest[band] = np.where(taken > 0, age * 24 + 20, oldest[band])
    bands, county, category = np.nonzero(open_cases)
    return pl.DataFrame(
        {
            "as_of": [as_of(calendar)] * len(bands),
            "area": pl.Series(list(world.codes)).gather(county),
            "category": pl.Series(categories).gather(category),
            "age": pl.Series([name for _, name in ages]).gather(bands),
            "open": pl.Series(open_cases[bands, county, category], dtype=pl.Int64),
            "oldest_hours": pl.Series(oldest[bands, county, category], dtype=pl.Int64),
        }
    ).sort("area", "category", "age")


def hotline_frame(calendar: Calendar, *, seed: int) -> pl.DataFrame:
    """``hotline_halfhour`` rows: three times the calls while schools ask for codes, then they fall."""
    random = stream(seed, "hotline")
    offsets = calendar.offsets[-calendar.days :]
    times = np.where(np.isin(offsets, SCHOOL_RUSH), CALLS_TIMES, 1.0)
    for offset, after in ((FAMILY_CODES[0][0], 1.7), (FAMILY_CODES[1][0], 1.25), (FAMILY_CODES[2][0], 1.1)):
        times = np.where(offsets == offset, after, times)
    week = np.array([0.75 if day.weekday() >= 5 else 1.0 for day in calendar.dates])
    profile = _HALF_HOURS / _HALF_HOURS.sum()
    offered = random.poisson(_CALLS_A_DAY * (times * week)[:, None] * profile)
    seats = np.broadcast_to(_SEATS, offered.shape)
    able = seats * _CALLS_PER_SEAT
    answered = np.minimum(random.binomial(offered, 0.985), able)
    busy = offered / able
    quick = random.binomial(answered, np.clip(1.45 - 0.75 * busy, 0.04, 0.96))
    wait = np.rint(6 + 70 * np.clip(busy - 0.5, 0, 4) ** 1.5).astype(np.int64)
    day, half = np.indices(offered.shape).reshape(2, -1)
    rows = pl.DataFrame(
        {
            "date": pl.Series(calendar.dates, dtype=pl.Date).gather(day),
            "half_hour": pl.Series(half, dtype=pl.Int32),
            "offered": pl.Series(offered.reshape(-1), dtype=pl.Int64),
            "answered": pl.Series(answered.reshape(-1), dtype=pl.Int64),
            "in_15s": pl.Series(quick.reshape(-1), dtype=pl.Int64),
            "mean_wait_seconds": pl.Series(wait.reshape(-1), dtype=pl.Int64),
            "seats": pl.Series(seats.reshape(-1), dtype=pl.Int64),
        }
    )
    wait_known = pl.when(pl.col("answered") > 0).then(pl.col("mean_wait_seconds"))
    return rows.with_columns(wait_known.alias("mean_wait_seconds"))
