"""Walking a board as browsers do: sign in, open pages, post every callback; all of it found, none listed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import dash
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from dashboard.shell.pages import PAGES, Page

ROUTER = "_pages_content.children"
UPDATE = "/_dash-update-component"
_FIELD = re.compile(r'name="csrf" value="([^"]+)"')

Json = Any  # what a browser gets is JSON of any shape; the walkers take it apart


@dataclass(frozen=True)
class Callback:
    """One callback of the app: its id, the outputs it writes, what it listens to and what it reads."""

    id: str
    outputs: tuple[tuple[str, str], ...]
    inputs: tuple[tuple[str, str], ...]
    states: tuple[tuple[str, str], ...]
    on_server: bool
    many: bool

    @property
    def page(self) -> str:
        """Key of the page it belongs to, by what it writes."""
        return self.outputs[0][0].partition("-")[0]

    def body(self, values: Mapping[str, object], default: object = None) -> dict[str, object]:
        """What Dash's renderer posts when the first input changed; ``values`` by ``id.property``."""

        def part(pair: tuple[str, str]) -> dict[str, object]:
            return {"id": pair[0], "property": pair[1], "value": values.get(".".join(pair), default)}

        outputs = [{"id": i, "property": p} for i, p in self.outputs]
        return {
            "output": self.id,
            "outputs": outputs if self.many else outputs[0],
            "inputs": [part(pair) for pair in self.inputs],
            "state": [part(pair) for pair in self.states],
            "changedPropIds": [".".join(self.inputs[0])],
            "parsedChangedPropsIds": [".".join(self.inputs[0])],
        }


def outputs_of(callback_id: str) -> tuple[tuple[str, str], ...]:
    """``..a.b...c.d..`` or ``a.b@hash`` as pairs of id and property."""
    many = callback_id.startswith("..") and callback_id.endswith("..")
    parts = callback_id[2:-2].split("...") if many else [callback_id]
    pairs = [part.split("@")[0].rpartition(".") for part in parts]
    return tuple((name, prop) for name, _, prop in pairs)


def all_callbacks(app: dash.Dash) -> list[Callback]:
    """Every callback the app knows."""
    return [
        Callback(
            id=key,
            outputs=outputs_of(key),
            inputs=tuple((i["id"], i["property"]) for i in entry["inputs"]),
            states=tuple((i["id"], i["property"]) for i in entry["state"]),
            on_server="callback" in entry,
            many=key.startswith(".."),
        )
        for key, entry in app.callback_map.items()
    ]


def cards_of(app: dash.Dash, page: Page) -> list[Callback]:
    """The callbacks of ``page`` that run on the server."""
    return [
        found
        for found in all_callbacks(app)
        if found.on_server and (page.store_id, "data") in (*found.inputs, *found.states)
    ]


class Visitor:
    """One browser, signed in or not; keeps cookies and the CSRF token of its session."""

    def __init__(self, app: dash.Dash, login: str = "", password: str = "") -> None:
        self.app = app
        self.login = login
        self.client: FlaskClient = app.server.test_client()
        if login:
            form = self.client.get("/sign-in").get_data(as_text=True)
            found = _FIELD.search(form)
            assert found, "the sign-in page has no CSRF field"
            answer = self.client.post(
                "/sign-in",
                data={"login": login, "password": password, "csrf": found[1], "next": "/"},
                headers={"Origin": "http://localhost"},
            )
            assert answer.status_code == 303, answer.get_data(as_text=True)[:500]
        cookie = self.client.get_cookie("_csrf_token")
        self.csrf = cookie.value if cookie else ""

    def wear(self, lang: str = "zh-CN", theme: str = "light") -> Visitor:
        """Choose language and theme, as the switches of the header do."""
        self.client.set_cookie("tianfu_lang", lang)
        self.client.set_cookie("tianfu_theme", theme)
        return self

    def get(self, path: str, **headers: str) -> TestResponse:
        return self.client.get(path, headers={"Accept": "text/html,*/*", **headers})

    def post(self, body: object, **headers: str | None) -> TestResponse:
        """Post a callback; headers given as None are left out."""
        usual: dict[str, str | None] = {
            "X-CSRFToken": self.csrf,
            "Origin": "http://localhost",
            "Sec-Fetch-Site": "same-origin",
        }
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {name: value for name, value in (usual | named).items() if value is not None}
        return self.client.post(UPDATE, json=body, headers=sent)

    def call(self, callback: Callback, values: Mapping[str, object], default: object = None) -> TestResponse:
        return self.post(callback.body(values, default))

    def card(self, callback: Callback, page: Page, words: object) -> TestResponse:
        """Post a card with ``words`` in the filter store of its page."""
        return self.call(callback, {f"{page.store_id}.data": words})

    def open(self, path: str, **query: object) -> TestResponse:
        """What the router answers when the browser goes to ``path``."""
        router = next(found for found in all_callbacks(self.app) if ROUTER in found.id)
        search = f"?{urlencode(query)}" if query else ""
        return self.call(router, {"_pages_location.pathname": path, "_pages_location.search": search})


def content(answer: TestResponse) -> Json:
    """The components a callback answered with, or None where it changed nothing."""
    if answer.status_code == 204:
        return None
    assert answer.status_code == 200, (answer.status_code, answer.get_data(as_text=True)[:300])
    return json.loads(answer.get_data(as_text=True))["response"]


def nodes(tree: Json) -> Iterator[dict[str, Json]]:
    """Every dictionary of a tree, from the outside in."""
    if isinstance(tree, dict):
        yield tree
        for value in tree.values():
            yield from nodes(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from nodes(value)


def components(tree: Json) -> Iterator[dict[str, Json]]:
    """The properties of every component, with its ``type`` under ``""``."""
    for node in nodes(tree):
        if isinstance(node.get("props"), dict) and "type" in node:
            yield {"": node["type"], **node["props"]}


def texts(tree: Json) -> Iterator[str]:
    """Every piece of text a reader sees: children, titles and labels."""
    for part in components(tree):
        for name in ("children", "title", "aria-label", "label"):
            value = part.get(name)
            for item in value if isinstance(value, list) else [value]:
                if isinstance(item, str):
                    yield item


def with_class(tree: Json, name: str) -> list[dict[str, Json]]:
    """The components that carry a CSS class."""
    return [part for part in components(tree) if name in str(part.get("className", "")).split()]


def text_of(tree: Json) -> str:
    """The text inside a component, in order."""
    if isinstance(tree, str):
        return tree
    if isinstance(tree, int | float):
        return str(tree)
    if isinstance(tree, list):
        return "".join(text_of(item) for item in tree)
    if isinstance(tree, dict):
        return text_of(tree.get("props", tree).get("children"))
    return ""


def grids(tree: Json) -> dict[str, list[dict[str, Json]]]:
    """Rows of every table by the table's id."""
    return {part["id"]: part["rowData"] for part in components(tree) if part[""] == "AgGrid"}


def store_of(layout: Json, page: Page) -> dict[str, str]:
    """What the filter store of a page holds when the page has just been opened."""
    return next(dict(part["data"]) for part in components(layout) if part.get("id") == page.store_id)


def all_pages() -> list[Page]:
    return sorted(PAGES.values(), key=lambda page: page.order)
