"""From what a browser or a file sends for a field to the value it stands for."""

from __future__ import annotations

from collections.abc import Mapping

from dashboard.policy.model import Policy
from dashboard.publishing.fields import Typed, find_field

Scalar = str | int | bool


def read_typed(path: str, text: object, base: Policy) -> Typed | None:
    """What a browser sent for ``path`` as its value, None where the base holds just that.

    Text that is no whole number stays text, so that the document's own check can say what is wrong with it.
    """
    if not isinstance(text, str | int | bool):
        return str(text) if isinstance(text, float) else None
    value: Typed = text
    kind = find_field(path, base)
    if kind is not None and isinstance(text, str):
        words = text.strip()
        value = words
        digits = words.replace(",", "").replace("，", "")
        if kind.kind == "integer" and digits.isascii() and digits.removeprefix("-").isdigit():
            value = int(digits) if len(digits) <= 12 else words
        if kind.kind == "boolean" and words in ("true", "false"):
            value = words == "true"
        if path.startswith("provenance."):
            value = next((s.id for s in base.sources if words in (s.zh, s.en)), words)
    before = base_value(base, path)
    same = (type(value), value) == (type(before), before) or (value == "" and before is None)
    return None if same else value


def base_value(base: Policy, path: str) -> Scalar | None:
    """What ``base`` holds at ``path``; None where it holds nothing there."""
    head, _, rest = path.partition(".")
    if head == "provenance":
        row = rest.removeprefix("health_code.rows.")
        if row != rest:
            return next((r.source for r in base.health_code.rows if r.reason_code == row), None)
        return _source_at(base, rest) or None
    if head == "note":
        return (base.remarks or {}).get(rest)
    if head == "overrides":
        area, _, where = rest.partition(".")
        return next((o.value for o in base.overrides if (o.area, o.path) == (area, where)), None)
    if head == "override_bounds":
        where, _, end = rest.rpartition(".")
        bounds = base.override_bounds.get(where)
        return None if bounds is None else int(getattr(bounds, end))
    if head == "health_code":
        code, _, name = rest.removeprefix("rows.").partition(".")
        row_found = next((r for r in base.health_code.rows if r.reason_code == code), None)
        # A row is there or not: taking out one that is there is an edit.
        found = getattr(row_found, name or "reason_code", None) if row_found else None
        return found if isinstance(found, str | int) else None
    group, name, key = (*path.split(".", 2), "", "")[:3]
    value = getattr(getattr(base, group, None), name, None)
    if isinstance(value, Mapping):
        value = value.get(key)
    return value if isinstance(value, str | int) else None


def _source_at(policy: Policy, path: str) -> str:
    return policy.provenance.get(path) or policy.provenance.get(path.rpartition(".")[0]) or ""
