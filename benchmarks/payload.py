"""Bytes over the wire: the first load of a page, a change of page, each card, each store."""

from __future__ import annotations

import gzip
import json
import re
from dataclasses import dataclass
from pathlib import Path

from benchmarks.callbacks import ENCODING, PAGES, signed_in
from benchmarks.home import serving
from benchmarks.visitor import Http, Reader, cards_of, find_store, open_page

_LINKED = re.compile(r'(?:src|href)="(/[^"]+\.(?:js|css|svg|ico)[^"]*)"')


@dataclass(frozen=True)
class Payload:
    """Bytes; ``cards`` by name as (compressed, plain), ``figures`` are those inside the cards, plain."""

    page: int
    scripts: int
    change: dict[str, int]
    cards: dict[str, tuple[int, int]]
    figures: dict[str, int]
    stores: dict[str, int]


def measure_payload(home: Path) -> Payload:
    """Load the overview as a browser does that has nothing cached, then each page with its cards."""
    with serving(home, "app:server") as board:
        reader = signed_in(Reader(Http(board.url)))
        text = reader.get("/").body.decode()
        stores, change, cards, figures = {}, {}, {}, {}
        for key, path in PAGES.items():
            layout = open_page(reader, path)
            words = find_store(layout, f"{key}-filters")
            stores[key] = len(json.dumps(words, separators=(",", ":")).encode())
            change[key] = len(gzip.compress(json.dumps(layout).encode(), 6))
        asks = cards_of(reader, PAGES)
        reader.encoding = ENCODING
        for ask in asks:
            body = reader.ask(ask.body).body
            full = gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body
            cards[ask.name] = (len(body), len(full))
            change[ask.page] += len(body)
            figures |= figures_of(json.loads(full))
        reader.encoding = "gzip, deflate, br"
        page = len(reader.get("/").body)
        scripts = sum(len(reader.get(link.replace("&amp;", "&")).body) for link in set(_LINKED.findall(text)))
    return Payload(page, scripts, change, cards, figures, stores)


def figures_of(value: object) -> dict[str, int]:
    """Bytes of each chart in a response, by the id of its graph."""
    found: dict[str, int] = {}
    if isinstance(value, dict):
        props = value.get("props")
        if value.get("type") == "Graph" and isinstance(props, dict):
            found[str(props.get("id"))] = len(json.dumps(props.get("figure"), separators=(",", ":")).encode())
        for part in value.values():
            found |= figures_of(part)
    elif isinstance(value, list):
        for part in value:
            found |= figures_of(part)
    return found
