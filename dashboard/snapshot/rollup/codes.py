"""One day of code changes: the day's flows, who turned green in time, and whose code is open at its end."""

# ruff: noqa: S608
# Statements are put together from names of the code and quoted values; DuckDB takes no parameters in DDL.
from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb
import polars as pl

from dashboard.snapshot.contract import ACTORS, NO_CODE
from dashboard.snapshot.importers.bulk import LONGEST_TEXT, is_text
from dashboard.snapshot.importers.places import area_by_code
from dashboard.snapshot.importers.result import end_of_day
from dashboard.snapshot.quarantine import Reject
from dashboard.snapshot.rollup.engine import parquet_list, quote_all
from dashboard.snapshot.rollup.eventfiles import EventFile, is_key, is_moment
from dashboard.snapshot.rollup.negatives import TestDay, read_tests
from dashboard.snapshot.rollup.open_codes import COHORT, count_negatives, follow_codes, write_ledger

NAME = "code_events"
FEED = "codes"
COLUMNS = {
    "ts": is_moment,
    "holder_key": is_key,
    "area_code": is_text,
    "from_colour": is_text,
    "to_colour": is_text,
    "reason_code": is_text,
    "rule_version": is_key,
    "actor": is_text,
    "due_at": is_moment,
}
TABLES = ("code_flow", "code_release", "code_cohort")
_REQUIRED = ("ts", "holder_key", "area_code", "from_colour", "to_colour", "reason_code", "actor")


def roll_up_codes(
    connection: duckdb.DuckDBPyConnection,
    day: date,
    files: Sequence[EventFile],
    before: Path | None,
    *,
    tests: Sequence[TestDay],
    tests_from: date | None,
    reasons: Mapping[str, tuple[str, ...]],
    colours: Sequence[str],
    now: datetime,
    after: Path,
) -> tuple[Mapping[str, pl.DataFrame], tuple[Reject, ...]]:
    """The day's rows of each table of ``TABLES``, and the changes that cannot be used, by reason.

    ``before`` is the ledger of codes that were neither green nor closed when the day before ended, None on
    the first day; the ledger of this day's end is written to ``after``. Both name people and stay on the
    build side. ``tests`` are the results reported since ``before``, ``tests_from`` the first day from which
    they were reported without a gap.
    """
    source = _short_texts(files)
    _load_areas(connection, source)
    _load_reasons(connection, reasons)
    why = _why_sql(day, colours=colours, now=now)
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE judged AS SELECT ts::TIMESTAMP AS ts, holder_key::VARCHAR AS holder, "
        "a.today AS area, from_colour, to_colour, reason_code AS reason, actor, due_at::TIMESTAMP AS due_at, "
        f"{why} AS why FROM {source} e LEFT JOIN area a ON a.code = e.area_code "
        "LEFT JOIN reason r ON r.reason = e.reason_code"
    )
    bad = connection.execute(
        "SELECT why, count(*) FROM judged WHERE why IS NOT NULL GROUP BY why ORDER BY why"
    ).fetchall()
    folder = f"{NAME}/date={day}"
    rejects = tuple(Reject(FEED, folder, None, r, f"{n} code changes of {day}.", "", n) for r, n in bad)
    flow = connection.sql(_FLOW).pl()
    follow_codes(connection, day, before)
    rejects += read_tests(connection, tests, now=now)
    count_negatives(connection, before)
    write_ledger(connection, after)
    release = connection.sql(_RELEASE, params={"day": day}).pl()
    as_of = end_of_day(datetime(day.year, day.month, day.day), now.replace(tzinfo=None))
    cohort = connection.sql(COHORT, params={"as_of": as_of, "tests_from": tests_from}).pl()
    for name in ("judged", "chain", "open_code", "negative", "open_after", "area", "reason"):
        connection.execute(f"DROP TABLE {name}")
    date_ = pl.lit(day).alias("date")
    rows = {"code_flow": flow.with_columns(date_), "code_release": release.with_columns(date_)}
    return {**rows, "code_cohort": cohort}, rejects


