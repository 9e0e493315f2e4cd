"""All daily tables beside codes, scans, cases and risk places, by name, as they are delivered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import polars as pl

from dashboard.demo import desks, health, load, places, releases, watch
from dashboard.demo.codes import CodeHistory
from dashboard.demo.cohorts import Cohort
from dashboard.demo.outbreak import Outbreak
from dashboard.demo.story import Calendar
from dashboard.demo.world import World

DAILY_TABLES = (
    "code_release",
    "code_cohort",
    "code_channel",
    "adoption_daily",
    "integrity",
    "venue_daily",
    "arrival_daily",
    "institution",
    "incident",
    "funnel",
    "test_daily",
    "test_validity",
    "vaccination_daily",
    "contact_daily",
    "pushed_list_daily",
    "ticket_daily",
    "ticket_backlog",
    "hotline_halfhour",
    "load_minute",
    "service_daily",
)


def daily_tables(
    world: World,
    calendar: Calendar,
    outbreak: Outbreak,
    cohorts: Sequence[Cohort],
    history: CodeHistory,
    *,
    flow: pl.DataFrame,
    scans: pl.DataFrame,
    seed: int,
    short: bool,
) -> Iterator[tuple[str, pl.DataFrame]]:
    """Name and rows of each table. ``flow`` is ``code_flow``, ``scans`` are of a day, county and category."""
    yield "code_release", releases.release_frame(cohorts, world, calendar, seed=seed)
    yield "code_cohort", releases.cohort_frame(cohorts, world, calendar, seed=seed)
    yield "code_channel", releases.channel_frame(history, world, calendar)
    yield "adoption_daily", releases.adoption_frame(history, world, calendar, seed=seed)
    yield "integrity", watch.integrity_frame(flow)
    yield "venue_daily", places.venue_frame(scans, world, calendar, seed=seed)
    yield "arrival_daily", places.arrival_frame(world, calendar, seed=seed)
    institutions = places.institution_frame(world, calendar, seed=seed)
    if institutions is not None:
        yield "institution", institutions
    yield "incident", watch.incident_frame(calendar)
    yield "funnel", watch.funnel_frame(cohorts, world, calendar, seed=seed)
    taken = health.sampled(world, calendar, seed=seed)
    yield "test_daily", health.tests_frame(taken, outbreak, world, calendar, seed=seed)
    yield "test_validity", health.validity_frame(taken, history, world, calendar)
    yield "vaccination_daily", health.vaccination_frame(world, calendar, seed=seed)
    yield "contact_daily", health.contact_frame(cohorts, outbreak, world, calendar, seed=seed)
    yield "pushed_list_daily", health.pushed_frame(world, calendar, seed=seed)
    cases, backlog = desks.ticket_frames(world, calendar, seed=seed)
    yield "ticket_daily", cases
    yield "ticket_backlog", backlog
    yield "hotline_halfhour", desks.hotline_frame(calendar, seed=seed)
    yield "load_minute", load.load_frame(world, calendar, taken, seed=seed, short=short)
    yield "service_daily", load.service_frame(world, calendar, taken, seed=seed)
