"""``tianfu demo``: from nothing to a board in the browser, then quiet until Ctrl-C."""

from __future__ import annotations

import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime
from types import FrameType

import typer

from dashboard.auth.demo import DEMO_LOGINS, ensure_demo_accounts
from dashboard.cli.demo_data import ScaleName, demo_data
from dashboard.cli.serve import ROOT, gunicorn_command
from dashboard.cli.snapshot import build_from
from dashboard.errors import SettingError, SnapshotNotFound, TianfuError
from dashboard.settings import Settings, read_settings
from dashboard.snapshot.store import Store


def demo() -> None:
    """Make the demo snapshots where there are none, start the board, print where it is and how to sign in."""
    settings = read_settings()
    check_port(settings)
    if not has_snapshot(settings):
        folder, eve = settings.home / "demo-input", settings.home / "demo-input-eve"
        typer.echo("Building two demo snapshots, of the evening before and of today (synthetic, once) ...")
        demo_data(scale=ScaleName.demo, out=folder, eve=eve)
        build_from(eve, publish=True)
        build_from(folder, publish=True)
    password = ensure_demo_accounts(settings)
    board = subprocess.Popen(gunicorn_command(), cwd=ROOT)  # noqa: S603 - our own command
    stop_on_signal(board)
    try:
        wait_until_ready(settings, board)
        print_addresses(settings, password)
        code = board.wait()
    finally:
        stop(board)
    raise typer.Exit(0 if code in (0, -signal.SIGTERM, -signal.SIGINT) else 1)


def has_snapshot(settings: Settings) -> bool:
    store = Store(settings.snapshots)
    try:
        store.manifest(store.current_id())
    except SnapshotNotFound:
        return False
    return True


def check_port(settings: Settings) -> None:
    """Refuse a port that is taken before any work is done."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            raise SettingError(
                f"Port {settings.port} on {settings.host} cannot be used: {error.strerror}.",
                todo="Stop the program that uses it, or choose another: PORT=8051 make demo",
            ) from None


def wait_until_ready(settings: Settings, board: subprocess.Popen[bytes]) -> None:
    """Wait for ``/healthz``; raise a plain error when the board ends or stays silent for a minute."""
    url = f"http://{settings.host}:{settings.port}/healthz"
    deadline = time.monotonic() + 60
    while board.poll() is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
    raise TianfuError("The board did not start.", todo="Its last lines above say why.")


def print_addresses(settings: Settings, password: str) -> None:
    since = datetime.now(UTC).astimezone().strftime("%H:%M:%S")
    typer.echo("")
    typer.echo(f"  天府指挥台 Tianfu Command   http://{settings.host}:{settings.port}   (ready {since})")
    typer.echo(f"  sign in as   {', '.join(DEMO_LOGINS)}")
    typer.echo(f"  password     {password}")
    typer.echo("  All figures are synthetic. Stop with Ctrl-C.")
    typer.echo("")


def stop_on_signal(board: subprocess.Popen[bytes]) -> None:
    """Pass Ctrl-C and a polite stop on to the board, so that it ends before this process does."""

    def forward(_signal: int, _frame: FrameType | None) -> None:
        board.terminate()

    signal.signal(signal.SIGINT, forward)
    signal.signal(signal.SIGTERM, forward)


def stop(board: subprocess.Popen[bytes]) -> None:
    if board.poll() is None:
        board.terminate()
        try:
            board.wait(15)
        except subprocess.TimeoutExpired:
            board.kill()
            board.wait()
