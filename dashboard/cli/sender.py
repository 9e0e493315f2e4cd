"""``tianfu sender``: the process that delivers published policies to the rules service."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from dashboard.clock import china_now
from dashboard.publishing.lease import LEASE_FOR
from dashboard.publishing.restore import confirm_send
from dashboard.publishing.stand import POLICY_ID
from dashboard.settings import read_settings
from dashboard.store.engine import Database

ACTOR = "command line"
WORDS = {
    "wiped": "The service is sent the newest policy it had acknowledged.",
    "older_head": "The service is sent what it lost, in order.",
    "blocked": "The refused envelopes are sent again.",
    "foreign": "The held envelopes are sent again.",
}

app = typer.Typer(help="Deliver published policies to the rules service.", no_args_is_help=False)


def sender_command(*, lease_s: int = int(LEASE_FOR.total_seconds())) -> list[str]:
    """The command that sends with the settings of the environment."""
    return [sys.executable, "-m", "dashboard.publishing", "--lease", str(lease_s)]


@app.callback(invoke_without_command=True)
def sender(
    context: typer.Context,
    lease: Annotated[
        int, typer.Option(help="Seconds after which another sender may take over from one that died.")
    ] = int(LEASE_FOR.total_seconds()),
) -> None:
    """Deliver published policies to the rules service, in order, until told to stop."""
    if context.invoked_subcommand is None:
        command = sender_command(lease_s=lease)
        # Replaces this process: signals reach the sender itself, and it holds nothing of the board in memory.
        os.execv(command[0], command)  # noqa: S606


@app.command()
def again() -> None:
    """Confirm that what is held, or what the service lost, is sent again."""
    database = Database(read_settings())
    try:
        with database.write() as connection:
            reason = confirm_send(connection, POLICY_ID, actor=ACTOR, at=china_now())
    finally:
        database.close()
    typer.echo(WORDS[reason])
