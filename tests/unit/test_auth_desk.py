"""The sign-in desk: what is refused, for how long, and what a session survives."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event, select, update

from dashboard.auth import passwords
from dashboard.auth.accounts import (
    NewAccount,
    add_account,
    clean_login,
    get_account,
    list_accounts,
    set_disabled,
    set_password,
)
from dashboard.auth.demo import DEMO_LOGINS, PASSWORD_FILE, ensure_demo_accounts
from dashboard.auth.desk import Desk, Refused, Visitor
from dashboard.auth.loopback import is_loopback
from dashboard.auth.passwords import NOBODY, hash_password, password_matches
from dashboard.auth.sessions import NewSession
from dashboard.auth.throttle import ADDRESS, LOCK, LOGIN, Limit
from dashboard.errors import SettingError, TianfuError
from dashboard.settings import Settings, read_settings
from dashboard.store.audit import check_audit, list_audit
from dashboard.store.engine import FILE, Database
from dashboard.store.models import AccountRow, SessionRow, ThrottleRow

PASSWORD = "only-for-tests-7Qh2"
HERE = Visitor(address="10.1.2.3", agent="Test")
ELSEWHERE = Visitor(address="10.9.9.9", agent="Test")


@dataclass
class HandClock:
    """A clock that moves when told."""

    at: datetime = field(default=datetime(2022, 1, 19, 7, 30))

    def __call__(self) -> datetime:
        return self.at

    def pass_(self, **time: float) -> None:
        self.at += timedelta(**time)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cheap hashes: these tests weigh hundreds of passwords."""
    monkeypatch.setattr(passwords, "_HASHER", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    monkeypatch.setattr(passwords, "NOBODY", passwords._HASHER.hash("nobody knows"))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return read_settings({"TIANFU_HOME": str(tmp_path / "home"), "TIANFU_DEMO_PASSWORD": PASSWORD})


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def desk(quick: None, settings: Settings, clock: HandClock) -> Iterator[Desk]:
    desk = Desk(settings, clock=clock)
    ensure_demo_accounts(settings, database=desk.database)
    yield desk
    desk.database.close()


def signed_in(desk: Desk, login: str = "viewer", visitor: Visitor = HERE) -> NewSession:
    outcome = desk.sign_in(login=login, password=PASSWORD, visitor=visitor)
    assert isinstance(outcome, NewSession)
    return outcome


def refused(desk: Desk, login: str = "viewer", visitor: Visitor = HERE, password: str = "wrong") -> Refused:
    outcome = desk.sign_in(login=login, password=password, visitor=visitor)
    assert isinstance(outcome, Refused)
    return outcome


# --- passwords ---------------------------------------------------------------------------------


@pytest.mark.parametrize("length", [0, 11, 257])
def test_passwords_too_short_or_long_are_not_taken(length: int) -> None:
    with pytest.raises(TianfuError, match=f"{length} characters"):
        hash_password("x" * length)


def test_a_stored_password_is_argon2id_and_salted() -> None:
    one, two = hash_password(PASSWORD), hash_password(PASSWORD)
    assert one.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert one != two
    assert password_matches(one, PASSWORD)
    assert NOBODY.startswith("$argon2id$v=19$m=65536,t=3,p=4$"), "the dummy must cost what a real hash costs"


@pytest.mark.parametrize("password", ["", "wrong", PASSWORD + " ", PASSWORD.upper(), "长" * 5000, "\x00"])
def test_other_passwords_do_not_match(quick: None, password: str) -> None:
    assert not password_matches(hash_password(PASSWORD), password)
    assert not password_matches(None, password)
    assert not password_matches("no hash at all", password)


@pytest.mark.parametrize("login", ["viewer", "nobody", "auditor"])
def test_every_failure_weighs_one_password(desk: Desk, monkeypatch: pytest.MonkeyPatch, login: str) -> None:
    """Unknown login, wrong password and disabled account cost the same, so time tells nothing."""
    with desk.database.write() as connection:
        account = get_account(connection, "auditor")
        set_disabled(connection, account, disabled=True, actor="test", at=desk.clock())
    weighed: list[str] = []
    real = passwords._HASHER

    class Counting:
        def verify(self, stored: str, password: str) -> bool:
            weighed.append(stored)
            return real.verify(stored, password)

    monkeypatch.setattr(passwords, "_HASHER", Counting())
    assert refused(desk, login) == Refused(weighed=True, until=None)
    assert len(weighed) == 1


# --- throttle ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limit", "failures", "seconds"),
    [
        (LOGIN, 1, 0),
        (LOGIN, 3, 0),
        (LOGIN, 4, 2),
        (LOGIN, 5, 4),
        (LOGIN, 8, 32),
        (LOGIN, 9, 60),
        (LOGIN, 10, 900),
        (LOGIN, 50, 900),
        (ADDRESS, 15, 0),
        (ADDRESS, 16, 2),
        (ADDRESS, 39, 60),
        (ADDRESS, 40, 900),
    ],
)
def test_waits(limit: Limit, failures: int, seconds: int) -> None:
    assert limit.wait(failures) == timedelta(seconds=seconds)


