"""The daily roll-up of venue scans against the bare DuckDB aggregation, and the whole daily build.

    python -m benchmarks.rollup [MILLIONS ...]     3 by default; 10 100 300 shows whether cost is linear

Each measurement runs in a process of its own on the same files and is asked for its processor seconds,
wall seconds and peak memory; bare and ours alternate, so that a noisy machine troubles both alike.

bare    one statement: scans joined to the register, by hour, county and category, with distinct venues
ours    the whole roll-up without people: every table, every row checked, bad ones counted
people  ours with distinct people by county, city and province; bare: distinct people by county
build   tianfu snapshot build on the day: scans, code changes, register; rolled up, checked, published
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from benchmarks.line import Line, header, peak_mb, run_child
from dashboard.demo.province import generate_province
from dashboard.demo.story import DEFAULT_END
from dashboard.policy.store import colours
from dashboard.snapshot.build import build_snapshot
from dashboard.snapshot.rollup.engine import DEFAULT_MEMORY, open_engine, parquet_list
from dashboard.snapshot.rollup.eventfiles import find_event_days
from dashboard.snapshot.rollup.scans import COLUMNS, count_people, count_scans
from dashboard.snapshot.rollup.venues import read_venues

NOW = datetime(2021, 2, 4, 6, 0)
JOBS = ("bare", "ours", "bare people", "our people")
BUILD = "build"
ROUNDS = 2
PROVINCE = 300  # million scans a day
# At this size and above a second round would tell little and cost minutes.
ONE_ROUND = 100

Cost = dict[str, float]

_BARE = """
CREATE TEMP TABLE answer AS
SELECT area, category, hour(ts) AS hour, count(*) AS shows, count_if(NOT by_guard) AS scans,
       count_if(NOT by_guard AND colour = 'yellow') AS yellow,
       count_if(NOT by_guard AND colour = 'red') AS red,
       count_if(NOT by_guard AND refused) AS refused,
       count(DISTINCT venue_id) FILTER (NOT by_guard) AS active_venues
FROM {source} JOIN venue USING (venue_id) GROUP BY ALL
"""
# count(DISTINCT) by area holds all people in memory and fails at 300 million; this spills as ours does.
_BARE_PEOPLE = """
CREATE TEMP TABLE answer AS
SELECT area, count(*) AS holders
FROM (SELECT DISTINCT area, holder_key FROM {source} JOIN venue USING (venue_id)) GROUP BY area
"""


def run_job(job: str, folder: Path) -> Cost:
    """Run one job here and return its cost."""
    before, began = time.process_time(), time.perf_counter()
    if job == BUILD:
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix="home-") as home:
            build_snapshot(input_dir=folder, out=Path(home) / "snapshots", clock=lambda: NOW, publish=True)
            return _cost(before, began)
    files = find_event_days(folder, "scans", feed="scans", columns=COLUMNS, now=NOW).days[DEFAULT_END]
    venues = read_venues(folder, now=NOW).rows
    known = [colour.id for colour in colours()]
    with tempfile.TemporaryDirectory(dir=folder.parent) as spill:
        before, began = time.process_time(), time.perf_counter()
        with open_engine(Path(spill), memory=DEFAULT_MEMORY) as connection:
            if job.startswith("bare"):
                connection.register("given", venues.to_arrow())
                connection.execute("CREATE TEMP TABLE venue AS FROM given")
                connection.unregister("given")
                statement = _BARE if job == "bare" else _BARE_PEOPLE
                connection.execute(statement.format(source=parquet_list([f.path for f in files])))
            elif job == "ours":
                seen = Path(spill) / "seen.parquet"
                count_scans(connection, DEFAULT_END, files, venues, colours=known, now=NOW, seen=seen)
            else:
                count_people(connection, DEFAULT_END, files, venues, colours=known, now=NOW)
        return _cost(before, began)


def _cost(before: float, began: float) -> Cost:
    return {"cpu": time.process_time() - before, "wall": time.perf_counter() - began, "mb": peak_mb()}


def measure(folder: Path, *, rounds: int) -> dict[str, Cost | None]:
    """The best of a few rounds of each job, and the build once, in child processes."""
    best: dict[str, Cost | None] = dict.fromkeys(JOBS)
    for _ in range(rounds):
        for job in JOBS:
            cost, held = run_child("benchmarks.rollup", "--job", job, str(folder)), best[job]
            if cost is not None and (held is None or cost["cpu"] < held["cpu"]):
                best[job] = cost
    return best | {BUILD: run_child("benchmarks.rollup", "--job", BUILD, str(folder))}


def rollup_lines(millions: list[int]) -> Iterator[Line]:
    """The targets of the roll-up and of the build, at each size; linear from the first to the last."""
    costs: dict[int, dict[str, Cost | None]] = {}
    for million in millions:
        with tempfile.TemporaryDirectory(prefix="tianfu-bench-rollup-") as name:
            folder = Path(name) / "in"
            generate_province(folder, events=million * 1_000_000)
            costs[million] = measure(folder, rounds=1 if million >= ONE_ROUND else ROUNDS)
        yield from _size_lines(million, costs[million])
    few, many = millions[0], millions[-1]
    if many > few:
        for job in (*JOBS[1::2], BUILD):
            growth = _ratio(costs[many][job], costs[few][job])
            share = None if growth is None else growth / (many / few)
            yield Line(f"{job}: cost of a scan at {many} M / at {few} M", 1.3, share)


def _size_lines(million: int, best: dict[str, Cost | None]) -> Iterator[Line]:
    pairs = [(best[job], best[twin]) for job, twin in (("ours", "bare"), ("our people", "bare people"))]
    yield Line(f"roll-up / bare aggregation, {million} M scans", 2, _whole_ratio(pairs))
    for (ours, bare), words in zip(pairs, ("counts", "distinct people"), strict=True):
        note = (
            f"{ours['cpu']:.1f} / {bare['cpu']:.1f} s of the processor, {ours['wall']:.1f} s by the clock, "
            f"{ours['mb']:.0f} / {bare['mb']:.0f} MB"
            if ours and bare
            else ""
        )
        yield Line(f"  of it {words}", None, _ratio(ours, bare), note=note)
    build = best[BUILD]
    seconds = build["wall"] if build else None
    yield Line(f"whole daily build, {million} M scans", 600, seconds, "s")
    if seconds is not None and million < PROVINCE:
        yield Line(f"the same at {PROVINCE} M, if linear", None, seconds * PROVINCE / million, "s")
    memory = max((cost["mb"] for cost in (best["ours"], best["our people"], build) if cost), default=None)
    yield Line(f"most memory of roll-up and build, {million} M scans", 4000, memory, "MB")


def _whole_ratio(pairs: list[tuple[Cost | None, Cost | None]]) -> float | None:
    """Both passes over the events beside both bare statements."""
    done = [(ours["cpu"], bare["cpu"]) for ours, bare in pairs if ours and bare]
    if len(done) < len(pairs):
        return None
    return sum(ours for ours, _ in done) / sum(bare for _, bare in done)


def _ratio(ours: Cost | None, bare: Cost | None) -> float | None:
    return ours["cpu"] / bare["cpu"] if ours and bare else None


if __name__ == "__main__":
    if sys.argv[1:2] == ["--job"]:
        print(json.dumps(run_job(sys.argv[2], Path(sys.argv[3]))))
    else:
        print(header())
        for line in rollup_lines([int(text) for text in sys.argv[1:]] or [3]):
            print(line, flush=True)
