"""Every callback posted by hand: by nobody, with another's token, from elsewhere, with forged filters."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from dashboard.auth.demo import DEMO_LOGINS
from tests.pages.conftest import House
from tests.pages.walk import (
    UPDATE,
    Callback,
    Visitor,
    all_callbacks,
    all_pages,
    cards_of,
    content,
    with_class,
)
from tests.pages.worlds import COUNTY_MARK

GUARDED: dict[str, tuple[dict[str, str | None], int]] = {
    "no token": ({"X_CSRFToken": None}, 403),
    "empty token": ({"X_CSRFToken": ""}, 403),
    "token of another session": ({"X_CSRFToken": "other"}, 403),
    "another origin": ({"Origin": "https://evil.example"}, 403),
    "origin null": ({"Origin": "null"}, 403),
    "from another site": ({"Sec_Fetch_Site": "cross-site"}, 403),
}

DEEP: Any = []
for _ in range(200):
    DEEP = [DEEP]

# Forged words that must be refused, whoever sends them.
REFUSED: dict[str, dict[str, object]] = {
    "unknown area": {"area": "999999"},
    "sql area": {"area": "510107' OR '1'='1"},
    "sql union": {"area": "510107'; DROP TABLE code_stock; --"},
    "path area": {"area": "../../../../etc/passwd"},
    "list in text": {"area": "['510107']"},
    "long area": {"area": "5" * 10_000},
    "area with NUL": {"area": "510107\x00"},
    "area with blank": {"area": " 510107"},
    "half a character": {"area": "\ud800"},
    "true": {"area": True},
    "negative": {"area": -510107},
    "snapshot path": {"snapshot": "../.."},
    "snapshot root": {"snapshot": "/etc/passwd"},
    "snapshot unknown": {"snapshot": "20220830T2100-ffffffffffff"},
    "snapshot sql": {"snapshot": 'x"; DROP SCHEMA main; --'},
    "snapshot long": {"snapshot": "a" * 10_000},
    "snapshot line": {"snapshot": "20220830T2100-ffffffffffff\n"},
    "snapshot half a character": {"snapshot": "\ud800"},
    "day after": {"date": "2022-08-31"},
    "day before": {"date": "2022-08-28"},
    "first day of all": {"date": "0001-01-01"},
    "last day of all": {"date": "9999-12-31"},
    "no day": {"date": "yesterday"},
    "no such day": {"date": "2022-02-30"},
    "day sql": {"date": "' OR 1=1 --"},
    "day number": {"date": 20220832},
    "half a character day": {"date": "\ud800"},
    "compare no day": {"compare": "x" * 10_000},
}
# Forged words that are no text: they are left out, and the page is what it is without them.
IGNORED: dict[str, object] = {
    "null": None,
    "a number": 7,
    "text": "area=510100",
    "a list": ["510100", "510104"],
    "deep": DEEP,
    "list area": {"area": ["510104"]},
    "object area": {"area": {"$ne": ""}},
    "null area": {"area": None},
    "float area": {"area": 510104.0},
    "deep area": {"area": DEEP},
    "unknown words": {"scope": "510000", "roots": ["510000"], "identity": "commander", "role": "commander"},
    "magic words": {"__class__": "x", "self": "y", "context": "z", "min_cell": "0"},
    "early compare": {"compare": "0001-01-01"},
    "late compare": {"compare": "9999-12-31"},
}
OUTSIDE = {
    "wuhou": ("510104", "5101F1", "510100", "510703", "510700", "510000"),
    "chengdu": ("510703", "510700", "510000", "513402", "513425"),
}
# Any number written out or in words of 亿 or more.
LARGE = re.compile(r"\d{10,}|\d{1,3}(?:,\d{3}){3,}|[\d.]+\\u2009(?:\\u4ebf|bn)|㊙")


def every_card(house: House) -> Iterator[tuple[Any, Callback]]:
    for page in all_pages():
        for card in cards_of(house.app, page):
            yield page, card


def refuses(house: House, visitor: Visitor, words: object) -> list[str]:
    """The callbacks that did not refuse ``words``: no card says so, or a map was changed."""
    return [
        card.id
        for page, card in every_card(house)
        for answer in [content(visitor.card(card, page, words))]
        if answer and not with_class(answer, "tf-state-error")
    ]


@pytest.mark.parametrize("case", GUARDED)
def test_no_callback_answers_a_request_from_elsewhere(house: House, case: str) -> None:
    headers, status = GUARDED[case]
    if headers.get("X_CSRFToken") == "other":
        headers = {"X_CSRFToken": house.visitors["commander"].csrf}
    visitor = house.visitors["viewer"]
    for callback in all_callbacks(house.app):
        answer = visitor.post(callback.body({}, house.words("full")), **headers)
        assert answer.status_code == status, callback.id
        assert set(answer.get_json()) == {"error", "todo"}


def test_no_callback_answers_nobody(house: House) -> None:
    for visitor in (Visitor(house.app), _with_made_up_session(house)):
        for callback in all_callbacks(house.app):
            answer = visitor.post(callback.body({}, house.words("full")), X_CSRFToken="x" * 43)
            assert answer.status_code == 401, callback.id
            assert set(answer.get_json()) == {"error", "todo"}
        for path in ("/_dash-layout", "/_dash-dependencies", "/export/risk/areas.csv", "/risk"):
            answer = visitor.get(path, Accept="application/json")
            assert answer.status_code == 401, path


def _with_made_up_session(house: House) -> Visitor:
    visitor = Visitor(house.app)
    visitor.client.set_cookie("tianfu_session", "A" * 43)
    return visitor


@pytest.mark.parametrize("login", DEMO_LOGINS)
def test_every_callback_answers_its_own_renderer(house: House, login: str) -> None:
    visitor = house.visitors[login]
    for page, card in every_card(house):
        answer = visitor.card(card, page, house.words("full"))
        assert answer.status_code == 200, card.id
        assert not with_class(content(answer), "tf-state-error"), card.id


@pytest.mark.parametrize("case", REFUSED)
def test_forged_filters_are_refused_by_every_card(house: House, case: str) -> None:
    for login in ("wuhou", "viewer"):
        assert refuses(house, house.visitors[login], house.words("full") | REFUSED[case]) == []


def test_an_option_that_is_not_offered_is_refused(house: House) -> None:
    visitor = house.visitors["wuhou"]
    for page, name in [(each, name) for each in all_pages() for name in each.options]:
        for value in ("nonsense", "x" * 10_000, "' OR 1=1", "\ud800", "__class__", 1):
            shape = page.options[name]
            if isinstance(shape, re.Pattern) and shape.fullmatch(str(value)):
                continue
            for card in cards_of(house.app, page):
                answer = content(visitor.card(card, page, house.words("full") | {name: value}))
                assert not answer or with_class(answer, "tf-state-error"), (card.id, name, value)


@pytest.mark.parametrize("case", IGNORED)
def test_filters_that_are_no_text_count_as_not_given(house: House, case: str) -> None:
    forged = IGNORED[case]
    visitor = house.visitors["wuhou"]
    for page, card in every_card(house):
        words = house.words("full") | forged if isinstance(forged, dict) else forged
        answer = visitor.card(card, page, words)
        assert answer.status_code == 200, card.id
        usual = visitor.card(card, page, house.words("full"))
        if isinstance(forged, dict) and "compare" not in forged:
            assert answer.data == usual.data, card.id


@pytest.mark.parametrize(("login", "area"), [(who, area) for who, areas in OUTSIDE.items() for area in areas])
def test_an_area_outside_the_scope_is_refused_by_every_card(house: House, login: str, area: str) -> None:
    visitor = house.visitors[login]
    for snapshot in ("planted", "demo"):
        for named in (area, int(area) if area.isdigit() else area):
            assert refuses(house, visitor, house.words(snapshot) | {"area": named}) == []
    for page in all_pages():
        answer = visitor.open(page.path, **house.words("planted", area=area))
        layout = content(answer)
        assert with_class(layout, "tf-state-error"), page.key
        assert not LARGE.search(answer.get_data(as_text=True).replace(house.snapshots["planted"], ""))


def test_the_mark_would_be_seen(house: House) -> None:
    """What must not be found in a county's answers is found in those of the province."""
    visitor, words = house.visitors["commander"], house.words("planted")
    seen = [
        card.id
        for page, card in every_card(house)
        if LARGE.search(json.dumps(content(visitor.card(card, page, words))))
    ]
    assert len(seen) > 10
    assert COUNTY_MARK == 10**9


