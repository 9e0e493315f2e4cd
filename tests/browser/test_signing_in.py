"""Signing in and out, and what a page that is still open shows once its session has ended."""

from __future__ import annotations

import re
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, expect
from sqlalchemy import select

from dashboard.auth.demo import DEMO_LOGINS
from dashboard.auth.desk import Desk
from dashboard.i18n.catalogue import Lang, t
from dashboard.store.models import AccountRow
from tests.browser.conftest import settings_of
from tests.browser.visit import SLOW, Visit, start_visit
from tests.processes import RunningBoard

INSIDE = ".tf-page, .tf-nav, .leaflet-container, .ag-row, .tf-kpi"


def expect_nothing_inside(visit: Visit) -> None:
    expect(visit.page.locator("input[name=password]")).to_be_visible(timeout=SLOW)
    expect(visit.page.locator(INSIDE)).to_have_count(0)


@pytest.mark.parametrize("lang", ["zh-CN", "en"])
def test_a_wrong_password_says_so_and_the_right_one_opens_the_board(
    chromium: Browser, board: RunningBoard, lang: Lang
) -> None:
    with start_visit(chromium, board, lang=lang) as visit:
        visit.sign_in("auditor", password="not-this-one")
        expect(visit.page.get_by_role("alert")).to_contain_text(t(lang, "signin.wrong"))
        expect(visit.page.locator("input[name=login]")).to_have_value("auditor")
        expect_nothing_inside(visit)
        visit.page.fill("input[name=password]", board.password)
        visit.page.keyboard.press("Enter")
        visit.settle()
        expect(visit.page.locator('[data-tf-page="overview"]')).to_be_visible()


def test_a_link_leads_to_its_page_through_the_sign_in(chromium: Browser, board: RunningBoard) -> None:
    with start_visit(chromium, board) as visit:
        visit.page.goto(f"{board.url}/risk?area=510100&fill=level")
        expect_nothing_inside(visit)
        visit.page.fill("input[name=login]", "commander")
        visit.page.fill("input[name=password]", board.password)
        visit.page.keyboard.press("Enter")
        visit.settle()
        assert visit.page.url == f"{board.url}/risk?area=510100&fill=level"
        expect(visit.page.locator("#risk-crumbs [aria-current]")).to_have_text("成都市")


def test_signing_out_ends_it_and_the_back_button_shows_nothing(
    chromium: Browser, board: RunningBoard
) -> None:
    with start_visit(chromium, board) as visit:
        visit.sign_in("commander2")
        visit.settle()
        visit.go_to("codes")
        visit.page.get_by_role("button", name=t("zh-CN", "shell.sign_out")).click()
        expect(visit.page.get_by_role("status")).to_have_text(t("zh-CN", "signin.out"))
        for _ in range(2):
            visit.page.go_back()
            expect_nothing_inside(visit)
        cookies = {cookie["name"] for cookie in visit.context.cookies()}
        assert "tianfu_session" not in cookies


def test_a_session_revoked_while_a_page_is_open_leads_to_the_sign_in(
    chromium: Browser, board: RunningBoard
) -> None:
    """The screen must not go on showing figures of one area under the address of another."""
    with start_visit(chromium, board) as visit:
        visit.sign_in("commander2", next_page="/risk")
        visit.settle()
        revoke(board, "commander2")
        visit.shape("risk-map-card", "510100").click()
        expect(visit.page).to_have_url(re.compile("/sign-in"), timeout=SLOW)
        expect(visit.page.get_by_role("status")).to_have_text(t("zh-CN", "signin.ended"))
        expect_nothing_inside(visit)
        assert quote("area=510100", safe="") in visit.page.url, "the way back names the area"


def revoke(board: RunningBoard, login: str) -> None:
    desk = Desk(settings_of(board.home))
    try:
        with desk.database.write() as connection:
            account = connection.execute(select(AccountRow.id).where(AccountRow.login == login)).scalar_one()
            assert desk.sessions.revoke_all(connection, account) >= 1
    finally:
        desk.database.close()


@pytest.mark.parametrize("login", DEMO_LOGINS)
def test_every_demo_account_sees_its_own_name_and_scope(
    chromium: Browser, board: RunningBoard, login: str
) -> None:
    where = {"chengdu": "成都市", "wuhou": "武侯区"}.get(login, "四川省")
    with start_visit(chromium, board, login=login) as visit:
        visit.open("/policy")
        expect(visit.page.locator(".tf-nav-mark")).to_contain_text(login)
        expect(visit.page.locator(".tf-header-facts")).to_contain_text(where)
        assert not visit.errors
