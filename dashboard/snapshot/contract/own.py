"""Tables the build makes itself: areas, the state of each feed, what was rejected."""

from __future__ import annotations

from dashboard.snapshot.contract.model import Column, Table, count

LEVELS = ("province", "city", "county", "functional")
FEED_STATES = ("on_time", "late", "partial", "not_reported")

AREA_TABLES: tuple[Table, ...] = (
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
            count(
                "residents",
                "people",
                "Residents, census day 2020-11-01; NULL for functional areas.",
                nullable=True,
            ),
        ),
        ("code",),
        scoped="code",
    ),
)

FEED_TABLES: tuple[Table, ...] = (
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
            count("accepted", "rows", "Rows accepted; NULL: nothing delivered.", nullable=True),
            count("rejected", "rows", "Rows kept in quarantine; NULL: nothing delivered.", nullable=True),
            count("usual", "rows", "Rows of a usual delivery; NULL: not known.", nullable=True),
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
            count("rows", "rows", "Rows rejected for this reason; they are kept on the build side."),
        ),
        ("feed",),
        scoped="",
    ),
)
