"""Snapshots the query tests ask: the tiny one, and random ones with holes in every table."""

from __future__ import annotations

import random
from datetime import date, datetime, timedelta
from pathlib import Path

from dashboard.auth.scope import build_scope
from dashboard.snapshot.contract import AGE_BANDS, FEEDS, RISK_LEVELS
from dashboard.snapshot.publish import write_snapshot
from dashboard.snapshot.store import Store
from queries.run import View
from tests.queries.desk_worlds import random_desks
from tests.queries.preview_worlds import random_cohorts
from tests.tiny import CHENGDU, MIANYANG, SICHUAN, frame, tiny_tables

FIRST = date(2022, 8, 20)
DAYS = tuple(FIRST + timedelta(days=n) for n in range(12))
COUNTIES = ("510104", "510105", "510107", "510703", "510704", "5101F1")
CASE_AREAS = (*COUNTIES[:4], MIANYANG, SICHUAN)
COLOURS = {
    "green": ("no_risk",),
    "yellow": ("near_risk_area", "time_space_overlap"),
    "red": ("close_contact", "test_positive"),
    "grey": ("no_risk",),
}

KNOWN = datetime(2022, 8, 31, 20, 0)
RESTATED = (
    ("code_stock", "holders", "red"),
    ("case_daily", "confirmed_new", "local"),
    ("scan_hourly", "scans", ""),
)

Tables = dict[str, list[tuple[object, ...]]]


def random_tables(seed: int) -> Tables:
    """Rows of every table: areas and days are missing at random, counts are small or zero at random."""
    rng = random.Random(seed)
    tables: Tables = {name: [] for name in ("code_stock", "code_flow", "scan_hourly", "case_daily")}
    people = lambda: rng.choice((0, 0, rng.randrange(1, 12), rng.randrange(10, 5000)))  # noqa: E731
    for day in DAYS:
        for area in COUNTIES:
            if rng.random() < 0.2:
                continue
            for colour, reasons in COLOURS.items():
                for reason in reasons:
                    for band in rng.sample(AGE_BANDS, rng.randrange(0, 3)):
                        tables["code_stock"].append((day, area, colour, reason, band, people()))
            ways = [(a, b, r) for a in (*COLOURS, "none") for b in COLOURS for r in COLOURS[b]]
            for before, after, reason in rng.sample(ways, rng.randrange(0, 6)):
                count = people()
                row = (day, area, before, after, reason, rng.choice(("rule", "manual")), count, count * 2)
                tables["code_flow"].append(row)
            for hour in rng.sample(range(24), rng.randrange(0, 4)):
                row = (day, hour, area, "mall", people(), people(), people(), people(), people(), people())
                tables["scan_hourly"].append(row)
        for area in CASE_AREAS:
            for origin in ("imported", "unallocated") if area == SICHUAN else ("local",):
                if rng.random() < 0.9:
                    new, total = rng.choice((-1, 0, 0, 0, 1, 7)), rng.randrange(0, 60)
                    row = (day, area, origin, new, None, None, 0, total, new < 0)
                    tables["case_daily"].append(row)
    tables["risk_place"] = [row for n in range(25) for row in _random_place(rng, n)]
    tables["restated"] = [
        (day, area, table, measure, part, old, old + n, "corrected", f"2022081{n}T2100-0123456789ab", KNOWN)
        for day in DAYS
        for area in (SICHUAN, CHENGDU, MIANYANG, *COUNTIES)
        for table, measure, part in RESTATED
        for n in range(1, rng.randrange(1, 4))
        for old in (rng.choice((0, 3, 40)),)
    ]
    tables["area"] = list(tiny_tables()["area"].iter_rows())
    tables["feed_state"] = [
        (feed.id, feed.department, "late", datetime(2022, 8, 31), None, n, 0, None, None)
        for n, feed in enumerate(FEEDS)
    ]
    tables["feed_reject"] = [("cases", "future_date", seed + 1)]
    return tables | random_desks(rng) | random_cohorts(seed, COUNTIES, DAYS)


def _random_place(rng: random.Random, n: int) -> list[tuple[object, ...]]:
    """A place listed once, or again at another level: on the same day, the next one, or later."""
    area, start, rows = rng.choice(COUNTIES), rng.randrange(0, 6), []
    for _ in range(rng.randrange(1, 4)):
        end = start + rng.randrange(0, 4)
        listed_to = DAYS[end] if end < len(DAYS) - 1 else None
        level = rng.choice([at for at in RISK_LEVELS if not rows or at != rows[-1][3]])
        source = datetime(2022, 8, 20, 8) + timedelta(days=end)
        rows.append(
            (f"p{n}", area, f"某小区{n}栋", level, "compound-7+3", DAYS[start], listed_to, None, None, source)
        )
        start = end + rng.randrange(0, 3)
        if listed_to is None or start >= len(DAYS) or any(DAYS[start] == row[5] for row in rows):
            break
    return rows


def write_world(root: Path, tables: Tables) -> str:
    """Write rows as a snapshot and return its id."""
    manifest = write_snapshot(
        root,
        {name: frame(name, rows) for name, rows in tables.items()},
        data_time=datetime(2022, 8, 31, 21, 0),
        built_at=datetime(2022, 8, 31, 21, 12),
        policy_version=1,
        synthetic=True,
        feeds={},
    )
    return manifest.id


def view_of(root: Path, snapshot_id: str, *roots: str) -> View:
    """A view of a snapshot through a scope of its own; the province without roots named."""
    return View(Store(root), snapshot_id, build_scope(roots or (SICHUAN,)))


__all__ = ["CHENGDU", "COUNTIES", "DAYS", "MIANYANG", "SICHUAN", "random_tables", "view_of", "write_world"]
