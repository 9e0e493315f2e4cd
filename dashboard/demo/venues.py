"""An invented register of venues: a few hundred thousand places around the seats of the counties."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from dashboard.demo.rhythm import VENUE_SIZE
from dashboard.demo.story import Floats, Ints, stream
from dashboard.demo.world import World
from dashboard.snapshot.contract import VENUE_CATEGORIES
from geo.boundaries import load_boundaries
from geo.gcj02 import wgs84_to_gcj02

_NEW_TODAY = 0.0004
_SHIFTED = 0.5  # half of the register comes from makers of web maps


@dataclass(frozen=True, eq=False)
class Venues:
    """One row per venue: id, row of its county in the world, number of its category, how many visit it."""

    ids: Ints
    county: Ints
    category: Ints
    size: Floats


def build_venues(world: World, *, seed: int, share: float = 1.0) -> Venues:
    """Venues by residents and category, at least one of each in a county; ``share`` makes it smaller."""
    random = stream(seed, "venues")
    counts = np.maximum(1, (world.residents[:, None] / VENUE_SIZE * share).astype(np.int64))
    county, category = (axis.reshape(-1) for axis in np.indices(counts.shape))
    rows = np.repeat(np.arange(counts.size), counts.reshape(-1))
    order = random.permutation(len(rows))  # ids say nothing about the place
    county, category = county[rows][order].astype(np.int16), category[rows][order].astype(np.int8)
    per_venue = (world.residents[:, None] / counts)[county, category]
    return Venues(
        ids=np.arange(1, len(order) + 1, dtype=np.int32),
        county=county,
        category=category,
        size=per_venue * random.pareto(2.2, len(order)),
    )


def write_venues(folder: Path, day: date, world: World, venues: Venues, *, seed: int) -> int:
    """Write ``folder/venues.parquet`` as a department would and return its rows."""
    folder.mkdir(parents=True, exist_ok=True)
    random = stream(seed, "venue places")
    seats, reach = _counties(world)
    n = len(venues.ids)
    # Dense in the middle of the county, thinning out towards its edge.
    points = (
        seats[venues.county] + random.normal(0, 0.2, (n, 2)) * random.random((n, 1)) * reach[venues.county]
    )
    shifted = random.random(n) < _SHIFTED
    points[shifted] = wgs84_to_gcj02(points[shifted])
    age = random.integers(1, 600, n)
    age[random.random(n) < _NEW_TODAY] = 0
    frame = pl.DataFrame(
        {
            "venue_id": venues.ids,
            "area_code": pl.Series(world.codes).gather(venues.county.astype(np.int64)),
            "category": pl.Series(VENUE_CATEGORIES).gather(venues.category.astype(np.int64)),
            "lon": points[:, 0],
            "lat": points[:, 1],
            "crs": pl.Series(["WGS84", "GCJ02"]).gather(shifted.astype(np.int64)),
            "registered_at": pl.Series([day - timedelta(days=d) for d in range(600)]).gather(age),
        }
    )
    frame.write_parquet(folder / "venues.parquet", compression="zstd", statistics=True)
    return n


def _counties(world: World) -> tuple[Floats, Floats]:
    """A point inside each county and its half-width and half-height: longitude and latitude."""
    boundaries = load_boundaries(file=None, crs="")
    inside = {
        str(feature["properties"]["code"]): feature["properties"]["centroid"]
        for feature in boundaries.collection("county")["features"]
    }
    corners = np.array([boundaries.bounds(code) for code in world.codes])
    half = (corners[:, 1] - corners[:, 0])[:, ::-1] / 2
    return np.array([inside[code] for code in world.codes], dtype=float), half
