"""Services: look-ups, testing institutions, appeals, the hotline, the load of the systems."""

from __future__ import annotations

from dashboard.snapshot.contract.model import AS_OF, DATE, Column, Table, area_column, count, whole, word

SERVICES = ("institutions", "results", "vaccination", "risk_areas")
TICKET_CHANNELS = ("app", "hotline", "counter")
TICKET_CATEGORIES = ("wrong_code", "not_released", "no_phone", "test_result", "information", "other")
TICKET_AGES = ("0-24h", "24-72h", "3-7d", "7d+")
NO_REASON = "none"  # an appeal that is about no colour
LOAD_SYSTEMS = ("code", "test")
LOAD_CHANNELS = ("app", "mini_program", "partner")

SERVICE_TABLES: tuple[Table, ...] = (
    Table(
        "service_daily",
        "day, county, service",
        ("date", "area", "service"),
        "services",
        (
            DATE,
            area_column("County of the person who asks."),
            word("service", "What is looked up.", SERVICES, texts="service."),
            count("lookups", "look-ups", "Look-ups on the day."),
            count("failures", "look-ups", "Of them, look-ups that failed."),
            count(
                "p95_ms",
                "ms",
                "95th percentile of the answer time; NULL: nobody asked.",
                nullable=True,
                additive=False,
            ),
        ),
        ("date", "area"),
        by_county=True,
    ),
    Table(
        "institution",
        "one testing institution",
        ("institution",),
        "institutions",
        (
            word("institution", "Id of the institution."),
            area_column("County of the institution."),
            word("name", "Its Chinese name."),
            Column("lon", "DOUBLE", "°", "Longitude, WGS84.", low=97, high=109, additive=False),
            Column("lat", "DOUBLE", "°", "Latitude, WGS84.", low=26, high=35, additive=False),
            whole("opens", "h", "Hour of the day it opens.", high=24),
            whole("closes", "h", "Hour of the day it closes; 24 is midnight.", high=24),
            count("capacity", "samples/day", "Samples it can take and test on a day.", nullable=True),
            Column("updated", "DATE", "", "Day the entry was last confirmed."),
        ),
        ("area", "institution"),
        by_county=True,
    ),
    Table(
        "ticket_daily",
        "day, county, channel, category, reason, rule version",
        ("date", "area", "channel", "category", "reason", "rule_version"),
        "tickets",
        (
            DATE,
            area_column("County of the person who appeals or asks."),
            word("channel", "How the case came in.", TICKET_CHANNELS, texts="ticketchannel."),
            word("category", "What it is about.", TICKET_CATEGORIES, texts="ticketcategory."),
            word("reason", f"Reason code of the colour complained about; '{NO_REASON}': of no colour."),
            whole("rule_version", "", "Version of the policy the code was given by.", low=1),
            count("opened", "cases", "Cases opened on the day."),
            count("closed", "cases", "Cases closed on the day."),
            count("upheld", "cases", "Of the closed ones, cases in which the person was right."),
            count("reopened", "cases", "Closed cases opened again on the day."),
            count("hours", "h", "Hours from opening to closing, added up over the cases closed on the day."),
        ),
        ("date", "area"),
        by_county=True,
    ),
    Table(
        "ticket_backlog",
        "moment, county, category, age of the case",
        ("as_of", "area", "category", "age"),
        "tickets",
        (
            AS_OF,
            area_column("County of the person who appeals or asks."),
            word("category", "What it is about.", TICKET_CATEGORIES, texts="ticketcategory."),
            word("age", "How long the case has been open.", TICKET_AGES, texts="ticketage."),
            count("open", "cases", "Open cases."),
            count(
                "oldest_hours",
                "h",
                "Age of the oldest of them; NULL: there is none.",
                nullable=True,
                additive=False,
            ),
        ),
        ("area", "category"),
        by_county=True,
    ),
    Table(
        "hotline_halfhour",
        "day, half-hour, of the whole province",
        ("date", "half_hour"),
        "hotline",
        (
            DATE,
            whole(
                "half_hour",
                "30 min",
                "Half-hour of the day: 0 is 0:00 to 0:29, 47 is 23:30 to 23:59.",
                high=47,
            ),
            count("offered", "calls", "Calls that came in."),
            count("answered", "calls", "Of them, calls a person answered."),
            count("in_15s", "calls", "Of them, calls answered within 15 seconds."),
            count(
                "mean_wait_seconds",
                "s",
                "Mean wait of the answered calls; NULL: none was answered.",
                nullable=True,
                additive=False,
            ),
            count("seats", "seats", "Seats in service."),
        ),
        ("date", "half_hour"),
        scoped="",
    ),
    Table(
        "load_minute",
        "minute, system, channel, of the whole province",
        ("minute", "system", "channel"),
        "load",
        (
            Column("minute", "TIMESTAMP", "", "First second of the minute."),
            word(
                "system",
                "The code system, or the system of nucleic tests.",
                LOAD_SYSTEMS,
                texts="loadsystem.",
            ),
            word("channel", "Where the requests come from.", LOAD_CHANNELS, texts="loadchannel."),
            count("requests", "requests", "Requests in the minute."),
            count("peak_per_second", "requests/s", "Requests in the busiest second.", additive=False),
            count("errors", "requests", "Of the requests, those not answered."),
            count(
                "p95_ms",
                "ms",
                "95th percentile of the answer time; NULL: nothing was answered.",
                nullable=True,
                additive=False,
            ),
        ),
        ("minute",),
        scoped="",
    ),
)
