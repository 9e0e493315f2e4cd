"""``tianfu account`` as the person at the machine uses it."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from dashboard.auth.desk import Desk, Refused, Visitor
from dashboard.auth.sessions import NewSession
from dashboard.cli.accounts import account
from dashboard.errors import TianfuError
from dashboard.settings import read_settings
from dashboard.store.audit import list_audit

PASSWORD = "only-for-tests-7Qh2"
HERE = Visitor(address="10.1.2.3", agent="Test")
ADD = (
    "add",
    "li.na",
    "--role",
    "city_official",
    "--area",
    "510100",
    "--name-zh",
    "李娜",
    "--name-en",
    "Li Na",
)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TIANFU_HOME", str(tmp_path))
    return tmp_path


def run(*words: str, typed: str = "") -> Result:
    return CliRunner().invoke(account, list(words), input=typed)


def try_sign_in(home: Path, password: str) -> NewSession | Refused:
    desk = Desk(read_settings({"TIANFU_HOME": str(home)}))
    try:
        return desk.sign_in(login="li.na", password=password, visitor=HERE)
    finally:
        desk.database.close()


def test_the_life_of_an_account(home: Path) -> None:
    assert run(*ADD, typed=f"{PASSWORD}\n{PASSWORD}\n").exit_code == 0
    listed = run("list").output
    assert "li.na\tcity_official\t510100\t李娜" in listed
    assert PASSWORD not in listed
    assert "argon2" not in listed
    assert isinstance(try_sign_in(home, PASSWORD), NewSession)
    assert "10.1.2.3" in run("sessions").output
    assert run("sessions", "--end", "li.na").output == "1 sessions of li.na ended.\n"
    assert run("sessions").output == ""
    assert run("password", "li.na", typed="another-password\nanother-password\n").exit_code == 0
    assert isinstance(try_sign_in(home, PASSWORD), Refused)
    assert isinstance(try_sign_in(home, "another-password"), NewSession)
    assert run("disable", "li.na").exit_code == 0
    assert run("sessions").output == ""
    assert isinstance(try_sign_in(home, "another-password"), Refused)
    assert run("enable", "li.na").exit_code == 0
    assert isinstance(try_sign_in(home, "another-password"), NewSession)
    assert "whole" in run("audit").output
    desk = Desk(read_settings({"TIANFU_HOME": str(home)}))
    with desk.database.read() as connection:
        acts = {entry.action for entry in list_audit(connection) if entry.actor == "command line"}
    desk.database.close()
    assert acts == {"account_added", "sessions_ended", "password_set", "account_disabled", "account_enabled"}


def test_a_locked_login_can_be_unlocked(home: Path) -> None:
    run(*ADD, typed=f"{PASSWORD}\n{PASSWORD}\n")
    for _ in range(4):
        try_sign_in(home, "wrong")
    locked = try_sign_in(home, PASSWORD)
    assert isinstance(locked, Refused)
    assert not locked.weighed
    assert run("unlock", "li.na").exit_code == 0
    assert isinstance(try_sign_in(home, PASSWORD), NewSession)


@pytest.mark.parametrize(
    ("words", "typed", "named"),
    [
        (("password", "nobody"), f"{PASSWORD}\n{PASSWORD}\n", "nobody"),
        (("disable", "nobody"), "", "nobody"),
        (("unlock", "nobody"), "", "nobody"),
        (("sessions", "--end", "nobody"), "", "nobody"),
        ((*ADD[:3], "superuser", *ADD[4:]), f"{PASSWORD}\n{PASSWORD}\n", "superuser"),
        ((*ADD[:5], "999999", *ADD[6:]), f"{PASSWORD}\n{PASSWORD}\n", "999999"),
        (ADD, "short\nshort\n", "5 characters"),
    ],
)
def test_mistakes_are_said(home: Path, words: tuple[str, ...], typed: str, named: str) -> None:
    result = run(*words, typed=typed)
    assert isinstance(result.exception, TianfuError)
    assert named in str(result.exception)


def test_two_different_passwords_are_asked_again(home: Path) -> None:
    result = run(*ADD, typed=f"{PASSWORD}\nanother-one-x\n{PASSWORD}\n{PASSWORD}\n")
    assert result.exit_code == 0
    assert isinstance(try_sign_in(home, PASSWORD), NewSession)
