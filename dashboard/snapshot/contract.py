"""The snapshot contract: every table and column, declared once.

The validator, the importers, the demo data, the empty views of the store and the generated page
``docs/snapshot-contract.md`` all read these declarations; nothing repeats them.

All times are China Standard Time (UTC+8, no daylight saving) and stored without a zone.
A measure that a feed did not report is NULL. It is never zero.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

CONTRACT_VERSION = 1

ColumnType = Literal["VARCHAR", "DATE", "TIMESTAMP", "INTEGER", "BIGINT", "BOOLEAN"]


@dataclass(frozen=True)
class Column:
    """One column: name, DuckDB type, unit ("" when it has none), description, constraint.

    ``allowed`` lists the only values; ``low`` and ``high`` are the least and largest number; ``area``
    says that values are codes of the ``area`` table.
    """

    name: str
    type: ColumnType
    unit: str
    description: str
    nullable: bool = False
    allowed: tuple[str, ...] = ()
    low: int | None = None
    area: bool = False
    high: int | None = None


@dataclass(frozen=True)
class Table:
    """One table: name, grain in words, key columns, the feed it comes from, columns.

    ``feed`` is "" for tables the build makes itself. Files are sorted by ``sort``.
    ``scoped`` names the column that holds the area of a row; "" means the table has no rows of an
    area and is visible to every signed-in person.
    """

    name: str
    grain: str
    key: tuple[str, ...]
    feed: str
    columns: tuple[Column, ...]
    sort: tuple[str, ...]
    scoped: str = "area"

    def column(self, name: str) -> Column:
        return next(c for c in self.columns if c.name == name)


@dataclass(frozen=True)
class Feed:
    """One feed: id, department that delivers it, its names, minutes after which it is late."""

    id: str
    department: str
    name_zh: str
    name_en: str
    tables: tuple[str, ...] = field(default_factory=tuple)


FEEDS: tuple[Feed, ...] = (
    Feed(
        "risk_feed",
        "国家卫生健康委 / National Health Commission",
        "风险地区名单",
        "Risk-area list",
        ("risk_place",),
    ),
    Feed("cases", "省卫生健康委 / Provincial Health Commission", "每日疫情", "Daily cases", ("case_daily",)),
    Feed(
        "codes",
        "省大数据中心 / Provincial Big Data Centre",
        "健康码",
        "Health codes",
        ("code_stock", "code_flow", "code_release"),
    ),
    Feed(
        "scans",
        "省大数据中心 / Provincial Big Data Centre",
        "场所扫码",
        "Venue scans",
        ("scan_hourly", "scan_pixel", "scan_pyramid", "scan_holders", "venue_daily"),
    ),
)

LEVELS = ("province", "city", "county", "functional")
# Colours and reasons are tables of the policy, not enums of the code: the validator checks them there.
AGE_BANDS = ("0-14", "15-59", "60-79", "80+", "unknown")
ACTORS = ("rule", "manual", "batch")
VENUE_CATEGORIES = ("transport", "school", "hospital", "market", "mall", "office", "scenic", "residential")
RISK_LEVELS = ("high", "medium", "low")
RULE_SETS = ("county-14d", "compound-7+3", "high-low-5d")
FEED_STATES = ("on_time", "late", "partial", "not_reported")
CASE_ORIGINS = ("local", "imported", "unallocated")
NO_CODE = "none"  # the "colour" before a code was issued and after it was closed, in flows only


def _area(description: str) -> Column:
    return Column("area", "VARCHAR", "", description, area=True)


def _count(name: str, unit: str, description: str, *, nullable: bool = False, low: int | None = 0) -> Column:
    return Column(name, "BIGINT", unit, description, nullable=nullable, low=low)


_DATE = Column("date", "DATE", "", "Calendar day the row is about.")

TABLES: tuple[Table, ...] = (
    Table(
        "area",
        "one area code, with the days it was valid",
        ("code",),
        "",
        (
            Column("code", "VARCHAR", "", "GB/T 2260 code, or the project's own code of a functional area."),
            Column(
                "valid_from", "DATE", "", "First day of the code; NULL: before these data.", nullable=True
            ),
            Column("valid_to", "DATE", "", "Last day of the code; NULL: in use.", nullable=True),
            Column("name_zh", "VARCHAR", "", "Chinese name."),
            Column("name_en", "VARCHAR", "", "English name."),
            Column("level", "VARCHAR", "", "Level of the area.", allowed=LEVELS),
            Column("parent", "VARCHAR", "", "Code of the area above; NULL for the province.", nullable=True),
            Column(
                "city",
                "VARCHAR",
                "",
                "Code of the city it belongs to, itself for a city; NULL for the province.",
                nullable=True,
            ),
            Column("successor", "VARCHAR", "", "Code that took over; NULL when in use.", nullable=True),
            _count(
                "residents",
                "people",
                "Residents, census day 2020-11-01; NULL for functional areas.",
                nullable=True,
            ),
        ),
        ("code",),
        scoped="code",
    ),
    Table(
        "code_stock",
        "day, county, colour, reason, age band",
        ("date", "area", "colour", "reason", "age_band"),
        "codes",
        (
            _DATE,
            _area("County of residence or stay of the code holder."),
            Column("colour", "VARCHAR", "", "Code colour at the end of the day; a colour of the policy."),
            Column("reason", "VARCHAR", "", "Reason code of the colour; a reason of the policy."),
            Column("age_band", "VARCHAR", "years", "Age of the holder.", allowed=AGE_BANDS),
            _count("holders", "people", "Holders with this colour at the end of the day."),
        ),
        ("date", "area"),
    ),
    Table(
        "code_flow",
        "day, county, colour before, colour after, reason, actor",
        ("date", "area", "from_colour", "to_colour", "reason", "actor"),
        "codes",
        (
            _DATE,
            _area("County of the holder."),
            Column("from_colour", "VARCHAR", "", "Colour before; 'none' for a newly issued code."),
            Column("to_colour", "VARCHAR", "", "Colour after; 'none' for a closed code."),
            Column("reason", "VARCHAR", "", "Reason code of the change."),
            Column("actor", "VARCHAR", "", "Who made the change.", allowed=ACTORS),
            _count("people", "people", "Distinct people who changed this way on the day."),
            _count("changes", "changes", "Changes; at least the number of people."),
        ),
        ("date", "area"),
    ),
    Table(
        "scan_hourly",
        "day, hour, county, venue category",
        ("date", "hour", "area", "category"),
        "scans",
        (
            _DATE,
            Column("hour", "INTEGER", "h", "Hour of the day, 0 to 23.", low=0, high=23),
            _area("County of the venue."),
            Column("category", "VARCHAR", "", "Venue category.", allowed=VENUE_CATEGORIES),
            _count("shows", "shows", "Codes shown (亮码)."),
            _count("scans", "scans", "Venue codes scanned (扫码). A scan is not proof of presence."),
            _count("yellow", "scans", "Scans by yellow codes."),
            _count("red", "scans", "Scans by red codes."),
            _count("refused", "scans", "Scans after which entry was refused."),
            _count("active_venues", "venues", "Venues with at least one scan in the hour."),
        ),
        ("date", "area", "hour"),
    ),
    Table(
        "code_release",
        "day, county, reason",
        ("date", "area", "reason"),
        "codes",
        (
            _DATE,
            _area("County of the holder."),
            Column("reason", "VARCHAR", "", "Reason code of the colour that ended or should have."),
            _count("due", "people", "People whose colour was due to end on the day."),
            _count("on_time", "people", "Of them, people whose code turned green on the day."),
            _count("late", "people", "People due on an earlier day whose code turned green on the day."),
            _count("open_overdue", "people", "People due whose code was not green by the end of the day."),
            _count(
                "median_hours",
                "h",
                "Median hours from due to green, of those who turned green; NULL: nobody did.",
                nullable=True,
            ),
            _count("p90_hours", "h", "90th percentile of the same hours; NULL: nobody did.", nullable=True),
        ),
        ("date", "area"),
    ),
    Table(
        "scan_pixel",
        "day, hours of the day, pixel",
        ("date", "hour_band", "x", "y"),
        "scans",
        (
            _DATE,
            Column("hour_band", "INTEGER", "4 h", "Four hours of the day: 0 is 0:00 to 3:59.", low=0, high=5),
            Column("x", "INTEGER", "pixels", "Column of a web-mercator pixel at zoom 14.", low=0),
            Column("y", "INTEGER", "pixels", "Row of the pixel.", low=0),
            _count("scans", "scans", "Venue codes scanned there."),
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
            _DATE,
            Column("zoom", "INTEGER", "", "Zoom of the map the pixel belongs to.", low=5, high=12),
            Column("x", "INTEGER", "pixels", "Column of a web-mercator pixel.", low=0),
            Column("y", "INTEGER", "pixels", "Row of the pixel.", low=0),
            _count("scans", "scans", "Venue codes scanned there on the day."),
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
            _DATE,
            _area("County, functional area, city or province of the venues."),
            _count(
                "holders",
                "people",
                "Distinct people whose code was shown or scanned there, exact. Areas do not add up: a "
                "person "
                "counts in each county and once in the city.",
            ),
        ),
        ("date", "area"),
    ),
    Table(
        "venue_daily",
        "day, county, venue category",
        ("date", "area", "category"),
        "scans",
        (
            _DATE,
            _area("County of the venue."),
            Column("category", "VARCHAR", "", "Venue category.", allowed=VENUE_CATEGORIES),
            _count("registered", "venues", "Venues registered at the end of the day."),
            _count("active", "venues", "Venues with at least one scan on the day."),
            _count("silent", "venues", "Registered venues without a scan on the day."),
            _count("new", "venues", "Venues registered on the day."),
        ),
        ("date", "area"),
    ),
    Table(
        "case_daily",
        "day, area, origin",
        ("date", "area", "origin"),
        "cases",
        (
            _DATE,
            _area("County or city the cases were reported for; the province for imported cases."),
            Column(
                "origin",
                "VARCHAR",
                "",
                "'local' for an area's own cases; 'imported' from abroad; 'unallocated' is a published "
                "total (of the province, or of a city that also reports by county) less all its parts, so "
                "that the rows of a day add up to it.",
                allowed=CASE_ORIGINS,
            ),
            _count(
                "confirmed_new",
                "cases",
                "Newly confirmed on the day; below zero where a correction took cases back; NULL where the "
                "series begins in the middle, so that its past is not known.",
                nullable=True,
                low=None,
            ),
            _count(
                "asymptomatic_new",
                "cases",
                "Newly found asymptomatic; NULL: not reported.",
                nullable=True,
                low=None,
            ),
            _count("cured_new", "cases", "Discharged on the day.", nullable=True, low=None),
            _count("dead_new", "cases", "Deaths on the day.", nullable=True, low=None),
            _count(
                "confirmed_total",
                "cases",
                "Confirmed since the start, as published on the day; of 'unallocated' the remainder.",
                low=None,
            ),
            Column(
                "correction",
                "BOOLEAN",
                "",
                "True where a cumulative figure fell against the day before; 'unallocated' also falls when "
                "cases are credited to an area.",
            ),
        ),
        ("date", "area"),
    ),
    Table(
        "risk_place",
        "one place at one level, for the days it was listed",
        ("place_id", "level", "listed_from"),
        "risk_feed",
        (
            Column("place_id", "VARCHAR", "", "Stable id: hash of area and normalised text."),
            _area("County or functional area of the place."),
            Column("text", "VARCHAR", "", "The place as published, full-width forms normalised."),
            Column("level", "VARCHAR", "", "Risk level.", allowed=RISK_LEVELS),
            Column("rule_set", "VARCHAR", "", "Rule set in force when it was listed.", allowed=RULE_SETS),
            Column("listed_from", "DATE", "", "First day the feed was seen to list it at this level."),
            Column(
                "listed_to",
                "DATE",
                "",
                "Last day listed; NULL: listed in the newest publication.",
                nullable=True,
            ),
            Column("since", "DATE", "", "Day the level began, as stated; NULL: not stated.", nullable=True),
            Column(
                "last_case", "DATE", "", "Day of the last new case there; NULL: not stated.", nullable=True
            ),
            Column("source_time", "TIMESTAMP", "", "Publication time of the newest list that names it."),
        ),
        ("area", "listed_from"),
    ),
    Table(
        "feed_state",
        "one feed",
        ("feed",),
        "",
        (
            Column("feed", "VARCHAR", "", "Feed id."),
            Column("department", "VARCHAR", "", "Department that delivers it."),
            Column("state", "VARCHAR", "", "State at build time.", allowed=FEED_STATES),
            Column(
                "data_until",
                "TIMESTAMP",
                "",
                "Newest time the data speak of; NULL: nothing delivered.",
                nullable=True,
            ),
            Column(
                "arrived_at",
                "TIMESTAMP",
                "",
                "When the newest delivery arrived; NULL: not known.",
                nullable=True,
            ),
            _count("accepted", "rows", "Rows accepted; NULL: nothing delivered.", nullable=True),
            _count("rejected", "rows", "Rows kept in quarantine; NULL: nothing delivered.", nullable=True),
            _count("usual", "rows", "Rows of a usual delivery; NULL: not known.", nullable=True),
            Column(
                "note", "VARCHAR", "", "What the clerk should know, in words; NULL: nothing.", nullable=True
            ),
        ),
        ("feed",),
        scoped="",
    ),
    Table(
        "feed_reject",
        "feed, reason of rejection",
        ("feed", "reason"),
        "",
        (
            Column("feed", "VARCHAR", "", "Feed id, or 'unknown' for a file nobody claims."),
            Column("reason", "VARCHAR", "", "Reason code; its sentence is in the catalogue of texts."),
            _count("rows", "rows", "Rows rejected for this reason; they are kept on the build side."),
        ),
        ("feed",),
        scoped="",
    ),
)

TABLE_BY_NAME = {table.name: table for table in TABLES}
FEED_BY_ID = {feed.id: feed for feed in FEEDS}
