"""A small board behind the real guard and sign-in page, for the tests of both."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import dash
import pytest
from argon2 import PasswordHasher
from dash import Input, Output, _callback, _pages, dcc, html
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from dashboard.auth import passwords
from dashboard.auth.demo import ensure_demo_accounts
from dashboard.auth.desk import Desk
from dashboard.auth.rights import check
from dashboard.settings import read_settings
from dashboard.shell import security, signin
from dashboard.shell.identity import csrf_token, current_identity, current_scope

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "only-for-tests-7Qh2"
ORIGIN = "http://localhost"
PAGE = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@dataclass
class HandClock:
    """A clock that moves when told."""

    at: datetime = field(default=datetime(2022, 1, 19, 7, 30))

    def __call__(self) -> datetime:
        return self.at

    def pass_(self, **time: float) -> None:
        self.at += timedelta(**time)


@dataclass
class Board:
    """The app, its clock and desk, and browsers to visit it with."""

    app: dash.Dash
    server: Flask
    desk: Desk
    clock: HandClock

    def browser(self) -> FlaskClient:
        return self.server.test_client()

    def signed_in(self, login: str = "viewer") -> FlaskClient:
        client = self.browser()
        assert sign_in(client, login).status_code == 303
        return client


def sign_in(
    client: FlaskClient, login: str = "viewer", password: str = PASSWORD, *, back: str = "/", **more: object
) -> TestResponse:
    """Open the page as a browser would, then send its form."""
    page = client.get("/sign-in").get_data(as_text=True)
    found = re.search(r'name="csrf" value="([^"]+)"', page)
    form = {"csrf": found[1] if found else "", "login": login, "password": password, "next": back}
    return client.post("/sign-in", data=form, **more)  # type: ignore[arg-type]


def cookie(client: FlaskClient, name: str) -> str:
    found = client.get_cookie(name) or client.get_cookie(name, path="/sign-in")
    return found.value if found else ""


def call(client: FlaskClient, *, token: str | None = None, **headers: str) -> TestResponse:
    """Post the board's one callback; ``token`` None sends the one of the cookie, as Dash does."""
    sent = cookie(client, security.CSRF_COOKIE) if token is None else token
    body = {
        "output": "answer.children",
        "outputs": {"id": "answer", "property": "children"},
        "inputs": [{"id": "ask", "property": "n_clicks", "value": 1}],
        "changedPropIds": ["ask.n_clicks"],
    }
    given = {security.CSRF_HEADER: sent} if sent else {}
    return client.post("/_dash-update-component", json=body, headers=given | headers)


@contextmanager
def running_board(home: Path, *, accounts: bool = True, **environment: str) -> Iterator[Board]:
    """A board with a page, a callback, a route that breaks and one that asks for a right.

    Dash keeps pages and callbacks in module-wide lists and the first app to answer takes them all; they
    are put aside meanwhile, so that this app and the real one do not take each other's.
    """
    settings = read_settings({"TIANFU_HOME": str(home), "TIANFU_DEMO_PASSWORD": PASSWORD} | environment)
    clock = HandClock()
    stores = (
        _callback.GLOBAL_CALLBACK_MAP,
        _callback.GLOBAL_CALLBACK_LIST,
        _callback.GLOBAL_INLINE_SCRIPTS,
        _pages.PAGE_REGISTRY,
    )
    kept = [store.copy() for store in stores]
    for store in stores:
        store.clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_HASHER", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        patch.setattr(passwords, "NOBODY", passwords._HASHER.hash("nobody knows"))
        server = Flask("small-board", static_folder=None)
        signin.install(server, settings, clock=clock)
        app = _small_app(server)
        _add_routes(server)
        security.install(app, settings, clock=clock)
        desk = security.desk_of(server, settings)
        if accounts:
            ensure_demo_accounts(settings, database=desk.database)
        try:
            yield Board(app=app, server=server, desk=desk, clock=clock)
        finally:
            desk.database.close()
            for store, before in zip(stores, kept, strict=True):
                store.clear()
                store.update(before) if isinstance(store, dict) else store.extend(before)


def _small_app(server: Flask) -> dash.Dash:
    app = dash.Dash(
        "small-board",
        server=server,
        assets_folder=str(ROOT / "assets"),
        use_pages=True,
        pages_folder="",
        suppress_callback_exceptions=True,
        csrf_token_name=security.CSRF_COOKIE,
        csrf_header_name=security.CSRF_HEADER,
    )
    dash.register_page("small.page", path="/", title="Small", layout=lambda **_: html.Div("secret page"))

    def layout() -> html.Div:
        return html.Div(
            [
                html.Span(f"secret of {current_identity().login}"),
                html.Button(id="ask"),
                html.Div(id="answer"),
                dcc.Input(type="hidden", value=csrf_token()),
                dash.page_container,
            ]
        )

    app.layout = layout

    # As pages do it: such a callback reaches the app only in Dash's preparation at the first request.
    @dash.callback(Output("answer", "children"), Input("ask", "n_clicks"))
    def answer(_clicks: int) -> str:
        return f"{current_identity().login} sees {current_scope().key}"

    return app


def _add_routes(server: Flask) -> None:
    @server.get("/healthz")
    def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @server.get("/break")
    def break_() -> str:
        raise RuntimeError("a secret in the traceback")

    @server.get("/publish")
    def publish() -> str:
        check(current_identity(), "publish")
        return "published"

    @server.route("/change", methods=["POST", "PUT", "PATCH", "DELETE"])
    def change() -> str:
        return f"changed by {current_identity().login}"
