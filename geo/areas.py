"""Areas of the province: dated codes, names, parents, functional areas, residents.

The table ``data/areas.csv`` is read once. Codes are GB/T 2260 and *dated*: 510132 新津县 became
510118 新津区. Functional areas (高新区, 天府新区 ...) have no such code; theirs is the first four
digits of the city, ``F`` and a digit, and they lie below their city without a share of its residents.
"""

from __future__ import annotations

import csv
import unicodedata
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Literal, cast

from dashboard.errors import TianfuError

Level = Literal["province", "city", "county", "functional"]

PROVINCE = "510000"

# 东区 and 西区 are unique among the 183, but they are mere directions that other zones use too.
_DIRECTIONS = frozenset({"东区", "西区"})
_PEOPLES = ("藏族羌族", "羌族", "彝族", "藏族")


class UnknownArea(TianfuError):
    """A code that the area table does not hold."""

    exit_code = 3
    http_status = 404


@dataclass(frozen=True)
class Area:
    """One row of the area table.

    ``parent`` and ``city`` are codes, empty for the province; a city is its own ``city``.
    In force from ``valid_from`` until the day before ``valid_to``; None means always.
    ``residents`` is None for functional areas and expired codes, never zero.
    """

    code: str
    name_zh: str
    name_en: str
    level: Level
    parent: str
    city: str
    valid_from: date | None
    valid_to: date | None
    successor: str
    residents: int | None

    def in_force(self, on: date | None = None) -> bool:
        """Whether the code is in force on that day; None asks for the list of today."""
        if on is None:
            return self.valid_to is None
        return (self.valid_from is None or self.valid_from <= on) and (
            self.valid_to is None or on < self.valid_to
        )


@dataclass(frozen=True)
class _Table:
    areas: Mapping[str, Area]
    aliases: Mapping[str, tuple[str, ...]]


@cache
def _table() -> _Table:
    text = files("geo").joinpath("data", "areas.csv").read_text(encoding="utf-8")
    areas: dict[str, Area] = {}
    aliases: dict[str, tuple[str, ...]] = {}
    for row in csv.DictReader(line for line in text.splitlines() if not line.startswith("#")):
        code, level = row["code"], cast(Level, row["level"])
        areas[code] = Area(
            code=code,
            name_zh=row["name_zh"],
            name_en=row["name_en"],
            level=level,
            parent=row["parent"],
            city={"province": "", "city": code}.get(level, row["parent"]),
            valid_from=_day(row["valid_from"]),
            valid_to=_day(row["valid_to"]),
            successor=row["successor"],
            residents=int(row["residents"]) if row["residents"] else None,
        )
        aliases[code] = tuple(filter(None, row["aliases"].split("|")))
    return _Table(areas=areas, aliases=aliases)


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None


def is_area(code: str) -> bool:
    """Whether the table holds ``code``, expired ones included."""
    return code in _table().areas


def get_area(code: str) -> Area:
    """The area of ``code``, expired ones included; raises ``UnknownArea``."""
    try:
        return _table().areas[code]
    except KeyError:
        raise UnknownArea(
            f"{code!r} is no area code.", todo="Use a six-digit code of the area table, such as 510100."
        ) from None


def all_areas(*, on: date | None = None) -> tuple[Area, ...]:
    """Every area in force on that day (today's list without one), province, cities, counties, functional."""
    return tuple(sorted((a for a in _table().areas.values() if a.in_force(on)), key=_order))


def _order(area: Area) -> tuple[int, str]:
    return ("province", "city", "county", "functional").index(area.level), area.code


def children(code: str) -> tuple[Area, ...]:
    """Areas of today's list directly below ``code``: sorted by code, functional areas last."""
    get_area(code)
    return tuple(a for a in all_areas() if a.parent == code)


def ancestors(code: str) -> tuple[Area, ...]:
    """Areas above ``code``, the province first; empty for the province."""
    chain: list[Area] = []
    parent = get_area(code).parent
    while parent:
        chain.append(get_area(parent))
        parent = chain[-1].parent
    return tuple(reversed(chain))


