"""Every page in every size, theme and language: nothing from elsewhere, no error, nothing cut, no debris."""

from __future__ import annotations

from itertools import product

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.visit import SIZES, start_visit
from tests.processes import RunningBoard

PAGES = ("overview", "risk", "codes", "appeals", "screening", "testing", "feeds", "policy", "help")
LOOKS = list(product(("light", "dark"), ("zh-CN", "en")))
FITS = "() => document.documentElement.scrollWidth <= window.innerWidth"
# Texts that a program writes where it has nothing to say.
DEBRIS = """
() => {
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const found = [];
  for (let node = walk.nextNode(); node; node = walk.nextNode()) {
    const text = node.textContent.trim();
    if (node.parentElement.closest("script, style")) continue;
    if (/\\b(undefined|NaN)\\b/.test(text) || /^(None|null|nan|NaT|\\[object Object\\])$/.test(text)) {
      found.push(text);
    }
  }
  return found;
}
"""


@pytest.mark.parametrize(("theme", "lang"), LOOKS)
def test_every_page_is_whole(chromium: Browser, board: RunningBoard, theme: str, lang: str) -> None:
    with start_visit(chromium, board, theme=theme, lang=lang, login="commander", alone=True) as visit:
        visit.open("/")
        for page in PAGES:
            if page != "overview":
                visit.go_to(page)
            for size, (width, height) in SIZES.items():
                visit.page.set_viewport_size({"width": width, "height": height})
                visit.settle()
                where = f"{page} {size} {theme} {lang}"
                expect(visit.page.locator(".tf-page h1").first).to_be_visible()
                expect(visit.page.locator("html")).to_have_attribute("data-mantine-color-scheme", theme)
                # A chart takes a moment to follow a window that became narrower.
                visit.page.wait_for_function(FITS)
                assert not visit.page.evaluate(DEBRIS), where
                assert visit.page.locator(".tf-state-error").count() == 0, where
                assert not visit.strangers, f"{where}: {visit.strangers}"
                assert not visit.errors, f"{where}: {visit.errors}"
