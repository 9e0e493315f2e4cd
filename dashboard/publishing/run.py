"""The sender as a process: from settings to a loop that ends on SIGTERM or SIGINT."""

from __future__ import annotations

import logging
import signal
import threading
from datetime import datetime, timedelta
from types import FrameType

from sqlalchemy import Connection

from dashboard.envelope.keys import load_signing_key, load_token
from dashboard.errors import SettingError
from dashboard.publishing.client import DEADLINE_S, RulesClient
from dashboard.publishing.publish import issue_refresh
from dashboard.publishing.sender import Sender
from dashboard.publishing.stand import POLICY_ID
from dashboard.settings import Settings
from dashboard.store.engine import Database

log = logging.getLogger("tianfu.sender")
LEASE_BOUNDS = (1, 300)


def run_sender(settings: Settings, *, lease_s: int) -> None:
    """Send until told to stop. Raises ``SettingError`` or ``StorageError`` before anything is sent."""
    low, high = LEASE_BOUNDS
    if not low <= lease_s <= high:
        raise SettingError(
            f"The lease is {lease_s} s.", todo=f"Choose a whole number of seconds from {low} to {high}."
        )
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    for noisy in ("httpx", "alembic"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    stop = threading.Event()

    def end(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    database = Database(settings)
    client = RulesClient(
        settings.rules_address,
        token=load_token(settings),
        policy_id=POLICY_ID,
        # A request must end before the lease does.
        deadline_s=min(DEADLINE_S, lease_s * 2 / 3),
    )

    def refresh(connection: Connection, at: datetime) -> bool:
        return issue_refresh(connection, load_signing_key(settings), at) is not None

    sender = Sender(database, client, POLICY_ID, refresh=refresh, lease_for=timedelta(seconds=lease_s))
    log.info("sender of %s to %s", POLICY_ID, settings.rules_address)
    try:
        sender.run(stop)
    finally:
        client.close()
        database.close()