@cache
def subtree(code: str) -> frozenset[str]:
    """``code`` and every code below it: counties, functional areas, and expired predecessors of each.

    An expired code holds itself only: what its successor covers may be more than was granted.
    """
    get_area(code)
    found = {code}
    grown = True
    while grown:
        below = {a.code for a in _table().areas.values() if a.parent in found or a.successor in found}
        grown = not below <= found
        found |= below
    return frozenset(found)


def current_code(code: str) -> str:
    """The code in force today for ``code``, following successors; raises ``UnknownArea``."""
    area = get_area(code)
    while area.successor:
        area = get_area(area.successor)
    return area.code


def name_of(code: str, lang: str) -> str:
    """The name of ``code``: English for ``en``, Chinese otherwise; raises ``UnknownArea``."""
    area = get_area(code)
    return area.name_en if lang == "en" else area.name_zh


def find_area(name: str, *, city: str | None = None, on: date | None = None) -> Area | None:
    """The area a feed means by a Chinese ``name``, or None; never a guess between two.

    ``city`` (a code or a name) narrows the search to that city; 市中区, 东区, or a bare 高新区 need it.
    Width, spaces, a leading 四川省, a leading city and missing suffixes (武侯, 阿坝) are tolerated.
    A short name that a city shares with a county (广安, 阿坝, 甘孜) is the city unless ``city`` is given.
    Former names count as names, and the answer is the code in force ``on`` that day (today without one).
    """
    key = _plain(name)
    if city is None:
        return _only(_names().get(key, frozenset()), on)
    at = get_area(city) if is_area(city) else find_area(city)
    if at is None or not at.city:
        return None
    inside = _names_inside(at.city).get(key) or frozenset(
        code for code in _names().get(key, frozenset()) if get_area(code).city == at.city
    )
    return _only(inside, on)


def _plain(name: str) -> str:
    text = "".join(unicodedata.normalize("NFKC", name).split())
    return text.removeprefix("四川省") or text


def _only(codes: frozenset[str], on: date | None) -> Area | None:
    """The single area among ``codes``, as its code reads on that day."""
    if len(codes) != 1:
        return None
    current = next(iter(codes))
    chain = [a for a in _table().areas.values() if current_code(a.code) == current]
    return next((a for a in chain if a.in_force(on)), None)


def _short(name: str) -> str:
    """``武侯`` of 武侯区, ``北川`` of 北川羌族自治县; a stem of one character is no name: 荣县 stays."""
    stem = name
    for suffix in ("自治县", "自治州", "市", "州", "区", "县", "省"):
        if name.endswith(suffix):
            stem = name.removesuffix(suffix)
            break
    for people in _PEOPLES:
        stem = stem.removesuffix(people)
    return stem if len(stem) >= 2 else name


def _spellings(area: Area) -> set[str]:
    full = {area.name_zh, *_table().aliases[area.code]}
    return full if area.level == "functional" else full | {_short(n) for n in full}


@cache
def _names_inside(city: str) -> dict[str, frozenset[str]]:
    """Spelling -> current codes, among the counties and functional areas of one city."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for area in _table().areas.values():
        if area.parent == city:
            for spelling in _spellings(area):
                found[spelling].add(current_code(area.code))
    return {key: frozenset(codes) for key, codes in found.items()}


@cache
def _names() -> dict[str, frozenset[str]]:
    """Spelling -> current codes, for names that stand alone or carry their city in front."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    cities = [a for a in _table().areas.values() if a.level in ("province", "city")]
    taken = {spelling for a in cities for spelling in _spellings(a)}
    for area in cities:
        for spelling in _spellings(area):
            found[spelling].add(area.code)
        for spelling, codes in _names_inside(area.code).items() if area.level == "city" else ():
            for front in _spellings(area):
                found[front + spelling] |= codes
            if spelling not in taken and _stands_alone(spelling, area):
                found[spelling] |= codes
    return {key: frozenset(codes) for key, codes in found.items()}


def _stands_alone(spelling: str, city: Area) -> bool:
    """Whether a name below ``city`` is meant to be understood without it: 成都高新区 is, 高新区 is not."""
    if spelling in _DIRECTIONS:
        return False
    relative = {
        name
        for area in _table().areas.values()
        if area.parent == city.code and area.level == "functional"
        for name in _spellings(area)
        if not name.startswith((_short(city.name_zh), "四川"))
    }
    return spelling not in relative
