"""The watch over code changes, and the screening of the outbreak: incident and funnel."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time

import numpy as np
import polars as pl

from dashboard.demo.cohorts import Cohort
from dashboard.demo.story import NEAR_PEOPLE, OUTBREAK, OVERLAP_COUNTIES, PIDU, WAVE, Calendar, Ints, stream
from dashboard.demo.world import World
from dashboard.snapshot.contract import KEPT

INCIDENT = "pidu-demo"
MANY_BY_HAND = 200  # changes to red by hand in a county on a day that the watch lists
_FAR_SHARE = 0.663  # of them, from a venue code far away
_STAGES = (
    ("near_places", (("elsewhere", 0.55), ("passing_through", 0.3), ("same_person", 0.15)), time(6, 10)),
    ("sources_joined", (("no_overlap", 0.7), ("negative_test", 0.22), ("left_province", 0.08)), time(9, 40)),
)


def integrity_frame(flow: pl.DataFrame) -> pl.DataFrame:
    """``integrity`` rows: red codes by hand in number, from afar, and emergency colours in bulk."""
    changes = pl.col("changes")
    keys = ["date", "area", "reason", "actor"]
    to_red = flow.filter((pl.col("actor") == "manual") & (pl.col("to_colour") == "red")).group_by(keys)
    by_hand = to_red.agg(changes.sum()).filter(changes >= MANY_BY_HAND)
    bulk = flow.filter(
        (pl.col("actor") == "batch") & pl.col("reason").is_in(["emergency_red", "emergency_yellow"])
    )
    bulk = bulk.filter(pl.col("to_colour").is_in(["red", "yellow"])).group_by(keys).agg(changes.sum())
    far = by_hand.with_columns((changes * _FAR_SHARE).cast(pl.Int64))
    found = {"by_hand": by_hand, "far_from_venue": far, "in_bulk": bulk}
    rows = pl.concat([frame.with_columns(pl.lit(name).alias("finding")) for name, frame in found.items()])
    return rows.select("date", "area", "finding", "reason", "actor", "changes").sort(
        "date", "area", "finding", "reason"
    )


def incident_frame(calendar: Calendar) -> pl.DataFrame:
    """The one row of ``incident``."""
    return pl.DataFrame(
        {
            "incident": [INCIDENT],
            "area": [PIDU],
            "name_zh": ["郫都区示例疫情"],
            "name_en": ["Example outbreak in Pidu"],
            "began": [calendar.day(OUTBREAK)],
            "ended": pl.Series([None], dtype=pl.Date),
        }
    )


def funnel_frame(cohorts: Sequence[Cohort], world: World, calendar: Calendar, *, seed: int) -> pl.DataFrame:
    """``funnel`` rows: 800,000 people near the cases, the net of yellow codes, the contacts among them.

    Those kept by the first stage are the people whose code the net turned yellow; those kept by the second
    are the contacts that were traced.
    """
    random = stream(seed, "funnel")
    net = next(c for c in cohorts if c.reason == "time_space_overlap" and c.actor_out == "batch")
    netted, traced = net.entered.sum(axis=(0, 2)), net.traced.sum(axis=(0, 2))
    cities = {world.city_codes[world.row(code)] for code in OVERLAP_COUNTIES}
    around = np.where(np.isin(world.city_codes, list(cities)), world.residents, 0.0)
    weights = 0.7 * netted / netted.sum() + 0.3 * around / around.sum()
    first = random.multinomial(NEAR_PEOPLE - int(netted.sum()), weights)
    parts = [
        _stage(random, world, calendar, 1, kept=netted, dropped=first, day=WAVE[0][0]),
        _stage(random, world, calendar, 2, kept=traced, dropped=netted - traced, day=WAVE[-1][0]),
    ]
    return pl.concat(parts)


def _stage(
    random: np.random.Generator,
    world: World,
    calendar: Calendar,
    number: int,
    *,
    kept: Ints,
    dropped: Ints,
    day: int,
) -> pl.DataFrame:
    name, reasons, clock = _STAGES[number - 1]
    by_reason = random.multinomial(dropped, [share for _, share in reasons])
    people = np.column_stack([kept, by_reason])
    county, column = np.nonzero(people)
    count = pl.Series(people[county, column], dtype=pl.Int64)
    stays = pl.Series(column == 0)
    zero = pl.Series(np.zeros(len(county), dtype=np.int64))
    return pl.DataFrame(
        {
            "incident": [INCIDENT] * len(county),
            "stage": [name] * len(county),
            "stage_no": pl.Series([number] * len(county), dtype=pl.Int32),
            "area": pl.Series(list(world.codes)).gather(county),
            "drop_reason": pl.Series([KEPT, *(reason for reason, _ in reasons)]).gather(column),
            "entered": count,
            "kept": count.zip_with(stays, zero),
            "dropped": zero.zip_with(stays, count),
            "computed_at": [datetime.combine(calendar.day(day), clock)] * len(county),
        }
    )
