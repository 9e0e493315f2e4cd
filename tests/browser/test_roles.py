"""What a person sees is what the role and the scope allow, and nothing more."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from dashboard.i18n.catalogue import t
from geo.areas import name_of
from tests.browser.visit import start_visit
from tests.processes import RunningBoard

WUHOU, JINJIANG = "510107", "510104"
OUT = t("zh-CN", "error.out_of_scope")


@pytest.mark.parametrize("page", ["risk", "codes"])
def test_a_county_official_sees_the_own_county_only(
    chromium: Browser, board: RunningBoard, page: str
) -> None:
    with start_visit(chromium, board, login="wuhou") as visit:
        visit.open(f"/{page}")
        visit.page.locator(f"#{page}-area").click()
        options = visit.page.get_by_role("option")
        expect(options).to_have_count(1)
        expect(options).to_contain_text("武侯区")
        visit.page.keyboard.press("Escape")
        shapes = visit.shapes(f"{page}-map-card")
        assert len(shapes) > 15, "the neighbours are drawn, but tell nothing"
        own, own_words = shapes.pop(WUHOU)
        assert own != "tf-fill-out_of_scope"
        assert own_words.startswith("武侯区")
        for code, (look, words) in shapes.items():
            assert look == "tf-fill-out_of_scope"
            assert words == f"{name_of(code, 'zh-CN')}, {OUT}"
        rows = visit.grid(f"{page}-areas-table")
        assert [row["name"] for row in rows] == ["武侯区"]
        # A click on a neighbour leads nowhere.
        visit.shape(f"{page}-map-card", JINJIANG).click(force=True)
        visit.settle()
        expect(visit.page.locator(f"#{page}-crumbs [aria-current]")).to_have_text("武侯区")
        assert not visit.errors


@pytest.mark.parametrize("path", ["/", "/risk", "/codes"])
@pytest.mark.parametrize("area", [JINJIANG, "510100", "510000"])
def test_another_area_in_the_url_is_refused(
    chromium: Browser, board: RunningBoard, path: str, area: str
) -> None:
    with start_visit(chromium, board, login="wuhou") as visit:
        visit.page.goto(f"{board.url}{path}?area={area}")
        expect(visit.page.locator(".tf-page [role=alert]").first).to_contain_text(OUT)
        expect(visit.page.locator(".ag-row, .tf-kpi, .leaflet-container")).to_have_count(0)
        assert not visit.errors


@pytest.mark.parametrize(("login", "links"), [("viewer", 0), ("commander", 2)])
def test_export_is_offered_to_those_who_may(
    chromium: Browser, board: RunningBoard, login: str, links: int
) -> None:
    with start_visit(chromium, board, login=login) as visit:
        visit.open("/risk")
        expect(visit.page.locator("#risk-areas-card a.tf-export")).to_have_count(links)
        if not links:
            expect(visit.page.locator('a[href*="/export/"]')).to_have_count(0)
        answer = visit.page.request.get(f"{board.url}/export/risk/areas.csv")
        assert answer.status == (200 if links else 403)
