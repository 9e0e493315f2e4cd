"""The board: ``create_app(settings)`` wires the parts; ``server`` is what gunicorn serves."""

from __future__ import annotations

from pathlib import Path

import dash
from flask import Flask
from flask_compress import Compress

from dashboard.settings import Settings, read_settings
from dashboard.shell import (
    exports,
    frame,
    health,
    opa,
    policy_acts,
    policy_guard,
    security,
    serving,
    shapes,
    signin,
    static,
)
from dashboard.shell.board import configure

ROOT = Path(__file__).resolve().parent


def create_app(settings: Settings) -> dash.Dash:
    """Build the app. Opens no database and no snapshot: that happens at first use, after the fork."""
    board = configure(settings)
    server = Flask("tianfu", static_folder=None)
    server.config["COMPRESS_BR_LEVEL"] = 4
    server.config["COMPRESS_MIN_SIZE"] = 800
    Compress(server)
    static.install(server, settings)
    health.install(server, board)
    shapes.install(server, board)
    exports.install(server)
    signin.install(server, settings)
    serving.install(server)
    policy_acts.install(server, board)
    policy_guard.install(server)
    opa.install(server, settings)
    app = frame.BoardApp(
        "tianfu",
        server=server,
        assets_folder=str(ROOT / "assets"),
        pages_folder=str(ROOT / "pages"),
        use_pages=True,
        serve_locally=True,
        suppress_callback_exceptions=True,
        title="天府指挥台 Tianfu Command",
        update_title="",
        include_pages_meta=False,
        index_string=frame.INDEX,
        csrf_token_name=security.CSRF_COOKIE,
        csrf_header_name=security.CSRF_HEADER,
    )
    app.layout = frame.layout
    frame.register_navigation()
    security.install(app, settings)
    return app


app = create_app(read_settings())
server = app.server
