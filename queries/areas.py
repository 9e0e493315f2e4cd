"""Areas of the snapshot: what lies below an area, and how many residents it has."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date as Date  # noqa: N812 - `date` is the name of a parameter everywhere
from functools import cache
from typing import Literal

from dashboard.auth.scope import check_area
from dashboard.errors import BadFilter
from geo.areas import get_area, subtree
from queries.run import View, read

Grain = Literal["city", "county"]


@dataclass(frozen=True, slots=True)
class AreaRow:
    """One area: code, level, code of the area above and of its city (None for the province), residents.

    In force from ``valid_from`` to ``valid_to``, None without limit. ``residents`` is None where unknown.
    """

    code: str
    level: str
    parent: str | None
    city: str | None
    residents: int | None
    valid_from: Date | None
    valid_to: Date | None


def get_areas(view: View, *, area: str) -> tuple[AreaRow, ...]:
    """``area`` and every area below it, as the snapshot states them, by code.

    Raises ``OutOfScope``.
    """
    inside = frozenset(get_members(view, area=area))
    return tuple(row for row in read(view, "areas", AreaRow) if row.code in inside)


def get_residents(view: View, *, area: str) -> int | None:
    """Residents of one area, the denominator of every rate; None where unknown. Raises ``OutOfScope``."""
    return next((row.residents for row in get_areas(view, area=area) if row.code == area), None)


def get_members(view: View, *, area: str) -> tuple[str, ...]:
    """The codes whose rows make up ``area``: its counties, functional areas, itself, expired codes.

    Raises ``OutOfScope``: an area is asked for as a whole or not at all, never as the part in scope.
    """
    return _members(check_area(view.scope, area))


def get_children(view: View, *, area: str, level: Grain, date: Date) -> tuple[AreaRow, ...]:
    """The areas a table of ``area`` lists: its cities, or its counties and functional areas.

    An area of that level is its own only child. Functional areas stand beside the counties, so that rows
    add up to their city. Raises ``OutOfScope``, and ``BadFilter`` for the cities of a county.
    """
    rows = get_areas(view, area=area)
    check_level(area, level)
    wanted = ("city",) if level == "city" else ("county", "functional")
    return tuple(row for row in rows if row.level in wanted and _in_force(row, date))


def check_level(area: str, level: Grain) -> None:
    """Raise ``BadFilter`` for the cities of an area that lies inside one."""
    if level == "city" and get_area(area).level in ("county", "functional"):
        raise BadFilter(f"{area} lies inside a city.", todo="Ask for level 'county'.")


def child_of(code: str, level: Grain) -> str:
    """The child a row of ``code`` is counted in; a row of the province stays with the province."""
    return (get_area(code).city or code) if level == "city" else code


@cache
def _members(area: str) -> tuple[str, ...]:
    return tuple(sorted(subtree(area)))


def _in_force(row: AreaRow, on: Date) -> bool:
    return (row.valid_from is None or row.valid_from <= on) and (row.valid_to is None or on <= row.valid_to)
