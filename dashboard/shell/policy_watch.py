"""The policy in force as every request of this process sees it: read from the store every few seconds."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TypeGuard

from sqlalchemy.exc import DatabaseError

from dashboard.clock import Clock, china_now
from dashboard.errors import TianfuError
from dashboard.publishing.in_force import InForce, baseline_in_force, in_force
from dashboard.publishing.verdict import Judgement
from dashboard.store.engine import Database

log = logging.getLogger("tianfu.policy")

# A page asks for the policy a hundred times; the sender polls the service every 15 s.
KEPT_S = 2.0


class PolicyWatch:
    """What is in force, by the store of the board. Safe to share between threads.

    Where the store does not answer, the last known policy stays on screen and the verdict is *unknown*: what
    cannot be read may be old, and must say so.
    """

    def __init__(
        self,
        database: Database,
        *,
        clock: Clock = china_now,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._clock = clock
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._kept: tuple[InForce, float] | None = None

    def read(self) -> InForce:
        """The policy in force, as of a few seconds ago at most."""
        kept = self._kept
        if self._is_fresh(kept):
            return kept[0]
        # One thread asks; the others go on with what is known, and wait only where nothing is.
        if not self._lock.acquire(blocking=kept is None):
            return kept[0] if kept else self.read()
        try:
            if not self._is_fresh(self._kept):
                self._kept = (self._ask(), self._monotonic())
            return self._kept[0]
        finally:
            self._lock.release()

    def _is_fresh(self, kept: tuple[InForce, float] | None) -> TypeGuard[tuple[InForce, float]]:
        return kept is not None and self._monotonic() - kept[1] < KEPT_S

    def forget(self) -> None:
        """Ask the store at the next request: something was published by this very process."""
        self._kept = None

    def _ask(self) -> InForce:
        try:
            with self._database.read() as connection:
                return in_force(connection, self._clock())
        except (TianfuError, DatabaseError):
            log.warning("the policy in force cannot be read", exc_info=True)
            unknown = Judgement("unknown", "no_store")
            known = self._kept
            return replace(known[0], judgement=unknown) if known else baseline_in_force(unknown)
