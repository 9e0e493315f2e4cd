"""The log of deliveries: which feed arrived when, how far its data reach, how many rows it had."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, time, timedelta
from statistics import median_low

from dashboard.demo.risk import HOUR as RISK_HOUR
from dashboard.demo.story import SCANS_STOP_HOUR, SILENT_COUNTY, Calendar
from dashboard.snapshot.contract import FEED_BY_ID
from geo.areas import name_of

# Time of day after midnight of the day the data are about.
_ARRIVAL = {
    "codes": timedelta(days=1, minutes=40),
    "scans": timedelta(days=1, minutes=25),
    "cases": timedelta(days=1, hours=8, minutes=30),
    "risk_feed": timedelta(hours=RISK_HOUR, minutes=10),
}
_NEXT_MORNING = timedelta(days=1, hours=1)
_OWNER = {
    "codes": "健康码值班岗（示例）",
    "scans": "场所码值班岗（示例）",
    "cases": "疫情信息岗（示例）",
    "risk_feed": "风险名单岗（示例）",
}


def feed_log(calendar: Calendar, rows: Mapping[str, Mapping[int, int]]) -> str:
    """JSON lines, in order of arrival. ``rows`` is feed -> offset of the day -> rows delivered."""
    lines = [
        _line(calendar, feed, offset, count, _usual(feed, by_day))
        for feed, by_day in rows.items()
        for offset, count in by_day.items()
    ]
    lines.sort(key=lambda line: (str(line["delivered_at"]), str(line["feed"])))
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)


def _usual(feed: str, by_day: Mapping[int, int]) -> int | None:
    # A list of risk places, or of findings, has no usual length.
    return None if feed in ("risk_feed", "audit") else median_low(by_day.values())


def _line(
    calendar: Calendar, feed: str, offset: int, count: int, usual: int | None
) -> dict[str, str | int | None]:
    midnight = datetime.combine(calendar.day(offset), time())
    delivered, until, note = (
        midnight + _ARRIVAL.get(feed, _NEXT_MORNING),
        midnight + timedelta(days=1, minutes=-1),
        None,
    )
    if feed == "risk_feed":
        until = midnight + timedelta(hours=RISK_HOUR)
    elif feed == "scans" and offset == 0:
        delivered = midnight + timedelta(hours=SCANS_STOP_HOUR, minutes=20)
        until = midnight + timedelta(hours=SCANS_STOP_HOUR)
        note = (
            f"{SCANS_STOP_HOUR}时后未再送达；{name_of(SILENT_COUNTY, 'zh-CN')}连续两日未报送 / nothing after "
            f"{SCANS_STOP_HOUR}:00; {name_of(SILENT_COUNTY, 'en')} has not reported for two days"
        )
    return {
        "feed": feed,
        "department": FEED_BY_ID[feed].department,
        "delivered_at": delivered.isoformat(),
        "data_until": until.isoformat(),
        "rows": count,
        "usual_rows": usual,
        "owner": _OWNER.get(feed, f"{FEED_BY_ID[feed].name_zh}值班岗（示例）"),
        "note": note,
    }
