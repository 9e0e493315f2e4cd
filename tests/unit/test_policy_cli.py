"""``tianfu policy``: what it prints, and how it fails."""

from __future__ import annotations

import json
from hashlib import sha256

import pytest
from typer.testing import CliRunner

from dashboard.cli import main
from dashboard.cli.policy import app
from dashboard.errors import PolicyError, StorageError
from dashboard.policy.document import canonical_json, digest_policy
from dashboard.policy.store import load_baseline

run = CliRunner(env={"COLUMNS": "220"})


@pytest.fixture(autouse=True)
def empty_home(tmp_path, monkeypatch):
    """No store: what is in force is the baseline, and a command that reads makes no store."""
    home = tmp_path / "home"
    monkeypatch.setenv("TIANFU_HOME", str(home))
    yield
    assert not home.exists()


@pytest.mark.parametrize(
    ("lang", "words"),
    [
        (
            "en",
            (
                "risk_area.high_min_cumulative_cases",
                "51",
                "cases",
                "sampling",
                "not verified",
                "Close contact",
                "21",
            ),
        ),
        ("zh-CN", ("观察窗口", "14", "天", "县域 14 天规则", "未核实", "密切接触者", "申报或医生排除后解除")),
    ],
)
def test_show(lang, words):
    result = run.invoke(app, ["show", "--lang", lang])
    assert result.exit_code == 0
    for word in words:
        assert word in result.stdout


def test_show_json_is_canonical():
    assert run.invoke(app, ["show", "--json"]).stdout == canonical_json(load_baseline()) + "\n"


def test_export_writes_the_bytes_of_the_digest(tmp_path):
    out = tmp_path / "policy.json"
    result = run.invoke(app, ["export", "--out", str(out)])
    digest = "sha256:" + sha256(out.read_bytes()).hexdigest()
    assert digest == digest_policy(load_baseline())
    assert digest in result.stdout
    assert run.invoke(app, ["export"]).stdout.encode() == out.read_bytes() + b"\n"


def test_export_that_cannot_be_written(tmp_path):
    with pytest.raises(StorageError, match="cannot be written"):
        run.invoke(app, ["export", "--out", str(tmp_path)], catch_exceptions=False)


def test_diff(tmp_path):
    content = json.loads(canonical_json(load_baseline()))
    file = tmp_path / "draft.json"
    file.write_text(json.dumps(content), encoding="utf-8")
    assert run.invoke(app, ["diff", "baseline", str(file)]).stdout == "No field differs.\n"
    content["risk_area"]["high_min_cumulative_cases"] = 30
    file.write_text(json.dumps(content), encoding="utf-8")
    shown = run.invoke(app, ["diff", "baseline", str(file)]).stdout
    row = next(line for line in shown.splitlines() if "risk_area.high_min_cumulative_cases" in line)
    assert row.index("changed") < row.index("51") < row.index("30")
    assert "1 field differs." in shown


def test_diff_refuses_a_bad_document(tmp_path):
    file = tmp_path / "draft.toml"
    file.write_text("version = 0\n", encoding="utf-8")
    with pytest.raises(PolicyError, match="version is 0") as caught:
        run.invoke(app, ["diff", "baseline", str(file)], catch_exceptions=False)
    assert caught.value.exit_code == 9


def test_without_a_store_nothing_is_said_to_be_in_force_or_whole():
    done = run.invoke(main.app, ["policy", "status"])
    assert "nothing was published" in done.stdout
    assert run.invoke(main.app, ["policy", "status", "--check"]).exit_code == 1
    with pytest.raises(StorageError, match="no store"):
        run.invoke(main.app, ["audit", "verify"], catch_exceptions=False)
