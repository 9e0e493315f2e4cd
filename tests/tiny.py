"""A snapshot small enough to check by hand: two days, three counties, one functional area.

    510100 成都市   510107 武侯区, 510104 锦江区, 5101F1 成都高新区
    510700 绵阳市   510703 涪城区

What it holds on purpose: counts below 10 (0 < n < 10), true zeros (锦江区 has a zero of yellow codes
and, on the second day, of red ones), an area without rows (涪城区 reports no scans on the second day),
a measure that was not reported (NULL), a correction that takes a case back, a place that was
listed and released, flows that explain every change of stock, and a delivery with rejected rows.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from datetime import date, datetime
from pathlib import Path

import polars as pl

from dashboard.snapshot.contract import AGGREGATES, FEEDS, TABLE_BY_NAME
from dashboard.snapshot.files import POLARS_TYPES
from dashboard.snapshot.manifest import Manifest
from dashboard.snapshot.publish import write_snapshot
from tests.tiny_daily import DAILY, DATA_TIME, DAY1, DAY2, FUCHENG, GAOXIN, JINJIANG, WUHOU

BUILT_AT = datetime(2022, 8, 30, 21, 12)

CHENGDU, MIANYANG, SICHUAN = "510100", "510700", "510000"

_AREA = [
    (SICHUAN, None, None, "四川省", "Sichuan", "province", None, None, None, 83_674_866),
    (CHENGDU, None, None, "成都市", "Chengdu", "city", SICHUAN, CHENGDU, None, 20_937_757),
    (MIANYANG, None, None, "绵阳市", "Mianyang", "city", SICHUAN, MIANYANG, None, 4_868_243),
    (JINJIANG, None, None, "锦江区", "Jinjiang", "county", CHENGDU, CHENGDU, None, 900_000),
    (WUHOU, None, None, "武侯区", "Wuhou", "county", CHENGDU, CHENGDU, None, 1_200_000),
    (FUCHENG, None, None, "涪城区", "Fucheng", "county", MIANYANG, MIANYANG, None, 1_300_000),
    (GAOXIN, None, None, "成都高新区", "Chengdu Hi-tech Zone", "functional", CHENGDU, CHENGDU, None, None),
]

_CODE_STOCK = [
    (DAY1, WUHOU, "green", "no_risk", "15-59", 1000),
    (DAY1, WUHOU, "green", "no_risk", "60-79", 200),
    (DAY1, WUHOU, "yellow", "time_space_overlap", "15-59", 40),
    (DAY1, WUHOU, "red", "risk_area_stay", "15-59", 12),
    (DAY1, WUHOU, "red", "test_positive", "15-59", 3),
    (DAY1, JINJIANG, "green", "no_risk", "15-59", 500),
    (DAY1, JINJIANG, "yellow", "near_risk_area", "15-59", 0),
    (DAY1, JINJIANG, "red", "risk_area_stay", "15-59", 5),
    (DAY1, FUCHENG, "green", "no_risk", "15-59", 300),
    (DAY1, FUCHENG, "yellow", "near_risk_area", "15-59", 20),
    (DAY1, GAOXIN, "green", "no_risk", "15-59", 80),
    (DAY1, GAOXIN, "red", "close_contact", "15-59", 11),
    (DAY2, WUHOU, "green", "no_risk", "15-59", 990),  # 1000 - 30 - 2 + 10 + 5 + 7
    (DAY2, WUHOU, "green", "no_risk", "60-79", 200),
    (DAY2, WUHOU, "yellow", "time_space_overlap", "15-59", 60),  # 40 + 30 - 10
    (DAY2, WUHOU, "red", "risk_area_stay", "15-59", 7),  # 12 - 5
    (DAY2, WUHOU, "red", "test_positive", "15-59", 5),  # 3 + 2
    (DAY2, JINJIANG, "green", "no_risk", "15-59", 505),  # 500 + 5
    (DAY2, JINJIANG, "yellow", "near_risk_area", "15-59", 0),
    (DAY2, JINJIANG, "red", "risk_area_stay", "15-59", 0),  # 5 - 5
    (DAY2, FUCHENG, "green", "no_risk", "15-59", 292),  # 300 - 8
    (DAY2, FUCHENG, "yellow", "near_risk_area", "15-59", 28),  # 20 + 8
    (DAY2, GAOXIN, "green", "no_risk", "15-59", 80),
    (DAY2, GAOXIN, "red", "close_contact", "15-59", 11),
]

_CODE_FLOW = [
    (DAY1, WUHOU, "green", "yellow", "time_space_overlap", "rule", 40, 44),
    (DAY1, JINJIANG, "green", "red", "risk_area_stay", "rule", 5, 5),
    (DAY2, WUHOU, "green", "yellow", "time_space_overlap", "rule", 30, 33),
    (DAY2, WUHOU, "yellow", "green", "no_risk", "rule", 10, 10),
    (DAY2, WUHOU, "green", "red", "test_positive", "manual", 2, 2),
    (DAY2, WUHOU, "red", "green", "no_risk", "rule", 5, 5),
    (DAY2, WUHOU, "none", "green", "no_risk", "rule", 7, 7),
    (DAY2, JINJIANG, "red", "green", "no_risk", "manual", 5, 5),
    (DAY2, FUCHENG, "green", "yellow", "near_risk_area", "batch", 8, 8),
]

_SCAN_HOURLY = [
    (DAY1, 8, WUHOU, "transport", 120, 100, 4, 1, 2, 10),
    (DAY1, 9, WUHOU, "transport", 90, 80, 3, 0, 1, 10),
    (DAY1, 9, WUHOU, "mall", 60, 50, 0, 0, 0, 4),
    (DAY1, 8, JINJIANG, "mall", 70, 60, 0, 0, 0, 6),
    (DAY1, 8, FUCHENG, "hospital", 30, 20, 1, 0, 0, 2),
    (DAY1, 8, GAOXIN, "office", 45, 40, 0, 2, 2, 3),
    (DAY2, 8, WUHOU, "transport", 150, 130, 6, 1, 3, 11),
    (DAY2, 9, WUHOU, "transport", 100, 90, 5, 0, 2, 10),
    (DAY2, 9, WUHOU, "mall", 50, 40, 0, 0, 0, 4),
    (DAY2, 8, JINJIANG, "mall", 0, 0, 0, 0, 0, 0),
    (DAY2, 8, GAOXIN, "office", 45, 40, 0, 2, 2, 3),
]

_CASE_DAILY = [
    (DAY1, WUHOU, "local", 3, 2, 1, 0, 103, False),
    (DAY1, JINJIANG, "local", 0, None, 0, 0, 50, False),
    (DAY1, FUCHENG, "local", 1, 0, 0, 0, 20, False),
    (DAY1, SICHUAN, "imported", 1, None, 0, 0, 30, False),
    (DAY1, SICHUAN, "unallocated", 0, None, 0, 0, 2, False),
    (DAY2, WUHOU, "local", 12, 4, 0, 0, 115, False),
    (DAY2, JINJIANG, "local", -1, None, 0, 0, 49, True),
    (DAY2, FUCHENG, "local", 0, 0, 2, 0, 20, False),
    (DAY2, SICHUAN, "imported", 2, None, 1, 0, 32, False),
    (DAY2, SICHUAN, "unallocated", 1, None, 0, 0, 3, False),
]

_RISK_PLACE = [
    ("p-wuhou-1", WUHOU, "簇桥街道锦城小区3栋", "high", "compound-7+3", DAY1, None, date(2022, 8, 28),
     DAY2, DATA_TIME),
    ("p-wuhou-2", WUHOU, "晋阳街道长城社区", "medium", "compound-7+3", DAY2, None, DAY2, None, DATA_TIME),
    ("p-jinjiang-1", JINJIANG, "春熙路街道总府社区", "medium", "compound-7+3", DAY1, DAY1, date(2022, 8, 22),
     date(2022, 8, 21), datetime(2022, 8, 29, 15, 0)),
    ("p-fucheng-1", FUCHENG, "城厢街道其余区域", "low", "compound-7+3", DAY1, None, None, None, DATA_TIME),
    ("p-gaoxin-1", GAOXIN, "中和街道朝阳社区", "high", "compound-7+3", DAY2, None, DAY2, DAY2, DATA_TIME),
]  # fmt: skip

# feed: state, data until, arrived at, accepted, rejected, usual, note
_FEED_STATE = {
    "risk_feed": ("on_time", DATA_TIME, datetime(2022, 8, 30, 21, 4), 4, 0, 4, None),
    "cases": ("late", datetime(2022, 8, 30, 0, 0), datetime(2022, 8, 30, 16, 40), 10, 1, 10, "晚到"),
    "codes": ("on_time", datetime(2022, 8, 30, 21, 0), datetime(2022, 8, 30, 21, 5), 33, 0, 33, None),
    "scans": ("partial", datetime(2022, 8, 30, 10, 0), datetime(2022, 8, 30, 11, 0), 11, 3, 14, "涪城区未报"),
}

_OTHER_FEED = ("on_time", DATA_TIME, datetime(2022, 8, 30, 21, 5), 4, 0, 4, None)

_FEED_REJECT = [("cases", "future_date", 1), ("scans", "negative_count", 2), ("scans", "unknown_area", 1)]


# Snapshot of the evening before, and when the deliveries arrived that said otherwise.
EVE = "20220829T2100-0123456789ab"
_KNOWN = datetime(2022, 8, 30, 20, 30)
_RESTATED = [
    (DAY1, area, "code_stock", "holders", colour, before, after, "corrected", EVE, _KNOWN)
    for area, colour, before, after in (
        (WUHOU, "yellow", 25, 40),
        (WUHOU, "green", 1215, 1200),
        (CHENGDU, "yellow", 25, 40),
        (CHENGDU, "green", 1795, 1780),
        (SICHUAN, "yellow", 45, 60),
        (SICHUAN, "green", 2095, 2080),
        (JINJIANG, "red", 12, 5),  # 5 is hidden
    )
] + [
    (DAY1, area, "case_daily", "confirmed_new", "local", before, after, "corrected", EVE, _KNOWN)
    for area, before, after in ((FUCHENG, 0, 1), (MIANYANG, 0, 1), (SICHUAN, 3, 4))
] + [
    (DAY1, area, "scan_hourly", "scans", "", before, after, "late", EVE, _KNOWN)
    for area, before, after in ((WUHOU, 100, 230), (CHENGDU, None, 330), (SICHUAN, 120, 350))
]  # fmt: skip


def tiny_tables(without: Collection[str] = ()) -> dict[str, pl.DataFrame]:
    """The tables by name, in the contract's types; those named in ``without`` were not delivered."""
    missing = {feed.id for feed in FEEDS if set(feed.tables) <= set(without)}
    states = [
        (feed.id, feed.department, "not_reported", *[None] * 6)
        if feed.id in missing
        else (feed.id, feed.department, *_FEED_STATE.get(feed.id, _OTHER_FEED))
        for feed in FEEDS
    ]
    rows = {
        **DAILY,
        "area": _AREA,
        "code_stock": _CODE_STOCK,
        "code_flow": _CODE_FLOW,
        "scan_hourly": _SCAN_HOURLY,
        "case_daily": _CASE_DAILY,
        "risk_place": _RISK_PLACE,
        "feed_state": states,
        "restated": _RESTATED,
        "feed_reject": [row for row in _FEED_REJECT if row[0] not in missing],
    }
    return {name: frame(name, some) for name, some in rows.items() if name not in without}


