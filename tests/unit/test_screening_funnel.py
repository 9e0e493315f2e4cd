"""The screening against its slow plain twin, and every boundary by hand."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from dashboard.errors import InputError, StorageError
from dashboard.screening.funnel import Funnel, NotReconciled, rows_of, write_funnel
from dashboard.screening.incident import Incident
from dashboard.screening.run import run_screening
from tests.screening_twin import (
    ALL_STEPS,
    D1,
    D2,
    D3,
    FUCHENG,
    NOW,
    PIDU,
    WUHOU,
    World,
    at,
    incident,
    random_world,
    scan,
    twin,
    venues,
)


def screen(tmp_path: Path, world: World, asked: Incident, **options: Any) -> Funnel:
    folder = world.write(tmp_path / "in")
    return run_screening(
        asked,
        input_dir=folder,
        workroom=tmp_path / "work",
        memory="500MB",
        threads=2,
        clock=lambda: NOW,
        **options,
    )


def filled(counts: Mapping[str, int]) -> dict[str, int]:
    return {area: n for area, n in counts.items() if n}


def plain(stages: Any) -> list[Any]:
    return [
        (s.name, filled(s.entered), filled(s.kept), {r: filled(c) for r, c in s.dropped.items()}, s.run)
        for s in stages
    ]


@pytest.mark.parametrize("seed", range(40))
def test_twin_counts_the_same(seed: int, tmp_path: Path) -> None:
    world, asked = random_world(seed)
    assert plain(screen(tmp_path, world, asked).stages) == plain(twin(world, asked))


def test_the_worlds_reach_every_stage_and_reason() -> None:
    """The twin test means little unless its worlds meet every rule: count what they dropped."""
    seen: dict[str, int] = {}
    for seed in range(40):
        for stage in twin(*random_world(seed)):
            seen[f"{stage.name} {stage.run}"] = seen.get(f"{stage.name} {stage.run}", 0) + 1
            for reason, counts in stage.dropped.items():
                seen[reason] = seen.get(reason, 0) + sum(counts.values())
    reasons = ["outside_window", "index_person", "no_holder_key", "repeated_scan", "left_province"]
    reasons += ["under_control", "few_co_presences", "short_dwell", "tested_negative", "vaccinated"]
    assert {r: n for r in reasons if (n := seen.get(r, 0)) < 5} == {}
    assert [k for k in ("in_province False", "no_negative_test False", "dwell True") if not seen.get(k)] == []


@pytest.mark.parametrize("seed", range(100, 108))
def test_rows_add_up(seed: int, tmp_path: Path) -> None:
    """As written: in each county and in total, a stage adds up and takes in what the one before kept."""
    world, asked = random_world(seed)
    rows = pl.DataFrame(list(rows_of(screen(tmp_path, world, asked))))
    assert (rows["entered"] == rows["kept"] + rows["dropped"]).all()
    assert rows.select("incident", "stage_no", "area", "drop_reason").is_duplicated().sum() == 0
    for keys in (["stage_no", "area"], ["stage_no"]):
        sums = rows.group_by(keys).agg(pl.col("entered", "kept").sum())
        before = sums.select(pl.col("stage_no") + 1, *keys[1:], pl.col("kept").alias("kept_before"))
        both = sums.join(before, on=keys)
        assert both.height == sums.height * (len(asked.steps) + 2) // (len(asked.steps) + 3)
        assert (both["entered"] == both["kept_before"]).all()


def one_scan(ts: Any, **window: int) -> tuple[World, Incident]:
    rule = {"before_minutes": 30, "after_minutes": 45} | window
    return World({"scans": [scan(ts, "V1", "a")], "venues": venues(V1=PIDU)}), incident(window=rule)


@pytest.mark.parametrize(
    ("clock", "window", "inside"),
    [
        ("09:29:59.999999", {}, 0),
        ("09:30:00", {}, 1),
        ("12:45:00", {}, 1),
        ("12:45:00.000001", {}, 0),
        # A stay of 20 minutes reaches into the window from before it.
        ("09:10:00", {"stay_minutes": 20}, 1),
        ("09:09:59", {"stay_minutes": 20}, 0),
        # Ten shared minutes: exactly ten are enough, at both ends.
        ("09:20:00", {"stay_minutes": 20, "min_overlap_minutes": 10}, 1),
        ("09:19:59", {"stay_minutes": 20, "min_overlap_minutes": 10}, 0),
        ("12:35:00", {"stay_minutes": 20, "min_overlap_minutes": 10}, 1),
        ("12:35:01", {"stay_minutes": 20, "min_overlap_minutes": 10}, 0),
    ],
)
def test_boundary_minutes(clock: str, window: dict[str, int], inside: int, tmp_path: Path) -> None:
    world, asked = one_scan(at(D1, clock), **window)
    assert screen(tmp_path, world, asked).stages[0].kept.get(PIDU, 0) == inside


@pytest.mark.parametrize(
    ("moment", "people"),
    [(at(D1, "22:29:59"), 0), (at(D1, "22:30"), 1), (at(D2, "01:45"), 1), (at(D2, "01:45:01"), 0)],
)
def test_hours_across_midnight(moment: Any, people: int, tmp_path: Path) -> None:
    world = World({"scans": [scan(moment, "V1", "a")], "venues": venues(V1=PIDU)})
    asked = incident(index_venues=[{"venue_id": "V1", "day": str(D1), "from": "23:00", "to": "01:15"}])
    assert screen(tmp_path, world, asked).stages[-1].kept.get(PIDU, 0) == people


def test_one_window_across_midnight_is_one_stay(tmp_path: Path) -> None:
    """The days are read apart; 23:50 to 00:20 is still one stay of thirty minutes."""
    rows = [scan(at(D1, "23:50"), "V1", "a"), scan(at(D2, "00:20"), "V1", "a")]
    asked = incident(
        index_venues=[{"venue_id": "V1", "day": str(D1), "from": "23:00", "to": "01:00"}],
        steps=[{"kind": "dwell", "at_least_minutes": 30}, {"kind": "co_presences", "at_least": 2}],
    )
    stages = screen(tmp_path, World({"scans": rows, "venues": venues(V1=PIDU)}), asked).stages
    assert [(s.name, s.total(s.kept)) for s in stages] == [
        ("co_present", 2), ("persons", 1), ("dwell", 1), ("co_presences", 0), ("final_list", 0)
    ]  # fmt: skip


def test_window_beyond_the_days_looked_at_is_read_where_delivered(tmp_path: Path) -> None:
    rows = [scan(at(D3, "00:10"), "V1", "a")]
    asked = incident(index_venues=[{"venue_id": "V1", "day": str(D2), "from": "22:00", "to": "23:59"}])
    world = World({"scans": rows, "venues": venues(V1=PIDU)})
    assert screen(tmp_path / "a", world, asked).stages[-1].kept == {PIDU: 1}
    world.days = (D1, D2)
    funnel = screen(tmp_path / "b", world, asked)
    assert funnel.stages[-1].kept == {}
    assert f"No scans of {D3} were delivered" in " ".join(funnel.notes)


def test_somebody_scanned_twice_is_one_person_booked_where_first_seen(tmp_path: Path) -> None:
    rows = [
        scan(at(D1, "11:00"), "V2", "a"),
        scan(at(D1, "10:30"), "V1", "a"),
        scan(at(D1, "10:31"), "V1", "a"),
    ]
    spans = [{"venue_id": v, "day": str(D1), "from": "10:00", "to": "12:00"} for v in ("V1", "V2")]
    world = World({"scans": rows, "venues": venues(V1=PIDU, V2=FUCHENG)})
    persons = screen(tmp_path, world, incident(index_venues=spans)).stages[1]
    assert filled(persons.entered) == {PIDU: 2, FUCHENG: 1}
    assert filled(persons.kept) == {PIDU: 1}
    assert filled(persons.dropped["repeated_scan"]) == {PIDU: 1, FUCHENG: 1}


def test_two_scans_at_one_moment_book_on_the_first_venue_by_name(tmp_path: Path) -> None:
    rows = [scan(at(D1, "11:00"), v, "a") for v in ("V2", "V1")]
    spans = [{"venue_id": v, "day": str(D1), "from": "10:00", "to": "12:00"} for v in ("V1", "V2")]
    world = World({"scans": rows, "venues": venues(V1=PIDU, V2=FUCHENG)})
    assert filled(screen(tmp_path, world, incident(index_venues=spans)).stages[1].kept) == {PIDU: 1}


LAST = at(D1, "11:00")  # the last co-presence of the only person in the cases below
TESTED = {"kind": "no_negative_test", "hours_after": 6}
IN = {"kind": "in_province"}
AWAY = "500101"
CHANGED = {"kind": "not_under_control", "feed": "code_events"}


def _tests(*rows: tuple[int, str]) -> list[dict[str, Any]]:
    """Samples so many seconds after the sixth hour after the last co-presence."""
    return [{"sampled_at": LAST + timedelta(hours=6, seconds=s), "result": result} for s, result in rows]


@pytest.mark.parametrize(
    ("step", "told", "stays"),
    [
        (IN | {"feed": "left_province"}, [{"left_at": LAST}], True),
        (IN | {"feed": "left_province"}, [{"left_at": LAST + timedelta(seconds=1)}], False),
        (IN | {"feed": "telecom"}, [{"area_code": AWAY, "day": D1}], True),
        (IN | {"feed": "telecom"}, [{"area_code": AWAY, "day": D2}], False),
        (IN | {"feed": "telecom"}, [{"area_code": AWAY, "day": D2}, {"area_code": PIDU, "day": D2}], True),
        (IN | {"feed": "telecom"}, [{"area_code": AWAY, "day": D2}, {"area_code": PIDU, "day": D3}], True),
        (IN | {"feed": "telecom"}, [{"area_code": AWAY, "day": D3}, {"area_code": PIDU, "day": D2}], False),
        (CHANGED, [{"ts": LAST, "to_colour": "red"}], True),
        (CHANGED, [{"ts": LAST + timedelta(seconds=1), "to_colour": "red"}], False),
        (TESTED, _tests((0, "negative")), True),
        (TESTED, _tests((1, "negative")), False),
        (TESTED, _tests((1, "negative"), (-3600, "positive")), True),
        (TESTED, _tests((1, "invalid")), True),
        (TESTED | {"negatives": 2}, _tests((1, "negative"), (1, "negative")), True),
        (TESTED | {"negatives": 2}, _tests((1, "negative"), (2, "negative")), False),
    ],
)  # fmt: skip
def test_boundaries_of_the_steps(
    step: dict[str, Any], told: list[dict[str, Any]], stays: bool, tmp_path: Path
) -> None:
    feed = step.get("feed", "tests")
    world = World({"scans": [scan(LAST, "V1", "a", "green")], "venues": venues(V1=PIDU)})
    world.feeds[feed] = [{"holder_key": "a"} | row for row in told]
    asked = incident(steps=[step])
    funnel = screen(tmp_path, world, asked)
    assert filled(funnel.stages[-1].kept) == ({PIDU: 1} if stays else {})
    assert plain(funnel.stages) == plain(twin(world, asked))


def test_index_person_finds_contacts_and_is_none(tmp_path: Path) -> None:
    rows = [
        scan(at(D1, "10:00"), "V1", "index"),
        scan(at(D1, "10:20"), "V1", "a"),
        scan(at(D1, "10:31"), "V1", "b"),
    ]
    asked = incident(index_persons=["index", "never-seen"], index_venues=[])
    funnel = screen(tmp_path, World({"scans": rows, "venues": venues(V1=PIDU)}), asked)
    assert filled(funnel.stages[0].kept) == {PIDU: 2}
    assert filled(funnel.stages[1].dropped["index_person"]) == {PIDU: 1}
    assert filled(funnel.stages[-1].kept) == {PIDU: 1}
    assert "1 of 2 index persons have no scan." in funnel.notes
    assert "never-seen" not in " ".join(funnel.notes)


def test_county_of_the_holder_then_of_the_venue(tmp_path: Path) -> None:
    rows = [scan(at(D1, "11:00"), "V1", k) for k in ("here", "away", "nowhere")]
    homes = [("here", "510132"), ("away", "110101"), ("away", None)]
    holders = [{"holder_key": k, "area_code": a, "age_band": "15-59"} for k, a in homes]
    world = World({"scans": rows, "venues": venues(V1=WUHOU), "holders": holders})
    # 510132 was 新津县 until 2020; today it is 510118.
    assert filled(screen(tmp_path, world, incident()).stages[-1].kept) == {"510118": 1, WUHOU: 2}


@pytest.mark.parametrize("with_scans", [True, False])
def test_nobody_is_zero_and_not_missing(with_scans: bool, tmp_path: Path) -> None:
    rows = [scan(at(D1, "11:00"), "V2", "a")] if with_scans else []
    asked = incident(steps=[{"kind": "not_under_control"}])
    funnel = screen(tmp_path, World({"scans": rows, "venues": venues(V1=PIDU)}), asked)
    rows_written = pl.DataFrame(list(rows_of(funnel)))
    assert rows_written["area"].n_unique() == len(funnel.counties) > 183
    assert rows_written.null_count().sum_horizontal().item() == 0
    assert rows_written["entered"].sum() == 0
    assert set(rows_written["stage"]) == {"co_present", "persons", "not_under_control", "final_list"}


def test_index_persons_without_a_scan_give_zeros_too(tmp_path: Path) -> None:
    asked = incident(index_persons=["nobody"], index_venues=[])
    funnel = screen(tmp_path, World({"scans": [], "venues": venues(V1=PIDU)}), asked)
    assert [s.total(s.entered) for s in funnel.stages] == [0, 0, 0]


@pytest.mark.parametrize("step", [s for s in ALL_STEPS if "feed" in s or s["kind"].startswith("no")])  # type: ignore[attr-defined]
@pytest.mark.parametrize("empty", [True, False])
def test_feed_that_was_not_delivered_runs_nothing(step: dict[str, Any], empty: bool, tmp_path: Path) -> None:
    feed = step.get("feed") or {"no_negative_test": "tests", "not_vaccinated": "vaccination"}[step["kind"]]
    feeds = {"scans": [scan(at(D1, "11:00"), "V1", "a", "red")], "venues": venues(V1=PIDU)}
    if empty:  # a file without rows says nothing either
        feeds[feed] = []
    funnel = screen(tmp_path, World(feeds), incident(steps=[step]))
    stage = funnel.stages[2]
    assert (stage.run, stage.feed, dict(stage.dropped)) == (False, feed, {})
    rows = [r for r in rows_of(funnel) if r["stage_no"] == 3 and r["area"] == PIDU]
    assert [(r["drop_reason"], r["entered"], r["kept"], r["dropped"]) for r in rows] == [
        ("kept", 1, 1, 0),
        ("feed_not_reported", 0, 0, 0),
    ]
    assert f"{step['kind']}: not run, feed not reported: {feed}." in funnel.notes


def _wrong_scans(change: Any) -> Any:
    def apply(folder: Path) -> None:
        for path in (folder / "scans").rglob("*.parquet"):
            change(pl.read_parquet(path)).write_parquet(path)

    return apply


def _in_utc(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(pl.col("ts").dt.replace_time_zone("UTC"))


SHORT = {"first": str(D1), "last": str(D2)}
LONG = {"first": str(D1), "last": "2021-01-20"}


@pytest.mark.parametrize(
    ("changes", "breakage", "says"),
    [
        (
            {"index_venues": [{"venue_id": "V9", "day": str(D1), "from": "10:00", "to": "12:00"}]},
            None,
            "V9 is not in the venue register",
        ),
        (
            {"index_venues": [{"venue_id": "V3", "day": str(D1), "from": "10:00", "to": "12:00"}]},
            None,
            "V3 lies in '510100', no county",
        ),
        ({"days": LONG, "index_persons": ["a"]}, None, "No scans were .*2021-01-11"),
        ({"days": SHORT | {"missing": [str(D2)]}}, None, "names 2021-01-09, whose"),
        ({}, _wrong_scans(lambda f: f.drop("colour")), "scans lacks the column colour"),
        ({}, _wrong_scans(_in_utc), "ts is .* WITH TIME ZONE"),
        ({}, _wrong_scans(lambda f: f.with_columns(ts=pl.lit("2021"))), "ts is VARCHAR"),
        ({}, lambda d: (d / "venues/part-0.parquet").write_bytes(b"PAR1"), "venues: a file cannot be read"),
        ({}, lambda d: (d / "venues/part-0.parquet").unlink(), "venue register was not delivered"),
        ({"steps": [{"kind": "no_negative_test"}]}, None, "result holds other words than negative"),
    ],
)  # fmt: skip
def test_what_cannot_be_screened_is_said(changes: Any, breakage: Any, says: str, tmp_path: Path) -> None:
    feeds = {
        "scans": [scan(at(D1, "11:00"), "V1", "secret-key")],
        "venues": venues(V1=PIDU, V3="510100"),
        "tests": [{"holder_key": "secret-key", "sampled_at": at(D2, "11:00"), "result": "阴性"}],
    }
    folder = World(feeds).write(tmp_path / "in")
    if breakage:
        breakage(folder)
    with pytest.raises(InputError, match=says) as raised:
        run_screening(incident(**changes), input_dir=folder, workroom=tmp_path / "work", memory="500MB")
    assert "secret-key" not in str(raised.value)
    assert list((tmp_path / "work").iterdir()) == []


def test_days_known_to_be_missing_are_allowed_and_said(tmp_path: Path) -> None:
    world = World({"scans": [scan(at(D1, "11:00"), "V1", "a")], "venues": venues(V1=PIDU)}, days=(D1,))
    asked = incident(
        days={"first": str(D1), "last": str(D2), "missing": [str(D2)]},
        index_venues=[{"venue_id": "V1", "day": str(D1), "from": "10:00", "to": "02:00"}],
    )
    funnel = screen(tmp_path, world, asked)
    assert funnel.stages[-1].total(funnel.stages[-1].kept) == 1
    assert f"No scans of {D2} were delivered" in funnel.notes[0]


def test_whole_number_keys_and_csv_feeds(tmp_path: Path) -> None:
    """Keys may be numbers, and the small feeds CSV; a cell that is no number is told without its value."""
    world = World({"scans": [scan(at(D1, "11:00"), "V1", str(n)) for n in (1, 2)], "venues": venues(V1=PIDU)})
    folder = world.write(tmp_path / "in")
    _wrong_scans(lambda f: f.with_columns(pl.col("holder_key").cast(pl.Int64)))(folder)
    (folder / "tests").mkdir()
    told = folder / "tests" / "tests.csv"
    told.write_text("holder_key,sampled_at,result\n2,2021-01-09 09:00:00,negative\n")
    asked = incident(steps=[{"kind": "no_negative_test"}], index_persons=["7"])
    funnel = run_screening(
        asked, input_dir=folder, workroom=tmp_path / "w", memory="500MB", clock=lambda: NOW
    )
    assert filled(funnel.stages[-1].kept) == {PIDU: 1}
    told.write_text("holder_key,sampled_at,result\nsecret-key,2021-01-09 09:00:00,negative\n")
    with pytest.raises(InputError, match="tests: a cell cannot be read") as raised:
        run_screening(asked, input_dir=folder, workroom=tmp_path / "w", memory="500MB", clock=lambda: NOW)
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize("key", [pl.Int64, pl.UInt32, pl.String])
@pytest.mark.parametrize("venue", [pl.Int32, pl.UInt64, pl.Categorical])
def test_ids_of_every_type_count_the_same(key: Any, venue: Any, tmp_path: Path) -> None:
    rows = [scan(at(D1, "10:00"), "7", "1"), scan(at(D1, "10:20"), "7", "2"), scan(at(D1, "10:20"), "8", "3")]
    folder = World({"scans": rows, "venues": venues(**{"7": PIDU, "8": WUHOU, "9": WUHOU})}).write(
        tmp_path / "in"
    )
    _wrong_scans(lambda f: f.cast({"holder_key": key, "venue_id": venue}))(folder)
    spans = [{"venue_id": "9", "day": str(D1), "from": "10:00", "to": "12:00"}]
    asked = incident(index_persons=["1"], index_venues=spans)
    funnel = run_screening(
        asked, input_dir=folder, workroom=tmp_path / "w", memory="500MB", clock=lambda: NOW
    )
    assert filled(funnel.stages[-1].kept) == {PIDU: 1}
    if venue is not pl.Categorical:
        spans = [{"venue_id": "V9", "day": str(D1), "from": "10:00", "to": "12:00"}]
        with pytest.raises(InputError, match="index_venues: a cell cannot be read"):
            run_screening(
                incident(index_venues=spans), input_dir=folder, workroom=tmp_path / "w", memory="500MB"
            )


def test_too_little_memory_is_said(tmp_path: Path) -> None:
    world = World({"scans": [scan(at(D1, "11:00"), "V1", "a")], "venues": venues(V1=PIDU)})
    with pytest.raises(StorageError, match="more memory or room"):
        run_screening(
            incident(), input_dir=world.write(tmp_path / "in"), workroom=tmp_path / "w", memory="1KB"
        )


def test_progress_counts_to_its_end(tmp_path: Path) -> None:
    heard: list[tuple[int, int, str]] = []
    world, asked = random_world(3)
    screen(tmp_path, world, asked, progress=lambda *said: heard.append(said))
    assert [step for step, _, _ in heard] == list(range(1, len(heard) + 1))
    assert heard[-1][:2] == (len(heard), len(heard))


def test_a_stage_that_loses_somebody_is_not_written(tmp_path: Path) -> None:
    world, asked = random_world(5)
    funnel = screen(tmp_path, world, asked)
    last = funnel.stages[-1]
    broken = type(funnel)(
        **{
            **funnel.__dict__,
            "stages": (*funnel.stages[:-1], type(last)(**{**last.__dict__, "kept": {PIDU: -1}})),
        }
    )
    with pytest.raises(NotReconciled, match="does not add up"):
        broken.check()


def test_written_again_takes_the_place_of_the_first(tmp_path: Path) -> None:
    world, asked = random_world(5)
    funnel = screen(tmp_path, world, asked)
    about, rows = write_funnel(funnel, tmp_path / "out")
    assert write_funnel(funnel, tmp_path / "out") == (about, rows)
    assert sorted(p.name for p in (tmp_path / "out").rglob("*") if p.is_file()) == ["pidu-1.parquet"] * 2
    assert pl.read_parquet(about).to_dicts()[0]["area"] == PIDU
    back = pl.read_parquet(rows)
    assert back.to_dicts() == list(rows_of(funnel))
    assert back.schema["computed_at"] == pl.Datetime("us")
    assert back["computed_at"].max() == NOW


def test_future_rows_are_not_believed(tmp_path: Path) -> None:
    feeds = {
        "scans": [scan(at(D1, "11:00"), "V1", "a")],
        "venues": venues(V1=PIDU),
        "tests": [{"holder_key": "a", "sampled_at": NOW + timedelta(seconds=1), "result": "negative"}],
    }
    funnel = screen(tmp_path, World(feeds), incident(steps=[{"kind": "no_negative_test"}]))
    assert filled(funnel.stages[-1].kept) == {PIDU: 1}
    assert funnel.began == date(2021, 1, 8)