def test_a_callback_no_page_would_post_is_refused(house: House) -> None:
    visitor = house.visitors["viewer"]
    card = cards_of(house.app, next(page for page in all_pages() if page.options))[-1]
    whole = card.body({}, house.words("full"))
    clientside = [found for found in all_callbacks(house.app) if not found.on_server]
    assert clientside
    bodies: list[object] = [found.body({}, house.words("full")) for found in clientside]
    bodies += [{}, [], "x", 7, [whole], {"output": 1}, {"output": ["a"]}, {"output": card.id}, DEEP]
    bodies += [{**whole, "output": "nowhere.children"}, {**whole, "output": card.id + "@" + "0" * 64}]
    for name in ("inputs", "outputs", "changedPropIds"):
        for value in ([], None, "x", 7, {}, [1], [[]], [None], [{"id": "a", "property": "b"}]):
            if name != "changedPropIds" or value not in ([],):
                bodies.append({**whole, name: value})
    bodies.append({**whole, "state": [{"id": "a", "property": "b", "value": 1}]})
    bodies.append({key: value for key, value in whole.items() if key != "inputs"})
    for body in bodies:
        answer = visitor.post(body)
        assert answer.status_code == 400, body
        assert set(answer.get_json()) == {"error", "todo"}
    for raw in (b"", b"{", b"null", b"\xff\xfe", b"[" * 100_000):
        headers = {"X-CSRFToken": visitor.csrf, "Content-Type": "application/json"}
        assert visitor.client.post(UPDATE, data=raw, headers=headers).status_code == 400, raw[:20]
    for depth in (300, 600, 900, 1200, 3000):
        text = json.dumps(card.body({}, "HERE")).replace('"HERE"', "[" * depth + "]" * depth)
        headers = {"X-CSRFToken": visitor.csrf, "Content-Type": "application/json"}
        assert visitor.client.post(UPDATE, data=text, headers=headers).status_code in (200, 204, 400), depth


def test_the_router_survives_any_address(house: House) -> None:
    visitor = house.visitors["wuhou"]
    for path in ("", "/", "//", "/risk/", "/%00", "/" + "a" * 10_000, "/../risk", "/\ud800", "/risk?area=1"):
        answer = visitor.post(_router(house).body({"_pages_location.pathname": path}))
        assert answer.status_code == (200 if path else 400), path
    for value in (7, ["/risk"], {"a": 1}, None, "risk", "http://evil.example/"):
        answer = visitor.post(_router(house).body({"_pages_location.pathname": value}))
        assert answer.status_code == 400, value
    for search in ("?", "?area", "?area=&area=510000&area=510104", "?a[]=1", "?" + "a=1&" * 3000, "?%ff=%fe"):
        body = _router(house).body({"_pages_location.pathname": "/risk", "_pages_location.search": search})
        assert visitor.post(body).status_code == 200, search


def _router(house: House) -> Callback:
    return next(found for found in all_callbacks(house.app) if "_pages_content.children" in found.id)