@given(failures=st.integers(1, 10_000), limit=st.sampled_from([LOGIN, ADDRESS]))
def test_waits_never_shrink(failures: int, limit: Limit) -> None:
    assert timedelta(0) <= limit.wait(failures) <= limit.wait(failures + 1) <= LOCK


@pytest.mark.parametrize("login", ["viewer", "nobody"])
def test_fifty_wrong_tries(desk: Desk, clock: HandClock, login: str) -> None:
    """One a second: nine are weighed before the lock-out, whoever the login belongs to."""
    outcomes = []
    for _ in range(50):
        outcomes.append(refused(desk, login).weighed)
        clock.pass_(seconds=1)
    # 1 2 3 4 at once, then after 2, 4, 8, 16 seconds; the wait of 32 outlasts the fifty.
    assert [n for n, weighed in enumerate(outcomes) if weighed] == [0, 1, 2, 3, 5, 9, 17, 33]


@pytest.mark.parametrize("login", ["viewer", "nobody"])
def test_lock_out_holds_against_the_right_password_and_ends_by_itself(
    desk: Desk, clock: HandClock, login: str
) -> None:
    for _ in range(10):
        last = refused(desk, login)
        clock.at = last.until or clock.at
    began = clock.at - LOCK
    clock.at = began
    assert refused(desk, login, ELSEWHERE, PASSWORD) == Refused(weighed=False, until=began + LOCK)
    clock.at = began + LOCK - timedelta(seconds=1)
    assert not refused(desk, login, ELSEWHERE, PASSWORD).weighed
    clock.at = began + LOCK
    outcome = desk.sign_in(login=login, password=PASSWORD, visitor=ELSEWHERE)
    assert isinstance(outcome, NewSession) is (login == "viewer")


def test_after_a_lock_out_one_more_wrong_try_locks_again(desk: Desk, clock: HandClock) -> None:
    for _ in range(10):
        clock.at = refused(desk).until or clock.at
    assert refused(desk).until == clock.at + LOCK


def test_quiet_forgives(desk: Desk, clock: HandClock) -> None:
    for _ in range(5):
        clock.at = refused(desk).until or clock.at
    clock.pass_(minutes=31)
    assert [refused(desk).until for _ in range(3)] == [None, None, None]


def test_a_right_password_forgives_the_login(desk: Desk, clock: HandClock) -> None:
    for _ in range(3):
        refused(desk)
    signed_in(desk)
    assert [refused(desk).until for _ in range(3)] == [None, None, None]


