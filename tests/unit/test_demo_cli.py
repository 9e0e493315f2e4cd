"""``tianfu demo-data`` on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from dashboard.cli.demo_data import demo_data

APP = typer.Typer()
APP.command()(demo_data)


def test_writes_the_folder_and_says_what_is_in_it(tmp_path: Path) -> None:
    out = tmp_path / "in"
    result = CliRunner().invoke(
        APP, ["--scale", "tiny", "--out", str(out), "--end", "2022-05-01", "--seed", "3"]
    )
    assert result.exit_code == 0, result.output
    assert "2022-04-18 to 2022-05-01" in result.stdout
    assert "all of it invented" in result.stdout
    assert (out / "risk_feed" / "2022-05-01.json").is_file()
    assert "scan_hourly" in result.stderr  # progress goes beside the answer, not into it


def test_without_out_it_writes_into_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIANFU_HOME", str(tmp_path))
    assert CliRunner().invoke(APP, ["--scale", "tiny"]).exit_code == 0
    assert (tmp_path / "demo-input" / "synthetic.json").is_file()


@pytest.mark.parametrize(
    "wrong", [["--scale", "huge"], ["--seed", "-1"], ["--end", "tomorrow"], ["--end", "2021-02-30"]]
)
def test_wrong_options_are_refused(tmp_path: Path, wrong: list[str]) -> None:
    result = CliRunner().invoke(APP, ["--out", str(tmp_path / "x"), *wrong])
    assert result.exit_code == 2
    assert not (tmp_path / "x").exists()
