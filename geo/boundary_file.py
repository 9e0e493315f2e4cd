"""A boundary file of the user's own: read with geopandas, checked in plain sentences.

Only the counties are needed; cities and the province are joined from them. GeoJSON without a ``crs``
member counts as undeclared although the standard says WGS84: files from Chinese web maps are
GCJ-02 and look the same.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from math import cos, radians
from pathlib import Path
from typing import TYPE_CHECKING

import shapely
from shapely.geometry.base import BaseGeometry

from dashboard.errors import BoundaryError
from geo.areas import all_areas, current_code, get_area, is_area
from geo.gcj02 import gcj02_to_wgs84

if TYPE_CHECKING:
    from geopandas import GeoDataFrame

CODE_COLUMNS = (
    "code",
    "adcode",
    "area_code",
    "district_adcode",
    "county_code",
    "xzqdm",
    "代码",
    "行政区划代码",
)
_KM_PER_DEGREE = 111.32
# A sliver of 10 hectares is what two careful digitisers leave along a river; more is a real overlap.
_OVERLAP_KM2 = 0.1
_PLACE = shapely.box(96.5, 25.5, 109.5, 35.0)
_LISTED = 10


@dataclass(frozen=True)
class BoundaryReport:
    """What the check of one file found; ``notes`` do not stop it from being drawn, ``problems`` do."""

    path: Path
    rows: int
    problems: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def ok(self) -> bool:
        return not self.problems


class BoundaryFileRejected(BoundaryError):
    """A boundary file with problems; ``report`` holds all of them."""

    def __init__(self, report: BoundaryReport) -> None:
        super().__init__(
            f"The boundary file {report.path.name} cannot be drawn: {' '.join(report.problems)}",
            todo="Mend the file, or unset TIANFU_BOUNDARIES to draw the packaged boundaries.",
        )
        self.report = report


def check_boundary_file(path: Path, crs: str) -> BoundaryReport:
    """Check a GeoJSON or GeoPackage; ``crs`` is its CRS when undeclared (an EPSG code or GCJ-02)."""
    return _read(path, crs)[0]


def read_boundary_file(path: Path, crs: str) -> Mapping[str, BaseGeometry]:
    """County polygons by code in degrees (WGS84); raises ``BoundaryFileRejected`` with the report."""
    report, shapes = _read(path, crs)
    if not report.ok:
        raise BoundaryFileRejected(report)
    return shapes


def _read(path: Path, crs: str) -> tuple[BoundaryReport, Mapping[str, BaseGeometry]]:
    # Heavy (pandas, GDAL, PROJ): a board that draws the packaged boundaries never loads it.
    import geopandas
    import pyogrio.errors
    import pyproj.exceptions

    def rejected(problem: str, rows: int = 0) -> tuple[BoundaryReport, Mapping[str, BaseGeometry]]:
        return BoundaryReport(path=path, rows=rows, problems=(problem,), notes=()), {}

    if not path.is_file():
        return rejected("There is no such file.")
    try:
        frame = geopandas.read_file(path)
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, ValueError, OSError) as error:
        return rejected(f"It is neither GeoJSON nor GeoPackage that can be read ({error}).")
    if not isinstance(frame, geopandas.GeoDataFrame):
        return rejected("It is a table without shapes.", len(frame))
    column = next((c for c in frame.columns if str(c).lower() in CODE_COLUMNS), None)
    if column is None:
        return rejected(
            f"No column holds the area codes: it has {', '.join(map(str, frame.columns))};"
            f" name one of them code or adcode.",
            len(frame),
        )
    try:
        frame = _to_wgs84(frame, declared=_declared(path, frame), given=crs)
    except ValueError as error:
        return rejected(str(error), len(frame))
    except pyproj.exceptions.ProjError as error:
        return rejected(f"The CRS {crs!r} is not known ({error}).", len(frame))
    problems, notes = list[str](), list[str]()
    shapes = _by_code([_code(v) for v in frame[column]], list(frame.geometry), problems, notes)
    _check_shapes(shapes, problems)
    return BoundaryReport(path=path, rows=len(frame), problems=tuple(problems), notes=tuple(notes)), shapes


def _declared(path: Path, frame: GeoDataFrame) -> bool:
    if path.suffix.lower() in (".geojson", ".json"):
        return bool(json.loads(path.read_text(encoding="utf-8-sig")).get("crs"))
    # GeoPackage has entries of its own for "undefined"; they arrive as a CRS that is not on earth.
    return (
        frame.crs is not None and not frame.crs.is_engineering and "undefined" not in frame.crs.name.lower()
    )


def _to_wgs84(frame: GeoDataFrame, *, declared: bool, given: str) -> GeoDataFrame:
    if not declared and not given:
        raise ValueError(
            "It does not declare its CRS: set TIANFU_BOUNDARIES_CRS to an EPSG code"
            " such as EPSG:4490, or GCJ-02."
        )
    if given.upper().replace("-", "") == "GCJ02":
        if declared and not frame.crs.is_geographic:
            raise ValueError(f"It declares {frame.crs.name}, which are not degrees, so it cannot be GCJ-02.")
        # GCJ-02 has no EPSG code, so such files declare WGS84 in its place.
        shifted = shapely.transform(frame.geometry.to_numpy(), gcj02_to_wgs84)
        return frame.set_geometry(shifted).set_crs(4326, allow_override=True)
    if not declared:
        return frame.set_crs(given, allow_override=True).to_crs(4326)
    if given and frame.crs != given:
        raise ValueError(
            f"It declares {frame.crs.name} but TIANFU_BOUNDARIES_CRS says {given}: mend the file or unset it."
        )
    return frame.to_crs(4326)


def _code(value: object) -> str:
    """Six digits of a code given as number or text, with or without township digits that are zero."""
    text = str(value).strip().removesuffix(".0")
    return text[:6] if len(text) > 6 and not text[6:].strip("0") else text


def _by_code(
    codes: list[str], shapes: list[BaseGeometry | None], problems: list[str], notes: list[str]
) -> Mapping[str, BaseGeometry]:
    wanted = {a.code for a in all_areas() if a.level == "county"}
    found: dict[str, BaseGeometry] = {}
    count = Counter[str]()
    for code, shape in zip(codes, shapes, strict=True):
        current = current_code(code) if is_area(code) else code
        if current not in wanted:
            if is_area(code):
                notes.append(
                    f"{_name(code)} is no county and is not read: outlines are joined from counties."
                )
            else:
                problems.append(f"{code!r} is no area code of the province.")
            continue
        if current != code:
            notes.append(f"{_name(code)} is read as {_name(current)}.")
        count[current] += 1
        if shape is None or shape.is_empty or shape.geom_type not in ("Polygon", "MultiPolygon"):
            kind = "no shape" if shape is None or shape.is_empty else f"a {shape.geom_type}"
            problems.append(f"{_name(current)} has {kind} instead of a polygon.")
        else:
            found[current] = shapely.force_2d(shape)
    problems += [f"{_name(c)} occurs in {n} rows; join them into one." for c, n in count.items() if n > 1]
    missing = sorted(wanted - set(count))
    if missing:
        more = f" and {len(missing) - _LISTED} more" if len(missing) > _LISTED else ""
        listed = ", ".join(_name(code) for code in missing[:_LISTED])
        problems.append(f"{len(missing)} of {len(wanted)} counties are missing: {listed}{more}.")
    return found


def _check_shapes(shapes: Mapping[str, BaseGeometry], problems: list[str]) -> None:
    sound: dict[str, BaseGeometry] = {}
    for code, shape in shapes.items():
        if not shape.is_valid:
            problems.append(f"{_name(code)} is not a valid polygon: {shapely.is_valid_reason(shape)}.")
        elif not _PLACE.contains(shape):
            west, south, east, north = shape.bounds
            problems.append(
                f"{_name(code)} lies outside the province ({west:.2f} to {east:.2f} east, {south:.2f} to"
                f" {north:.2f} north): another CRS, or longitude and latitude exchanged."
            )
        else:
            sound[code] = shape
    if not sound:
        return
    codes, parts = list(sound), list(sound.values())
    left, right = shapely.STRtree(parts).query(parts, predicate="intersects")
    for i, j in zip(left.tolist(), right.tolist(), strict=True):
        if i < j and (shared := _km2(parts[i].intersection(parts[j]))) > _OVERLAP_KM2:
            share = 100 * shared / min(_km2(parts[i]), _km2(parts[j]))
            problems.append(
                f"{_name(codes[i])} and {_name(codes[j])} overlap by {shared:,.1f} km2"
                f" ({share:.1f} % of the smaller)."
            )


def _km2(shape: BaseGeometry) -> float:
    if shape.is_empty:
        return 0.0
    south, north = shape.bounds[1], shape.bounds[3]
    return float(shape.area) * _KM_PER_DEGREE**2 * cos(radians((south + north) / 2))


def _name(code: str) -> str:
    return f"{code} {get_area(code).name_zh}"
