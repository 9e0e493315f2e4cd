"""Does the service decide by what we signed? Its thresholds beside the signed ones, its answers too."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass

from sqlalchemy import Connection, select

from dashboard.envelope.status import Active
from dashboard.policy.document import digest_policy
from dashboard.policy.model import Policy
from dashboard.publishing.client import NoReply, RulesClient
from dashboard.publishing.golden import Golden, Share, ask_golden
from dashboard.publishing.stand import parse_document
from dashboard.store.policy_models import PolicyEnvelopeRow


@dataclass(frozen=True)
class Signed:
    """What we signed of the version that the service says is in force; ``body`` is the whole envelope."""

    revision: str
    body: bytes
    policy: Policy


@dataclass(frozen=True)
class Finding:
    """How the service decides: the golden cases, and where its thresholds differ ("" for nowhere)."""

    golden: Golden
    drift: str


def read_signed(connection: Connection, policy_id: str, active: Active) -> Signed | None:
    """The envelope and the version that ``active`` names; None for what we did not issue."""
    envelope = connection.execute(
        select(PolicyEnvelopeRow.seq, PolicyEnvelopeRow.body).where(
            PolicyEnvelopeRow.policy_id == policy_id, PolicyEnvelopeRow.digest == active.digest
        )
    ).one_or_none()
    document = connection.execute(
        select(PolicyEnvelopeRow.document)
        .where(
            PolicyEnvelopeRow.policy_id == policy_id,
            PolicyEnvelopeRow.version == active.version,
            PolicyEnvelopeRow.seq <= active.seq,
        )
        .order_by(PolicyEnvelopeRow.seq.desc())
        .limit(1)
    ).scalar_one_or_none()
    if envelope is None or document is None:
        return None
    return Signed(f"{policy_id}:{envelope.seq}", envelope.body, parse_document(document))


def examine(client: RulesClient, active: Active, signed: Signed, *, share: Share) -> Finding:
    """Compare thresholds and ask the golden cases. Raises ``NoReply`` when the service cannot be read."""
    drift = find_drift(client.thresholds(), signed.body)
    if not drift and active.policy_digest != digest_policy(signed.policy):
        drift = f"version {active.version} has the digest {active.policy_digest}"
    golden = ask_golden(client.answer, signed.policy, revision=signed.revision, share=share)
    if (golden.right is False or drift) and client.status().active != active:
        # A schedule switched or a new head came while we asked: that is no fault.
        return Finding(Golden(None, golden.asked, "the version in force changed meanwhile"), "")
    return Finding(golden, drift)


def find_drift(reply: bytes, body: bytes) -> str:
    """Where the thresholds in ``reply`` differ from those of the signed ``body``; "" for nowhere."""
    part = body.split(b".")[1]
    ours = json.loads(base64.urlsafe_b64decode(part + b"=" * (-len(part) % 4)))
    try:
        content = json.loads(reply)
    except ValueError:
        raise NoReply("the thresholds are no JSON") from None
    theirs = content.get("result") if isinstance(content, dict) else None
    return _first_difference("", ours, theirs)


def _first_difference(path: str, ours: object, theirs: object) -> str:
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for name in (*ours, *(name for name in theirs if name not in ours)):
            found = _first_difference(f"{path}.{name}" if path else name, ours.get(name), theirs.get(name))
            if found:
                return found
        return ""
    if isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for number, pair in enumerate(zip(ours, theirs, strict=True)):
            found = _first_difference(f"{path}.{number}", *pair)
            if found:
                return found
        return ""
    # True equals 1 to Python, and a service that says true for 1 was changed.
    if type(ours) is type(theirs) and ours == theirs:
        return ""
    return f"{path or 'all'}: {_short(theirs)} instead of {_short(ours)}"


def _short(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + "..."
