"""The demo delivery of the evening before: what it says otherwise, and that the rest is the same."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from dashboard.cli.main import run
from dashboard.demo.eve import write_eve
from dashboard.demo.story import DEFAULT_END
from dashboard.errors import InputError, StorageError
from dashboard.snapshot.build import build_snapshot
from dashboard.snapshot.contract import RESTATED

NOW = datetime(2021, 2, 4, 9, 0)
DAY_BEFORE = DEFAULT_END - timedelta(days=1)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    root = tmp_path_factory.mktemp("demo")
    words = ["demo-data", "--scale", "tiny", "--out", str(root / "today"), "--eve", str(root / "eve")]
    assert run(words) == 0
    return root / "today", root / "eve"


def test_the_two_evenings_build_one_after_the_other_and_differ_where_the_story_says(
    folders: tuple[Path, Path], tmp_path: Path
) -> None:
    today, eve = folders
    out = tmp_path / "home" / "snapshots"
    first = build_snapshot(input_dir=eve, out=out, publish=True, clock=lambda: NOW)
    assert first.manifest.data_day == DAY_BEFORE
    assert first.report.errors == first.report.warnings == ()
    second = build_snapshot(input_dir=today, out=out, publish=True, clock=lambda: NOW + timedelta(hours=1))
    rows = pl.read_parquet(out / second.manifest.id / RESTATED / "part-0.parquet")
    found = rows.filter(pl.col("area") == "510000")
    assert set(found["table_name"]) == {"case_daily", "code_flow", "code_stock", "test_daily"}
    yellow = found.filter(pl.col("part") == "yellow", pl.col("table_name") == "code_stock")
    moved = (yellow["after"] - yellow["before"]).unique().to_list()
    assert len(moved) == 1
    assert moved[0] > 10
    cases = found.filter(pl.col("table_name") == "case_daily").sort("date")
    assert (cases["after"] - cases["before"]).to_list() == [1, -1]
    assert set(rows["kind"]) == {"late", "corrected"}


def test_no_row_of_the_eve_is_of_the_day_after(folders: tuple[Path, Path]) -> None:
    for path in folders[1].rglob("*.parquet"):
        frame = pl.read_parquet(path)
        for name, kind in frame.schema.items():
            if kind == pl.Date:
                last = frame[name].drop_nulls().max()
                assert last is None or isinstance(last, date)
                assert last is None or last <= DAY_BEFORE, (path, name)


def test_a_folder_that_is_no_demo_is_refused(folders: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no demo data"):
        write_eve(tmp_path, tmp_path / "eve", end=DEFAULT_END)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("keep me")
    with pytest.raises(StorageError):
        write_eve(folders[0], tmp_path / "mine", end=DEFAULT_END)
    assert (tmp_path / "mine" / "letter.txt").read_text() == "keep me"


def test_the_province_has_no_eve(tmp_path: Path) -> None:
    words = ["demo-data", "--scale", "province", "--out", str(tmp_path / "a"), "--eve", str(tmp_path / "b")]
    assert run(words) != 0
    assert not (tmp_path / "b").exists()
