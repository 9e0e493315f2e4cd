"""``tianfu policy``: the commands that draft and publish, and the state of both.

A person acts here, not the machine: a command that changes something asks for the password of the account it
acts for, and every rule of the board holds. Approval is not offered: it needs the impact on the screen.
"""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from sqlalchemy import Connection

from dashboard.auth.desk import Desk, Refused, Visitor
from dashboard.auth.rights import Identity
from dashboard.cli.policy_source import has_store, open_database
from dashboard.clock import china_now
from dashboard.envelope.keys import load_signing_key
from dashboard.errors import SignInRequired
from dashboard.i18n.catalogue import read_lang
from dashboard.policy.document import read_policy
from dashboard.publishing.actors import actor_of, attempt
from dashboard.publishing.changes import get_change, list_changes, open_draft, save_edits
from dashboard.publishing.history import list_envelopes
from dashboard.publishing.importing import edits_from
from dashboard.publishing.in_force import in_force
from dashboard.publishing.model import Change
from dashboard.publishing.publish import Published, install_baseline
from dashboard.publishing.publish import publish as publish_change
from dashboard.publishing.rehearse import check_rehearsal, rehearse
from dashboard.publishing.states import OPEN
from dashboard.settings import read_settings

Login = Annotated[str, typer.Option("--as", metavar="LOGIN", help="The account to act for.")]
Password = Annotated[
    str,
    typer.Option(
        prompt=True,
        hide_input=True,
        help="Its password; asked for where it is not given.",
    ),
]
GOOD = ("synced", "pending")


def install_baseline_command() -> None:
    """Publish the packaged baseline as the first version; does nothing where something was published."""
    settings = read_settings()
    with open_database(settings) as database, database.write() as connection:
        issued = install_baseline(connection, load_signing_key(settings), china_now(), actor=_user())
    if issued is None:
        typer.echo("Something was published already; nothing was done.")
    else:
        typer.echo(f"The baseline is on its way: version {issued.version}, seq {issued.seq}, {issued.digest}")


def import_(
    file: Annotated[Path, typer.Argument(help="A .toml or .json policy document.")],
    login: Login,
    password: Password,
) -> None:
    """Make the draft of an account say what a document says; review and approval follow on the board."""
    document = read_policy(file)
    with _signed_in(login, password) as (desk, identity):
        actor = actor_of(identity)

        def act(connection: Connection) -> Change:
            at = desk.clock()
            change = open_draft(connection, actor, at)
            wanted = edits_from(change.base, document)
            back = dict.fromkeys(path for path in change.edits if path not in wanted)
            return save_edits(connection, change.id, {**back, **wanted}, change.row_version, actor, at)

        change = attempt(
            desk.database, act, actor=actor, at=desk.clock(), name="import", target=f"policy_file:{file.name}"
        )
    typer.echo(f"draft {change.id}  version {change.version}, {len(change.edits)} fields edited")


def publish(
    change_id: Annotated[str, typer.Argument(metavar="CHANGE", help="Id of an approved change.")],
    login: Login,
    password: Password,
    at: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M"], help="When it takes effect, if not now."),
    ] = None,
) -> None:
    """Publish an approved change, now or at a time; every rule of the board holds here too."""
    settings = read_settings()
    with _signed_in(login, password) as (desk, identity):
        actor = actor_of(identity)

        def act(connection: Connection) -> Published:
            change = get_change(connection, change_id)
            return publish_change(
                connection,
                change.id,
                change.row_version,
                actor,
                desk.clock(),
                key=load_signing_key(settings),
                effective_at=at,
            )

        tried = rehearse(desk.database, act, settings)

        def checked(connection: Connection) -> Published:
            check_rehearsal(tried)
            return act(connection)

        done = attempt(
            desk.database,
            checked,
            actor=actor,
            at=desk.clock(),
            name="publish",
            target=f"policy_change:{change_id[:40]}",
        )
    typer.echo(
        f"version {done.issued.version} is on its way: seq {done.issued.seq}, {done.issued.digest}, "
        f"takes effect {done.change.effective_at:%Y-%m-%d %H:%M:%S}"
    )


def status(
    lang: Annotated[str, typer.Option("--lang", help="Language: zh-CN or en.")] = "zh-CN",
    check: Annotated[
        bool, typer.Option("--check", help="End with code 1 unless synced, or synced and scheduled.")
    ] = False,
) -> None:
    """What is in force, what is scheduled, what is on its way, which changes are open."""
    spoken, at = read_lang(lang), china_now()
    # What is printed was partly typed by people or said by the service: square brackets are no markup.
    console = Console(markup=False, highlight=False, soft_wrap=True)
    if not has_store(read_settings()):
        typer.echo("There is no store yet, and nothing was published: the packaged baseline holds.")
        raise typer.Exit(1 if check else 0)
    with open_database() as database, database.read() as connection:
        now = in_force(connection, at)
        envelopes = list_envelopes(connection, limit=10)
        changes = list_changes(connection, states=OPEN)
    since = f" since {now.effective_since:%Y-%m-%d %H:%M:%S}" if now.effective_since else ""
    until = f" until {now.expires_at:%Y-%m-%d %H:%M:%S}" if now.expires_at else ""
    console.print(f"in force   version {now.version}{since}{until}  ({now.source}, seq {now.seq or '–'})")
    console.print(f"verdict    {now.judgement.word(spoken)}: {now.judgement.sentence(spoken)}")
    if advice := now.judgement.advice(spoken):
        console.print(f"to do      {advice}")
    for entry in now.pending:
        console.print(f"scheduled  version {entry.version} at {entry.effective_at:%Y-%m-%d %H:%M:%S}")
    table = Table("seq", "kind", "version", "takes effect", "drafted", "approved", "delivery", "verified")
    for one in envelopes:
        table.add_row(
            str(one.seq),
            one.kind,
            str(one.version),
            f"{one.effective_at:%Y-%m-%d %H:%M:%S}",
            one.drafted_by or "–",
            one.approved_by or "–",
            one.delivery,
            f"{one.verified_at:%m-%d %H:%M:%S}" if one.verified_at else "–",
        )
    console.print(table, soft_wrap=False)
    for one in envelopes:
        if one.last_error and one.delivery != "accepted":
            console.print(f"seq {one.seq} {one.delivery}: {one.last_error}")
    for change in changes:
        fields = f"{len(change.edits)} field{'' if len(change.edits) == 1 else 's'}"
        words = f"version {change.version}  {change.state}  {change.author}  {fields}"
        console.print(f"{change.id}  {words}")
    if check and now.verdict not in GOOD:
        raise typer.Exit(1)


@contextmanager
def _signed_in(login: str, password: str) -> Iterator[tuple[Desk, Identity]]:
    """A session of the account for as long as the command runs, with the counting of wrong passwords."""
    desk = Desk(read_settings())
    try:
        visitor = Visitor(address="command line", agent=f"tianfu ({_user()})")
        session = desk.sign_in(login=login, password=password, visitor=visitor)
        if isinstance(session, Refused):
            again = f" Wait until {session.until:%H:%M:%S}." if session.until else ""
            raise SignInRequired(f"{login} cannot be signed in with this password.{again}")
        live = desk.sessions.find(session.token)
        if live is None:
            raise SignInRequired(f"The session of {login} ended at once.", todo="Try again.")
        try:
            yield desk, live.identity
        finally:
            desk.sign_out(live, token=session.token)
    finally:
        desk.database.close()


def _user() -> str:
    return f"command line: {getpass.getuser()}"
