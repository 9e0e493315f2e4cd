"""The area map as pages use it: shapes by URL, looks by ``hideout``, a legend and a source line.

Pages update it by returning ``url`` and ``hideout`` of ``{prefix}-shapes`` *together* and the children
of ``{prefix}-legend``; the view follows the shapes by itself. A click or Escape arrives as ``clickData``
of ``{prefix}-shapes``: ``read_click`` turns it into data. There is no tile layer, so nothing is asked of
any other host.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import dash_leaflet as dl
from dash import html
from dash.development.base_component import Component

from dashboard.i18n.catalogue import Lang, t
from geo.areas import PROVINCE, is_area, name_of
from geo.boundary_set import BoundarySet, Bounds

STYLES = (
    "high", "medium", "low", "unknown", "not_reported", "suppressed", "out_of_scope",
    "seq0", "seq1", "seq2", "seq3", "seq4", "seq5", "seq6",
    "div-3", "div-2", "div-1", "div0", "div1", "div2", "div3",
)  # fmt: skip

Hideout: TypeAlias = dict[str, object]


@dataclass(frozen=True)
class AreaMark:
    """How one area is drawn: ``style`` is one of ``STYLES``, ``label`` the few characters on the shape
    ("高 12"), ``hover`` plain lines read by the pointer and by screen readers.
    """

    code: str
    style: str
    label: str = ""
    hover: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.style not in STYLES:
            raise ValueError(f"{self.style!r} is no map style")


@dataclass(frozen=True)
class LegendItem:
    """One line of the legend; ``count`` is left out where it says nothing."""

    style: str
    letter: str
    text: str
    count: int | None = None


@dataclass(frozen=True)
class MapClick:
    """What the person did: drill into ``code``, or ``code`` None for one level up."""

    code: str | None


def build_hideout(
    marks: Sequence[AreaMark],
    *,
    selected: str = "",
    names_lang: Lang,
    rest: Literal["unknown", "not_reported", "out_of_scope"] = "not_reported",
    rest_hover: Sequence[str] = (),
) -> Hideout:
    """The looks of all areas in a compact form; areas without a mark are drawn as ``rest``.

    Texts are stored once and referred to by number; read by ``markOf`` in ``assets/map.js``.
    """
    texts: dict[str, int] = {}
    styles: dict[str, int] = {}
    packed = {
        mark.code: [
            styles.setdefault(mark.style, len(styles)),
            *(texts.setdefault(text, len(texts)) for text in (mark.label, *mark.hover)),
        ]
        for mark in marks
    }
    return {
        "lang": names_lang,
        "selected": selected,
        "rest": rest,
        "rest_hover": list(rest_hover),
        "styles": list(styles),
        "texts": list(texts),
        "marks": packed,
    }


def area_map(
    *,
    prefix: str,
    url: str,
    bounds: Bounds,
    hideout: Hideout,
    legend: Sequence[LegendItem],
    attribution: str,
    lang: Lang,
    title: str = "",
) -> Component:
    """A map that fills its parent, with legend and source line below.

    ``url`` is ``BoundarySet.path(level, parent)``; ``title`` names the map for screen readers (the
    province without one). The first ``hideout`` belongs here: one that a callback sets while the shapes
    are loading is lost.
    """
    shapes = dl.GeoJSON(
        id=f"{prefix}-shapes",
        url=url,
        hideout=hideout,
        style={"variable": "tianfu.map.style"},
        onEachFeature={"variable": "tianfu.map.onEachFeature"},
        # The default click handler posts the whole geometry.
        disableDefaultEventHandlers=True,
    )
    leaflet = dl.Map(
        [shapes],
        id=f"{prefix}-map",
        bounds=[list(corner) for corner in bounds],
        attributionControl=False,
        # Whole zoom steps would leave up to half of the frame empty.
        zoomSnap=0,
        zoomDelta=0.5,
        # The wheel scrolls the page; arrow keys belong to the areas.
        scrollWheelZoom=False,
        keyboard=False,
        doubleClickZoom=False,
        trackViewport=False,
    )
    return html.Div(
        [
            html.Div(
                [leaflet],
                className="tf-map-frame",
                role="group",
                **{
                    "aria-label": t(lang, "map.label", title=title or name_of(PROVINCE, lang)),
                    # Leaflet's own buttons speak English; assets/map.js renames them.
                    "data-zoom-in": t(lang, "map.zoom_in"),
                    "data-zoom-out": t(lang, "map.zoom_out"),
                },
            ),
            html.Div(
                [
                    html.Ul(
                        legend_lines(legend),
                        id=f"{prefix}-legend",
                        className="tf-map-legend",
                        **{"aria-label": t(lang, "map.legend")},
                    ),
                    html.Span(attribution, className="tf-map-source"),
                ],
                className="tf-map-foot",
            ),
        ],
        className="tf-map",
    )


def legend_lines(items: Sequence[LegendItem]) -> list[Component]:
    """The children of ``{prefix}-legend``: swatch, letter, words, count."""
    return [
        html.Li(
            [
                html.Span(className=f"tf-swatch tf-swatch-{item.style}", **{"aria-hidden": "true"}),
                html.Span(f"{item.letter} {item.text}".strip()),
                *(
                    []
                    if item.count is None
                    else [html.Span(f"{item.count:,}", className="tf-map-legend-count")]
                ),
            ]
        )
        for item in items
    ]


def attribution_text(boundaries: BoundarySet, lang: Lang) -> str:
    """The source line: review number, own file, or that the map is schematic."""
    if boundaries.source == "package":
        return t(lang, "map.review", number=boundaries.review)
    return t(lang, "map.own_file" if boundaries.source == "file" else "map.schematic")


def read_click(value: object) -> MapClick | None:
    """Read ``clickData``; None for anything but Escape or a known area code (it is user input)."""
    if not isinstance(value, dict):
        return None
    if value.get("up") is True:
        return MapClick(code=None)
    code = value.get("code")
    return MapClick(code=code) if isinstance(code, str) and is_area(code) else None
