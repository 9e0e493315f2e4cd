"""Small worlds of events for the screening, and a slow plain twin that counts them person by person."""

from __future__ import annotations

import json
import random
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from dashboard.screening.incident import Incident
from geo.areas import current_code, get_area, is_area

D1, D2, D3 = date(2021, 1, 8), date(2021, 1, 9), date(2021, 1, 10)
NOW = datetime(2021, 1, 12, 8, 0)
PIDU, WUHOU, FUCHENG, GAOXIN = "510117", "510107", "510703", "5101F1"

Row = dict[str, Any]
SCHEMAS: dict[str, dict[str, Any]] = {
    "scans": {
        "ts": pl.Datetime("us"),
        "venue_id": pl.String,
        "holder_key": pl.String,
        "colour": pl.String,
        "channel": pl.String,
        "by_guard": pl.Boolean,
    },
    "venues": {"venue_id": pl.String, "area_code": pl.String, "category": pl.String},
    "holders": {"holder_key": pl.String, "area_code": pl.String, "age_band": pl.String},
    "left_province": {"holder_key": pl.String, "left_at": pl.Datetime("us")},
    "telecom": {"holder_key": pl.String, "area_code": pl.String, "day": pl.Date},
    "code_events": {"ts": pl.Datetime("us"), "holder_key": pl.String, "to_colour": pl.String},
    "tests": {"holder_key": pl.String, "sampled_at": pl.Datetime("us"), "result": pl.String},
    "vaccination": {"holder_key": pl.String, "dose": pl.Int32, "given_on": pl.Date},
}


@dataclass
class World:
    """What was delivered: rows by feed; a feed that is absent was not delivered."""

    feeds: dict[str, list[Row]]
    days: tuple[date, ...] = (D1, D2, D3)
    incident: Row = field(default_factory=dict)

    def write(self, folder: Path) -> Path:
        """The input folder; scans lie by day, also a day without any scan that was delivered."""
        folder.mkdir(parents=True, exist_ok=True)
        for feed, rows in self.feeds.items():
            frame = pl.DataFrame(rows, schema=SCHEMAS[feed], orient="row")
            if feed != "scans":
                (folder / feed).mkdir()
                frame.write_parquet(folder / feed / "part-0.parquet")
        for day in self.days:
            of_day = [row for row in self.feeds["scans"] if row["ts"].date() == day]
            place = folder / "scans" / f"date={day}"
            place.mkdir(parents=True)
            half = len(of_day) // 2
            for number, rows in enumerate((of_day[:half], of_day[half:])):
                pl.DataFrame(rows, schema=SCHEMAS["scans"], orient="row").write_parquet(
                    place / f"part-{number}.parquet", row_group_size=7
                )
        return folder


def scan(ts: datetime, venue: str, holder: str | None, colour: str | None = "green") -> Row:
    return {
        "ts": ts,
        "venue_id": venue,
        "holder_key": holder,
        "colour": colour,
        "channel": "self",
        "by_guard": False,
    }


def venues(**areas: str) -> list[Row]:
    return [{"venue_id": v, "area_code": a, "category": "market"} for v, a in areas.items()]


def at(day: date, clock: str) -> datetime:
    return datetime.fromisoformat(f"{day}T{clock}")


def incident(**changes: Any) -> Incident:
    """An incident from V1 on the first day, 10:00 to 12:00, 30 minutes before and after, without steps."""
    raw: Row = {
        "incident": "pidu-1",
        "name_zh": "郫都区疫情",
        "name_en": "Pidu outbreak",
        "area": PIDU,
        "began": str(D1),
        "days": {"first": str(D1), "last": str(D2)},
        "window": {"before_minutes": 30, "after_minutes": 30},
        "index_venues": [{"venue_id": "V1", "day": str(D1), "from": "10:00", "to": "12:00"}],
    }
    return Incident.model_validate_json(json.dumps(raw | changes))


