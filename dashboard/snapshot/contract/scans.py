"""Places and movement: venues and their scans, gateways, scans on the map."""

from __future__ import annotations

from dashboard.snapshot.contract.model import DATE, Column, Table, area_column, count, whole, word

VENUE_CATEGORIES = ("transport", "school", "hospital", "market", "mall", "office", "scenic", "residential")
ARRIVAL_MODES = ("air", "rail", "coach", "road", "water")
PIXEL_ZOOM = 14  # a pixel of a 256-pixel tile of this zoom is one of 2^22 steps around the earth
PYRAMID_ZOOMS = (5, 12)

_PIXELS = "web-mercator pixel of 256-pixel tiles, counted from the north-west corner of the map of the world"

SCAN_TABLES: tuple[Table, ...] = (
    Table(
        "scan_hourly",
        "day, hour, county, venue category",
        ("date", "hour", "area", "category"),
        "scans",
        (
            DATE,
            Column("hour", "INTEGER", "h", "Hour of the day, 0 to 23.", low=0, high=23),
            area_column("County of the venue."),
            Column("category", "VARCHAR", "", "Venue category.", allowed=VENUE_CATEGORIES),
            count("shows", "shows", "Codes shown (亮码)."),
            count("scans", "scans", "Venue codes scanned (扫码). A scan is not proof of presence."),
            count("yellow", "scans", "Scans by yellow codes."),
            count("red", "scans", "Scans by red codes."),
            count("refused", "scans", "Scans after which entry was refused."),
            count("active_venues", "venues", "Venues with at least one scan in the hour."),
        ),
        ("date", "area", "hour"),
        by_county=True,
    ),
    Table(
        "scan_pixel",
        "day, hours of the day, pixel",
        ("date", "hour_band", "x", "y"),
        "scans",
        (
            DATE,
            whole(
                "hour_band", "4 h", "Four hours of the day: 0 is 0:00 to 3:59, 5 is 20:00 to 23:59.", high=5
            ),
            whole("x", "pixels", f"Column of a zoom {PIXEL_ZOOM} {_PIXELS}.", high=2 ** (PIXEL_ZOOM + 8) - 1),
            whole("y", "pixels", "Row of the pixel.", high=2 ** (PIXEL_ZOOM + 8) - 1),
            count("scans", "scans", "Venue codes scanned there."),
        ),
        ("date", "hour_band", "x", "y"),
        scoped="",
    ),
    Table(
        "scan_pyramid",
        "day, zoom, pixel",
        ("date", "zoom", "x", "y"),
        "scans",
        (
            DATE,
            whole(
                "zoom",
                "",
                "Zoom of the map the pixel belongs to.",
                low=PYRAMID_ZOOMS[0],
                high=PYRAMID_ZOOMS[1],
            ),
            whole("x", "pixels", f"Column of a {_PIXELS}.", high=2 ** (PYRAMID_ZOOMS[1] + 8) - 1),
            whole("y", "pixels", "Row of the pixel.", high=2 ** (PYRAMID_ZOOMS[1] + 8) - 1),
            count("scans", "scans", "Venue codes scanned there on the day."),
        ),
        ("date", "zoom", "x", "y"),
        scoped="",
    ),
    Table(
        "scan_holders",
        "day, area at any level",
        ("date", "area"),
        "scans",
        (
            DATE,
            area_column("County, functional area, city or province of the venues."),
            count(
                "holders",
                "people",
                "Distinct people whose code was shown or scanned there, exact. Areas do not add up: a "
                "person counts in each county and once in the city.",
                additive=False,
            ),
        ),
        ("date", "area"),
    ),
    Table(
        "venue_daily",
        "day, county, venue category",
        ("date", "area", "category"),
        "venues",
        (
            DATE,
            area_column("County of the venue."),
            word("category", "Venue category.", VENUE_CATEGORIES, texts="category."),
            count("registered", "venues", "Venues registered at the end of the day."),
            count("active", "venues", "Venues with at least one scan on the day."),
            count(
                "silent",
                "venues",
                "Registered venues without a scan in the last hours of the day's data, as many as the policy "
                "says (scan_alarm.silent_after_hours). NULL: not known, because scans of some of these hours "
                "were not reported.",
                nullable=True,
            ),
            count("new", "venues", "Venues registered on the day."),
        ),
        ("date", "area"),
        by_county=True,
    ),
    Table(
        "arrival_daily",
        "day, county of the gateway, mode",
        ("date", "area", "mode"),
        "arrivals",
        (
            DATE,
            area_column("County of the airport, station, port or checkpoint."),
            word("mode", "How they came.", ARRIVAL_MODES, texts="mode."),
            count("arrivals", "people", "People who arrived from outside the province."),
            count("scanned", "people", "Of them, people who scanned the venue code of the gateway."),
            count("from_risk", "people", "Of them, people who come from a medium- or high-risk area."),
        ),
        ("date", "area"),
        by_county=True,
    ),
)
