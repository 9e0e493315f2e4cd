"""Cohorts of open codes from events: since when, why, how often tested, equal to a plain twin."""

from __future__ import annotations

import shutil
from collections import Counter
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from dashboard.snapshot.build import build_snapshot
from tests.events import COUNTIES, deliver, rows_of

DAYS = [date(2022, 8, 25) + timedelta(days=n) for n in range(5)]
NOW = datetime(2022, 8, 30, 9, 0)
WUHOU = "510107"
REASONS = (("yellow", "time_space_overlap"), ("yellow", "near_risk_area"), ("red", "close_contact"))
Row = dict[str, object]
Key = tuple[str, str, int, int | None]


def at(day: int, hour: float) -> datetime:
    start = DAYS[0] + timedelta(days=day)
    return datetime(start.year, start.month, start.day) + timedelta(hours=hour)


def change(
    person: int, when: datetime, to: str, reason: str, *, area: str = WUHOU, was: str = "green"
) -> Row:
    return {
        "ts": when,
        "holder_key": person,
        "area_code": area,
        "from_colour": was,
        "to_colour": to,
        "reason_code": reason,
        "rule_version": 1,
        "actor": "rule",
        "due_at": None,
    }


def result(person: int, sampled: datetime, said: str = "negative") -> Row:
    return {"holder_key": person, "sampled_at": sampled, "result": said}


def write_changes(folder: Path, rows: list[Row]) -> None:
    for day in {row["ts"].date() for row in rows if isinstance(row["ts"], datetime)}:
        mine = [row for row in rows if isinstance(row["ts"], datetime) and row["ts"].date() == day]
        frame = pl.DataFrame(mine, schema_overrides={"ts": pl.Datetime("us"), "due_at": pl.Datetime("us")})
        deliver(folder, "code_events", day, frame)


def write_results(folder: Path, day: date, rows: list[Row]) -> None:
    deliver(folder, "tests", day, pl.DataFrame(rows, schema_overrides={"sampled_at": pl.Datetime("us")}))


def cohort(source: Path, home: Path, *, now: datetime = NOW) -> dict[Key, int]:
    built = build_snapshot(input_dir=source, out=home / "snapshots", clock=lambda: now)
    rows = rows_of(home, built, "code_cohort")
    assert rows["as_of"].n_unique() == 1
    names = ("area", "reason", "hours_since_start", "negative_tests")
    return {(a, r, h, n): holders for a, r, h, n, holders in rows.select(*names, "holders").iter_rows()}


def make_changes(seed: int) -> list[Row]:
    """Sixty people who turn now and then; a change may repeat the colour with the same or another reason."""
    random = np.random.default_rng(seed)
    rows = []
    for person in range(60):
        had = "green"
        for _ in range(int(random.integers(1, 6))):
            when = at(0, float(random.integers(0, len(DAYS) * 24 * 60)) / 60)
            to, reason = ("green", "no_risk") if random.random() < 0.3 else REASONS[random.integers(3)]
            area = str(COUNTIES[random.integers(3)])
            rows.append(change(person, when, to, reason, area=area))
    rows.sort(key=lambda row: str(row["ts"]))
    last: dict[object, tuple[object, object]] = {}
    for row in rows:
        had, why = last.get(row["holder_key"], ("green", "no_risk"))
        row["from_colour"] = had
        if row["to_colour"] == "green":
            row["reason_code"] = why
        last[row["holder_key"]] = (row["to_colour"], row["reason_code"])
    return rows


def make_results(seed: int) -> dict[date, list[Row]]:
    """Results of every day, sampled up to two days before they were reported, some twice."""
    random = np.random.default_rng(seed + 100)
    found: dict[date, list[Row]] = {}
    for number, day in enumerate(DAYS):
        rows = []
        for _ in range(120):
            sampled = at(number, 23.9) - timedelta(minutes=int(random.integers(0, 60 * 48)))
            said = str(random.choice(["negative", "negative", "positive", "invalid"]))
            rows.append(result(int(random.integers(0, 60)), sampled, said))
        found[day] = [*rows, *rows[:5], *found.get(day - timedelta(days=1), [])[:5]]
    return found


