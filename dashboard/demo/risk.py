"""The risk feed of the demo data: publications in the shape of the national list, with stated dates."""

from __future__ import annotations

import json
from collections.abc import Iterator

from dashboard.demo.story import PLACES, Calendar, Place
from dashboard.demo.world import city_name, province_name
from geo.areas import get_area

HOUR = 21  # publications are of 21:00
Item = dict[str, str | list[str]]


def publications(calendar: Calendar) -> Iterator[tuple[int, str]]:
    """Offset and JSON text of each publication: the first day, then each day listed or changed."""
    before: dict[str, list[Item]] | None = None
    for offset in range(1 - calendar.days, 1):
        lists = {level: _items(calendar, offset, level) for level in ("high", "medium")}
        if before is None or lists != before or any(lists.values()):
            yield offset, _publication(calendar, offset, lists)
        before = lists


def count_places(offset: int) -> int:
    """Places listed on a day."""
    return sum(place.level(offset)[0] != "" for place in PLACES)


def _publication(calendar: Calendar, offset: int, lists: dict[str, list[Item]]) -> str:
    body = {
        "end_update_time": f"{calendar.day(offset).isoformat()} {HOUR}时",
        "hcount": sum(len(item["communitys"]) for item in lists["high"]),
        "mcount": sum(len(item["communitys"]) for item in lists["medium"]),
        "lcount": 0,
        "highlist": lists["high"],
        "middlelist": lists["medium"],
        "lowlist": [],
    }
    return json.dumps(body, ensure_ascii=False, indent=1) + "\n"


def _items(calendar: Calendar, offset: int, level: str) -> list[Item]:
    return [_item(calendar, place, offset) for place in PLACES if place.level(offset)[0] == level]


def _item(calendar: Calendar, place: Place, offset: int) -> Item:
    area = get_area(place.area)
    province, city = province_name(), city_name(area.city)
    return {
        "type": "2",
        "province": province,
        "city": city,
        "county": area.name_zh,
        "area_name": f"{province} {city} {area.name_zh}",
        "communitys": [place.text],
        "since": calendar.day(place.level(offset)[1]).isoformat(),
        "last_case": calendar.day(place.last_known(offset)).isoformat(),
        "rule_set": "county-14d",
    }
