"""The record of publishing: one changed byte anywhere is found, and named."""

from __future__ import annotations

import re
import sqlite3

import pytest
from sqlalchemy import select, update
from typer.testing import CliRunner

from dashboard.cli.audit import app
from dashboard.cli.main import run
from dashboard.envelope.keyring import write_private
from dashboard.envelope.keys import Trust, make_signing_key, trust_path
from dashboard.publishing.verify import verify_records
from dashboard.store.audit import BrokenAuditError
from dashboard.store.engine import FILE
from dashboard.store.models import AuditRow
from tests.publishing_world import World

LOG, ENVELOPE = "audit_log", "policy_envelope"
SECOND = f"UPDATE {ENVELOPE} SET {{}} WHERE seq = 2"
TAMPERED = [
    (LOG, f"UPDATE {LOG} SET detail = detail || ' ' WHERE id = {{row}}", "Row {row} of"),
    (LOG, f"UPDATE {LOG} SET actor = 'nobody' WHERE id = {{row}}", "Row {row} of"),
    (LOG, f"UPDATE {LOG} SET at = '2022-01-19 07:30:59.000000' WHERE id = {{row}}", "Row {row} of"),
    (LOG, f"DELETE FROM {LOG} WHERE id = {{row}}", "Row {row} of the audit log is missing"),
    (ENVELOPE, SECOND.format("document = replace(document, ':48', ':49')"), "not what was signed"),
    (ENVELOPE, SECOND.format("entries = '[[1, 1, null]]'"), "not what was signed"),
    (ENVELOPE, SECOND.format("change_id = NULL"), "not what was signed"),
    (ENVELOPE, SECOND.format("kind = 'rollback'"), "not what was signed"),
    (ENVELOPE, SECOND.format("body = CAST(substr(body, 1, length(body) - 1) || 'x' AS BLOB)"), "its digest"),
    (ENVELOPE, SECOND.format("digest = 'sha256:' || hex(zeroblob(32))"), "its digest"),
    (ENVELOPE, SECOND.format("policy_id = 'another'"), "not what was signed"),
    (ENVELOPE, SECOND.format("issued_at = '2022-01-19 07:30:59.000000'"), "not what was signed"),
    (ENVELOPE, SECOND.format("effective_at_s = effective_at_s - 1"), "not what was signed"),
    (ENVELOPE, SECOND.format("expires_at_s = effective_at_s + 1"), "not what was signed"),
    (ENVELOPE, SECOND.format("entries = '5'"), "not what was signed"),
    (ENVELOPE, SECOND.format("entries = 'x'"), "An envelope cannot be read: "),
    (ENVELOPE, SECOND.format("issued_at = 'x'"), "An envelope cannot be read: "),
    (ENVELOPE, SECOND.format("body = CAST(body AS TEXT)"), "seq 2 holds no signed bytes"),
    (LOG, f"UPDATE {LOG} SET at = 'x' WHERE id = {{row}}", "Row {row} of the audit log cannot be read: "),
    (LOG, f"UPDATE {LOG} SET at = 5 WHERE id = {{row}}", "Row {row} of the audit log cannot be read: "),
    (ENVELOPE, f"DELETE FROM {ENVELOPE} WHERE seq = 2", "seq 2 is missing"),
    (ENVELOPE, f"DELETE FROM {ENVELOPE} WHERE seq = 3", "that is not there"),
]


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path)
    world.install()
    world.published({"appeals.resolve_hours": 48})
    world.emergency({"disclosure.min_cell": 12})
    write_private(trust_path(world.settings), Trust((world.key.public(),)).to_json().encode())
    yield world
    world.database.close()


def verify(world: World, *, expect: str = ""):
    with world.database.read() as connection:
        return verify_records(connection, trust=Trust((world.key.public(),)), expect=expect)


def tamper(world: World, table: str, statement: str) -> None:
    """Change the file as somebody with a shell would: past the triggers."""
    world.database.close()
    with sqlite3.connect(world.settings.home / FILE) as raw:
        for act in ("update", "delete"):
            raw.execute(f"DROP TRIGGER {table}_no_{act}")
        assert raw.execute(statement).rowcount == 1
    raw.close()


def test_a_whole_record_is_said_to_be_whole(world: World) -> None:
    found = verify(world)
    assert found.envelopes == 3
    assert verify(world, expect=found.last_hash) == found


@pytest.mark.parametrize(("table", "statement", "words"), TAMPERED)
def test_one_change_past_the_triggers_is_found(world: World, table, statement, words) -> None:
    with world.database.read() as connection:
        row = connection.execute(
            select(AuditRow.id).where(AuditRow.action == "policy_edit").order_by(AuditRow.id).limit(1)
        ).scalar_one()
    tamper(world, table, statement.format(row=row))
    with pytest.raises(BrokenAuditError, match=re.escape(words.format(row=row))):
        verify(world)


def test_an_envelope_of_another_key_is_found(world: World) -> None:
    with world.database.read() as connection, pytest.raises(BrokenAuditError, match="unknown_kid"):
        verify_records(connection, trust=Trust((make_signing_key().public(),)))


def test_rows_cut_off_at_the_end_are_found_by_a_noted_hash(world: World) -> None:
    noted = verify(world).last_hash
    with world.database.read() as connection:
        last = connection.execute(select(AuditRow.id).order_by(AuditRow.id.desc()).limit(1)).scalar_one()
    tamper(world, "audit_log", f"DELETE FROM audit_log WHERE id = {last}")
    with pytest.raises(BrokenAuditError, match="noted earlier"):
        verify(world, expect=noted)


def test_a_retired_key_signed_well_while_it_held(world: World) -> None:
    retired = world.key.public(not_after_s=int(world.at.timestamp()) + 10**6)
    with world.database.read() as connection:
        assert verify_records(connection, trust=Trust((retired,))).envelopes == 3


def test_the_store_itself_refuses_to_change_a_record(world: World) -> None:
    with pytest.raises(Exception, match="only grows"), world.database.write() as connection:
        connection.execute(update(AuditRow).values(actor="x"))


def test_the_command_passes_then_fails_after_one_byte(world: World, monkeypatch) -> None:
    monkeypatch.setenv("TIANFU_HOME", str(world.settings.home))
    world.database.close()
    whole = CliRunner().invoke(app, ["verify"], catch_exceptions=False)
    assert "3 signed envelopes" in whole.stdout
    last_hash = whole.stdout.split()[-1]
    assert CliRunner().invoke(app, ["verify", "--expect", last_hash]).exit_code == 0
    tamper(world, "audit_log", "UPDATE audit_log SET actor = 'editoR' WHERE id = 14")
    with pytest.raises(BrokenAuditError, match="Row 14"):
        CliRunner().invoke(app, ["verify"], catch_exceptions=False)


def test_a_damaged_file_is_one_sentence(world: World, monkeypatch, capsys) -> None:
    monkeypatch.setenv("TIANFU_HOME", str(world.settings.home))
    world.database.close()
    file = world.settings.home / FILE
    with sqlite3.connect(file) as raw:
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        size = raw.execute("PRAGMA page_size").fetchone()[0]
        page = raw.execute("SELECT rootpage FROM sqlite_master WHERE name = 'audit_log'").fetchone()[0]
    raw.close()
    content = bytearray(file.read_bytes())
    content[(page - 1) * size : page * size] = b"\xaa" * size
    file.write_bytes(content)
    assert run(["audit", "verify"]) == 7
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("tianfu: The store cannot be used: database disk image is malformed. ")
    assert said.err.count("\n") == 1
