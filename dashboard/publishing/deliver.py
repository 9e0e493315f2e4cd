"""One try to deliver the oldest envelope, and what its ending means for the envelope.

Sent once is not sent never: where an earlier try may have arrived, the status is read first and the same
bytes are sent again only if they are not there. No transaction is open while the network is waited for.
"""

from __future__ import annotations

import logging
import random
from dataclasses import dataclass
from datetime import timedelta

from dashboard.clock import Clock
from dashboard.envelope.status import ServiceStatus
from dashboard.publishing.backoff import delay_s, retry_after_s
from dashboard.publishing.client import NoReply, Outcome, RulesClient
from dashboard.publishing.lease import Lease, check_fence, renew
from dashboard.publishing.outbox import (
    BUSY,
    Parcel,
    mark_accepted,
    mark_blocked,
    mark_foreign,
    mark_waiting,
    note_try,
)
from dashboard.publishing.settle import block_change
from dashboard.publishing.standing import find_seq
from dashboard.store.engine import Database

log = logging.getLogger("tianfu.sender")


@dataclass(frozen=True)
class Delivery:
    """What a sender needs to deliver: the store, the service, the clock and the dice for its pauses."""

    database: Database
    client: RulesClient
    clock: Clock
    dice: random.Random
    lease_for: timedelta

    def deliver(self, parcel: Parcel, lease: Lease) -> bool:
        """Try once; True when the service now holds the envelope. Raises ``LeaseLost``."""
        at = self.clock()
        with self.database.write() as connection:
            note_try(connection, parcel, lease=lease, at=at)
        if parcel.attempts:
            # A try before this one may have arrived, whatever became of the sender that made it.
            return self._look_first(parcel, lease)
        return self._send(parcel, lease)

    def _send(self, parcel: Parcel, lease: Lease) -> bool:
        with self.database.write() as connection:
            # The request ends before the lease does, so no other sender is at it meanwhile.
            renew(connection, lease, at=self.clock(), length=self.lease_for)
        outcome = self.client.put(parcel.body, digest=parcel.digest, head=parcel.prev, seq=parcel.seq)
        match outcome.meaning:
            case "accepted":
                return self._accepted(parcel.digest, lease, policy_id=parcel.policy_id)
            case "refused":
                self._blocked(parcel, lease, outcome.detail)
                return False
            case "busy":
                self._later(parcel, lease, f"{BUSY}{outcome.detail}", outcome)
                return False
            case "conflict":
                return self._conflict(parcel, lease, outcome)
            case "unknown":
                self._later(parcel, lease, outcome.detail, outcome)
                return False

    def _look_first(self, parcel: Parcel, lease: Lease) -> bool:
        try:
            status = self.client.status()
        except NoReply as problem:
            self._later(parcel, lease, str(problem), None)
            return False
        head = status.accepted.digest if status.accepted else None
        if head == parcel.prev:
            return self._send(parcel, lease)
        return self._other_head(parcel, lease, status, "")

    def _conflict(self, parcel: Parcel, lease: Lease, outcome: Outcome) -> bool:
        try:
            status = self.client.status()
        except NoReply as problem:
            self._later(parcel, lease, f"{outcome.detail}; then {problem}", None)
            return False
        head = status.accepted.digest if status.accepted else None
        if head == parcel.prev:
            # It says both "not my head" and that it is: perhaps a moment of its own, so not for ever.
            self._later(parcel, lease, outcome.detail, outcome)
            return False
        return self._other_head(parcel, lease, status, outcome.detail)

    def _other_head(self, parcel: Parcel, lease: Lease, status: ServiceStatus, said: str) -> bool:
        """The head is not the one this envelope follows: it is this one, a later one of ours, or neither."""
        policy_id, accepted = parcel.policy_id, status.accepted
        if accepted is None:
            self._later(parcel, lease, "the service holds nothing, though it acknowledged more", None)
            return False
        if accepted.digest == parcel.digest:
            return self._accepted(parcel.digest, lease, policy_id=policy_id)
        with self.database.write() as connection:
            check_fence(connection, lease)
            seq = find_seq(connection, policy_id, accepted.digest)
            if seq is None:
                words = f"the head is {accepted.digest} (seq {accepted.seq}), not issued here. {said}"
                mark_foreign(connection, parcel, lease=lease, error=words.strip())
                log.warning("seq %s: %s", parcel.seq, words)
                return False
            came = mark_accepted(connection, policy_id, accepted.digest, lease=lease, at=self.clock())
        if parcel.seq in came:
            return True
        if seq > parcel.seq:
            self._blocked(parcel, lease, f"seq {seq} was published without it")
            return False
        self._later(parcel, lease, f"the service went back to seq {seq}", None)
        return False

    def _accepted(self, digest: str, lease: Lease, *, policy_id: str) -> bool:
        with self.database.write() as connection:
            came = mark_accepted(connection, policy_id, digest, lease=lease, at=self.clock())
        log.info("seq %s accepted", ", ".join(map(str, sorted(came))))
        return True

    def _later(self, parcel: Parcel, lease: Lease, error: str, outcome: Outcome | None) -> None:
        at = self.clock()
        since = parcel.first_try_at or at
        pause = delay_s(attempts=parcel.attempts + 1, trying_for=at - since, dice=self.dice)
        if outcome is not None and outcome.meaning == "busy":
            pause = retry_after_s(outcome.retry_after_s, otherwise=pause)
        log.info("seq %s: %s; again in %.1f s", parcel.seq, error, pause)
        with self.database.write() as connection:
            mark_waiting(
                connection,
                parcel,
                lease=lease,
                next_try_at=at + timedelta(seconds=pause),
                error=error,
            )

    def _blocked(self, parcel: Parcel, lease: Lease, error: str) -> None:
        log.warning("seq %s refused for good: %s", parcel.seq, error)
        with self.database.write() as connection:
            for seq in mark_blocked(connection, parcel, lease=lease, error=error):
                block_change(connection, parcel.policy_id, seq, error=error, at=self.clock())
