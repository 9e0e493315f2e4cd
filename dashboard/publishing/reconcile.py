"""Every 15 s, also when nothing is on its way: what should be in force beside what the service really runs.

One poll reads the status, writes it down, settles what it proves (accepted, active, verified), compares the
thresholds, asks the golden cases, and judges. It changes nothing in the service: differences are shown, never
healed in silence.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Connection, insert, update

from dashboard.clock import Clock
from dashboard.envelope.status import Active, ServiceStatus
from dashboard.publishing.alerts import end_late, follow, raise_late
from dashboard.publishing.client import NoReply, RulesClient
from dashboard.publishing.examine import Finding, examine, read_signed
from dashboard.publishing.golden import ALL, Golden, Share
from dashboard.publishing.lease import Lease, renew
from dashboard.publishing.outbox import mark_accepted, mark_reached, oldest, waiting_since, wake
from dashboard.publishing.settle import settle_changes
from dashboard.publishing.standing import Standing, find_seq, read_observed, read_standing
from dashboard.publishing.verdict import POLL_EVERY
from dashboard.store.engine import Database
from dashboard.store.policy_models import PolicyStatusRow

log = logging.getLogger("tianfu.sender")
# Asking everything costs a quarter of a second on both sides.
PARTS = 6
Write = Callable[[Connection, datetime], None]


@dataclass
class Reconciler:
    """The polls of one policy; ``said`` is the verdict of the last one, so that only changes are logged.

    ``started_at_s`` is when the service that was polled last had started: another one is another evaluator.
    """

    database: Database
    client: RulesClient
    clock: Clock
    policy_id: str
    lease_for: timedelta
    said: str = field(default="", init=False)
    polls: int = field(default=0, init=False)
    started_at_s: int = field(default=0, init=False)

    def poll(self, lease: Lease) -> Standing:
        """One poll, and where delivery stands after it. Raises ``LeaseLost``."""
        try:
            status = self.client.status()
        except NoReply as problem:
            error = str(problem)
            return self._record(lease, lambda connection, at: self._write_silence(connection, at, error))
        standing = self._record(
            lease, lambda connection, at: self._write_status(connection, lease, status, at)
        )
        if status.active is None or self._is_passing(standing):
            return standing
        with self.database.read() as connection:
            signed = read_signed(connection, self.policy_id, status.active)
        if signed is None:
            return standing
        try:
            finding = examine(self.client, status.active, signed, share=self._share(status, standing))
        except NoReply as problem:
            finding = Finding(Golden(None, 0, str(problem)), "")
        active = status.active
        return self._record(
            lease, lambda connection, at: self._write_finding(connection, active, finding, at)
        )

    def _is_passing(self, standing: Standing) -> bool:
        """Whether what runs is about to be replaced: envelopes arrive, and the next one waits behind them.

        To examine every version of a backlog would hold up the one that is meant to stay.
        """
        issued = standing.issued
        return (
            issued is not None
            and issued.waiting_since is not None
            and issued.accepted_at is not None
            and self.clock() - issued.accepted_at < POLL_EVERY
        )

    def _share(self, status: ServiceStatus, standing: Standing) -> Share:
        """All golden cases of what is new or in doubt; otherwise a sixth, so that 90 s ask them all once."""
        self.polls += 1
        new = status.started_at_s != self.started_at_s
        self.started_at_s = status.started_at_s
        known_good = standing.observed is not None and standing.observed.golden is True
        return ALL if new or not known_good else (self.polls, PARTS)

    def _record(self, lease: Lease, write: Write) -> Standing:
        """Write down what was learned, judge, and raise or end the alerts, in one transaction."""
        at = self.clock()
        with self.database.write() as connection:
            renew(connection, lease, at=at, length=self.lease_for)
            write(connection, at)
            parcel = oldest(connection, self.policy_id)
            if parcel is not None:
                raise_late(
                    connection,
                    self.policy_id,
                    seq=parcel.seq,
                    since=waiting_since(connection, parcel),
                    at=at,
                    error=parcel.last_error,
                )
            end_late(connection, self.policy_id, before_seq=parcel.seq if parcel else None, at=at)
            standing = read_standing(connection, self.policy_id, at)
            follow(connection, self.policy_id, standing.judgement, at=at)
        said = standing.judgement.sentence("en")
        if said != self.said:
            log.info("%s: %s", standing.judgement.word("en"), said)
            self.said = said
        return standing

    def _write_silence(self, connection: Connection, at: datetime, error: str) -> None:
        done = connection.execute(
            update(PolicyStatusRow)
            .where(PolicyStatusRow.policy_id == self.policy_id)
            .values(polled_at=at, missed=PolicyStatusRow.missed + 1, error=error)
        )
        if not done.rowcount:
            self._insert(connection, polled_at=at, missed=1, error=error)

    def _write_status(
        self, connection: Connection, lease: Lease, status: ServiceStatus, at: datetime
    ) -> None:
        before = read_observed(connection, self.policy_id)
        values: dict[str, object] = {
            "polled_at": at,
            "read_at": at,
            "missed": 0,
            "error": "",
            "reply": status.model_dump(mode="json"),
        }
        if before is None:
            self._insert(connection, **values)
        else:
            if before.status is None or not _same(before.status.active, status.active):
                # What was found out about another version says nothing about this one.
                values |= {"golden_ok": None, "golden_detail": "", "drift": ""}
            connection.execute(
                update(PolicyStatusRow).where(PolicyStatusRow.policy_id == self.policy_id).values(**values)
            )
            if before.missed or self.polls == 0:
                wake(connection, self.policy_id, lease=lease, at=at)
        if status.accepted is not None:
            mark_accepted(connection, self.policy_id, status.accepted.digest, lease=lease, at=at)
        active = status.active
        if active is not None and find_seq(connection, self.policy_id, active.digest) == active.seq:
            mark_reached(
                connection, self.policy_id, seq=active.seq, version=active.version, column="active_at", at=at
            )
            settle_changes(connection, self.policy_id, seq=active.seq, version=active.version, at=at)

    def _write_finding(self, connection: Connection, active: Active, finding: Finding, at: datetime) -> None:
        golden = finding.golden
        connection.execute(
            update(PolicyStatusRow)
            .where(PolicyStatusRow.policy_id == self.policy_id)
            .values(golden_ok=golden.right, golden_detail=golden.detail, drift=finding.drift)
        )
        if golden.right and not finding.drift:
            mark_reached(
                connection,
                self.policy_id,
                seq=active.seq,
                version=active.version,
                column="verified_at",
                at=at,
            )

    def _insert(self, connection: Connection, **values: object) -> None:
        empty: dict[str, object] = {"golden_ok": None, "golden_detail": "", "drift": "", "error": ""}
        connection.execute(insert(PolicyStatusRow).values(**empty | values | {"policy_id": self.policy_id}))


def _same(before: Active | None, now: Active | None) -> bool:
    names = ("seq", "digest", "version", "policy_digest")
    return (before is None) == (now is None) and all(
        getattr(before, name, None) == getattr(now, name, None) for name in names
    )
