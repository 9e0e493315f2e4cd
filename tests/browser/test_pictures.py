"""The pictures of the manual.

With ``TIANFU_PICTURES=docs/pictures`` they are written there (``make pictures``); without it they go to
a temporary folder and are only checked.
"""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.visit import SIZES, start_visit
from tests.processes import ROOT, RunningBoard

LIMIT = 300_000
# name, path, size, theme, language; without a path it is the sign-in page.
PICTURES = (
    ("signing-in", "", "laptop", "light", "zh-CN"),
    ("overview", "/", "laptop", "light", "zh-CN"),
    ("risk", "/risk?area=510100", "laptop", "light", "zh-CN"),
    ("codes", "/codes", "laptop", "light", "zh-CN"),
    ("appeals", "/appeals", "laptop", "light", "zh-CN"),
    ("screening", "/screening", "laptop", "light", "zh-CN"),
    ("testing", "/testing", "laptop", "light", "zh-CN"),
    ("feeds", "/feeds", "laptop", "light", "zh-CN"),
    ("policy", "/policy", "laptop", "light", "zh-CN"),
    ("definitions", "/help", "laptop", "light", "zh-CN"),
    ("risk-dark", "/risk?area=510100", "laptop", "dark", "zh-CN"),
    ("overview-english", "/", "laptop", "light", "en"),
    ("overview-phone", "/", "phone", "light", "zh-CN"),
)


@pytest.mark.parametrize(("name", "path", "size", "theme", "lang"), PICTURES)
def test_picture(
    chromium: Browser,
    board: RunningBoard,
    tmp_path: Path,
    name: str,
    path: str,
    size: str,
    theme: str,
    lang: str,
) -> None:
    chosen = os.environ.get("TIANFU_PICTURES")
    file = (ROOT / chosen if chosen else tmp_path) / f"{name}.png"
    login = "commander" if path else ""
    with start_visit(chromium, board, size=size, theme=theme, lang=lang, login=login) as visit:
        if path:
            visit.open(path)
        else:
            visit.page.goto(f"{board.url}/sign-in")
        visit.picture(file)
        assert not visit.errors
    assert file.stat().st_size < LIMIT
    width, height, shades = read_png(file)
    assert (width, height) == SIZES[size]
    assert shades > 60, "a blank or nearly blank picture"


def read_png(file: Path) -> tuple[int, int, int]:
    """Width, height, and how many different bytes the first chunks of pixels hold."""
    raw = file.read_bytes()
    width, height = struct.unpack(">II", raw[16:24])
    pixels, at = b"", 8
    while at < len(raw):
        length, kind = struct.unpack(">I4s", raw[at : at + 8])
        if kind == b"IDAT":
            pixels += raw[at + 8 : at + 8 + length]
        at += 12 + length
    return width, height, len(set(zlib.decompress(pixels)))