def frame(name: str, rows: list[tuple[object, ...]]) -> pl.DataFrame:
    """Rows of one table of the contract as a frame."""
    schema = {c.name: POLARS_TYPES[c.type] for c in TABLE_BY_NAME[name].columns}
    return pl.DataFrame(rows, schema=schema, orient="row")


def build_tiny(root: Path, without: Collection[str] = ()) -> Manifest:
    """Write the tiny snapshot below ``root`` and return its manifest; it is not published.

    Publish it with ``publish_snapshot(root, manifest.id, now=BUILT_AT)`` where a test needs ``CURRENT``.
    """
    tables = tiny_tables(without)
    states = dict(tables["feed_state"].select("feed", "state").iter_rows())
    return write_snapshot(
        root,
        tables,
        data_time=DATA_TIME,
        built_at=BUILT_AT,
        policy_version=1,
        synthetic=True,
        feeds=states,
    )


def write_delivery(folder: Path) -> Path:
    """The same two days as the departments would deliver them: a folder for ``read_delivery``."""
    folder.mkdir(parents=True)
    tables = tiny_tables()
    for name in AGGREGATES:
        (folder / name).mkdir()
        tables[name].write_parquet(folder / name / "two-days.parquet")
    places = [("高风险", "武侯区", "簇桥街道锦城小区3栋"), ("高风险", "锦江区", "春熙路街道总府社区")]
    risk = {
        "end_update_time": "2022-08-30 21时",
        "hcount": len(places),
        "mcount": 0,
        "lcount": 0,
        "highlist": [
            {
                "type": level,
                "province": "四川省",
                "city": "成都市",
                "county": county,
                "area_name": f"四川省 成都市 {county}",
                "communitys": [text],
            }
            for level, county, text in places
        ],
        "middlelist": [],
        "lowlist": [],
    }
    (folder / "risk.json").write_text(json.dumps(risk, ensure_ascii=False), encoding="utf-8")
    cases = [
        "date,province,provinceCode,city,cityCode,confirmed,suspected,cured,dead",
        "2022-08-29,四川省,510000,成都市,510100,153,0,100,0",
        "2022-08-30,四川省,510000,成都市,510100,164,0,101,0",
    ]
    (folder / "cases.csv").write_text("\n".join(cases) + "\n", encoding="utf-8")
    (folder / "synthetic.json").write_text(
        json.dumps({"synthetic": True, "note": "two days"}), encoding="utf-8"
    )
    return folder
