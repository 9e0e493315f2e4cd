"""One set of boundaries, ready for the browser: GeoJSON per level and parent, encoded once."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Literal, TypedDict, cast

import brotli
import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from geo.areas import PROVINCE, UnknownArea, children, current_code, get_area

Source = Literal["package", "file", "tilemap"]
Bounds = tuple[tuple[float, float], tuple[float, float]]

_DECIMALS = 4  # 11 m, finer than a pixel at every zoom the map offers
_FINE_DECIMALS = 6


class Feature(TypedDict):
    """``properties`` holds code, zh, en, level, parent and centroid (longitude, latitude; inside)."""

    type: Literal["Feature"]
    properties: dict[str, object]
    geometry: dict[str, object]


class FeatureCollection(TypedDict):
    type: Literal["FeatureCollection"]
    features: list[Feature]


_ENCODERS: Mapping[str, Callable[[bytes], bytes]] = {
    "br": lambda raw: cast(bytes, brotli.compress(raw, quality=9)),
    "gzip": lambda raw: gzip.compress(raw, 6, mtime=0),
    "identity": lambda raw: raw,
}


@dataclass(frozen=True)
class BoundarySet:
    """Boundaries of the province, its cities and counties in WGS84.

    ``source`` says where they come from, ``review`` is the review number to show beside the map
    (empty where there is none), ``version`` is 12 hex digits of the content: it names the set in a URL
    that may be cached for ever.
    """

    source: Source
    review: str
    version: str
    _texts: Mapping[tuple[str, str], bytes]
    _bounds: Mapping[str, Bounds]
    _encoded: dict[tuple[str, str, str], bytes] = field(default_factory=dict, compare=False, repr=False)
    _lock: Lock = field(default_factory=Lock, compare=False, repr=False)

    def collection(self, level: str, parent: str | None = None) -> FeatureCollection:
        """Areas of ``level`` below ``parent`` (the province without one); raises ``UnknownArea``."""
        return cast(FeatureCollection, json.loads(self._text(level, parent)))

    def encoded(self, level: str, parent: str | None, encoding: str) -> bytes:
        """The same collection as bytes for the wire, compressed once per process.

        ``encoding`` is ``br``, ``gzip`` or ``identity`` (``ValueError`` for another).
        """
        if encoding not in _ENCODERS:
            raise ValueError(f"{encoding!r} is none of {', '.join(_ENCODERS)}")
        raw = self._text(level, parent)
        key = (level, parent or PROVINCE, encoding)
        with self._lock:
            if key not in self._encoded:
                self._encoded[key] = _ENCODERS[encoding](raw)
            return self._encoded[key]

    def path(self, level: str, parent: str | None = None) -> str:
        """The URL path this collection is served under; raises ``UnknownArea``."""
        self._text(level, parent)
        return f"/geo/{self.version}/{level}/{parent or PROVINCE}.json"

    def bounds(self, code: str) -> Bounds:
        """South-west and north-east corner as (latitude, longitude), the order the map takes.

        A functional area has no outline of its own and takes its city's; raises ``UnknownArea``.
        """
        code = current_code(code)
        return self._bounds.get(code) or self._bounds[get_area(code).parent]

    def _text(self, level: str, parent: str | None) -> bytes:
        try:
            return self._texts[level, parent or PROVINCE]
        except KeyError:
            raise UnknownArea(
                f"There are no boundaries of level {level!r} below {parent!r}.",
                todo="Ask for province, city or county below 510000, or for county below a city.",
            ) from None


def build_boundary_set(
    *,
    source: Source,
    review: str,
    overview: Mapping[str, BaseGeometry],
    detail: Mapping[str, BaseGeometry],
) -> BoundarySet:
    """Turn shapes (degrees, WGS84) into a set.

    ``overview`` holds province, cities and counties as drawn in one picture of the province;
    ``detail`` the counties as drawn when their city fills the screen.
    """
    cities = [area.code for area in children(PROVINCE)]
    counties = {c: [a.code for a in children(c) if a.level == "county"] for c in cities}
    coarse, fine = _features(overview), _features(detail)
    texts = {
        ("province", PROVINCE): _collect(coarse[code] for code in [PROVINCE]),
        ("city", PROVINCE): _collect(coarse[code] for code in cities),
        ("county", PROVINCE): _collect(coarse[code] for c in cities for code in counties[c]),
    }
    texts |= {("county", c): _collect(fine[code] for code in counties[c]) for c in cities}
    digest = hashlib.sha256()
    for key, text in sorted(texts.items()):
        digest.update(repr(key).encode() + text)
    return BoundarySet(
        source=source,
        review=review,
        version=digest.hexdigest()[:12],
        _texts=texts,
        _bounds={code: _corners(shape) for code, shape in {**overview, **detail}.items()},
    )


def _collect(features: Iterable[Feature]) -> bytes:
    collection: FeatureCollection = {"type": "FeatureCollection", "features": list(features)}
    return json.dumps(collection, ensure_ascii=False, separators=(",", ":")).encode()


def _features(shapes: Mapping[str, BaseGeometry]) -> dict[str, Feature]:
    codes, raw = list(shapes), list(shapes.values())
    rounded = [round_shape(shape, _DECIMALS) for shape in raw]
    if not all(shapely.is_valid(rounded)):
        # All or none: neighbours must keep the same corners.
        rounded = [round_shape(shape, _FINE_DECIMALS) for shape in raw]
    return {code: _feature(code, shape) for code, shape in zip(codes, rounded, strict=True)}


def round_shape(shape: BaseGeometry, decimals: int) -> BaseGeometry:
    """The shape with rounded coordinates; shared corners stay shared."""
    return shapely.transform(shape, lambda points: np.round(points, decimals))


def _feature(code: str, shape: BaseGeometry) -> Feature:
    area = get_area(code)
    return {
        "type": "Feature",
        "properties": {
            "code": code,
            "zh": area.name_zh,
            "en": area.name_en,
            "level": area.level,
            "parent": area.parent,
            "centroid": label_point(shape),
        },
        "geometry": cast(dict[str, object], shapely.geometry.mapping(shape)),
    }


def label_point(shape: BaseGeometry) -> list[float]:
    """Longitude and latitude of the middle of the widest place inside the shape.

    The centre of gravity of a bent county (都江堰) can lie outside it.
    """
    widest = max(shapely.get_parts(shape), key=lambda part: part.area)
    size = max(widest.bounds[2] - widest.bounds[0], widest.bounds[3] - widest.bounds[1])
    centre = shapely.maximum_inscribed_circle(widest, size / 100).coords[0]
    return [round(float(value), _DECIMALS) for value in centre]


def _corners(shape: BaseGeometry) -> Bounds:
    west, south, east, north = (round(float(value), _DECIMALS) for value in shape.bounds)
    return (south, west), (north, east)
