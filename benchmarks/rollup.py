"""The daily roll-up of venue scans against the bare DuckDB aggregation of the same columns.

    python -m benchmarks.rollup [MILLIONS ...]     10 by default; 10 100 300 shows whether cost is linear

Each measurement runs in a process of its own on the same files and is asked for its processor seconds,
wall seconds and peak memory; bare and ours alternate, so that a noisy machine troubles both alike.

bare    one statement: scans joined to the register, by hour, county and category, with distinct venues
ours    the whole roll-up without people: four tables, every row checked, bad ones counted
people  ours with distinct people by county, city and province; bare: distinct people by county
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path

import polars as pl

from dashboard.demo.province import DEFAULT_END, generate_province
from dashboard.policy.store import colours
from dashboard.snapshot.rollup.engine import DEFAULT_MEMORY, open_engine, parquet_list
from dashboard.snapshot.rollup.eventfiles import find_event_days
from dashboard.snapshot.rollup.scans import COLUMNS, count_people, count_scans
from dashboard.snapshot.rollup.venues import read_venues

NOW = datetime(2021, 2, 4, 6, 0)
JOBS = ("bare", "ours", "bare people", "our people")
ROUNDS = 2

_BARE = """
CREATE TEMP TABLE answer AS
SELECT area, category, hour(ts) AS hour, count(*) AS shows, count_if(NOT by_guard) AS scans,
       count_if(NOT by_guard AND colour = 'yellow') AS yellow,
       count_if(NOT by_guard AND colour = 'red') AS red,
       count_if(NOT by_guard AND refused) AS refused,
       count(DISTINCT venue_id) FILTER (NOT by_guard) AS active_venues
FROM {source} JOIN venue USING (venue_id) GROUP BY ALL
"""
_BARE_PEOPLE = """
CREATE TEMP TABLE answer AS
SELECT area, count(DISTINCT holder_key) AS holders FROM {source} JOIN venue USING (venue_id) GROUP BY area
"""


def run_job(job: str, folder: Path) -> dict[str, float]:
    """Run one job here and return its cost."""
    files = find_event_days(folder, "scans", feed="scans", columns=COLUMNS, now=NOW).days[DEFAULT_END]
    venues = read_venues(folder, now=NOW).rows
    known = [colour.id for colour in colours()]
    with tempfile.TemporaryDirectory(dir=folder) as spill:
        before, began = time.process_time(), time.perf_counter()
        with open_engine(Path(spill), memory=DEFAULT_MEMORY) as connection:
            if job.startswith("bare"):
                connection.register("venue", venues.to_arrow())
                statement = _BARE if job == "bare" else _BARE_PEOPLE
                connection.execute(statement.format(source=parquet_list([f.path for f in files])))
            elif job == "ours":
                count_scans(connection, DEFAULT_END, files, venues, colours=known, now=NOW)
            else:
                count_people(connection, DEFAULT_END, files, venues, colours=known, now=NOW)
        return {
            "cpu": time.process_time() - before,
            "wall": time.perf_counter() - began,
            "mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        }


def measure(folder: Path) -> dict[str, dict[str, float]]:
    """The best of a few rounds of each job, in child processes."""
    best: dict[str, dict[str, float]] = {}
    for _ in range(ROUNDS):
        for job in JOBS:
            command = [sys.executable, "-m", "benchmarks.rollup", "--job", job, str(folder)]
            cost = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            if job not in best or cost["cpu"] < best[job]["cpu"]:
                best[job] = cost
    return best


def main(millions: list[int]) -> None:
    rows = []
    for million in millions:
        with tempfile.TemporaryDirectory(prefix="rollup-") as folder:
            began = time.perf_counter()
            written = generate_province(Path(folder), events=million * 1_000_000)
            pace = million / (time.perf_counter() - began)
            print(f"{million} M scans written: {pace:.1f} M rows/s, {written.bytes / 1e9:.2f} GB", flush=True)
            best = measure(Path(folder))
        for job, twin in (("ours", "bare"), ("our people", "bare people")):
            ours, bare = best[job], best[twin]
            rows.append(
                {
                    "million": million,
                    "job": job,
                    "cpu s": round(ours["cpu"], 2),
                    "bare cpu s": round(bare["cpu"], 2),
                    "ratio": round(ours["cpu"] / bare["cpu"], 2),
                    "wall s": round(ours["wall"], 1),
                    "M rows/cpu s": round(million / ours["cpu"], 1),
                    "MB": round(ours["mb"]),
                    "bare MB": round(bare["mb"]),
                }
            )
    with pl.Config(tbl_rows=-1, tbl_cols=-1, tbl_width_chars=160, tbl_hide_dataframe_shape=True):
        print(pl.DataFrame(rows))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--job"]:
        print(json.dumps(run_job(sys.argv[2], Path(sys.argv[3]))))
    else:
        main([int(text) for text in sys.argv[1:]] or [10])
