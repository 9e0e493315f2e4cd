"""Daily cases of the demo data: cumulative counts per county, city and province, imported ones apart."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from dashboard.demo.outbreak import Outbreak
from dashboard.demo.story import CORRECTION, CORRECTION_CASES, CORRECTION_COUNTY, Calendar, Ints, stream
from dashboard.demo.world import World, city_name, province_name
from geo.areas import PROVINCE

IMPORTED = "境外输入"  # the "city" of imported cases, which carries no code
MEASURES = ("confirmed", "suspected", "cured", "dead", "asymptomatic")
# Cumulative counts before the first simulated day: invented, of the size of the real ones of 2020.
EARLIER_LOCAL, EARLIER_IMPORTED = 560, 290
STAY = ((13, 0.3), (16, 0.4), (20, 0.3))  # days in hospital


def cases_frame(world: World, calendar: Calendar, outbreak: Outbreak, *, seed: int) -> pl.DataFrame:
    """Rows of the cases CSV from the eve of the first day, so that the first day has a day before.

    Counties add up to their city; cities and imported cases add up to the province, in every column.
    """
    random = stream(seed, "cases")
    first = random.multinomial(EARLIER_LOCAL, world.by_residents)
    dead = np.zeros_like(first)
    dead[np.argsort(first)[-3:]] = 1
    wrong = _wrong_cases(outbreak.confirmed, world.row(CORRECTION_COUNTY))
    local = _cumulative(random, outbreak.confirmed - wrong, outbreak.asymptomatic, first, dead)
    taken_back = np.zeros_like(wrong)
    taken_back[calendar.offsets == CORRECTION, world.row(CORRECTION_COUNTY)] = CORRECTION_CASES
    local["confirmed"] += np.cumsum(wrong - taken_back, axis=0)
    imported = _cumulative(
        random,
        outbreak.imported_confirmed[:, None],
        outbreak.imported_asymptomatic[:, None],
        np.array([EARLIER_IMPORTED]),
        np.array([0]),
    )
    days = calendar.days + 1
    return _rows(
        world,
        calendar,
        {name: series[-days:] for name, series in local.items()},
        {name: series[-days:, 0] for name, series in imported.items()},
    )


def _wrong_cases(confirmed: Ints, column: int) -> Ints:
    """The first cases of one county, which turn out to be none: counted until the correction, never cured."""
    wrong = np.zeros_like(confirmed)
    series = confirmed[:, column]
    wrong[:, column] = np.diff(np.minimum(np.cumsum(series), CORRECTION_CASES), prepend=0)
    return wrong


def _cumulative(
    random: np.random.Generator, confirmed: Ints, silent: Ints, first: Ints, dead: Ints
) -> dict[str, Ints]:
    lags, shares = zip(*STAY, strict=True)
    parts = random.multinomial(confirmed, shares)
    cured = np.zeros_like(confirmed)
    for index, lag in enumerate(lags):
        cured[lag:] += parts[: len(confirmed) - lag, ..., index]
    return {
        "confirmed": first + np.cumsum(confirmed, axis=0),
        "suspected": random.binomial(confirmed, 0.15).astype(np.int64),  # the only one that is not cumulative
        "cured": first - dead + np.cumsum(cured, axis=0),
        "dead": np.broadcast_to(dead, confirmed.shape).astype(np.int64),
        "asymptomatic": first // 5 + np.cumsum(silent, axis=0),
    }


def _rows(
    world: World, calendar: Calendar, local: dict[str, Ints], imported: dict[str, Ints]
) -> pl.DataFrame:
    dates = [calendar.day(offset) for offset in range(-calendar.days, 1)]
    cities = sorted(set(world.city_codes))
    member = np.array([[city == code for city in world.city_codes] for code in cities], dtype=np.int64)
    parts = []
    by_city = {name: series @ member.T for name, series in local.items()}
    province = {name: series.sum(axis=1) + imported[name] for name, series in local.items()}
    parts.append(_block(dates, [("", "", "", "")], {n: s[:, None] for n, s in province.items()}))
    parts.append(_block(dates, [(IMPORTED, "", "", "")], {n: s[:, None] for n, s in imported.items()}))
    parts.append(_block(dates, [(city_name(code), code, "", "") for code in cities], by_city))
    counties = [(city_name(c.city), c.city, c.name_zh, c.code) for c in world.counties]
    parts.append(_block(dates, counties, local))
    return pl.concat(parts).sort("date", maintain_order=True)


def _block(
    dates: list[date], places: list[tuple[str, str, str, str]], series: dict[str, Ints]
) -> pl.DataFrame:
    days, width = len(dates), len(places)
    index = np.tile(np.arange(width), days)
    columns = {
        "date": pl.Series(dates, dtype=pl.Date).gather(np.repeat(np.arange(days), width)),
        "province": pl.Series([province_name()]).new_from_index(0, days * width),
        "provinceCode": pl.Series([PROVINCE]).new_from_index(0, days * width),
    }
    for position, name in enumerate(("city", "cityCode", "county", "countyCode")):
        columns[name] = pl.Series([place[position] or None for place in places], dtype=pl.String).gather(
            index
        )
    for name in MEASURES:
        columns[name] = pl.Series(np.ascontiguousarray(series[name], dtype=np.int64).reshape(-1))
    header = (
        "date",
        "province",
        "provinceCode",
        "city",
        "cityCode",
        "confirmed",
        "suspected",
        "cured",
        "dead",
    )
    return pl.DataFrame(columns).select(*header, "county", "countyCode", "asymptomatic")
