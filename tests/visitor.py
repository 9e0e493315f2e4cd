"""A visitor without a browser: signs in over HTTP and fetches pages and exports of a running board."""

from __future__ import annotations

import http.cookiejar
import re
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

from dashboard.auth.demo import ensure_demo_accounts
from dashboard.settings import read_settings
from tests.processes import PASSWORD, RunningBoard, healthz


def make_accounts(home: Path) -> None:
    """The demo accounts of a home folder, as ``tianfu demo`` makes them."""
    ensure_demo_accounts(read_settings({"TIANFU_HOME": str(home), "TIANFU_DEMO_PASSWORD": PASSWORD}))


class Visitor:
    """One signed-in person with cookies of his own."""

    def __init__(self, board: RunningBoard, login: str = "commander") -> None:
        self.board = board
        make_accounts(board.home)
        self._opener = urllib.request.build_opener(
            urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        )
        page = self.get("/sign-in")[1]
        found = re.search(r'name="csrf" value="([^"]+)"', page)
        assert found, page[:500]
        form = {"csrf": found[1], "login": login, "password": board.password, "next": "/healthz"}
        with self._opener.open(f"{board.url}/sign-in", urllib.parse.urlencode(form).encode(), 20) as answer:
            assert answer.status == 200

    def get(self, path: str) -> tuple[int, str]:
        """Status and text of one address, whatever the status."""
        try:
            with self._opener.open(self.board.url + path, timeout=20) as answer:
                return answer.status, answer.read().decode("utf-8-sig")
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def rows(self, snapshot_id: str | None = None) -> tuple[str, list[str]]:
        """The export of codes by area: the snapshot it names in its head, and its figures."""
        query = f"?snapshot={snapshot_id}" if snapshot_id else ""
        status, text = self.get(f"/export/codes/areas.csv{query}")
        assert status == 200, text
        found = re.search(r"\d{8}T\d{4}-[0-9a-f]{12}", text)
        assert found, text
        lines = text.splitlines()
        return found[0], lines[4:]


def answers(url: str, times: int) -> set[object]:
    """The snapshots that so many fresh connections are told of."""
    return {healthz(url).get("snapshot_id") for _ in range(times)}
