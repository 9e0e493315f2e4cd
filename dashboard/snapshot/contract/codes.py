"""Health codes: stocks, flows, releases, cohorts, channels, adoption, and the watch over their integrity."""

from __future__ import annotations

from dashboard.snapshot.contract.model import AS_OF, DATE, Column, Table, area_column, count, whole, word

# Colours and reasons are tables of the policy, not enums of the code: the validator checks them there.
AGE_BANDS = ("0-14", "15-59", "60-79", "80+", "unknown")
ACTORS = ("rule", "manual", "batch")
CODE_CHANNELS = ("self", "family", "offline")
FINDINGS = ("no_valid_reason", "by_hand", "in_bulk", "far_from_venue")
NO_CODE = "none"  # the "colour" before a code was issued and after it was closed, in flows only
NO_FORMER_CODE = "none"
MOST_TESTS = 3  # a cohort tells fewer tests apart, and these from none of the larger numbers

CODE_TABLES: tuple[Table, ...] = (
    Table(
        "code_stock",
        "day, county, colour, reason, age band",
        ("date", "area", "colour", "reason", "age_band"),
        "codes",
        (
            DATE,
            area_column("County of residence or stay of the code holder."),
            Column("colour", "VARCHAR", "", "Code colour at the end of the day; a colour of the policy."),
            Column("reason", "VARCHAR", "", "Reason code of the colour; a reason of the policy."),
            Column("age_band", "VARCHAR", "years", "Age of the holder.", allowed=AGE_BANDS),
            count("holders", "people", "Holders with this colour at the end of the day."),
        ),
        ("date", "area"),
        by_county=True,
    ),
    Table(
        "code_flow",
        "day, county, colour before, colour after, reason, actor",
        ("date", "area", "from_colour", "to_colour", "reason", "actor"),
        "codes",
        (
            DATE,
            area_column("County of the holder."),
            Column("from_colour", "VARCHAR", "", "Colour before; 'none' for a newly issued code."),
            Column("to_colour", "VARCHAR", "", "Colour after; 'none' for a closed code."),
            Column("reason", "VARCHAR", "", "Reason code of the change."),
            Column("actor", "VARCHAR", "", "Who made the change.", allowed=ACTORS),
            count("people", "people", "Distinct people who changed this way on the day."),
            count("changes", "changes", "Changes; at least the number of people."),
        ),
        ("date", "area"),
        by_county=True,
    ),
    Table(
        "code_release",
        "day, county, reason",
        ("date", "area", "reason"),
        "codes",
        (
            DATE,
            area_column("County of the holder."),
            word("reason", "Reason code of the colour that ended or should have; a reason of the policy."),
            count("due", "people", "People whose colour was due to end on the day."),
            count("on_time", "people", "Of them, people whose code turned green on the day."),
            count("late", "people", "People due on an earlier day whose code turned green on the day."),
            count("open_overdue", "people", "People due whose code was not green by the end of the day."),
            count(
                "median_hours",
                "h",
                "Median hours from due to green, of those who turned green on the day; NULL: nobody did.",
                nullable=True,
                additive=False,
            ),
            count(
                "p90_hours",
                "h",
                "90th percentile of the same hours; NULL: nobody turned green.",
                nullable=True,
                additive=False,
            ),
        ),
        ("date", "area"),
        by_county=True,
    ),
    Table(
        "code_cohort",
        "moment, county, reason, hours since the colour began, negative tests since",
        ("as_of", "area", "reason", "hours_since_start", "negative_tests"),
        "codes",
        (
            AS_OF,
            area_column("County of the holder."),
            word("reason", "Reason code of a colour that restricts; a reason of the policy."),
            whole(
                "hours_since_start",
                "h",
                "Hours since the colour began for this reason, in steps of 24: 0 is below 24.",
            ),
            whole(
                "negative_tests",
                "tests",
                f"Negative samples since then; {MOST_TESTS} is that many or more. NULL: not known, because "
                "test results of some of these days were not delivered.",
                high=MOST_TESTS,
                nullable=True,
            ),
            count("holders", "people", "Holders of that colour now, for the preview of a rule."),
        ),
        ("area", "reason"),
        by_county=True,
    ),
    Table(
        "code_channel",
        "day, county, channel",
        ("date", "area", "channel"),
        "codes",
        (
            DATE,
            area_column("County of the holder."),
            word(
                "channel",
                "How the code is held: one's own, in a family account, on paper.",
                CODE_CHANNELS,
                texts="codechannel.",
            ),
            count("active", "people", "Holders at the end of the day."),
            count("issued", "people", "Codes newly issued on the day."),
        ),
        ("date", "area"),
        by_county=True,
    ),
    Table(
        "adoption_daily",
        "day, county, former city code",
        ("date", "area", "former_code"),
        "adoption",
        (
            DATE,
            area_column("County of the holder."),
            word(
                "former_code",
                f"City whose own code it was, by its area code; '{NO_FORMER_CODE}': none.",
            ),
            count("moved", "people", "Holders of the former code who moved on the day."),
            count("registered", "people", "People new to the provincial code without a former one to move."),
            count("not_moved", "people", "Holders of the former code not yet moved at the end of the day."),
        ),
        ("date", "area"),
        by_county=True,
    ),
    Table(
        "integrity",
        "day, county, finding, reason, actor",
        ("date", "area", "finding", "reason", "actor"),
        "audit",
        (
            DATE,
            area_column("County of the holders."),
            word("finding", "What is wrong with the changes.", FINDINGS, texts="finding."),
            word("reason", "Reason code given; 'none': none was given."),
            word("actor", "Who made them.", ACTORS, texts="actor."),
            count("changes", "changes", "Code changes; one change may show under several findings."),
        ),
        ("date", "area"),
        by_county=True,
    ),
)
