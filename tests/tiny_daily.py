"""The daily tables of the tiny snapshot: what departments report beside codes, scans, cases and places.

They hold what the others hold: counts below 10, true zeros, measures that were not reported (NULL), and
figures that agree with the codes and scans of ``tests.tiny``.
"""

from __future__ import annotations

from datetime import date, datetime

DAY1 = date(2022, 8, 29)
DAY2 = date(2022, 8, 30)
DATA_TIME = datetime(2022, 8, 30, 21, 0)

WUHOU, JINJIANG, FUCHENG, GAOXIN = "510107", "510104", "510703", "5101F1"
CHENGDU = "510100"

Rows = list[tuple[object, ...]]

# Wuhou: 2 overdue + 4 due - 3 on time - 2 late = 1 overdue; five turned green, as the flows say.
_CODE_RELEASE: Rows = [
    (DAY1, WUHOU, "risk_area_stay", 0, 0, 0, 2, None, None),
    (DAY1, JINJIANG, "risk_area_stay", 0, 0, 0, 0, None, None),
    (DAY2, WUHOU, "risk_area_stay", 4, 3, 2, 1, 6, 30),
    (DAY2, JINJIANG, "risk_area_stay", 5, 5, 0, 0, 4, 9),
]
# Adds up to the stock of the second day, colours other than green.
_CODE_COHORT: Rows = [
    (DATA_TIME, WUHOU, "time_space_overlap", 0, 0, 30),
    (DATA_TIME, WUHOU, "time_space_overlap", 24, 0, 25),
    (DATA_TIME, WUHOU, "time_space_overlap", 24, 1, 5),
    (DATA_TIME, WUHOU, "risk_area_stay", 48, 0, 7),
    (DATA_TIME, WUHOU, "test_positive", 0, 0, 2),
    (DATA_TIME, WUHOU, "test_positive", 24, 0, 3),
    (DATA_TIME, FUCHENG, "near_risk_area", 0, 0, 8),
    (DATA_TIME, FUCHENG, "near_risk_area", 48, 3, 20),
    (DATA_TIME, GAOXIN, "close_contact", 96, 2, 11),
]
_CODE_CHANNEL: Rows = [
    (DAY1, WUHOU, "self", 1155, 0),
    (DAY1, WUHOU, "family", 80, 0),
    (DAY1, WUHOU, "offline", 20, 0),
    (DAY1, JINJIANG, "self", 505, 0),
    (DAY1, FUCHENG, "self", 320, 0),
    (DAY1, GAOXIN, "self", 91, 0),
    (DAY2, WUHOU, "self", 1155, 0),
    (DAY2, WUHOU, "family", 86, 6),
    (DAY2, WUHOU, "offline", 21, 1),
    (DAY2, JINJIANG, "self", 505, 0),
    (DAY2, FUCHENG, "self", 320, 0),
    (DAY2, GAOXIN, "self", 91, 0),
]
_ADOPTION_DAILY: Rows = [
    (DAY1, WUHOU, CHENGDU, 20, 3, 100),
    (DAY2, WUHOU, CHENGDU, 15, 7, 85),
    (DAY2, FUCHENG, "none", 0, 0, 0),
]
_INTEGRITY: Rows = [
    (DAY2, JINJIANG, "by_hand", "no_risk", "manual", 5),
    (DAY2, WUHOU, "far_from_venue", "time_space_overlap", "rule", 12),
]
_SCAN_PIXEL: Rows = [
    (DAY1, 2, 3309305, 1721928, 270),
    (DAY1, 2, 3309641, 1721511, 80),
    (DAY2, 2, 3309305, 1721928, 260),
    (DAY2, 2, 3309641, 1721511, 40),
]
_SCAN_PYRAMID: Rows = [
    (day, zoom, x >> (14 - zoom), y >> (14 - zoom), scans)
    for day, _, x, y, scans in _SCAN_PIXEL
    for zoom in (12,)
    if isinstance(x, int) and isinstance(y, int)
]
_SCAN_HOLDERS: Rows = [
    (DAY1, WUHOU, 190),
    (DAY1, JINJIANG, 50),
    (DAY2, WUHOU, 200),
    (DAY2, JINJIANG, 0),
]
_VENUE_DAILY: Rows = [
    (DAY1, WUHOU, "transport", 15, 11, 2, 0),
    (DAY1, JINJIANG, "mall", 9, 6, 1, 0),
    (DAY2, WUHOU, "transport", 16, 12, 2, 1),
    (DAY2, JINJIANG, "mall", 9, 0, 7, 0),
]
_ARRIVAL_DAILY: Rows = [
    (DAY1, WUHOU, "rail", 300, 280, 4),
    (DAY2, WUHOU, "rail", 320, 300, 0),
    (DAY2, JINJIANG, "coach", 40, 40, 1),
]
_TEST_DAILY: Rows = [
    (DAY1, WUHOU, 500, 500, 500, 480, 3),
    (DAY1, FUCHENG, 0, 0, 0, 0, 0),
    (DAY2, WUHOU, 600, 550, 400, 400, 2),
]
_TEST_VALIDITY: Rows = [
    (DATA_TIME, WUHOU, "sampled", 0, 600),
    (DATA_TIME, WUHOU, "sampled", 24, 300),
    (DATA_TIME, WUHOU, "reported", 0, 400),
    (DATA_TIME, FUCHENG, "sampled", 168, 9),
]
_VACCINATION_DAILY: Rows = [
    (DAY1, WUHOU, "other", 1, 30, 130),
    (DAY1, WUHOU, "other", 2, 10, 60),
    (DAY2, WUHOU, "other", 1, 20, 150),
    (DAY2, WUHOU, "other", 2, 5, 65),
]
_CONTACT_DAILY: Rows = [(DAY1, WUHOU, 5, 8, 12, 1, 0), (DAY2, WUHOU, 0, 0, 0, 0, 1)]
_PUSHED_LIST_DAILY: Rows = [(DAY1, WUHOU, 20, 18, 2), (DAY2, WUHOU, 12, 4, 0)]
_INCIDENT: Rows = [("wuhou-0829", WUHOU, "武侯区示例疫情", "Example outbreak in Wuhou", DAY1, None)]
_FUNNEL: Rows = [
    ("wuhou-0829", stage, number, area, reason, people, people if reason == "kept" else 0,
     0 if reason == "kept" else people, datetime(2022, 8, 30, 5 + number, 0))
    for stage, number, area, reason, people in (
        ("near_places", 1, WUHOU, "kept", 60), ("near_places", 1, WUHOU, "elsewhere", 40),
        ("near_places", 1, JINJIANG, "kept", 5), ("near_places", 1, JINJIANG, "elsewhere", 15),
        ("sources_joined", 2, WUHOU, "kept", 12), ("sources_joined", 2, WUHOU, "no_overlap", 48),
        ("sources_joined", 2, JINJIANG, "no_overlap", 5),
    )
]  # fmt: skip
_SERVICE_DAILY: Rows = [
    (DAY1, WUHOU, "results", 100, 2, 180),
    (DAY2, WUHOU, "results", 120, 0, 150),
    (DAY2, JINJIANG, "results", 0, 0, None),
]
_INSTITUTION: Rows = [
    ("jg-1", WUHOU, "武侯区示例医院", 104.04, 30.64, 8, 20, 3000, DAY1),
    ("jg-2", FUCHENG, "涪城区示例检测点", 104.75, 31.46, 0, 24, None, DAY2),
]
_TICKET_DAILY: Rows = [
    (DAY1, WUHOU, "app", "wrong_code", "time_space_overlap", 1, 12, 4, 1, 0, 40),
    (DAY2, WUHOU, "app", "wrong_code", "time_space_overlap", 1, 9, 10, 3, 1, 210),
    (DAY2, FUCHENG, "hotline", "other", "none", 1, 2, 0, 0, 0, 0),
]
_TICKET_BACKLOG: Rows = [
    (DATA_TIME, WUHOU, "wrong_code", "0-24h", 6, 20),
    (DATA_TIME, WUHOU, "wrong_code", "24-72h", 2, 60),
    (DATA_TIME, JINJIANG, "other", "0-24h", 0, None),
]
_HOTLINE_HALFHOUR: Rows = [(DAY1, 18, 100, 97, 90, 8, 30), (DAY2, 6, 0, 0, 0, None, 10)]
_LOAD_MINUTE: Rows = [
    (datetime(2022, 8, 30, 8, 0), "code", "app", 6000, 160, 3, 90),
    (datetime(2022, 8, 30, 8, 0), "test", "app", 9000, 400, 2500, 8000),
    (datetime(2022, 8, 30, 8, 1), "code", "app", 6100, 170, 0, 85),
    (datetime(2022, 8, 30, 8, 1), "test", "app", 0, 0, 0, None),
]

DAILY: dict[str, Rows] = {
    "code_release": _CODE_RELEASE,
    "code_cohort": _CODE_COHORT,
    "code_channel": _CODE_CHANNEL,
    "adoption_daily": _ADOPTION_DAILY,
    "integrity": _INTEGRITY,
    "scan_pixel": _SCAN_PIXEL,
    "scan_pyramid": _SCAN_PYRAMID,
    "scan_holders": _SCAN_HOLDERS,
    "venue_daily": _VENUE_DAILY,
    "arrival_daily": _ARRIVAL_DAILY,
    "test_daily": _TEST_DAILY,
    "test_validity": _TEST_VALIDITY,
    "vaccination_daily": _VACCINATION_DAILY,
    "contact_daily": _CONTACT_DAILY,
    "pushed_list_daily": _PUSHED_LIST_DAILY,
    "incident": _INCIDENT,
    "funnel": _FUNNEL,
    "service_daily": _SERVICE_DAILY,
    "institution": _INSTITUTION,
    "ticket_daily": _TICKET_DAILY,
    "ticket_backlog": _TICKET_BACKLOG,
    "hotline_halfhour": _HOTLINE_HALFHOUR,
    "load_minute": _LOAD_MINUTE,
}
