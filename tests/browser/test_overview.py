"""The overview: the figures of the day, where each leads, and what each of them means."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, expect

from dashboard.i18n.catalogue import Lang, t
from queries.metrics import get_metric
from tests.browser.visit import start_visit
from tests.processes import RunningBoard

FIGURES = (
    "cases_local",
    "cases_imported",
    "places_high",
    "places_medium",
    "new_red",
    "new_yellow",
    "scans",
    "refused",
)


def test_every_figure_of_the_day_is_there_and_leads_to_what_stands_behind_it(
    chromium: Browser, board: RunningBoard
) -> None:
    with start_visit(chromium, board, login="commander") as visit:
        visit.open("/")
        day = visit.page.locator("#overview-date").inner_text()
        for figure in FIGURES:
            card = visit.page.locator(f"#overview-{figure}")
            number = card.locator(".tf-kpi-value .tf-num")
            assert number.get_attribute("title"), figure
            address = urlsplit(card.locator("a.tf-kpi-link").get_attribute("href") or "")
            assert address.path not in ("", "/"), f"{figure} leads back to where it stands"
            words = parse_qs(address.query)
            assert not words or words["date"] == [day]
        visit.page.locator("#overview-new_yellow a.tf-kpi-link").click()
        visit.expect_word("date", day)
        expect(visit.page.locator('[data-tf-page="codes"]')).to_be_visible()


def test_the_figure_of_new_places_is_the_one_of_the_risk_page(chromium: Browser, board: RunningBoard) -> None:
    with start_visit(chromium, board, login="commander") as visit:
        visit.open("/")
        shown = {
            level: int(
                (
                    visit.page.locator(f"#overview-places_{level} .tf-num").get_attribute("title") or ""
                ).replace(",", "")
            )
            for level in ("high", "medium")
        }
        visit.page.locator("#overview-places_high a.tf-kpi-link").click()
        visit.page.wait_for_url("**/risk?**")
        visit.settle()
        rows = visit.grid("risk-areas-table")
        assert {level: sum(int(str(row[level])) for row in rows) for level in shown} == shown
        assert sum(shown.values()) > 0


@pytest.mark.parametrize("lang", ["zh-CN", "en"])
@pytest.mark.parametrize("key", ["Enter", "Space"])
def test_a_definition_opens_by_keyboard(chromium: Browser, board: RunningBoard, lang: Lang, key: str) -> None:
    with start_visit(chromium, board, login="commander", lang=lang) as visit:
        visit.open("/")
        card = visit.page.locator("#overview-new_yellow")
        button = card.locator("details.tf-def summary")
        button.focus()
        visit.page.keyboard.press(key)
        panel = card.locator(".tf-def-panel")
        expect(panel).to_be_visible()
        metric = get_metric("new_yellow")
        for words in (
            metric.definition(lang),
            t(lang, "ui.denominator"),
            t(lang, f"metric.denominator.{metric.denominator}"),
            t(lang, "ui.feeds"),
            t(lang, "feed.codes"),
            t(lang, "ui.data_time"),
            "02-03 23:59",
            metric.owner,
        ):
            expect(panel).to_contain_text(words)
        box = panel.bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 1366
        visit.page.keyboard.press("Escape")
        expect(panel).to_be_hidden()
        expect(button).to_be_focused()


def test_a_feed_that_is_not_on_time_marks_the_figures_that_use_it(
    chromium: Browser, board: RunningBoard
) -> None:
    with start_visit(chromium, board, login="commander") as visit:
        visit.open("/")
        expect(visit.page.locator("#overview-scans .tf-kpi-facts .tf-feed-late")).to_be_visible()
        expect(visit.page.locator("#overview-new_red .tf-kpi-facts .tf-feed-on-time")).to_be_attached()
        visit.page.locator(".tf-header-facts a[href='/feeds']").click()
        expect(visit.page.locator("#feeds-states-table")).to_be_visible()
        visit.settle()
        late = t("zh-CN", "ui.feed.late")
        assert [row["feed"] for row in visit.grid("feeds-states-table") if row["state"].endswith(late)] == [
            t("zh-CN", "feed.scans")
        ]
