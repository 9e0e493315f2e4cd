"""Nothing a person gets depends on rows outside the scope: not a row, a sum, a rate, a rank or a count.

Two snapshots that differ in such rows alone must give the same answers, letter by letter; and figures
that only such rows can give are looked for by their size.
"""

from __future__ import annotations

import io
import re
import zipfile
from urllib.parse import urlencode

import pytest

from dashboard.shell.exports import EXPORTS
from dashboard.shell.pages import PAGES
from tests.pages.conftest import House
from tests.pages.walk import Visitor, all_pages, cards_of
from tests.pages.worlds import CITY_MARK, COUNTY_MARK

OWN = {"wuhou": ("510107",), "chengdu": ("510100", "510104")}
MARKS = {"wuhou": COUNTY_MARK, "chengdu": CITY_MARK}
_NUMBER = re.compile(r"(?<![\w.,])(?:\d{1,3}(?:,\d{3})+(?![\d,])|\d+)(?:\.\d+)?(?:e\+?\d+)?|(?<=,)\d{7,}")
_WORDS = re.compile(r"(\d[\d,.]*)[\u2009 ]*(亿|万|bn|m|k)\b")
_ID = re.compile(r"\d{8}T\d{4}-[0-9a-f]{12}")
_SIZE = {"亿": 1e8, "万": 1e4, "bn": 1e9, "m": 1e6, "k": 1e3}


def answers(
    house: House, visitor: Visitor, snapshot: str, areas: tuple[str, ...], *, options: bool = True
) -> dict[str, str]:
    """All a person can ask of a snapshot: layouts, cards with every option, exports; ids left out."""
    found: dict[str, bytes] = {}
    for area in areas:
        words = house.words(snapshot, area=area)
        for page in all_pages():
            found[f"{page.key} {area}"] = visitor.open(page.path, **words).data
            choices = [{}] + [
                {name: value}
                for name, values in page.options.items()
                if isinstance(values, tuple)
                for value in values[1:]
            ]
            for choice in choices if options else choices[:1]:
                for card in cards_of(house.app, page):
                    found[f"{card.id} {area} {choice}"] = visitor.card(card, page, words | choice).data
        for key, name in EXPORTS:
            for form in ("csv", "xlsx"):
                answer = visitor.get(f"/export/{key}/{name}.{form}?{urlencode(words)}")
                assert answer.status_code == 200
                found[f"{key}/{name}.{form} {area}"] = (
                    unzipped(answer.data) if form == "xlsx" else answer.data
                )
    # The list of snapshots names them all, so every id is left out, not only the one that was asked.
    return {name: _ID.sub("SNAPSHOT", readable(body)) for name, body in found.items()}


def unzipped(body: bytes) -> bytes:
    """The sheets and texts of a workbook, without the moment it was made."""
    with zipfile.ZipFile(io.BytesIO(body)) as book:
        return b"\n".join(book.read(name) for name in sorted(book.namelist()) if "docProps" not in name)


def readable(body: bytes) -> str:
    """A body with the escapes of JSON written out, so that words can be looked for."""
    return re.sub(r"\\u([0-9a-f]{4})", lambda m: chr(int(m[1], 16)), body.decode("utf-8-sig"))


def largest(text: str) -> float:
    """The largest number in a text, in figures or in words."""
    plain = (float(n.replace(",", "") or 0) for n in _NUMBER.findall(text) if len(n) < 40)
    worded = (float(n.strip(",.").replace(",", "")) * _SIZE[unit] for n, unit in _WORDS.findall(text))
    return max((abs(n) for n in (*plain, *worded)), default=0)


@pytest.mark.parametrize("lang", ["zh-CN", "en"])
@pytest.mark.parametrize("login", OWN)
def test_nothing_depends_on_rows_outside_the_scope(house: House, login: str, lang: str) -> None:
    visitor = house.visitors[login].wear(lang)
    areas = OWN[login] if lang == "zh-CN" else OWN[login][:1]
    one = answers(house, visitor, "planted", areas, options=lang == "zh-CN")
    two = answers(house, visitor, f"planted-{login}", areas, options=lang == "zh-CN")
    assert len(one) > 40
    assert [name for name in one if one[name] != two[name]] == []
    # The page of the policy shows the bounds of thresholds, which are no figures of an area.
    shown = {name: text for name, text in one.items() if not name.startswith("policy")}
    telling = [name for name, text in shown.items() if largest(text) >= MARKS[login]]
    assert telling == []
    assert [name for name, text in one.items() if "㊙5107" in text or "㊙乙" in text] == []
    if login == "wuhou":
        assert [name for name, text in one.items() if "㊙" in text] == []


def test_whoever_sees_the_province_sees_the_difference(house: House) -> None:
    """The two snapshots do differ, and what must not be found above is found here."""
    commander = house.visitors["commander"]
    one = answers(house, commander, "planted", ("510000",), options=False)
    for other in ("planted-wuhou", "planted-chengdu"):
        two = answers(house, commander, other, ("510000",), options=False)
        assert sum(one[name] != two[name] for name in one) > 20
    assert sum(largest(text) >= CITY_MARK for text in one.values()) > 15
    assert sum("㊙5107" in text for text in one.values()) >= 3
    city = answers(house, house.visitors["chengdu"], "planted", ("510100",), options=False)
    changed = answers(house, house.visitors["chengdu"], "planted-wuhou", ("510100",), options=False)
    assert sum(city[name] != changed[name] for name in city) > 15


def test_every_other_route_gives_no_figure(house: House) -> None:
    """Whatever is not a page, a card or an export answers the same for both snapshots, or not at all."""
    visitor = house.visitors["wuhou"]
    known = {
        "/_dash-layout",
        "/_dash-dependencies",
        "/_reload-hash",
        "/_favicon.ico",
        "/healthz",
        "/policy/pulse",
        "/opa/v1/bundles/tianfu",
        "/sign-in",
        "/",
    }
    with_parts = ("/geo/", "/export/", "/assets/", "/_dash-component-suites/", "/<path:path>")
    for rule in house.app.server.url_map.iter_rules():
        if "GET" not in (rule.methods or ()) or rule.rule.startswith(with_parts):
            continue
        assert rule.rule in known, f"{rule.rule} is new: does it show figures, and within the scope?"
        answer = visitor.get(f"{rule.rule}?{urlencode(house.words('planted', area='510000'))}")
        assert answer.status_code < 500
        text = (
            re.sub(r"[\w-]{40,}", "", readable(answer.data)) if answer.data[:4] != b"\x00\x00\x01\x00" else ""
        )
        assert "㊙" not in text, rule.rule
    shapes = house.board.boundaries
    for path in (shapes.path("city"), shapes.path("county", "510100")):
        answer = visitor.get(path)
        assert answer.status_code == 200
        assert "㊙" not in answer.get_data(as_text=True)


@pytest.mark.parametrize(
    "path",
    ["x/city/510000", "{v}/city/../../x", "{v}/county/' OR 1", "{v}/nowhere/510000", "{v}/county/999999"],
)
def test_shapes_at_a_made_up_address_are_not_found(house: House, path: str) -> None:
    answer = house.visitors["wuhou"].get(f"/geo/{path.format(v=house.board.boundaries.version)}.json")
    assert answer.status_code in (200, 404)
    assert b'"features"' not in answer.data


def test_an_export_has_a_page(house: House) -> None:
    assert {key for key, _ in EXPORTS} <= PAGES.keys()
