"""One day of venue scans: hundreds of millions of events to the day's rows of its tables, in two passes.

The first pass counts events by venue and *slot*, a small number that holds the hour and the kind of the
scan, or why the row is no scan at all. Everything but distinct people follows from these few million counts.
"""

# ruff: noqa: S608
# Statements are put together from names of the code and quoted values; DuckDB takes no parameters in DDL.
from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb
import polars as pl

from dashboard.snapshot.importers.bulk import LONGEST_TEXT, is_text
from dashboard.snapshot.job_connection import quote
from dashboard.snapshot.quarantine import Reject
from dashboard.snapshot.rollup.engine import parquet_list, quote_all
from dashboard.snapshot.rollup.eventfiles import EventFile, is_flag, is_key, is_moment

NAME = "scans"
FEED = "scans"
COLUMNS = {
    "ts": is_moment,
    "venue_id": is_key,
    "holder_key": is_key,
    "colour": is_text,
    "channel": is_text,
    "by_guard": is_flag,
    "refused": is_flag,
}
TABLES = ("scan_hourly", "scan_pixel", "scan_pyramid", "scan_holders")
# Below zero, a slot says why the row is no scan.
_WHY = {
    -1: "missing_value",
    -2: "future_date",
    -3: "wrong_folder_day",
    -4: "unknown_colour",
    -5: "long_text",
}
# Within an hour: 0 a guard looked at the code, 1 scan, 2 scan by yellow, 3 by red; 4 more when refused.
_SCANNED, _YELLOW, _RED, _REFUSED = "slot % 4 > 0", "slot % 4 = 2", "slot % 4 = 3", "slot % 8 > 4"


def roll_up_scans(
    connection: duckdb.DuckDBPyConnection,
    day: date,
    files: Sequence[EventFile],
    venues: pl.DataFrame,
    *,
    colours: Sequence[str],
    now: datetime,
    seen: Path,
) -> tuple[Mapping[str, pl.DataFrame], tuple[Reject, ...]]:
    """The day's rows of each table of ``TABLES``, and the rows that are no scans, counted by reason.

    ``venues`` are those registered by ``day``. Which of them had a scan, and the hour of the last one, is
    written to ``seen`` for ``venue_days``. Memory and disk are those of ``connection``.
    """
    tables, rejects = count_scans(connection, day, files, venues, colours=colours, now=now, seen=seen)
    people = count_people(connection, day, files, venues, colours=colours, now=now)
    return {**tables, "scan_holders": people}, rejects


def count_scans(
    connection: duckdb.DuckDBPyConnection,
    day: date,
    files: Sequence[EventFile],
    venues: pl.DataFrame,
    *,
    colours: Sequence[str],
    now: datetime,
    seen: Path,
) -> tuple[dict[str, pl.DataFrame], tuple[Reject, ...]]:
    """The first pass: all tables but ``scan_holders``, the venues ``seen``, and the rejects."""
    words = _text_keys(files)
    _load_venues(connection, venues, whole="venue_id" not in words)
    source = parquet_list([file.path for file in files])
    slot = _slot_sql(day, files, colours=colours, now=now)
    # A text too long for an id is not kept, not even once.
    short = f"CASE WHEN strlen(venue_id) <= {LONGEST_TEXT} THEN venue_id END"
    venue = short if "venue_id" in words else "venue_id"
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE slots AS SELECT {venue} AS venue_id, {slot} AS slot, count(*) AS n "
        f"FROM {source} GROUP BY ALL"
    )
    rejects = _count_rejects(connection, day)
    connection.execute(_HOURS)
    connection.execute("DROP TABLE slots")
    connection.execute(_PIXELS)
    tables = {
        "scan_hourly": connection.sql(_HOURLY).pl(),
        "scan_pixel": connection.sql("FROM pixels").pl(),
        "scan_pyramid": connection.sql(_PYRAMID).pl(),
    }
    connection.execute(f"COPY ({_SEEN}) TO {quote(str(seen))} (FORMAT parquet, COMPRESSION zstd)")
    for name in ("pixels", "hours", "venue"):
        connection.execute(f"DROP TABLE {name}")
    return {name: _on(day, rows) for name, rows in tables.items()}, rejects


