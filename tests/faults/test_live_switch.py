"""A running board with two workers notices what is published, removed or broken under it."""

from __future__ import annotations

import json
import shutil
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import psutil
import pytest
from playwright.sync_api import expect, sync_playwright

from dashboard.snapshot.contract import CONTRACT_VERSION
from dashboard.snapshot.publish import publish_snapshot, roll_back, write_snapshot
from tests.browser.chromium import SENTENCE, find_chromium
from tests.browser.conftest import CHROMIUM_ARGS
from tests.browser.visit import start_visit
from tests.processes import RunningBoard, healthz, running_board
from tests.tiny import BUILT_AT, DATA_TIME, tiny_tables
from tests.visitor import Visitor, answers, make_accounts

NOTICED_WITHIN = 10.0


def made(root: Path, number: int) -> str:
    """A stored snapshot with ``number`` more holders in every cell, ``number`` hours later."""
    tables = tiny_tables()
    tables["code_stock"] = tables["code_stock"].with_columns(pl.col("holders") + number)
    return write_snapshot(
        root,
        tables,
        data_time=DATA_TIME + timedelta(hours=number),
        built_at=BUILT_AT,
        policy_version=1,
        synthetic=True,
        feeds={},
    ).id


def published(root: Path, number: int) -> str:
    name = made(root, number)
    publish_snapshot(root, name, now=BUILT_AT)
    return name


def wait_for(true: Callable[[], bool], *, within: float = NOTICED_WITHIN) -> float:
    """Seconds until ``true()``, which fails the test when it takes longer than ``within``."""
    began = time.monotonic()
    while not true():
        assert time.monotonic() - began < within, f"not within {within} s"
        time.sleep(0.05)
    return time.monotonic() - began


def workers(board: RunningBoard) -> list[psutil.Process]:
    return [
        child
        for child in psutil.Process(board.pid).children(recursive=True)
        if "gunicorn" in " ".join(child.cmdline())
    ]


def test_each_of_two_workers_notices_a_switch_and_pinned_pages_stay_as_they_were(tmp_path: Path) -> None:
    root = tmp_path / "snapshots"
    first = published(root, 0)
    with running_board(tmp_path, TIANFU_WORKERS="2") as board:
        wait_for(lambda: len(workers(board)) == 2)
        visitor = Visitor(board)
        newest, before = visitor.rows()
        assert newest == first
        second = published(root, 1)
        for silent, asked in (workers(board), workers(board)[::-1]):
            assert silent.pid != asked.pid
            silent.send_signal(signal.SIGSTOP)  # so that the other one answers
            try:
                wait_for(lambda: healthz(board.url)["snapshot_id"] == second)
                assert visitor.rows()[0] == second
                # Whoever opened his page before still sees one state of affairs in every card.
                assert visitor.rows(first) == (first, before)
                assert visitor.rows(second)[1] != before
            finally:
                silent.send_signal(signal.SIGCONT)
        roll_back(root, now=BUILT_AT)
        wait_for(lambda: answers(board.url, 8) == {first})


@pytest.mark.browser
def test_an_open_page_is_offered_the_new_snapshot_and_keeps_its_filters(tmp_path: Path) -> None:
    path = find_chromium()
    if path is None:
        pytest.fail(SENTENCE)
    # A thread of its own: the browser tests keep one Playwright open in this one, and there can be only one.
    with ThreadPoolExecutor(max_workers=1) as other:
        other.submit(watch_the_offer, tmp_path, path).result()


def watch_the_offer(tmp_path: Path, path: str) -> None:
    root = tmp_path / "snapshots"
    first = published(root, 0)
    with running_board(tmp_path) as board, sync_playwright() as playwright:
        make_accounts(tmp_path)
        chromium = playwright.chromium.launch(executable_path=path, args=list(CHROMIUM_ARGS))
        with start_visit(chromium, board, lang="en") as visit:
            visit.sign_in("viewer")
            visit.open("/codes?area=510100")
            frame = visit.page.locator("[data-tf-snapshot]")
            expect(frame).to_have_attribute("data-tf-snapshot", first)
            second = published(root, 1)
            offer = visit.page.locator("#shell-offer button")
            expect(offer).to_be_visible(timeout=NOTICED_WITHIN * 1000)
            expect(frame).to_have_attribute("data-tf-snapshot", first)  # offered, not forced
            offer.click()
            expect(frame).to_have_attribute("data-tf-snapshot", second, timeout=20_000)
            assert "area=510100" in visit.page.url
        chromium.close()


def test_a_folder_removed_under_a_running_board_is_said_and_a_new_snapshot_mends_it(tmp_path: Path) -> None:
    root = tmp_path / "snapshots"
    published(root, 0)
    with running_board(tmp_path, TIANFU_WORKERS="1") as board:
        visitor = Visitor(board)
        visitor.rows()
        shutil.rmtree(root)
        said = healthz(board.url)
        assert said["snapshot_id"] is None
        assert said["reason"] == "The folder of snapshots was emptied or removed while the board ran."
        status, text = visitor.get("/export/codes/areas.csv")
        assert (status, json.loads(text)["error"]) == (404, said["reason"])
        # The same content has the same id, and other content another one: both are taken up.
        again = published(root, 0)
        assert healthz(board.url)["snapshot_id"] == again
        assert visitor.rows()[0] == again
        other = published(root, 1)
        assert visitor.rows()[0] == other
    log = (tmp_path / "board.log").read_text()
    assert "Traceback" not in log, log[-3000:]


def newer_contract(path: Path) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | {"contract_version": CONTRACT_VERSION + 1}))


def torn(path: Path) -> None:
    path.write_text(path.read_text()[:-40])


def test_a_manifest_this_board_cannot_read_leaves_the_last_good_one_on_screen(tmp_path: Path) -> None:
    root = tmp_path / "snapshots"
    good = published(root, 0)
    with running_board(tmp_path, TIANFU_WORKERS="2") as board:
        visitor = Visitor(board)
        for number, damage in ((1, newer_contract), (3, torn)):
            before = visitor.rows()
            bad = made(root, number)
            damage(root / bad / "manifest.json")
            # As a newer command would, which knows that contract; ours refuses.
            (root / "CURRENT").write_text(bad + "\n")
            said = healthz(board.url)
            assert (said["status"], said["snapshot_id"]) == ("ok", good)
            assert str(said["notice"]).startswith(f"The newest publication {bad} cannot be used")
            assert visitor.rows() == before
            status, frame = visitor.get("/_dash-layout")
            assert (status, bad in frame) == (200, True)  # the plate names it
            good = published(root, number + 1)
            assert "notice" not in healthz(board.url)
            assert visitor.rows()[0] == good


def test_a_clock_set_back_changes_neither_order_nor_ids(tmp_path: Path) -> None:
    root = tmp_path / "snapshots"
    first = made(root, 0)
    publish_snapshot(root, first, now=datetime(2022, 8, 30, 22, 0))
    second = made(root, 1)
    publish_snapshot(root, second, now=datetime(2022, 8, 30, 9, 0))
    with running_board(tmp_path, TIANFU_WORKERS="1") as board:
        assert healthz(board.url)["snapshot_id"] == second
        assert roll_back(root, now=datetime(2022, 8, 30, 9, 1)).id == first
        assert healthz(board.url)["snapshot_id"] == first
