"""The screening job at 3 and 10 million scans (or as many as asked), beside a bare scan of the same columns.

    python -m benchmarks.screening [--rows 3000000 10000000] [--memory 6GB]

Prints one line a size: seconds of the job and of the bare scan by the clock and of the processor, the peak
of memory, and how long 300 million scans would take by the clock if the cost is linear. The last line
checks that on processor seconds, which other work on the machine disturbs least.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from datetime import date, datetime
from pathlib import Path

import duckdb

from dashboard.screening.funnel import write_funnel
from dashboard.screening.incident import Incident, IndexVenue
from dashboard.screening.run import run_screening

DAY = date(2021, 1, 9)
VENUES, INDEX_VENUES, HOLDERS_PER_SCAN = 200_000, 200, 0.3
PROVINCE = 300_000_000
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


def measure(folder: Path, memory: str) -> None:
    """Run in a process of its own, so that the peak of memory is that of the job."""
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
    seconds, used = time.perf_counter() - began, time.process_time() - used
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    # A new connection, so that nothing the job read is still at hand in the process.
    con = duckdb.connect(config={"threads": 2, "memory_limit": memory})
    began, bare_used = time.perf_counter(), time.process_time()
    con.execute(
        "SELECT count(DISTINCT holder_key), max(ts), max(colour) "
        f"FROM read_parquet('{folder}/scans/*/*.parquet') "
        "WHERE venue_id IN (SELECT unnest($venues))",
        {"venues": [v.venue_id for v in incident().index_venues]},
    ).fetchall()
    bare, bare_used = time.perf_counter() - began, time.process_time() - bare_used
    stages = " > ".join(str(stage.total(stage.kept)) for stage in funnel.stages)
    print(f"{seconds} {used} {bare} {bare_used} {peak} {stages}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[3_000_000, 10_000_000])
    parser.add_argument("--memory", default="6GB")
    parser.add_argument("--inside", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.inside:
        measure(asked.inside, asked.memory)
        return
    heads = (("scans", 12), ("job s", 8), ("cpu s", 7), ("bare s", 8), ("cpu s", 7), ("cpu ratio", 9))
    heads += (("peak MB", 8), ("300 M, s", 9))
    print(" ".join(f"{words:>{width}}" for words, width in heads), " kept")
    cost: list[tuple[int, float]] = []
    for rows in asked.rows:
        with tempfile.TemporaryDirectory(prefix="tianfu-bench-screening-") as name:
            make_events(Path(name), rows)
            words = [sys.executable, "-m", "benchmarks.screening", "--memory", asked.memory, "--inside", name]
            runs = [
                subprocess.run(words, check=True, capture_output=True, text=True).stdout for _ in range(3)
            ]
        # The fastest of three: what the job costs, not what else the machine did.
        best = min((run.split(" ", 5) for run in runs), key=lambda run: float(run[1]))
        seconds, used, bare, bare_used, peak = map(float, best[:5])
        cost.append((rows, used))
        print(
            f"{rows:12,} {seconds:8.2f} {used:7.2f} {bare:8.2f} {bare_used:7.2f} {used / bare_used:9.2f} "
            f"{peak:8.0f} {seconds * PROVINCE / rows:9.0f}  {best[5].strip()}"
        )
    if len(cost) > 1:
        (few, fast), (many, slow) = cost[0], cost[-1]
        print(f"{many / few:.2f} times the scans took {slow / fast:.2f} times the processor.")


if __name__ == "__main__":
    main()
