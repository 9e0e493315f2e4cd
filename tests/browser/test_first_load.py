"""What the first visit costs on the wire, and how large a figure is."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Request

from tests.browser.visit import start_visit
from tests.processes import RunningBoard

FIRST_LOAD = 2_000_000
FIGURE = 60_000


def test_the_first_load_is_below_two_megabytes(chromium: Browser, board: RunningBoard) -> None:
    done: list[Request] = []
    with start_visit(chromium, board, login="commander", alone=True) as visit:
        visit.page.on("requestfinished", lambda request: done.append(request))
        visit.open("/")
        sizes = {request.url: request.sizes()["responseBodySize"] for request in done}
    total = sum(sizes.values())
    largest = sorted(sizes.items(), key=lambda pair: -pair[1])[:5]
    assert 200_000 < total < FIRST_LOAD, f"{total:,} bytes; the largest are {largest}"


@pytest.mark.parametrize("path", ["/", "/risk?area=510100", "/codes", "/codes?area=510100"])
def test_every_figure_is_small(chromium: Browser, board: RunningBoard, path: str) -> None:
    done: list[Request] = []
    with start_visit(chromium, board, login="commander") as visit:
        visit.page.on("requestfinished", lambda request: done.append(request))
        visit.open(path)
        answers = [r.response() for r in done if "/_dash-update-component" in r.url]
        bodies = [answer.json() for answer in answers if answer is not None and answer.status == 200]
    found = [len(json.dumps(figure)) for body in bodies for figure in figures(body)]
    assert all(size < FIGURE for size in found), found
    assert bool(found) == (path != "/"), "the overview has no chart, the other pages have"


def figures(part: object) -> Iterator[object]:
    """Every ``figure`` in an answer of the server."""
    if isinstance(part, dict):
        for name, value in part.items():
            if name == "figure":
                yield value
            else:
                yield from figures(value)
    elif isinstance(part, list):
        for value in part:
            yield from figures(value)
