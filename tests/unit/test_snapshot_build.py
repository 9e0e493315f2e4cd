"""From a delivery to a published snapshot, and what the command line says about it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from dashboard.cli.main import run
from dashboard.errors import InputError
from dashboard.policy.store import load_baseline
from dashboard.publishing.edits import apply_edits
from dashboard.snapshot.areas_table import build_area_table
from dashboard.snapshot.build import STEPS, Step, build_snapshot, validate_stored
from dashboard.snapshot.contract import FEEDS
from dashboard.snapshot.history import read_current
from dashboard.snapshot.publish import snapshot_ids
from dashboard.snapshot.report import Refused
from geo.areas import all_areas
from tests.tiny import DAY2, write_delivery

ROOT = Path(__file__).resolve().parents[2]
NOW = datetime(2022, 8, 31, 9, 30)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write_delivery(tmp_path / "in")


def table(out: Path, snapshot_id: str, name: str) -> pl.DataFrame:
    return pl.read_parquet(out / snapshot_id / name / "part-0.parquet")


def test_a_delivery_becomes_a_published_snapshot(tmp_path: Path, source: Path) -> None:
    out = tmp_path / "home" / "snapshots"
    steps: list[Step] = []
    result = build_snapshot(input_dir=source, out=out, publish=True, clock=lambda: NOW, progress=steps.append)
    manifest = result.manifest
    assert (result.published, result.already, result.report.errors) == (True, False, ())
    assert read_current(out) == manifest.id
    assert (manifest.data_day, manifest.built_at, manifest.synthetic) == (DAY2, NOW, True)
    assert all(entry.reported for entry in manifest.tables)
    assert set(manifest.feeds) == {feed.id for feed in FEEDS}
    assert [step.number for step in steps] == list(range(1, STEPS + 1))
    assert table(out, manifest.id, "code_stock")["holders"].sum() == 2171 + 2178


def test_the_same_delivery_is_already_built(tmp_path: Path, source: Path) -> None:
    out = tmp_path / "snapshots"
    first = build_snapshot(input_dir=source, out=out, publish=True, clock=lambda: NOW)
    hours_later = NOW + timedelta(hours=5)
    second = build_snapshot(input_dir=source, out=out, publish=True, clock=lambda: hours_later)
    assert (second.already, second.published) == (True, False)
    assert second.manifest == first.manifest
    assert len(snapshot_ids(out)) == 1


def test_a_feed_that_did_not_deliver_is_not_reported(tmp_path: Path, source: Path) -> None:
    for name in ("scan_hourly", "scan_pixel", "scan_pyramid", "scan_holders"):
        (source / name / "two-days.parquet").unlink()
    out = tmp_path / "snapshots"
    manifest = build_snapshot(input_dir=source, out=out, clock=lambda: NOW).manifest
    assert manifest.table("scan_hourly").reported is False
    assert manifest.feeds["scans"] == "not_reported"
    row = table(out, manifest.id, "feed_state").row(by_predicate=pl.col("feed") == "scans", named=True)
    assert (row["state"], row["data_until"], row["accepted"]) == ("not_reported", None, None)
    assert read_current(out) is None


def test_rejected_rows_stay_on_the_build_side(tmp_path: Path, source: Path) -> None:
    path = source / "code_stock" / "two-days.parquet"
    frame = pl.read_parquet(path)
    secret = frame[0].with_columns(area=pl.lit("999999"), holders=pl.lit(4242, dtype=pl.Int64))
    pl.concat([frame, secret]).write_parquet(path)
    out = tmp_path / "home" / "snapshots"
    manifest = build_snapshot(input_dir=source, out=out, clock=lambda: NOW).manifest
    kept = tmp_path / "home" / "quarantine" / manifest.id / "codes.jsonl"
    (line,) = [json.loads(text) for text in kept.read_text(encoding="utf-8").splitlines()]
    assert (line["feed"], line["reason"]) == ("codes", "unknown_area")
    rejects = table(out, manifest.id, "feed_reject")
    assert rejects.rows() == [("codes", "unknown_area", 1)]
    assert not any(b"4242" in p.read_bytes() for p in out.rglob("*") if p.is_file())


def test_a_refused_candidate_leaves_a_report_and_nothing_else(
    tmp_path: Path, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "snapshots"
    good = build_snapshot(input_dir=source, out=out, publish=True, clock=lambda: NOW)
    # A policy that no longer knows a reason of the delivery.
    monkeypatch.setattr("dashboard.snapshot.build.colours_by_reason", lambda _policy: {"no_risk": ("green",)})
    path = source / "code_stock" / "two-days.parquet"
    pl.read_parquet(path).with_columns(pl.col("holders") + 1).write_parquet(path)
    with pytest.raises(Refused, match="policy does not know"):
        build_snapshot(input_dir=source, out=out, publish=True, clock=lambda: NOW)
    assert read_current(out) == good.manifest.id
    assert snapshot_ids(out) == (good.manifest.id,)
    assert [p.name for p in out.iterdir() if p.name.startswith(".staging")] == []
    reports = [json.loads(p.read_text()) for p in (tmp_path / "quarantine").rglob("report.json")]
    refused = [r for r in reports if any(f["outcome"] == "error" for f in r["findings"])]
    assert [r["snapshot_id"] == good.manifest.id for r in refused] == [False]


@pytest.mark.parametrize("name", ["absent", "empty"])
def test_nothing_delivered_is_nothing_built(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError) as caught:
        build_snapshot(input_dir=tmp_path / name, out=tmp_path / "snapshots", clock=lambda: NOW)
    assert caught.value.todo
    assert snapshot_ids(tmp_path / "snapshots") == ()


def test_warnings_reach_the_manifest_in_both_languages(tmp_path: Path, source: Path) -> None:
    path = source / "code_flow" / "two-days.parquet"
    frame = pl.read_parquet(path)
    frame.filter(pl.col("area") != "510703").write_parquet(path)
    manifest = build_snapshot(input_dir=source, out=tmp_path / "snapshots", clock=lambda: NOW).manifest
    (said,) = [w for w in manifest.warnings if "转码" in w]
    assert said.startswith("1 个地区的转码流量与码量变化不符，最大相差 8 人。 / Code changes do not explain")


def test_the_area_table_holds_every_code_with_its_last_day() -> None:
    frame = build_area_table()
    assert {a.code for a in all_areas()} <= set(frame["code"])
    old = frame.row(by_predicate=pl.col("code") == "510132", named=True)
    new = frame.row(by_predicate=pl.col("code") == "510118", named=True)
    assert (old["successor"], old["residents"]) == ("510118", None)
    assert old["valid_to"] + timedelta(days=1) == new["valid_from"]
    assert frame.filter(pl.col("level") == "city")["residents"].sum() == 83_674_866


def test_the_command_line_from_build_to_prune(
    tmp_path: Path, source: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TIANFU_HOME", str(tmp_path / "home"))
    assert run(["snapshot", "build", "--input", str(source), "--publish"]) == 0
    said = capsys.readouterr()
    (first,) = snapshot_ids(tmp_path / "home" / "snapshots")
    assert f"Built: {first}\nThe board serves {first}." in said.out
    assert f"build 1/{STEPS}: reading in\n" in said.err  # no terminal here, so lines instead of a bar
    assert run(["snapshot", "build", "--input", str(source), "--no-publish"]) == 0
    assert f"Already built: {first}" in capsys.readouterr().out

    (source / "scan_hourly" / "two-days.parquet").unlink()
    assert run(["snapshot", "build", "--input", str(source), "--publish"]) == 0
    second = read_current(tmp_path / "home" / "snapshots")
    assert second != first
    capsys.readouterr()
    assert run(["snapshot", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert {line[:2]: line[3:29] for line in lines} == {"->": second, "  ": first}
    assert run(["snapshot", "rollback"]) == 0
    assert capsys.readouterr().out == f"The board serves {first} again.\n"
    assert run(["snapshot", "publish", str(second)]) == 0
    assert run(["snapshot", "rollback", "--to", first]) == 0
    assert run(["snapshot", "validate", first]) == 0
    assert "0 warnings, 0 errors." in capsys.readouterr().out
    assert run(["snapshot", "validate", first, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["snapshot_id"] == first
    assert run(["snapshot", "prune", "--keep", "3"]) == 0
    assert capsys.readouterr().out == "Nothing to remove.\n"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["build", "--input", "absent"], 3, "is no folder"),
        (["validate"], 5, "There is no snapshot in"),
        (["validate", "nonsense"], 5, "'nonsense' is no snapshot id"),
        (["publish", "20220830T2100-000000000000"], 5, "does not exist"),
        (["rollback"], 5, "No snapshot was published before"),
        (["prune", "--keep", "1"], 4, "Keeping 1 snapshots is too few"),
        (["build"], 2, "--input"),
        (["nothing-like-that"], 2, "No such command"),
    ],
)
def test_errors_are_one_sentence_and_a_code_of_their_kind(
    tmp_path: Path, words: list[str], code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = [] if code == 2 else ["--out", str(tmp_path / "snapshots")]
    assert run(["snapshot", *words, *out]) == code
    err = capsys.readouterr().err
    assert said in err
    assert "Traceback" not in err
    if code != 2:
        assert [line for line in err.splitlines() if line.startswith("tianfu: ")] == [err.splitlines()[-1]]


def test_a_refused_stored_snapshot_is_a_failed_command(
    tmp_path: Path, source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "snapshots"
    manifest = build_snapshot(input_dir=source, out=out, clock=lambda: NOW).manifest
    (out / manifest.id / "area" / "part-0.parquet").unlink()
    assert run(["snapshot", "validate", "--out", str(out)]) == 4
    said = capsys.readouterr()
    assert "ERROR    area/part-0.parquet is missing." in said.out
    assert said.err.startswith("tianfu: area/part-0.parquet is missing.")


def test_a_wrong_setting_is_said_by_its_name(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PORT", "many")
    assert run(["snapshot", "list"]) == 10
    assert "PORT is 'many'" in capsys.readouterr().err


def test_a_terminal_gets_a_bar_instead_of_lines(tmp_path: Path, source: Path) -> None:
    ours, theirs = os.openpty()
    words = ["snapshot", "build", "--input", str(source), "--out", str(tmp_path / "snapshots")]
    done = subprocess.run(
        [sys.executable, "-m", "dashboard.cli.main", *words],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT), "TERM": "xterm", "COLUMNS": "120"},
        stdout=subprocess.PIPE,
        stderr=theirs,
        text=True,
        timeout=60,
        check=False,
    )
    os.close(theirs)
    shown = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # how a pseudo-terminal says that its other end is closed
            break
        if not part:
            break
        shown += part
    os.close(ours)
    text = shown.decode()
    assert (done.returncode, "Built: " in done.stdout) == (0, True), text
    assert f"{STEPS}/{STEPS}" in text
    assert "━" in text
    assert f"build 1/{STEPS}: reading" not in text


def test_a_build_goes_by_the_policy_in_force(tmp_path: Path, source: Path) -> None:
    """Another colour for a reason from one day on, and the days before it stay right."""
    out, path = tmp_path / "snapshots", source / "code_stock" / "two-days.parquet"
    rows = pl.read_parquet(path)
    reds = rows.filter(pl.col("colour") == "red")
    reason = reds["reason"][0]
    last = pl.col("date") == rows["date"].max()
    moved = (pl.col("reason") == reason) & last & (pl.col("area") == reds["area"][0])
    rows.with_columns(
        pl.when(moved).then(pl.lit("yellow")).otherwise("colour").alias("colour")
    ).write_parquet(path)
    with pytest.raises(Refused, match="do not match"):
        build_snapshot(input_dir=source, out=out, clock=lambda: NOW)
    edits: dict[str, str | int] = {
        f"health_code.rows.{reason}.colour": "yellow",
        "feeds.late_after_minutes.cases": 7,
    }
    policy = apply_edits(load_baseline(), edits, version=2).policy
    manifest = build_snapshot(input_dir=source, out=out, clock=lambda: NOW, policy=policy).manifest
    assert manifest.policy_version == 2
    assert validate_stored(out, manifest.id, policy=policy).errors == ()
