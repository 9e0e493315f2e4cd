"""Venues, gateways and testing institutions of the demo data."""

from __future__ import annotations

import numpy as np
import polars as pl

from dashboard.demo.frames import daily_frame
from dashboard.demo.rhythm import VENUE_SIZE
from dashboard.demo.story import AIRPORT_COUNTY, SILENT_COUNTY, SILENT_DAYS, Calendar, Floats, stream
from dashboard.demo.world import World
from dashboard.snapshot.contract import VENUE_CATEGORIES
from geo.boundary_set import label_point
from geo.package_shapes import find_package, read_package

RAIL_COUNTY = "510108"  # 成都市成华区, the main railway station
AIR_CITIES = (
    "510100",
    "510500",
    "510700",
    "510800",
    "511300",
    "511500",
    "511700",
    "513200",
    "513300",
    "513400",
)
WATER_CITIES = ("510500", "511500")
_RISK_SHARE, _SCANNED_SHARE = 0.002, 0.93
_MODES = {"air": 0.08, "rail": 0.42, "coach": 0.22, "road": 0.27, "water": 0.01}


def venue_frame(scans: pl.DataFrame, world: World, calendar: Calendar, *, seed: int) -> pl.DataFrame:
    """``venue_daily`` rows from ``scans`` (date, area, category, scans); a silent county has none."""
    random = stream(seed, "venues")
    venues = np.ceil(world.residents[:, None] / VENUE_SIZE)[None]
    new = random.poisson(np.broadcast_to(venues * 0.0008, (calendar.days, *venues.shape[1:])))
    registered = np.ceil(venues * 1.15).astype(np.int64) + np.cumsum(new, axis=0)
    many = np.broadcast_to(venues, new.shape).astype(np.int64)
    labels = {"category": VENUE_CATEGORIES}
    rows = daily_frame(calendar, world.codes, labels, {"registered": registered, "new": new, "many": many})
    rows = rows.join(scans, on=["date", "area", "category"], how="left").with_columns(
        pl.col("scans").fill_null(0)
    )
    # As in the hours, scans fall on venues at random: the day has at least the venues of its busiest hour.
    spread = (pl.col("many") * (1 - (-pl.col("scans") / pl.col("many")).exp())).ceil().cast(pl.Int64)
    rows = rows.with_columns(pl.min_horizontal(spread, "scans").alias("active"))
    idle = (rows["registered"] - rows["active"]).to_numpy()
    rows = rows.with_columns(pl.Series("silent", random.binomial(idle, 0.7), dtype=pl.Int64))
    silent = (pl.col("area") == SILENT_COUNTY) & (pl.col("date") > calendar.day(-SILENT_DAYS))
    return rows.filter(~silent).select("date", "area", "category", "registered", "active", "silent", "new")


def arrival_frame(world: World, calendar: Calendar, *, seed: int) -> pl.DataFrame:
    """``arrival_daily`` rows of the gateways: one county of each city, the airport and the main station."""
    random = stream(seed, "arrivals")
    cities = np.array(world.city_codes)
    travelled = np.diff(calendar.homecoming, prepend=calendar.homecoming[:1])[-calendar.days :]
    week = np.array([1.25 if day.weekday() >= 4 else 1.0 for day in calendar.dates])
    parts = []
    for city in sorted(set(cities)):
        here = cities == city
        steady = world.residents[here].sum() * 0.0022
        home = (world.residents * world.returning)[here].sum()
        for mode, share in _MODES.items():
            if (mode == "air" and city not in AIR_CITIES) or (mode == "water" and city not in WATER_CITIES):
                continue
            gateway = world.codes[int(np.flatnonzero(here)[np.argmax(world.residents[here])])]
            if city == "510100":
                gateway = {"air": AIRPORT_COUNTY, "rail": RAIL_COUNTY}.get(mode, gateway)
            people = random.poisson((steady * week + home * travelled) * share)[:, None]
            measures = {
                "arrivals": people,
                "scanned": random.binomial(people, _SCANNED_SHARE),
                "from_risk": random.binomial(people, _RISK_SHARE),
            }
            parts.append(daily_frame(calendar, [gateway], {"mode": mode}, measures))
    return pl.concat(parts).sort("date", "area", "mode")


def institution_frame(world: World, calendar: Calendar, *, seed: int) -> pl.DataFrame | None:
    """``institution`` rows near the middle of their county; None without the package of boundaries."""
    package = find_package()
    if package is None:
        return None
    random = stream(seed, "institutions")
    shapes = read_package(package)
    middles: Floats = np.array([label_point(shapes[code]) for code in world.codes])
    number = 1 + (world.residents // 150_000).astype(int)
    county = np.repeat(np.arange(len(number)), number)
    order = np.concatenate([np.arange(n) for n in number]) + 1
    points = middles[county] + random.uniform(-0.012, 0.012, (len(county), 2))
    always = random.random(len(county)) < 0.15
    names = [f"{world.counties[c].name_zh}示例检测点{n}" for c, n in zip(county, order, strict=True)]
    return pl.DataFrame(
        {
            "institution": [f"{world.codes[c]}-{n:02d}" for c, n in zip(county, order, strict=True)],
            "area": pl.Series(list(world.codes)).gather(county),
            "name": names,
            "lon": points[:, 0].round(5),
            "lat": points[:, 1].round(5),
            "opens": pl.Series(np.where(always, 0, 8), dtype=pl.Int32),
            "closes": pl.Series(
                np.where(always, 24, random.choice([17, 18, 20], len(county))), dtype=pl.Int32
            ),
            "capacity": pl.Series(random.integers(4, 61, len(county)) * 500, dtype=pl.Int64),
            "updated": [calendar.day(-int(n)) for n in random.integers(0, 30, len(county))],
        }
    )
