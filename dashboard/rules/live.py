"""What decides now: one envelope in memory, and the version of it whose time has come."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from dashboard.envelope.model import Envelope, VersionEntry, active_entry, payload_bytes
from dashboard.envelope.status import Active, Pending
from dashboard.policy.document import digest_policy
from dashboard.policy.model import Policy

# The policy in force (None while none is) and the question; the answer names the version itself.
Decide = Callable[[Policy | None, object], dict[str, object]]


@dataclass(frozen=True)
class Live:
    """The evaluator of one envelope; never changed, only replaced as a whole."""

    envelope: Envelope
    digest: str
    accepted_at_s: int
    decide: Decide

    def answer(self, question: object, *, now_s: int) -> dict[str, object]:
        """The decision with the version that made it; while none holds, no decision and the reason."""
        entry = active_entry(self.envelope, now_s)
        return self.decide(entry.thresholds if entry else None, question)

    def active(self, now_s: int) -> Active | None:
        """Which version decides at ``now_s``."""
        entry = active_entry(self.envelope, now_s)
        if entry is None:
            return None
        return Active(
            seq=self.envelope.seq,
            digest=self.digest,
            version=entry.version,
            policy_digest=self._policy_digests[entry.version],
            since_s=self._since(entry, now_s),
            expires_at_s=entry.expires_at_s,
        )

    def pending(self, now_s: int) -> tuple[Pending, ...]:
        """The versions that wait for their time."""
        return tuple(
            Pending(
                version=entry.version, effective_at_s=entry.effective_at_s, expires_at_s=entry.expires_at_s
            )
            for entry in self.envelope.versions
            if entry.effective_at_s > now_s
        )

    def is_stale(self, now_s: int) -> bool:
        """Whether the time up to which the envelope calls itself fresh has passed."""
        return now_s >= self.envelope.fresh_until_s

    @cached_property
    def payload(self) -> bytes:
        """The payload, canonical."""
        return payload_bytes(self.envelope)

    @cached_property
    def _policy_digests(self) -> dict[int, str]:
        return {entry.version: digest_policy(entry.thresholds) for entry in self.envelope.versions}

    def _since(self, entry: VersionEntry, now_s: int) -> int:
        # A version also begins to hold when a higher one ends.
        ends = [
            other.expires_at_s
            for other in self.envelope.versions
            if other.version > entry.version
            and other.expires_at_s is not None
            and other.effective_at_s < other.expires_at_s <= now_s
        ]
        return max(entry.effective_at_s, *ends) if ends else entry.effective_at_s


def new_decision_id() -> str:
    """A name for one decision, as an OPA gives it."""
    return str(uuid.uuid4())
