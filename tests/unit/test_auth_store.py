"""The store: opened late, migrated once, written by one at a time; the audit log shows tampering."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
from datetime import datetime
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from dashboard.errors import SettingError, StorageError
from dashboard.settings import Settings, read_settings
from dashboard.store import engine
from dashboard.store.audit import BrokenAuditError, append_audit, check_audit, list_audit
from dashboard.store.engine import FILE, Database
from dashboard.store.models import Base
from dashboard.store.policy_models import PolicyChangeRow

ROOT = Path(__file__).resolve().parents[2]
AT = datetime(2022, 1, 19, 7, 30)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return read_settings({"TIANFU_HOME": str(tmp_path / "home")})


@pytest.fixture
def database(settings: Settings):
    database = Database(settings)
    yield database
    database.close()


def test_nothing_is_opened_before_first_use(settings: Settings) -> None:
    Database(settings).close()
    assert not settings.home.exists()


def test_the_migrations_make_exactly_the_declared_tables(database: Database) -> None:
    # Tables are declared in several modules; only an imported one is known to ``Base``.
    assert PolicyChangeRow.__table__.metadata is Base.metadata
    with database.read() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []


@pytest.mark.parametrize(
    ("pragma", "value"),
    [("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1), ("busy_timeout", 10_000)],
)
def test_sqlite_is_set_up_for_many_readers_and_no_lost_write(
    database: Database, pragma: str, value: str | int
) -> None:
    with database.read() as connection:
        assert connection.exec_driver_sql(f"PRAGMA {pragma}").scalar() == value


def test_the_file_is_its_owners_alone(database: Database, settings: Settings) -> None:
    with database.write() as connection:
        append_audit(connection, at=AT, actor="-", action="x", target="y")
    modes = {path.name: path.stat().st_mode & 0o777 for path in settings.home.iterdir()}
    assert modes[FILE] == 0o600
    assert set(modes.values()) == {0o600}


def test_four_processes_may_start_at_once(settings: Settings) -> None:
    code = (
        "from dashboard.settings import read_settings\nfrom dashboard.store.engine import Database\n"
        "import sys\nprint('ready', flush=True)\nsys.stdin.readline()\n"
        "database = Database(read_settings())\n"
        "with database.write() as c:\n"
        "    c.exec_driver_sql('INSERT INTO sign_in_throttle VALUES (hex(randomblob(8)), 1, 2022, 2022)')\n"
    )
    env = {"PATH": os.environ["PATH"], "TIANFU_HOME": str(settings.home), "PYTHONPATH": str(ROOT)}
    started = [
        subprocess.Popen(
            [sys.executable, "-W", "error", "-c", code],
            cwd=ROOT,
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for process in started:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in started:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    ends = [process.communicate(timeout=60) for process in started]
    assert [process.returncode for process in started] == [0, 0, 0, 0], ends
    database = Database(settings)
    with database.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM sign_in_throttle").scalar() == 4
        assert connection.exec_driver_sql("SELECT count(*) FROM alembic_version").scalar() == 1
    database.close()


def test_a_file_that_another_process_is_just_making_is_waited_for(settings: Settings) -> None:
    """SQLite refuses the switch to WAL at once while another writes, however long it may wait elsewhere."""
    settings.home.mkdir()
    other = sqlite3.connect(settings.home / FILE, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    other.execute("CREATE TABLE something (x)")
    done = threading.Timer(0.3, lambda: other.execute("COMMIT"))
    done.start()
    database = Database(settings)
    with database.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM account").scalar() == 0
    done.join()
    other.close()
    database.close()


def test_a_migration_that_fails_leaves_nothing_behind(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    upgrade = engine.upgrade

    def die(connection):  # type: ignore[no-untyped-def]
        upgrade(connection)
        raise RuntimeError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(engine, "upgrade", die)
        with pytest.raises(RuntimeError, match="killed"):
            _ = Database(settings).engine
    with sqlite3.connect(settings.home / FILE) as plain:
        assert plain.execute("SELECT name FROM sqlite_master").fetchall() == []
    plain.close()
    database = Database(settings)
    with database.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM account").scalar() == 0
    database.close()


def test_a_store_of_a_newer_release_is_refused(database: Database, settings: Settings) -> None:
    with database.write() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    database.close()
    with pytest.raises(StorageError, match="9999"):
        _ = Database(settings).engine


def test_a_fork_gets_connections_of_its_own(database: Database) -> None:
    with database.write() as connection:
        append_audit(connection, at=AT, actor="parent", action="x", target="y")
    parents = database.engine
    child = os.fork()
    if child == 0:
        code = 1
        try:
            with database.write() as connection:
                append_audit(connection, at=AT, actor="child", action="x", target="y")
            code = 0 if database.engine is not parents else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    with database.read() as connection:
        assert [entry.actor for entry in list_audit(connection)] == ["child", "parent"]
    assert database.engine is parents


def test_writers_do_not_lose_each_others_work(database: Database) -> None:
    def add() -> None:
        for _ in range(10):
            with database.write() as connection:
                append_audit(connection, at=AT, actor="-", action="x", target="y")

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.read() as connection:
        check_audit(connection)
        assert [entry.id for entry in list_audit(connection)] == list(range(40, 0, -1))


def test_a_write_that_raises_leaves_no_trace(database: Database) -> None:
    def fail_half_way() -> None:
        with database.write() as connection:
            append_audit(connection, at=AT, actor="-", action="x", target="y")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_half_way()
    with database.read() as connection:
        assert list_audit(connection) == ()


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("sqlite://", SettingError),
        ("sqlite:///:memory:", SettingError),
        ("no-such-thing", SettingError),
        ("nosuch://somewhere/db", SettingError),
        ("sqlite:////dev/null/x/store.sqlite3", StorageError),
    ],
)
def test_a_store_that_cannot_be_used_is_said_plainly(
    url: str, error: type[Exception], tmp_path: Path
) -> None:
    settings = read_settings({"TIANFU_HOME": str(tmp_path), "TIANFU_DATABASE_URL": url})
    with pytest.raises(error) as caught:
        _ = Database(settings).engine
    assert getattr(caught.value, "todo", "")


def test_a_file_that_is_no_database_is_said_plainly(settings: Settings) -> None:
    settings.home.mkdir(parents=True)
    (settings.home / FILE).write_bytes(b"this is no database " * 400)
    with pytest.raises(StorageError, match="cannot be opened"):
        _ = Database(settings).engine


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_log SET actor = 'somebody else' WHERE id = 2",
        "DELETE FROM audit_log WHERE id = 3",
        "DELETE FROM audit_log",
    ],
)
def test_the_audit_log_only_grows(database: Database, statement: str) -> None:
    _fill(database)
    with pytest.raises(IntegrityError, match="only grows"), database.write() as connection:
        connection.execute(text(statement))


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ("UPDATE audit_log SET actor = 'somebody else' WHERE id = 2", "Row 2"),
        ("UPDATE audit_log SET at = '2022-01-19 08:00:00.000000' WHERE id = 3", "Row 3"),
        ("UPDATE audit_log SET action = 'sign_in' WHERE id = 1", "Row 1"),
        ("UPDATE audit_log SET object = 'z' WHERE id = 4", "Row 4"),
        ("UPDATE audit_log SET detail = '{}' WHERE id = 2", "Row 2"),
        ("UPDATE audit_log SET hash = replace(hash, substr(hash, 1, 1), 'x') WHERE id = 5", "Row 5"),
        ("DELETE FROM audit_log WHERE id = 1", "Row 1"),
        ("DELETE FROM audit_log WHERE id = 3", "Row 3"),
        ("UPDATE audit_log SET id = 6 WHERE id = 2", "Row 2"),
    ],
)
def test_tampering_past_the_triggers_is_found(database: Database, statement: str, named: str) -> None:
    _fill(database)
    with database.write() as connection:
        connection.exec_driver_sql("DROP TRIGGER audit_log_no_update")
        connection.exec_driver_sql("DROP TRIGGER audit_log_no_delete")
        connection.execute(text(statement))
    with database.read() as connection, pytest.raises(BrokenAuditError, match=named):
        check_audit(connection)


def test_an_untouched_log_checks_out_and_reads_in_pages(database: Database) -> None:
    _fill(database)
    with database.read() as connection:
        assert check_audit(connection) == list_audit(connection, limit=1)[0].hash
        assert [e.id for e in list_audit(connection, limit=2, before=4)] == [3, 2]
        assert list_audit(connection, limit=1)[0].detail == '{"n":4,"word":"成都"}'


def _fill(database: Database) -> None:
    with database.write() as connection:
        for n in range(5):
            append_audit(
                connection, at=AT, actor="viewer", action="look", target="y", detail={"n": n, "word": "成都"}
            )
