"""Real processes for the tests: the command line, and a board under gunicorn on 127.0.0.1."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PASSWORD = "only-for-tests-7Qh2"


@dataclass(frozen=True)
class RunningBoard:
    """A board that answers: its address, its home folder, the password of the demo accounts."""

    url: str
    home: Path
    password: str
    pid: int


def environment(home: Path, **extra: str) -> dict[str, str]:
    """The environment of a child: its own home, the test password, no other TIANFU setting."""
    kept = {
        k: v for k, v in os.environ.items() if not k.startswith("TIANFU_") and k not in ("PORT", "RULES_PORT")
    }
    return kept | {"TIANFU_HOME": str(home), "TIANFU_DEMO_PASSWORD": PASSWORD} | extra


def run_tianfu(
    *words: str, home: Path, check: bool = True, timeout: float = 300
) -> subprocess.CompletedProcess[str]:
    """Run ``tianfu`` as a user would, in a child process."""
    done = subprocess.run(
        [sys.executable, "-m", "dashboard.cli.main", *words],
        cwd=ROOT,
        env=environment(home),
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    if check and done.returncode:
        raise AssertionError(
            f"tianfu {' '.join(words)} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
        )
    return done


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def healthz(url: str) -> dict[str, object]:
    """The body of ``/healthz``, whatever its status."""
    try:
        with urllib.request.urlopen(f"{url}/healthz", timeout=5) as answer:
            return dict(json.load(answer))
    except urllib.error.HTTPError as error:
        return dict(json.load(error))


@contextmanager
def running_board(home: Path, **extra: str) -> Iterator[RunningBoard]:
    """Start the board under gunicorn, wait until it answers, stop it (this process only) at the end."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    log = (home / "board.log").open("wb")
    process = subprocess.Popen(
        [sys.executable, "-m", "dashboard.cli.main", "serve"],
        cwd=ROOT,
        env=environment(home, PORT=str(port), **extra),
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    try:
        deadline = time.monotonic() + 60
        while True:
            if process.poll() is not None:
                raise AssertionError(f"the board ended at once:\n{(home / 'board.log').read_text()[-3000:]}")
            try:
                healthz(url)
                break
            except (OSError, ValueError):
                if time.monotonic() > deadline:
                    raise AssertionError("the board did not answer within 60 s") from None
                time.sleep(0.1)
        yield RunningBoard(url=url, home=home, password=PASSWORD, pid=process.pid)
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(5)
        log.close()
