"""The policy screen with a real rules service and sender: draft, preview, approval, publication, verdict."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, expect

from dashboard.clock import china_now
from dashboard.envelope.keyring import ensure_demo_keys
from dashboard.i18n.catalogue import t
from dashboard.publishing.actors import Actor
from dashboard.publishing.changes import discard, list_changes
from dashboard.publishing.publish import install_baseline
from dashboard.publishing.states import OPEN
from dashboard.store.engine import Database
from tests.browser.conftest import OpenBoard, settings_of
from tests.browser.visit import SLOW, Visit, start_visit
from tests.delivery_process import a_sender, a_service
from tests.processes import ROOT, RunningBoard

# The sender asks a few golden cases at a time; on a busy machine that takes longer than drawing a page.
VERIFIED = 3 * SLOW
OVERLAP = "health_code.rows.time_space_overlap"


@pytest.fixture(scope="module")
def policy_board(
    tmp_path_factory: pytest.TempPathFactory, demo_home: Path, open_board: OpenBoard
) -> Iterator[RunningBoard]:
    """A board of its own on the demo snapshot, so that no other test sees another policy."""
    home = tmp_path_factory.mktemp("policy-home")
    (home / "snapshots").symlink_to(demo_home / "snapshots")
    settings = settings_of(home)
    key, database = ensure_demo_keys(settings), Database(settings)
    with open_board(home) as board, a_service(home) as service, a_sender(home, url=service.url) as sender:
        with database.write() as connection:
            install_baseline(connection, key, china_now())
        service.start()
        sender.start()
        yield board
    database.close()


@pytest.fixture(autouse=True)
def _no_draft_left(policy_board: RunningBoard) -> Iterator[None]:
    """Each test begins its own draft: an open one of another test would be found and gone on with."""
    yield
    database = Database(settings_of(policy_board.home))
    try:
        with database.write() as connection:
            for change in list_changes(connection, states=OPEN):
                author = Actor(change.author_id, change.author, role="policy_editor")
                discard(connection, change.id, change.row_version, author, china_now())
    finally:
        database.close()


def part(visit: Visit, mark: str, value: str = "") -> Locator:
    """What carries a mark of the page."""
    return visit.page.locator(f'[data-tf-{mark}="{value}"]' if value else f"[data-tf-{mark}]")


def type_into(visit: Visit, path: str, text: str) -> None:
    visit.page.locator(f'[data-tf-path="{path}"] input').fill(text)


def expect_saved(visit: Visit) -> None:
    expect(part(visit, "save-state", "saved")).to_be_visible(timeout=SLOW)


def expect_state(visit: Visit, state: str) -> None:
    expect(part(visit, "state", state)).to_be_visible(timeout=SLOW)


def expect_in_force(visit: Visit, version: int) -> None:
    """The page says by itself that this version is in force and verified."""
    expect(visit.page.locator(".tf-pol-now-head strong")).to_have_text(
        t("zh-CN", "shell.policy", version=version), timeout=VERIFIED
    )
    expect(part(visit, "step-done", "verified")).to_be_visible(timeout=VERIFIED)
    expect(visit.page.locator('.tf-pol-now-head [data-tf-verdict="synced"]')).to_be_visible(timeout=VERIFIED)


def begin(visit: Visit, group: str) -> None:
    """A draft of the editor, begun or found, with the fields of ``group`` on screen."""
    visit.open(f"/policy?group={group}")
    opener = part(visit, "act", "open").first
    expect(opener.or_(part(visit, "change")).first).to_be_visible(timeout=SLOW)
    if opener.count():
        opener.click()
    expect(part(visit, "change")).to_be_visible(timeout=SLOW)


def publish_once(chromium: Browser, board: RunningBoard, login: str) -> None:
    """``login`` approves what waits and publishes it; the page shows the rest by itself."""
    with start_visit(chromium, board, login=login) as visit:
        visit.open("/policy")
        expect_state(visit, "in_review")
        expect(part(visit, "impact")).to_be_visible(timeout=SLOW)
        part(visit, "act", "approve").click()
        expect_state(visit, "approved")
        visit.page.locator('[data-tf-act="publish"][data-tf-button="now"]').click()
        expect(part(visit, "state", "active")).to_be_visible(timeout=VERIFIED)
        assert not visit.errors
        assert not visit.strangers


def test_from_the_first_edit_to_verified_and_back(
    chromium: Browser, policy_board: RunningBoard, tmp_path: Path
) -> None:
    with start_visit(chromium, policy_board, login="editor") as visit:
        visit.open("/policy")
        expect_in_force(visit, 1)
        begin(visit, "health_code")
        type_into(visit, f"{OVERLAP}.hold_days", "7")
        expect_saved(visit)
        # Nothing is lost on a reload, saved or not yet.
        type_into(visit, f"{OVERLAP}.hold_days", "8")
        visit.page.reload()
        held = visit.page.locator(f'[data-tf-path="{OVERLAP}.hold_days"] input')
        expect(held).to_have_value("8", timeout=VERIFIED)
        type_into(visit, f"{OVERLAP}.hold_days", "7")
        diff = visit.page.locator(".tf-pol-diff-changed")
        expect(diff).to_have_count(1, timeout=SLOW)
        expect(diff).to_contain_text("14 天")
        expect(diff.locator("ins")).to_have_text("7 天")
        yellow_to_green = re.compile("黄码 → 绿码.*[0-9]")
        expect(part(visit, "impact")).to_contain_text(yellow_to_green, timeout=SLOW)
        held.evaluate('e => e.scrollIntoView({block: "center"})')
        chosen = os.environ.get("TIANFU_PICTURES")
        file = (ROOT / chosen if chosen else tmp_path) / "policy-screen.png"
        visit.picture(file)
        assert file.stat().st_size < 300_000
        # Who turns green where: the map and the table.
        visit.page.locator("a", has_text=t("zh-CN", "screen.impact.more")).click()
        expect(visit.page.locator("#policy-more .leaflet-container path[role=button]").first).to_be_attached(
            timeout=SLOW
        )
        expect(visit.page.locator("#policy-more .tf-pol-table")).to_contain_text(
            t("zh-CN", "reason.time_space_overlap")
        )
        part(visit, "name", "reason").fill("时空伴随风险下降，缩短观察期")
        part(visit, "act", "ask_review").click()
        expect_state(visit, "in_review")
        assert part(visit, "act", "approve").count() == 0, "nobody approves an own draft"
        assert not visit.errors
    publish_once(chromium, policy_board, "commander")
    with start_visit(chromium, policy_board, login="commander") as visit:
        visit.open("/policy?view=history")
        expect_in_force(visit, 2)
        expect(visit.page.locator("#shell-version")).to_have_text("政策第 2 版")
        expect(visit.page.locator("#policy-more .tf-pol-diff-changed")).to_have_count(1)
        # And the way back: asked for by one, approved and published by the other.
        form = visit.page.locator(".tf-card", has=part(visit, "act", "rollback"))
        form.locator("textarea").fill("观察期缩短后出现续发，恢复原规定")
        form.locator('[data-tf-act="rollback"]').click()
        expect_state(visit, "in_review")
        assert part(visit, "act", "approve").count() == 0
    publish_once(chromium, policy_board, "commander2")
    with start_visit(chromium, policy_board, login="viewer") as visit:
        visit.open("/policy")
        expect_in_force(visit, 1)
        expect(visit.page.locator("[data-tf-act], [data-tf-change]")).to_have_count(0)
        assert not visit.errors


def test_two_tabs_never_overwrite_each_other(chromium: Browser, policy_board: RunningBoard) -> None:
    with (
        start_visit(chromium, policy_board, login="editor") as one,
        start_visit(chromium, policy_board, login="editor") as two,
    ):
        begin(one, "appeals")
        begin(two, "appeals")
        type_into(one, "appeals.backlog_days_warn", "10")
        expect_saved(one)
        type_into(two, "appeals.resolve_hours", "96")
        conflict = two.page.locator("[data-tf-conflict]")
        expect(conflict).to_be_visible(timeout=SLOW)
        expect(conflict).to_contain_text("editor")
        expect(conflict).to_contain_text(t("zh-CN", "policy.appeals.backlog_days_warn"))
        conflict.locator('[data-tf-rebase="mine"]').click()
        expect(conflict).to_be_hidden(timeout=SLOW)
        for path, value in (("appeals.backlog_days_warn", "10"), ("appeals.resolve_hours", "96")):
            field = two.page.locator(f'[data-tf-path="{path}"] input')
            expect(field).to_have_value(value, timeout=SLOW)
        expect(two.page.locator(".tf-pol-diff-changed")).to_have_count(2, timeout=SLOW)
        assert not one.errors
        assert all("409" in line for line in two.errors), two.errors


def test_a_wrong_value_is_answered_at_its_field(chromium: Browser, policy_board: RunningBoard) -> None:
    with start_visit(chromium, policy_board, login="editor") as visit:
        begin(visit, "appeals")
        type_into(visit, "appeals.resolve_hours", "很久")
        problem = part(visit, "problem", "appeals.resolve_hours")
        expect(problem).to_contain_text("很久", timeout=SLOW)
        expect(part(visit, "act", "ask_review")).to_have_count(0, timeout=SLOW)
        type_into(visit, "appeals.resolve_hours", "48")
        expect(problem).to_be_empty(timeout=SLOW)
        assert not visit.errors
