"""Outbreak screening: the funnel of an incident, stage by stage, for an area and for the parts of it.

Counts are people, or scans in the first stage of a screening by scans, and pass ``disclosure.protect``:
so that neither a stage, a reason nor a city gives a small one away.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date as Date  # noqa: N812 - `date` is the name of a parameter everywhere
from datetime import datetime

from dashboard.cells import Cell
from queries.areas import Grain, check_level, child_of, get_members
from queries.disclosure import MIN_CELL, change, protect
from queries.people import safe_table
from queries.run import View, read

ENTERED = "entered"


@dataclass(frozen=True, slots=True)
class Incident:
    """One outbreak that is screened; ``ended`` is None while it is open."""

    incident: str
    area: str
    name_zh: str
    name_en: str
    began: Date
    ended: Date | None

    def name(self, lang: str) -> str:
        """Its name in one of the languages."""
        return self.name_en if lang == "en" else self.name_zh


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage: who entered, who stayed, why the others dropped out, when it was computed.

    ``gap`` is how many more entered than the stage before kept, None for the first stage; ``loose`` is how
    many who entered neither stayed nor dropped out. Both are zero where the stages reconcile.
    """

    stage: str
    number: int
    entered: Cell
    kept: Cell
    drops: tuple[tuple[str, Cell], ...]
    gap: Cell | None
    loose: Cell
    computed_at: datetime


@dataclass(frozen=True, slots=True)
class Funnel:
    """The stages of one incident, in order."""

    incident: str
    stages: tuple[Stage, ...]


@dataclass(frozen=True, slots=True)
class FunnelAreas:
    """One incident by child of an area: people who entered, and who stayed in each stage; and the totals."""

    stages: tuple[str, ...]
    lines: Mapping[str, Mapping[str, Cell]]
    totals: Mapping[str, Cell]


@dataclass(frozen=True, slots=True)
class _Row:
    incident: str
    stage: str
    stage_no: int
    area: str
    drop_reason: str
    entered: int
    kept: int
    dropped: int
    computed_at: datetime


def get_incidents(view: View, *, area: str) -> tuple[Incident, ...]:
    """Incidents whose first case was in ``area``, the newest first. Raises ``OutOfScope``."""
    return read(view, "incidents", Incident, members=get_members(view, area=area))


def get_funnels(view: View, *, area: str, min_cell: int = MIN_CELL) -> tuple[Funnel, ...]:
    """The funnel of each incident that has people of ``area``, the newest first. Raises ``OutOfScope``."""
    by_incident: dict[str, list[_Row]] = {}
    for row in _rows(view, area):
        by_incident.setdefault(row.incident, []).append(row)
    newest = sorted(by_incident.items(), key=lambda item: max(row.computed_at for row in item[1]))
    return tuple(Funnel(name, _stages(rows, min_cell)) for name, rows in reversed(newest))


def get_funnel_by_area(
    view: View, *, area: str, level: Grain, incident: str, min_cell: int = MIN_CELL
) -> FunnelAreas:
    """One incident by child of ``area``; keys of a line are ``entered`` and the stages.

    Raises ``OutOfScope``, and ``BadFilter`` for the cities of a county.
    """
    rows = [row for row in _rows(view, area) if row.incident == incident]
    check_level(area, level)
    stages = tuple(dict.fromkeys(row.stage for row in sorted(rows, key=lambda row: row.stage_no)))
    lines: dict[str, dict[str, int | None]] = {}
    for row in rows:
        line = lines.setdefault(child_of(row.area, level), dict.fromkeys((ENTERED, *stages), 0))
        line[row.stage] = (line[row.stage] or 0) + row.kept
        if row.stage == stages[0]:
            line[ENTERED] = (line[ENTERED] or 0) + row.entered
    table = safe_table(lines, (), min_cell=min_cell)
    return FunnelAreas(stages, table.lines, table.totals)


def _rows(view: View, area: str) -> tuple[_Row, ...]:
    return read(view, "funnel_stages", _Row, members=get_members(view, area=area))


def _stages(rows: list[_Row], min_cell: int) -> tuple[Stage, ...]:
    counts: dict[tuple[int, str], int] = {}
    reasons: dict[int, list[str]] = {}
    about: dict[int, tuple[str, datetime]] = {}
    for row in rows:
        number = row.stage_no
        about[number] = row.stage, max(row.computed_at, about.get(number, ("", row.computed_at))[1])
        for name, count in (("entered", row.entered), ("kept", row.kept), ("dropped", row.dropped)):
            counts[number, name] = counts.get((number, name), 0) + count
        if row.kept == 0 or row.dropped:
            key = f"why {row.drop_reason}"
            counts[number, key] = counts.get((number, key), 0) + row.dropped
            reasons.setdefault(number, [])
            if key not in reasons[number]:
                reasons[number].append(key)
    numbers = sorted(about)
    sums: list[tuple[tuple[int, str], list[tuple[int, str]]]] = []
    for place, number in enumerate(numbers):
        whys = [(number, key) for key in reasons.get(number, [])]
        entered, kept, dropped = ((number, name) for name in ("entered", "kept", "dropped"))
        if counts[dropped] == sum(counts[key] for key in whys):
            sums.append((dropped, whys))
        if counts[entered] == counts[kept] + counts[dropped]:
            sums.append((entered, [kept, dropped]))
        # Who stays is who enters the next stage, so one of the two tells the other.
        before = (numbers[place - 1], "kept")
        if place and counts[before] == counts[entered]:
            sums.append((entered, [before]))
    cells = protect(counts, sums=sums, min_cell=min_cell)
    found: list[Stage] = []
    for number in numbers:
        entered_cell, kept_cell = cells[number, "entered"], cells[number, "kept"]
        drops = [(key.removeprefix("why "), cells[number, key]) for key in reasons.get(number, [])]
        found.append(
            Stage(
                stage=about[number][0],
                number=number,
                entered=entered_cell,
                kept=kept_cell,
                drops=tuple(sorted(drops, key=lambda drop: -(drop[1].value or 0))),
                gap=change(entered_cell, found[-1].kept) if found else None,
                loose=change(change(entered_cell, kept_cell), cells[number, "dropped"]),
                computed_at=about[number][1],
            )
        )
    return tuple(found)
