"""``tianfu rules-service``: the packaged rules service."""

from __future__ import annotations

import os
import sys


def rules_service_command() -> list[str]:
    """The command that serves the rules with the settings of the environment."""
    return [sys.executable, "-m", "dashboard.rules"]


def rules_service() -> None:
    """Serve the rules at RULES_HOST:RULES_PORT (default 127.0.0.1:8060) until told to stop."""
    command = rules_service_command()
    # Replaces this process: signals reach the service itself, and it holds nothing of the board in memory.
    os.execv(command[0], command)  # noqa: S606
