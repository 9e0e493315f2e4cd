"""``tianfu demo``: from nothing to a board in the browser, then quiet until Ctrl-C."""

from __future__ import annotations

import socket
from datetime import UTC, datetime

import httpx
import typer

from dashboard.auth.demo import DEMO_LOGINS, ensure_demo_accounts
from dashboard.cli.demo_data import ScaleName, demo_data
from dashboard.cli.rules_service import rules_service_command
from dashboard.cli.sender import sender_command
from dashboard.cli.serve import ROOT, gunicorn_command
from dashboard.cli.snapshot import build_from
from dashboard.cli.supervise import Child, Supervisor
from dashboard.clock import china_now
from dashboard.envelope.keyring import ensure_demo_keys
from dashboard.errors import SettingError, SnapshotNotFound
from dashboard.publishing.publish import install_baseline
from dashboard.settings import Settings, read_settings
from dashboard.snapshot.store import Store
from dashboard.store.engine import Database


def demo() -> None:
    """Make what is missing, start rules service, sender and board, say where they are; Ctrl-C ends all."""
    settings = read_settings()
    check_ports(settings)
    if not has_snapshot(settings):
        folder, eve = settings.home / "demo-input", settings.home / "demo-input-eve"
        typer.echo("Building two demo snapshots, of the evening before and of today (synthetic, once) ...")
        demo_data(scale=ScaleName.demo, out=folder, eve=eve)
        build_from(eve, publish=True)
        build_from(folder, publish=True)
    password = ensure_demo_accounts(settings)
    publish_baseline(settings)
    # Once more: a minute has passed, and whoever took a port since would answer in our place.
    check_ports(settings)
    supervisor = Supervisor(list_children(settings), say=lambda line: typer.echo(f"  {line}", err=True))
    supervisor.start()
    try:
        if not supervisor.stopping:
            print_addresses(settings, password)
        supervisor.watch()
    finally:
        supervisor.stop()


def publish_baseline(settings: Settings) -> None:
    """Make the keys and publish the packaged policy, where neither was done before."""
    key = ensure_demo_keys(settings)
    database = Database(settings)
    try:
        with database.write() as connection:
            install_baseline(connection, key, china_now())
    finally:
        database.close()


def list_children(settings: Settings) -> list[Child]:
    """What the demo consists of. A rules service that is configured elsewhere is not started here."""
    children = [
        Child("The sender", sender_command(), ROOT),
        Child("The board", gunicorn_command(), ROOT, ready=lambda: answers(board_url(settings) + "/healthz")),
    ]
    if not settings.rules_url:
        rules = Child(
            "The rules service",
            rules_service_command(),
            ROOT,
            ready=lambda: answers(settings.rules_address + "/health"),
        )
        children.insert(0, rules)
    return children


def has_snapshot(settings: Settings) -> bool:
    store = Store(settings.snapshots)
    try:
        store.manifest(store.current_id())
    except SnapshotNotFound:
        return False
    return True


def check_ports(settings: Settings) -> None:
    """Refuse a port that is taken before any work is done."""
    check_port(settings.host, settings.port, "PORT=8051")
    if not settings.rules_url:
        check_port(settings.rules_host, settings.rules_port, "RULES_PORT=8061")


def check_port(host: str, port: int, other: str) -> None:
    """Raise ``SettingError`` when ``port`` cannot be listened on; ``other`` is what to set instead."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise SettingError(
                f"Port {port} on {host} cannot be used: {error.strerror}.",
                todo=f"Stop the program that uses it, or choose another: {other} make demo",
            ) from None


def board_url(settings: Settings) -> str:
    return f"http://{settings.host}:{settings.port}"


def answers(url: str) -> bool:
    """Whether anything answers at ``url``, also with an error: it runs."""
    try:
        httpx.get(url, timeout=2, trust_env=False)
    except httpx.TransportError:
        return False
    return True


def print_addresses(settings: Settings, password: str) -> None:
    since = datetime.now(UTC).astimezone().strftime("%H:%M:%S")
    typer.echo("")
    typer.echo(f"  天府指挥台 Tianfu Command   {board_url(settings)}   (ready {since})")
    typer.echo(f"  rules service              {settings.rules_address}")
    typer.echo(f"  sign in as   {', '.join(DEMO_LOGINS)}")
    typer.echo(f"  password     {password}")
    typer.echo("  All figures are synthetic. Stop with Ctrl-C.")
    typer.echo("")
