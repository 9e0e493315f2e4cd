"""``tianfu policy keys``: the keys that sign policies and are trusted."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from dashboard.clock import china_now, epoch_s, from_epoch_s
from dashboard.envelope.keyring import ensure_demo_keys, prepare_key, rotate_key
from dashboard.envelope.keys import load_signing_key, load_trust, signing_key_path, trust_path
from dashboard.settings import read_settings

app = typer.Typer(help="The keys that sign policies: make, list, rotate.", no_args_is_help=True)


@app.command("make")
def make() -> None:
    """Make the key, the trust file and the token in TIANFU_HOME where they are missing."""
    settings = read_settings()
    key = ensure_demo_keys(settings)
    typer.echo(f"signs    {signing_key_path(settings)}  {key.kid}")
    typer.echo(f"trusts   {trust_path(settings)}")


@app.command("list")
def list_keys() -> None:
    """List the trusted keys, the times they hold, and which one signs."""
    settings = read_settings()
    signing = load_signing_key(settings).kid
    now_s = epoch_s(china_now())
    table = Table("key", "", "trusted from", "until")
    for key in load_trust(settings).keys:
        word = "signs" if key.kid == signing else "" if key.holds(now_s) else "not now"
        table.add_row(key.kid, word, _moment(key.not_before_s), _moment(key.not_after_s))
    Console().print(table)


@app.command("prepare")
def prepare() -> None:
    """Make the next key and trust it. It does not sign yet: first every rules service needs the file."""
    settings = read_settings()
    key = prepare_key(settings)
    typer.echo(f"prepared {key.kid}")
    typer.echo(f"trusts   {trust_path(settings)}  (give this file to every rules service, then: rotate)")


@app.command("rotate")
def rotate(
    overlap_hours: Annotated[
        int, typer.Option("--overlap-hours", help="Hours for which the old key stays trusted.")
    ] = 168,
) -> None:
    """Let the prepared key (or a new one) sign from now on; the old one stays trusted for a while."""
    settings = read_settings()
    key = rotate_key(settings, now_s=epoch_s(china_now()), overlap_s=overlap_hours * 3600)
    typer.echo(f"signs    {signing_key_path(settings)}  {key.kid}")


def _moment(seconds: int | None) -> str:
    return "" if seconds is None else f"{from_epoch_s(seconds):%Y-%m-%d %H:%M}"
