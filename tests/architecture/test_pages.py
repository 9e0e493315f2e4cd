"""How pages and callbacks are put together: ids, writers, titles, stores. Nothing is listed by hand."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dash
import pytest
from dash import _callback

from app import create_app
from dashboard.auth.demo import DEMO_ACCOUNTS
from dashboard.i18n.catalogue import LANGS, load_texts
from dashboard.settings import read_settings
from dashboard.shell import board as boards
from dashboard.shell.pages import PAGES
from tests.pages.walk import all_callbacks, all_pages, outputs_of

SHELL, OWN, DASH = "shell-", "tf-", "_pages_"


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dash.Dash]:
    """An app of its own; the board of the process stays what it was."""
    before = dict(boards._BOARDS)
    # What an app that never answered a request registered would count twice here.
    _callback.GLOBAL_CALLBACK_LIST.clear()
    _callback.GLOBAL_CALLBACK_MAP.clear()
    made = create_app(read_settings({"TIANFU_HOME": str(tmp_path_factory.mktemp("home"))}))
    made.server.test_client().get("/healthz")
    yield made
    boards._BOARDS.update(before)


def declared(app: dash.Dash) -> list[dict[str, Any]]:
    """Every callback as it was registered; the map would hide a second one with the same outputs."""
    return list(app._callback_list)


def owner(name: str) -> str:
    """Whose id it is: the key of a page, or the shell, a component, Dash itself."""
    for prefix in (SHELL, OWN, DASH):
        if name.startswith(prefix):
            return prefix
    return name.partition("-")[0]


def test_every_callback_speaks_of_ids_of_one_page(app: dash.Dash) -> None:
    """Its outputs, inputs and states belong to the same page; only the shell listens to Dash's address."""
    for found in all_callbacks(app):
        owners = {owner(name) for name, _ in (*found.outputs, *found.inputs, *found.states)}
        if owners <= {SHELL, DASH}:
            continue
        assert len(owners - {OWN}) == 1, found.id
        assert owners - {OWN} <= PAGES.keys(), f"{found.id} belongs to no page"


def test_no_key_of_a_page_begins_another_or_is_reserved() -> None:
    for page in PAGES.values():
        assert page.key.isidentifier()
        assert "-" not in page.key
        assert page.key not in ("shell", "tf")
    assert len({page.path for page in PAGES.values()}) == len(PAGES)
    assert len({page.order for page in PAGES.values()}) == len(PAGES)


def test_an_output_has_one_writer(app: dash.Dash) -> None:
    """A second one only where it is declared so, and then in the browser, where it cannot race."""
    writers: Counter[tuple[str, str]] = Counter()
    for entry in declared(app):
        duplicate = "@" in entry["output"]
        on_server = entry["clientside_function"] is None
        assert not (duplicate and on_server), f"{entry['output']} is written twice, once on the server"
        if not duplicate:
            writers.update(outputs_of(entry["output"]))
    assert [pair for pair, count in writers.items() if count > 1] == []
    assert len(declared(app)) == len(app.callback_map)


def test_a_duplicate_output_is_a_store_of_filters(app: dash.Dash) -> None:
    shared = {pair for e in declared(app) if "@" in e["output"] for pair in outputs_of(e["output"])}
    assert shared <= {(page.store_id, "data") for page in PAGES.values()}


def test_a_card_listens_to_the_filters_and_to_nothing_else(app: dash.Dash) -> None:
    """So a card needs no more than the words of the URL, and a link to a page restores it.

    A live page also listens to the store that says that something moved behind it; it reads no word from it.
    """
    for found in all_callbacks(app):
        if not found.on_server or found.outputs[0][0].startswith(DASH):
            continue
        page = PAGES[found.page]
        usual = ((page.store_id, "data"),)
        assert found.inputs in (usual, (*usual, (page.moved_id, "data"))), found.id
        assert page.live or found.inputs == usual, found.id
        assert {name.partition("-")[0] for name, _ in found.outputs} == {page.key}, found.id


def test_no_callback_runs_on_the_server_for_an_input_of_every_key_stroke(app: dash.Dash) -> None:
    listened = {prop for found in all_callbacks(app) if found.on_server for _, prop in found.inputs}
    assert listened <= {"data", "pathname", "search"}


def test_every_page_has_a_name_and_a_title_in_both_languages(app: dash.Dash) -> None:
    assert len(PAGES) >= 6
    for page in all_pages():
        names = load_texts()[f"nav.{page.key}"]
        assert all(names[lang].strip() for lang in LANGS)
        entry = next(e for e in dash.page_registry.values() if e["path"] == page.path)
        for lang in LANGS:
            with app.server.test_request_context("/", headers={"Cookie": f"tianfu_lang={lang}"}):
                assert names[lang] in entry["title"]()


def test_no_page_is_registered_past_the_shell() -> None:
    """A page that Dash knows and the shell does not would have no rights check."""
    open_paths = {entry["path"] for entry in dash.page_registry.values()} - {
        page.path for page in PAGES.values()
    }
    assert open_paths == {"/not-found-404"}


def test_every_page_needs_a_right_that_somebody_has() -> None:
    from dashboard.auth.rights import RIGHTS, ROLE_RIGHTS

    held = {right for account in DEMO_ACCOUNTS for right in ROLE_RIGHTS[account.role]}
    for page in PAGES.values():
        assert page.needs in RIGHTS
        assert page.needs in held


def test_page_modules_are_the_files_of_the_folder() -> None:
    """A file in ``pages`` that registers nothing is a page that nobody can open."""
    folder = Path(__file__).resolve().parents[2] / "pages"
    files = {path.stem for path in folder.glob("*.py") if path.stem != "__init__"}
    assert files == {module.rpartition(".")[2] for module in dash.page_registry}


def test_a_store_of_filters_is_small() -> None:
    """The words of a page with the longest value of each stay below 2 kB."""
    for page in PAGES.values():
        words = {"snapshot": "x" * 26, "area": "5101F1", "date": "2022-08-30", "compare": "2022-08-30"}
        # A word of a shape is at most as long as the id of a change.
        words |= {
            name: "x" * 36 if isinstance(values, re.Pattern) else max(values, key=len)
            for name, values in page.options.items()
        }
        assert len(json.dumps(words | {"pinned": "1", "root": "510000"})) < 2000
