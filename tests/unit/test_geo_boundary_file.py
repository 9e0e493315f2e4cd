"""A boundary file of the user's own: good ones are drawn, bad ones are explained."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path

import geopandas
import numpy as np
import pytest
import shapely

from dashboard.errors import BoundaryError
from geo.areas import all_areas
from geo.boundaries import BoundaryFileRejected, check_boundary_file, load_boundaries
from geo.gcj02 import gcj02_to_wgs84, wgs84_to_gcj02
from geo.package_shapes import find_package, read_package

METRES_PER_DEGREE = 111_320


@cache
def counties() -> geopandas.GeoDataFrame:
    shapes = read_package(find_package())
    return geopandas.GeoDataFrame({"code": list(shapes)}, geometry=list(shapes.values()), crs=4326)


def write_geojson(frame: geopandas.GeoDataFrame, path: Path, *, declared: bool = True) -> Path:
    document = json.loads(frame.to_json())
    document.pop("crs", None)
    if declared:
        document["crs"] = {"type": "name", "properties": {"name": "urn:ogc:def:crs:OGC:1.3:CRS84"}}
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def at(frame: geopandas.GeoDataFrame, code: str) -> int:
    return int(frame.index[frame["code"] == code][0])


def test_a_good_geopackage_is_drawn(tmp_path: Path) -> None:
    path = tmp_path / "ours.gpkg"
    counties().to_crs(4490).to_file(path)
    drawn = load_boundaries(file=path, crs="")
    assert drawn.source == "file"
    assert drawn.review == ""
    assert len(drawn.collection("county")["features"]) == 183
    assert len(drawn.collection("city")["features"]) == 21
    report = check_boundary_file(path, "")
    assert report.ok
    assert report.rows == 183
    assert report.notes == ()


def test_a_projected_file_comes_back_to_degrees(tmp_path: Path) -> None:
    path = tmp_path / "albers.gpkg"
    counties().to_crs("+proj=aea +lat_1=27 +lat_2=33 +lat_0=30 +lon_0=103 +datum=WGS84 +units=m").to_file(
        path
    )
    (south, west), _ = load_boundaries(file=path, crs="").bounds("510100")
    assert (south, west) == pytest.approx((30.09, 102.99), abs=0.05)


def test_gcj02_is_converted_to_within_ten_metres(tmp_path: Path) -> None:
    shifted = counties().set_geometry(shapely.transform(counties().geometry.to_numpy(), wgs84_to_gcj02))
    moved = shapely.hausdorff_distance(shifted.geometry[0], counties().geometry[0]) * METRES_PER_DEGREE
    assert moved > 150
    path = write_geojson(shifted.set_crs(4326), tmp_path / "webmap.geojson", declared=False)
    ours = load_boundaries(file=path, crs="GCJ-02")
    packaged = load_boundaries(file=None, crs="")
    for code in ("510104", "513328", "510402"):
        for got, want in zip(ours.bounds(code), packaged.bounds(code), strict=True):
            assert np.abs(np.subtract(got, want)).max() * METRES_PER_DEGREE < 10


@pytest.mark.parametrize("point", [(104.07, 30.66), (97.4, 34.3), (108.5, 26.1)])
def test_gcj02_there_and_back(point: tuple[float, float]) -> None:
    there = wgs84_to_gcj02(np.array([point]))
    metres = np.hypot(*(there[0] - point)) * METRES_PER_DEGREE
    assert 150 < metres < 700
    assert np.abs(gcj02_to_wgs84(there) - point).max() * METRES_PER_DEGREE < 0.01


def test_gcj02_of_a_published_pair() -> None:
    # Tiananmen as given by the published converters: 116.397451, 39.909187 (WGS84 116.391209, 39.907785).
    there = wgs84_to_gcj02(np.array([[116.391209, 39.907785]]))
    assert there[0] == pytest.approx([116.397451, 39.909187], abs=2e-4)


Change = Callable[[geopandas.GeoDataFrame], geopandas.GeoDataFrame]


def _drop(*codes: str) -> Change:
    return lambda f: f[~f["code"].isin(codes)]


def _put(code: str, shape: shapely.Geometry | None) -> Change:
    def change(frame: geopandas.GeoDataFrame) -> geopandas.GeoDataFrame:
        frame.loc[at(frame, code), "geometry"] = shape
        return frame

    return change


def _grow(frame: geopandas.GeoDataFrame) -> geopandas.GeoDataFrame:
    frame.loc[at(frame, "510104"), "geometry"] = frame.geometry[at(frame, "510104")].buffer(0.02)
    return frame


def _recode(old: str, new: str) -> Change:
    return lambda f: f.assign(code=f["code"].replace(old, new))


def _twice(frame: geopandas.GeoDataFrame) -> geopandas.GeoDataFrame:
    return frame.loc[[*frame.index, at(frame, "513338")]]


def _exchanged(frame: geopandas.GeoDataFrame) -> geopandas.GeoDataFrame:
    return frame.set_geometry(shapely.transform(frame.geometry.to_numpy(), lambda p: p[:, ::-1] * [1, 0.5]))


BOWTIE = shapely.Polygon([(102, 30), (103, 31), (103, 30), (102, 31), (102, 30)])


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (_drop("510104"), "1 of 183 counties are missing: 510104 锦江区."),
        (_drop("510104", "510107"), "2 of 183 counties are missing: 510104 锦江区, 510107 武侯区."),
        (_put("510104", BOWTIE), "510104 锦江区 is not a valid polygon: Self-intersection"),
        (_put("510104", shapely.Point(104, 30)), "510104 锦江区 has a Point instead of a polygon."),
        (_put("510104", None), "510104 锦江区 has no shape instead of a polygon."),
        (_grow, "510104 锦江区 and 510107 武侯区 overlap by"),
        (_recode("510104", "519999"), "'519999' is no area code of the province."),
        (_twice, "513338 得荣县 occurs in 2 rows"),
        (_exchanged, "lies outside the province"),
        (lambda f: f.rename(columns={"code": "name"}), "No column holds the area codes"),
    ],
)
def test_bad_files_are_explained(tmp_path: Path, change: Change, sentence: str) -> None:
    path = tmp_path / "bad.gpkg"
    change(counties().copy()).to_file(path)
    report = check_boundary_file(path, "")
    assert not report.ok
    assert any(sentence in problem for problem in report.problems), report.problems
    with pytest.raises(BoundaryFileRejected, match="cannot be drawn") as caught:
        load_boundaries(file=path, crs="")
    assert caught.value.report == report
    assert isinstance(caught.value, BoundaryError)


def test_the_size_of_an_overlap_is_told(tmp_path: Path) -> None:
    path = tmp_path / "overlap.gpkg"
    _grow(counties().copy()).to_file(path)
    (line,) = [p for p in check_boundary_file(path, "").problems if "510107 武侯区" in p]
    assert line.endswith("% of the smaller).")
    assert " km2 (" in line


@pytest.mark.parametrize("suffix", ["geojson", "gpkg"])
def test_a_file_without_crs_must_be_told_one(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"plain.{suffix}"
    if suffix == "geojson":
        write_geojson(counties(), path, declared=False)
    else:
        with pytest.warns(UserWarning, match="crs"):
            counties().set_crs(None, allow_override=True).to_file(path)
    assert "does not declare its CRS" in check_boundary_file(path, "").problems[0]
    assert check_boundary_file(path, "EPSG:4490").ok
    assert "The CRS 'EPSG:1' is not known" in check_boundary_file(path, "EPSG:1").problems[0]


def test_two_different_crs_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "ours.gpkg"
    counties().to_file(path)
    assert "but TIANFU_BOUNDARIES_CRS says EPSG:4490" in check_boundary_file(path, "EPSG:4490").problems[0]
    assert check_boundary_file(path, "EPSG:4326").ok


def test_metres_cannot_be_gcj02(tmp_path: Path) -> None:
    path = tmp_path / "metres.gpkg"
    counties().to_crs(3857).to_file(path)
    assert "cannot be GCJ-02" in check_boundary_file(path, "GCJ-02").problems[0]


def test_codes_may_be_numbers_or_long_and_old_codes_are_read(tmp_path: Path) -> None:
    frame = counties().copy().rename(columns={"code": "adcode"})
    frame["adcode"] = [int(c + "000000") for c in frame["adcode"].replace("510118", "510132")]
    path = tmp_path / "numbers.gpkg"
    frame.to_file(path)
    report = check_boundary_file(path, "")
    assert report.problems == ()
    assert report.notes == ("510132 新津县 is read as 510118 新津区.",)


def test_rows_of_cities_are_noted_and_not_read(tmp_path: Path) -> None:
    frame = counties()
    city = geopandas.GeoDataFrame({"code": ["510100"]}, geometry=[frame.geometry[0]], crs=4326)
    path = tmp_path / "levels.gpkg"
    geopandas.pd.concat([frame, city]).to_file(path)
    report = check_boundary_file(path, "")
    assert report.ok
    assert report.notes[0].startswith("510100 成都市 is no county")


@pytest.mark.parametrize("content", [b"", b"not json", b"{}", b"[1]"])
def test_rubbish_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "rubbish.geojson"
    path.write_bytes(content)
    report = check_boundary_file(path, "EPSG:4326")
    assert not report.ok
    assert len(report.problems) == 1


def test_an_absent_file_is_named(tmp_path: Path) -> None:
    assert check_boundary_file(tmp_path / "none.gpkg", "").problems == ("There is no such file.",)


def test_all_counties_missing_lists_ten(tmp_path: Path) -> None:
    path = tmp_path / "one.gpkg"
    counties().head(1).to_file(path)
    (problem,) = check_boundary_file(path, "").problems
    assert problem.startswith("182 of 183 counties are missing")
    assert problem.endswith("and 172 more.")
    assert len(all_areas()) > 182
