"""Every page draws, for everyone it is meant for, in both languages and themes, whatever was delivered."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest

from dashboard.auth.demo import DEMO_ACCOUNTS
from dashboard.auth.rights import ROLE_RIGHTS
from dashboard.i18n.catalogue import LANGS, Lang, load_texts, t
from dashboard.shell.pages import PAGES, Page
from queries.metrics import load_metrics
from tests.pages.conftest import House
from tests.pages.walk import (
    Json,
    Visitor,
    all_callbacks,
    all_pages,
    cards_of,
    components,
    content,
    grids,
    nodes,
    store_of,
    text_of,
    texts,
    with_class,
)
from tests.pages.worlds import TABLE_NAMES

RIGHTS = {account.login: ROLE_RIGHTS[account.role] for account in DEMO_ACCOUNTS}
LOOKS = [("zh-CN", "light"), ("en", "dark")]
NO_ZERO = re.compile(r"(?<![\d.,:/+%-])0(?![\d.,:/%-])")


def may_open(login: str, page: Page) -> bool:
    return page.needs in RIGHTS[login]


def draw(house: House, visitor: Visitor, page: Page, words: dict[str, str]) -> dict[str, Json]:
    """The layout of a page (under its key) and all of its cards, each as its JSON, by what it writes."""
    layout = content(visitor.open(page.path, **words))["_pages_content"]["children"]
    drawn = {page.key: layout}
    store = store_of(layout, page)
    for card in cards_of(house.app, page):
        drawn |= dict(content(visitor.card(card, page, store)) or {})
    # Links name the snapshot; without its id the same page of two snapshots can be compared.
    return dict(json.loads(json.dumps(drawn, ensure_ascii=False).replace(store["snapshot"], "SNAPSHOT")))


def errors_in(tree: Json) -> list[str]:
    return [text_of(part) for part in with_class(tree, "tf-state-error")]


@pytest.mark.parametrize(("lang", "theme"), LOOKS)
@pytest.mark.parametrize(
    ("login", "snapshot"),
    [(account.login, "full") for account in DEMO_ACCOUNTS] + [(who, "demo") for who in ("viewer", "wuhou")],
)
def test_every_page_draws_for_everyone(
    house: House, login: str, snapshot: str, lang: str, theme: str
) -> None:
    visitor = house.visitors[login].wear(lang, theme)
    other = "zh-CN" if lang == "en" else "en"
    for page in all_pages():
        drawn = draw(house, visitor, page, house.words(snapshot))
        assert errors_in(drawn) == []
        said = set(texts(drawn))
        assert said & load_texts().keys() == set(), "a key of the catalogue instead of its text"
        name = t(lang, f"nav.{page.key}")  # type: ignore[arg-type]
        assert any(name in words for words in said)
        if t(other, f"nav.{page.key}") != name:  # type: ignore[arg-type]
            assert t(other, f"nav.{page.key}") not in said  # type: ignore[arg-type]


@pytest.mark.parametrize("login", [account.login for account in DEMO_ACCOUNTS])
def test_every_option_of_a_page_draws(house: House, login: str) -> None:
    """Each value of each option of a page, at each grain of area the person may see."""
    visitor = house.visitors[login]
    areas = {"viewer": ("510000", "510100", "510107"), "chengdu": ("510100", "510107"), "wuhou": ("510107",)}
    if login not in areas:
        return
    for page in all_pages():
        for area in areas[login]:
            for name, allowed in (page.options or {"": ("",)}).items():
                for value in allowed if isinstance(allowed, tuple) else ("",):
                    words = house.words("demo", area=area) | ({name: value} if name else {})
                    assert errors_in(draw(house, visitor, page, words)) == [], (page.key, words)


@pytest.mark.parametrize("login", ["commander", "wuhou"])
@pytest.mark.parametrize("table", TABLE_NAMES)
def test_what_was_not_delivered_is_said_and_never_zero(house: House, login: str, table: str) -> None:
    visitor = house.visitors[login]
    missing = t("zh-CN", "cell.not_reported")
    changed_cards = 0
    for page in all_pages():
        whole = draw(house, visitor, page, house.words("full"))
        holed = draw(house, visitor, page, house.words(f"without-{table}"))
        assert errors_in(holed) == [], (page.key, table)
        for name in whole.keys() & holed.keys():
            before, after = facts_of(whole[name]), facts_of(holed[name])
            if before == after:
                continue
            changed_cards += 1
            invented = [key for key in after if after[key] in (0, "0") and before.get(key) not in (0, "0")]
            assert invented == [], f"{name} without {table}: zero where nothing was reported"
            words = "".join(text_of(holed[name]).split())
            signs = with_class(holed[name], "tf-state") or with_class(holed[name], "tf-cell-not-reported")
            in_rows = missing in str(holed[name])
            assert signs or in_rows or table in ("feed_reject", "restated"), (
                f"{name} without {table} says nothing: {words}"
            )
    if table != "feed_reject":
        assert changed_cards, f"nothing on any page depends on {table}"


def facts_of(tree: Json) -> dict[str, object]:
    """What a card states, by where: key figures, cells of tables, points of charts, zeros in sentences."""
    facts: dict[str, object] = {}
    for part in with_class(tree, "tf-kpi"):
        shown = [text_of(value) for value in with_class(part, "tf-kpi-value")]
        facts[f"figure {part['id']}"] = "0" if "tf-kpi-is-zero" in part["className"] else "".join(shown)
    for grid, rows in grids(tree).items():
        for line, row in enumerate(rows):
            key = row.get("__href") or row.get("text") or row.get("feed") or line
            facts |= {
                f"table {grid} {key} {field}": v for field, v in row.items() if not field.endswith("__t")
            }
    for part in components(tree):
        figure = part.get("figure")
        for place, trace in enumerate(figure.get("data", ()) if isinstance(figure, dict) else ()):
            for axis in ("x", "y", "z"):
                for point, value in enumerate(flat(trace.get(axis))):
                    if isinstance(value, int | float):
                        facts[f"chart {part['id']} {place} {axis} {point}"] = value
        if part[""] in ("P", "Dd", "Li") and not with_class(part.get("children"), "tf-num"):
            words = text_of(part)
            if NO_ZERO.search(words):
                facts[f"sentence {words}"] = "0"
            elif part[""] == "P":
                facts[f"sentence {words}"] = words
    return facts


def flat(value: Json) -> Iterator[Json]:
    if isinstance(value, list):
        for item in value:
            yield from flat(item)
    else:
        yield value


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("login", ["viewer", "wuhou"])
def test_a_home_without_a_snapshot_says_so(empty_house: House, login: str, lang: Lang) -> None:
    visitor = empty_house.visitors[login].wear(lang)
    for path in ("/", "/_dash-layout"):
        assert visitor.get(path).status_code == 200
    for page in all_pages():
        answer = visitor.open(page.path)
        layout = content(answer)["_pages_content"]["children"]
        said = errors_in(layout)
        assert len(said) == 1, page.key
        assert "Traceback" not in said[0]
        assert "tianfu snapshot build" in said[0]
        for card in cards_of(empty_house.app, page):
            answer = visitor.card(card, page, {})
            assert answer.status_code in (200, 204)
    frame = visitor.get("/_dash-layout").get_data(as_text=True)
    assert t(lang, "error.no_snapshot") in frame.encode().decode("unicode_escape", "ignore") or t(
        lang, "error.no_snapshot"
    ) in text_of(visitor.get("/_dash-layout").get_json())


@pytest.mark.parametrize("login", [account.login for account in DEMO_ACCOUNTS])
def test_navigation_offers_just_the_pages_a_person_may_open(house: House, login: str) -> None:
    frame = house.visitors[login].get("/_dash-layout").get_json()
    links = [part["href"] for part in with_class(frame, "tf-nav-item")]
    assert links == [page.path for page in all_pages() if may_open(login, page)]
    for page in all_pages():
        layout = content(house.visitors[login].open(page.path))["_pages_content"]["children"]
        assert bool(errors_in(layout)) != may_open(login, page)


def test_an_address_without_a_page_says_so(house: House) -> None:
    for path in ("/nowhere", "/risk/../../etc/passwd", "/%2e%2e/", "/risk/1"):
        layout = content(house.visitors["viewer"].open(path))["_pages_content"]["children"]
        assert text_of(layout).startswith(t("zh-CN", "page.not_found")), path


def test_the_walkers_find_every_page_and_card(house: House) -> None:
    """A walker that finds nothing passes everything."""
    assert len(PAGES) >= 6
    on_server = [found for found in all_callbacks(house.app) if found.on_server]
    walked = [card for page in all_pages() for card in cards_of(house.app, page)]
    assert len(walked) >= 30
    router = [found for found in on_server if found not in walked]
    assert [found.outputs[0][0] for found in router] == ["_pages_content"]
    assert list(nodes({"a": [{"b": 1}]})) == [{"a": [{"b": 1}]}, {"b": 1}]


@pytest.mark.parametrize("snapshot", ["full", "demo"])
def test_ids_on_a_page_are_its_own_and_unique(house: House, snapshot: str) -> None:
    """An id begins with the key of its page, so that no two pages and no two cards can collide."""
    for page in all_pages():
        drawn = draw(house, house.visitors["commander"], page, house.words(snapshot))
        ids = [part["id"] for part in components(list(drawn.values())) if isinstance(part.get("id"), str)]
        assert len(ids) == len(set(ids)), [name for name in ids if ids.count(name) > 1]
        anchors = {metric.id for metric in load_metrics().values()} if page.key == "help" else set()
        strange = [i for i in ids if not i.startswith((f"{page.key}-", "shell-", "tf-")) and i not in anchors]
        assert strange == []


def test_stores_stay_small(house: House) -> None:
    """What a browser keeps and posts with every callback: below 2 kB a store."""
    for page in all_pages():
        layout = content(house.visitors["commander"].open(page.path, **house.words("demo")))
        stores = [part for part in components(layout) if part[""] == "Store"]
        assert stores
        for store in stores:
            assert len(json.dumps(store.get("data"))) < 2000, store["id"]
            assert store.get("storage_type", "memory") == "memory", store["id"]
