"""``tianfu serve``: the board under gunicorn."""

from __future__ import annotations

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def gunicorn_command() -> list[str]:
    """The command that serves the board with the settings of the environment."""
    return [sys.executable, "-m", "gunicorn", "-c", str(ROOT / "deploy" / "gunicorn.conf.py"), "app:server"]


def serve() -> None:
    """Serve the board at TIANFU_HOST:PORT (default 127.0.0.1:8050) until it is told to stop."""
    os.chdir(ROOT)
    command = gunicorn_command()
    os.execv(command[0], command)  # noqa: S606 - replaces this process, so signals reach gunicorn itself
