"""Resident memory of a web worker: after start, after every page of every area, after many requests more."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

from benchmarks.callbacks import ENCODING, PAGES, signed_in
from benchmarks.home import serving
from benchmarks.visitor import Http, Reader, cards_of
from geo.areas import all_areas

MORE = 2_000


@dataclass(frozen=True)
class Memory:
    """Megabytes of the one worker."""

    started: float
    visited: float
    later: float
    requests: int


def measure_memory(home: Path) -> Memory:
    """Visit all pages with all cities and every fifth county, then post 2,000 more of the same callbacks."""
    with serving(home, "app:server") as board:
        reader = signed_in(Reader(Http(board.url)))
        started = resident_mb(board.workers[0])
        asks = []
        counties = [area.code for area in all_areas() if area.level in ("county", "functional")]
        cities = [area.code for area in all_areas() if area.level in ("province", "city")]
        areas = [*cities, *counties[::5]]
        first = cards_of(reader, PAGES)
        for area in areas:
            asks += [ask.body.replace(b'"area": "510000"', f'"area": "{area}"'.encode()) for ask in first]
        reader.encoding = ENCODING
        for body in asks:
            reader.ask(body)
        visited = resident_mb(board.workers[0])
        for body in islice(cycle(asks), MORE):
            reader.ask(body)
        return Memory(started, visited, resident_mb(board.workers[0]), len(asks))


def resident_mb(pid: int) -> float:
    """Resident memory of a process in megabytes."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError(f"/proc/{pid}/status has no VmRSS")
