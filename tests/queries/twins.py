"""The slow plain twin of every question: the Parquet files as lists of rows, counted in loops.

Twins share nothing with the SQL: they read whole files, and keep what lies in both the scope and the
members. ``TWINS`` maps the name of a question to its twin.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from tests.queries.preview_twins import PREVIEW_TWINS

Rows = list[tuple[Any, ...]]


class Files:
    """The rows of one snapshot folder that lie inside a set of areas."""

    def __init__(self, folder: Path, allowed: Iterable[str]) -> None:
        self._folder, self._allowed = folder, set(allowed)

    def all(self, table: str, key: str = "area") -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        for path in sorted((self._folder / table).rglob("*.parquet")):
            rows += pl.read_parquet(path, hive_partitioning=False).to_dicts()
        return [row for row in rows if not key or row[key] in self._allowed]


def _add(rows: Iterable[dict[str, Any]], keys: Iterable[str], measures: Iterable[str]) -> Rows:
    keys, measures = list(keys), list(measures)
    sums: dict[tuple[Any, ...], list[int]] = {}
    for row in rows:
        line = sums.setdefault(tuple(row[k] for k in keys), [0] * len(measures))
        for i, measure in enumerate(measures):
            line[i] += row[measure]
    return sorted((*key, *line) for key, line in sums.items())


def _in(files: Files, table: str, members: Iterable[str], first: date, last: date) -> list[dict[str, Any]]:
    return [r for r in files.all(table) if r["area"] in members and first <= r["date"] <= last]


def areas(files: Files) -> Rows:
    names = ("code", "level", "parent", "city", "residents", "valid_from", "valid_to")
    return sorted((tuple(r[n] for n in names) for r in files.all("area", "code")), key=lambda r: r[0])


def codes_by_area(files: Files, *, members: tuple[str, ...], date: date) -> Rows:
    return _add(_in(files, "code_stock", members, date, date), ("area", "colour"), ("holders",))


def codes_by_reason(files: Files, *, members: tuple[str, ...], date: date) -> Rows:
    return _add(_in(files, "code_stock", members, date, date), ("colour", "reason"), ("holders",))


def codes_by_age(files: Files, *, members: tuple[str, ...], date: date) -> Rows:
    return _add(_in(files, "code_stock", members, date, date), ("colour", "age_band"), ("holders",))


def codes_trend(files: Files, *, members: tuple[str, ...], first: date, last: date) -> Rows:
    rows = _in(files, "code_stock", members, first, last)
    seen: defaultdict[date, set[str]] = defaultdict(set)
    for row in rows:
        seen[row["date"]].add(row["area"])
    return [(*line, len(seen[line[0]])) for line in _add(rows, ("date", "colour"), ("holders",))]


def code_flows(files: Files, *, members: tuple[str, ...], date: date) -> Rows:
    keys = ("from_colour", "to_colour", "reason", "actor")
    return _add(_in(files, "code_flow", members, date, date), keys, ("people", "changes"))


def code_turns(files: Files, *, members: tuple[str, ...], first: date, last: date) -> Rows:
    found: dict[tuple[date, str], list[int]] = {}
    for row in _in(files, "code_flow", members, first, last):
        line = found.setdefault((row["date"], row["to_colour"]), [0, 0])
        if row["from_colour"] != row["to_colour"]:
            line[0] += row["people"]
            if row["from_colour"] != "none":
                line[1] += row["people"]
    return sorted((*key, *line) for key, line in found.items())


def scans_daily(files: Files, *, members: tuple[str, ...], first: date, last: date) -> Rows:
    rows = _in(files, "scan_hourly", members, first, last)
    sums = _add(rows, ("date",), ("shows", "scans", "refused"))
    return [(*line, len({r["area"] for r in rows if r["date"] == line[0]})) for line in sums]


def scans_hourly(files: Files, *, members: tuple[str, ...], date: date) -> Rows:
    return _add(_in(files, "scan_hourly", members, date, date), ("hour",), ("shows", "scans", "refused"))


def cases_daily(files: Files, *, members: tuple[str, ...], first: date, last: date) -> Rows:
    rows = _in(files, "case_daily", members, first, last)
    return [
        (day, origin, new, any(r["correction"] for r in rows if (r["date"], r["origin"]) == (day, origin)))
        for day, origin, new in _add(rows, ("date", "origin"), ("confirmed_new",))
    ]


def case_facts(files: Files, *, members: tuple[str, ...], date: date, window_days: int) -> Rows:
    window = {date - timedelta(days=n) for n in range(window_days)}
    by_area: defaultdict[str, dict[Any, dict[str, Any]]] = defaultdict(dict)
    for row in files.all("case_daily"):
        if row["area"] in members and row["origin"] == "local" and row["date"] <= date:
            by_area[row["area"]][row["date"]] = row
    found = []
    for area, days in sorted(by_area.items()):
        inside = window & days.keys()
        new = sum(days[day]["confirmed_new"] for day in inside) if inside == window else None
        cases = [day for day, row in days.items() if row["confirmed_new"] > 0]
        newest = max(days)
        total = days[newest]["confirmed_total"]
        found.append((area, new, total, max(cases, default=None), newest, len(inside)))
    return found


def _listed(files: Files, members: Iterable[str], day: date) -> dict[str, dict[str, Any]]:
    """Place id -> its row at the end of a day."""
    found: dict[str, dict[str, Any]] = {}
    for row in files.all("risk_place"):
        if row["area"] not in members or row["listed_from"] > day:
            continue
        if row["listed_to"] is not None and row["listed_to"] < day:
            continue
        other = found.get(row["place_id"])
        if other is None or row["listed_from"] > other["listed_from"]:
            found[row["place_id"]] = row
    return found


def risk_places(files: Files, *, members: tuple[str, ...], date: date) -> Rows:
    names = ("place_id", "area", "text", "level", "rule_set", "since", "last_case", "listed_from")
    rows = _listed(files, members, date).values()
    ordered = sorted(rows, key=lambda r: (r["area"], r["level"], r["text"], r["place_id"]))
    return [tuple(r[n] for n in (*names, "listed_to", "source_time")) for r in ordered]


def risk_by_area(files: Files, *, members: tuple[str, ...], date: date) -> Rows:
    rows = [{**row, "places": 1} for row in _listed(files, members, date).values()]
    return _add(rows, ("area", "level"), ("places",))


def risk_changes(files: Files, *, members: tuple[str, ...], date: date, compare: date) -> Rows:
    now, before = _listed(files, members, date), _listed(files, members, compare)
    found = []
    for place in now.keys() | before.keys():
        row = now.get(place) or before[place]
        levels = [side[place]["level"] if place in side else None for side in (before, now)]
        if levels[0] != levels[1]:
            found.append((place, row["area"], row["text"], *levels))
    return sorted(found, key=lambda r: (r[1], r[2], r[0]))


def risk_history(files: Files, *, members: tuple[str, ...], first: date, last: date) -> Rows:
    rows = []
    for n in range((last - first).days + 1):
        day = first + timedelta(days=n)
        listed = _listed(files, members, day).values()
        rows += [{"date": day, "level": row["level"], "places": 1} for row in listed]
    return _add(rows, ("date", "level"), ("places",))


def feed_states(files: Files) -> Rows:
    names = (
        "feed",
        "department",
        "state",
        "data_until",
        "arrived_at",
        "accepted",
        "rejected",
        "usual",
        "note",
    )
    return sorted((tuple(r[n] for n in names) for r in files.all("feed_state", "")), key=lambda r: r[0])


def feed_rejects(files: Files) -> Rows:
    return sorted(tuple(r[n] for n in ("feed", "reason", "rows")) for r in files.all("feed_reject", ""))


def restated_days(files: Files, *, area: str, first: date, last: date) -> Rows:
    names = (
        "date", "table_name", "measure", "part", "before", "after", "kind", "snapshot_before", "known_at",
    )  # fmt: skip
    rows = [tuple(row[n] for n in names) for row in _in(files, "restated", (area,), first, last)]
    return sorted(rows, key=lambda row: (*row[:4], row[7]))


def restated_areas(files: Files, *, members: tuple[str, ...], first: date, last: date) -> Rows:
    small = {row["code"] for row in files.all("area", "code") if row["level"] in ("county", "functional")}
    found: defaultdict[tuple[Any, ...], list[str]] = defaultdict(list)
    for row in _in(files, "restated", members, first, last):
        if row["area"] in small:
            key = tuple(row[n] for n in ("date", "table_name", "measure", "part", "snapshot_before"))
            found[key].append(row["area"])
    return sorted((*key, len(areas), min(areas)) for key, areas in found.items())


def tickets_daily(files: Files, *, members: tuple[str, ...], first: date, last: date) -> Rows:
    measures = ("opened", "closed", "upheld", "reopened", "hours")
    return _add(_in(files, "ticket_daily", members, first, last), ("date",), measures)


def tickets_by_area(files: Files, *, members: tuple[str, ...], date: date) -> Rows:
    return _add(_in(files, "ticket_daily", members, date, date), ("area",), ("opened", "closed"))


def tickets_by_rule(files: Files, *, members: tuple[str, ...], first: date, last: date) -> Rows:
    measures = ("opened", "closed", "upheld", "reopened", "hours")
    return _add(_in(files, "ticket_daily", members, first, last), ("reason", "rule_version"), measures)


def ticket_backlog(files: Files, *, members: tuple[str, ...]) -> Rows:
    rows = [r for r in files.all("ticket_backlog") if r["area"] in members]
    newest = max((r["as_of"] for r in rows), default=None)
    names = ("as_of", "area", "category", "age", "open", "oldest_hours")
    return sorted((tuple(r[n] for n in names) for r in rows if r["as_of"] == newest), key=lambda r: r[1:4])


def surge_series(files: Files, *, members: tuple[str, ...], first: date, last: date) -> Rows:
    rows = []
    for r in _in(files, "ticket_daily", members, first, last):
        for kind, name in (
            ("topic", r["category"]),
            ("rule", f"{r['reason']}/{r['rule_version']}"),
            ("place", r["area"]),
        ):
            rows.append({"kind": kind, "name": name, "date": r["date"], "amount": r["opened"]})
    for r in _in(files, "scan_hourly", members, first, last):
        amount = r["yellow"] + r["red"]
        rows.append({"kind": "venue", "name": r["category"], "date": r["date"], "amount": amount})
    return _add(rows, ("kind", "name", "date"), ("amount",))


def hotline_daily(files: Files, *, first: date, last: date) -> Rows:
    rows = [r for r in files.all("hotline_halfhour", "") if first <= r["date"] <= last]
    return _add(rows, ("date",), ("offered", "answered", "in_15s"))


def hotline_halfhours(files: Files, *, date: date) -> Rows:
    names = ("half_hour", "offered", "answered", "in_15s", "mean_wait_seconds", "seats")
    rows = [r for r in files.all("hotline_halfhour", "") if r["date"] == date]
    return sorted((tuple(r[n] for n in names) for r in rows), key=lambda r: r[0])


def incidents(files: Files, *, members: tuple[str, ...]) -> Rows:
    names = ("incident", "area", "name_zh", "name_en", "began", "ended")
    rows = [tuple(r[n] for n in names) for r in files.all("incident") if r["area"] in members]
    return sorted(sorted(rows), key=lambda r: r[4], reverse=True)


def funnel_stages(files: Files, *, members: tuple[str, ...]) -> Rows:
    names = (
        "incident",
        "stage",
        "stage_no",
        "area",
        "drop_reason",
        "entered",
        "kept",
        "dropped",
        "computed_at",
    )
    rows = [tuple(r[n] for n in names) for r in files.all("funnel") if r["area"] in members]
    return sorted(rows, key=lambda r: (r[0], *r[2:5]))


_LISTS = ("pushed", "returned_24h", "overdue")
_CONTACTS = ("close", "secondary", "followed_up", "lost", "became_case")


def lists_daily(files: Files, *, members: tuple[str, ...], first: date, last: date) -> Rows:
    return _add(_in(files, "pushed_list_daily", members, first, last), ("date",), _LISTS)


def lists_by_area(files: Files, *, members: tuple[str, ...], first: date, last: date) -> Rows:
    return _add(_in(files, "pushed_list_daily", members, first, last), ("area",), _LISTS)


def contacts_daily(files: Files, *, members: tuple[str, ...], first: date, last: date) -> Rows:
    return _add(_in(files, "contact_daily", members, first, last), ("date",), _CONTACTS)


def contacts_by_area(files: Files, *, members: tuple[str, ...], first: date, last: date) -> Rows:
    return _add(_in(files, "contact_daily", members, first, last), ("area",), _CONTACTS)


_TESTS = ("sampled", "tested", "reported", "in_24h", "positive")


def tests_daily(files: Files, *, members: tuple[str, ...], first: date, last: date) -> Rows:
    return _add(_in(files, "test_daily", members, first, last), ("date",), _TESTS)


def tests_by_area(files: Files, *, members: tuple[str, ...], date: date) -> Rows:
    return _add(_in(files, "test_daily", members, date, date), ("area",), _TESTS)


def test_validity(files: Files, *, members: tuple[str, ...]) -> Rows:
    rows = [r for r in files.all("test_validity") if r["area"] in members]
    newest = max((r["as_of"] for r in rows), default=None)
    keys = ("as_of", "basis", "hours_since")
    return _add([r for r in rows if r["as_of"] == newest], keys, ("holders",))


def vaccination_groups(files: Files, *, members: tuple[str, ...], date: date) -> Rows:
    rows = _in(files, "vaccination_daily", members, date, date)
    return _add(rows, ("population", "dose"), ("doses", "cumulative"))


def vaccination_daily(files: Files, *, members: tuple[str, ...], first: date, last: date) -> Rows:
    rows = _in(files, "vaccination_daily", members, first, last)
    first_doses = [{**r, "first": r["cumulative"] if r["dose"] == 1 else 0} for r in rows]
    return _add(first_doses, ("date",), ("doses", "first"))


def services_daily(files: Files, *, members: tuple[str, ...], first: date, last: date) -> Rows:
    rows = _in(files, "service_daily", members, first, last)
    sums = _add(rows, ("date", "service"), ("lookups", "failures"))
    times = [(r["date"], r["service"], r["p95_ms"]) for r in rows if r["p95_ms"] is not None]
    return [(*s, max((ms for day, name, ms in times if (day, name) == s[:2]), default=None)) for s in sums]


def institutions(files: Files, *, members: tuple[str, ...]) -> Rows:
    names = ("institution", "area", "name", "opens", "closes", "capacity", "updated")
    rows = [tuple(r[n] for n in names) for r in files.all("institution") if r["area"] in members]
    return sorted(rows, key=lambda r: (r[1], r[0]))


TWINS: dict[str, Callable[..., Rows]] = {
    f.__name__: f
    for f in (
        areas, codes_by_area, codes_by_reason, codes_by_age, codes_trend, code_flows, code_turns,
        scans_daily, scans_hourly, cases_daily, case_facts,
        risk_places, risk_by_area, risk_changes, risk_history, feed_states, feed_rejects,
        restated_days, restated_areas,
        tickets_daily, tickets_by_area, tickets_by_rule, ticket_backlog, surge_series,
        hotline_daily, hotline_halfhours,
        incidents, funnel_stages, lists_daily, lists_by_area, contacts_daily, contacts_by_area,
        tests_daily, tests_by_area, test_validity, vaccination_groups, vaccination_daily,
        services_daily, institutions,
    )
} | PREVIEW_TWINS  # fmt: skip
