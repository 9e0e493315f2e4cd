"""The risk page: drilling by click, keyboard and breadcrumb; the URL; the day; the map and its table."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, expect

from dashboard.i18n.catalogue import t
from geo.areas import name_of
from tests.browser.visit import SLOW, Visit, start_visit
from tests.processes import RunningBoard

CHENGDU, PIDU = "510100", "510117"
DAY, DAY_BEFORE = "2021-02-03", "2021-02-02"


def expect_area(visit: Visit, code: str) -> None:
    """URL, breadcrumb and picker name the same area."""
    visit.expect_word("area", code)
    expect(visit.page.locator("#risk-crumbs [aria-current]")).to_have_text(name_of(code, "zh-CN"))
    expect(visit.page.locator("#risk-area")).to_have_value(re.compile(f"^{name_of(code, 'zh-CN')}"))


def test_drill_by_clicking_and_back_by_breadcrumb(chromium: Browser, board: RunningBoard) -> None:
    with start_visit(chromium, board, login="commander") as visit:
        visit.open("/risk")
        visit.shape("risk-map-card", CHENGDU).click()
        expect_area(visit, CHENGDU)
        assert PIDU in visit.shapes("risk-map-card")
        visit.shape("risk-map-card", PIDU).click()
        expect_area(visit, PIDU)
        expect(visit.shape("risk-map-card", PIDU)).to_have_attribute("aria-current", "true")
        places = visit.grid("risk-places-table")
        assert places
        assert {row["area"] for row in places} == {"郫都区"}
        assert all("示例" in str(row["text"]) for row in places), "invented places say that they are"
        visit.page.locator("#risk-crumbs a", has_text="四川省").click()
        expect_area(visit, "510000")
        assert not visit.errors


def test_drill_by_keyboard(chromium: Browser, board: RunningBoard) -> None:
    def focused() -> str:
        return str(visit.page.evaluate("document.activeElement.dataset.code || ''"))

    with start_visit(chromium, board, login="commander") as visit:
        visit.open("/risk")
        stops = visit.page.locator("#risk-map-card path[role=button][tabindex='0']")
        expect(stops).to_have_count(1)
        stops.focus()
        visit.page.keyboard.press("ArrowDown")
        moved = focused()
        assert moved
        visit.page.keyboard.press("ArrowUp")
        assert focused() not in ("", moved)
        visit.shape("risk-map-card", CHENGDU).focus()
        visit.page.keyboard.press("Enter")
        expect_area(visit, CHENGDU)
        visit.shape("risk-map-card", PIDU).focus()
        visit.page.keyboard.press("Enter")
        expect_area(visit, PIDU)
        assert focused() == PIDU, "the redraw gives the focus back"
        visit.page.keyboard.press("Escape")
        expect_area(visit, CHENGDU)
        visit.shape("risk-map-card", PIDU).focus()
        visit.page.keyboard.press("Escape")
        expect_area(visit, "510000")


def test_the_picker_finds_an_area_by_either_name(chromium: Browser, board: RunningBoard) -> None:
    with start_visit(chromium, board, login="commander") as visit:
        visit.open("/risk")
        for typed, code in (("Pidu", PIDU), ("武侯", "510107")):
            visit.page.locator("#risk-area").click()
            visit.page.locator("#risk-area").fill(typed)
            visit.page.get_by_role("option", name=name_of(code, "zh-CN")).click()
            expect_area(visit, code)


def test_the_url_mirrors_the_filters_and_restores_them(chromium: Browser, board: RunningBoard) -> None:
    with start_visit(chromium, board, login="commander") as visit:
        visit.open("/risk")
        visit.shape("risk-map-card", CHENGDU).click()
        expect_area(visit, CHENGDU)
        visit.choose("risk-fill", "level")
        visit.page.locator("#risk-days-previous").click()
        visit.expect_word("date", DAY_BEFORE)
        before = visit.shapes("risk-map-card")
        visit.page.reload()
        expect_area(visit, CHENGDU)
        assert visit.shapes("risk-map-card") == before
        expect(visit.page.locator("#risk-fill input[value=level]")).to_be_checked()
        expect(visit.page.locator("#risk-date")).to_have_text(DAY_BEFORE)


def test_back_and_forward_restore_the_filters(chromium: Browser, board: RunningBoard) -> None:
    with start_visit(chromium, board, login="commander") as visit:
        visit.open("/risk")
        visit.shape("risk-map-card", CHENGDU).click()
        expect_area(visit, CHENGDU)
        visit.shape("risk-map-card", PIDU).click()
        expect_area(visit, PIDU)
        visit.page.go_back()
        expect_area(visit, CHENGDU)
        assert len(visit.grid("risk-areas-table")) > 15
        visit.page.go_back()
        expect(visit.page.locator("#risk-crumbs [aria-current]")).to_have_text("四川省")
        visit.settle()
        assert len(visit.grid("risk-areas-table")) == 21
        visit.page.go_forward()
        expect_area(visit, CHENGDU)
        visit.go_to("codes")
        visit.page.go_back()
        expect_area(visit, CHENGDU)


def test_the_slider_changes_the_day(chromium: Browser, board: RunningBoard) -> None:
    with start_visit(chromium, board, login="commander") as visit:
        visit.open(f"/risk?date={DAY}")
        visit.page.locator("#risk-days-previous").click()
        visit.expect_word("date", DAY_BEFORE)
        assert visit.word("compare") == "2021-02-01", "the day compared with follows the day"
        expect(visit.page.locator("#risk-head")).to_contain_text(DAY_BEFORE)
        visit.page.locator("#risk-days-next").click()
        visit.expect_word("date", DAY)
        # On the last day there is nothing to go on to.
        visit.page.locator("#risk-days-next").click()
        visit.settle()
        assert visit.word("date") == DAY
        visit.page.locator("#risk-days [role=slider]").focus()
        visit.page.keyboard.press("ArrowLeft")
        visit.expect_word("date", DAY_BEFORE)


def test_playing_goes_day_by_day_and_stops_at_the_end(chromium: Browser, board: RunningBoard) -> None:
    play, pause = t("zh-CN", "ui.day.play"), t("zh-CN", "ui.day.pause")
    with start_visit(chromium, board, login="commander") as visit:
        visit.open("/risk?date=2021-02-01")
        button = visit.page.locator("#risk-days-play")
        expect(button).to_have_attribute("aria-label", play)
        button.click()
        expect(button).to_have_attribute("aria-label", pause)
        for day in (DAY_BEFORE, DAY):
            expect(visit.page).to_have_url(re.compile(f"date={day}"), timeout=SLOW)
        expect(button).to_have_attribute("aria-label", play)
        visit.settle()
        expect(visit.page.locator("#risk-head")).to_contain_text(DAY)


@pytest.mark.parametrize("area", ["510000", CHENGDU])
def test_the_table_says_what_the_map_says(chromium: Browser, board: RunningBoard, area: str) -> None:
    high, medium = (t("zh-CN", f"level.{level}") for level in ("high", "medium"))
    with start_visit(chromium, board, login="commander") as visit:
        visit.open(f"/risk?area={area}")
        table = {}
        for row in visit.grid("risk-areas-table"):
            code = re.search(r"area=(\w+)", str(row["__href"]))
            assert code
            table[code[1]] = (row["high"], row["medium"])
        told = {}
        for code, (_, words) in visit.shapes("risk-map-card").items():
            found = re.search(rf"{high} ([\d,]+), {medium} ([\d,]+)", words)
            assert found, words
            told[code] = (int(found[1].replace(",", "")), int(found[2].replace(",", "")))
        # A functional zone has rows but no boundary of its own.
        assert {code: row for code, row in table.items() if "F" not in code} == told
        assert sum(sum(pair) for pair in told.values()) > 0
        # The label and the hover carry the same figures.
        code = max(told, key=lambda one: sum(told[one]))
        labels = visit.page.locator("#risk-map-card .tf-map-label-mark").all_text_contents()
        h, m = (t("zh-CN", f"level.{level}.letter") for level in ("high", "medium"))
        assert f"{h}{told[code][0]} {m}{told[code][1]}" in labels
        visit.shape("risk-map-card", code).hover()
        tip = visit.page.locator("#risk-map-card .tf-map-tip")
        expect(tip).to_contain_text(name_of(code, "zh-CN"))
        expect(tip).to_contain_text(f"{high} {told[code][0]}")


def test_the_switch_recolours_the_map(chromium: Browser, board: RunningBoard) -> None:
    with start_visit(chromium, board, login="commander") as visit:
        visit.open("/risk")
        seen = {"places": visit.shapes("risk-map-card")}
        legends = {visit.text("#risk-legend")}
        for fill in ("rate", "change", "level"):
            visit.choose("risk-fill", fill)
            seen[fill] = visit.shapes("risk-map-card")
            legends.add(visit.text("#risk-legend"))
        assert len(legends) == 4
        assert seen["level"][CHENGDU][0] == "tf-fill-high"
        assert seen["change"][CHENGDU][0].startswith("tf-fill-div")
        assert seen["places"][CHENGDU][0] == "tf-fill-seq6"
        assert not visit.errors


def test_the_day_compared_with(chromium: Browser, board: RunningBoard) -> None:
    with start_visit(chromium, board, login="commander") as visit:
        visit.open("/risk")
        visit.page.locator("#risk-compare").click()
        calendar = visit.page.get_by_role("dialog")
        calendar.get_by_role("button", name="1", exact=True).or_(
            calendar.get_by_role("button", name=re.compile("^1 "))
        ).first.click()
        visit.expect_word("compare", "2021-02-01")
        assert visit.word("date") == DAY
        expect(visit.page.locator("#risk-moved-card")).to_contain_text("2021-02-01")
        expect(visit.page.locator("#risk-areas-card")).to_contain_text("2021-02-01")
        # The day compared with is kept when the day moves, as long as it lies before it.
        visit.page.locator("#risk-days-previous").click()
        visit.expect_word("date", DAY_BEFORE)
        assert visit.word("compare") == "2021-02-01"


@pytest.mark.parametrize(
    ("words", "key"),
    [
        ("date=2030-01-01", "error.day_late"),
        ("date=1999-01-01", "error.day_early"),
        ("date=yesterday", "error.bad_day"),
        ("fill=rainbow", "error.bad_option"),
        ("area=999999", "error.out_of_scope"),
        ("snapshot=20000101T0000-000000000000&pinned=1", "error.unknown_snapshot"),
    ],
)
def test_a_wrong_word_in_the_url_is_refused_in_a_sentence(
    chromium: Browser, board: RunningBoard, words: str, key: str
) -> None:
    start = re.split(r"[{“]", t("zh-CN", key))[0]
    with start_visit(chromium, board, login="commander") as visit:
        visit.page.goto(f"{board.url}/risk?{words}")
        refusal = visit.page.locator(".tf-page [role=alert]").first
        expect(refusal).to_be_visible(timeout=SLOW)
        expect(refusal).to_contain_text(start or t("zh-CN", f"{key}.todo")[:4])
        expect(visit.page.locator(".tf-nav")).to_be_visible()
        assert not visit.errors
