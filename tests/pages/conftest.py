"""One board over several snapshots, all in one home: a page shows the one its store or URL names."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import dash
import pytest
from dash import _callback

from app import create_app
from dashboard.auth.demo import DEMO_LOGINS, ensure_demo_accounts
from dashboard.settings import Settings, read_settings
from dashboard.shell import board as boards
from dashboard.snapshot.publish import publish_snapshot
from tests.pages import worlds
from tests.pages.walk import Visitor
from tests.tiny import BUILT_AT

PASSWORD = "only-for-tests-7Qh2"


class House:
    """The board under test, its snapshots by name, and a signed-in browser for each demo account."""

    def __init__(self, home: Path) -> None:
        self.settings: Settings = read_settings({"TIANFU_HOME": str(home), "TIANFU_DEMO_PASSWORD": PASSWORD})
        ensure_demo_accounts(self.settings)
        # Callbacks of an app that never answered a request wait in these lists for the next app.
        _callback.GLOBAL_CALLBACK_LIST.clear()
        _callback.GLOBAL_CALLBACK_MAP.clear()
        self.app: dash.Dash = create_app(self.settings)
        self.board = boards.get_board()
        self.snapshots: dict[str, str] = {}
        self.visitors: dict[str, Visitor] = {}
        assert self.app.server.test_client().get("/healthz").status_code in (200, 503)

    def sign_in(self, login: str) -> Visitor:
        """A new session of its own; ``visitors`` are shared by all tests."""
        return Visitor(self.app, login, PASSWORD)

    def words(self, snapshot: str, **words: str) -> dict[str, str]:
        """Filters that name one of the snapshots."""
        return {"snapshot": self.snapshots[snapshot], "pinned": "1", **words}


@pytest.fixture(scope="session")
def house_of_all(tmp_path_factory: pytest.TempPathFactory) -> House:
    home = tmp_path_factory.mktemp("home")
    house = House(home)
    root = house.settings.snapshots
    house.snapshots = worlds.build_worlds(root, tmp_path_factory.mktemp("demo"))
    publish_snapshot(root, house.snapshots["full"], now=BUILT_AT)
    house.visitors = {login: house.sign_in(login) for login in DEMO_LOGINS}
    return house


@pytest.fixture
def quiet(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """A bug is caught and shown as a plain card; only the log tells."""
    caplog.set_level(logging.WARNING)
    yield
    errors = [record for record in caplog.get_records("call") if record.levelno >= logging.ERROR]
    assert [f"{record.name}: {record.getMessage()} {record.exc_text or ''}" for record in errors] == []


@pytest.fixture
def house(house_of_all: House, quiet: None, monkeypatch: pytest.MonkeyPatch) -> House:
    """The board, being the board of this process also when another test made one since."""
    monkeypatch.setitem(boards._BOARDS, "board", house_of_all.board)
    for visitor in house_of_all.visitors.values():
        visitor.wear()
    return house_of_all


@pytest.fixture
def empty_house(tmp_path: Path, quiet: None, monkeypatch: pytest.MonkeyPatch) -> House:
    """A board whose home holds no snapshot yet."""
    house = House(tmp_path)
    monkeypatch.setitem(boards._BOARDS, "board", house.board)
    house.visitors = {login: house.sign_in(login) for login in ("viewer", "wuhou")}
    return house
