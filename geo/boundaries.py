"""The boundaries a board draws: an approved file of the user, the package, or the tile map.

Everything is WGS84 from here on. Levels are joined from the counties, so the line of a city is the
line of its counties, and neighbours share their corners after simplification.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import shapely
from shapely.geometry.base import BaseGeometry

from geo.areas import PROVINCE, children
from geo.boundary_file import (
    BoundaryFileRejected,
    BoundaryReport,
    check_boundary_file,
    read_boundary_file,
)
from geo.boundary_set import BoundarySet, Bounds, FeatureCollection, Source, build_boundary_set
from geo.package_shapes import REVIEW, find_package, read_package
from geo.tilemap import build_tilemap

__all__ = [
    "BoundaryFileRejected",
    "BoundaryReport",
    "BoundarySet",
    "Bounds",
    "FeatureCollection",
    "Source",
    "check_boundary_file",
    "load_boundaries",
]

# Degrees, square root of the triangle that may go. A pixel of the whole province on a laptop is about
# 0.012 degrees, of one city 0.002.
_OVERVIEW = 0.012
_DETAIL = 0.004


def load_boundaries(*, file: Path | None, crs: str) -> BoundarySet:
    """Boundaries of the province, read once at start (0.4 s for the package).

    ``file`` is the user's own GeoJSON or GeoPackage, ``crs`` its CRS where undeclared ('' for none).
    Raises ``BoundaryFileRejected`` (a ``BoundaryError``) with the report of the check.
    """
    if file is not None:
        return _from_counties(read_boundary_file(file, crs), source="file", review="")
    package = find_package()
    if package is None:
        return build_tilemap()
    return _from_counties(read_package(package), source="package", review=REVIEW)


def _from_counties(shapes: Mapping[str, BaseGeometry], *, source: Source, review: str) -> BoundarySet:
    codes, raw = list(shapes), list(shapes.values())
    coarse = dict(zip(codes, shapely.coverage_simplify(raw, _OVERVIEW), strict=True))
    fine = dict(zip(codes, shapely.coverage_simplify(raw, _DETAIL), strict=True))
    cities = {
        city.code: shapely.union_all([coarse[a.code] for a in children(city.code) if a.code in coarse])
        for city in children(PROVINCE)
    }
    whole = {PROVINCE: shapely.union_all(list(cities.values()))}
    return build_boundary_set(
        source=source, review=review, overview={**whole, **cities, **coarse}, detail=fine
    )
