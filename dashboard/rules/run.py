"""Running the rules service under uvicorn, on one port, until it is told to stop."""

from __future__ import annotations

import logging
import os
import signal
import socket
import time
from collections.abc import Callable, Mapping
from ipaddress import ip_address
from types import FrameType

import uvicorn
from starlette.applications import Starlette

from dashboard.envelope.keys import load_token, trust_path
from dashboard.errors import SettingError
from dashboard.policy.decide import decide
from dashboard.rules.app import create_app
from dashboard.rules.live import Decide
from dashboard.rules.service import RulesService
from dashboard.rules.trustfile import TrustFile
from dashboard.settings import Settings

log = logging.getLogger("tianfu.rules")
# For tests of schedules and of a wrong clock; docs/rules-service.md says so. Never set it in service.
CLOCK_OFFSET = "TIANFU_RULES_CLOCK_OFFSET_S"


def run_rules_service(
    settings: Settings, *, decide: Decide = decide, env: Mapping[str, str] = os.environ
) -> None:
    """Serve until SIGTERM or SIGINT. Raises ``SettingError`` or ``StorageError`` before anything answers.

    ``decide`` is the evaluator; only a test that wants wrong answers gives another.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    token = load_token(settings)
    service = RulesService(
        folder=settings.home / "rules",
        trust=TrustFile(trust_path(settings)),
        decide=decide,
        clock_s=read_clock(env),
    )
    try:
        listener = listen(settings)
        host, port = listener.getsockname()[:2]
        log.info("rules service on http://%s:%s", host, port)
        if not ip_address(host).is_loopback:
            log.warning("plain HTTP on %s: put a proxy with TLS in front, the token crosses the wire", host)
        serve(create_app(service, token=token), listener)
    finally:
        service.close()


def serve(app: Starlette, listener: socket.socket) -> None:
    """Serve ``app`` on ``listener``; SIGTERM or SIGINT ends open requests, then raises ``SystemExit(0)``."""
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ws="none",
        lifespan="off",
        timeout_keep_alive=60,
        timeout_graceful_shutdown=5,
    )
    # uvicorn ends its work and then raises the signal again for whoever handled it before.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _leave)
    uvicorn.Server(config).run(sockets=[listener])


def _leave(_signal: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)


def listen(settings: Settings) -> socket.socket:
    """The socket the service answers on; raises ``SettingError`` for an address that cannot be used."""
    family = socket.AF_INET6 if ":" in settings.rules_host else socket.AF_INET
    # The protocol must be named: asyncio switches Nagle's algorithm off only on sockets that state TCP, and
    # with it on every reply waits 40 ms for the caller's delayed acknowledgement.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.rules_host, settings.rules_port))
    except OSError as problem:
        listener.close()
        raise SettingError(
            f"Port {settings.rules_port} on {settings.rules_host} cannot be used: {problem.strerror}.",
            todo="Stop the program that uses it, or choose another port in RULES_PORT.",
        ) from None
    return listener


def read_clock(env: Mapping[str, str]) -> Callable[[], int]:
    """The clock in whole seconds, moved by ``TIANFU_RULES_CLOCK_OFFSET_S`` where that is set."""
    text = env.get(CLOCK_OFFSET, "").strip() or "0"
    try:
        offset = int(text)
    except ValueError:
        raise SettingError(
            f"{CLOCK_OFFSET} is {text!r}.", todo="Set it to whole seconds, or remove it."
        ) from None
    return lambda: int(time.time()) + offset
