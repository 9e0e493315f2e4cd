"""The snapshot contract: every table and column, declared once.

The validator, the importers, the demo data, the empty views of the store and the generated page
``docs/snapshot-contract.md`` all read these declarations; nothing repeats them.

All times are China Standard Time (UTC+8, no daylight saving) and stored without a zone.
A measure that a feed did not report is NULL. It is never zero.
"""

from __future__ import annotations

from dashboard.snapshot.contract.codes import (
    ACTORS,
    AGE_BANDS,
    CODE_CHANNELS,
    CODE_TABLES,
    FINDINGS,
    MOST_TESTS,
    NO_CODE,
    NO_FORMER_CODE,
)
from dashboard.snapshot.contract.epidemic import (
    CASE_ORIGINS,
    CO_PRESENT,
    DOSES,
    EPIDEMIC_TABLES,
    KEPT,
    PERSONS,
    RISK_LEVELS,
    RULE_SETS,
    SCAN_STAGES,
    TEST_BASES,
    VACCINE_GROUPS,
)
from dashboard.snapshot.contract.feeds import FEEDS
from dashboard.snapshot.contract.model import Column, ColumnType, Feed, Table
from dashboard.snapshot.contract.own import AREA_TABLES, FEED_STATES, FEED_TABLES, LEVELS
from dashboard.snapshot.contract.restated import (
    MEASURED_TABLES,
    MEASURES,
    RESTATED,
    RESTATED_KINDS,
    RESTATED_TABLES,
    Measure,
)
from dashboard.snapshot.contract.scans import (
    ARRIVAL_MODES,
    PIXEL_ZOOM,
    PYRAMID_ZOOMS,
    SCAN_TABLES,
    VENUE_CATEGORIES,
)
from dashboard.snapshot.contract.services import (
    LOAD_CHANNELS,
    LOAD_SYSTEMS,
    NO_REASON,
    SERVICE_TABLES,
    SERVICES,
    TICKET_AGES,
    TICKET_CATEGORIES,
    TICKET_CHANNELS,
)

__all__ = [
    "ACTORS",
    "ADDED_LATER",
    "AGE_BANDS",
    "AGGREGATES",
    "ARRIVAL_MODES",
    "CASE_ORIGINS",
    "CODE_CHANNELS",
    "CONTRACT_VERSION",
    "CO_PRESENT",
    "DOSES",
    "FEEDS",
    "FEED_BY_ID",
    "FEED_STATES",
    "FINDINGS",
    "KEPT",
    "LEVELS",
    "LOAD_CHANNELS",
    "LOAD_SYSTEMS",
    "MEASURED_TABLES",
    "MEASURES",
    "MOST_TESTS",
    "NO_CODE",
    "NO_FORMER_CODE",
    "NO_REASON",
    "PERSONS",
    "PIXEL_ZOOM",
    "PYRAMID_ZOOMS",
    "RESTATED",
    "RESTATED_KINDS",
    "RISK_LEVELS",
    "RULE_SETS",
    "SCAN_STAGES",
    "SERVICES",
    "TABLES",
    "TABLE_BY_NAME",
    "TEST_BASES",
    "TICKET_AGES",
    "TICKET_CATEGORIES",
    "TICKET_CHANNELS",
    "VACCINE_GROUPS",
    "VENUE_CATEGORIES",
    "Column",
    "ColumnType",
    "Feed",
    "Measure",
    "Table",
]

CONTRACT_VERSION = 2

TABLES: tuple[Table, ...] = (
    *AREA_TABLES,
    *CODE_TABLES,
    *SCAN_TABLES,
    *EPIDEMIC_TABLES,
    *SERVICE_TABLES,
    *FEED_TABLES,
    *RESTATED_TABLES,
)

# Tables that a snapshot of this version may lack: they came later and read as "not reported".
ADDED_LATER: tuple[str, ...] = (RESTATED,)

# Tables that a department delivers as they are, one folder each; the two others have public formats.
AGGREGATES: tuple[str, ...] = tuple(
    table.name for table in TABLES if table.feed and table.name not in ("case_daily", "risk_place")
)

TABLE_BY_NAME = {table.name: table for table in TABLES}
FEED_BY_ID = {feed.id: feed for feed in FEEDS}
