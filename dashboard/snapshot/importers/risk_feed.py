"""The national risk-area feed: one JSON file is one publication of the lists.

``{"end_update_time": "2022-09-05 18时", "highlist": [...], "middlelist": [...], "lowlist": [...]}``, an item
``{"province", "city", "county", "area_name", "communitys": [...]}``. ``hcount``, ``mcount`` and ``lcount``
are national counts: they exceed the lists of one province and are never compared with them.
A list that is absent was not published; an empty one says that no place has that level.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from dashboard.snapshot.contract import RULE_SETS
from dashboard.snapshot.importers.places import area_by_name, is_province
from dashboard.snapshot.importers.text import decode, identity, normalise, read_day
from dashboard.snapshot.quarantine import Reject

FEED = "risk_feed"
Level = Literal["high", "medium", "low"]
# The higher level first: a place named at two levels counts at the first one read.
LISTS: tuple[tuple[str, Level], ...] = (("highlist", "high"), ("middlelist", "medium"), ("lowlist", "low"))
# First day of each plan, when an item does not name its rule set (domain.md, section 3).
_RULE_SETS = ((date(2022, 11, 11), RULE_SETS[2]), (date(2022, 6, 28), RULE_SETS[1]), (date.min, RULE_SETS[0]))
_TIME = re.compile(
    r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日? ?"
    r"(?:T?(\d{1,2})(?:[时点](?:(\d{1,2})分?)?|:(\d{2})(?::\d{2})?))?"
)


@dataclass(frozen=True)
class Place:
    """One place of one list. ``key`` makes it the same place in another publication."""

    area: str
    key: str
    text: str
    level: Level
    rule_set: str
    since: date | None
    last_case: date | None


@dataclass(frozen=True)
class Publication:
    """One publication: its moment, the day it speaks of (24时 is still that day), levels it reports."""

    file: str
    time: datetime
    day: date
    reported: frozenset[Level]
    places: tuple[Place, ...]
    rejects: tuple[Reject, ...]
    unread_days: int  # places whose since, last_case or rule_set could not be read


def read_publication(name: str, data: bytes, *, now: datetime) -> Publication | Reject:
    """Read one publication; a ``Reject`` when the file cannot be used as a whole."""

    def refuse(reason: str, detail: str, *, rows: int = 1) -> Reject:
        return Reject(FEED, name, None, reason, detail, "", rows)

    text = decode(data)
    if text is None:
        return refuse("bad_encoding", "The file is neither UTF-8 nor GB18030.")
    try:
        feed = json.loads(text, object_pairs_hook=_no_key_twice)
    except (ValueError, RecursionError) as error:
        return refuse("malformed_file", f"The JSON ends early or is not valid: {error}.")
    if not isinstance(feed, dict):
        return refuse("malformed_file", "The JSON is no object.")
    rows = max(1, sum(_count(item) for key, _ in LISTS for item in _items(feed.get(key))))
    stated = feed.get("end_update_time")
    moment = _read_time(stated) if isinstance(stated, str) else None
    if moment is None:
        return refuse("bad_publication_time", f"end_update_time is {stated!r}.", rows=rows)
    if moment[0] > now:
        return refuse("future_date", f"Published at {stated!r}, which is later than the build.", rows=rows)
    return _Reader(name, moment[0], moment[1]).read(feed)


def _no_key_twice(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is stated twice in one object")
    return found


def _items(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _count(item: object) -> int:
    """Places of an item; one that names no single place stands for its whole area."""
    return max(1, len(_items(item.get("communitys")))) if isinstance(item, dict) else 1


def _read_time(text: str) -> tuple[datetime, date] | None:
    match = _TIME.fullmatch(normalise(text))
    day = read_day("-".join(match.group(1, 2, 3))) if match else None
    if match is None or day is None:
        return None
    hour, minute = int(match[4] or 0), int(match[5] or match[6] or 0)
    if hour > 24 or minute > 59 or (hour == 24 and minute):
        return None
    return datetime(day.year, day.month, day.day) + timedelta(hours=hour, minutes=minute), day


class _Reader:
    """Reads the lists of one publication, place by place."""

    def __init__(self, name: str, time: datetime, day: date) -> None:
        self.name, self.time, self.day = name, time, day
        self.rejects: list[Reject] = []
        self.places: dict[tuple[str, str], Place] = {}
        self.number = 0
        self.unread = 0

    def read(self, feed: Mapping[str, object]) -> Publication:
        reported: set[Level] = set()
        for key, level in LISTS:
            items = feed.get(key)
            if isinstance(items, list):
                reported.add(level)
                for item in items:
                    self._item(item, level)
            elif items is not None:
                self.rejects.append(
                    Reject(FEED, self.name, None, "bad_list", f"{key} is no list.", str(items))
                )
        if not reported and not self.rejects:
            self.rejects.append(
                Reject(FEED, self.name, None, "bad_list", "The file holds none of the lists.", "")
            )
        return Publication(
            self.name,
            self.time,
            self.day,
            frozenset(reported),
            tuple(self.places.values()),
            tuple(self.rejects),
            self.unread,
        )

    def _refuse(self, reason: str, detail: str, raw: object, *, rows: int = 1) -> None:
        self.rejects.append(Reject(FEED, self.name, self.number, reason, detail, _raw(raw), rows))

    def _item(self, item: object, level: Level) -> None:
        first, count = self.number + 1, _count(item)
        self.number = first
        names = [item.get(k) for k in ("province", "city", "county")] if isinstance(item, dict) else []
        texts = [n for n in names if isinstance(n, str)]
        if not isinstance(item, dict) or len(texts) != 3:
            self._refuse("malformed_item", "An item needs province, city and county.", item, rows=count)
        elif not is_province(texts[0]):
            self._refuse("outside_province", f"{texts[0]} is another province.", item, rows=count)
        elif (area := area_by_name(texts[2], texts[1])) is None:
            self._refuse("unknown_area", f"{texts[1]} {texts[2]} is no area of the list.", item, rows=count)
        elif not isinstance(item.get("communitys"), list):
            self._refuse("malformed_item", "communitys is no list.", item, rows=count)
        else:
            # An item without single places lists its area as a whole.
            for offset, text in enumerate(item["communitys"] or [item.get("area_name") or texts[2]]):
                self.number = first + offset
                self._place(text, item, area.code, level)
        self.number = first + count - 1

    def _place(self, text: object, item: Mapping[str, object], area: str, level: Level) -> None:
        shown = normalise(text) if isinstance(text, str) else ""
        if not shown or not _is_unicode(shown):
            self._refuse("bad_text", "A place needs a readable name.", text)
            return
        key = (area, identity(shown))
        before = self.places.get(key)
        if before is None:
            self.places[key] = self._build(key, shown, item, level)
        elif before.level == level:
            self._refuse("duplicate_place", f"{shown} is named twice in the {level} list.", text)
        else:
            self._refuse("place_at_two_levels", f"{shown} counts as {before.level}, not {level}.", text)

    def _build(self, key: tuple[str, str], text: str, item: Mapping[str, object], level: Level) -> Place:
        since, last_case = self._day(item, "since"), self._day(item, "last_case")
        rule_set = next(name for start, name in _RULE_SETS if self.day >= start)
        stated = item.get("rule_set")
        if stated in RULE_SETS:
            rule_set = str(stated)
        elif stated not in (None, ""):
            self.unread += 1
        return Place(key[0], key[1], text, level, rule_set, since, last_case)

    def _day(self, item: Mapping[str, object], field: str) -> date | None:
        """An optional day. A wrong one is left out, never the place: a place under control must show."""
        stated = item.get(field)
        if stated in (None, ""):
            return None
        day = read_day(stated) if isinstance(stated, str) else None
        if day is None or day > self.day:
            self.unread += 1
            return None
        return day


def _is_unicode(text: str) -> bool:
    return not any(unicodedata.category(c) == "Cs" for c in text)


def _raw(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
