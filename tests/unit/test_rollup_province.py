"""A day of invented events at size: the same by seed, wrong only on purpose, rolled up within its memory."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest

from dashboard.cli.main import run
from dashboard.demo.province import generate_province
from dashboard.errors import InputError, StorageError
from dashboard.snapshot.build import build_snapshot

ROOT = Path(__file__).resolve().parents[2]
NOW = datetime(2021, 2, 4, 6, 0)
EVENTS = 200_000

# In a process of its own: its peak memory is that of the roll-up alone.
CHILD = """
import json, resource, sys
from datetime import datetime
from pathlib import Path
from dashboard.snapshot.build import build_snapshot
folder, out, memory = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
result = build_snapshot(input_dir=folder, out=out, clock=lambda: datetime(2021, 2, 4, 6), memory=memory)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
rows = result.manifest.table("scan_hourly").rows
print(json.dumps({"before": began / 1024, "peak": peak / 1024, "rows": rows}))
"""


def digest(folder: Path) -> str:
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    return hashlib.sha256(b"".join(p.read_bytes() for p in files)).hexdigest()


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("province") / "in"
    generate_province(folder, events=EVENTS)
    return folder


def test_the_same_seed_gives_the_same_bytes(day: Path, tmp_path: Path) -> None:
    generate_province(tmp_path / "again", events=EVENTS)
    assert digest(tmp_path / "again") == digest(day)
    generate_province(tmp_path / "other", events=EVENTS, seed=7)
    assert digest(tmp_path / "other") != digest(day)


def test_only_what_is_planted_is_rejected(day: Path, tmp_path: Path) -> None:
    result = build_snapshot(input_dir=day, out=tmp_path / "snapshots", clock=lambda: NOW)
    folder = tmp_path / "snapshots" / result.manifest.id

    def read(name: str) -> pl.DataFrame:
        return pl.concat(pl.read_parquet(folder / f.path) for f in result.manifest.table(name).files)

    assert set(read("feed_reject").select("feed", "reason", "rows").iter_rows()) == {
        ("scans", "unknown_venue", 7),
        ("codes", "unknown_colour", 3),
    }
    hourly = read("scan_hourly")
    assert hourly["shows"].sum() == EVENTS - 7
    assert hourly["area"].n_unique() == 183
    assert hourly["hour"].n_unique() == 24
    assert read("scan_pixel")["scans"].sum() == hourly["scans"].sum()
    cohort = read("code_cohort")
    assert set(cohort["negative_tests"].unique()) == {0, 1, 2, 3}
    assert cohort["hours_since_start"].unique().to_list() == [0]
    turned = read("code_flow").filter(pl.col("to_colour") != "green")["people"].sum()
    assert cohort["holders"].sum() == turned
    assert read("venue_daily")["silent"].null_count() == read("venue_daily").height
    assert result.manifest.synthetic
    assert result.report.errors == ()


@pytest.mark.soak
def test_memory_stays_within_the_limit_at_ten_million(tmp_path: Path) -> None:
    """People alone fill 300 MB of hash table here: the limit of 400 MB makes the roll-up spill."""
    generate_province(tmp_path / "in", events=10_000_000)
    said = subprocess.run(
        [sys.executable, "-c", CHILD, str(tmp_path / "in"), str(tmp_path / "out"), "400MB"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    cost = json.loads(said.stdout)
    assert cost["rows"] == 183 * 8 * 24
    # The rest is the register, the finished rows and what the allocator holds beside the limit.
    assert cost["peak"] - cost["before"] < 400 + 500, cost


@pytest.mark.parametrize("events", [0, 999])
def test_too_few_events_are_refused(events: int, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=str(events)):
        generate_province(tmp_path, events=events)


def test_a_folder_of_others_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("x")
    with pytest.raises(StorageError, match="no demo data"):
        generate_province(tmp_path, events=EVENTS)
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]


def test_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = str(tmp_path / "in")
    assert run(["demo-data", "--scale", "province", "--events", "5000", "--out", out]) == 0
    assert "scans" in capsys.readouterr().out
    assert run(["demo-data", "--scale", "tiny", "--events", "5000", "--out", out]) == InputError.exit_code
