"""Roll-ups of events: equal to a slow plain twin, incremental as full, bounded, nothing lost."""

from __future__ import annotations

import math
import os
import shutil
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from dashboard.errors import InputError
from dashboard.snapshot import rules_keys
from dashboard.snapshot.build import BuildResult, build_snapshot
from dashboard.snapshot.manifest import FileEntry
from dashboard.snapshot.subject import Subject
from tests.events import D1, D2, D3, NOW, build, deliver, make_changes, make_scans, make_venues, rows_of

TABLES = (
    "scan_hourly",
    "scan_pixel",
    "scan_pyramid",
    "scan_holders",
    "venue_daily",
    "code_flow",
    "code_release",
    "code_cohort",
)

Row = dict[str, object]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    ids = [f"V{i:04d}" for i in range(12)]
    (folder / "venues").mkdir(parents=True)
    make_venues(ids).write_parquet(folder / "venues" / "venues.parquet")
    for number, day in enumerate((D1, D2, D3)):
        deliver(folder, "scans", day, make_scans(day, ids, seed=number))
        deliver(folder, "code_events", day, make_changes(day, seed=number))
    return folder


def parts(home: Path, result: BuildResult) -> dict[str, int]:
    """Inode of every day partition."""
    folder = home / "snapshots" / result.manifest.id
    return {p.relative_to(folder).as_posix(): p.stat().st_ino for p in folder.glob("*/date=*/part.parquet")}


def hashes_of(result: BuildResult) -> dict[str, str]:
    """Hash of every file but that of the restated days: what was said before is no part of a first build."""
    return {
        file.path: file.sha256
        for table in result.manifest.tables
        if table.name != "restated"
        for file in table.files
    }


# --- twins -------------------------------------------------------------------------------------


def plain_pixel(lon: float, lat: float) -> tuple[int, int]:
    world = 256 * 2**14
    y = (1 - math.log(math.tan(math.radians(lat)) + 1 / math.cos(math.radians(lat))) / math.pi) / 2
    return math.floor((lon + 180) / 360 * world), math.floor(y * world)


