"""A real Chromium against a real board: one demo snapshot and one board for all browser tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.chromium import SENTENCE, find_chromium
from tests.processes import RunningBoard, run_tianfu, running_board

CHROMIUM_ARGS = (
    "--no-sandbox",  # the tests may run as root in a container
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--font-render-hinting=none",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    room = Path(__file__).parent
    for item in items:
        if room in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def demo_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home folder with the published demo snapshot, made by the commands a user would type."""
    home = tmp_path_factory.mktemp("demo-home")
    run_tianfu("demo-data", "--scale", "demo", "--out", str(home / "input"), home=home)
    run_tianfu("snapshot", "build", "--input", str(home / "input"), "--publish", home=home)
    return home


@pytest.fixture(scope="session")
def board(demo_home: Path) -> Iterator[RunningBoard]:
    with running_board(demo_home) as running:
        yield running


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    path = find_chromium()
    if path is None:
        pytest.fail(SENTENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(CHROMIUM_ARGS))
        yield browser
        browser.close()
