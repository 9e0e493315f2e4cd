"""From raw events of the province over a screening to the snapshot: counts reconcile, nothing else moves."""

from __future__ import annotations

import shutil
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from dashboard.cli.main import run
from dashboard.demo.province import generate_province
from dashboard.demo.story import DEFAULT_END
from dashboard.snapshot.build import BuildResult, build_snapshot
from dashboard.snapshot.contract import CO_PRESENT, PERSONS
from tests.events import rows_of

DAY = datetime(DEFAULT_END.year, DEFAULT_END.month, DEFAULT_END.day)
# The screening is run years after the invented day, the worst case for whoever takes its moment for data.
LATER = datetime(2031, 1, 1, 9, 0)
WINDOW = (DAY + timedelta(hours=9), DAY + timedelta(hours=16, minutes=30))


@pytest.fixture(scope="module")
def delivery(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("screening") / "in"
    generate_province(folder, events=60_000)
    scans = pl.read_parquet(folder / "scans" / f"date={DEFAULT_END}" / "*.parquet")
    people = inside(scans)["holder_key"].unique().sort()
    shutil.rmtree(folder / "tests")  # results that are known one by one instead
    feeds = {
        "telecom": pl.DataFrame({"holder_key": people, "day": DEFAULT_END + timedelta(days=1)}).with_columns(
            area_code=pl.when(pl.int_range(pl.len()) % 5 == 0)
            .then(pl.lit("440100"))
            .otherwise(pl.lit("510107"))
        ),
        f"tests/date={DEFAULT_END}": pl.DataFrame(
            {"holder_key": people, "sampled_at": DAY + timedelta(hours=20), "result": "negative"}
        ).filter(pl.int_range(pl.len()) % 3 == 0),
    }
    for name, rows in feeds.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        rows.write_parquet(folder / name / "a.parquet")
    return folder


def inside(scans: pl.DataFrame) -> pl.DataFrame:
    busiest = busy(scans)
    return scans.filter(pl.col("venue_id").is_in(busiest) & pl.col("ts").is_between(*WINDOW))


def busy(scans: pl.DataFrame) -> list[int]:
    known = scans.filter(pl.col("venue_id") < 2_000_000_000)
    return (
        known["venue_id"].value_counts().sort("count", "venue_id", descending=True)["venue_id"][:5].to_list()
    )


@pytest.fixture(scope="module")
def built(delivery: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, BuildResult]:
    home = tmp_path_factory.mktemp("home")
    scans = pl.read_parquet(delivery / "scans" / f"date={DEFAULT_END}" / "*.parquet")
    lines = [
        'incident = "by-hand"', 'name_zh = "示例疫情"', 'name_en = "Example"', 'area = "510107"',
        f"began = {DEFAULT_END}", "[days]", f"first = {DEFAULT_END}", f"last = {DEFAULT_END}",
        "[window]", "before_minutes = 30", "after_minutes = 60", "stay_minutes = 30",
    ]  # fmt: skip
    for venue in busy(scans):
        lines += ["[[index_venues]]", f'venue_id = "{venue}"', f"day = {DEFAULT_END}", 'from = "10:00"']
        lines += ['to = "15:30"']
    lines += [
        "[[steps]]",
        'kind = "in_province"',
        'feed = "telecom"',
        "[[steps]]",
        'kind = "no_negative_test"',
    ]
    (home / "outbreak.toml").write_text("\n".join(lines), encoding="utf-8")
    words = ["screening", "run", "--incident", str(home / "outbreak.toml"), "--input", str(delivery)]
    assert run(words) == 0
    return home, build_snapshot(input_dir=delivery, out=home / "snapshots", clock=lambda: LATER)


def test_the_funnel_of_the_snapshot_counts_the_events(
    delivery: Path, built: tuple[Path, BuildResult]
) -> None:
    scans = pl.read_parquet(delivery / "scans" / f"date={DEFAULT_END}" / "*.parquet")
    here = scans.filter(pl.col("venue_id").is_in(busy(scans)))
    hits = inside(scans)
    people = hits["holder_key"].unique().sort()
    stays = [n for n in range(len(people)) if n % 5]
    left = [n for n in stays if n % 3]
    assert len(people) > 100
    stages = (
        rows_of(*built, "funnel")
        .group_by("stage_no", "stage")
        .agg(pl.col("entered", "kept", "dropped").sum())
        .sort("stage_no")
        .drop("stage_no")
        .rows()
    )
    assert stages == [
        (CO_PRESENT, here.height, hits.height, here.height - hits.height),
        (PERSONS, hits.height, len(people), hits.height - len(people)),
        ("in_province", len(people), len(stays), len(people) - len(stays)),
        ("no_negative_test", len(stays), len(left), len(stays) - len(left)),
        ("final_list", len(left), len(left), 0),
    ]


def test_the_moment_of_a_screening_dates_no_data(built: tuple[Path, BuildResult]) -> None:
    home, result = built
    assert result.report.errors == ()
    assert result.manifest.data_time.date() == DEFAULT_END
    states = {
        row[0]: row[1] for row in rows_of(home, result, "feed_state").select("feed", "state").iter_rows()
    }
    assert {feed for feed, state in states.items() if state != "not_reported"} == {
        "scans", "codes", "venues", "tests", "screening",
    }  # fmt: skip
    assert set(states.values()) == {"on_time", "not_reported"}


def test_what_only_the_screening_reads_is_named(built: tuple[Path, BuildResult]) -> None:
    rejects = {row[:2]: row[2] for row in rows_of(*built, "feed_reject").iter_rows()}
    assert rejects == {
        ("scans", "unknown_venue"): 7,
        ("codes", "unknown_colour"): 3,
        ("screening", "screening_input"): 1,
    }