def test_scans_equal_a_plain_twin(tmp_path: Path, source: Path) -> None:
    result = build(source, tmp_path)
    ids = [f"V{i:04d}" for i in range(12)]
    places = {v: plain_pixel(104.0 + 0.003 * i, 30.6 + 0.002 * i) for i, v in enumerate(ids)}
    venue = {row["venue_id"]: row for row in make_venues(ids).iter_rows(named=True)}
    hourly: dict[tuple[object, ...], Counter[str]] = defaultdict(Counter)
    active: dict[tuple[object, ...], set[str]] = defaultdict(set)
    pixel: Counter[tuple[object, ...]] = Counter()
    pyramid: Counter[tuple[object, ...]] = Counter()
    people: dict[tuple[date, str], set[int]] = defaultdict(set)
    used: dict[date, set[str]] = defaultdict(set)
    lost = 0
    for number, day in enumerate((D1, D2, D3)):
        for e in make_scans(day, ids, seed=number).iter_rows(named=True):
            v = venue[e["venue_id"]]
            if v["registered_at"] > day:
                lost += 1
                continue
            key = (day, e["ts"].hour, v["area_code"], v["category"])
            scan = not e["by_guard"]
            hourly[key] += Counter(
                shows=1, scans=scan, yellow=scan and e["colour"] == "yellow",
                red=scan and e["colour"] == "red", refused=scan and e["refused"],
            )  # fmt: skip
            for area in (v["area_code"], v["area_code"][:4] + "00", "510000"):
                people[day, area].add(e["holder_key"])
            if scan:
                active[key].add(v["venue_id"])
                used[day].add(v["venue_id"])
                x, y = places[v["venue_id"]]
                pixel[day, e["ts"].hour // 4, x, y] += 1
                for zoom in range(5, 13):
                    pyramid[day, zoom, x >> (14 - zoom), y >> (14 - zoom)] += 1
    got = rows_of(tmp_path, result, "scan_hourly")
    measures = ("shows", "scans", "yellow", "red", "refused")
    for row in got.iter_rows(named=True):
        key = (row["date"], row["hour"], row["area"], row["category"])
        assert [row[m] for m in measures] == [hourly[key][m] for m in measures], key
        assert row["active_venues"] == len(active[key])
    assert set(hourly) <= set(got.select("date", "hour", "area", "category").iter_rows())
    assert got.filter(pl.col("hour") > 19).is_empty()  # hours after the last event are not reported, not zero
    got = rows_of(tmp_path, result, "scan_pixel")
    assert {r[:4]: r[4] for r in got.select("date", "hour_band", "x", "y", "scans").iter_rows()} == pixel
    got = rows_of(tmp_path, result, "scan_pyramid")
    assert {r[:4]: r[4] for r in got.select("date", "zoom", "x", "y", "scans").iter_rows()} == pyramid
    got = rows_of(tmp_path, result, "scan_holders")
    assert {r[:2]: r[2] for r in got.select("date", "area", "holders").iter_rows()} == {
        key: len(some) for key, some in people.items()
    }
    for row in rows_of(tmp_path, result, "venue_daily").iter_rows(named=True):
        mine = [
            v
            for v in venue.values()
            if (v["area_code"], v["category"]) == (row["area"], row["category"])
            and v["registered_at"] <= row["date"]
        ]
        busy = [v for v in mine if v["venue_id"] in used[row["date"]]]
        assert (row["registered"], row["active"]) == (len(mine), len(busy))
        assert row["new"] == sum(v["registered_at"] == row["date"] for v in mine)
    rejected = {r[1]: r[2] for r in rows_of(tmp_path, result, "feed_reject").iter_rows()}
    assert rejected == {"unknown_venue": lost}


def test_code_changes_equal_a_plain_twin(tmp_path: Path, source: Path) -> None:
    result = build(source, tmp_path)
    flow: dict[tuple[object, ...], list[int]] = defaultdict(list)
    release: dict[tuple[object, ...], Counter[str]] = defaultdict(Counter)
    hours: dict[tuple[object, ...], list[float]] = defaultdict(list)
    held: dict[int, Row] = {}
    for number, day in enumerate((D1, D2, D3)):
        for e in make_changes(day, seed=number).sort("ts").iter_rows(named=True):
            flow[day, e["area_code"], e["from_colour"], e["to_colour"], e["reason_code"], e["actor"]].append(
                e["holder_key"]
            )
            before = held.pop(e["holder_key"], None)
            if e["to_colour"] != "green":
                held[e["holder_key"]] = e
                continue
            was = before or e
            due = e["due_at"] or (before["due_at"] if before else None)
            if due is None or due.date() > day:
                continue
            key = (day, was["area_code"], was["reason_code"])
            release[key] += Counter(due=due.date() == day, on_time=due.date() == day, late=due.date() < day)
            hours[key].append(max((e["ts"] - due).total_seconds(), 0) / 3600)
        for e in held.values():
            if e["due_at"] is not None and e["due_at"].date() <= day:
                key = (day, e["area_code"], e["reason_code"])
                release[key] += Counter(due=e["due_at"].date() == day, open_overdue=1)
    got = rows_of(tmp_path, result, "code_flow")
    assert {tuple(row[:6]): tuple(row[6:]) for row in got.iter_rows()} == {
        key: (len(set(some)), len(some)) for key, some in flow.items()
    }
    rows = list(rows_of(tmp_path, result, "code_release").iter_rows(named=True))
    assert {(r["date"], r["area"], r["reason"]) for r in rows} == set(release)
    for row in rows:
        key = (row["date"], row["area"], row["reason"])
        assert all(row[m] == release[key][m] for m in ("due", "on_time", "late", "open_overdue")), key
        for name, share in (("median_hours", 50), ("p90_hours", 90)):
            want = float(np.percentile(hours[key], share)) if hours[key] else None
            assert row[name] is want if want is None else abs(row[name] - want) <= 0.5001, key


# --- incremental -------------------------------------------------------------------------------


def test_an_unchanged_delivery_counts_nothing_again(tmp_path: Path, source: Path) -> None:
    first = build(source, tmp_path)
    words: list[str] = []
    again = build_snapshot(
        input_dir=source,
        out=tmp_path / "snapshots",
        clock=lambda: NOW + timedelta(hours=3),
        progress=lambda step: words.append(step.words),
    )
    assert again.already
    assert again.manifest.id == first.manifest.id
    assert not [w for w in words if w.startswith("rolling up")]


def test_keys_of_partitions_from_earlier_builds_are_not_compared_again(
    tmp_path: Path, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[frozenset[str]] = []
    real = rules_keys._unchecked

    def spy(subject: Subject, files: list[FileEntry]) -> Iterator[FileEntry]:
        new = list(real(subject, files))
        looked.append(frozenset(file.path for file in new))
        return iter(new)

    monkeypatch.setattr(rules_keys, "_unchecked", spy)
    build(source, tmp_path)
    assert len(frozenset().union(*looked)) == 3 * 7
    looked.clear()
    deliver(source, "scans", D3, make_scans(D3, [f"V{i:04d}" for i in range(12)], seed=7), "more.parquet")
    build(source, tmp_path)
    assert {path.split("/")[1] for path in frozenset().union(*looked)} == {f"date={D3}"}


def test_a_corrected_day_rebuilds_that_day_alone(tmp_path: Path, source: Path) -> None:
    first = parts(tmp_path, build(source, tmp_path))
    ids = [f"V{i:04d}" for i in range(12)]
    deliver(source, "scans", D2, make_scans(D2, ids, seed=99, rows=150), "correction.parquet")
    second = build(source, tmp_path)
    now = parts(tmp_path, second)
    changed = {name for name in now if first.get(name) != now[name]}
    # What is silent on the day after follows from both.
    assert changed == {f"venue_daily/date={D3}/part.parquet"} | {
        f"{table}/date={D2}/part.parquet"
        for table in ("scan_hourly", "scan_pixel", "scan_pyramid", "scan_holders", "venue_daily")
    }
    # Neither less nor more than a build from nothing.
    fresh = build(source, tmp_path / "fresh")
    assert hashes_of(fresh) == hashes_of(second)
    for name in TABLES:
        assert rows_of(tmp_path, second, name).equals(rows_of(tmp_path / "fresh", fresh, name))


def test_a_corrected_day_of_codes_moves_what_stays_open_after_it(tmp_path: Path, source: Path) -> None:
    build(source, tmp_path)
    deliver(source, "code_events", D1, make_changes(D1, seed=50), "late.parquet")
    second = build(source, tmp_path)
    fresh = build(source, tmp_path / "fresh")
    assert hashes_of(fresh) == hashes_of(second)


def test_a_new_day_joins_days_whose_events_are_gone(tmp_path: Path, source: Path) -> None:
    whole = build(source, tmp_path / "whole")
    later = tmp_path / "later"
    for name in ("scans", "code_events"):
        shutil.move(source / name / f"date={D3}", later / name / f"date={D3}")
    first = build(source, tmp_path)
    assert first.manifest.table("scan_hourly").last_day == D2
    shutil.rmtree(source / "scans" / f"date={D1}")
    shutil.rmtree(source / "code_events" / f"date={D1}")
    for name in ("scans", "code_events"):
        shutil.move(later / name / f"date={D3}", source / name / f"date={D3}")
    second = build(source, tmp_path)
    for name in TABLES:
        assert rows_of(tmp_path, second, name).equals(rows_of(tmp_path / "whole", whole, name))
    kept, now = parts(tmp_path, first), parts(tmp_path, second)
    # A table of one moment is that of the newest day.
    days = {name: inode for name, inode in kept.items() if not name.startswith("code_cohort")}
    assert all(now[name] == inode for name, inode in days.items())


def test_invented_days_never_stand_beside_real_ones(tmp_path: Path, source: Path) -> None:
    (source / "synthetic.json").write_text('{"synthetic": true}')
    build(source, tmp_path)
    (source / "synthetic.json").unlink()
    shutil.rmtree(source / "scans" / f"date={D1}")
    real = build(source, tmp_path)
    assert not real.manifest.synthetic
    assert real.manifest.table("scan_hourly").first_day == D2


def test_a_venue_that_moved_rebuilds_a_new_one_does_not(tmp_path: Path, source: Path) -> None:
    first = parts(tmp_path, build(source, tmp_path))
    register = source / "venues" / "venues.parquet"
    venues = pl.read_parquet(register)
    more = venues.tail(1).with_columns(venue_id=pl.lit("V9999"), registered_at=pl.lit(D3))
    pl.concat([venues, more]).write_parquet(register)
    second = parts(tmp_path, build(source, tmp_path))
    assert {n.split("=")[1][:10] for n in second if first.get(n) != second[n]} == {str(D3)}
    moved = venues.with_columns(
        area_code=pl.when(pl.col("venue_id") == "V0000").then(pl.lit("510105")).otherwise("area_code")
    )
    moved.write_parquet(register)
    third = build(source, tmp_path)
    assert hashes_of(third) == hashes_of(build(source, tmp_path / "fresh"))


def test_an_edited_byte_in_a_kept_day_is_counted_anew(tmp_path: Path, source: Path) -> None:
    first = build(source, tmp_path)
    kept = next((tmp_path / "rollup" / "scans").glob(f"date={D1}.*")) / "scan_hourly.parquet"
    data = bytearray(kept.read_bytes())
    data[len(data) // 2] ^= 1
    kept.write_bytes(bytes(data))
    again = build(source, tmp_path)
    assert again.manifest.id == first.manifest.id
    assert not again.already  # the same inode was torn in the first snapshot: it was replaced


def test_where_links_are_impossible_bytes_are_copied(
    tmp_path: Path, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_args: object, **_kwargs: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    linked = build(source, tmp_path / "linked")
    monkeypatch.setattr(os, "link", refuse)
    copied = build(source, tmp_path / "copied")
    assert copied.manifest.id == linked.manifest.id
    assert copied.report.errors == ()


# --- bad rows and files ------------------------------------------------------------------------


def test_bad_rows_are_counted_by_reason(tmp_path: Path, source: Path) -> None:
    ids = [f"V{i:04d}" for i in range(12)]
    good = make_scans(D3, ids, seed=7, rows=40).with_columns(pl.col("holder_key").cast(pl.Int64))
    rows = good.with_row_index("i").with_columns(
        venue_id=pl.when(pl.col("i") < 3).then(pl.lit("nowhere")).otherwise("venue_id"),
        colour=pl.when(pl.col("i").is_between(3, 6)).then(pl.lit("violet")).otherwise("colour"),
        ts=pl.when(pl.col("i").is_between(7, 8)).then(pl.lit(datetime(2022, 8, 1)))
        .when(pl.col("i") == 9).then(pl.lit(datetime(2099, 1, 1))).otherwise("ts"),
        holder_key=pl.when(pl.col("i").is_between(10, 14)).then(None).otherwise("holder_key"),
    )  # fmt: skip
    rows = rows.with_columns(
        venue_id=pl.when(pl.col("venue_id") == "V0003").then(pl.lit("V0004")).otherwise("venue_id")
    )
    shutil.rmtree(source / "scans")
    shutil.rmtree(source / "code_events")
    deliver(source, "scans", D3, rows.drop("i"))
    deliver(source, "scans", date(2099, 1, 1), good, "future.parquet")
    deliver(source, "scans", D3, good.drop("refused"), "lacking.parquet")
    deliver(source, "scans", D3, good.with_columns(ts=pl.col("ts").cast(pl.String)), "text.parquet")
    torn = deliver(source, "scans", D3, good.head(20), "torn.parquet")
    torn.write_bytes(torn.read_bytes()[:-30])
    shutil.copy(
        deliver(source, "scans", D3, rows.drop("i")), source / "scans" / f"date={D3}" / "b-twin.parquet"
    )
    (source / "scans" / "notes.txt").write_text("x")
    changes = make_changes(D3, seed=3, rows=10).with_row_index("i").with_columns(
        area_code=pl.when(pl.col("i") == 0).then(pl.lit("519999"))
        .when(pl.col("i") == 1).then(pl.lit("510100")).otherwise("area_code"),
        reason_code=pl.when(pl.col("i") == 2).then(pl.lit("whim")).otherwise("reason_code"),
        actor=pl.when(pl.col("i") == 3).then(pl.lit("nobody")).otherwise("actor"),
    )  # fmt: skip
    deliver(source, "code_events", D3, changes.drop("i"))
    result = build(source, tmp_path)
    got = {(r[0], r[1]): r[2] for r in rows_of(tmp_path, result, "feed_reject").iter_rows()}
    assert got == {
        ("scans", "unknown_venue"): 3,
        ("scans", "unknown_colour"): 4,
        ("scans", "wrong_folder_day"): 2,
        ("scans", "future_date"): 1 + 40,
        ("scans", "missing_value"): 5,
        ("scans", "missing_column"): 40,
        ("scans", "wrong_type"): 40,
        ("scans", "unreadable_file"): 1,
        ("scans", "duplicate_delivery"): 40,
        ("scans", "unrecognised_file"): 1,
        ("codes", "unknown_area"): 1,
        ("codes", "wrong_level"): 1,
        ("codes", "unknown_reason"): 1,
        ("codes", "unknown_category"): 1,
    }
    states = {r["feed"]: r for r in rows_of(tmp_path, result, "feed_state").iter_rows(named=True)}
    assert states["scans"]["accepted"] == 40 - 15
    assert states["venues"]["accepted"] == 12
    assert rows_of(tmp_path, result, "scan_hourly")["shows"].sum() == 25
    quarantine = (tmp_path / "quarantine" / result.manifest.id / "scans.jsonl").read_text()
    assert "for example nowhere" in quarantine


def test_pages_torn_behind_a_whole_footer_put_the_file_aside(tmp_path: Path, source: Path) -> None:
    path = source / "scans" / f"date={D2}" / "z.parquet"
    make_scans(D2, [f"V{i:04d}" for i in range(12)], seed=5, rows=3000).write_parquet(path)
    data = bytearray(path.read_bytes())
    data[4:2000] = b"\xff" * 1996
    path.write_bytes(bytes(data))
    result = build(source, tmp_path)
    got = {r[1]: r[2] for r in rows_of(tmp_path, result, "feed_reject").iter_rows()}
    assert got["unreadable_file"] == 3000
    assert result.manifest.table("scan_hourly").last_day == D3


def test_whole_numbers_as_ids_give_the_same_rows(tmp_path: Path, source: Path) -> None:
    words = build(source, tmp_path / "words")
    for path in [*source.glob("scans/*/*.parquet"), *source.glob("venues/*")]:
        frame = pl.read_parquet(path)
        frame.with_columns(pl.col("venue_id").str.slice(1).cast(pl.Int32)).write_parquet(path)
    numbers = build(source, tmp_path / "numbers")
    assert numbers.manifest.id == words.manifest.id


def test_a_register_in_csv_gives_the_same_rows(tmp_path: Path, source: Path) -> None:
    parquet = build(source, tmp_path / "parquet")
    register = source / "venues" / "venues.parquet"
    pl.read_parquet(register).write_csv(register.with_suffix(".csv"))
    register.unlink()
    assert build(source, tmp_path / "csv").manifest.id == parquet.manifest.id


def test_a_day_delivered_by_hour_too_counts_once(tmp_path: Path, source: Path) -> None:
    rolled = build(source, tmp_path / "events")
    by_hand = rows_of(tmp_path / "events", rolled, "scan_hourly").filter(pl.col("date") == D3)
    (source / "scan_hourly").mkdir()
    by_hand.write_parquet(source / "scan_hourly" / "a.parquet")
    both = build(source, tmp_path / "both")
    assert rows_of(tmp_path / "both", both, "scan_hourly")["scans"].sum() == (
        rows_of(tmp_path / "events", rolled, "scan_hourly")["scans"].sum()
    )
    got = {r[1]: r[2] for r in rows_of(tmp_path / "both", both, "feed_reject").iter_rows()}
    assert got["duplicate_delivery"] == by_hand.height


def test_the_board_cannot_reach_what_names_people(tmp_path: Path, source: Path) -> None:
    build(source, tmp_path)
    ledgers = list((tmp_path / "rollup").rglob("ledger.parquet"))
    assert len(ledgers) == 3
    assert (tmp_path / "rollup").stat().st_mode & 0o077 == 0
    assert not list((tmp_path / "snapshots").rglob("ledger.parquet"))
    assert not list((tmp_path / "snapshots").glob(".staging*"))


def test_a_memory_limit_that_cannot_be_read_is_refused(tmp_path: Path, source: Path) -> None:
    with pytest.raises(InputError, match="plenty"):
        build_snapshot(input_dir=source, out=tmp_path / "s", clock=lambda: NOW, memory="plenty")
