"""The floor: a Dash app with one empty callback and nothing else, served like the board."""

from __future__ import annotations

import dash
from dash import Input, Output, dcc, html

BODY = (
    b'{"output":"out.children","outputs":{"id":"out","property":"children"},'
    b'"inputs":[{"id":"words","property":"data","value":{"date":"2021-02-03"}}],'
    b'"changedPropIds":["words.data"],"parsedChangedPropsIds":["words.data"]}'
)


def make_floor() -> dash.Dash:
    """A bare Dash app whose only callback returns a word."""
    app = dash.Dash("floor", use_pages=False)
    app.layout = html.Div([dcc.Store(id="words"), html.Div(id="out")])

    @app.callback(Output("out", "children"), Input("words", "data"))
    def answer(_data: object) -> str:
        return "empty"

    app.server.add_url_rule("/healthz", "healthz", lambda: "ok")
    return app


def serve() -> object:
    """What gunicorn serves as ``benchmarks.floor:serve()``."""
    from benchmarks.rig import Meter

    return Meter(make_floor().server.wsgi_app)
