"""Every page in every size, theme and language: nothing from elsewhere, no error, nothing cut, no debris."""

from __future__ import annotations

from itertools import product

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.visit import SIZES, start_visit
from tests.processes import RunningBoard

PAGES = ("overview", "risk", "codes", "feeds", "policy", "help")
COMBINATIONS = list(product(SIZES, ("light", "dark"), ("zh-CN", "en")))
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


@pytest.mark.parametrize(("size", "theme", "lang"), COMBINATIONS)
def test_every_page_is_whole(
    chromium: Browser, board: RunningBoard, size: str, theme: str, lang: str
) -> None:
    with start_visit(
        chromium, board, size=size, theme=theme, lang=lang, login="commander", alone=True
    ) as visit:
        visit.open("/")
        for page in PAGES:
            if page != "overview":
                visit.go_to(page)
            where = f"{page} {size} {theme} {lang}"
            expect(visit.page.locator(".tf-page h1").first).to_be_visible()
            expect(visit.page.locator("html")).to_have_attribute("data-mantine-color-scheme", theme)
            wide = visit.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
            assert wide <= 0, f"{where}: {wide} pixels wider than the screen"
            assert not visit.page.evaluate(DEBRIS), where
            assert visit.page.locator(".tf-state-error").count() == 0, where
            assert not visit.strangers, f"{where}: {visit.strangers}"
            assert not visit.errors, f"{where}: {visit.errors}"
