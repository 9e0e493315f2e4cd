"""What a rules service says of itself at ``GET /v1/policies/{id}/status``, as both sides read it."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from dashboard.envelope.model import Digest, Kind, Number, Second, Stamp


class _Part(BaseModel):
    # Fields a later service may add are no reason to lose sight of it, hence ignored when read.
    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)


class Accepted(_Part):
    """The head as it lies in the file; kind and version are None where it was damaged there."""

    seq: int
    revision: str
    digest: Digest
    kind: Kind | None
    version: Annotated[int | None, Field(ge=1, description="Highest version in the envelope.")]
    since_s: Annotated[int, Field(description="When it was stored.")]


class Active(_Part):
    """The version that decides now, read from the evaluator itself."""

    seq: Number
    digest: Annotated[Digest, Field(description="Digest of the envelope.")]
    version: Number
    policy_digest: Annotated[Digest, Field(description="Digest of the canonical policy document.")]
    since_s: Annotated[int, Field(description="From when this version holds, by the signed text.")]
    expires_at_s: Second | None = None


class Pending(_Part):
    """A version whose time has not come."""

    version: Number
    effective_at_s: Second
    expires_at_s: Second | None = None


class LastError(_Part):
    """What went wrong last; gone when the next envelope is accepted, or when the fault has passed.

    ``code``: a refusal such as ``bad_signature`` or ``replayed``, or ``head_damaged`` (the file does not hold
    what decides), ``trust_unreadable``, ``storage``.
    """

    code: str
    detail: str
    at_s: int


class ServiceStatus(_Part):
    """The whole status. ``stale``: the time up to which the head calls itself fresh has passed."""

    policy_id: str
    instance: Annotated[str, Field(description="Changes when the service starts from an empty file.")]
    service_version: str
    started_at_s: int
    clock: Stamp
    clock_s: int
    accepted: Accepted | None
    active: Active | None
    pending: tuple[Pending, ...]
    fresh_until_s: Second | None
    stale: bool
    last_error: LastError | None
