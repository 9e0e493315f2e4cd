"""``tianfu account``: who may sign in, for the person at the machine.

Whoever runs this can read the database anyway, so it asks for no sign-in; what it does is written to
the audit log as ``command line``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import typer

from dashboard.auth.accounts import (
    NewAccount,
    add_account,
    get_account,
    list_accounts,
    set_disabled,
    set_password,
)
from dashboard.auth.desk import Desk
from dashboard.auth.passwords import hash_password
from dashboard.auth.rights import ROLES, read_role
from dashboard.auth.throttle import release
from dashboard.settings import read_settings
from dashboard.store.audit import append_audit, check_audit

ACTOR = "command line"

account = typer.Typer(help="Accounts that may sign in, and their sessions.", no_args_is_help=True)


@account.command("list")
def list_() -> None:
    """All accounts with role, areas and state."""
    with _desk() as desk, desk.database.read() as connection:
        for one in list_accounts(connection):
            state = f"disabled {one.disabled_at:%Y-%m-%d %H:%M}" if one.disabled_at else ""
            kind = "demo" if one.demo else ""
            typer.echo(
                "\t".join((one.login, one.role, ",".join(one.areas), one.name_zh, one.name_en, kind, state))
            )


@account.command("add")
def add(
    login: str,
    role: str = typer.Option(..., help=f"One of: {', '.join(ROLES)}."),
    area: list[str] = typer.Option(
        ..., help="Code of an area whose rows the person may see; repeat for more."
    ),
    name_zh: str = typer.Option(..., help="Chinese name."),
    name_en: str = typer.Option(..., help="English name."),
    password: str = typer.Option(..., prompt=True, hide_input=True, confirmation_prompt=True),
) -> None:
    """Add an account; asks for the password."""
    new = NewAccount(login=login, name_zh=name_zh, name_en=name_en, role=read_role(role), areas=area)
    hashed = hash_password(password)
    with _desk() as desk, desk.database.write() as connection:
        add_account(connection, new, password_hash=hashed, actor=ACTOR, at=desk.clock())
    typer.echo(f"{login} was added.")


@account.command("password")
def password_(
    login: str,
    password: str = typer.Option(..., prompt=True, hide_input=True, confirmation_prompt=True),
) -> None:
    """Set a new password, end all sessions and any lock-out of the account."""
    hashed = hash_password(password)
    with _desk() as desk, desk.database.write() as connection:
        one = get_account(connection, login)
        set_password(connection, one, password_hash=hashed, actor=ACTOR, at=desk.clock())
    typer.echo(f"The password of {login} was set; its sessions ended.")


@account.command("disable")
def disable(login: str) -> None:
    """Shut an account and end its sessions at once."""
    _switch(login, disabled=True)


@account.command("enable")
def enable(login: str) -> None:
    """Open a disabled account again."""
    _switch(login, disabled=False)


@account.command("unlock")
def unlock(login: str) -> None:
    """End the waiting time or lock-out after too many wrong passwords."""
    with _desk() as desk, desk.database.write() as connection:
        one = get_account(connection, login)
        release(connection, [one.login])
        append_audit(
            connection, at=desk.clock(), actor=ACTOR, action="unlocked", target=f"account:{one.login}"
        )
    typer.echo(f"{login} may try again.")


@account.command("sessions")
def sessions(
    end: str = typer.Option("", help="End all sessions of this login instead of listing."),
) -> None:
    """Living sessions, the latest used first; or end those of one login."""
    with _desk() as desk:
        if not end:
            for one in desk.sessions.living():
                typer.echo(f"{one.login}\t{one.last_seen_at:%m-%d %H:%M}\t{one.address}\t{one.agent[:60]}")
            return
        with desk.database.write() as connection:
            whose = get_account(connection, end)
            ended = desk.sessions.revoke_all(connection, whose.id)
            append_audit(
                connection,
                at=desk.clock(),
                actor=ACTOR,
                action="sessions_ended",
                target=f"account:{whose.login}",
                detail={"ended": ended},
            )
        typer.echo(f"{ended} sessions of {end} ended.")


@account.command("audit")
def audit() -> None:
    """Check that no row of the audit log was edited, inserted or removed; print its last hash."""
    with _desk() as desk, desk.database.read() as connection:
        typer.echo(f"The audit log is whole. Last hash: {check_audit(connection)}")


def _switch(login: str, *, disabled: bool) -> None:
    with _desk() as desk, desk.database.write() as connection:
        one = get_account(connection, login)
        set_disabled(connection, one, disabled=disabled, actor=ACTOR, at=desk.clock())
    typer.echo(f"{login} is {'disabled' if disabled else 'enabled'}.")


@contextmanager
def _desk() -> Iterator[Desk]:
    desk = Desk(read_settings())
    try:
        yield desk
    finally:
        desk.database.close()
