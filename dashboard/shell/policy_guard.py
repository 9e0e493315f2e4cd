"""What the guard turned away from a step of the policy is written to the audit log as well.

The guard answers before any step is known; its refusals of ``/policy/act/`` are noted here, one for each
address and status in ten seconds, so that nobody fills the log from outside.
"""

from __future__ import annotations

import logging
import threading
import time

from flask import Flask, Response, g, request
from sqlalchemy.exc import DatabaseError

from dashboard.errors import TianfuError
from dashboard.shell.desk import store_of_board
from dashboard.shell.security import visitor
from dashboard.store.audit import append_audit

log = logging.getLogger("tianfu.policy")

BEGINS = "/policy/act/"
EVERY_S = 10.0
MOST_KNOWN = 1000


def install(server: Flask) -> None:
    """Note refusals after they were answered; must be installed before the guard."""
    seen: dict[tuple[str, int], float] = {}
    lock = threading.Lock()

    def is_new(key: tuple[str, int]) -> bool:
        now = time.monotonic()
        with lock:
            if now - seen.get(key, -EVERY_S) < EVERY_S:
                return False
            if len(seen) >= MOST_KNOWN:
                seen.clear()
            seen[key] = now
            return True

    @server.after_request
    def note(response: Response) -> Response:
        refused = request.path.startswith(BEGINS) and response.status_code in (401, 403)
        if not refused or "identity" in g or not is_new((visitor().address, response.status_code)):
            return response
        database, clock = store_of_board()
        try:
            with database.write() as connection:
                append_audit(
                    connection,
                    at=clock(),
                    actor="-",
                    action="policy_refused",
                    target=request.path[:120],
                    detail={"status": response.status_code, "address": visitor().address},
                )
        except (DatabaseError, TianfuError):
            log.warning("a refusal could not be written to the audit log", exc_info=True)
        return response
