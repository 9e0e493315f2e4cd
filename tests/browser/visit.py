"""A visitor of the board: signs in, opens pages, waits until they are drawn, notes what went wrong."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, expect

from tests.processes import RunningBoard

SIZES = {"laptop": (1366, 768), "wall": (1920, 1080), "phone": (390, 844)}


@dataclass
class Visit:
    """One browser context on the board. ``strangers`` are requests elsewhere, ``errors`` console errors."""

    board: RunningBoard
    context: BrowserContext
    page: Page
    strangers: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.context.close()

    def sign_in(self, login: str, *, password: str | None = None, next_page: str = "/") -> None:
        self.page.goto(f"{self.board.url}/sign-in?next={next_page}")
        self.page.fill("input[name=login]", login)
        self.page.fill("input[name=password]", password or self.board.password)
        self.page.click("button[type=submit]")

    def open(self, path: str) -> None:
        self.page.goto(self.board.url + path)
        self.settle()

    def settle(self) -> None:
        """Wait until the page is drawn: no callback under way, no skeleton left."""
        expect(self.page.locator(".tf-page").first).to_be_visible(timeout=20_000)
        self.page.wait_for_load_state("networkidle", timeout=20_000)
        expect(self.page.locator("[data-dash-is-loading=true]")).to_have_count(0, timeout=20_000)

    def text(self, selector: str) -> str:
        return self.page.locator(selector).first.inner_text()

    def picture(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=path)


def start_visit(
    chromium: Browser, board: RunningBoard, *, size: str = "laptop", lang: str = "zh-CN", theme: str = "light"
) -> Visit:
    """A fresh context with language and theme already chosen, as a returning visitor has them."""
    width, height = SIZES[size]
    context = chromium.new_context(
        viewport={"width": width, "height": height}, locale=lang, reduced_motion="reduce"
    )
    context.add_cookies(
        [
            {"name": "tianfu_lang", "value": lang, "url": board.url},
            {"name": "tianfu_theme", "value": theme, "url": board.url},
        ]
    )
    page = context.new_page()
    visit = Visit(board=board, context=context, page=page)
    host = urlsplit(board.url).netloc

    def note_request(request: Request) -> None:
        target = urlsplit(request.url)
        if target.scheme in ("http", "https", "ws", "wss") and target.netloc != host:
            visit.strangers.append(request.url)

    def note_console(message: ConsoleMessage) -> None:
        if message.type == "error":
            visit.errors.append(message.text)

    context.on("request", note_request)
    page.on("console", note_console)
    page.on("pageerror", lambda error: visit.errors.append(str(error)))
    return visit
