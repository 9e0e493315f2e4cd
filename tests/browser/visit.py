"""A visitor of the board: signs in, opens pages, waits until they are drawn, notes what went wrong."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, Request, expect

from tests.processes import RunningBoard

SIZES = {"laptop": (1366, 768), "wall": (1920, 1080), "phone": (390, 844)}
SLOW = 45_000  # milliseconds; a shared machine can be busy

# Counts what the page has asked the server and not yet received.
WATCH = """
(() => {
  const plain = window.fetch;
  window.tfPending = 0;
  window.tfQuietSince = performance.now();
  window.fetch = (...words) => {
    window.tfPending += 1;
    const done = () => { window.tfPending -= 1; window.tfQuietSince = performance.now(); };
    const answer = plain(...words);
    answer.then(done, done);
    return answer;
  };
})()
"""

# A page is drawn when nothing is under way, every slot has its card, and every chart, table and map
# has its marks, rows and shapes.
DRAWN = """
() => {
  const page = document.querySelector(".tf-page");
  if (!page || window.tfPending || performance.now() - window.tfQuietSince < 250) return false;
  if (document.querySelector("[data-dash-is-loading=true]")) return false;
  const has = (box, part) => [...page.querySelectorAll(box)].every((e) => e.querySelector(part));
  return has(".tf-loading", ".tf-card, .tf-state") && has(".tf-figure-pair", ".tf-kpi, .tf-state")
    && has(".js-plotly-plot", ".main-svg") && has(".dash-graph", ".js-plotly-plot")
    && has(".tf-table-grid", ".ag-row, .ag-overlay") && has(".leaflet-container", "path[role=button]");
}
"""

GRID_ROWS = """
(id) => {
  const rows = [];
  window.dash_ag_grid.getApi(id).forEachNodeAfterFilterAndSort((node) => rows.push(node.data));
  return rows;
}
"""

_SESSIONS: dict[tuple[str, str], list[dict[str, object]]] = {}
_CONTEXTS: dict[tuple[str, ...], BrowserContext] = {}


@dataclass
class Visit:
    """One browser context on the board. ``strangers`` are requests elsewhere, ``errors`` console errors."""

    board: RunningBoard
    context: BrowserContext
    page: Page
    shared: bool = False
    strangers: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.shared:
            self.page.close()
        else:
            self.context.close()

    def sign_in(self, login: str, *, password: str | None = None, next_page: str = "/") -> None:
        """Type into the sign-in page, as a person does."""
        self.page.goto(f"{self.board.url}/sign-in?next={next_page}")
        self.page.fill("input[name=login]", login)
        self.page.fill("input[name=password]", password or self.board.password)
        self.page.click("button[type=submit]")

    def open(self, path: str) -> None:
        self.page.goto(self.board.url + path)
        self.settle()

    def go_to(self, key: str) -> None:
        """Open a page by its link in the navigation."""
        path = "/" if key == "overview" else f"/{key}"
        self.page.locator(f'.tf-nav-item[href="{path}"]').click()
        expect(self.page.locator(f'[data-tf-page="{key}"]')).to_be_visible(timeout=SLOW)
        self.settle()

    def settle(self) -> None:
        """Wait until the page is drawn."""
        self.page.wait_for_function(DRAWN, timeout=SLOW)

    def expect_word(self, name: str, value: str) -> None:
        """Wait until the URL says that filter ``name`` is ``value``, then until the page is drawn."""
        expect(self.page).to_have_url(re.compile(rf"[?&]{name}={re.escape(value)}(&|$)"), timeout=SLOW)
        self.settle()

    def word(self, name: str) -> str:
        """What the URL says of filter ``name``; empty where it says nothing."""
        return parse_qs(urlsplit(self.page.url).query).get(name, [""])[0]

    def shape(self, card: str, code: str) -> Locator:
        """The shape of an area on the map of a card."""
        return self.page.locator(f'#{card} path[role=button][data-code="{code}"]')

    def shapes(self, card: str) -> dict[str, tuple[str, str]]:
        """Of every area on a map: its style, and what it says to a screen reader."""
        found: list[tuple[str, str, str]] = self.page.locator(f"#{card} path[role=button]").evaluate_all(
            "all => all.map(e => [e.dataset.code, e.getAttribute('class'), e.getAttribute('aria-label')])"
        )
        return {
            code: (next(c for c in look.split() if c.startswith("tf-fill-")), words)
            for code, look, words in found
        }

    def grid(self, table: str) -> list[dict[str, object]]:
        """The rows of a table in the order on screen, as the grid holds them."""
        expect(self.page.locator(f"#{table} .ag-row").first).to_be_attached()
        rows: list[dict[str, object]] = self.page.evaluate(GRID_ROWS, table)
        return rows

    def choose(self, switch: str, value: str) -> None:
        """Choose an option of a switch such as ``risk-fill``, which also is a word of the URL."""
        option = f'.mantine-SegmentedControl-control:has(input[value="{value}"]) label'
        self.page.locator(f"#{switch} {option}").click()
        self.expect_word(switch.partition("-")[2], value)

    def text(self, selector: str) -> str:
        return self.page.locator(selector).first.inner_text()

    def picture(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=path)


def start_visit(
    chromium: Browser,
    board: RunningBoard,
    *,
    size: str = "laptop",
    lang: str = "zh-CN",
    theme: str = "light",
    login: str = "",
    alone: bool = False,
) -> Visit:
    """A fresh context with language and theme already chosen, as a returning visitor has them.

    With ``login`` the visitor is signed in already and shares session, cookies and browser cache with the
    other visits of that kind (a context of its own would load 9 MB of scripts again). A test that signs
    out, is thrown out or switches language or theme asks to be ``alone``.
    """
    kind = (board.url, size, lang, theme, login)
    shared = bool(login) and not alone
    context = _CONTEXTS.get(kind) if shared else None
    if context is None:
        context = _new_context(chromium, board, size=size, lang=lang, theme=theme)
        if login:
            context.add_cookies(_session(context, board, login))  # type: ignore[arg-type]
        if shared:
            _CONTEXTS[kind] = context
    page = context.new_page()
    visit = Visit(board=board, context=context, page=page, shared=shared)
    host = urlsplit(board.url).netloc

    def note_request(request: Request) -> None:
        target = urlsplit(request.url)
        if target.scheme in ("http", "https", "ws", "wss") and target.netloc != host:
            visit.strangers.append(request.url)

    def note_console(message: ConsoleMessage) -> None:
        if message.type == "error":
            visit.errors.append(message.text)

    page.on("request", note_request)
    page.on("console", note_console)
    page.on("pageerror", lambda error: visit.errors.append(str(error)))
    return visit


def _new_context(
    chromium: Browser, board: RunningBoard, *, size: str, lang: str, theme: str
) -> BrowserContext:
    width, height = SIZES[size]
    context = chromium.new_context(
        viewport={"width": width, "height": height},
        locale=lang,
        reduced_motion="reduce",
        accept_downloads=True,
    )
    context.set_default_timeout(SLOW)
    context.add_init_script(WATCH)
    context.add_cookies(
        [
            {"name": "tianfu_lang", "value": lang, "url": board.url},
            {"name": "tianfu_theme", "value": theme, "url": board.url},
        ]
    )
    return context


def _session(context: BrowserContext, board: RunningBoard, login: str) -> list[dict[str, object]]:
    """The cookies of a session of ``login``, begun once for all visits."""
    known = _SESSIONS.get((board.url, login))
    if known is None:
        form = context.request.get(f"{board.url}/sign-in").text()
        token = re.search(r'name="csrf" value="([^"]+)"', form)
        assert token, "the sign-in page has no token"
        answer = context.request.post(
            f"{board.url}/sign-in",
            form={"csrf": token[1], "next": "/healthz", "login": login, "password": board.password},
            max_redirects=0,
        )
        assert answer.status == 303, f"{login} cannot sign in: {answer.status}"
        known = [
            {"name": cookie["name"], "value": cookie["value"], "url": board.url}
            for cookie in context.cookies()
            if cookie["name"] in ("tianfu_session", "_csrf_token")
        ]
        _SESSIONS[board.url, login] = known
    return known
