"""When and where codes are shown and scanned: hours of the day, weekdays, venue categories, holidays."""

from __future__ import annotations

import numpy as np

from dashboard.demo.story import HOLIDAYS, SCHOOL_RUSH, Calendar, Floats
from dashboard.snapshot.contract import VENUE_CATEGORIES

# Weight of each hour 0-23; a zero is a closed door, so that the hour is a true zero.
_HOURS: dict[str, tuple[float, ...]] = {
    "transport": (1, 0, 0, 0, 1, 4, 9, 14, 15, 12, 10, 9, 9, 9, 9, 10, 12, 14, 13, 10, 8, 6, 4, 2),
    "school": (0, 0, 0, 0, 0, 0, 2, 20, 16, 4, 2, 4, 8, 9, 4, 3, 8, 12, 5, 2, 1, 1, 0, 0),
    "hospital": (1, 1, 1, 1, 1, 1, 3, 10, 16, 15, 12, 8, 5, 7, 11, 10, 7, 4, 3, 3, 2, 2, 1, 1),
    "market": (0, 0, 0, 0, 0, 3, 9, 13, 14, 12, 9, 6, 4, 4, 5, 7, 10, 10, 6, 2, 1, 0, 0, 0),
    "mall": (0, 0, 0, 0, 0, 0, 0, 0, 1, 4, 8, 10, 11, 10, 9, 9, 9, 10, 12, 13, 10, 5, 0, 0),
    "office": (0, 0, 0, 0, 0, 0, 1, 8, 24, 17, 4, 3, 5, 9, 8, 3, 2, 3, 2, 1, 1, 0, 0, 0),
    "scenic": (0, 0, 0, 0, 0, 0, 0, 1, 4, 10, 14, 12, 8, 10, 13, 11, 7, 3, 1, 0, 0, 0, 0, 0),
    "residential": (1, 1, 0, 0, 0, 1, 4, 8, 8, 6, 5, 6, 7, 5, 5, 5, 7, 10, 12, 11, 9, 7, 4, 2),
}
# Monday to Sunday.
_WEEK: dict[str, tuple[float, ...]] = {
    "transport": (1.0, 0.95, 0.95, 0.97, 1.15, 1.1, 1.1),
    "school": (1.05, 1.0, 1.0, 1.0, 0.98, 0.12, 0.08),
    "hospital": (1.2, 1.05, 1.0, 1.0, 1.0, 0.8, 0.7),
    "market": (0.95, 0.95, 0.95, 0.97, 1.0, 1.15, 1.15),
    "mall": (0.85, 0.85, 0.87, 0.9, 1.1, 1.4, 1.35),
    "office": (1.06, 1.04, 1.03, 1.02, 0.98, 0.25, 0.15),
    "scenic": (0.6, 0.6, 0.65, 0.7, 0.95, 1.9, 1.8),
    "residential": (0.98, 0.98, 0.98, 0.98, 1.0, 1.05, 1.05),
}
# Codes shown per resident and day; 亮码 are more than 扫码 because a guard's glance is no scan.
SHOWS = np.array([0.75, 0.30, 0.14, 0.80, 0.70, 0.55, 0.06, 1.10])
SCANNED = np.array([0.62, 0.35, 0.70, 0.38, 0.45, 0.50, 0.55, 0.30])
# Residents per venue.
VENUE_SIZE = np.array([4_000, 6_000, 9_000, 1_500, 2_500, 900, 25_000, 1_100])


def hour_shares() -> Floats:
    """[category, hour], each category adding up to 1."""
    table = np.array([_HOURS[category] for category in VENUE_CATEGORIES], dtype=float)
    return np.asarray(table / table.sum(axis=1, keepdims=True))


def day_factors(calendar: Calendar) -> Floats:
    """[delivered day, category]: weekday, school rush and holidays, festival travel."""
    week = np.array([_WEEK[category] for category in VENUE_CATEGORIES])
    factors = week[:, [day.weekday() for day in calendar.dates]].T.copy()
    offsets = calendar.offsets[-calendar.days :]
    column = {category: index for index, category in enumerate(VENUE_CATEGORIES)}
    factors[np.isin(offsets, SCHOOL_RUSH), column["school"]] *= 2.6
    factors[offsets >= HOLIDAYS, column["school"]] *= 0.12
    travel = calendar.homecoming[-calendar.days :]
    factors[:, column["transport"]] *= 1 + 0.8 * travel
    factors[:, column["market"]] *= 1 + 0.35 * travel
    factors[:, column["mall"]] *= 1 + 0.25 * travel
    return factors
