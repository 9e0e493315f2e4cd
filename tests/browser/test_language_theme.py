"""One source for language and one for theme: everything on a page follows, and no key shows through."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, expect

from dashboard.i18n.catalogue import LANGS, load_texts, t
from tests.browser.visit import Visit, start_visit
from tests.processes import RunningBoard

PAGES = ("overview", "risk", "codes", "appeals", "screening", "testing", "feeds", "policy", "help")
# Ground of frame, cards, tables and maps; ink of text, chart text and table text.
COLOURS = """
() => {
  const of = (selector, what) => [...document.querySelectorAll(selector)].slice(0, 3)
    .map((e) => getComputedStyle(e)[what]);
  return {
    ground: [...of("body", "backgroundColor"), ...of(".tf-card, .tf-kpi", "backgroundColor"),
      ...of(".ag-root-wrapper", "backgroundColor"), ...of(".leaflet-container", "backgroundColor")],
    ink: [...of("h1, .tf-card-title", "color"), ...of(".ag-cell", "color"),
      ...of(".js-plotly-plot .main-svg text", "fill")],
  };
}
"""


def visible_keys(text: str) -> list[str]:
    words = set(re.findall(r"[\w/‰-]+(?:\.[\w/‰-]+)+", text))
    return sorted(words & set(load_texts()))


def brightness(colour: str) -> float:
    red, green, blue = (int(part) for part in re.findall(r"\d+", colour)[:3])
    return 0.299 * red + 0.587 * green + 0.114 * blue


def switch(visit: Visit, action: str) -> None:
    """Click the switch and wait for the page that the server draws anew."""
    visit.page.evaluate("window.tfBefore = true")
    visit.page.locator(f"[data-tf-action={action}]").click()
    visit.page.wait_for_function("() => !window.tfBefore && document.querySelector('.tf-page')")
    visit.settle()


@pytest.mark.parametrize("page", PAGES)
def test_language_and_theme_switch(chromium: Browser, board: RunningBoard, page: str) -> None:
    with start_visit(chromium, board, login="commander", alone=True) as visit:
        visit.open("/" if page == "overview" else f"/{page}")
        root = visit.page.locator("html")
        texts = {}
        for lang in LANGS:
            expect(root).to_have_attribute("lang", lang)
            names = visit.page.locator(".tf-nav-word").all_inner_texts()
            assert names == [t(lang, f"nav.{key}") for key in PAGES]
            assert t(lang, f"nav.{page}") in visit.page.title()
            texts[lang] = visit.page.locator("body").inner_text()
            assert not visible_keys(texts[lang])
            if lang == "zh-CN":
                switch(visit, "language")
        # Data can be Chinese in English (places, notes); headings and words of the board cannot.
        headings = visit.page.locator("h1, h2, .tf-kpi-name, .tf-card-unit").all_text_contents()
        assert not [words for words in headings if re.search(r"[\u4e00-\u9fff]", words)]
        light = visit.page.evaluate(COLOURS)
        switch(visit, "theme")
        expect(root).to_have_attribute("data-mantine-color-scheme", "dark")
        dark = visit.page.evaluate(COLOURS)
        assert len(light["ground"]) == len(dark["ground"]) >= 2
        assert len(light["ink"]) == len(dark["ink"]) >= 1
        assert all(brightness(colour) > 200 for colour in light["ground"]), light
        assert all(brightness(colour) < 80 for colour in dark["ground"]), dark
        assert all(brightness(colour) < 140 for colour in light["ink"]), light
        assert all(brightness(colour) > 130 for colour in dark["ink"]), dark
        assert not visit.errors
