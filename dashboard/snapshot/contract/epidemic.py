"""The epidemic: cases, risk places, tests, vaccination, contacts, lists to check, the screening funnel."""

from __future__ import annotations

from dashboard.snapshot.contract.model import AS_OF, DATE, Column, Table, area_column, count, whole, word

RISK_LEVELS = ("high", "medium", "low")
RULE_SETS = ("county-14d", "compound-7+3", "high-low-5d")
CASE_ORIGINS = ("local", "imported", "unallocated")
TEST_BASES = ("sampled", "tested", "reported")
VACCINE_GROUPS = ("health_workers", "cold_chain", "public_service", "other")
DOSES = 3
KEPT = "kept"  # the "drop reason" of those who stay in the funnel
# The stages that take in scans; the first lets out scans, the second people. All others count people.
CO_PRESENT, PERSONS = "co_present", "persons"
SCAN_STAGES = (CO_PRESENT, PERSONS)
_FUNNEL_UNIT = "people or scans"

EPIDEMIC_TABLES: tuple[Table, ...] = (
    Table(
        "case_daily",
        "day, area, origin",
        ("date", "area", "origin"),
        "cases",
        (
            DATE,
            area_column("County or city the cases were reported for; the province for imported cases."),
            Column(
                "origin",
                "VARCHAR",
                "",
                "'local' for an area's own cases; 'imported' from abroad; 'unallocated' is a published "
                "total (of the province, or of a city that also reports by county) less all its parts, so "
                "that the rows of a day add up to it.",
                allowed=CASE_ORIGINS,
            ),
            count(
                "confirmed_new",
                "cases",
                "Newly confirmed on the day; below zero where a correction took cases back; NULL where the "
                "series begins in the middle, so that its past is not known.",
                nullable=True,
                low=None,
            ),
            count(
                "asymptomatic_new",
                "cases",
                "Newly found asymptomatic; NULL: not reported.",
                nullable=True,
                low=None,
            ),
            count("cured_new", "cases", "Discharged on the day.", nullable=True, low=None),
            count("dead_new", "cases", "Deaths on the day.", nullable=True, low=None),
            count(
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
            area_column("County or functional area of the place."),
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
        by_county=True,
    ),
    Table(
        "test_daily",
        "day of sampling, county",
        ("date", "area"),
        "tests",
        (
            DATE,
            area_column("County where the samples were taken."),
            count("sampled", "samples", "Samples taken on the day."),
            count("tested", "samples", "Of them, samples tested so far."),
            count("reported", "samples", "Of them, samples whose result was reported."),
            count("in_24h", "samples", "Of them, samples reported within 24 hours of sampling."),
            count("positive", "samples", "Of the reported ones, positive samples."),
        ),
        ("date", "area"),
        by_county=True,
    ),
    Table(
        "test_validity",
        "moment, county, basis, hours since",
        ("as_of", "area", "basis", "hours_since"),
        "tests",
        (
            AS_OF,
            area_column("County of the holder."),
            word(
                "basis",
                "The moment the hours run from; the policy says which one counts.",
                TEST_BASES,
                texts="basis.",
            ),
            whole("hours_since", "h", "Hours since the last negative test in steps of 24; 168: and more."),
            count("holders", "people", "Code holders; those never tested are in no row."),
        ),
        ("area", "basis"),
        by_county=True,
    ),
    Table(
        "vaccination_daily",
        "day, county, group, dose",
        ("date", "area", "population", "dose"),
        "vaccination",
        (
            DATE,
            area_column("County of the vaccination site."),
            word(
                "population",
                "Group of people in the vaccination plan.",
                VACCINE_GROUPS,
                texts="vaccinegroup.",
            ),
            whole("dose", "", "Number of the dose.", low=1, high=DOSES),
            count("doses", "doses", "Doses given on the day."),
            count("cumulative", "doses", "Doses given up to the end of the day."),
        ),
        ("date", "area"),
        by_county=True,
    ),
    Table(
        "contact_daily",
        "day, county",
        ("date", "area"),
        "contacts",
        (
            DATE,
            area_column("County that looks after the contacts."),
            count("close", "people", "Close contacts found on the day."),
            count("secondary", "people", "Contacts of contacts found on the day."),
            count("followed_up", "people", "Of both, people reached."),
            count("lost", "people", "Of both, people who cannot be found."),
            count("became_case", "people", "Contacts, found on any day, who became cases on the day."),
        ),
        ("date", "area"),
        by_county=True,
    ),
    Table(
        "pushed_list_daily",
        "day, county",
        ("date", "area"),
        "pushed_lists",
        (
            DATE,
            area_column("County that has to check the people."),
            count("pushed", "people", "People on lists sent to the county on the day."),
            count("returned_24h", "people", "Of them, people whose check was returned within 24 hours."),
            count("overdue", "people", "Of them, people whose check was not; the rest have time left."),
        ),
        ("date", "area"),
        by_county=True,
    ),
    Table(
        "incident",
        "one outbreak that is screened",
        ("incident",),
        "screening",
        (
            word("incident", "Id of the incident."),
            area_column("County of the first case."),
            word("name_zh", "Chinese name."),
            word("name_en", "English name."),
            Column("began", "DATE", "", "Day of the first case."),
            Column("ended", "DATE", "", "Day the incident was closed; NULL: open.", nullable=True),
        ),
        ("incident",),
    ),
    Table(
        "funnel",
        "incident, stage, county, reason of dropping; rows add up to the whole stage",
        ("incident", "stage", "area", "drop_reason"),
        "screening",
        (
            word("incident", "Id of the incident."),
            word(
                "stage",
                f"Id of the stage; its order is stage_no. Of a screening, '{CO_PRESENT}' counts scans and "
                f"'{PERSONS}' takes in scans and keeps people; all other stages count people.",
            ),
            whole(
                "stage_no",
                "",
                "Order of the stage; what enters it is what the one before kept.",
                low=1,
            ),
            area_column("County of the people; of the venue where theirs is not known."),
            word("drop_reason", f"Why they were dropped; '{KEPT}' for those who stay."),
            count("entered", _FUNNEL_UNIT, "What entered the stage and ended under this reason."),
            count("kept", _FUNNEL_UNIT, f"Of it, what stays; only '{KEPT}' has any."),
            count("dropped", _FUNNEL_UNIT, "Of it, what was dropped."),
            Column("computed_at", "TIMESTAMP", "", "When the stage was computed."),
        ),
        ("incident", "stage_no", "area"),
        by_county=True,
    ),
)
