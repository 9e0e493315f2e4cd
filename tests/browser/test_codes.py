"""The code page: colour and measure, its charts, the drill, and files that hold what the screen shows."""

from __future__ import annotations

import csv
import re
from itertools import pairwise
from pathlib import Path

import openpyxl
import pytest
from playwright.sync_api import Browser, expect

from dashboard.i18n.catalogue import t
from tests.browser.visit import Visit, start_visit
from tests.processes import RunningBoard

CHENGDU = "510100"
CHARTS = ("codes-reasons-chart", "codes-ages-chart", "codes-flows-chart", "codes-trend-chart")


def test_colour_and_measure_recolour_map_and_table(chromium: Browser, board: RunningBoard) -> None:
    with start_visit(chromium, board, login="commander") as visit:
        visit.open("/codes")
        looks = [visit.shapes("codes-map-card")]
        titles = [visit.text("#codes-ages-card h2")]
        for switch, value in (("codes-fill", "count"), ("codes-fill", "change"), ("codes-colour", "red")):
            visit.choose(switch, value)
            looks.append(visit.shapes("codes-map-card"))
            titles.append(visit.text("#codes-ages-card h2"))
        assert all(a != b for a, b in pairwise(looks))
        assert looks[2][CHENGDU][0].startswith("tf-fill-div")
        assert t("zh-CN", "colour.yellow") in titles[0]
        assert t("zh-CN", "colour.red") in titles[-1]
        told = {code: words for code, (_, words) in looks[-1].items()}
        for row in visit.grid("codes-areas-table"):
            code = re.search(r"area=(\w+)", str(row["__href"]))
            if code and code[1] in told:
                assert f"{t('zh-CN', 'colour.red')} {row['red__t']}" in told[code[1]]
        assert not visit.errors


def test_the_charts_are_drawn_and_follow_the_drill(chromium: Browser, board: RunningBoard) -> None:
    def marks(chart: str) -> int:
        return visit.page.locator(
            f"#{chart} .bars path, #{chart} .hm image, #{chart} .heatmaplayer image, "
            f"#{chart} .js-line, #{chart} .shapelayer path, #{chart} .annotation"
        ).count()

    with start_visit(chromium, board, login="commander") as visit:
        visit.open("/codes")
        province = {}
        for chart in CHARTS:
            assert marks(chart) > 0, f"{chart} is empty"
            province[chart] = visit.page.locator(f"#{chart} .main-svg").first.inner_html()
        visit.shape("codes-map-card", CHENGDU).click()
        visit.expect_word("area", CHENGDU)
        expect(visit.page.locator("#codes-crumbs [aria-current]")).to_have_text("成都市")
        for chart in CHARTS:
            assert marks(chart) > 0, f"{chart} is empty for the city"
            assert visit.page.locator(f"#{chart} .main-svg").first.inner_html() != province[chart]
        assert len(visit.grid("codes-areas-table")) > 15
        # A row of the table drills as well.
        visit.page.locator("#codes-areas-table .ag-row a", has_text="武侯区").first.click()
        visit.expect_word("area", "510107")
        assert not visit.errors


def saved(visit: Visit, folder: Path, card: str, form: str) -> Path:
    with visit.page.expect_download() as download:
        visit.page.locator(f"#{card} a.tf-export", has_text=form.upper()).click()
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    return path


@pytest.mark.parametrize("area", ["510000", CHENGDU])
def test_the_files_hold_the_rows_of_the_grid(
    chromium: Browser, board: RunningBoard, tmp_path: Path, area: str
) -> None:
    with start_visit(chromium, board, login="commander") as visit:
        visit.open(f"/codes?area={area}")
        shown = [
            [row["name"], *(row[field] for field in ("rate", "change", "yellow", "red", "green"))]
            for row in visit.grid("codes-areas-table")
        ]
        comma = saved(visit, tmp_path, "codes-areas-card", "csv")
        book = saved(visit, tmp_path, "codes-areas-card", "xlsx")
    assert area in comma.name
    lines = list(csv.reader(comma.read_text(encoding="utf-8-sig").splitlines()))
    head = next(n for n, line in enumerate(lines) if line[0] == t("zh-CN", "risk.column.area"))
    assert any("模拟数据" in line[0] for line in lines[:head]), "the file says that the data are invented"
    sheet = openpyxl.load_workbook(book).active
    assert sheet is not None
    cells = [list(row) for row in sheet.iter_rows(values_only=True)]
    assert cells[head][:6] == lines[head][:6]
    for kind, rows in (("csv", lines[head + 1 :]), ("xlsx", cells[head + 1 :])):
        read = {str(row[0]): [number(value) for value in row[1:6]] for row in rows}
        for name, *values in shown:
            # A hidden or missing figure is a word in the file and no number on screen.
            assert read[str(name)] == pytest.approx([number(value) for value in values], nan_ok=True), (
                f"{kind}: {name}"
            )
        extra = set(read) - {str(row[0]) for row in shown}
        assert len(extra) <= 1, f"{kind} holds more than the screen and its total: {extra}"
    assert len(shown) > 15


def number(value: object) -> float:
    try:
        return float(str(value))
    except ValueError:
        return float("nan")
