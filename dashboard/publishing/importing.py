"""From a policy document to the edits that make it: how a file becomes a draft like any other."""

from __future__ import annotations

from dashboard.errors import PolicyError
from dashboard.policy.diff import Scalar, flatten_policy
from dashboard.policy.model import Policy, Source
from dashboard.policy.store import load_presets
from dashboard.publishing.edits import apply_edits, is_automatic
from dashboard.publishing.fields import Typed, find_field

# Set by publishing, not by an editor; sources follow from what the thresholds name.
_SET_ELSEWHERE = ("version", "effective_from", "policy_id")
_ROWS = "health_code.rows."


def edits_from(base: Policy, document: Policy) -> dict[str, Typed]:
    """The edits of a draft on ``base`` that make ``document``, but for its version and the day it begins.

    Raises ``PolicyError`` naming the fields that differ and cannot be edited, such as a colour.
    """
    edits, start = _preset(base, document)
    before, after = flatten_policy(start), flatten_policy(document)
    for path in sorted({*before, *after}):
        old, new = before.get(path), after.get(path)
        if (type(old), old) != (type(new), new):
            edits |= _edit(path, new, before, after)
    edits |= _sources(start, document)
    edits = {path: value for path, value in edits.items() if find_field(path, base) is not None}
    made = apply_edits(base, edits, version=base.version + 1)
    if made.policy is None:
        lines = "; ".join(f"{one.path}: {one.text('en')}" for one in made.problems[:10])
        raise PolicyError(f"The document cannot become a draft: {lines}.", todo="Correct it.")
    left = _differences(made.policy, document, edits)
    if left:
        raise PolicyError(
            f"The document differs from version {base.version} in fields that no draft can change: "
            f"{', '.join(left[:10])}.",
            todo="Take these changes out; they need another release of the software.",
        )
    return edits


def _preset(base: Policy, document: Policy) -> tuple[dict[str, Typed], Policy]:
    """The preset that the document took over as a whole, if it did, and what is left to edit from."""
    for name, preset in load_presets().items():
        if document.risk_area == preset.risk_area != base.risk_area:
            edits: dict[str, Typed] = {"preset": name}
            return edits, apply_edits(base, edits, version=base.version).policy or base
    return {}, base


def _edit(
    path: str, new: Scalar | None, before: dict[str, Scalar], after: dict[str, Scalar]
) -> dict[str, Typed]:
    """The edit behind one differing field."""
    head, _, rest = path.partition(".")
    value: Typed = "" if new is None else new
    if head in _SET_ELSEWHERE or head in ("sources", "provenance"):
        return {}
    if head in ("title", "notes") and is_automatic(path, str(value)):
        return {}
    if head == "remarks":
        return {f"note.{rest}": value}
    if head == "overrides":
        return {path.removesuffix(".value"): value} if path.endswith(".value") else {}
    if path.startswith(_ROWS):
        code, _, name = path.removeprefix(_ROWS).partition(".")
        row = f"{_ROWS}{code}"
        if f"{row}.clause" not in after:
            return {row: ""}
        added: dict[str, Typed] = {} if f"{row}.clause" in before else {row: "add"}
        return added if name in ("reason_code", "source") else {**added, path: value}
    return {path: value}


def _sources(base: Policy, document: Policy) -> dict[str, Typed]:
    """The sources that are named anew, by id where the base knows them, by their words where not."""
    named = {
        **{f"provenance.{path}": source for path, source in document.provenance.items()},
        **{f"provenance.{_ROWS}{r.reason_code}": r.source for r in document.health_code.rows},
    }
    known = {
        **{f"provenance.{path}": source for path, source in base.provenance.items()},
        **{f"provenance.{_ROWS}{r.reason_code}": r.source for r in base.health_code.rows},
    }
    edits: dict[str, Typed] = {}
    for path, source_id in named.items():
        source = document.source(source_id)
        old = known.get(path)
        if old is not None and _words(base.source(old)) == _words(source):
            continue
        edits[path] = source.zh
        edits[f"mark.{path.partition('.')[2]}"] = source.mark
    return edits


def _differences(made: Policy, document: Policy, edits: dict[str, Typed]) -> list[str]:
    """Where the draft would still differ from the document."""
    one, other = _plain(made), _plain(document)
    # Title and notes of a draft say which version it is; a document that kept those of the base is not asked.
    skipped = [head for head in ("title", "notes") if not any(path.startswith(f"{head}.") for path in edits)]
    return [
        path
        for path in sorted({*one, *other})
        if one.get(path) != other.get(path) and path.partition(".")[0] not in skipped
    ]


def _plain(policy: Policy) -> dict[str, Scalar]:
    flat = {
        path: value
        for path, value in flatten_policy(policy).items()
        if path.partition(".")[0] not in (*_SET_ELSEWHERE, "sources", "provenance")
    }
    for path, source in policy.provenance.items():
        flat[f"provenance.{path}"] = policy.source(source).zh
    for row in policy.health_code.rows:
        flat[f"{_ROWS}{row.reason_code}.source"] = policy.source(row.source).zh
    return flat


def _words(source: Source) -> tuple[str, str]:
    return source.zh, source.mark
