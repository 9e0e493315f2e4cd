"""A screening that dies in the middle leaves neither counts nor a temporary file with keys of people."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import polars as pl
import pytest

from dashboard.screening.workroom import PREFIX, hold_workroom
from tests.screening_twin import D1, PIDU, SCHEMAS, World, at, venues

ROOT = Path(__file__).resolve().parents[2]
PEOPLE = 400_000

# Runs with so little memory that the people of the only venue spill, and waits before they are counted.
CHILD = """
    import sys
    from pathlib import Path
    from dashboard.screening.funnel import write_funnel
    from dashboard.screening.run import run_screening
    from tests.screening_twin import NOW, incident

    def progress(step, of, words):
        if words == "people":
            print("ready", flush=True)
            sys.stdin.readline()

    folder = Path(sys.argv[1])
    asked = incident(steps=[{"kind": "not_under_control"}])
    funnel = run_screening(
        asked, input_dir=folder / "in", workroom=folder / "work", memory="30MB", threads=1,
        progress=progress, clock=lambda: NOW,
    )
    write_funnel(funnel, folder / "out")
    print("done", flush=True)
"""


def crowd(folder: Path) -> None:
    World({"scans": [], "venues": venues(V1=PIDU)}).write(folder)
    frame = pl.select(
        ts=pl.lit(at(D1, "11:00")),
        venue_id=pl.lit("V1"),
        holder_key=pl.format("holder-key-{}", pl.int_range(PEOPLE)),
        colour=pl.lit("green"),
        channel=pl.lit("self"),
        by_guard=pl.lit(False),
    )
    frame.cast(SCHEMAS["scans"]).write_parquet(folder / "scans" / f"date={D1}" / "part-0.parquet")


def _spilled(work: Path) -> int:
    return sum(path.read_bytes().count(b"holder-key-") for path in work.rglob("*") if path.is_file())


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, None])
def test_killed_in_the_middle(how: signal.Signals | None, tmp_path: Path) -> None:
    crowd(tmp_path / "in")
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(CHILD), str(tmp_path)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stderr is not None
        line = process.stdout.readline().strip()
        work = tmp_path / "work"
        spilled = _spilled(work)
        if line != "ready" or spilled < 1000:
            process.kill()
            pytest.fail(f"{spilled} keys were spilled, so the test shows nothing: {process.stderr.read()}")
        if how is None:
            process.stdin.write("go\n")
            process.stdin.flush()
            assert process.stdout.readline().strip() == "done"
        else:
            process.send_signal(how)
        process.communicate(timeout=60)
    deadline = time.monotonic() + 20
    while list(work.iterdir()) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert list(work.iterdir()) == []
    assert (tmp_path / "out").exists() == (how is None)
    if how is None:
        rows = pl.read_parquet(tmp_path / "out" / "funnel")
        assert rows.filter(stage="final_list", drop_reason="kept")["kept"].sum() == PEOPLE


def test_room_of_a_dead_machine_is_removed_by_the_next_job(tmp_path: Path) -> None:
    """After a power failure no guard is left; the folder of a job that still runs is not touched."""
    left = tmp_path / f"{PREFIX}left"
    left.mkdir()
    (left / "spill.tmp").write_text("holder-key-1")
    with hold_workroom(tmp_path) as first:
        assert not left.exists()
        assert first.stat().st_mode & 0o777 == 0o700
        (first / "spill.tmp").write_text("holder-key-2")
        with hold_workroom(tmp_path) as second:
            assert (first / "spill.tmp").exists()
            assert second != first
    assert list(tmp_path.iterdir()) == []
