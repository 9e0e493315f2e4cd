"""Random rows of the tables of the desks: appeals, the hotline, screening, tests, vaccination, look-ups."""

from __future__ import annotations

import random
from datetime import date, datetime, timedelta

from dashboard.snapshot.contract import (
    SERVICES,
    TEST_BASES,
    TICKET_AGES,
    TICKET_CATEGORIES,
    TICKET_CHANNELS,
    VACCINE_GROUPS,
)

FIRST = date(2022, 8, 20)
DAYS = tuple(FIRST + timedelta(days=n) for n in range(12))
COUNTIES = ("510104", "510105", "510107", "510703", "510704", "5101F1")
MOMENTS = (datetime(2022, 8, 30, 21), datetime(2022, 8, 31, 21))

Tables = dict[str, list[tuple[object, ...]]]


def random_desks(rng: random.Random) -> Tables:
    """Rows of each table: areas and days are missing at random, counts are small or zero at random."""
    tables: Tables = {}
    for day in DAYS:
        for area in COUNTIES:
            if rng.random() < 0.8:
                for name, rows in _of_a_county(rng, day, area).items():
                    tables.setdefault(name, []).extend(rows)
        for half in rng.sample(range(48), 5):
            offered = _few(rng)
            answered = rng.randrange(0, offered + 1)
            wait = 8 if answered else None
            row = (day, half, offered, answered, rng.randrange(0, answered + 1), wait, 20)
            tables.setdefault("hotline_halfhour", []).append(row)
    for moment in MOMENTS:
        for area in rng.sample(COUNTIES, 4):
            for topic in rng.sample(TICKET_CATEGORIES, 2):
                for age in rng.sample(TICKET_AGES, 2):
                    count = _few(rng)
                    row = (moment, area, topic, age, count, rng.randrange(1, 300) if count else None)
                    tables.setdefault("ticket_backlog", []).append(row)
        for area in rng.sample(COUNTIES, 4):
            for basis in TEST_BASES:
                for hours in rng.sample(range(0, 192, 24), 4):
                    row = (moment, area, basis, hours, _few(rng))
                    tables.setdefault("test_validity", []).append(row)
    tables["institution"] = [
        (
            f"jg-{n}",
            rng.choice(COUNTIES),
            f"示例检测点{n}",
            104.0,
            30.6,
            8,
            20,
            rng.choice((None, 500)),
            FIRST,
        )
        for n in range(12)
    ]
    for name, began in (("a", DAYS[1]), ("b", DAYS[1]), ("c", DAYS[6])):
        row = (name, rng.choice(COUNTIES), f"示例疫情{name}", f"Example {name}", began, None)
        tables.setdefault("incident", []).append(row)
        tables.setdefault("funnel", []).extend(_funnel(rng, name))
    return tables


def _funnel(rng: random.Random, incident: str) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    for number, stage in enumerate(("near_places", "sources_joined"), start=1):
        at = datetime(2022, 8, 21 + number, 6)
        for area in rng.sample(COUNTIES, 4):
            for reason in ("elsewhere", "kept", "no_overlap"):
                people = _few(rng)
                kept = people if reason == "kept" else 0
                key = (incident, stage, number, area, reason)
                rows.append((*key, people, kept, people - kept, at))
    return rows


def _few(rng: random.Random) -> int:
    return rng.choice((0, rng.randrange(1, 12), rng.randrange(10, 5000)))


def _of_a_county(rng: random.Random, day: date, area: str) -> Tables:
    tables: Tables = {"ticket_daily": []}
    rules = [("time_space_overlap", 1), ("time_space_overlap", 2), ("none", 1)]
    for channel in rng.sample(TICKET_CHANNELS, 2):
        for reason, version in rng.sample(rules, 2):
            closed = _few(rng)
            upheld = rng.randrange(0, closed + 1)
            key = (day, area, channel, rng.choice(TICKET_CATEGORIES), reason, version)
            tables["ticket_daily"].append((*key, _few(rng), closed, upheld, rng.randrange(0, 3), closed * 7))
    pushed = _few(rng)
    returned = rng.randrange(0, pushed + 1)
    overdue = rng.choice((0, pushed - returned))
    tables["pushed_list_daily"] = [(day, area, pushed, returned, overdue)]
    close, secondary = _few(rng), _few(rng)
    reached = rng.randrange(0, close + secondary + 1)
    lost = rng.choice((0, close + secondary - reached))
    tables["contact_daily"] = [(day, area, close, secondary, reached, lost, rng.randrange(0, 4))]
    sampled = _few(rng)
    tested = rng.randrange(0, sampled + 1)
    reported = rng.randrange(0, tested + 1)
    row = (
        day,
        area,
        sampled,
        tested,
        reported,
        rng.randrange(0, reported + 1),
        rng.randrange(0, reported + 1),
    )
    tables["test_daily"] = [row]
    tables["vaccination_daily"] = [
        (day, area, group, dose, _few(rng), _few(rng))
        for group in rng.sample(VACCINE_GROUPS, 2)
        for dose in rng.sample((1, 2, 3), 2)
    ]
    for service in rng.sample(SERVICES, 3):
        asked = _few(rng)
        row = (day, area, service, asked, rng.randrange(0, asked + 1), 150 + asked if asked else None)
        tables.setdefault("service_daily", []).append(row)
    return tables
