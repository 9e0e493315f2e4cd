"""Cumulative case counts to what was new on each day; the rows of a day add up to the published total.

Three kinds of rows (``origin``):

* ``local``: an area's own series; ``imported``: the series of cases from abroad, booked on the province.
* ``unallocated``: a published total (of the province, or of a city that also reports by county) less all
  rows below it. Cases of unpublished places lie in it: the province's total includes them, so their
  own rows are used only when no total of the province was delivered. It falls when cases are
  credited to an area later.

An area that is missing on a day keeps its last known total inside the subtraction and has no row: its
cases of that day show as unallocated until it reports again. Missing is never zero.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise

import polars as pl

from dashboard.snapshot.contract import TABLE_BY_NAME
from dashboard.snapshot.importers.cases import FEED, CaseRow, Counts, Node, read_case_file
from dashboard.snapshot.importers.files import Found
from dashboard.snapshot.importers.result import Imported, end_of_day, polars_schema
from dashboard.snapshot.quarantine import Reject
from geo.areas import PROVINCE, get_area

_TABLE = TABLE_BY_NAME["case_daily"]
Series = Mapping[date, Counts]
# confirmed, asymptomatic, cured, dead
Measures = tuple[int | None, int | None, int | None, int | None]


@dataclass(frozen=True)
class CaseDay:
    """One row of ``case_daily``: new counts of a day (None: not known) and the cumulative confirmed."""

    day: date
    area: str
    origin: str
    new: Measures
    total: Measures
    correction: bool


def import_cases(files: Sequence[Found], *, now: datetime) -> Imported:
    """Read all files as one delivery, the newest data last, and difference them.

    Tables: ``case_daily``, absent when no row was accepted.
    """
    read = [read_case_file(file, now=now) for file in files]
    rejects = [reject for file in read for reject in file.rejects]
    # What was delivered last wins: the file that reaches furthest, then the one later by path.
    read.sort(key=lambda file: max((row.day for row in file.rows), default=date.min))
    series, repeated = _collect(row for file in read for row in file.rows)
    rejects += repeated
    accepted = sum(len(days) for days in series.values())
    if not accepted:
        return Imported(rejects=tuple(rejects))
    newest = max(day for days in series.values() for day in days)
    return Imported(
        tables={_TABLE.name: _to_frame(build_days(series))},
        rejects=tuple(rejects),
        accepted=accepted,
        data_until=end_of_day(datetime(newest.year, newest.month, newest.day), now),
        notes=(*_gaps(series), *(f"列未使用：{n} / Column not used: {n}" for f in read for n in f.unused)),
    )


def _collect(rows: Iterable[CaseRow]) -> tuple[dict[Node, dict[date, Counts]], list[Reject]]:
    """One row for each series and day: the last delivered; the others go to quarantine."""
    kept: dict[tuple[Node, date], CaseRow] = {}
    rejects: list[Reject] = []
    for row in rows:
        key = (row.node, row.day)
        before = kept.get(key)
        if before is None:
            kept[key] = row
        elif before.counts == row.counts:
            detail = f"The same as line {before.line} of {before.file}."
            rejects.append(Reject(FEED, row.file, row.line, "duplicate_row", detail, row.raw))
        else:
            detail = f"Line {row.line} of {row.file} says otherwise and was delivered later."
            rejects.append(Reject(FEED, before.file, before.line, "conflicting_row", detail, before.raw))
            kept[key] = row
    series: dict[Node, dict[date, Counts]] = defaultdict(dict)
    for (node, day), row in kept.items():
        series[node][day] = row.counts
    return dict(series), rejects


def build_days(series: Mapping[Node, Series]) -> list[CaseDay]:
    """All rows of ``case_daily``.

    On the first day of the delivery a total above zero has an unknown past: what is new is None. An
    area that appears later had no case to report before, so its first total is new.
    """
    first = min(day for days in series.values() for day in days)
    by_county = {get_area(node.area).city for node in series if node.kind == "county"}
    total_of_province = Node("province", PROVINCE) in series
    below: dict[str, list[Sequence[CaseDay]]] = defaultdict(list)
    done: list[CaseDay] = []

    def add(days: list[CaseDay], city: str) -> None:
        done.extend(days)
        below[PROVINCE].append(days)
        below[city].append(days)

    ordered = sorted(series.items(), key=lambda entry: (entry[0].kind, entry[0].area))
    for node, days in ordered:
        totals = {day: _measures(counts) for day, counts in days.items()}
        if node.kind == "county" or (node.kind == "city" and node.area not in by_county):
            add(_difference(totals, node.area, "local", first), get_area(node.area).city)
        elif node.kind == "imported":
            add(_difference(totals, node.area, "imported", first), "")
        elif node.kind == "unpublished" and not total_of_province:
            add(_difference(totals, node.area, "unallocated", first), "")
    for kind in ("city", "province"):
        for node, days in ordered:
            if node.kind == kind and (kind == "province" or node.area in by_county):
                rest = _less({day: _measures(counts) for day, counts in days.items()}, below[node.area])
                # A total of the province that begins late is not one that was zero before. The rest of a city
                # is: until then its cases were part of the province's remainder, which now falls by them.
                start = first if kind == "city" else min(rest)
                add(_difference(rest, node.area, "unallocated", start), "")
    return done


def _measures(counts: Counts) -> Measures:
    return counts.confirmed, counts.asymptomatic, counts.cured, counts.dead


def _less(totals: Mapping[date, Measures], parts: Sequence[Sequence[CaseDay]]) -> dict[date, Measures]:
    """``totals`` less the last known total of every part; a measure no part reported loses nothing."""
    rest: dict[date, Measures] = {}
    known: list[list[int]] = [[0, 0, 0, 0] for _ in parts]
    at = [0] * len(parts)
    for day in sorted(totals):
        for i, part in enumerate(parts):
            while at[i] < len(part) and part[at[i]].day <= day:
                for m, value in enumerate(part[at[i]].total):
                    if value is not None:
                        known[i][m] = value
                at[i] += 1
        taken = [sum(values) for values in zip(*known, strict=True)] or [0, 0, 0, 0]
        a, b, c, d = (None if v is None else v - t for v, t in zip(totals[day], taken, strict=True))
        rest[day] = (a, b, c, d)
    return rest


def _difference(totals: Mapping[date, Measures], area: str, origin: str, first: date) -> list[CaseDay]:
    rows: list[CaseDay] = []
    last: list[int | None] = [None, None, None, None]
    for day in sorted(totals):
        new: list[int | None] = []
        for m, value in enumerate(totals[day]):
            before = last[m]
            if before is None and value != 0 and (rows or day == first):
                # The past of this count is not known: the delivery, or the count, begins in the middle.
                new.append(None)
            else:
                new.append(None if value is None else value - (before or 0))
            last[m] = before if value is None else value
        a, b, c, d = new
        # A remainder of cured or dead falls whenever an area catches up; that corrects nothing.
        watched = new[:2] if origin == "unallocated" else new
        fell = any(value is not None and value < 0 for value in watched)
        rows.append(CaseDay(day, area, origin, (a, b, c, d), totals[day], fell))
    return rows


def _gaps(series: Mapping[Node, Series]) -> list[str]:
    """Which series skip days: what is new after a gap is of several days."""
    gaps = []
    for node, days in sorted(series.items(), key=lambda entry: (entry[0].kind, entry[0].area)):
        ordered = sorted(days)
        gaps += [
            f"{node.area} {b.isoformat()} ({(b - a).days - 1})"
            for a, b in pairwise(ordered)
            if (b - a).days > 1
        ]
    if not gaps:
        return []
    shown = "; ".join(gaps[:5]) + (" …" if len(gaps) > 5 else "")
    return [
        f"{len(gaps)} 处缺日，其后一日的新增为数日之和（地区、日期、缺报天数）：{shown} / "
        f"{len(gaps)} gaps; new cases after one are of several days (area, day, days missing): {shown}"
    ]


def _to_frame(days: Iterable[CaseDay]) -> pl.DataFrame:
    rows = [(d.day, d.area, d.origin, *d.new, d.total[0], d.correction) for d in days]
    frame = pl.DataFrame(rows, schema=polars_schema(_TABLE), orient="row")
    return frame.sort("date", "area", "origin")
