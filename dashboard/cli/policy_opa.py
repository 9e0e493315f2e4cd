"""``tianfu policy opa``: policy engines that pull the policy from the board as signed bundles."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from dashboard.clock import china_now
from dashboard.envelope.keys import load_signing_key, load_trust
from dashboard.envelope.opa_config import public_keys, render_settings
from dashboard.errors import PolicyError
from dashboard.publishing import opa
from dashboard.settings import read_settings
from dashboard.store.engine import Database

app = typer.Typer(help="Policy engines (OPA) that pull the policy: tokens, state.", no_args_is_help=True)
ACTOR = "cli"


@app.command("add")
def add(name: Annotated[str, typer.Argument(help="Name of the engine: letters, digits and -.")]) -> None:
    """Register an engine and print its token, this once."""
    with Database(read_settings()).write() as connection:
        token = opa.add_instance(connection, name, actor=ACTOR, at=china_now())
    typer.echo(token)


@app.command("revoke")
def revoke(name: Annotated[str, typer.Argument(help="Name of the engine.")]) -> None:
    """Take the token of an engine back."""
    with Database(read_settings()).write() as connection:
        opa.revoke_instance(connection, name, actor=ACTOR, at=china_now())
    typer.echo(f"{name}: its token is not accepted any more")


@app.command("list")
def list_engines() -> None:
    """List the engines, what each was handed, what each reports, and what to make of it."""
    with Database(read_settings()).read() as connection:
        engines = opa.list_instances(connection, china_now())
    table = Table("engine", "state", "handed", "reports", "at", "problem")
    for one in engines:
        table.add_row(
            one.name,
            "revoked" if one.revoked_at else one.verdict,
            str(one.served_seq or ""),
            one.reported_revision or "",
            f"{one.reported_at:%Y-%m-%d %H:%M:%S}" if one.reported_at else "",
            one.problem,
        )
    Console().print(table)


@app.command("settings")
def settings(
    url: Annotated[str, typer.Option("--url", help="Where the engine reaches the board.")],
) -> None:
    """Print the settings of an engine: save them as opa.yaml. The token comes from TIANFU_OPA_TOKEN."""
    typer.echo(render_settings(url, public_keys(load_trust(read_settings()))), nl=False)


@app.command("bundle")
def bundle(out: Annotated[Path, typer.Argument(help="File to write.")]) -> None:
    """Write the bundle as an engine would get it now, to look into or to carry by hand."""
    home = read_settings()
    with Database(home).read() as connection:
        newest = opa.head(connection)
    if newest is None:
        raise PolicyError("Nothing was published yet.", todo="Publish a policy first.")
    out.write_bytes(opa.bundle_of(newest, load_signing_key(home)))
    typer.echo(f"{out}: {newest.revision}")
