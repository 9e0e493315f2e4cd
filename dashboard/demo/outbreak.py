"""Cases of the invented outbreak per simulated day and county, and the trickle of imported ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dashboard.demo.story import PLACES, Calendar, Ints, stream
from dashboard.demo.world import World


@dataclass(frozen=True, eq=False)
class Outbreak:
    """New cases: ``confirmed`` and ``asymptomatic`` as [day, county]; imported ones as [day]."""

    confirmed: Ints
    asymptomatic: Ints
    imported_confirmed: Ints
    imported_asymptomatic: Ints


def build_outbreak(world: World, calendar: Calendar, seed: int) -> Outbreak:
    """Spread the cases of each risk place over its days; its first and last day always have one."""
    random = stream(seed, "outbreak")
    days = len(calendar.offsets)
    confirmed = np.zeros((days, len(world.counties)), dtype=np.int64)
    for place in PLACES:
        span = np.arange(place.first_case, place.last_case + 1)
        column = np.zeros(len(span), dtype=np.int64)
        fixed = {0, len(span) - 1}
        column[sorted(fixed)] = 1
        rise = np.linspace(0, 1, len(span) + 2)[1:-1]
        bell = rise * (1 - rise) ** 2
        column += random.multinomial(place.cases - len(fixed), bell / bell.sum())
        for offset, cases in zip(span, column, strict=True):
            # A short calendar with its warm-up always reaches back beyond the outbreak.
            confirmed[np.flatnonzero(calendar.offsets == offset), world.row(place.county)] += cases
    return Outbreak(
        confirmed=confirmed,
        asymptomatic=random.binomial(confirmed * 2, 0.11).astype(np.int64),
        imported_confirmed=random.poisson(1.6, days).astype(np.int64),
        imported_asymptomatic=random.poisson(1.1, days).astype(np.int64),
    )
