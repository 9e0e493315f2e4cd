"""A newer snapshot while a page is open, none at all, and one of two public files alone."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from dashboard.i18n.catalogue import t
from tests.browser.conftest import OpenBoard, publish_demo
from tests.browser.visit import start_visit
from tests.processes import run_tianfu

REAL_DAY = "2022-09-05"


def test_a_newer_snapshot_is_offered_and_keeps_the_filters(
    chromium: Browser, open_board: OpenBoard, tmp_path: Path
) -> None:
    publish_demo(tmp_path, "--scale", "tiny", "--end", "2021-02-03")
    with open_board(tmp_path) as board, start_visit(chromium, board, login="commander") as visit:
        visit.open("/risk?area=510100&fill=level")
        offer = visit.page.locator("#shell-offer")
        expect(offer).to_be_hidden()
        expect(visit.page.locator("#risk-date")).to_have_text("2021-02-03")
        publish_demo(tmp_path, "--scale", "tiny", "--end", "2021-02-05")
        expect(offer).to_contain_text(t("zh-CN", "shell.new_snapshot"))
        # Offered, not forced: what is on screen stays until the person decides.
        expect(visit.page.locator("#risk-date")).to_have_text("2021-02-03")
        offer.get_by_role("button").click()
        expect(visit.page.locator("#risk-date")).to_have_text("2021-02-05")
        visit.settle()
        expect(offer).to_be_hidden()
        assert (visit.word("area"), visit.word("fill")) == ("510100", "level")
        expect(visit.page.locator("#risk-crumbs [aria-current]")).to_have_text("成都市")
        expect(visit.page.locator("#risk-fill input[value=level]")).to_be_checked()
        assert not visit.errors
        with start_visit(chromium, board, login="admin") as desk:
            desk.open("/feeds")
            expect(desk.page.locator(".tf-snapshot-current")).to_contain_text("2021-02-05")
            desk.page.locator("[data-tf-serve]").click()
            question = desk.page.get_by_role("dialog")
            expect(question).to_contain_text("20210203T")
            question.get_by_role("button", name=t("zh-CN", "feeds.snapshots.confirm.no")).click()
            expect(question).to_be_hidden()
            desk.page.locator("[data-tf-serve]").click()
            question.get_by_role("button", name=t("zh-CN", "feeds.snapshots.confirm.yes")).click()
            expect(desk.page.locator(".tf-snapshot-current")).to_contain_text("2021-02-03")
            assert not desk.errors
        # Whoever has a page open is offered the snapshot that is served now.
        expect(offer).to_contain_text(t("zh-CN", "shell.new_snapshot"))


@pytest.mark.parametrize("lang", ["zh-CN", "en"])
def test_a_board_without_a_snapshot_says_so(
    chromium: Browser, open_board: OpenBoard, tmp_path: Path, lang: str
) -> None:
    with open_board(tmp_path) as board, start_visit(chromium, board, lang=lang, login="commander") as visit:
        for path in ("/", "/risk", "/codes", "/feeds"):
            visit.page.goto(board.url + path)
            alert = visit.page.locator(".tf-page [role=alert]").first
            expect(alert).to_contain_text(t(lang, "error.no_snapshot"))  # type: ignore[arg-type]
            expect(alert).to_contain_text("tianfu snapshot build --publish")
        assert not visit.errors


def test_a_board_on_the_two_public_files(
    chromium: Browser, open_board: OpenBoard, tmp_path: Path, shared_data: Path
) -> None:
    """Published figures of a real day; what nobody delivered reads "not reported" and is never zero."""
    files = [*shared_data.glob("sichuan_risk_areas_*.json"), *shared_data.glob("sichuan_city_daily_*.csv")]
    if len(files) != 2:
        pytest.skip("the two public files are not there")
    delivery = tmp_path / "input"
    delivery.mkdir()
    for file in files:
        shutil.copy(file, delivery)
    run_tianfu("snapshot", "build", "--input", str(delivery), "--publish", home=tmp_path)
    missing = t("zh-CN", "cell.not_reported")
    with open_board(tmp_path) as board, start_visit(chromium, board, login="commander") as visit:
        visit.open(f"/risk?area=510100&date={REAL_DAY}")
        rows = {str(row["name"]): row for row in visit.grid("risk-areas-table")}
        assert rows["锦江区"]["high"] == 51
        assert next(row for name, row in rows.items() if "高新区" in name)["high"] == 26
        visit.open(f"/risk?date={REAL_DAY}")
        places = visit.grid("risk-places-table")
        counted = [sum(row["level"] == level for row in places) for level in ("high", "medium", "low")]
        assert counted == [312, 363, 34]
        for number in (312, 363):
            expect(visit.page.locator("#risk-head")).to_contain_text(re.compile(rf"\b{number}\b"))
        visit.open(f"/codes?date={REAL_DAY}")
        expect(visit.page.locator("#codes-head")).to_contain_text(missing)
        for figure in ("holders", "holders_red", "holders_yellow", "holders_green"):
            value = visit.page.locator(f"#codes-{figure} .tf-kpi-value")
            expect(value).to_have_text(missing)
        assert {look for look, _ in visit.shapes("codes-map-card").values()} == {"tf-fill-not_reported"}
        visit.open(f"/?date={REAL_DAY}")
        expect(visit.page.locator("#overview-cases_local .tf-kpi-value")).to_have_text(missing)
        expect(visit.page.locator("#overview-places_high .tf-kpi-value")).to_contain_text("312")
        assert not visit.errors
