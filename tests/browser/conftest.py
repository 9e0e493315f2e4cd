"""A real Chromium against a real board: one demo snapshot and one board for all browser tests."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from dashboard.auth.demo import ensure_demo_accounts
from dashboard.settings import Settings, read_settings
from tests.browser.chromium import SENTENCE, find_chromium
from tests.browser.visit import SLOW
from tests.processes import ROOT, RunningBoard, environment, run_tianfu, running_board

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

OpenBoard = Callable[[Path], AbstractContextManager[RunningBoard]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    room = Path(__file__).parent
    for item in items:
        if room in item.path.parents:
            item.add_marker(pytest.mark.browser)


def settings_of(home: Path) -> Settings:
    """The settings of a board that keeps its state in ``home``."""
    return read_settings(environment(home))


def publish_demo(home: Path, *words: str) -> None:
    """Build and publish a snapshot of demo data in ``home``, by the commands a user would type."""
    run_tianfu("demo-data", *words, "--out", str(home / "input"), home=home)
    run_tianfu("snapshot", "build", "--input", str(home / "input"), "--publish", home=home)


def publish_two_evenings(home: Path) -> None:
    """The demo as ``tianfu demo`` makes it: the snapshot of the evening before, then today's."""
    eve = home / "input-eve"
    run_tianfu("demo-data", "--scale", "demo", "--out", str(home / "input"), "--eve", str(eve), home=home)
    for folder in (eve, home / "input"):
        run_tianfu("snapshot", "build", "--input", str(folder), "--publish", home=home)


@pytest.fixture(scope="session")
def bundles(pytestconfig: pytest.Config) -> Path:
    """Cache of the compressed bundles, kept between runs: its files are named by their content.

    Making them takes a quarter of a minute of processor time, and every board would begin with it.
    """
    assert pytestconfig.cache is not None
    folder = Path(pytestconfig.cache.mkdir("tianfu-bundles"))
    subprocess.run(
        [sys.executable, "-m", "dashboard.shell.static"],
        cwd=ROOT,
        env=environment(folder),
        check=True,
        timeout=300,
    )
    return folder / "cache"


@pytest.fixture(scope="session")
def demo_snapshots(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """The two demo snapshots, built once for all processes of a run; the others wait for the first."""
    base = tmp_path_factory.getbasetemp()
    home = (base if worker_id == "master" else base.parent) / "demo-of-all"
    with home.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (home / "complete").exists():
            shutil.rmtree(home, ignore_errors=True)  # of a process that failed half way
            home.mkdir()
            publish_two_evenings(home)
            (home / "complete").touch()
    return home / "snapshots"


@pytest.fixture(scope="session")
def demo_home(tmp_path_factory: pytest.TempPathFactory, demo_snapshots: Path, bundles: Path) -> Path:
    """A home folder with demo accounts and the published demo snapshot of 90 days."""
    home = tmp_path_factory.mktemp("demo-home")
    (home / "cache").symlink_to(bundles)
    ensure_demo_accounts(settings_of(home))
    # Files that never change are shared; what names the current one is this home's own.
    shutil.copytree(demo_snapshots, home / "snapshots", copy_function=_share, symlinks=True)
    return home


def _share(source: str, target: str) -> None:
    if source.endswith(".parquet"):
        os.link(source, target)
    else:
        shutil.copy2(source, target)


@pytest.fixture(scope="session")
def board(demo_home: Path) -> Iterator[RunningBoard]:
    with running_board(demo_home) as running:
        yield running


@pytest.fixture(scope="session")
def open_board(bundles: Path) -> OpenBoard:
    """Starts another board on a home folder of its own, with demo accounts."""

    def start(home: Path) -> AbstractContextManager[RunningBoard]:
        ensure_demo_accounts(settings_of(home))
        (home / "cache").symlink_to(bundles)
        return running_board(home, TIANFU_WORKERS="1")

    return start


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    path = find_chromium()
    if path is None:
        pytest.fail(SENTENCE)
    with sync_playwright() as playwright:
        expect.set_options(timeout=SLOW)
        browser = playwright.chromium.launch(executable_path=path, args=list(CHROMIUM_ARGS))
        yield browser
        browser.close()
