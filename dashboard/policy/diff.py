"""What differs between two policies, field by field."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from dashboard.policy.model import Policy

Scalar = str | int | bool
# Rows are compared by what they are about, not by their place in the list: moving a row is no change.
_ROW_IDS = ("reason_code", "id")


@dataclass(frozen=True)
class Change:
    """One field that differs; ``before`` is None for an added field, ``after`` for a removed one."""

    path: str
    before: Scalar | None
    after: Scalar | None

    @property
    def kind(self) -> Literal["added", "removed", "changed"]:
        if self.before is None:
            return "added"
        return "removed" if self.after is None else "changed"


def diff_policies(before: Policy, after: Policy) -> tuple[Change, ...]:
    """All differing fields, those of ``before`` in its order, then the added ones."""
    old, new = flatten_policy(before), flatten_policy(after)
    return tuple(
        Change(path, old.get(path), new.get(path))
        for path in dict.fromkeys([*old, *new])
        # By type too: for Python 1 equals True, for a rules service it does not.
        if (type(old.get(path)), old.get(path)) != (type(new.get(path)), new.get(path))
    )


def flatten_policy(policy: Policy) -> dict[str, Scalar]:
    """Every stated field by its path; rows are named by what they are about."""
    return _flatten("", policy.model_dump(mode="json", exclude_none=True))


def _flatten(path: str, value: object) -> dict[str, Scalar]:
    parts: dict[str, object]
    if isinstance(value, dict):
        parts = value
    elif isinstance(value, list):
        parts = {_row_name(row): row for row in value}
    elif isinstance(value, str | int):
        return {path: value}
    else:
        raise TypeError(f"{path} holds {value!r}, which no policy field can hold")
    flat: dict[str, Scalar] = {}
    for name, part in parts.items():
        flat |= _flatten(f"{path}.{name}" if path else name, part)
    return flat


def _row_name(row: object) -> str:
    if not isinstance(row, dict):
        raise TypeError(f"{row!r} is no row of a policy")
    for field in _ROW_IDS:
        if field in row:
            return str(row[field])
    return f"{row['area']}.{row['path']}"
