"""Local accounts: add, list, change the password, disable. Signing in is ``desk.py``."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from dashboard.auth.rights import Role, read_role
from dashboard.auth.throttle import release
from dashboard.errors import TianfuError
from dashboard.store.audit import append_audit
from dashboard.store.models import AccountRow, SessionRow
from geo.areas import is_area

LOGIN = re.compile(r"[a-z0-9\u4e00-\u9fff][a-z0-9\u4e00-\u9fff._@-]{1,63}")


@dataclass(frozen=True)
class Account:
    """An account without its password."""

    id: int
    login: str
    name_zh: str
    name_en: str
    role: Role
    areas: tuple[str, ...]
    demo: bool
    disabled_at: datetime | None


@dataclass(frozen=True)
class NewAccount:
    """What a new account is made of."""

    login: str
    name_zh: str
    name_en: str
    role: Role
    areas: Sequence[str]
    demo: bool = False


def clean_login(text: str) -> str:
    """A login as it is stored and compared: width, case and outer spaces do not matter."""
    return unicodedata.normalize("NFKC", text[:200]).strip().casefold()[:64]


def list_accounts(connection: Connection) -> tuple[Account, ...]:
    """All accounts by login, the disabled ones too."""
    query = select(
        AccountRow.id,
        AccountRow.login,
        AccountRow.name_zh,
        AccountRow.name_en,
        AccountRow.role,
        AccountRow.areas,
        AccountRow.demo,
        AccountRow.disabled_at,
    ).order_by(AccountRow.login)
    return tuple(
        Account(
            id=row.id,
            login=row.login,
            name_zh=row.name_zh,
            name_en=row.name_en,
            role=read_role(row.role),
            areas=tuple(row.areas),
            demo=row.demo,
            disabled_at=row.disabled_at,
        )
        for row in connection.execute(query)
    )


def get_account(connection: Connection, login: str) -> Account:
    """The account of that login. Raises ``TianfuError`` when there is none."""
    for account in list_accounts(connection):
        if account.login == clean_login(login):
            return account
    raise TianfuError(f"There is no account {login!r}.", todo="See them all: tianfu account list")


def add_account(
    connection: Connection, new: NewAccount, *, password_hash: str, actor: str, at: datetime
) -> Account:
    """Add an account. Raises ``TianfuError`` for a login that is taken or odd, or an area that is none."""
    login = clean_login(new.login)
    if not LOGIN.fullmatch(login):
        raise TianfuError(
            f"{new.login!r} cannot be a login.",
            todo="Use 2 to 64 letters, digits, Chinese characters or . _ @ -, the first no sign.",
        )
    unknown = [code for code in new.areas if not is_area(code)]
    if unknown or not new.areas:
        raise TianfuError(
            f"{', '.join(unknown) or 'An empty list'} is no area code.",
            todo="Give the areas whose rows the person may see, for example 510000 for the whole province.",
        )
    if any(account.login == login for account in list_accounts(connection)):
        raise TianfuError(f"The login {login!r} is taken.", todo="Choose another.")
    values = {"login": login, "name_zh": new.name_zh, "name_en": new.name_en, "role": new.role}
    connection.execute(
        insert(AccountRow).values(
            **values,
            areas=list(new.areas),
            demo=new.demo,
            password_hash=password_hash,
            created_at=at,
        )
    )
    append_audit(
        connection,
        at=at,
        actor=actor,
        action="account_added",
        target=f"account:{login}",
        detail={"role": new.role, "areas": list(new.areas), "demo": new.demo},
    )
    return get_account(connection, login)


def set_password(
    connection: Connection, account: Account, *, password_hash: str, actor: str, at: datetime
) -> None:
    """Change the password, end every session of the account and any lock-out."""
    connection.execute(
        update(AccountRow).where(AccountRow.id == account.id).values(password_hash=password_hash)
    )
    _end_sessions(connection, account, at)
    release(connection, [account.login])
    append_audit(connection, at=at, actor=actor, action="password_set", target=f"account:{account.login}")


def set_disabled(
    connection: Connection, account: Account, *, disabled: bool, actor: str, at: datetime
) -> None:
    """Disable an account and end its sessions at once, or enable it again."""
    connection.execute(
        update(AccountRow).where(AccountRow.id == account.id).values(disabled_at=at if disabled else None)
    )
    if disabled:
        _end_sessions(connection, account, at)
    action = "account_disabled" if disabled else "account_enabled"
    append_audit(connection, at=at, actor=actor, action=action, target=f"account:{account.login}")


def _end_sessions(connection: Connection, account: Account, at: datetime) -> None:
    connection.execute(
        update(SessionRow)
        .where(SessionRow.account_id == account.id, SessionRow.revoked_at.is_(None))
        .values(revoked_at=at)
    )