ALL_STEPS = [
    {"kind": "in_province", "feed": "telecom"},
    {"kind": "not_under_control", "feed": "code_events"},
    {"kind": "co_presences", "at_least": 2},
    {"kind": "dwell", "at_least_minutes": 25},
    {"kind": "no_negative_test", "hours_after": 6},
    {"kind": "not_vaccinated", "doses": 2},
]


def random_world(seed: int) -> tuple[World, Incident]:
    """A world with few venues and people, so that every rule meets its boundary often."""
    r = random.Random(seed)
    people = [f"key-{n:03d}" for n in range(40)]
    places = [f"V{n}" for n in range(6)]
    areas = [PIDU, WUHOU, FUCHENG, GAOXIN, "510132", "510425"]

    def moment(first: date = D1, days: int = 3) -> datetime:
        # Whole five minutes make equal times and exact boundaries likely.
        return datetime.combine(first, datetime.min.time()) + timedelta(
            minutes=5 * r.randrange(288 * days), seconds=r.choice((0, 0, 0, 1, 59))
        )

    counties = (PIDU, WUHOU, FUCHENG, GAOXIN, "510132")
    given = [D1 - timedelta(n) for n in (1, 13, 14, 15, 90)]
    results = (*["negative"] * 5, "positive", "invalid", None)

    def some(n: int) -> list[str]:
        return r.choices(people, k=n)

    feeds: dict[str, list[Row]] = {
        "scans": [
            scan(
                moment(),
                r.choice([*places, "W1", "W2"]),
                r.choice([*people, None, None]),
                r.choice(("green", "green", "yellow", "red", None)),
            )
            for _ in range(r.choice((0, 30, 300, 600)))
        ],
        "venues": venues(**{v: r.choice(counties) for v in (*places, "W1", "W2")}),
        "holders": [
            {"holder_key": k, "area_code": r.choice([*areas, "110101", "510100", None]), "age_band": "15-59"}
            for k in some(30)
        ],
        "left_province": [{"holder_key": k, "left_at": moment(D1, 6)} for k in some(12)],
        "telecom": [
            {"holder_key": k, "area_code": r.choice((PIDU, "500101", None)), "day": moment(D1, 6).date()}
            for k in some(60)
        ],
        "code_events": [
            {"holder_key": k, "ts": moment(D1, 6), "to_colour": r.choice(("red", "green", "yellow", None))}
            for k in some(50)
        ],
        "tests": [
            {"holder_key": k, "sampled_at": moment(D1, 6), "result": r.choice(results)}
            for k in some(90)
        ],
        "vaccination": [
            {"holder_key": k, "dose": r.randint(1, 3), "given_on": r.choice(given)}
            for k in some(40)
        ],
    }  # fmt: skip
    for feed in ("holders", "left_province", "telecom", "code_events", "tests", "vaccination"):
        if r.random() < 0.2:
            del feeds[feed]
    steps = [
        {"kind": "in_province", "feed": r.choice(("left_province", "telecom"))},
        {
            "kind": "not_under_control",
            "feed": r.choice(("scans", "code_events")),
            "colours": r.choice((["red"], ["red", "yellow"])),
        },
        {"kind": "co_presences", "at_least": 2},
        {"kind": "dwell", "at_least_minutes": r.choice((1, 30, 60))},
        {"kind": "no_negative_test", "hours_after": r.choice((0, 6, 24)), "negatives": r.choice((1, 2))},
        {"kind": "not_vaccinated", "doses": r.choice((1, 2)), "days_before": r.choice((0, 14))},
    ]
    r.shuffle(steps)
    stay = r.choice((0, 15, 60))

    def hours() -> Row:
        first, last = r.sample(range(288), 2)
        return {
            "from": f"{first // 12:02d}:{first % 12 * 5:02d}",
            "to": f"{last // 12:02d}:{last % 12 * 5:02d}",
        }

    asked = incident(
        window={
            "before_minutes": r.choice((0, 30, 90)),
            "after_minutes": r.choice((0, 30, 120)),
            "stay_minutes": stay,
            "min_overlap_minutes": r.choice((0, min(stay, 5))),
        },
        index_persons=r.sample(people, r.randrange(1, 4)) if r.random() < 0.6 else [],
        index_venues=[
            {"venue_id": r.choice(places), "day": str(r.choice((D1, D2)))} | hours()
            for _ in range(r.randrange(1, 4))
        ],
        steps=steps[: r.randrange(1, 7)],
    )
    return World(feeds), asked


