"""``tianfu policy import|publish|status|install-baseline``: a person acts, every rule holds."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import update
from typer.testing import CliRunner

from dashboard.auth.passwords import hash_password
from dashboard.cli import main
from dashboard.clock import china_now
from dashboard.envelope.keyring import ensure_demo_keys
from dashboard.envelope.keys import load_signing_key
from dashboard.errors import PolicyError, SignInRequired
from dashboard.policy.document import canonical_json, digest_policy
from dashboard.policy.store import load_baseline, load_presets
from dashboard.publishing.changes import list_changes
from dashboard.publishing.edits import apply_edits
from dashboard.publishing.errors import NotAllowed
from dashboard.publishing.history import list_envelopes
from dashboard.publishing.importing import edits_from
from dashboard.store.audit import list_audit
from dashboard.store.models import AccountRow
from dashboard.store.policy_models import PolicyOutboxRow
from tests.publishing_world import World

PASSWORD = "only-for-tests-7Qh2"
HASHED = hash_password(PASSWORD)


@pytest.fixture
def world(tmp_path, monkeypatch):
    world = World(tmp_path / "home")
    monkeypatch.setenv("TIANFU_HOME", str(world.settings.home))
    monkeypatch.setenv("COLUMNS", "200")
    ensure_demo_keys(world.settings)
    world.key = load_signing_key(world.settings)
    world.at = china_now()
    with world.database.write() as connection:
        connection.execute(update(AccountRow).values(password_hash=HASHED))
    yield world
    world.database.close()


def run(*words: str, password: str = PASSWORD) -> str:
    done = CliRunner().invoke(main.app, list(words), input=f"{password}\n", catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def write_document(path, **changes: int) -> None:
    content = json.loads(canonical_json(load_baseline()))
    content["appeals"] |= changes
    path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")


def test_from_a_file_to_an_envelope(world: World, tmp_path) -> None:
    assert "version 1, seq 1" in run("policy", "install-baseline")
    assert "nothing was done" in run("policy", "install-baseline")
    file = tmp_path / "draft.json"
    write_document(file, resolve_hours=48)
    said = run("policy", "import", str(file), "--as", "editor")
    assert "1 fields edited" in said
    with world.database.read() as connection:
        (change,) = list_changes(connection)
    assert dict(change.edits) == {"appeals.resolve_hours": 48}
    world.at = china_now()
    approved = world.approve(world.ask(change))
    assert "seq 2" in run("policy", "publish", approved.id, "--as", "commander2")
    shown = run("policy", "status", "--lang", "en")
    assert "version 1" in shown
    assert "waiting" in shown
    assert "commander" in shown
    diff = run("policy", "diff", "1", "v2")
    assert "appeals.resolve_hours" in diff
    exported = tmp_path / "v2.json"
    run("policy", "export", "--version", "2", "--out", str(exported))
    assert json.loads(exported.read_text(encoding="utf-8"))["appeals"]["resolve_hours"] == 48
    assert digest_policy(load_baseline()) in run("policy", "show", "--version", "1")
    assert "2 signed envelopes" in run("audit", "verify")
    with world.database.read() as connection:
        acts = {row.action for row in list_audit(connection)}
        assert len(list_envelopes(connection)) == 2
    assert {"sign_in", "sign_out", "policy_publish", "policy_baseline"} <= acts


def test_a_wrong_password_or_right_changes_nothing(world: World, tmp_path) -> None:
    world.install()
    change = world.approved()
    with pytest.raises(SignInRequired):
        run("policy", "publish", change.id, "--as", "commander2", password="wrong-password-1")
    with pytest.raises(NotAllowed):
        run("policy", "publish", change.id, "--as", "editor")
    file = tmp_path / "draft.json"
    write_document(file, resolve_hours=48)
    with pytest.raises(NotAllowed):
        run("policy", "import", str(file), "--as", "commander")
    assert world.outbox() == [1]
    with world.database.read() as connection:
        assert [row.actor for row in list_audit(connection) if row.action == "policy_refused"] == [
            "commander",
            "editor",
        ]


def test_an_import_replaces_what_the_draft_said(world: World, tmp_path) -> None:
    world.draft({"disclosure.min_cell": 12})
    file = tmp_path / "draft.json"
    write_document(file, resolve_hours=48)
    run("policy", "import", str(file), "--as", "editor")
    with world.database.read() as connection:
        (change,) = list_changes(connection)
    assert dict(change.edits) == {"appeals.resolve_hours": 48}


def test_status_check_fails_while_the_service_is_unknown(world: World) -> None:
    done = CliRunner().invoke(main.app, ["policy", "status", "--check"])
    assert done.exit_code == 1


def test_status_says_why_a_delivery_failed_and_what_to_do(world: World) -> None:
    run("policy", "install-baseline")
    refused = {"state": "blocked", "last_error": "401: [/b] Compare the token."}
    with world.database.write() as connection:
        connection.execute(update(PolicyOutboxRow).values(**refused))
    said = run("policy", "status", "--lang", "en").splitlines()
    assert "seq 1 blocked: 401: [/b] Compare the token." in said
    assert "to do      Start the sender: tianfu sender." in said


def test_square_brackets_that_somebody_typed_are_printed_as_they_are(world: World) -> None:
    run("policy", "install-baseline")
    world.published({"provenance.appeals.resolve_hours": "[/red] order", "title.zh": "[/b]"})
    assert "[/red] order" in run("policy", "show", "--version", "2")
    assert "[/b]" in run("policy", "show", "--version", "2")
    assert "[/b]" in run("policy", "diff", "1", "2")


EDITS = [
    {"health_code.rows.near_risk_area.hold_days": 7},
    {"preset": "high-low-5d"},
    {"health_code.rows.same_coach": ""},
    {
        "health_code.rows.visited_market": "add",
        "health_code.rows.visited_market.colour": "yellow",
        "health_code.rows.visited_market.release": "declared",
        "health_code.rows.visited_market.zh": "到过市场",
        "health_code.rows.visited_market.en": "Visited the market",
    },
    {
        "override_bounds.appeals.resolve_hours.override_min": 48,
        "override_bounds.appeals.resolve_hours.override_max": 96,
        "overrides.510100.appeals.resolve_hours": 48,
    },
    {
        "provenance.appeals.resolve_hours": "川疫指发〔2022〕3 号",
        "mark.appeals.resolve_hours": "p",
        "note.appeals.resolve_hours": "试行",
    },
    {"title.zh": "应急阈值", "notes.en": "Tried for a month."},
]


@pytest.mark.parametrize("edits", EDITS, ids=lambda edits: next(iter(edits)))
def test_a_document_becomes_the_edits_that_make_it(edits) -> None:
    base = load_baseline()
    wanted = apply_edits(base, edits, version=2).policy
    assert wanted is not None
    made = apply_edits(base, edits_from(base, wanted), version=2).policy
    assert made is not None
    assert canonical_json(made) == canonical_json(wanted)


def test_what_no_draft_can_change_is_named() -> None:
    content = json.loads(canonical_json(load_baseline()))
    content["colours"][0]["zh"] = "赤码"
    document = type(load_baseline()).model_validate_json(json.dumps(content))
    with pytest.raises(PolicyError, match=r"colours\.red\.zh"):
        edits_from(load_baseline(), document)


def test_every_preset_becomes_edits() -> None:
    base = load_baseline()
    for name in load_presets():
        wanted = apply_edits(base, {"preset": name, "disclosure.min_cell": 12}, version=2).policy
        assert wanted is not None
        own = name == base.risk_area.rule_set
        preset = {} if own else {"preset": name}
        assert edits_from(base, wanted) == {**preset, "disclosure.min_cell": 12}
