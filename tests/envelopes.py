"""Envelopes for the tests: small ones to sign, settings of a home, signed chains."""

from __future__ import annotations

from pathlib import Path

from dashboard.envelope.jws import digest, sign
from dashboard.envelope.keys import SigningKey
from dashboard.envelope.model import Approval, Envelope, Kind, VersionEntry, write_stamp
from dashboard.policy.model import Policy
from dashboard.policy.store import load_baseline
from dashboard.settings import Settings, read_settings

NOW = 1_610_348_400  # 2021-01-11T07:00:00Z


def home_settings(home: Path, **env: str) -> Settings:
    """The settings of a process whose home is ``home``, with further variables."""
    return read_settings({"TIANFU_HOME": str(home)} | env)


def policy_at(version: int, **risk_area: int) -> Policy:
    """The baseline under another version number, with thresholds of ``risk_area`` changed."""
    baseline = load_baseline()
    changed = baseline.risk_area.model_copy(update=risk_area)
    return baseline.model_copy(update={"version": version, "risk_area": changed})


def entry(
    version: int, *, start_s: int = NOW - 100, end_s: int | None = None, **risk_area: int
) -> VersionEntry:
    """A version that holds from ``start_s``."""
    policy = policy_at(version, **risk_area)
    return VersionEntry(version=version, effective_at_s=start_s, expires_at_s=end_s, thresholds=policy)


def envelope(
    seq: int = 1,
    *entries: VersionEntry,
    prev: str | None = None,
    kind: Kind = "normal",
    at_s: int = NOW,
    fresh_s: int = 7200,
    reason: str = "为验证而发布",
) -> Envelope:
    """An envelope with version ``seq`` in force, or the entries given."""
    return Envelope(
        policy_id="epidemic",
        seq=seq,
        revision=f"epidemic:{seq}",
        prev=prev,
        kind=kind,
        rollback_of=1 if kind == "rollback" else None,
        issued_at=write_stamp(at_s),
        fresh_until_s=at_s + fresh_s,
        versions=entries or (entry(seq, start_s=at_s - 100),),
        approval=Approval(
            change_id=f"change-{seq}",
            drafted_by="editor",
            approved_by=("commander",),
            approved_at=write_stamp(at_s),
            draft_digest="sha256:" + "0" * 64,
            reason=reason,
        ),
    )


def chain(key: SigningKey, count: int, *, at_s: int = NOW) -> list[bytes]:
    """``count`` signed envelopes, each naming the one before it."""
    bodies: list[bytes] = []
    for seq in range(1, count + 1):
        prev = digest(bodies[-1]) if bodies else None
        bodies.append(sign(envelope(seq, prev=prev, at_s=at_s + seq), key))
    return bodies
