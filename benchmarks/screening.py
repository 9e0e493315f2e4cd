"""The screening job beside a bare scan of the same columns.

    python -m benchmarks.screening [MILLIONS ...] [--memory 6GB]     3 million scans by default

Each run is a process of its own; the fastest of three tells what the job costs, not what else the machine
did.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path

import duckdb

from benchmarks.line import Line, header, peak_mb, run_child
from dashboard.screening.funnel import write_funnel
from dashboard.screening.incident import Incident, IndexVenue
from dashboard.screening.run import run_screening

DAY = date(2021, 1, 9)
VENUES, INDEX_VENUES, HOLDERS_PER_SCAN = 200_000, 200, 0.3
PROVINCE = 300  # million scans a day
MEMORY = "6GB"
PARTS = 4


def make_events(folder: Path, rows: int) -> None:
    """One day in order of time: venues at random, 16-character keys, every optional feed."""
    holders = max(1000, int(rows * HOLDERS_PER_SCAN))
    key = f"substr(md5((hash(i * 3) % {holders})::VARCHAR), 1, 16)"
    each = f"FROM range({holders}) r(i)"
    own = "substr(md5(i::VARCHAR), 1, 16) AS holder_key"
    con = duckdb.connect(config={"threads": 2, "memory_limit": "2GB"})

    def write(place: str, sql: str) -> None:
        path = folder / place
        path.parent.mkdir(parents=True, exist_ok=True)
        con.execute(f"COPY ({sql}) TO '{path}' (FORMAT parquet, COMPRESSION zstd)")

    for part in range(PARTS):
        first, last = rows * part // PARTS, rows * (part + 1) // PARTS
        write(
            f"scans/date={DAY}/part-{part}.parquet",
            f"""
            SELECT TIMESTAMP '{DAY}' + to_microseconds((i::HUGEINT * 86_400_000_000 // {rows})::BIGINT) AS ts,
                format('V{{:07d}}', hash(i * 7) % {VENUES}) AS venue_id, {key} AS holder_key,
                CASE WHEN hash(i) % 1000 = 0 THEN 'red' ELSE 'green' END AS colour,
                'self' AS channel, hash(i) % 9 = 0 AS by_guard
            FROM range({first}, {last}) r(i)
            """,
        )
    write(
        "venues/part-0.parquet",
        f"SELECT format('V{{:07d}}', i) AS venue_id, '510117' AS area_code, 'market' AS category "
        f"FROM range({VENUES}) r(i)",
    )
    write("holders/part-0.parquet", f"SELECT {own}, '510107' AS area_code, '15-59' AS age_band {each}")
    write("telecom/part-0.parquet", f"SELECT {own}, '510107' AS area_code, DATE '{DAY}' + 1 AS day {each}")
    write(
        "tests/part-0.parquet",
        f"SELECT {own}, TIMESTAMP '{DAY}' + INTERVAL 30 HOURS AS sampled_at, 'negative' AS result {each}",
    )
    con.close()


def incident() -> Incident:
    """200 index venues, open all afternoon."""
    span = {"day": DAY, "from": "10:00", "to": "16:00"}
    venues = [
        IndexVenue.model_validate({"venue_id": f"V{n * 997 % VENUES:07d}", **span})
        for n in range(INDEX_VENUES)
    ]
    return Incident.model_validate(
        {
            "incident": "bench",
            "name_zh": "测速",
            "name_en": "Bench",
            "area": "510117",
            "began": DAY,
            "days": {"first": DAY, "last": DAY},
            "window": {"before_minutes": 30, "after_minutes": 60},
            "index_venues": tuple(venues),
            "steps": (
                {"kind": "in_province", "feed": "telecom"},
                {"kind": "not_under_control"},
                {"kind": "no_negative_test"},
            ),
        }
    )


def run_job(folder: Path, memory: str) -> dict[str, float]:
    """Run the job here, then the bare scan, and return what each cost."""
    began, used = time.perf_counter(), time.process_time()
    funnel = run_screening(
        incident(),
        input_dir=folder,
        workroom=folder / "work",
        memory=memory,
        threads=2,
        clock=lambda: datetime(2021, 1, 12),
    )
    write_funnel(funnel, folder / "out")
    cost = {"wall": time.perf_counter() - began, "cpu": time.process_time() - used, "mb": peak_mb()}
    # A new connection, so that nothing the job read is still at hand in the process.
    con = duckdb.connect(config={"threads": 2, "memory_limit": memory})
    began, used = time.perf_counter(), time.process_time()
    con.execute(
        "SELECT count(DISTINCT holder_key), max(ts), max(colour) "
        f"FROM read_parquet('{folder}/scans/*/*.parquet') "
        "WHERE venue_id IN (SELECT unnest($venues))",
        {"venues": [v.venue_id for v in incident().index_venues]},
    ).fetchall()
    cost |= {"bare wall": time.perf_counter() - began, "bare cpu": time.process_time() - used}
    final = funnel.stages[-1]
    return cost | {"people": final.total(final.kept)}


def screening_lines(millions: list[int], *, memory: str = MEMORY) -> Iterator[Line]:
    """The targets of the screening at each size; linear from the first to the last."""
    costs: dict[int, dict[str, float] | None] = {}
    for million in millions:
        with tempfile.TemporaryDirectory(prefix="tianfu-bench-screening-") as name:
            make_events(Path(name), million * 1_000_000)
            runs = [run_child("benchmarks.screening", "--job", name, "--memory", memory) for _ in range(3)]
        best = min((run for run in runs if run), key=lambda run: run["wall"], default=None)
        costs[million] = best
        yield from _size_lines(million, best)
    few, many = costs[millions[0]], costs[millions[-1]]
    if millions[-1] > millions[0]:
        share = many["cpu"] / few["cpu"] * millions[0] / millions[-1] if few and many else None
        yield Line(f"screening: cost of a scan at {millions[-1]} M / at {millions[0]} M", 1.3, share)


def _size_lines(million: int, best: dict[str, float] | None) -> Iterator[Line]:
    seconds = best["wall"] if best else None
    yield Line(f"screening, {million} M scans, {INDEX_VENUES} venues", 300, seconds, "s")
    if best is None or seconds is None:
        return
    if million < PROVINCE:
        yield Line(f"the same at {PROVINCE} M, if linear", None, seconds * PROVINCE / million, "s")
    note = f"{best['cpu']:.1f} / {best['bare cpu']:.1f} s of the processor, {best['people']:.0f} people left"
    yield Line("screening / bare scan for the same venues", None, best["cpu"] / best["bare cpu"], note=note)
    yield Line("most memory of the screening", 8000, best["mb"], "MB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("millions", type=int, nargs="*", default=[3])
    parser.add_argument("--memory", default=MEMORY)
    parser.add_argument("--job", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.job:
        print(json.dumps(run_job(asked.job, asked.memory)))
        return
    print(header())
    for line in screening_lines(asked.millions, memory=asked.memory):
        print(line, flush=True)


if __name__ == "__main__":
    main()
