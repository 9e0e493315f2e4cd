"""A home folder with demo data in a temporary place, and boards served from it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.visitor import PASSWORD

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Served:
    """A server that answers: its address, and the process that leads its workers."""

    url: str
    process: subprocess.Popen[bytes]

    @property
    def workers(self) -> list[int]:
        """Process ids of the web workers."""
        found = []
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = stat.read_text().rpartition(")")[2].split()
            except OSError:
                continue  # it ended meanwhile
            if int(fields[1]) == self.process.pid and b"gunicorn" in _command(stat.parent):
                found.append(int(stat.parent.name))
        return found


def environment(home: Path, **extra: str) -> dict[str, str]:
    """The environment of a board in ``home``: one worker as deployed, no setting of the caller's."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("TIANFU_") and k != "PORT"}
    return kept | {"TIANFU_HOME": str(home), "TIANFU_DEMO_PASSWORD": PASSWORD, "TIANFU_WORKERS": "1"} | extra


def tianfu(home: Path, *words: str) -> None:
    """Run a command of ``tianfu`` to its end. Raises ``RuntimeError`` with its words when it fails."""
    done = subprocess.run(
        [sys.executable, "-m", "dashboard.cli.main", *words],
        cwd=ROOT,
        env=environment(home),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"tianfu {' '.join(words)} ended with {done.returncode}:\n{done.stderr[-2000:]}")


def build_home(home: Path) -> None:
    """Demo data, a published snapshot, the demo accounts: all that a board needs."""
    tianfu(home, "demo-data", "--out", str(home / "demo-input"))
    tianfu(home, "snapshot", "build", "--input", str(home / "demo-input"), "--publish")


@contextmanager
def serving(home: Path, app: str) -> Iterator[Served]:
    """Serve a WSGI app by gunicorn, configured as the board is, until the block ends."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "gunicorn", "-c", str(ROOT / "deploy" / "gunicorn.conf.py"), app]
    with started(command, environment(home, PORT=str(port)), home / "server.log") as process:
        wait_for(f"{url}/healthz", process)
        yield Served(url, process)


@contextmanager
def started(command: list[str], env: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A child process that is stopped at the end of the block."""
    with log.open("ab") as out:
        process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=out, stderr=subprocess.STDOUT)
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def wait_for(url: str, process: subprocess.Popen[bytes], seconds: float = 120) -> None:
    """Wait until ``url`` answers. Raises ``RuntimeError`` when the process ends or stays silent."""
    deadline = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError(f"nothing answered at {url}")


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _command(process: Path) -> bytes:
    try:
        return (process / "cmdline").read_bytes()
    except OSError:
        return b""