@dataclass(frozen=True)
class TwinStage:
    """One stage of the twin: counts by county without zeros."""

    name: str
    entered: Mapping[str, int]
    kept: Mapping[str, int]
    dropped: Mapping[str, Mapping[str, int]]
    run: bool = True


def county(code: str | None) -> str | None:
    if code is None or not is_area(code) or get_area(code).level not in ("county", "functional"):
        return None
    return current_code(code)


def minutes(n: int) -> timedelta:
    return timedelta(minutes=n)


def twin(world: World, asked: Incident, now: datetime = NOW) -> list[TwinStage]:
    """The same funnel by loops: presences are compared as intervals, not as spans of scan times."""
    rule, scans = asked.window, world.feeds["scans"]
    stay = minutes(rule.stay_minutes)
    index = [(v.venue_id, *v.span()) for v in asked.index_venues]
    index += [
        (row["venue_id"], row["ts"], row["ts"] + stay)
        for row in scans
        if row["holder_key"] in asked.index_persons and row["ts"].date() in asked.days
    ]
    index = [(v, a - minutes(rule.before_minutes), b + minutes(rule.after_minutes)) for v, a, b in index]
    # Scan times that are co-present with each presence, chained into groups where they overlap.
    least = minutes(rule.min_overlap_minutes)
    groups: dict[str, list[list[tuple[datetime, datetime]]]] = defaultdict(list)
    for venue, a, b in sorted(index):
        span = (a + least - stay, b - least)
        joined = [g for g in groups[venue] if any(x <= span[1] and span[0] <= y for x, y in g)]
        groups[venue] = [g for g in groups[venue] if g not in joined] + [
            [span, *(s for g in joined for s in g)]
        ]

    def shared(row: Row) -> bool:
        return any(
            venue == row["venue_id"] and min(b, row["ts"] + stay) - max(a, row["ts"]) >= least
            for venue, a, b in index
        )

    def group(row: Row) -> tuple[str, datetime]:
        for g in groups[row["venue_id"]]:
            if any(x <= row["ts"] <= y for x, y in g):
                return row["venue_id"], min(x for x, _ in g)
        raise AssertionError("shared without a group")

    read: set[date] = set()
    for gs in groups.values():
        for g in gs:
            day = min(x for x, _ in g).date()
            while day <= max(y for _, y in g).date():
                read.add(day)
                day += timedelta(days=1)
    homes: dict[str, str] = {}
    for row in world.feeds.get("holders", ()):
        code = county(row["area_code"])
        if code:
            homes[row["holder_key"]] = min(code, homes.get(row["holder_key"], code))
    at_venue = {row["venue_id"]: county(row["area_code"]) for row in world.feeds["venues"]}

    def where(row: Row) -> str:
        found = homes.get(row["holder_key"]) or at_venue[row["venue_id"]]
        assert found
        return found

    named = [row for row in scans if row["venue_id"] in groups and row["ts"].date() in read]
    inside = [row for row in named if shared(row)]
    stages = [
        TwinStage(
            "co_present",
            Counter(map(where, named)),
            Counter(map(where, inside)),
            {"outside_window": Counter(where(row) for row in named if not shared(row))},
        )
    ]
    mine: dict[str, list[Row]] = defaultdict(list)
    drops: dict[str, Counter[str]] = {
        n: Counter() for n in ("index_person", "no_holder_key", "repeated_scan")
    }
    for row in sorted(inside, key=lambda row: (row["ts"], group(row))):
        if row["holder_key"] is None:
            drops["no_holder_key"][where(row)] += 1
        elif row["holder_key"] in asked.index_persons:
            drops["index_person"][where(row)] += 1
        else:
            if row["holder_key"] in mine:
                drops["repeated_scan"][where(row)] += 1
            mine[row["holder_key"]].append(row)
    area = {key: where(rows[0]) for key, rows in mine.items()}
    people = dict(mine)
    stages.append(TwinStage("persons", stages[0].kept, Counter(area.values()), drops))
    for step in asked.steps:
        before = Counter(area[key] for key in people)
        feed = getattr(step, "feed", "scans")
        rows_of: dict[str, list[Row]] = defaultdict(list)
        for row in world.feeds.get(feed, ()):
            rows_of[row["holder_key"]].append(row)
        if feed != "scans" and not rows_of:
            stages.append(TwinStage(step.kind, before, before, {}, run=False))
            continue
        gone = {key for key, rows in people.items() if _drops(step, rows, rows_of[key], asked, group, now)}
        people = {key: rows for key, rows in people.items() if key not in gone}
        reason = {
            "in_province": "left_province",
            "not_under_control": "under_control",
            "co_presences": "few_co_presences",
            "dwell": "short_dwell",
            "no_negative_test": "tested_negative",
            "not_vaccinated": "vaccinated",
        }[step.kind]
        left = Counter(area[key] for key in people)
        stages.append(TwinStage(step.kind, before, left, {reason: Counter(area[key] for key in gone)}))
    final = Counter(area[key] for key in people)
    return [*stages, TwinStage("final_list", final, final, {})]


