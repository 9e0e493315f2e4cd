"""From the scans of whole days to the people who were there: the only part that meets every event.

Tables made here, all temporary: ``index_person``; ``window_of`` (one row a window); ``hit``, the scans at
index venues by person, venue, window and day (``number`` is NULL outside every window); ``located``, the
same with a county; ``person``, one row for each co-present person.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, timedelta

from dashboard.errors import InputError
from dashboard.screening.feeds import Feeds
from dashboard.screening.incident import Incident
from dashboard.screening.windows import Presence, Window
from dashboard.snapshot.job_connection import BuildConnection, plain_errors


def check_days(incident: Incident, feeds: Feeds, days: Iterable[date]) -> None:
    """Raise ``InputError`` for days to look at without scans, unless the incident says they are missing."""
    missing = incident.days.missing
    absent = [d for d in days if d in incident.days and d not in missing and feeds.scans(d) is None]
    if absent:
        raise InputError(
            f"No scans were delivered for {', '.join(map(str, absent))}.",
            todo="Deliver scans/date=YYYY-MM-DD/, or name the days in days.missing.",
        )
    if there := [day for day in missing if feeds.scans(day) is not None]:
        raise InputError(
            f"days.missing names {there[0]}, whose scans were delivered.",
            todo="Remove the day from the list.",
        )


def load_index_persons(con: BuildConnection, incident: Incident, feeds: Feeds) -> None:
    """Make ``index_person(holder_key)``."""
    with plain_errors("index_persons"):
        con.execute(
            f"CREATE TEMP TABLE index_person AS "
            f"SELECT unnest($keys::VARCHAR[])::{feeds.key_type} AS holder_key",
            {"keys": list(incident.index_persons)},
        )


def find_presences(
    con: BuildConnection, incident: Incident, feeds: Feeds, *, on_day: Callable[[date], None]
) -> tuple[Presence, ...]:
    """Where index persons scanned on the days looked at; each scan lasts ``stay_minutes``."""
    stay = timedelta(minutes=incident.window.stay_minutes)
    presences: list[Presence] = []
    con.execute("CREATE TEMP TABLE seen_person AS FROM index_person LIMIT 0")
    for day in incident.days.each() if incident.index_persons else ():
        on_day(day)
        scans = feeds.scans(day)
        if scans is None:
            continue
        with plain_errors(f"scans of {day}"):
            con.execute(
                f"CREATE TEMP TABLE visit AS SELECT holder_key, venue_id, ts FROM {scans} "  # noqa: S608
                "SEMI JOIN index_person USING (holder_key) WHERE venue_id IS NOT NULL AND ts IS NOT NULL"
            )
        con.execute("INSERT INTO seen_person SELECT DISTINCT holder_key FROM visit")
        for venue, ts in con.execute("SELECT DISTINCT venue_id::VARCHAR, ts FROM visit").fetchall():
            presences.append(Presence(venue, ts, ts + stay))
        con.execute("DROP TABLE visit")
    return tuple(presences)


def count_unseen(con: BuildConnection) -> int:
    """Index persons without a single scan on the days looked at."""
    return _number(con, "SELECT count(*) FROM index_person ANTI JOIN seen_person USING (holder_key)")


def load_windows(con: BuildConnection, windows: tuple[Window, ...], feeds: Feeds) -> None:
    """Make ``window_of`` and the empty ``hit``."""
    con.execute(
        "CREATE TEMP TABLE window_of AS SELECT unnest($numbers::INTEGER[]) AS number, "
        f"unnest($venues::VARCHAR[])::{feeds.venue_type} AS venue_id, unnest($lows::TIMESTAMP[]) AS low, "
        "unnest($highs::TIMESTAMP[]) AS high",
        {
            "numbers": [w.number for w in windows],
            "venues": [w.venue_id for w in windows],
            "lows": [w.low for w in windows],
            "highs": [w.high for w in windows],
        },
    )
    con.execute(
        f"CREATE TEMP TABLE hit (holder_key {feeds.key_type}, venue_id {feeds.venue_type}, "
        "number INTEGER, scans BIGINT, first_ts TIMESTAMP, last_ts TIMESTAMP, seen BIGINT)"
    )


def read_scans(con: BuildConnection, day: date, scans: str, *, colours: Iterable[str]) -> None:
    """Add one day's scans at index venues to ``hit``: one pass, with the venues pushed into the scan.

    ``seen`` is the moment of the newest scan that shows a colour, doubled, plus one for one of ``colours``:
    a number is an aggregate DuckDB can spill, a pair of moment and text is not.
    """
    with plain_errors(f"scans of {day}"):
        con.execute(
            f"""
            INSERT INTO hit
            SELECT
                s.holder_key, s.venue_id, w.number, count(*), min(s.ts), max(s.ts),
                max(2 * epoch_us(s.ts) + list_contains($colours, s.colour)::INTEGER)
            FROM (
                SELECT holder_key, venue_id, ts, colour FROM {scans} SEMI JOIN index_venue USING (venue_id)
            ) s
            LEFT JOIN window_of w ON s.venue_id = w.venue_id AND s.ts BETWEEN w.low AND w.high
            WHERE s.ts IS NOT NULL
            GROUP BY ALL
            """,  # noqa: S608 - the relation is made of quoted paths
            {"colours": list(colours)},
        )


def locate(con: BuildConnection) -> None:
    """Make ``located``: the county of the holder where it is known, of the venue otherwise."""
    con.execute(
        "CREATE TEMP TABLE located AS SELECT h.*, coalesce(o.county, v.county) AS area FROM hit h "
        "JOIN index_venue v USING (venue_id) LEFT JOIN home o USING (holder_key)"
    )
    con.execute("DROP TABLE hit")
    con.execute("DROP TABLE home")


def gather_persons(con: BuildConnection) -> None:
    """Make ``person``, without index persons and scans that name nobody.

    People without a county of their own are booked on that of the first venue.
    """
    con.execute(
        """
        CREATE TEMP TABLE person AS
        WITH stay AS (
            SELECT
                holder_key, number, area, min(first_ts) AS first_ts, max(last_ts) AS last_ts,
                max(seen) AS seen
            FROM located ANTI JOIN index_person USING (holder_key)
            WHERE number IS NOT NULL AND holder_key IS NOT NULL
            GROUP BY holder_key, number, area
        )
        SELECT
            holder_key,
            arg_min(area, epoch_us(first_ts)::HUGEINT * 1_000_000_000 + number) AS area,
            min(first_ts) AS first_ts,
            max(last_ts) AS last_ts,
            count(*) AS windows,
            max(last_ts - first_ts) AS longest,
            max(seen) % 2 = 1 AS held
        FROM stay
        GROUP BY holder_key
        """
    )


def _number(con: BuildConnection, sql: str) -> int:
    row = con.execute(sql).fetchone()
    return int(row[0]) if row else 0
