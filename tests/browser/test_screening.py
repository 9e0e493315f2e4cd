"""The screen of outbreak screening: the funnel adds up as it stands, and the late city is named first."""

from __future__ import annotations

import re

from playwright.sync_api import Browser, expect

from dashboard.i18n.catalogue import t
from tests.browser.visit import start_visit
from tests.processes import RunningBoard


def test_the_funnel_adds_up_as_a_reader_adds_it(chromium: Browser, board: RunningBoard) -> None:
    with start_visit(chromium, board, login="commander") as visit:
        visit.open("/screening")
        stages = visit.page.locator(".tf-funnel > li")
        before = None
        for n in range(stages.count()):
            entered, kept, *dropped = [
                int(text.replace(",", "")) for text in stages.nth(n).locator(".tf-num").all_inner_texts()
            ]
            assert entered == kept + sum(dropped)
            assert before in (None, entered), "who stays enters the next stage"
            assert len(dropped) >= 2, "a reason for every drop"
            assert re.search(r"\d\d-\d\d \d\d:\d\d", stages.nth(n).inner_text()), "when it was computed"
            before = kept
        assert stages.count() == 2
        expect(visit.page.locator(".tf-funnel-check")).to_have_text(t("zh-CN", "screening.reconciled"))
        rows = visit.grid("screening-areas-table")
        assert sum(int(str(row["sources_joined"])) for row in rows) == before
        assert sum(int(str(row["entered"])) for row in rows) == 800_000
        assert not visit.errors


def test_the_city_that_returns_its_lists_late_is_named(chromium: Browser, board: RunningBoard) -> None:
    with start_visit(chromium, board, login="commander") as visit:
        visit.open("/screening")
        rows = visit.grid("screening-lists-table")
        assert rows[0]["name"] == "眉山市"
        assert float(str(rows[0]["share"])) < 60 < 95 < float(str(rows[1]["share"]))
        assert "眉山市" in visit.text("#screening-head p")
        total = visit.text("#screening-lists-table .ag-floating-bottom [col-id=overdue]").strip()
        assert visit.page.locator("#screening-lists_overdue .tf-num").get_attribute("title") == total
        known = [int(str(row["overdue"])) for row in rows if row["overdue"] is not None]
        # Cities of fewer than ten are hidden, two or more of them, so that the total tells none.
        hidden = len(rows) - len(known)
        assert hidden != 1
        assert (int(total.replace(",", "")) == sum(known)) == (hidden == 0)
        visit.page.locator("#screening-lists-table .ag-row a", has_text="眉山市").first.click()
        visit.expect_word("area", "511400")
        assert {row["name"] for row in visit.grid("screening-lists-table")} >= {"仁寿县"}
        assert not visit.errors


def test_before_the_outbreak_there_is_no_funnel_and_it_says_so(
    chromium: Browser, board: RunningBoard
) -> None:
    with start_visit(chromium, board, login="commander") as visit:
        visit.open("/screening?date=2021-01-05")
        expect(visit.page.locator("#screening-funnel-card .tf-state")).to_be_visible()
        assert visit.page.locator("#screening-funnel-card .tf-export").count() == 0
        # A row of the outbreaks leads to the first day of one.
        visit.page.locator("#screening-incidents-table .ag-row a").first.click()
        visit.expect_word("date", "2021-01-08")
        expect(visit.page.locator(".tf-funnel > li")).to_have_count(2)
        assert not visit.errors
