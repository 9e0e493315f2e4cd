"""Random tables an impact preview reads, and rules the questions of the preview are asked with."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import date, datetime

from dashboard.snapshot.contract import TEST_BASES, TICKET_AGES, TICKET_CATEGORIES

Rows = list[tuple[object, ...]]
REASONS = ("time_space_overlap", "close_contact", "confirmed", "suspected")
OLD, NEW = datetime(2022, 8, 30, 21, 0), datetime(2022, 8, 31, 21, 0)


def random_cohorts(seed: int, counties: Sequence[str], days: Sequence[date]) -> dict[str, Rows]:
    """Cohorts, validity of tests, venues and appeals; areas, days and moments are missing at random."""
    rng = random.Random(seed + 1000)
    people = lambda: rng.choice((0, rng.randrange(1, 12), rng.randrange(10, 5000)))  # noqa: E731
    tables: dict[str, Rows] = {
        name: [] for name in ("code_cohort", "test_validity", "venue_daily", "ticket_daily", "ticket_backlog")
    }
    for area in counties:
        for moment in (OLD, NEW):
            if rng.random() < 0.25:
                continue
            for reason in REASONS:
                for hours in rng.sample(range(0, 144, 24), 3):
                    row = (moment, area, reason, hours, rng.randrange(4), people())
                    tables["code_cohort"].append(row)
            for basis in TEST_BASES:
                for hours in rng.sample(range(0, 192, 24), 3):
                    tables["test_validity"].append((moment, area, basis, hours, people()))
            for age in rng.sample(TICKET_AGES, 2):
                row = (moment, area, rng.choice(TICKET_CATEGORIES), age, rng.randrange(40), None)
                tables["ticket_backlog"].append(row)
        for day in days:
            if rng.random() < 0.85:
                registered = rng.randrange(5, 12)
                silent = rng.randrange(registered + 1)
                row = (day, area, "mall", registered, registered - silent, silent, 0)
                tables["venue_daily"].append(row)
            if rng.random() < 0.6:
                reason = rng.choice((*REASONS, "none"))
                row = (day, area, "app", "wrong_code", reason, 1, rng.randrange(30), 3, 1, 0, 50)
                tables["ticket_daily"].append(row)
    return tables


def _pairs(*lines: str) -> tuple[str, ...]:
    """Rules of both sides; a line of one side only begins with its name."""
    return tuple(f"{side}|{line}" for line in lines for side in ("before", "after"))


# Each question with two sets of rules; sides that differ in one thing each.
PREVIEW_RULES: dict[str, tuple[tuple[str, ...], ...]] = {
    "preview_codes": (
        (
            "before|time_space_overlap|yellow|green|tests|96|1||event",
            "after|time_space_overlap|yellow|green|tests|48|2|30|event",
            "before|close_contact|red|green|time|96|||event",
            "after|close_contact|yellow|green|time|48|||event",
            "before|confirmed|red|green|time|48|||discharge",
            "after|confirmed|red|green|time|72|||discharge",
        ),
        (
            "before|time_space_overlap|yellow|green|tests||2|24|event",
            "after|time_space_overlap|yellow|green|tests||5|24|event",
            "before|close_contact|red|green|time|48|||event",
            "before|suspected|red|green|declared||||event",
            "after|suspected|red|green|declared|72|||event",
        ),
    ),
    "preview_tests": (
        ("before|mall|sampled|72", "after|mall|sampled|50"),
        ("before|mall|sampled|48", "after|mall|reported|200", *_pairs("school|tested|168")),
    ),
    "preview_crowds": (
        ("before|mall|100", "after|mall|9"),
        ("before|mall|1", "after|mall|4000", *_pairs("transport|3")),
    ),
    "preview_silent": (
        ("before|510100|72", "after|510100|24", *_pairs("510700|48")),
        ("before|510100|25", "after|510100|20", "before|510700|47", "after|510700|49"),
    ),
}
