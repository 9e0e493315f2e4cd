"""The screen of appeals: the seats that clear a backlog, what surged and why, and that a day moves it all."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from dashboard.i18n.catalogue import t
from tests.browser.visit import Visit, start_visit
from tests.processes import RunningBoard

PLAN = "#appeals-plan"


def answers(visit: Visit) -> dict[str, str]:
    names = ("capacity", "clear", "done", "needed", "seats")
    return {name: visit.page.locator(f"{PLAN}-{name}").inner_text() for name in names}


def fill(visit: Visit, **values: object) -> None:
    for name, value in values.items():
        field = visit.page.locator(f"{PLAN}-{name}")
        field.fill(str(value))
        field.press("Tab")


def test_the_planner_answers_the_desks_own_case(chromium: Browser, board: RunningBoard) -> None:
    """60 people, ten an hour, three shifts: 400,000 cases take 83.3 days; in 14 days 358 people."""
    with start_visit(chromium, board, login="commander") as visit:
        visit.open("/appeals")
        backlog = visit.text("#appeals-tickets_open .tf-num")
        assert visit.page.locator(f"{PLAN}-waiting").input_value()[:2] == backlog.replace(".", "")[:2]
        # As much comes in as sixty people close.
        assert answers(visit)["clear"] == t("zh-CN", "appeals.plan.never")
        visit.page.locator(f"{PLAN}-example").click()
        expect(visit.page.locator(f"{PLAN}-clear")).to_have_text("83.3 天")
        assert answers(visit) == {
            "capacity": "4,800",
            "clear": "83.3 天",
            "done": "2021-04-28",
            "needed": "358",
            "seats": "20",
        }
        fill(visit, people=358)
        expect(visit.page.locator(f"{PLAN}-clear")).to_have_text("14 天")
        fill(visit, batch=400_000)
        expect(visit.page.locator(f"{PLAN}-needed")).to_have_text("0")
        fill(visit, batch="", people=60)
        expect(visit.page.locator(f"{PLAN}-clear")).to_have_text("—")
        assert not visit.errors


@pytest.mark.parametrize(
    ("day", "kind", "named"),
    [
        ("2021-01-10", "rule", t("zh-CN", "reason.time_space_overlap")),  # the net over the outbreak
        ("2021-01-18", "topic", t("zh-CN", "ticketcategory.no_phone")),  # pupils asked for codes
    ],
)
def test_the_first_alarm_names_what_surged(
    chromium: Browser, board: RunningBoard, day: str, kind: str, named: str
) -> None:
    with start_visit(chromium, board, login="commander") as visit:
        visit.open(f"/appeals?date={day}")
        first = visit.grid("appeals-surges-table")[0]
        assert first["date"] == day
        assert first["kind"] == t("zh-CN", f"surgekind.{kind}")
        assert named in str(first["what"])
        # What waits is counted on the newest day only, and said so for any other.
        expect(visit.page.locator("#appeals-tickets_oldest .tf-cell-not-reported")).to_be_visible()
        expect(visit.page.locator("#appeals-ages-card .tf-state")).to_be_visible()
        assert not visit.errors


def test_a_row_of_an_area_leads_into_it(chromium: Browser, board: RunningBoard) -> None:
    with start_visit(chromium, board, login="commander") as visit:
        visit.open("/appeals")
        rows = visit.grid("appeals-areas-table")
        total = sum(float(str(row["open"])) for row in rows)
        assert f"{total:,.0f}" == visit.page.locator("#appeals-tickets_open .tf-num").get_attribute("title")
        visit.page.locator("#appeals-areas-table .ag-row a", has_text="成都市").first.click()
        visit.expect_word("area", "510100")
        assert len(visit.grid("appeals-areas-table")) > 15
        assert not visit.errors
