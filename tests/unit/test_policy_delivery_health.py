"""``/healthz`` names the verdict on the rules service, and stays an answer when the store cannot be read."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask

from dashboard.clock import china_now
from dashboard.envelope.keyring import ensure_demo_keys
from dashboard.policy.store import load_baseline
from dashboard.publishing.publish import install_baseline
from dashboard.shell import health
from dashboard.shell.board import Board
from dashboard.snapshot.publish import publish_snapshot
from dashboard.snapshot.store import Store
from dashboard.store.engine import FILE, Database
from tests.envelopes import home_settings
from tests.tiny import BUILT_AT, build_tiny


def read_health(home: Path) -> tuple[int, dict[str, object]]:
    settings = home_settings(home)
    database = Database(settings)
    server = Flask("health")
    health.install(server, Board(settings, Store(settings.board_snapshots), database))
    answer = server.test_client().get("/healthz")
    database.close()
    return answer.status_code, dict(answer.json or {})


@pytest.fixture
def home(tmp_path: Path) -> Path:
    snapshots = tmp_path / "snapshots"
    publish_snapshot(snapshots, build_tiny(snapshots).id, now=BUILT_AT)
    return tmp_path


def test_before_anything_is_published_the_verdict_is_unknown_and_the_board_healthy(home: Path) -> None:
    status, said = read_health(home)
    assert (status, said["status"]) == (200, "ok")
    assert said["policy"] == {"verdict": "unknown", "reason": "nothing_issued"}
    assert said["policy_version"] == load_baseline().version


def test_published_and_nobody_sends(home: Path) -> None:
    settings = home_settings(home)
    database = Database(settings)
    with database.write() as connection:
        install_baseline(connection, ensure_demo_keys(settings), china_now())
    database.close()
    status, said = read_health(home)
    assert (status, said["policy"]) == (200, {"verdict": "unknown", "reason": "sender_silent"})


def test_a_store_that_cannot_be_read_is_said_and_the_board_serves_on(home: Path) -> None:
    (home / FILE).mkdir()
    status, said = read_health(home)
    assert (status, said["status"]) == (200, "ok")
    assert said["policy"] == {"verdict": "unknown", "reason": "no_store"}


def test_without_a_snapshot_the_verdict_is_named_too(tmp_path: Path) -> None:
    status, said = read_health(tmp_path)
    assert (status, said["status"]) == (503, "no snapshot")
    assert said["policy"] == {"verdict": "unknown", "reason": "nothing_issued"}