def expected(
    changes: list[Row], results: dict[date, list[Row]], *, known_from: date | None
) -> dict[Key, int]:
    """Person by person: the newest change, back to where colour and reason began, then every test since."""
    end = at(len(DAYS) - 1, 24) - timedelta(minutes=1)
    counts: Counter[Key] = Counter()
    for person in {row["holder_key"] for row in changes}:
        mine = sorted((r for r in changes if r["holder_key"] == person), key=lambda r: str(r["ts"]))
        newest = mine[-1]
        if newest["to_colour"] == "green":
            continue
        began = newest["ts"]
        for row in reversed(mine):
            if (row["to_colour"], row["reason_code"]) != (newest["to_colour"], newest["reason_code"]):
                break
            began = row["ts"]
        assert isinstance(began, datetime)
        samples = {
            r["sampled_at"]
            for rows in results.values()
            for r in rows
            if r["holder_key"] == person and r["result"] == "negative" and r["sampled_at"] >= began
        }
        tests = min(len(samples), 3)
        known = tests == 3 or (known_from is not None and known_from <= began.date())
        hours = max(0, int((end - began).total_seconds() // 86_400)) * 24
        key = (str(newest["area_code"]), str(newest["reason_code"]), hours, tests if known else None)
        counts[key] += 1
    return dict(counts)


@pytest.mark.parametrize("seed", range(4))
def test_cohorts_equal_a_plain_twin(tmp_path: Path, seed: int) -> None:
    changes, results = make_changes(seed), make_results(seed)
    write_changes(tmp_path / "in", changes)
    for day, rows in results.items():
        write_results(tmp_path / "in", day, rows)
    got = cohort(tmp_path / "in", tmp_path)
    assert got == expected(changes, results, known_from=DAYS[0])
    assert {n for _, _, _, n in got} == {0, 1, 2, 3}


def test_without_results_nobody_is_said_to_be_untested(tmp_path: Path) -> None:
    changes = make_changes(1)
    write_changes(tmp_path / "in", changes)
    got = cohort(tmp_path / "in", tmp_path)
    assert got == expected(changes, {}, known_from=None)
    assert {n for _, _, _, n in got} == {None}


def test_a_day_without_results_hides_the_number_for_colours_before_it(tmp_path: Path) -> None:
    changes, results = make_changes(2), make_results(2)
    del results[DAYS[1]]
    write_changes(tmp_path / "in", changes)
    for day, rows in results.items():
        write_results(tmp_path / "in", day, rows)
    assert cohort(tmp_path / "in", tmp_path) == expected(changes, results, known_from=DAYS[2])


def test_late_and_corrected_days_come_to_the_same_as_all_at_once(tmp_path: Path) -> None:
    changes, results = make_changes(3), make_results(3)
    source = tmp_path / "in"
    write_changes(source, [row for row in changes if str(row["ts"]) < str(at(3, 0))])
    for day in DAYS[:2]:
        write_results(source, day, results[day][:40])
    cohort(source, tmp_path)
    write_changes(source, changes)
    for day in DAYS:
        write_results(source, day, results[day])
    assert cohort(source, tmp_path) == expected(changes, results, known_from=DAYS[0])


def test_events_and_results_may_be_deleted_once_counted(tmp_path: Path) -> None:
    changes, results = make_changes(0), make_results(0)
    source = tmp_path / "in"
    write_changes(source, [row for row in changes if str(row["ts"]) < str(at(4, 0))])
    for day in DAYS[:4]:
        write_results(source, day, results[day])
    cohort(source, tmp_path)
    for day in DAYS[:3]:
        shutil.rmtree(source / "code_events" / f"date={day}")
    for day in DAYS[:4]:
        shutil.rmtree(source / "tests" / f"date={day}")
    write_changes(source, [row for row in changes if str(row["ts"]) >= str(at(4, 0))])
    write_results(source, DAYS[4], results[DAYS[4]])
    assert cohort(source, tmp_path) == expected(changes, results, known_from=DAYS[0])


def test_a_new_due_time_begins_nothing_another_reason_does(tmp_path: Path) -> None:
    rows = [
        change(1, at(0, 8), "yellow", "time_space_overlap"),
        change(1, at(2, 8), "yellow", "time_space_overlap", was="yellow"),
        change(2, at(0, 8), "yellow", "time_space_overlap"),
        change(2, at(2, 8), "yellow", "near_risk_area", was="yellow"),
        change(3, at(0, 8), "yellow", "time_space_overlap"),
        change(3, at(1, 8), "green", "time_space_overlap", was="yellow"),
        change(3, at(4, 8), "yellow", "time_space_overlap"),
        change(4, at(0, 8), "red", "close_contact"),
        change(4, at(4, 23), "none", "close_contact", was="red"),  # closed: in no cohort
        change(5, at(4, 23.9), "red", "close_contact"),
    ]
    write_changes(tmp_path / "in", rows)
    for number, day in enumerate(DAYS):
        # Sampled in the minute the colour began counts, a minute before does not.
        seen = [result(1, at(0, 8)), result(2, at(2, 8) - timedelta(minutes=1))] if number == 2 else []
        write_results(tmp_path / "in", day, [*seen, result(99, at(number, 1))])
    assert cohort(tmp_path / "in", tmp_path) == {
        (WUHOU, "time_space_overlap", 96, 1): 1,
        (WUHOU, "near_risk_area", 48, 0): 1,
        (WUHOU, "time_space_overlap", 0, 0): 1,
        (WUHOU, "close_contact", 0, 0): 1,
    }


def test_the_moment_is_that_of_the_newest_changes(tmp_path: Path) -> None:
    write_changes(tmp_path / "in", [change(1, at(4, 7), "red", "close_contact")])
    during = datetime(2022, 8, 29, 12, 30)
    built = build_snapshot(input_dir=tmp_path / "in", out=tmp_path / "snapshots", clock=lambda: during)
    assert rows_of(tmp_path, built, "code_cohort")["as_of"].to_list() == [during]


def test_results_that_cannot_be_used_are_counted_by_reason(tmp_path: Path) -> None:
    source = tmp_path / "in"
    write_changes(
        source, [change(1, at(3, 8), "red", "close_contact"), change(2, at(4, 1), "red", "close_contact")]
    )
    good = [result(1, at(3, 9)), result(1, at(3, 20))]
    bad = [
        result(1, at(4, 1)),  # sampled after the day it was reported on
        {**result(1, at(3, 10)), "result": "阴性"},
        {**result(1, at(3, 10)), "holder_key": None},
    ]
    write_results(source, DAYS[3], [*good, *bad])
    words = pl.DataFrame(
        {"holder_key": ["1", "x" * 1001], "sampled_at": [at(3, 22)] * 2, "result": ["negative"] * 2},
        schema_overrides={"sampled_at": pl.Datetime("us")},
    )
    deliver(source, "tests", DAYS[3], words, "words.parquet")
    deliver(source, "tests", DAYS[3], words.drop("result"), "lacking.parquet")
    (source / "tests" / "day.csv").write_text("holder_key,sampled_at,result\n")
    write_results(source, DAYS[4] + timedelta(days=1), [result(1, at(5, 1))])
    built = build_snapshot(input_dir=source, out=tmp_path / "snapshots", clock=lambda: NOW)
    assert {tuple(row) for row in rows_of(tmp_path, built, "feed_reject").iter_rows()} == {
        ("tests", "wrong_folder_day", 1),
        ("tests", "unknown_category", 1),
        ("tests", "missing_value", 1),
        ("tests", "long_text", 1),
        ("tests", "missing_column", 2),
        ("tests", "unrecognised_file", 1),
    }
    (tests,) = rows_of(tmp_path, built, "feed_state").filter(pl.col("feed") == "tests").iter_rows(named=True)
    assert tests["accepted"] == 3
    assert [note for note in built.manifest.warnings if "1 days go with no code changes" in note]
    rows = rows_of(tmp_path, built, "code_cohort")
    assert rows["holders"].sum() == 2
    assert rows.filter(pl.col("hours_since_start") == 24)["negative_tests"].to_list() == [3]


def test_torn_results_put_the_file_aside_and_the_codes_stand(tmp_path: Path) -> None:
    source = tmp_path / "in"
    write_changes(source, [change(n, at(4, 8), "red", "close_contact") for n in range(20)])
    rows = pl.DataFrame([result(n, at(4, 9 + n / 1000)) for n in range(3000)]).cast(
        {"sampled_at": pl.Datetime("us")}
    )
    path = deliver(source, "tests", DAYS[4], rows)
    data = bytearray(path.read_bytes())
    data[4:1500] = b"\xff" * 1496
    path.write_bytes(bytes(data))
    built = build_snapshot(input_dir=source, out=tmp_path / "snapshots", clock=lambda: NOW)
    assert ("tests", "unreadable_file", 3000) in set(rows_of(tmp_path, built, "feed_reject").iter_rows())
    assert rows_of(tmp_path, built, "code_cohort")["negative_tests"].to_list() == [None]


def test_results_alone_are_an_input_of_the_screening(tmp_path: Path) -> None:
    source = tmp_path / "in"
    write_results(source, DAYS[4], [result(1, at(4, 9))])
    (source / "cases.csv").write_text(
        "date,province,provinceCode,city,cityCode,confirmed,suspected,cured,dead\n"
        "2022-08-29,四川省,510000,,,1,0,0,0\n"
    )
    built = build_snapshot(input_dir=source, out=tmp_path / "snapshots", clock=lambda: NOW)
    assert set(rows_of(tmp_path, built, "feed_reject").iter_rows()) == {("screening", "screening_input", 1)}


def test_cohorts_delivered_beside_the_events_count_once(tmp_path: Path) -> None:
    source = tmp_path / "in"
    write_changes(source, [change(1, at(4, 8), "red", "close_contact")])
    once = cohort(source, tmp_path / "events")
    (source / "code_cohort").mkdir()
    given = {
        "as_of": [at(4, 20), at(3, 20)],
        "area": [WUHOU] * 2,
        "reason": ["close_contact"] * 2,
        "hours_since_start": [0, 0],
        "negative_tests": [0, 0],
        "holders": [5, 6],
    }
    frame = pl.DataFrame(given, schema_overrides={"as_of": pl.Datetime("us")})
    frame.write_parquet(source / "code_cohort" / "a.parquet")
    built = build_snapshot(input_dir=source, out=tmp_path / "both" / "snapshots", clock=lambda: NOW)
    rows = rows_of(tmp_path / "both", built, "code_cohort")
    assert ("codes", "duplicate_delivery", 1) in set(
        rows_of(tmp_path / "both", built, "feed_reject").iter_rows()
    )
    newest = rows.filter(pl.col("as_of") == rows["as_of"].max())
    assert newest["holders"].to_list() == list(once.values())
    assert rows["holders"].to_list().count(6) == 1
