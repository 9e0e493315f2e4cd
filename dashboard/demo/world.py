"""The counties of the demo data as arrays: residents, how many hold a code, who travels home."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dashboard.demo.story import AIRPORT_COUNTY, DEPARTING, HOMECOMING, Floats, stream
from geo.areas import PROVINCE, Area, all_areas, get_area

AGES = ("0-14", "15-59", "60-79", "80+", "unknown")
AGE_SHARE = np.array([0.161, 0.622, 0.188, 0.029])  # 7th census, province
AGE_HOLDING = np.array([0.60, 1.10, 0.75, 0.45])  # how readily an age holds a code, before family codes
UNKNOWN_AGE = 0.004  # holders registered without a date of birth
# Ages as they occur among red and yellow codes: people who move about.
AGE_MOBILE = np.array([0.09, 0.76, 0.13, 0.02])


@dataclass(frozen=True, eq=False)
class World:
    """One row per county, sorted by code.

    ``residents`` in people; ``holders`` is the starting number of code holders per county and age band;
    ``returning`` the share of residents who come home for the festival; the ``by_*`` weights add up to 1.
    """

    counties: tuple[Area, ...]
    residents: Floats
    holders: Floats
    returning: Floats
    departing: Floats
    by_residents: Floats
    by_travel: Floats
    by_abroad: Floats

    @property
    def codes(self) -> tuple[str, ...]:
        return tuple(county.code for county in self.counties)

    def row(self, code: str) -> int:
        return self.codes.index(code)

    @property
    def city_codes(self) -> tuple[str, ...]:
        """City of each county."""
        return tuple(county.city for county in self.counties)


def build_world(seed: int) -> World:
    """The 183 counties in force today, with residents of the area table."""
    random = stream(seed, "world")
    counties = tuple(area for area in all_areas() if area.level == "county")
    residents = np.array([area.residents or 0 for area in counties], dtype=float)
    capital = np.array([area.city == "510100" for area in counties])
    returning = np.array([HOMECOMING.get(area.city, 0.02) for area in counties])
    # A region whose people work elsewhere holds fewer codes than it has residents, until they come home.
    ratio = np.where(capital, 1.12, 0.97 - returning) * random.uniform(0.97, 1.03, len(counties))
    shares = AGE_SHARE * AGE_HOLDING / (AGE_SHARE * AGE_HOLDING).sum()
    known = np.outer(residents * ratio, shares)
    holders = np.column_stack([known, known.sum(axis=1) * UNKNOWN_AGE])
    travel = residents * returning
    abroad = residents * np.where(capital, 3.0, 0.3)
    abroad[[area.code == AIRPORT_COUNTY for area in counties]] *= 8
    return World(
        counties=counties,
        residents=residents,
        holders=holders,
        returning=returning * random.uniform(0.9, 1.1, len(counties)),
        departing=np.array([DEPARTING.get(area.city, 0.0) for area in counties]),
        by_residents=residents / residents.sum(),
        by_travel=travel / travel.sum(),
        by_abroad=abroad / abroad.sum(),
    )


def city_name(code: str) -> str:
    return get_area(code).name_zh


def province_name() -> str:
    return get_area(PROVINCE).name_zh
