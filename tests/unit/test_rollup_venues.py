"""Silent venues: by the policy's hours, over days, whatever is late, corrected, missing or new."""

from __future__ import annotations

import shutil
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from dashboard.policy.store import load_baseline
from dashboard.snapshot.build import build_snapshot
from tests.events import deliver, rows_of

HOURS = load_baseline().scan_alarm.silent_after_hours
DAYS = [date(2022, 8, 25) + timedelta(days=n) for n in range(6)]
NOW = datetime(2022, 8, 31, 9, 0)
WUHOU, JINJIANG = "510107", "510104"
# id, county, day of registration
VENUES = [(f"V{n}", WUHOU if n < 8 else JINJIANG, date(2021, 1, 1)) for n in range(16)] + [
    ("N1", WUHOU, DAYS[1]),
    ("N2", WUHOU, DAYS[2]),
    ("N3", WUHOU, None),
]
Scan = tuple[datetime, str, bool]  # when, where, by a guard


def make_world(seed: int) -> dict[date, list[Scan]]:
    """Few scans of many venues, each hour of each day somewhere in the province."""
    random = np.random.default_rng(seed)
    world: dict[date, list[Scan]] = {}
    for day in DAYS:
        start = datetime(day.year, day.month, day.day)
        rows = [(start + timedelta(hours=h, minutes=5), "V8" if h % 2 else "V0", False) for h in range(24)]
        for _ in range(5):
            at = start + timedelta(seconds=int(random.integers(0, 86_400)))
            rows.append((at, VENUES[random.integers(0, len(VENUES))][0], bool(random.random() < 0.2)))
        world[day] = rows
    return world


def write_day(folder: Path, day: date, rows: list[Scan]) -> None:
    deliver(
        folder,
        "scans",
        day,
        pl.DataFrame(
            {
                "ts": [at for at, _, _ in rows],
                "venue_id": [venue for _, venue, _ in rows],
                "holder_key": list(range(len(rows))),
                "colour": ["green"] * len(rows),
                "channel": ["self"] * len(rows),
                "by_guard": [guard for _, _, guard in rows],
                "refused": [False] * len(rows),
            },
            schema_overrides={"ts": pl.Datetime("us")},
        ),
    )


def write_world(folder: Path, world: dict[date, list[Scan]]) -> Path:
    (folder / "venues").mkdir(parents=True, exist_ok=True)
    pl.DataFrame(
        {
            "venue_id": [v for v, _, _ in VENUES],
            "area_code": [area for _, area, _ in VENUES],
            "category": ["mall"] * len(VENUES),
            "lon": [104.0] * len(VENUES),
            "lat": [30.6] * len(VENUES),
            "crs": ["WGS84"] * len(VENUES),
            "registered_at": [day for _, _, day in VENUES],
        }
    ).write_parquet(folder / "venues" / "venues.parquet")
    for day, rows in world.items():
        write_day(folder, day, rows)
    return folder


def silent(source: Path, home: Path) -> dict[tuple[date, str], tuple[int, int | None]]:
    """Active and silent venues by day and county, as built."""
    result = build_snapshot(input_dir=source, out=home / "snapshots", clock=lambda: NOW)
    rows = rows_of(home, result, "venue_daily").select("date", "area", "active", "silent")
    return {(d, a): (active, quiet) for d, a, active, quiet in rows.iter_rows()}


