"""Whose code is neither green nor closed at the end of a day: since when, why, how often tested negative.

The ledger carries this from day to day: holder, area, colour, reason, due time, the moment the colour began
under this reason, and the first negative samples since. It names people and stays on the build side.
"""

# ruff: noqa: S608
# Statements are put together from names of the code and quoted values; DuckDB takes no parameters in DDL.
from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb

from dashboard.snapshot.contract import MOST_TESTS, NO_CODE
from dashboard.snapshot.job_connection import quote
from dashboard.snapshot.rollup.engine import parquet_list, quote_all

_LEDGER = "holder, area, colour, reason, due_at, since, tests"


def follow_codes(connection: duckdb.DuckDBPyConnection, day: date, before: Path | None) -> None:
    """Make ``chain`` and ``open_code`` from ``judged`` and the ledger ``before``.

    ``chain`` holds each person's changes of the day in order, after the colour he had when it began;
    ``open_code`` those whose code is open at its end.
    """
    ledger = (
        f"SELECT holder, TIMESTAMP '{day}' AS ts, area, NULL AS from_colour, colour AS to_colour, reason, "
        f"due_at, true AS held, since AS began FROM {parquet_list([before])} UNION ALL "
        if before
        else ""
    )
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE chain AS SELECT *, lag(to_colour) OVER turn AS had, "
        "lag(area) OVER turn AS had_area, lag(reason) OVER turn AS had_reason, "
        "lag(due_at) OVER turn AS had_due, "
        f"lead(ts) OVER turn IS NULL AS newest FROM ({ledger}"
        "SELECT holder, ts, area, from_colour, to_colour, reason, due_at, false AS held, ts AS began "
        "FROM judged WHERE why IS NULL) "
        "WINDOW turn AS (PARTITION BY holder "
        "ORDER BY ts, held DESC, from_colour, to_colour, reason, due_at, area)"
    )
    # A change that keeps colour and reason, to a new due time for instance, begins nothing.
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE open_code AS WITH begun AS ("
        "SELECT holder, max(began) AS since FROM chain "
        "WHERE had IS DISTINCT FROM to_colour OR had_reason IS DISTINCT FROM reason GROUP BY holder) "
        "SELECT holder, area, to_colour AS colour, reason, due_at, since "
        "FROM chain JOIN begun USING (holder) "
        f"WHERE newest AND to_colour NOT IN {quote_all(('green', NO_CODE))}"
    )


def count_negatives(connection: duckdb.DuckDBPyConnection, before: Path | None) -> None:
    """Make ``open_after``: ``open_code`` with the first negative samples since each code began.

    They are those of ``negative`` and those the ledger ``before`` carries; one delivered twice counts once.
    """
    carried = f"UNION ALL SELECT holder, unnest(tests) FROM {parquet_list([before])}" if before else ""
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE open_after AS WITH sample AS ("
        "SELECT holder, list(DISTINCT sampled_at) AS samples "
        f"FROM (SELECT holder, sampled_at FROM negative {carried}) JOIN open_code USING (holder) "
        "WHERE sampled_at >= since GROUP BY holder) "
        f"SELECT open_code.*, coalesce(list_sort(samples)[1:{MOST_TESTS}], []) AS tests "
        "FROM open_code LEFT JOIN sample USING (holder)"
    )


def write_ledger(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Write ``open_after`` as the ledger the next day begins with; the same rows give the same bytes."""
    connection.execute(
        f"COPY (SELECT {_LEDGER} FROM open_after ORDER BY holder) TO {quote(str(path))} "
        "(FORMAT parquet, COMPRESSION zstd)"
    )


# Fewer tests than are known of may be all there were, or all that was delivered: the number counts only where
# results were delivered from the day the colour began.
COHORT = f"""
SELECT $as_of::TIMESTAMP AS as_of, area, reason,
       (24 * greatest(floor(epoch($as_of::TIMESTAMP - since) / 86400), 0))::INTEGER AS hours_since_start,
       CASE WHEN len(tests) = {MOST_TESTS} OR $tests_from::DATE <= since::DATE
            THEN len(tests) END::INTEGER AS negative_tests,
       count(*) AS holders
FROM open_after GROUP BY ALL
"""