def _short_texts(files: Sequence[EventFile]) -> str:
    """The events with every text that is too long for an id, a code or a word left out, and marked."""
    texts = [name for name in COLUMNS if any(name in file.words for file in files)]
    short = ", ".join(f"CASE WHEN strlen({c}) <= {LONGEST_TEXT} THEN {c} END AS {c}" for c in texts)
    long = " OR ".join(f"coalesce(strlen({c}), 0) > {LONGEST_TEXT}" for c in texts)
    source = parquet_list([file.path for file in files])
    return f"(SELECT * REPLACE ({short}), {long} AS long_text FROM {source})"


def _load_areas(connection: duckdb.DuckDBPyConnection, source: str) -> None:
    """Which code means which area today, asked once for each code of the day."""
    codes = connection.execute(f"SELECT DISTINCT area_code FROM {source}").fetchall()
    rows = []
    for (code,) in codes:
        area = area_by_code(code) if code else None
        if area is not None:
            rows.append((code, area.code, area.level in ("province", "city")))
    frame = pl.DataFrame(
        rows, schema={"code": pl.String, "today": pl.String, "above": pl.Boolean}, orient="row"
    )
    connection.register("given", frame.to_arrow())
    connection.execute("CREATE OR REPLACE TEMP TABLE area AS FROM given")
    connection.unregister("given")


def _load_reasons(connection: duckdb.DuckDBPyConnection, reasons: Mapping[str, tuple[str, ...]]) -> None:
    frame = pl.DataFrame({"reason": list(reasons), "gives": [list(given) for given in reasons.values()]})
    connection.register("given", frame.to_arrow())
    connection.execute("CREATE OR REPLACE TEMP TABLE reason AS FROM given")
    connection.unregister("given")


def _why_sql(day: date, *, colours: Sequence[str], now: datetime) -> str:
    ends = quote_all([*colours, NO_CODE])
    missing = " OR ".join(f"e.{name} IS NULL" for name in _REQUIRED)
    return (
        f"CASE WHEN long_text THEN 'long_text' WHEN {missing} THEN 'missing_value' "
        f"WHEN ts > TIMESTAMP '{now}' THEN 'future_date' "
        f"WHEN ts < TIMESTAMP '{day}' OR ts >= TIMESTAMP '{day + timedelta(days=1)}' THEN 'wrong_folder_day' "
        "WHEN a.today IS NULL THEN 'unknown_area' WHEN a.above THEN 'wrong_level' "
        f"WHEN from_colour NOT IN {ends} OR to_colour NOT IN {ends} THEN 'unknown_colour' "
        "WHEN r.gives IS NULL OR NOT list_has_any(r.gives, [from_colour, to_colour]) THEN 'unknown_reason' "
        f"WHEN actor NOT IN {quote_all(ACTORS)} THEN 'unknown_category' END"
    )


_FLOW = """
SELECT area, from_colour, to_colour, reason, actor, count(DISTINCT holder) AS people, count(*) AS changes
FROM judged WHERE why IS NULL GROUP BY ALL
"""


# Who turned green: of a colour the ledger knows, under the area and reason it began with. The due time
# on the change itself is the newest word.
_RELEASE = """
WITH released AS (
    SELECT CASE WHEN was_open THEN had_area ELSE area END AS area,
           CASE WHEN was_open THEN had_reason ELSE reason END AS reason, ts,
           coalesce(due_at, CASE WHEN was_open THEN had_due END) AS due_at
    FROM (SELECT *, coalesce(had NOT IN ('green', 'none'), false) AS was_open FROM chain)
    WHERE NOT held AND to_colour = 'green' AND from_colour NOT IN ('green', 'none')
), judged_release AS (
    SELECT area, reason, due_at::DATE = $day AS due, due_at::DATE = $day AS on_time,
           due_at::DATE < $day AS late, false AS overdue, greatest(epoch(ts - due_at), 0) / 3600 AS hours
    FROM released WHERE due_at::DATE <= $day
    UNION ALL
    SELECT area, reason, due_at::DATE = $day, false, false, true, NULL
    FROM open_after WHERE due_at::DATE <= $day
)
SELECT area, reason, count(*) FILTER (due) AS due, count(*) FILTER (on_time) AS on_time,
       count(*) FILTER (late) AS late, count(*) FILTER (overdue) AS open_overdue,
       round(quantile_cont(hours, 0.5))::BIGINT AS median_hours,
       round(quantile_cont(hours, 0.9))::BIGINT AS p90_hours
FROM judged_release GROUP BY ALL
"""
