"""A board on a real S3 server: what is published there arrives, and a store that is away stops nobody."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from tests.faults.test_live_switch import wait_for
from tests.object_store import KEY_ID, SECRET, S3Server, s3_server
from tests.processes import ROOT, RunningBoard, environment, healthz, running_board
from tests.tiny import write_delivery
from tests.visitor import Visitor, answers


@pytest.fixture
def s3() -> Iterator[S3Server]:
    with s3_server() as running:
        yield running


def tianfu(home: Path, s3: S3Server, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "dashboard.cli.main", "snapshot", *words],
        cwd=ROOT,
        env=environment(home, **s3.environment),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def delivery(folder: Path, number: int) -> Path:
    write_delivery(folder)
    path = folder / "code_stock" / "two-days.parquet"
    pl.read_parquet(path).with_columns(pl.col("holders") + number).write_parquet(path)
    return folder


def build(home: Path, s3: S3Server, folder: Path) -> str:
    done = tianfu(home, s3, "build", "--input", str(folder), "--publish")
    assert done.returncode == 0, done.stderr
    last = done.stdout.splitlines()[-1]
    assert last.startswith("The board serves "), done.stdout
    return last.removeprefix("The board serves ").rstrip(".")


def shows(board: RunningBoard, name: str) -> bool:
    return healthz(board.url).get("snapshot_id") == name


def test_from_the_build_machine_through_the_store_to_a_board_elsewhere(s3: S3Server, tmp_path: Path) -> None:
    build_home, board_home = tmp_path / "build", tmp_path / "board"
    board_home.mkdir()
    with running_board(board_home, TIANFU_WORKERS="2", **s3.environment) as board:
        assert healthz(board.url)["snapshot_id"] is None
        first = build(build_home, s3, delivery(tmp_path / "one", 0))
        wait_for(lambda: shows(board, first), within=20)
        visitor = Visitor(board)
        before = visitor.rows()
        second = build(build_home, s3, delivery(tmp_path / "two", 1))
        wait_for(lambda: answers(board.url, 6) == {second})
        assert visitor.rows(first) == before
        s3.stop()
        wait_for(lambda: "notice" in healthz(board.url), within=30)
        said = healthz(board.url)
        assert (said["status"], said["snapshot_id"]) == ("ok", second)
        assert str(said["notice"]).startswith("The newest snapshot known at ")
        assert said["known_as_of"]
        assert visitor.rows()[0] == second
        failed = tianfu(build_home, s3, "rollback")
        assert failed.returncode == 7
        assert failed.stderr.startswith("tianfu: The snapshot store s3://snapshots/board does not answer")
        s3.start()
        wait_for(lambda: "notice" not in healthz(board.url), within=30)
        assert tianfu(build_home, s3, "rollback").returncode == 0
        wait_for(lambda: shows(board, first))
        listed = tianfu(build_home, s3, "list").stdout
        assert f"-> {first}" in listed
        assert second in listed
    for path in tmp_path.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert SECRET.encode() not in data, path
            assert KEY_ID.encode() not in data, path
    log = (board_home / "board.log").read_text()
    assert "Traceback" not in log, log[-3000:]


@pytest.mark.soak
def test_a_board_that_starts_while_the_store_is_away_shows_its_copy(s3: S3Server, tmp_path: Path) -> None:
    home = tmp_path / "home"
    first = build(home, s3, delivery(tmp_path / "one", 0))
    with running_board(home, TIANFU_WORKERS="1", **s3.environment) as board:
        wait_for(lambda: shows(board, first), within=20)
    s3.stop()
    with running_board(home, TIANFU_WORKERS="1", **s3.environment) as board:
        assert shows(board, first)
        wait_for(lambda: "notice" in healthz(board.url), within=30)
        assert shows(board, first)
    empty = tmp_path / "empty"
    empty.mkdir()
    with running_board(empty, TIANFU_WORKERS="1", **s3.environment) as board:
        wait_for(lambda: "does not answer" in str(healthz(board.url).get("reason")), within=30)


def test_wrong_keys_are_said_plainly_and_not_repeated(s3: S3Server, tmp_path: Path) -> None:
    without = {k: v for k, v in s3.environment.items() if k != "AWS_SECRET_ACCESS_KEY"}
    env = {k: v for k, v in environment(tmp_path).items() if not k.startswith("AWS_")} | without
    done = subprocess.run(
        [sys.executable, "-m", "dashboard.cli.main", "snapshot", "list"],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (10, "")
    assert done.stderr == (
        "tianfu: AWS_SECRET_ACCESS_KEY is not set. The object store of TIANFU_SNAPSHOTS needs it in the "
        "environment.\n"
    )


def test_a_shared_folder_is_only_another_path(tmp_path: Path) -> None:
    share = tmp_path / "share" / "snapshots"
    build_home, board_home = tmp_path / "build", tmp_path / "board"
    board_home.mkdir()
    (tmp_path / "share").mkdir()
    words = ("--input", str(delivery(tmp_path / "one", 0)))
    done = subprocess.run(
        [sys.executable, "-m", "dashboard.cli.main", "snapshot", "build", "--publish", *words],
        cwd=ROOT,
        env=environment(build_home, TIANFU_SNAPSHOTS=str(share)),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    # Rejected rows may speak of a person: they stay on the build machine.
    assert os.listdir(tmp_path / "share") == ["snapshots"]
    assert (build_home / "quarantine").is_dir()
    with running_board(board_home, TIANFU_SNAPSHOTS=str(share)) as board:
        assert healthz(board.url)["status"] == "ok"
        assert Visitor(board).rows()[1]
    assert not (board_home / "snapshots").exists()
