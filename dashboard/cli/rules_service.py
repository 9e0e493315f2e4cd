"""``tianfu rules-service``: the packaged rules service."""

from __future__ import annotations

from dashboard.rules.run import run_rules_service
from dashboard.settings import read_settings


def rules_service() -> None:
    """Serve the rules at RULES_HOST:RULES_PORT (default 127.0.0.1:8060) until told to stop."""
    run_rules_service(read_settings())
