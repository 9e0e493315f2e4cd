"""Late and corrected days: the table of what changed since earlier snapshots, and the measures it watches."""

from __future__ import annotations

from dataclasses import dataclass

from dashboard.snapshot.contract.model import DATE, Column, Table, area_column, word

RESTATED = "restated"
RESTATED_KINDS = ("late", "corrected")


@dataclass(frozen=True)
class Measure:
    """One count that is compared day by day: its table and column, and the column whose values are parts.

    ``people`` says that small values are hidden. ``sparse`` says that a row is absent where nothing
    happened; elsewhere an absent area was not reported.
    """

    table: str
    column: str
    part: str = ""
    people: bool = False
    sparse: bool = False


# Left out: medians and percentiles (they do not add up), the map's pixels (their hours are compared), the
# minutes of the load (nobody corrects them), tables of one moment, and findings of the code audit, which
# not everybody may see.
MEASURES: tuple[Measure, ...] = (
    Measure("code_stock", "holders", "colour", people=True),
    Measure("code_flow", "people", "to_colour", people=True, sparse=True),
    Measure("code_release", "due", people=True),
    Measure("code_release", "open_overdue", people=True),
    Measure("code_channel", "issued", people=True),
    Measure("adoption_daily", "moved", people=True),
    Measure("adoption_daily", "not_moved", people=True),
    Measure("service_daily", "lookups"),
    Measure("service_daily", "failures"),
    Measure("scan_hourly", "shows"),
    Measure("scan_hourly", "scans"),
    Measure("scan_hourly", "refused"),
    Measure("venue_daily", "registered"),
    Measure("venue_daily", "active"),
    Measure("arrival_daily", "arrivals", people=True),
    Measure("arrival_daily", "scanned", people=True),
    Measure("case_daily", "confirmed_new", "origin"),
    Measure("case_daily", "asymptomatic_new", "origin"),
    Measure("case_daily", "cured_new", "origin"),
    Measure("case_daily", "dead_new", "origin"),
    Measure("risk_place", "places", "level", sparse=True),
    Measure("test_daily", "sampled"),
    Measure("test_daily", "reported"),
    Measure("test_daily", "positive"),
    Measure("vaccination_daily", "doses"),
    Measure("contact_daily", "close", people=True),
    Measure("contact_daily", "secondary", people=True),
    Measure("pushed_list_daily", "pushed", people=True),
    Measure("pushed_list_daily", "overdue", people=True),
    Measure("ticket_daily", "opened", sparse=True),
    Measure("ticket_daily", "closed", sparse=True),
    Measure("hotline_halfhour", "offered"),
    Measure("hotline_halfhour", "answered"),
)
MEASURED_TABLES: tuple[str, ...] = tuple(dict.fromkeys(measure.table for measure in MEASURES))

RESTATED_TABLES: tuple[Table, ...] = (
    Table(
        RESTATED,
        "day, area at any level, measure, part, earlier snapshot",
        ("date", "area", "table_name", "measure", "part", "snapshot_before"),
        "",
        (
            DATE,
            area_column("County, functional area, city or province; an area holds the sum of its parts."),
            word("table_name", "Table whose day was restated.", MEASURED_TABLES),
            word("measure", "Its column; 'places' counts the rows of risk_place."),
            word("part", "Colour, origin or level the count is of; '' where the measure is one."),
            Column(
                "before",
                "BIGINT",
                "",
                "Value of the earlier snapshot; NULL: it was not reported.",
                nullable=True,
            ),
            Column("after", "BIGINT", "", "Value since then; NULL: no longer reported.", nullable=True),
            word(
                "kind",
                "'late': the day was open or missing in the earlier snapshot; 'corrected': it was closed.",
                RESTATED_KINDS,
                texts="restatedkind.",
            ),
            word("snapshot_before", "Snapshot that was published with the value before."),
            Column(
                "known_at",
                "TIMESTAMP",
                "",
                "When the delivery with the new value arrived; the data time of its snapshot where no log "
                "says so.",
            ),
        ),
        ("date", "area"),
    ),
)
