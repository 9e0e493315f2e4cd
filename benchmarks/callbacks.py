"""What a card costs: uncached and cached, against its own queries and an empty Dash callback.

Run alone: ``python -m benchmarks.callbacks HOME`` with a home that holds a published snapshot. All
variants of a card are measured in turn in every round, one request at a time, so that noise of the
machine falls on all of them alike.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks.floor import BODY, make_floor
from benchmarks.home import environment, serving
from benchmarks.visitor import CALLBACK, PASSWORD, Ask, Http, Reader, Wsgi, cards_of

PAGES = {"overview": "/", "risk": "/risk", "codes": "/codes"}
# As a browser on a local address asks; a compressed answer is part of what a card costs.
ENCODING = "gzip, deflate"
INSIDE_ROUNDS, SERVED_ROUNDS, WARM = 9, 7, 2


@dataclass(frozen=True)
class Cost:
    """Median milliseconds of one card: empty callback, its queries alone, uncached, cached."""

    name: str
    empty: float
    queries: float
    uncached: float
    cached: float

    @property
    def over_floor(self) -> float:
        """Uncached against its queries and an empty callback."""
        return self.uncached / (self.queries + self.empty)

    @property
    def over_empty(self) -> float:
        """Cached against an empty callback."""
        return self.cached / self.empty

    @property
    def gain(self) -> float:
        """Rate of cached against uncached answers."""
        return self.uncached / self.cached


@dataclass(frozen=True)
class Costs:
    """All cards measured in one way."""

    way: str
    cards: tuple[Cost, ...]

    def total(self, part: str) -> float:
        return sum(getattr(card, part) for card in self.cards)

    @property
    def all(self) -> Cost:
        """All cards together: what a reader who opens every page waits for the server."""
        return Cost(self.way, *(self.total(part) for part in ("empty", "queries", "uncached", "cached")))


def measure_inside(home: Path) -> Costs:
    """Processor time of the WSGI app in this process; it must not have imported ``app`` before."""
    os.environ.update(environment(home))
    from benchmarks import rig
    from dashboard.auth.demo import ensure_demo_accounts
    from dashboard.settings import read_settings

    ensure_demo_accounts(read_settings())
    server = rig.make_board()
    recorder = rig.Recorder()
    reader = signed_in(Reader(Wsgi(server.wsgi_app)))
    asks = cards_of(reader, PAGES)
    reader.encoding = ENCODING
    # Only now: the first app that answers takes the callbacks of all modules.
    floor = Reader(Wsgi(make_floor().server.wsgi_app), encoding=ENCODING)
    floor.wire.send("GET", "/_dash-layout", {}, b"")
    costs = []
    for ask in asks:
        asked = rig.record(recorder, lambda ask=ask: reader.ask(ask.body))  # type: ignore[misc]
        tries: dict[str, Callable[[], object]] = {
            "empty": lambda: floor.ask(BODY),
            "uncached": lambda ask=ask: reader.ask(ask.body),  # type: ignore[misc]
            "cached": lambda ask=ask: reader.ask(ask.body),  # type: ignore[misc]
        }
        seen: dict[str, list[float]] = {name: [] for name in (*tries, "queries")}
        for _ in range(WARM + INSIDE_ROUNDS):
            seen["queries"].append(rig.replay(asked))
            for name, send in tries.items():
                if name == "uncached":
                    rig.forget()
                seen[name].append(processor_ms(send))
        costs.append(_cost(ask, seen))
    return Costs("in process", tuple(costs))


def measure_served(home: Path) -> Costs:
    """Processor time of the worker of a gunicorn with eight threads, as deployed, asked over HTTP."""
    from benchmarks.rig import FORGET, QUERIES, SPENT

    with ExitStack() as stack:
        board = stack.enter_context(serving(home, "benchmarks.rig:serve()"))
        bare = stack.enter_context(serving(home, "benchmarks.floor:serve()"))
        reader = signed_in(Reader(Http(board.url)))
        floor = Reader(Http(bare.url), encoding=ENCODING)
        asks, costs = cards_of(reader, PAGES), []
        reader.encoding = ENCODING
        for ask in asks:
            seen: dict[str, list[float]] = {"empty": [], "queries": [], "uncached": [], "cached": []}
            for _ in range(WARM + SERVED_ROUNDS):
                empty = floor.ask(BODY)
                fresh = reader.wire.send("POST", CALLBACK, reader.headers() | {FORGET: "forget"}, ask.body)
                kept = reader.ask(ask.body)
                for name, answer in (("empty", empty), ("uncached", fresh), ("cached", kept)):
                    seen[name].append(float(dict(answer.headers)[SPENT]))
                seen["queries"].append(float(dict(fresh.headers)[QUERIES]))
            costs.append(_cost(ask, seen))
    return Costs("gunicorn", tuple(costs))


def signed_in(reader: Reader, login: str = "viewer") -> Reader:
    """The reader, signed in and past its first page."""
    reader.sign_in(login, PASSWORD)
    reader.get("/")
    return reader


def processor_ms(send: Callable[[], object]) -> float:
    began = time.process_time()
    send()
    return (time.process_time() - began) * 1e3


def _cost(ask: Ask, seen: dict[str, list[float]]) -> Cost:
    middle = {name: statistics.median(times[WARM:] or times) for name, times in seen.items()}
    return Cost(ask.name, middle["empty"], middle["queries"], middle["uncached"], middle["cached"])


def lines(costs: Costs) -> list[str]:
    """The table of one way of measuring."""
    head = f"{'card (' + costs.way + ', processor ms)':42}{'empty':>7}{'queries':>9}{'uncached':>9}"
    head += f"{'ratio':>7}{'cached':>8}{'ratio':>7}{'gain':>7}"
    rows = [
        f"{c.name:42}{c.empty:7.2f}{c.queries:9.2f}{c.uncached:9.2f}"
        f"{c.over_floor:7.2f}{c.cached:8.2f}{c.over_empty:7.2f}{c.gain:7.1f}"
        for c in (*costs.cards, costs.all)
    ]
    return [head, *rows]


def main() -> None:
    home = Path(sys.argv[1]).resolve()
    inside = measure_inside(home)
    print("\n".join(lines(inside)))
    if "--inside" not in sys.argv:
        print("\n".join(lines(measure_served(home))))


if __name__ == "__main__":
    main()
