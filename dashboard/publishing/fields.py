"""Which fields of a policy can be edited, and what may be typed into each."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Literal, Union, get_args, get_origin

from dashboard.policy.groups import Group, ReasonRow, Spec
from dashboard.policy.model import GROUPS, Policy
from dashboard.policy.store import load_presets
from dashboard.publishing.problems import Problem, problem

Typed = str | int | float | bool
TEXT_LONGEST = 500
MARKS = ("s", "p", "c", "u")
# Fields of a reason row that a change may set; its code is the name of the row.
ROW_FIELDS = tuple(name for name in ReasonRow.model_fields if name not in ("reason_code", "source"))
_ROW = re.compile(r"health_code\.rows\.([a-z][a-z_]*)(?:\.(\w+))?")
_OVERRIDE = re.compile(r"overrides\.(\w+)\.([a-z_]+\.[a-z_]+)")
_BOUNDS = re.compile(r"override_bounds\.([a-z_]+\.[a-z_]+)\.(override_min|override_max)")
_NO_SPEC = Spec("")
_MARKUP = re.compile(r"<[a-zA-Z/!?]")


@dataclass(frozen=True)
class FieldKind:
    """What a field holds: a number inside bounds, a switch, one of ``choices``, or a text."""

    kind: Literal["integer", "boolean", "choice", "text"]
    optional: bool = False
    choices: tuple[str, ...] = ()
    spec: Spec = _NO_SPEC


_PLAIN = FieldKind("text")


def find_field(path: str, policy: Policy) -> FieldKind | None:
    """What the field at ``path`` holds, None where a policy has no such field.

    Paths are those of ``Threshold`` (``risk_area.window_days``, ``feeds.late_after_minutes.cases``), and
    ``preset``, ``title.zh``, ``health_code.rows.<reason>`` (``add``, or no text to remove the row),
    ``health_code.rows.<reason>.<field>``, ``override_bounds.<threshold>.override_min``,
    ``overrides.<city>.<threshold>``, and for each threshold or row ``provenance.<path>`` (the id of a source
    or its words), ``mark.<path>`` (how certain that source is) and ``note.<path>``.
    """
    head, _, rest = path.partition(".")
    match head:
        case "preset":
            return None if rest else FieldKind("choice", choices=tuple(load_presets()))
        case "title" | "notes":
            return _PLAIN if rest in ("zh", "en") else None
        case "provenance" | "note":
            return _PLAIN if _has_source(rest, policy) else None
        case "mark":
            return FieldKind("choice", choices=MARKS) if _has_source(rest, policy) else None
        case "health_code":
            return _row_field(path, policy)
        case "override_bounds":
            match_bounds = _BOUNDS.fullmatch(path)
            return _override_number(match_bounds[1]) if match_bounds else None
        case "overrides":
            match_city = _OVERRIDE.fullmatch(path)
            return _override_number(match_city[2]) if match_city else None
        case _:
            return _group_field(path, policy)


def check_typed(path: str, value: Typed, kind: FieldKind) -> Problem | None:
    """What is wrong with ``value`` at ``path``, or None; empty text states that an optional field has no
    value.
    """
    if value == "" and not isinstance(value, bool) and (kind.optional or kind.kind == "text"):
        return None
    if kind.kind == "integer":
        return _check_number(path, value, kind.spec)
    if kind.kind == "boolean":
        return None if isinstance(value, bool) else problem(path, "boolean", value=value)
    if kind.kind == "choice":
        known = isinstance(value, str) and value in kind.choices
        return None if known else problem(path, "choice", value=value, choices=", ".join(kind.choices))
    return _check_text(path, value)


def _check_number(path: str, value: Typed, spec: Spec) -> Problem | None:
    if isinstance(value, bool) or not isinstance(value, int):
        return problem(path, "integer", value=value)
    if spec.low is not None and spec.high is not None and not spec.low <= value <= spec.high:
        return problem(path, "bounds", value=value, low=spec.low, high=spec.high, unit=spec.unit)
    return None


def _check_text(path: str, value: Typed) -> Problem | None:
    if not isinstance(value, str):
        return problem(path, "text", value=value)
    if len(value) > TEXT_LONGEST:
        return problem(path, "too_long", length=len(value), limit=TEXT_LONGEST)
    return None if is_plain(value) else problem(path, "markup", value=value)


def is_plain(text: str) -> bool:
    """Whether a text holds neither markup nor signs that do not print.

    Texts are shown as text everywhere; what looks like markup was meant to be something else.
    """
    return not _MARKUP.search(text) and all(sign.isprintable() or sign in "\n\t" for sign in text)


def _group_field(path: str, policy: Policy) -> FieldKind | None:
    group, name, key = (*path.split(".", 2), "", "")[:3]
    if group not in GROUPS or name not in GROUPS[group].model_fields:
        return None
    value = getattr(getattr(policy, group), name)
    if isinstance(value, Mapping):
        return FieldKind("integer", spec=GROUPS[group].specs()[name]) if key in value else None
    return None if key else _kind_of(GROUPS[group], name)


def _row_field(path: str, policy: Policy) -> FieldKind | None:
    match = _ROW.fullmatch(path)
    if match is None or len(match[1]) > 40:
        return None
    if match[2] is None:
        return FieldKind("choice", optional=True, choices=("add",))
    if match[2] == "colour":
        return FieldKind("choice", choices=tuple(colour.id for colour in policy.colours))
    return _kind_of(ReasonRow, match[2]) if match[2] in ROW_FIELDS else None


def _override_number(path: str) -> FieldKind | None:
    group, _, name = path.partition(".")
    if group not in GROUPS or name not in GROUPS[group].model_fields:
        return None
    kind = _kind_of(GROUPS[group], name)
    return FieldKind("integer", optional=True, spec=kind.spec) if kind and kind.kind == "integer" else None


def _has_source(path: str, policy: Policy) -> bool:
    row = _ROW.fullmatch(path)
    if row is not None:
        return row[2] is None and _row_field(path, policy) is not None
    group, name, key = (*path.split(".", 2), "", "")[:3]
    if group not in GROUPS or name not in GROUPS[group].model_fields:
        return False
    value = getattr(getattr(policy, group), name)
    return not key or (isinstance(value, Mapping) and key in value)


@cache
def _kind_of(model: type[Group], name: str) -> FieldKind | None:
    """The kind of a field as its declaration says, None for one that holds a table."""
    annotation = model.model_fields[name].annotation
    optional = False
    if get_origin(annotation) in (Union, UnionType):
        parts = [part for part in get_args(annotation) if part is not NoneType]
        optional = len(parts) < len(get_args(annotation))
        annotation = parts[0]
    if get_origin(annotation) is Literal:
        return FieldKind("choice", optional=optional, choices=get_args(annotation))
    if annotation is bool:
        return FieldKind("boolean", optional=optional)
    if annotation is int:
        return FieldKind("integer", optional=optional, spec=model.specs()[name])
    return FieldKind("text", optional=optional) if annotation is str else None
