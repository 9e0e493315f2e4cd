"""``make bench``: the board on demo data, the data side on raw events; print and keep one table of ratios."""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from benchmarks import decision
from benchmarks.callbacks import Costs, lines, measure_inside, measure_served
from benchmarks.line import Line, header
from benchmarks.memory import Memory, measure_memory
from benchmarks.payload import Payload, measure_payload
from benchmarks.preview import Previews, measure_full, measure_preview
from benchmarks.rollup import rollup_lines
from benchmarks.screening import screening_lines
from benchmarks.start import Start, measure_start

RESULTS = Path(__file__).parent / "results"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--only", choices=["board", "data"], help="One half: pages, or roll-up and screening."
    )
    parser.add_argument(
        "--events",
        type=int,
        nargs="+",
        default=[3],
        metavar="MILLIONS",
        help="Sizes of the day of raw events, ascending; 10 100 300 takes most of an hour and 20 GB of disk.",
    )
    asked = parser.parse_args()
    if asked.events != sorted(set(asked.events)) or asked.events[0] < 1:
        parser.error("--events are whole millions, the smallest first")
    table: list[str] = []
    details: list[str] = []
    if asked.only != "data":
        lines_, details = measure_board()
        table += map(str, lines_)
    if asked.only != "board":
        said("roll-up and daily build ...")
        table += map(str, rollup_lines(asked.events))
        said("screening ...")
        table += map(str, screening_lines(asked.events))
    text = "\n".join([*machine(), "", header(), *table, *details]) + "\n"
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{datetime.now(UTC):%Y-%m-%d}.txt"
    path.write_text(text, encoding="utf-8")
    print(text)


def measure_board() -> tuple[list[Line], list[str]]:
    """Start, payload, memory and cards on demo data: the targets, and the figures of each card."""
    with tempfile.TemporaryDirectory(prefix="tianfu-bench-") as folder:
        home = Path(folder) / "home"
        home.mkdir()
        said(f"start in a fresh home ... ({home.parent.name})")
        fresh = measure_start(home)
        said("start on existing data ...")
        again = measure_start(home)
        said("payload ...")
        payload = measure_payload(home)
        said("memory ...")
        memory = measure_memory(home)
        said("cards, inside this process ...")
        inside = measure_inside(home)
        said("cards, under gunicorn ...")
        served = measure_served(home)
        said("decisions of the rules service ...")
        decided = decision.measure_decision(home)
        said("impact previews ...")
        previews = measure_preview(home), measure_full()
    targets = [
        *verdicts(fresh, again, payload, memory, inside, served),
        *decision_verdicts(decided),
        *preview_verdicts(*previews),
    ]
    tables = [lines(inside), lines(served), decision.lines(decided), sizes(payload)]
    return targets, [line for table in tables for line in ("", *table)]


def said(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


def machine() -> list[str]:
    """What the figures were measured on; no name of a host."""
    packages = ", ".join(f"{name} {version(name)}" for name in ("duckdb", "dash", "flask", "gunicorn"))
    load = os.getloadavg()[0]
    return [
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {os.cpu_count()} cores, load {load:.1f}, "
        f"Python {platform.python_version()}, {packages}"
    ]


def verdicts(
    fresh: Start, again: Start, payload: Payload, memory: Memory, inside: Costs, served: Costs
) -> Iterator[Line]:
    """Each target of the design with what was measured; a target for any card is judged by the worst."""
    yield Line("fresh home: seconds to a usable overview", 90, fresh.usable, "s")
    yield Line("existing data: seconds to a usable overview", 8, again.usable, "s")
    for costs in (inside, served):
        # Cards that ask nothing of the snapshot have no query to be measured against.
        asking = [card for card in costs.cards if card.queries]
        worst = max(asking, key=lambda card: card.over_floor)
        slow = max(asking, key=lambda card: card.over_empty)
        short = min(asking, key=lambda card: card.gain)
        whole = costs.all
        yield Line(f"uncached / (queries + empty), all cards; {costs.way}", 1.5, whole.over_floor)
        yield Line(
            f"uncached / (queries + empty), worst card; {costs.way}", 1.5, worst.over_floor, note=worst.name
        )
        yield Line(f"cached / empty, all cards; {costs.way}", 2, whole.over_empty)
        yield Line(f"cached / empty, worst card; {costs.way}", 2, slow.over_empty, note=slow.name)
        yield Line(f"cached rate / uncached rate, all cards; {costs.way}", 5, whole.gain, at_least=True)
        yield Line(
            f"cached rate / uncached rate, worst card; {costs.way}",
            5,
            short.gain,
            at_least=True,
            note=short.name,
        )
    yield Line("worker memory after start", 400, memory.started, "MB")
    yield Line(
        "worker memory after all pages and areas", 400, memory.visited, "MB", note=f"{memory.requests} cards"
    )
    yield Line("growth over 2,000 more requests", 10, memory.later - memory.visited, "MB")
    most = max(payload.change, key=payload.change.__getitem__)
    yield Line("change of page, compressed, largest", 150, payload.change[most] / 1e3, "kB", note=most)
    figure = max(payload.figures, key=payload.figures.__getitem__)
    yield Line("figure, largest", 60, payload.figures[figure] / 1e3, "kB", note=figure)
    store = max(payload.stores, key=payload.stores.__getitem__)
    yield Line("store, largest", 2, payload.stores[store] / 1e3, "kB", note=store)


def decision_verdicts(found: decision.Decision) -> Iterator[Line]:
    """The rules service: the slowest kind of question, alone and beside an empty endpoint."""
    took, empty = found.kinds[found.slowest]
    yield Line("decision of the rules service, loopback, median", 1, took, "ms", note=found.slowest)
    yield Line("the same / an empty endpoint of the same server", 2, took / empty, note=found.slowest)


def preview_verdicts(demo: Previews, full: Previews) -> Iterator[Line]:
    """The impact preview of the threshold that takes longest."""
    yield Line("impact preview, demo data", 300, demo.took[demo.slowest], "ms", note=demo.slowest)
    yield Line("impact preview, full cohorts", 2000, full.took[full.slowest], "ms", note=full.slowest)


def sizes(payload: Payload) -> list[str]:
    """First load and the bytes of each card."""
    rows = [
        f"first load: page {payload.page / 1e3:.1f} kB, scripts and styles {payload.scripts / 1e3:.0f} kB"
    ]
    return rows + [
        f"  {name:40}{small:>8,} B compressed {full:>8,} B plain"
        for name, (small, full) in payload.cards.items()
    ]


if __name__ == "__main__":
    main()