def test_tries_at_the_same_moment_do_not_slip_past(desk: Desk) -> None:
    outcomes: list[Refused] = []
    threads = [threading.Thread(target=lambda: outcomes.append(refused(desk))) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(outcome.weighed for outcome in outcomes) == LOGIN.free + 1
    assert len(outcomes) == 16


def test_many_logins_from_one_address_lock_the_address_alone(desk: Desk, clock: HandClock) -> None:
    for n in range(40):
        clock.at = refused(desk, f"guess{n}").until or clock.at
    clock.pass_(minutes=-15)
    assert not refused(desk, "commander", HERE, PASSWORD).weighed
    signed_in(desk, "commander", ELSEWHERE)


def test_an_account_of_ones_own_does_not_wipe_the_address(desk: Desk, clock: HandClock) -> None:
    for n in range(39):
        refused(desk, f"guess{n}")
        clock.pass_(seconds=61)
        signed_in(desk, "viewer")
    assert refused(desk, "guess40").until == clock.at + LOCK


def test_waits_are_shared_by_all_workers_and_survive_a_restart(
    desk: Desk, settings: Settings, clock: HandClock
) -> None:
    for _ in range(4):
        refused(desk)
    other = Desk(settings, clock=clock)
    assert not refused(other, password=PASSWORD).weighed
    other.database.close()


def test_throttle_rows_do_not_pile_up(desk: Desk, clock: HandClock) -> None:
    for n in range(10):
        refused(desk, f"guess{n}")
    clock.pass_(days=1, seconds=1)
    refused(desk, "one-more")
    with desk.database.read() as connection:
        assert len(connection.execute(select(ThrottleRow.key)).all()) == 2


# --- logins and accounts -----------------------------------------------------------------------


@pytest.mark.parametrize("typed", ["viewer", " Viewer ", "VIEWER", "ｖｉｅｗｅｒ", "viewer\n"])
def test_spelling_of_a_login(desk: Desk, typed: str) -> None:
    assert clean_login(typed) == "viewer"
    signed_in(desk, typed)


@pytest.mark.parametrize(
    "login", ["", "' OR 1=1 --", 'viewer" --', "viewer\x00", "viewe", "view%", "*", "长" * 5000]
)
def test_odd_logins_are_wrong_logins(desk: Desk, login: str) -> None:
    assert refused(desk, login, password=PASSWORD).weighed


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"login": "x"}, "'x'"),
        ({"login": "a b"}, "a b"),
        ({"login": "<script>"}, "script"),
        ({"login": "viewer"}, "taken"),
        ({"login": "Viewer"}, "taken"),
        ({"areas": ["999999"]}, "999999"),
        ({"areas": []}, "empty list"),
    ],
)
def test_accounts_that_cannot_be_added(desk: Desk, change: dict[str, object], named: str) -> None:
    new = NewAccount("li.na", "李娜", "Li Na", "viewer", ["510100"])
    with pytest.raises(TianfuError, match=named), desk.database.write() as connection:
        add_account(
            connection,
            replace(new, **change),
            password_hash="x",
            actor="test",
            at=desk.clock(),  # type: ignore[arg-type]
        )


def test_an_added_account_signs_in_with_its_role_and_areas(desk: Desk) -> None:
    with desk.database.write() as connection:
        add_account(
            connection,
            NewAccount("李娜", "李娜", "Li Na", "county_official", ["510107", "510104"]),
            password_hash=hash_password("another-password"),
            actor="test",
            at=desk.clock(),
        )
    new = desk.sign_in(login="李娜", password="another-password", visitor=HERE)
    assert isinstance(new, NewSession)
    live = desk.sessions.find(new.token)
    assert live is not None
    assert (live.identity.role, live.identity.roots) == ("county_official", ("510107", "510104"))


# --- sessions ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("steps", "alive"),
    [
        ([59 * 60], True),
        ([60 * 60], False),
        ([59 * 60, 59 * 60], True),
        ([50 * 60] * 14, True),
        ([50 * 60] * 15, False),
    ],
)
def test_idle_and_absolute_ends(desk: Desk, clock: HandClock, steps: list[int], alive: bool) -> None:
    token = signed_in(desk).token
    for seconds in steps:
        clock.pass_(seconds=seconds)
        found = desk.sessions.find(token)
    assert (found is not None) is alive


def test_a_session_in_use_outlives_the_shortest_idle_time(
    quick: None, settings: Settings, clock: HandClock
) -> None:
    desk = Desk(replace(settings, session_idle_minutes=1), clock=clock)
    ensure_demo_accounts(settings, database=desk.database)
    token = signed_in(desk).token
    for _ in range(30):
        clock.pass_(seconds=44)
        assert desk.sessions.find(token)
    clock.pass_(seconds=61)
    assert desk.sessions.find(token) is None
    desk.database.close()


def test_last_seen_is_written_once_a_minute_and_a_look_up_is_one_read(desk: Desk, clock: HandClock) -> None:
    token = signed_in(desk).token
    statements: list[str] = []

    def note(_c, _cursor, statement, *_rest):  # type: ignore[no-untyped-def]
        statements.append(statement)

    event.listen(desk.database.engine, "before_cursor_execute", note)
    for _ in range(60):
        clock.pass_(seconds=3)
        assert desk.sessions.find(token)
    event.remove(desk.database.engine, "before_cursor_execute", note)
    assert sum("UPDATE" in statement for statement in statements) == 3
    assert sum("SELECT" in statement for statement in statements) == 60


