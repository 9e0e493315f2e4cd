"""Drawings are what Dash itself would send, whatever component they are made of."""

from __future__ import annotations

import json

import dash_ag_grid as dag
import dash_leaflet as dl
import dash_mantine_components as dmc
import pytest
from dash import dcc, html
from dash._utils import to_json

from dashboard.shell.drawn import plain

PIECES = {
    "text": "words",
    "nothing": None,
    "wildcards": html.Div("a", className="b", **{"data-tf-x": "1", "aria-label": "c"}),
    "nested": html.Ul([html.Li([html.Span("a", title="b"), None, 3, 1.5, True]), html.Li(html.P(["x"]))]),
    "figure": dcc.Graph(id="g", figure={"data": [{"x": [1, None], "y": (2, 3)}], "layout": {}}, config={}),
    "grid": dag.AgGrid(id="t", rowData=[{"a": 1}], columnDefs=[{"field": "a"}], dashGridOptions={"b": {}}),
    "map": dl.Map([dl.GeoJSON(id="s", hideout={"a": [1]})], id="m", bounds=[[1, 2], [3, 4]]),
    "mantine": dmc.Select(id="d", data=[{"value": "1", "label": "x"}], value="1", label="l"),
    "several": (html.Div("a"), {"k": [html.B("b")]}, "c"),
    "link": dcc.Link([html.Span("a")], href="/x", className="y"),
}


@pytest.mark.parametrize("name", PIECES)
def test_a_drawing_is_what_dash_would_send(name: str) -> None:
    piece = PIECES[name]
    assert plain(piece) == json.loads(to_json(piece))
