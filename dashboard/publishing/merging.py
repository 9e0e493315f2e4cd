"""How edits come together: with those already made, with a base that holds the same, with a preset."""

from __future__ import annotations

from collections.abc import Mapping

from dashboard.errors import InputError
from dashboard.policy.diff import Scalar, flatten_policy
from dashboard.policy.model import Policy
from dashboard.publishing.edits import MOST_EDITS, apply_edits, draft_digest
from dashboard.publishing.fields import Typed
from dashboard.publishing.model import Change


def merge_edits(change: Change, edits: Mapping[str, Typed | None]) -> dict[str, Typed]:
    """All edits of ``change`` after ``edits``; those that would change nothing are left out.

    Raises ``InputError`` where there are more than a change can hold.
    """
    merged = dict(change.edits)
    if edits.get("preset") is not None and edits["preset"] != change.edits.get("preset"):
        # A preset sets the whole group; what was typed into it before would silently undo a part.
        merged = {path: value for path, value in merged.items() if not path.startswith("risk_area.")}
    for path, value in edits.items():
        merged.pop(path, None)
        if value is not None:
            merged[path] = value
    if "preset" not in merged:
        merged = {path: value for path, value in merged.items() if not is_in(change.base, path, value)}
    if len(merged) > MOST_EDITS:
        raise InputError(
            f"{len(merged)} edited fields are too many.",
            todo=f"A change holds at most {MOST_EDITS}: publish a part of it first.",
            key="publishing.error.too_many",
            count=len(merged),
            limit=MOST_EDITS,
        )
    return merged


def is_in(base: Policy, path: str, value: Typed) -> bool:
    """Whether the base holds that very value at ``path``, so that the edit would change nothing."""
    flat = flatten_policy(base)
    head, _, about = path.partition(".")
    if head in ("title", "notes", "preset", "mark"):
        return False
    if head == "health_code" and path.count(".") == 2:
        return value == "" and f"{path}.clause" not in flat
    place = {"overrides": f"{path}.value", "note": f"remarks.{about}"}.get(head, path)
    if head == "provenance" and about.startswith("health_code."):
        place = f"{about}.source"
    known: Scalar = flat.get(place, "")
    return type(known) is type(value) and known == value


def digest_edits(change: Change, edits: Mapping[str, Typed]) -> str | None:
    """The digest of the document that ``edits`` make, None where they make none."""
    policy = apply_edits(change.base, edits, version=change.version).policy
    return None if policy is None else draft_digest(policy)


def edited_path(path: str) -> str:
    """The path of the edit that sets a differing field."""
    if path.startswith("overrides."):
        return path.rpartition(".")[0]
    return path.replace("remarks.", "note.", 1) if path.startswith("remarks.") else path


def tell_edits(before: Mapping[str, Typed], after: Mapping[str, Typed]) -> str:
    """What differs between the edits before and after, for the note and whoever was overtaken."""
    parts = [
        f"{path}: {before.get(path, '-')} -> {after.get(path, '-')}"
        for path in sorted({*before, *after})
        if (type(before.get(path)), before.get(path)) != (type(after.get(path)), after.get(path))
    ]
    return "; ".join(parts)[:2000]