def count_people(
    connection: duckdb.DuckDBPyConnection,
    day: date,
    files: Sequence[EventFile],
    venues: pl.DataFrame,
    *,
    colours: Sequence[str],
    now: datetime,
) -> pl.DataFrame:
    """The second pass: distinct people by county, city and province, exactly.

    A person seen in two counties counts in both and once in their city, so the three cannot be added up
    from each other. The sets go to disk beyond the memory limit. DuckDB's sketch takes a tenth of the time
    but errs by 3 % (one area in twenty by 6 % or more), and cannot be kept to be merged.
    """
    _load_venues(connection, venues, whole="venue_id" not in _text_keys(files))
    source = parquet_list([file.path for file in files])
    slot = _slot_sql(day, files, colours=colours, now=now)
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE people AS SELECT DISTINCT place, holder_key "
        f"FROM {source} JOIN venue USING (venue_id) WHERE {slot} >= 0"
    )
    rows = connection.sql(_PEOPLE).pl()
    for name in ("people", "venue"):
        connection.execute(f"DROP TABLE {name}")
    return _on(day, rows)


def _on(day: date, rows: pl.DataFrame) -> pl.DataFrame:
    return rows.with_columns(pl.lit(day).alias("date"))


def _load_venues(connection: duckdb.DuckDBPyConnection, venues: pl.DataFrame, *, whole: bool) -> None:
    kind = "BIGINT" if whole else "VARCHAR"
    connection.register("given_venues", venues.to_arrow())
    # Small numbers for areas: the set of (area, person) is the largest of the day.
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE venue AS "
        f"SELECT * REPLACE (try_cast(venue_id AS {kind}) AS venue_id), venue_id::VARCHAR AS registered_id, "
        "(dense_rank() OVER (ORDER BY area))::USMALLINT AS place FROM given_venues"
    )
    connection.unregister("given_venues")


def _text_keys(files: Sequence[EventFile]) -> list[str]:
    """Which of the two keys are text in some file, so that their length has to be looked at."""
    return [name for name in ("venue_id", "holder_key") if any(name in file.words for file in files)]


def _slot_sql(day: date, files: Sequence[EventFile], *, colours: Sequence[str], now: datetime) -> str:
    """The slot of an event. NULL is asked for only where a footer does not rule it out."""
    after = datetime(day.year, day.month, day.day) + timedelta(days=1)
    asked = ("ts", "venue_id", "holder_key", "colour", "by_guard", "refused")
    nullable = [c for c in asked if any(c in file.with_nulls for file in files)]
    present = "".join(f" AND {c} IS NOT NULL" for c in nullable)
    present += "".join(f" AND strlen({c}) <= {LONGEST_TEXT}" for c in _text_keys(files))
    missing = f"WHEN {' OR '.join(f'{c} IS NULL' for c in nullable)} THEN -1 " if nullable else ""
    missing += "".join(f"WHEN strlen({c}) > {LONGEST_TEXT} THEN -5 " for c in _text_keys(files))
    until = min(after, now.replace(tzinfo=None) + timedelta(microseconds=1))
    return (
        f"(CASE WHEN ts >= TIMESTAMP '{day}' AND ts < TIMESTAMP '{until}' AND colour IN {quote_all(colours)}"
        f"{present} THEN hour(ts) * 8 + CASE WHEN by_guard THEN 0 ELSE "
        "CASE WHEN colour = 'yellow' THEN 2 WHEN colour = 'red' THEN 3 ELSE 1 END "
        f"+ CASE WHEN refused THEN 4 ELSE 0 END END {missing}"
        f"WHEN ts > TIMESTAMP '{now}' THEN -2 "
        f"WHEN ts < TIMESTAMP '{day}' OR ts >= TIMESTAMP '{after}' THEN -3 ELSE -4 END)::SMALLINT"
    )


