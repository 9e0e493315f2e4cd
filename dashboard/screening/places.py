"""Where a scan and a person count: counties and functional areas of today's list."""

from __future__ import annotations

from functools import cache

from dashboard.errors import InputError
from dashboard.screening.feeds import Feeds
from dashboard.snapshot.job_connection import BuildConnection, plain_errors
from geo.areas import PROVINCE, all_areas, current_code, get_area, subtree

_LEVELS = ("county", "functional")
_NAMED = 5  # venues an error names before it counts the rest


@cache
def counties_now() -> tuple[str, ...]:
    """Every code a row of the funnel may have, sorted."""
    return tuple(sorted(a.code for a in all_areas() if a.level in _LEVELS))


def load_county_codes(con: BuildConnection) -> None:
    """Make ``county_code(code, county)``: every county code, former ones included, with today's."""
    codes = sorted(c for c in subtree(PROVINCE) if get_area(c).level in _LEVELS)
    con.execute(
        "CREATE TEMP TABLE county_code AS SELECT unnest($codes) AS code, unnest($counties) AS county",
        {"codes": codes, "counties": [current_code(c) for c in codes]},
    )


def load_venues(con: BuildConnection, feeds: Feeds, venues: tuple[str, ...]) -> None:
    """Make ``index_venue(venue_id, county)``.

    Raises ``InputError`` that names venues outside the register, or in no county: a person whose own county
    is not known is booked on that of the venue, so without it they would be lost.
    """
    with plain_errors("index_venues"):
        con.execute(
            f"CREATE TEMP TABLE wanted AS SELECT unnest($venues::VARCHAR[])::{feeds.venue_type} AS venue_id",
            {"venues": list(venues)},
        )
    nothing = f"(SELECT NULL::{feeds.venue_type} AS venue_id, '' AS area_code)"
    register = feeds.find("venues") if venues else nothing
    if register is None:
        raise InputError("The venue register was not delivered.", todo="Put it into the folder venues/.")
    with plain_errors("venues"):
        con.execute(
            f"""
            CREATE TEMP TABLE found AS
            SELECT
                w.venue_id, min(c.county) AS county, min(v.area_code) AS area_code,
                count(v.venue_id) AS rows
            FROM wanted w
            LEFT JOIN {register} v USING (venue_id)
            LEFT JOIN county_code c ON v.area_code = c.code
            GROUP BY w.venue_id
            """  # noqa: S608 - the relation is made of quoted paths
        )
    con.execute("CREATE TEMP TABLE index_venue AS SELECT venue_id, county FROM found")
    lost = con.execute(
        "SELECT venue_id, rows, area_code FROM found WHERE county IS NULL ORDER BY rows, venue_id"
    ).fetchall()
    if lost:
        said = [
            f"{venue} is not in the venue register" if not rows else f"{venue} lies in {area!r}, no county"
            for venue, rows, area in lost[:_NAMED]
        ]
        more = f"; and {len(lost) - _NAMED} more" if len(lost) > _NAMED else ""
        raise InputError(
            f"Index venues cannot be used: {'; '.join(said)}{more}.",
            todo="Correct the incident file or deliver the register again.",
        )


def load_homes(con: BuildConnection, feeds: Feeds) -> bool:
    """Make ``home(holder_key, county)`` for the people of ``hit``; whether their feed was delivered."""
    holders = feeds.find("holders")
    known = holders or "(SELECT NULL AS holder_key, NULL AS area_code WHERE false)"
    with plain_errors("holders"):
        con.execute(
            f"""
            CREATE TEMP TABLE home AS
            SELECT h.holder_key::{feeds.key_type} AS holder_key, min(c.county) AS county
            FROM {known} h JOIN county_code c ON h.area_code = c.code
            WHERE h.holder_key IN (SELECT holder_key FROM hit)
            GROUP BY h.holder_key
            """  # noqa: S608 - the relation is made of quoted paths
        )
    return holders is not None
