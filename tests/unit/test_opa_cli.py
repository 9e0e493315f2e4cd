"""``tianfu policy opa``: a token once, the settings, the list, taking a token back."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from sqlalchemy import select

from dashboard.cli.main import run
from dashboard.envelope.keyring import ensure_demo_keys
from dashboard.publishing import opa
from dashboard.settings import Settings
from dashboard.store.engine import Database
from dashboard.store.opa_models import OpaInstanceRow
from tests.envelopes import home_settings


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("TIANFU_HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")
    return home_settings(tmp_path)


def test_a_token_is_shown_once_and_kept_as_its_hash(settings, capsys):
    assert run(["policy", "opa", "add", "gate-1"]) == 0
    token = capsys.readouterr().out.strip()
    database = Database(settings)
    with database.read() as connection:
        assert opa.find_instance(connection, token) == "gate-1"
        kept = connection.execute(select(OpaInstanceRow.token_sha256)).scalar_one()
    assert token not in kept
    assert run(["policy", "opa", "add", "gate-1"]) == 3
    assert "already" in capsys.readouterr().err
    assert run(["policy", "opa", "list"]) == 0
    listed = capsys.readouterr().out
    assert "gate-1" in listed
    assert "unknown" in listed
    assert run(["policy", "opa", "revoke", "gate-1"]) == 0
    with database.read() as connection:
        assert opa.find_instance(connection, token) is None
    assert run(["policy", "opa", "revoke", "gate-1"]) == 3
    capsys.readouterr()
    run(["policy", "opa", "list"])
    assert "revoked" in capsys.readouterr().out
    database.close()


def test_the_settings_hold_every_trusted_key(settings, capsys):
    key = ensure_demo_keys(settings)
    run(["policy", "keys", "prepare"])
    capsys.readouterr()
    assert run(["policy", "opa", "settings", "--url", "https://board.example.cn"]) == 0
    keys = yaml.safe_load(capsys.readouterr().out)["keys"]
    assert key.kid in keys
    assert len(keys) == 2
    assert all("PRIVATE" not in one["key"] for one in keys.values())


def test_there_is_no_bundle_before_the_first_publication(settings, tmp_path, capsys):
    ensure_demo_keys(settings)
    assert run(["policy", "opa", "bundle", str(tmp_path / "b.tar.gz")]) == 9
    assert "Nothing was published" in capsys.readouterr().err
    assert not (tmp_path / "b.tar.gz").exists()
