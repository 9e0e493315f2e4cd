"""Test results as events: the negative samples, for the cohorts of codes that a test may end."""

# ruff: noqa: S608
# Statements are put together from names of the code and quoted values; DuckDB takes no parameters in DDL.
from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import duckdb

from dashboard.snapshot.importers.bulk import LONGEST_TEXT, is_text
from dashboard.snapshot.quarantine import Reject
from dashboard.snapshot.rollup.engine import parquet_list, quote_all
from dashboard.snapshot.rollup.eventfiles import EventFile, is_key, is_moment

NAME = "tests"
FEED = "tests"
COLUMNS = {"holder_key": is_key, "sampled_at": is_moment, "result": is_text}
RESULTS = ("negative", "positive", "invalid")


@dataclass(frozen=True)
class TestDay:
    """The files with the results that were reported on one day."""

    __test__ = False  # no test of the project's own

    day: date
    files: tuple[EventFile, ...]


def digest_tests(tests: Sequence[TestDay]) -> str:
    """Changes when a file does; "" when there is none."""
    said = "\n".join(f"{file.name} {file.fingerprint}" for one in tests for file in one.files)
    return hashlib.sha256(said.encode()).hexdigest() if said else ""


def read_tests(
    connection: duckdb.DuckDBPyConnection, tests: Sequence[TestDay], *, now: datetime
) -> tuple[Reject, ...]:
    """Make ``negative(holder, sampled_at)`` of the people in ``open_code``; return rejects by reason.

    Results are read twice: to count what cannot be used, and for those whose code is open. A positive
    result takes no negative one back; it shows in the codes.
    """
    connection.execute("CREATE OR REPLACE TEMP TABLE negative (holder VARCHAR, sampled_at TIMESTAMP)")
    rejects: list[Reject] = []
    for one in tests:
        source = parquet_list([file.path for file in one.files])
        why = _why_sql(one, now)
        bad = connection.execute(
            f"SELECT {why} AS why, count(*) FROM {source} GROUP BY why HAVING why IS NOT NULL ORDER BY why"
        ).fetchall()
        folder = f"{NAME}/date={one.day}"
        rejects += [Reject(FEED, folder, None, w, f"{n} test results of {one.day}.", "", n) for w, n in bad]
        connection.execute(
            "INSERT INTO negative SELECT DISTINCT holder_key::VARCHAR AS holder, sampled_at::TIMESTAMP "
            f"FROM {source} WHERE {why} IS NULL AND result = 'negative' "
            "AND holder_key::VARCHAR IN (SELECT holder FROM open_code)"
        )
    return tuple(rejects)


def _why_sql(one: TestDay, now: datetime) -> str:
    long = [f"strlen({c}) > {LONGEST_TEXT}" for c in COLUMNS if any(c in f.words for f in one.files)]
    return (
        f"CASE WHEN {' OR '.join(long)} THEN 'long_text' "
        "WHEN holder_key IS NULL OR sampled_at IS NULL OR result IS NULL THEN 'missing_value' "
        f"WHEN sampled_at > TIMESTAMP '{now}' THEN 'future_date' "
        f"WHEN sampled_at >= TIMESTAMP '{one.day + timedelta(days=1)}' THEN 'wrong_folder_day' "
        f"WHEN result NOT IN {quote_all(RESULTS)} THEN 'unknown_category' END"
    )
