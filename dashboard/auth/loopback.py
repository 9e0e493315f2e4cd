"""Whether demo accounts may be used: only on a board that this machine alone can reach."""

from __future__ import annotations

from ipaddress import ip_address

from dashboard.settings import Settings


def is_loopback(host: str) -> bool:
    """Whether ``host`` is reachable from this machine only."""
    if host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def demo_allowed(settings: Settings) -> bool:
    """Whether demo accounts may sign in: their logins are public and share one password."""
    return is_loopback(settings.host)