def _count_rejects(connection: duckdb.DuckDBPyConnection, day: date) -> tuple[Reject, ...]:
    folder = f"{NAME}/date={day}"
    bad = connection.execute(
        "SELECT slot, sum(n)::BIGINT FROM slots WHERE slot < 0 GROUP BY slot ORDER BY slot DESC"
    ).fetchall()
    rejects = [
        Reject(FEED, folder, None, _WHY[slot], f"{rows} scans of {day}.", "", rows) for slot, rows in bad
    ]
    rows, ids, example = connection.execute(
        "SELECT coalesce(sum(n), 0)::BIGINT, count(DISTINCT venue_id), min(venue_id)::VARCHAR "
        "FROM slots ANTI JOIN venue USING (venue_id) WHERE slot >= 0"
    ).fetchall()[0]
    if rows:
        said = (
            f"{rows} scans at {ids} venues that the register does not hold on {day}, for example {example}."
        )
        rejects.append(Reject(FEED, folder, None, "unknown_venue", said, "", rows))
    return tuple(rejects)


_HOURS = f"""
CREATE OR REPLACE TEMP TABLE hours AS
SELECT venue_id, (slot // 8)::INTEGER AS hour, sum(n)::BIGINT AS shows,
       coalesce(sum(n) FILTER ({_SCANNED}), 0)::BIGINT AS scans,
       coalesce(sum(n) FILTER ({_YELLOW}), 0)::BIGINT AS yellow,
       coalesce(sum(n) FILTER ({_RED}), 0)::BIGINT AS red,
       coalesce(sum(n) FILTER ({_REFUSED}), 0)::BIGINT AS refused
FROM slots SEMI JOIN venue USING (venue_id) WHERE slot >= 0 GROUP BY ALL
"""

_PIXELS = """
CREATE OR REPLACE TEMP TABLE pixels AS
SELECT (hour // 4)::INTEGER AS hour_band, x, y, sum(scans)::BIGINT AS scans
FROM hours JOIN venue USING (venue_id) WHERE x IS NOT NULL AND scans > 0 GROUP BY ALL
"""

# An area that reported on the day has a true zero wherever it has venues, until the last hour of the data.
_HOURLY = """
WITH counted AS (
    SELECT area, category, hour, sum(shows)::BIGINT AS shows, sum(scans)::BIGINT AS scans,
           sum(yellow)::BIGINT AS yellow, sum(red)::BIGINT AS red, sum(refused)::BIGINT AS refused,
           count(*) FILTER (scans > 0) AS active_venues
    FROM hours JOIN venue USING (venue_id) GROUP BY ALL
), places AS (
    SELECT DISTINCT area, category FROM venue WHERE area IN (SELECT area FROM counted)
), clock AS (SELECT unnest(range(0, (SELECT max(hour) FROM hours) + 1))::INTEGER AS hour)
SELECT area, category, hour, coalesce(shows, 0) AS shows, coalesce(scans, 0) AS scans,
       coalesce(yellow, 0) AS yellow, coalesce(red, 0) AS red, coalesce(refused, 0) AS refused,
       coalesce(active_venues, 0) AS active_venues
FROM places CROSS JOIN clock LEFT JOIN counted USING (area, category, hour)
"""

_PYRAMID = """
WITH z12 AS MATERIALIZED (
    SELECT x >> 2 AS x, y >> 2 AS y, sum(scans)::BIGINT AS scans FROM pixels GROUP BY ALL
)
SELECT (12 - up)::INTEGER AS zoom, x >> up::INTEGER AS x, y >> up::INTEGER AS y, sum(scans)::BIGINT AS scans
FROM z12 CROSS JOIN range(0, 8) t(up)
GROUP BY ALL
"""

# The register's own spelling of the id: the same in every file of every day.
_SEEN = """
SELECT registered_id AS venue_id, max(hour) AS hour FROM hours JOIN venue USING (venue_id)
WHERE scans > 0 GROUP BY ALL ORDER BY ALL
"""

_PEOPLE = """
WITH places AS (SELECT DISTINCT place, area FROM venue)
SELECT area, count(*) AS holders FROM people JOIN places USING (place) GROUP BY area
UNION ALL
SELECT left(area, 4) || '00', count(DISTINCT holder_key) FROM people JOIN places USING (place) GROUP BY ALL
UNION ALL
SELECT '510000', count(DISTINCT holder_key) FROM people HAVING count(*) > 0
"""
