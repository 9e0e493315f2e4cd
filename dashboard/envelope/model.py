"""What a signed envelope says: which versions of a policy hold when, who approved them, what came before.

The active version is the one with the highest number among those whose time has come and not passed. So a
schedule travels early and the rules service switches by itself, and an emergency ends by itself.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, ValidationError, model_validator

from dashboard.envelope.errors import EnvelopeError
from dashboard.policy.document import canonical_json, describe_problems
from dashboard.policy.groups import Strict
from dashboard.policy.model import Policy
from dashboard.strict_json import load_strict

SCHEMA = "tianfu.policy/v1"
MAX_EMERGENCY_S = 24 * 3600
# The largest whole number that every JSON reader keeps exactly, and the last second of the year 9999.
_MAX_NUMBER, _MAX_SECOND = 2**53 - 1, 253_402_300_799

Kind = Literal["normal", "rollback", "emergency", "refresh"]
Number = Annotated[int, Field(ge=1, le=_MAX_NUMBER)]
Second = Annotated[int, Field(ge=0, le=_MAX_SECOND)]
Digest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
Stamp = Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$")]
Name = Annotated[str, Field(min_length=1, max_length=64)]


class VersionEntry(Strict):
    """One version with the time it holds: from ``effective_at_s`` up to, not including, ``expires_at_s``."""

    version: Number
    effective_at_s: Second
    expires_at_s: Second | None = None
    thresholds: Policy

    def policy(self) -> Policy:
        """The whole policy document of this version."""
        return self.thresholds

    def holds(self, now_s: int) -> bool:
        """Whether the time of this version has come and not passed at ``now_s``."""
        return self.effective_at_s <= now_s and (self.expires_at_s is None or now_s < self.expires_at_s)

    @model_validator(mode="after")
    def _check_entry(self) -> VersionEntry:
        problems = []
        if self.thresholds.version != self.version:
            problems.append(
                f"thresholds.version is {self.thresholds.version}: must equal the version {self.version}"
            )
        if self.expires_at_s is not None and self.expires_at_s <= self.effective_at_s:
            problems.append(
                f"expires_at_s is {self.expires_at_s}: must be after effective_at_s ({self.effective_at_s})"
            )
        if problems:
            raise ValueError("\n".join(problems))
        return self


class Approval(Strict):
    """Who drafted and approved the change, bound to the digest of the draft they saw."""

    change_id: Name
    drafted_by: Name
    approved_by: Annotated[tuple[Name, ...], Field(max_length=16)]
    approved_at: Stamp | None = None
    draft_digest: Digest
    reason: Annotated[str, Field(max_length=4000)]


class Impact(Strict):
    """The impact preview the approver saw: the snapshot it was computed on and its digest."""

    snapshot_id: Name
    digest: Digest


class Envelope(Strict):
    """One numbered publication; ``prev`` is the digest of the envelope before it."""

    model_config = ConfigDict(validate_by_name=True, validate_by_alias=True, serialize_by_alias=True)

    schema_: Annotated[Literal["tianfu.policy/v1"], Field(alias="schema")] = "tianfu.policy/v1"
    policy_id: Literal["epidemic"]
    seq: Number
    revision: str
    prev: Digest | None
    kind: Kind
    rollback_of: Number | None = None
    issued_at: Stamp
    fresh_until_s: Second
    versions: Annotated[tuple[VersionEntry, ...], Field(min_length=1, max_length=64)]
    approval: Approval | None = None
    impact: Impact | None = None

    @property
    def newest(self) -> VersionEntry:
        """The entry with the highest version, whether it holds yet or not."""
        return self.versions[-1]

    @model_validator(mode="after")
    def _check_whole(self) -> Envelope:
        problems = [*_chain_problems(self), *_version_problems(self)]
        if problems:
            raise ValueError("\n".join(problems))
        return self


def _chain_problems(envelope: Envelope) -> list[str]:
    problems = []
    if envelope.revision != f"{envelope.policy_id}:{envelope.seq}":
        problems.append(
            f"revision is {envelope.revision}: must be policy_id and seq, {envelope.policy_id}:{envelope.seq}"
        )
    if (envelope.prev is None) != (envelope.seq == 1):
        problems.append(f"prev is {envelope.prev}: must be null exactly for seq 1 (seq is {envelope.seq})")
    if (envelope.rollback_of is None) != (envelope.kind != "rollback"):
        problems.append(
            f"rollback_of is {envelope.rollback_of}: state it exactly for a rollback "
            f"(kind is {envelope.kind})"
        )
    try:
        read_stamp(envelope.issued_at)
    except ValueError:
        problems.append(f"issued_at is {envelope.issued_at}: must be a day and a time that exist")
    return problems


def _version_problems(envelope: Envelope) -> list[str]:
    problems = []
    numbers = [entry.version for entry in envelope.versions]
    if any(after <= before for before, after in pairwise(numbers)):
        problems.append(f"versions are {', '.join(map(str, numbers))}: must ascend, each once")
    # Without such an entry a moment would come in which nothing is in force at all.
    if all(entry.expires_at_s is not None for entry in envelope.versions):
        problems.append("versions has no entry without an end: state what holds after the others ended")
    if envelope.kind == "emergency":
        newest = envelope.newest
        if newest.expires_at_s is None or newest.expires_at_s - newest.effective_at_s > MAX_EMERGENCY_S:
            problems.append(
                f"versions.{newest.version}.expires_at_s is {newest.expires_at_s}: an emergency must end "
                f"at most {MAX_EMERGENCY_S} s after effective_at_s ({newest.effective_at_s})"
            )
    return problems


def active_entry(envelope: Envelope, now_s: int) -> VersionEntry | None:
    """The version in force at ``now_s``; None when the time of none has come."""
    return next((entry for entry in reversed(envelope.versions) if entry.holds(now_s)), None)


def pending_entries(envelope: Envelope, now_s: int) -> tuple[VersionEntry, ...]:
    """The versions whose time has not come at ``now_s``."""
    return tuple(entry for entry in envelope.versions if entry.effective_at_s > now_s)


def payload_bytes(envelope: Envelope) -> bytes:
    """The one text of an envelope that is signed: keys sorted, no spaces, UTF-8, policies canonical."""
    content = envelope.model_dump(mode="json", exclude={"versions"})
    content["versions"] = [
        {
            "version": entry.version,
            "effective_at_s": entry.effective_at_s,
            "expires_at_s": entry.expires_at_s,
            "thresholds": json.loads(canonical_json(entry.thresholds)),
        }
        for entry in envelope.versions
    ]
    return json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def parse_payload(payload: bytes) -> Envelope:
    """The envelope in ``payload``; raises ``EnvelopeError`` ``form`` (not JSON) or ``schema``."""
    try:
        text = payload.decode("utf-8")
        load_strict(text)
    except ValueError as problem:
        raise EnvelopeError("form", f"The payload is not JSON that can be read: {problem}.") from None
    try:
        return Envelope.model_validate_json(text)
    except ValidationError as problem:
        sentences = "; ".join(describe_problems(problem)[:20])
        raise EnvelopeError(
            "schema",
            f"The envelope does not keep the schema {SCHEMA}: {sentences}.",
            todo="docs/policy-envelope.schema.json states every field.",
        ) from None


def write_stamp(seconds: int) -> str:
    """The readable form of ``seconds``, such as ``2021-01-11T07:00:00Z``."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def read_stamp(text: str) -> int:
    """The seconds of such a text; raises ``ValueError``."""
    return int(datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp())
