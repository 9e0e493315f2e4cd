"""Policies for tests: the packaged baseline with a few things changed, each checked as a whole."""

from __future__ import annotations

import json

from dashboard.policy.model import Policy
from dashboard.policy.store import load_baseline

BASELINE = load_baseline()


def changed(*, base: Policy = BASELINE, **groups: object) -> Policy:
    """``base`` with some fields of some groups set anew, fully checked."""
    raw = base.model_dump(mode="json", exclude_none=True)
    for group, values in groups.items():
        raw[group] = raw[group] | values if isinstance(values, dict) else values
    return Policy.model_validate_json(json.dumps(raw))


def with_row(reason: str, *, base: Policy = BASELINE, **fields: object) -> Policy:
    """``base`` with one reason row changed; a field of None is left out."""
    rows = [
        {k: v for k, v in (row | fields).items() if v is not None} if row["reason_code"] == reason else row
        for row in base.model_dump(mode="json", exclude_none=True)["health_code"]["rows"]
    ]
    return changed(base=base, health_code={"rows": rows})
