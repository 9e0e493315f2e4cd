"""The screen of testing: parts that add up, the slow day of mass tests, the clock of the policy."""

from __future__ import annotations

from playwright.sync_api import Browser, expect

from dashboard.i18n.catalogue import t
from dashboard.policy.store import load_baseline
from tests.browser.visit import start_visit
from tests.processes import RunningBoard

MASS_TESTS = "2021-01-25"


def test_areas_add_up_and_the_slow_city_of_mass_tests_is_named(
    chromium: Browser, board: RunningBoard
) -> None:
    with start_visit(chromium, board, login="commander") as visit:
        visit.open(f"/testing?date={MASS_TESTS}")
        rows = visit.grid("testing-areas-table")
        assert rows[0]["name"] == "成都市"
        assert float(str(rows[0]["share"])) < 70 < 95 < float(str(rows[1]["share"]))
        assert "成都市" in visit.text("#testing-head p")
        total = sum(int(str(row["sampled"])) for row in rows)
        shown = visit.page.locator("#testing-tests_sampled .tf-num").get_attribute("title")
        assert shown == f"{total:,}"
        # The clock was read on the newest day; for this one it says so and draws nothing.
        expect(visit.page.locator("#testing-clock-card .tf-state")).to_be_visible()
        visit.page.locator("#testing-areas-table .ag-row a", has_text="成都市").first.click()
        visit.expect_word("area", "510100")
        assert len(visit.grid("testing-areas-table")) > 15
        assert not visit.errors


def test_the_clock_keeps_the_limits_of_the_policy(chromium: Browser, board: RunningBoard) -> None:
    limits = load_baseline().nucleic_test.validity_hours
    with start_visit(chromium, board, login="commander") as visit:
        visit.open("/testing")
        rows = visit.grid("testing-valid-table")
        assert {row["venue"]: row["limit"] for row in rows} == {
            t("zh-CN", f"category.{venue}"): limit for venue, limit in limits.items()
        }
        holders = [float(str(row["holders"])) for row in rows]
        assert holders == sorted(holders), "a longer limit admits no fewer people"
        assert holders[0] < holders[-1]
        # The stage the feed does not report carries its sign.
        missing = t("zh-CN", "cell.not_reported")
        expect(visit.page.locator("#testing-stages-chart .annotation-text", has_text=missing)).to_have_count(
            1
        )
        names = [row["name"] for row in visit.grid("testing-institutions-table")]
        assert len(names) > 500
        assert all("示例" in str(name) for name in names)
        assert not visit.errors
