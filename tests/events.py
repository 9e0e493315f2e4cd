"""Small deliveries of events: venues, scans and code changes of three days, and how they are built."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from dashboard.snapshot.build import BuildResult, build_snapshot
from geo.gcj02 import wgs84_to_gcj02

D1, D2, D3 = date(2022, 8, 28), date(2022, 8, 29), date(2022, 8, 30)
NOW = datetime(2022, 8, 31, 9, 0)
COUNTIES = ("510107", "510104", "510703")
CATEGORIES = ("mall", "school")


def make_venues(ids: list[str] | list[int]) -> pl.DataFrame:
    points = np.array([[104.0 + 0.003 * i, 30.6 + 0.002 * i] for i in range(len(ids))])
    shifted = np.arange(len(ids)) % 2 == 1
    given = np.where(shifted[:, None], wgs84_to_gcj02(points), points)
    return pl.DataFrame(
        {
            "venue_id": ids,
            "area_code": [COUNTIES[i % 3] for i in range(len(ids))],
            "category": [CATEGORIES[i % 2] for i in range(len(ids))],
            "lon": given[:, 0],
            "lat": given[:, 1],
            "crs": ["GCJ-02" if s else "WGS84" for s in shifted],
            "registered_at": [D2 if i == 3 else date(2021, 5, 1) for i in range(len(ids))],
        }
    )


def make_scans(day: date, ids: list[str] | list[int], *, seed: int, rows: int = 400) -> pl.DataFrame:
    random = np.random.default_rng(seed)
    start = datetime(day.year, day.month, day.day)
    return pl.DataFrame(
        {
            "ts": [start + timedelta(seconds=int(s)) for s in random.integers(0, 20 * 3600, rows)],
            "venue_id": [ids[i] for i in random.integers(0, len(ids), rows)],
            "holder_key": random.integers(1, 90, rows),
            "colour": random.choice(["green", "yellow", "red"], rows, p=[0.8, 0.15, 0.05]),
            "channel": ["self"] * rows,
            "by_guard": random.random(rows) < 0.4,
            "refused": random.random(rows) < 0.1,
        },
        schema_overrides={"ts": pl.Datetime("us")},
    )


def make_changes(day: date, *, seed: int, rows: int = 120) -> pl.DataFrame:
    random = np.random.default_rng(seed)
    start = datetime(day.year, day.month, day.day)
    begin = random.random(rows) < 0.5
    ts = [start + timedelta(seconds=int(s)) for s in random.permutation(86_400)[:rows]]
    colour = random.choice(["yellow", "red"], rows)
    reason = np.where(colour == "yellow", "time_space_overlap", "close_contact")
    due = [t + timedelta(hours=int(h)) for t, h in zip(ts, random.integers(-60, 40, rows), strict=True)]
    return pl.DataFrame(
        {
            "ts": ts,
            "holder_key": random.integers(1, 40, rows),
            "area_code": random.choice(COUNTIES, rows),
            "from_colour": np.where(begin, "green", colour),
            "to_colour": np.where(begin, colour, "green"),
            "reason_code": reason,
            "rule_version": [1] * rows,
            "actor": random.choice(["rule", "manual"], rows),
            "due_at": [d if random.random() < 0.9 else None for d in due],
        },
        schema_overrides={"ts": pl.Datetime("us"), "due_at": pl.Datetime("us")},
    )


def deliver(folder: Path, name: str, day: date, rows: pl.DataFrame, file: str = "a.parquet") -> Path:
    path = folder / name / f"date={day}" / file
    path.parent.mkdir(parents=True, exist_ok=True)
    rows.write_parquet(path)
    return path


def build(source: Path, home: Path, *, now: datetime = NOW) -> BuildResult:
    return build_snapshot(input_dir=source, out=home / "snapshots", clock=lambda: now, publish=True)


def rows_of(home: Path, result: BuildResult, name: str) -> pl.DataFrame:
    folder = home / "snapshots" / result.manifest.id
    files = [folder / file.path for file in result.manifest.table(name).files]
    return pl.concat([pl.read_parquet(f, hive_partitioning=False) for f in files])