def expected(world: dict[date, list[Scan]]) -> dict[tuple[date, str], tuple[int, int | None]]:
    """The slow plain twin: every venue asked about every moment."""
    area_of = {venue: area for venue, area, _ in VENUES}
    answer: dict[tuple[date, str], tuple[int, int | None]] = {}
    for day, rows in world.items():
        known = [r for r in rows if (opened := {v: d for v, _, d in VENUES}[r[1]]) is None or opened <= day]
        last = max(at for at, _, _ in known).hour + 1
        end = datetime(day.year, day.month, day.day) + timedelta(hours=last)
        start = end - timedelta(hours=HOURS)
        window = [start.date() + timedelta(days=n) for n in range((day - start.date()).days + 1)]
        for area in {area_of[venue] for _, venue, _ in known}:
            whole = all(
                d in world
                and any(area_of[v] == area for _, v, _ in world[d])
                and (d == day or max(at for at, _, _ in world[d]).hour == 23)
                for d in window
            )
            heard = {v for d in window for at, v, guard in world.get(d, []) if at >= start and not guard}
            mine = [(v, opened) for v, a, opened in VENUES if a == area and (opened is None or opened <= day)]
            quiet = sum(
                v not in heard
                and (
                    opened is None
                    or datetime(opened.year, opened.month, opened.day) + timedelta(days=1) <= start
                )
                for v, opened in mine
            )
            used = {v for _, v, guard in known if not guard and area_of[v] == area}
            answer[day, area] = (len(used), quiet if whole else None)
    return answer


@pytest.mark.parametrize("seed", range(4))
def test_silence_equals_a_plain_twin(tmp_path: Path, seed: int) -> None:
    world = make_world(seed)
    got = silent(write_world(tmp_path / "in", world), tmp_path)
    assert got == expected(world)
    assert [got[day, WUHOU][1] is None for day in DAYS[:3]] == [True, True, False]
    assert any(quiet for _, quiet in got.values())


def test_a_corrected_day_tells_on_the_days_after_it_without_their_events(tmp_path: Path) -> None:
    world = make_world(1)
    source = write_world(tmp_path / "in", world)
    before = silent(source, tmp_path)
    for day in DAYS[4:]:  # the events of the later days are gone
        shutil.rmtree(source / "scans" / f"date={day}")
    noon = datetime(DAYS[3].year, DAYS[3].month, DAYS[3].day, 12)
    world[DAYS[3]] += [(noon, venue, False) for venue, area, _ in VENUES if area == WUHOU]
    write_day(source, DAYS[3], world[DAYS[3]])
    after = silent(source, tmp_path)
    assert after == expected(world)
    assert after[DAYS[5], WUHOU] == (before[DAYS[5], WUHOU][0], 0)
    assert before[DAYS[5], WUHOU][1]


def test_days_arriving_in_any_order_come_to_the_same(tmp_path: Path) -> None:
    world = make_world(2)
    source = write_world(tmp_path / "in", {})
    for day in (DAYS[3], DAYS[0], DAYS[5], DAYS[2], DAYS[1], DAYS[4]):
        write_day(source, day, world[day])
        got = silent(source, tmp_path)
    assert got == expected(world)


def test_hours_nobody_reported_are_no_silence(tmp_path: Path) -> None:
    late, gap = make_world(3), make_world(3)
    late[DAYS[3]] = [row for row in late[DAYS[3]] if row[0].hour < 15]
    gap[DAYS[3]] = [row for row in gap[DAYS[3]] if row[1] == "V8"]  # a whole county is missing
    for number, world in enumerate((late, gap)):
        got = silent(write_world(tmp_path / f"in-{number}", world), tmp_path / str(number))
        assert got == expected(world)
    assert got[DAYS[4], WUHOU][1] is None
    assert got[DAYS[4], JINJIANG][1] is not None
    assert (DAYS[3], WUHOU) not in got


def test_other_hours_of_the_policy_count_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = make_world(1)
    source = write_world(tmp_path / "in", world)
    before = silent(source, tmp_path)
    short = load_baseline().model_copy(
        update={"scan_alarm": load_baseline().scan_alarm.model_copy(update={"silent_after_hours": 5})}
    )
    monkeypatch.setattr("dashboard.snapshot.build.load_baseline", lambda: short)
    monkeypatch.setattr("tests.unit.test_rollup_venues.HOURS", 5)
    after = silent(source, tmp_path)
    assert after == expected(world)
    assert None not in {quiet for _, quiet in after.values()}
    assert after[DAYS[5], WUHOU][1] > (before[DAYS[5], WUHOU][1] or 0)
