"""``tianfu audit``: is the record of what was done and published whole?"""

from __future__ import annotations

from typing import Annotated

import typer
from sqlalchemy import select

from dashboard.cli.policy_source import has_store
from dashboard.envelope.keys import load_trust
from dashboard.errors import StorageError
from dashboard.publishing.verify import verify_records
from dashboard.settings import read_settings
from dashboard.store.engine import Database
from dashboard.store.policy_models import PolicyEnvelopeRow

app = typer.Typer(help="The audit log and the signed envelopes.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """The audit log and the signed envelopes."""


@app.command()
def verify(
    expect: Annotated[
        str, typer.Option(metavar="HASH", help="A last hash noted earlier, which must still be in the log.")
    ] = "",
) -> None:
    """Find any edited, removed or inserted row: hashes, signatures, and each against the other.

    Rows cut off at the end of the log leave no trace in the rest; note the last hash elsewhere, and give it
    here.
    """
    settings = read_settings()
    if not has_store(settings):
        raise StorageError(
            f"There is no store in {settings.home}.",
            todo="Check TIANFU_HOME; a record that is gone is not whole.",
        )
    database = Database(settings)
    try:
        with database.read() as connection:
            published = connection.execute(select(PolicyEnvelopeRow.id).limit(1)).first() is not None
            trust = load_trust(settings) if published else None
            found = verify_records(connection, trust=trust, expect=expect.strip())
    finally:
        database.close()
    typer.echo(f"The record is whole: {found.rows} rows, {found.envelopes} signed envelopes.")
    typer.echo(f"last hash  {found.last_hash}")
