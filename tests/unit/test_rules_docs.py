"""What ``docs/rules-service.md`` prints is run as it stands, against real services."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dashboard.cli.main import app
from dashboard.envelope.keyring import ensure_demo_keys
from dashboard.errors import SettingError
from dashboard.policy.decide import FIELDS
from dashboard.rules.refusal import REFUSALS
from tests.envelopes import entry, envelope, home_settings
from tests.processes import ROOT, environment
from tests.rules_process import running_rules

PAGE = (ROOT / "docs" / "rules-service.md").read_text(encoding="utf-8")
NOW = int(time.time())


def block(name: str) -> str:
    """The one block of the page fenced with ``name``."""
    found = re.findall(rf"^```{name}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert len(found) == 1, name
    return str(found[0])


def bash(script: str, folder: Path, **env: str) -> str:
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env=environment(folder) | env,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_calls_work_as_printed(tmp_path: Path) -> None:
    with running_rules(tmp_path / "var") as rules:
        here = block("sh try").replace("http://127.0.0.1:8060", rules.url)
        said = bash(here, tmp_path)
        assert '"accepted":null' in said
        assert '"reason":"no_active_version"' in said
        body = rules.publish(envelope(1, entry(1, start_s=NOW - 60), at_s=NOW))
        assert '"valid":true' in (said := bash(here, tmp_path))
        assert '"revision":"epidemic:1"' in said
        with running_rules(tmp_path / "second") as second:
            # The second service has keys of its own: it must be given those of the board.
            trust = tmp_path / "second" / "keys" / "policy-trust.json"
            trust.write_bytes((tmp_path / "var" / "keys" / "policy-trust.json").read_bytes())
            with_token = block("sh move").replace('"$AUTH" -X PUT', '"Authorization: Bearer $OTHER" -X PUT')
            bash(
                with_token,
                tmp_path,
                TOKEN=rules.token,
                RULES=rules.url,
                SECOND=second.url,
                OTHER=second.token,
            )
            assert second.status().accepted.digest == rules.status().accepted.digest
            assert (tmp_path / "head.jose").read_bytes() == body
        (tmp_path / "verify.py").write_text(block("python verify"))
        done = subprocess.run(
            [sys.executable, "verify.py", "head.jose", "var/keys/policy-trust.json"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.stdout, done.stderr) == ("epidemic:1 [1]\n", "")


def read_env(name: str, folder: Path) -> dict[str, str]:
    """The settings of a block, its places moved into ``folder``."""
    pairs = (line.partition("=") for line in block(name).splitlines())
    return {
        key: value.replace("/etc/tianfu", str(folder / "etc")).replace("/var/lib", str(folder / "lib"))
        for key, _, value in pairs
    }


def test_the_configuration_of_two_machines_works_as_printed(tmp_path: Path) -> None:
    made = ensure_demo_keys(home_settings(tmp_path / "board"))
    (tmp_path / "etc").mkdir()
    for name in ("policy.pem", "policy-trust.json"):
        os.rename(tmp_path / "board" / "keys" / name, tmp_path / "etc" / name)
    rules_env, board_env = read_env("ini rules", tmp_path), read_env("ini board", tmp_path)
    home = Path(rules_env.pop("TIANFU_HOME"))
    assert rules_env.pop("RULES_PORT") == "8060"
    board = home_settings(tmp_path / "board", **board_env)
    assert ensure_demo_keys(board).kid == made.kid, "nothing new is made where settings name files"
    assert board.rules_address == "https://rules.example:8443"
    with running_rules(home, key=made, **rules_env) as rules:
        assert rules.token == board_env["TIANFU_RULES_TOKEN"]
        rules.publish(envelope(1, entry(1, start_s=NOW - 60), at_s=NOW))
        assert rules.window() == 14
    assert {path.name for path in home.iterdir() if path.is_dir()} == {"rules"}, "no key is kept there"


def test_the_key_commands_work_as_printed(tmp_path: Path) -> None:
    tianfu = CliRunner(env={"TIANFU_HOME": str(tmp_path), "COLUMNS": "200"})
    assert tianfu.invoke(app, ["policy", "keys", "make"]).exit_code == 0
    for line in block("sh keys").splitlines():
        program, *words = line.split()
        assert program == "tianfu"
        assert tianfu.invoke(app, words).exit_code == 0
    before, after = (ensure_demo_keys(home_settings(tmp_path)).kid for _ in range(2))
    assert before == after
    listed = tianfu.invoke(app, ["policy", "keys", "list"]).stdout
    assert listed.count("signs") == 1
    assert len(re.findall(r"20\d\d-\d\d-\d\d \d\d:\d\d", listed)) == 1, "the old key has an end"
    refused = tianfu.invoke(app, ["policy", "keys", "rotate", "--overlap-hours", "0"])
    assert isinstance(refused.exception, SettingError)


@pytest.mark.parametrize(
    "code",
    sorted(
        set(REFUSALS)
        - {"method", "not_found", "bug", "damaged", "slow", "no_token", "bad_token", "no_precondition"}
    ),
)
def test_every_refusal_of_a_publication_is_explained(code: str) -> None:
    assert f"`{code}`" in PAGE


@pytest.mark.parametrize("ask", FIELDS)
def test_the_fields_of_every_answer_are_stated(ask: str) -> None:
    row = next(line for line in PAGE.splitlines() if line.startswith(f"| `{ask}` |") and "`ask`" not in line)
    assert row.split("|")[3].replace("`", "").strip().split(", ") == list(FIELDS[ask])
