"""The map component: small hideout, ids by prefix, no tiles, input read with care."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from geo.areas import PROVINCE, all_areas
from geo.layers import (
    STYLES,
    AreaMark,
    LegendItem,
    MapClick,
    area_map,
    attribution_text,
    build_hideout,
    legend_lines,
    read_click,
)
from geo.tilemap import build_tilemap

ROOT = Path(__file__).parents[2]
COUNTIES = [a.code for a in all_areas() if a.level == "county"]


def unpack(hideout, code: str) -> AreaMark:
    """The plain twin of ``markOf`` in assets/map.js."""
    style, label, *hover = hideout["marks"][code]
    texts = hideout["texts"]
    return AreaMark(code, hideout["styles"][style], texts[label], tuple(texts[n] for n in hover))


def test_marks_survive_packing() -> None:
    marks = [
        AreaMark(c, STYLES[i % len(STYLES)], f"高 {i % 40}", (f"{i} 处", "x")) for i, c in enumerate(COUNTIES)
    ]
    hideout = json.loads(json.dumps(build_hideout(marks, names_lang="zh-CN")))
    assert [unpack(hideout, m.code) for m in marks] == marks


@pytest.mark.parametrize(
    ("lines", "limit"),
    [
        (lambda i: (), 4_000),
        (lambda i: (f"高风险 {i % 30} 处",), 5_000),
        (lambda i: (f"高风险 {i} 处", f"每十万人 {i / 7:.1f}", f"较昨日 +{i}"), 18_000),
    ],
    ids=["label", "one shared line", "three lines of its own"],
)
def test_the_hideout_of_all_counties_stays_small(lines, limit: int) -> None:
    marks = [
        AreaMark(c, "high" if i % 3 else "low", f"高 {i % 30}", lines(i)) for i, c in enumerate(COUNTIES)
    ]
    text = json.dumps(build_hideout(marks, names_lang="zh-CN"), ensure_ascii=False, separators=(",", ":"))
    assert len(text.encode()) < limit


def test_an_unknown_style_is_refused() -> None:
    with pytest.raises(ValueError, match="'purple' is no map style"):
        AreaMark("510104", "purple")


@pytest.mark.parametrize("style", STYLES)
def test_every_style_is_drawn_by_the_sheet(style: str) -> None:
    sheet = (ROOT / "assets" / "map.css").read_text(encoding="utf-8")
    assert re.search(rf"\.tf-fill-{re.escape(style)} \{{", sheet)
    assert re.search(rf"\.tf-swatch-{re.escape(style)} \{{", sheet)


def test_text_is_never_set_as_markup() -> None:
    script = (ROOT / "assets" / "map.js").read_text(encoding="utf-8")
    for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "eval(", "new Function"):
        assert word not in script
    for called in ("style", "onEachFeature"):
        assert re.search(rf"window\.tianfu\.map = \{{[^}}]*\b{called}\b", script)


@pytest.mark.parametrize("lang", ["zh-CN", "en"])
def test_the_map_has_prefixed_ids_and_no_tiles(lang) -> None:
    tiles = build_tilemap()
    hideout = build_hideout([AreaMark("510100", "high", "高 12")], names_lang=lang, selected="510100")
    component = area_map(
        prefix="risk",
        url=tiles.path("city"),
        bounds=tiles.bounds(PROVINCE),
        hideout=hideout,
        legend=[LegendItem("high", "高", "高风险", 1)],
        attribution=attribution_text(tiles, lang),
        lang=lang,
        title="风险区域",
    )
    parts = list(component._traverse())
    ids = {p.id for p in parts if getattr(p, "id", None)}
    assert ids == {"risk-map", "risk-shapes", "risk-legend"}
    assert "TileLayer" not in {type(p).__name__ for p in parts}
    shapes = next(p for p in parts if getattr(p, "id", None) == "risk-shapes")
    assert shapes.hideout == hideout
    assert shapes.url == tiles.path("city")
    assert "data" not in shapes.to_plotly_json()["props"]


def test_a_legend_line_without_count_says_nothing() -> None:
    with_zero, without = legend_lines(
        [LegendItem("low", "低", "低风险", 0), LegendItem("suppressed", "<", "隐去")]
    )
    assert [c.children for c in with_zero.children[1:]] == ["低 低风险", "0"]
    assert [c.children for c in without.children[1:]] == ["< 隐去"]


@pytest.mark.parametrize(
    ("value", "click"),
    [
        ({"code": "510100", "name": "x", "n": 1}, MapClick("510100")),
        ({"up": True, "n": 2}, MapClick(None)),
        ({"code": "110000"}, None),
        ({"code": 510100}, None),
        ({"up": "yes"}, None),
        ({}, None),
        ([], None),
        (None, None),
        ("510100", None),
    ],
)
def test_clicks_are_read_with_care(value: object, click: MapClick | None) -> None:
    assert read_click(value) == click
