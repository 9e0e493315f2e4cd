"""Seconds from ``tianfu demo`` to a page that can be used: in a fresh home, and on existing data."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.home import environment, free_port, started, wait_for
from benchmarks.visitor import PASSWORD, Http, Reader, cards_of


@dataclass(frozen=True)
class Start:
    """Seconds until ``/healthz`` answers, and until every card of the overview has."""

    answers: float
    usable: float


def measure_start(home: Path) -> Start:
    """Run ``tianfu demo`` in ``home``, sign in, open the overview, ask for each of its cards; then stop."""
    port = free_port()
    command = [sys.executable, "-m", "dashboard.cli.main", "demo"]
    began = time.perf_counter()
    # Workers as by default: that is what a newcomer starts.
    env = environment(home, PORT=str(port), TIANFU_WORKERS="2")
    with started(command, env, home.parent / "start.log") as process:
        url = f"http://127.0.0.1:{port}"
        wait_for(f"{url}/healthz", process, seconds=300)
        answers = time.perf_counter() - began
        reader = Reader(Http(url))
        reader.sign_in("viewer", PASSWORD)
        reader.get("/")
        for ask in cards_of(reader, {"overview": "/"}):
            reader.ask(ask.body)
        return Start(answers, time.perf_counter() - began)