def test_the_look_up_uses_the_index(desk: Desk) -> None:
    with desk.database.read() as connection:
        plan = connection.exec_driver_sql(
            "EXPLAIN QUERY PLAN SELECT 1 FROM session s JOIN account a ON a.id = s.account_id "
            "WHERE s.token_sha256 = 'x'"
        ).all()
    assert not [row for row in plan if "SCAN" in str(row)]


def test_a_session_that_cannot_be_noted_still_reads(desk: Desk, clock: HandClock) -> None:
    token = signed_in(desk).token
    with desk.database.write() as connection:
        connection.exec_driver_sql(
            "CREATE TRIGGER full BEFORE UPDATE ON session BEGIN SELECT RAISE(ROLLBACK, 'disk full'); END"
        )
    clock.pass_(minutes=2)
    assert desk.sessions.find(token)


def test_only_the_hash_of_a_token_is_stored(desk: Desk, settings: Settings) -> None:
    token = signed_in(desk).token
    stored = b"".join(path.read_bytes() for path in settings.home.iterdir())
    assert b"viewer" in stored
    assert token.encode() not in stored
    assert PASSWORD.encode() not in stored


@pytest.mark.parametrize("token", [None, "", "x", "x" * 43, "x" * 44, "' OR 1=1 --", "\x00" * 43, "长" * 43])
def test_tokens_of_no_session(desk: Desk, token: str | None) -> None:
    signed_in(desk)
    assert desk.sessions.find(token) is None


def test_sign_out_ends_the_session_for_every_worker(desk: Desk, settings: Settings, clock: HandClock) -> None:
    token, other_session = signed_in(desk).token, signed_in(desk).token
    other = Desk(settings, clock=clock)
    live = other.sessions.find(token)
    assert live is not None
    desk.sign_out(live, token=token)
    assert other.sessions.find(token) is None
    assert other.sessions.find(other_session) is not None
    other.database.close()


def test_signing_in_again_makes_a_new_token_and_ends_the_old_one(desk: Desk) -> None:
    old = signed_in(desk)
    new = desk.sign_in(login="viewer", password=PASSWORD, visitor=HERE, old_token=old.token)
    assert isinstance(new, NewSession)
    assert (new.token, new.csrf_token) != (old.token, old.csrf_token)
    assert desk.sessions.find(old.token) is None
    assert desk.sessions.find(new.token) is not None


@pytest.mark.parametrize("act", ["disable", "password", "revoke"])
def test_what_ends_every_session_of_an_account(desk: Desk, act: str) -> None:
    mine, others = signed_in(desk).token, signed_in(desk, "auditor").token
    with desk.database.write() as connection:
        account = get_account(connection, "viewer")
        if act == "disable":
            set_disabled(connection, account, disabled=True, actor="admin", at=desk.clock())
        elif act == "password":
            set_password(connection, account, password_hash="x", actor="admin", at=desk.clock())
        else:
            assert desk.sessions.revoke_all(connection, account.id) == 1
    assert desk.sessions.find(mine) is None
    assert desk.sessions.find(others) is not None
    assert [info.login for info in desk.sessions.living()] == ["auditor"]


def test_a_disabled_account_is_shut_however_it_was_disabled(desk: Desk) -> None:
    token = signed_in(desk).token
    with desk.database.write() as connection:
        connection.execute(
            update(AccountRow).where(AccountRow.login == "viewer").values(disabled_at=desk.clock())
        )
    assert desk.sessions.find(token) is None
    assert refused(desk, password=PASSWORD) == Refused(weighed=True, until=None)
    assert "viewer" not in desk.demo_logins()


def test_a_session_ended_by_disabling_does_not_come_back(desk: Desk) -> None:
    token = signed_in(desk).token
    for disabled in (True, False):
        with desk.database.write() as connection:
            account = get_account(connection, "viewer")
            set_disabled(connection, account, disabled=disabled, actor="admin", at=desk.clock())
    assert desk.sessions.find(token) is None
    signed_in(desk)


def test_a_changed_role_counts_from_the_next_request(desk: Desk) -> None:
    token = signed_in(desk, "commander").token
    with desk.database.write() as connection:
        connection.execute(
            update(AccountRow).where(AccountRow.login == "commander").values(role="viewer", areas=["510107"])
        )
    live = desk.sessions.find(token)
    assert live is not None
    assert (live.identity.role, live.identity.roots) == ("viewer", ("510107",))


