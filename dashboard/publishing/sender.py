"""The sender: holds the lease, delivers the oldest envelope, polls, renews; for ever, one thing at a time."""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Connection
from sqlalchemy.exc import DatabaseError

from dashboard.clock import Clock, china_now
from dashboard.errors import SettingError, StorageError
from dashboard.publishing.client import RulesClient
from dashboard.publishing.deliver import Delivery
from dashboard.publishing.lease import (
    LEASE_FOR,
    Lease,
    LeaseLost,
    acquire,
    check_fence,
    give_up,
    new_holder,
    renew,
)
from dashboard.publishing.outbox import Parcel, oldest
from dashboard.publishing.reconcile import Reconciler
from dashboard.publishing.restore import LOST, is_confirmed, send_again
from dashboard.publishing.standing import Standing
from dashboard.publishing.verdict import POLL_EVERY
from dashboard.store.engine import Database

log = logging.getLogger("tianfu.sender")
# How soon a publication is seen; a look costs one short query.
LOOK_EVERY_S = 0.2
STAND_BY_S = 1.0
AT_ONCE = 20
# Signs what is published once more when that is due; says whether it did.
Refresh = Callable[[Connection, datetime], bool]


@dataclass
class Sender:
    """One sender of one policy. ``turn`` does what is due by the clock; ``run`` repeats it."""

    database: Database
    client: RulesClient
    policy_id: str
    refresh: Refresh | None = None
    clock: Clock = china_now
    lease_for: timedelta = LEASE_FOR
    dice: random.Random = field(default_factory=random.SystemRandom)
    holder: str = field(default_factory=new_holder)

    def __post_init__(self) -> None:
        self._lease: Lease | None = None
        self._next_poll: datetime | None = None
        self._delivery = Delivery(self.database, self.client, self.clock, self.dice, self.lease_for)
        self._reconciler = Reconciler(self.database, self.client, self.clock, self.policy_id, self.lease_for)

    def run(self, stop: threading.Event) -> None:
        """Turn until ``stop`` is set. A store that cannot be reached is waited for."""
        while not stop.is_set():
            try:
                pause = self.turn()
            except (DatabaseError, StorageError) as problem:
                log.warning("the store cannot be used: %s", problem)
                pause = STAND_BY_S
            stop.wait(pause)
        self.close()

    def turn(self) -> float:
        """Do what is due now; the seconds until the next look."""
        lease = self._hold()
        if lease is None:
            return STAND_BY_S
        try:
            self._work(lease)
        except LeaseLost as lost:
            log.warning("%s", lost)
            self._lease = None
            return STAND_BY_S
        return LOOK_EVERY_S

    def close(self) -> None:
        """Give the lease back, so that the next sender begins at once."""
        if self._lease is not None:
            lease, self._lease = self._lease, None
            with self.database.write() as connection:
                give_up(connection, lease, at=self.clock())

    def _hold(self) -> Lease | None:
        """Our lease, taken or renewed when less than two thirds of it are left; None while another has it."""
        at, had = self.clock(), self._lease
        if had is not None and at + self.lease_for * 2 / 3 < had.until <= at + self.lease_for:
            return had
        with self.database.write() as connection:
            self._lease = acquire(
                connection, name=self.policy_id, holder=self.holder, at=at, length=self.lease_for
            )
        if self._lease is not None and (had is None or had.fence != self._lease.fence):
            log.info("holds the lease %s with fence %s", self.policy_id, self._lease.fence)
            self._next_poll = None
        if self._lease is None and had is not None:
            log.warning("another sender holds the lease %s", self.policy_id)
        return self._lease

    def _work(self, lease: Lease) -> None:
        # One after the other without a poll in between: after an outage many wait, only the last counts.
        for _ in range(AT_ONCE):
            parcel = self._due()
            if parcel is None or not self._delivery.deliver(parcel, lease):
                break
            self._next_poll = None  # accepted is not active: look at once
        at = self.clock()
        if self._next_poll is None or at >= self._next_poll or self._next_poll > at + 2 * POLL_EVERY:
            self._next_poll = at + POLL_EVERY
            standing = self._reconciler.poll(lease)
            self._send_lost(lease, standing)
            self._refresh(lease, standing)

    def _due(self) -> Parcel | None:
        with self.database.read() as connection:
            parcel = oldest(connection, self.policy_id)
        if parcel is None or parcel.state != "waiting" or parcel.next_try_at > self.clock():
            return None
        return parcel

    def _refresh(self, lease: Lease, standing: Standing) -> None:
        """Renew what the service holds, while that is what it should hold."""
        issued, observed = standing.issued, standing.observed
        if self.refresh is None or issued is None or observed is None or observed.missed:
            return
        if observed.head_seq != issued.seq:
            return
        at = self.clock()
        try:
            with self.database.write() as connection:
                check_fence(connection, lease)
                if self.refresh(connection, at):
                    log.info("what is published was signed once more")
        except SettingError as problem:
            # Without the key the service goes stale, and the verdict says so.
            log.warning("cannot be renewed: %s", problem)

    def _send_lost(self, lease: Lease, standing: Standing) -> None:
        status = standing.observed.status if standing.observed else None
        if status is None or standing.judgement.reason not in LOST:
            return
        with self.database.write() as connection:
            if not is_confirmed(connection, self.policy_id, status.instance):
                return
            renew(connection, lease, at=self.clock(), length=self.lease_for)
        outcome = send_again(self.database, self.client, policy_id=self.policy_id, status=status)
        if outcome is not None and outcome.meaning == "accepted":
            self._next_poll = None