def _drops(step: Any, rows: list[Row], told: list[Row], asked: Incident, group: Any, now: datetime) -> bool:
    """Whether one step drops one person; ``rows`` are the co-present scans in order, ``told`` the feed's."""
    first, last = rows[0]["ts"], rows[-1]["ts"]
    colours = [(r["ts"], r["colour"]) for r in rows if r["colour"] is not None]
    newest_scan = max((ts for ts, _ in colours), default=None)
    shown = {c for ts, c in colours if ts == newest_scan}
    match step.kind, getattr(step, "feed", ""):
        case "in_province", "left_province":
            return any(last < r["left_at"] <= now for r in told)
        case "in_province", _:
            later = [r for r in told if last.date() < r["day"] <= now.date() and r["area_code"]]
            newest = max((r["day"] for r in later), default=None)
            return bool(later) and not any(
                r["area_code"].startswith("51") for r in later if r["day"] == newest
            )
        case "not_under_control", "scans":
            return bool(shown & set(step.colours))
        case "not_under_control", _:
            known = [r for r in told if r["ts"] <= now and r["to_colour"]]
            newest_change = max((r["ts"] for r in known), default=None)
            if newest_change and (newest_change > last or not shown):
                return any(r["to_colour"] in step.colours for r in known if r["ts"] == newest_change)
            return bool(shown & set(step.colours))
        case "co_presences", _:
            return len({group(r) for r in rows}) < step.at_least
        case "dwell", _:
            spans: dict[Any, list[datetime]] = defaultdict(list)
            for r in rows:
                spans[group(r)].append(r["ts"])
            longest = max(max(times) - min(times) for times in spans.values())
            return longest + minutes(asked.window.stay_minutes) < minutes(step.at_least_minutes)
        case "no_negative_test", _:
            since = [r for r in told if last < r["sampled_at"] <= now]
            good = {
                r["sampled_at"]
                for r in since
                if r["result"] == "negative" and r["sampled_at"] > last + timedelta(hours=step.hours_after)
            }
            return len(good) >= step.negatives and not any(r["result"] == "positive" for r in since)
        case "not_vaccinated", _:
            return any(
                r["dose"] >= step.doses and r["given_on"] <= first.date() - timedelta(days=step.days_before)
                for r in told
            )
    raise AssertionError(step)