def test_long_ended_sessions_are_cleared_away(desk: Desk, clock: HandClock) -> None:
    signed_in(desk)
    clock.pass_(days=31)
    signed_in(desk)
    with desk.database.read() as connection:
        assert len(connection.execute(select(SessionRow.id)).all()) == 1


# --- audit -------------------------------------------------------------------------------------


def test_what_the_audit_log_records(desk: Desk, clock: HandClock) -> None:
    refused(desk)
    live = desk.sessions.find(token := signed_in(desk).token)
    assert live is not None
    desk.sign_out(live, token=token)
    for _ in range(10):
        clock.at = refused(desk, "editor").until or clock.at
    with desk.database.read() as connection:
        check_audit(connection)
        entries = [e for e in reversed(list_audit(connection)) if e.actor != "demo"]
    acts = [(e.actor, e.action, e.object) for e in entries]
    assert acts == [
        ("-", "sign_in_failed", "account:viewer"),
        ("viewer", "sign_in", "account:viewer"),
        ("viewer", "sign_out", "account:viewer"),
        *[("-", "sign_in_failed", "account:editor")] * 10,
        ("-", "sign_in_locked", "account:editor"),
    ]
    assert '"address":"10.1.2.3"' in entries[0].detail


def test_a_password_typed_into_the_login_box_is_not_written_down(desk: Desk, settings: Settings) -> None:
    refused(desk, PASSWORD.lower())
    with desk.database.read() as connection:
        assert PASSWORD.lower() not in str(list_audit(connection))


# --- demo accounts -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("localhost", True),
        ("::1", True),
        ("[::1]", True),
        ("0.0.0.0", False),
        ("::", False),
        ("10.0.0.5", False),
        ("board.example", False),
        ("127.0.0.1.example", False),
        ("", False),
    ],
)
def test_loopback_hosts(host: str, expected: bool, settings: Settings, quick: None) -> None:
    assert is_loopback(host) is expected
    if expected:
        assert ensure_demo_accounts(replace(settings, host=host)) == PASSWORD
    else:
        with pytest.raises(SettingError, match="TIANFU_HOST"):
            ensure_demo_accounts(replace(settings, host=host))
        assert not settings.home.exists()


def test_demo_accounts_are_shut_once_the_board_is_reachable(desk: Desk, settings: Settings) -> None:
    token = signed_in(desk).token
    public = Desk(replace(settings, host="0.0.0.0"), clock=desk.clock)
    assert public.sessions.find(token) is None
    assert refused(public, password=PASSWORD) == Refused(weighed=True, until=None)
    assert public.demo_logins() == ()
    assert desk.demo_logins() == DEMO_LOGINS
    public.database.close()


def test_a_demo_password_is_made_once_and_kept_for_its_owner(quick: None, settings: Settings) -> None:
    settings = replace(settings, demo_password="")
    first = ensure_demo_accounts(settings)
    path = settings.home / PASSWORD_FILE
    assert path.stat().st_mode & 0o777 == 0o600
    assert [p.name for p in settings.home.glob("demo-password*")] == [PASSWORD_FILE]
    assert len(first) >= 16
    assert ensure_demo_accounts(settings) == first == path.read_text().strip()
    desk = Desk(settings)
    assert isinstance(desk.sign_in(login="admin", password=first, visitor=HERE), NewSession)
    desk.database.close()


def test_starting_again_changes_nothing_and_a_new_password_ends_sessions(
    desk: Desk, settings: Settings
) -> None:
    token = signed_in(desk).token
    with desk.database.read() as connection:
        before = list_accounts(connection)
    ensure_demo_accounts(settings, database=desk.database)
    assert desk.sessions.find(token) is not None
    with desk.database.read() as connection:
        assert list_accounts(connection) == before
    ensure_demo_accounts(replace(settings, demo_password="another-password"), database=desk.database)
    assert desk.sessions.find(token) is None
    assert refused(desk, password=PASSWORD).weighed


def test_a_real_account_is_never_turned_into_a_demo_account(quick: None, settings: Settings) -> None:
    database = Database(settings)
    with database.write() as connection:
        add_account(
            connection,
            NewAccount("admin", "王", "Wang", "administrator", ["510000"]),
            password_hash="x",
            actor="test",
            at=datetime(2022, 1, 1),
        )
    with pytest.raises(SettingError, match="admin"):
        ensure_demo_accounts(settings, database=database)
    with database.read() as connection:
        assert [account.login for account in list_accounts(connection)] == ["admin"]
    database.close()
    assert (settings.home / FILE).exists()
