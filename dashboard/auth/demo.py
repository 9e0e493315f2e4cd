"""Demo accounts: one for each role, one shared password, on a loopback address only."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress

from sqlalchemy import select

from dashboard.auth.accounts import NewAccount, add_account, list_accounts, set_password
from dashboard.auth.loopback import demo_allowed
from dashboard.auth.passwords import hash_password, password_matches
from dashboard.clock import china_now
from dashboard.errors import SettingError
from dashboard.settings import Settings
from dashboard.store.engine import Database
from dashboard.store.models import AccountRow

PASSWORD_FILE = "demo-password"  # noqa: S105 - the name of a file
_PROVINCE = ("510000",)
# Two commanders, because who approves a change is never its author.
DEMO_ACCOUNTS: tuple[NewAccount, ...] = (
    NewAccount("viewer", "值班员", "Duty viewer", "viewer", _PROVINCE, demo=True),
    NewAccount("chengdu", "成都市专班", "Chengdu city desk", "city_official", ("510100",), demo=True),
    NewAccount("wuhou", "武侯区专班", "Wuhou county desk", "county_official", ("510107",), demo=True),
    NewAccount("editor", "策略编辑", "Policy editor", "policy_editor", _PROVINCE, demo=True),
    NewAccount("commander", "指挥长", "Commander", "commander", _PROVINCE, demo=True),
    NewAccount("commander2", "副指挥长", "Deputy commander", "commander", _PROVINCE, demo=True),
    NewAccount("auditor", "审计员", "Auditor", "auditor", _PROVINCE, demo=True),
    NewAccount("admin", "系统管理员", "Administrator", "administrator", _PROVINCE, demo=True),
)
DEMO_LOGINS: tuple[str, ...] = tuple(account.login for account in DEMO_ACCOUNTS)


def ensure_demo_accounts(settings: Settings, *, database: Database | None = None) -> str:
    """Make the demo accounts where they are missing and return their password.

    The password is the setting ``demo_password``; where that is empty one is made once and kept in
    ``demo-password`` in the home folder, readable by its owner alone. A changed password ends the
    sessions of the demo accounts. Raises ``SettingError`` on a host that others can reach, and
    where a real account has the login of a demo account.
    """
    if not demo_allowed(settings):
        raise SettingError(
            f"Demo accounts cannot be used with TIANFU_HOST={settings.host}.",
            todo="Set TIANFU_HOST to 127.0.0.1, or add real accounts: tianfu account add",
        )
    password = settings.demo_password or _kept_password(settings)
    own = database is None
    store = database or Database(settings)
    try:
        _ensure(store, password)
    finally:
        if own:
            store.close()
    return password


def _ensure(store: Database, password: str) -> None:
    with store.read() as connection:
        hashes = {
            row.login: row.password_hash
            for row in connection.execute(select(AccountRow.login, AccountRow.password_hash))
        }
        demo = {account.login for account in list_accounts(connection) if account.demo}
    taken = [login for login in DEMO_LOGINS if login in hashes and login not in demo]
    if taken:
        raise SettingError(
            f"The login {', '.join(taken)} belongs to a real account.",
            todo="Use another TIANFU_HOME for the demo.",
        )
    # One hash for all eight: they share the password, and eight checks would take half a second.
    common = {hashes[login] for login in DEMO_LOGINS if login in hashes}
    if len(common) == 1 and password_matches(next(iter(common)), password):
        hashed = next(iter(common))
    else:
        hashed = hash_password(password)
    with store.write() as connection:
        known = {account.login: account for account in list_accounts(connection)}
        for new in DEMO_ACCOUNTS:
            if new.login not in known:
                add_account(connection, new, password_hash=hashed, actor="demo", at=china_now())
            elif hashes.get(new.login) != hashed:
                set_password(connection, known[new.login], password_hash=hashed, actor="demo", at=china_now())


def _kept_password(settings: Settings) -> str:
    path = settings.home / PASSWORD_FILE
    part = path.with_name(f"{PASSWORD_FILE}.{os.getpid()}")
    try:
        if not path.exists():
            settings.home.mkdir(parents=True, exist_ok=True)
            with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
                file.write(secrets.token_urlsafe(12) + "\n")
            # A link is made whole or not at all: of two starters at once the second reads the first's.
            with suppress(FileExistsError):
                path.hardlink_to(part)
            part.unlink()
        return path.read_text(encoding="ascii").strip()
    except OSError as error:
        raise SettingError(
            f"{path} cannot be used: {error.strerror}.", todo="Check TIANFU_HOME and who owns it."
        ) from error
