"""A schematic map of our own for a board without any boundary file: one square per area.

Each city is a square on a grid laid by hand to resemble the province; its counties fill that square
by code. The coordinates are no place on earth: they lie at the equator, where a degree is as wide as
it is high on the screen.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil, sqrt

import shapely
from shapely.geometry.base import BaseGeometry

from geo.areas import PROVINCE, children
from geo.boundary_set import BoundarySet, build_boundary_set

# West to east, north to south: the first row is 阿坝 绵阳 广元 巴中, the second 甘孜 成都 德阳 南充 达州.
_GRID = (
    ("", "513200", "510700", "510800", "511900"),
    ("513300", "510100", "510600", "511300", "511700"),
    ("511800", "511400", "512000", "510900", "511600"),
    ("513400", "511100", "510300", "511000", ""),
    ("510400", "", "511500", "510500", ""),
)
_CITY_MARGIN = 0.03
_COUNTY_MARGIN = 0.01


def build_tilemap() -> BoundarySet:
    """The tile map in the form of every other boundary set, so the same code draws it."""
    cities: dict[str, BaseGeometry] = {}
    counties: dict[str, BaseGeometry] = {}
    for row, codes in enumerate(_GRID):
        for column, code in enumerate(codes):
            if code:
                cities[code] = _square(column, -row - 1, 1.0, _CITY_MARGIN)
                counties |= _block(code, column, -row - 1)
    whole = {PROVINCE: shapely.box(0, -len(_GRID), len(_GRID[0]), 0)}
    return build_boundary_set(
        source="tilemap", review="", overview={**whole, **cities, **counties}, detail=counties
    )


def _square(west: float, south: float, size: float, margin: float) -> BaseGeometry:
    return shapely.box(west + margin, south + margin, west + size - margin, south + size - margin)


def _block(city: str, column: int, south: int) -> Mapping[str, BaseGeometry]:
    """The counties of one city, row by row from the north-west corner of its square."""
    codes = [area.code for area in children(city) if area.level == "county"]
    across = ceil(sqrt(len(codes)))
    size = (1 - 2 * _CITY_MARGIN) / across
    top = south + 1 - _CITY_MARGIN
    return {
        code: _square(
            column + _CITY_MARGIN + size * (i % across), top - size * (i // across + 1), size, _COUNTY_MARGIN
        )
        for i, code in enumerate(codes)
    }
