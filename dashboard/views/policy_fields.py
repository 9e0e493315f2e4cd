"""The fields of a policy as the editor shows them: in force beside edited, unit, bounds, source, problem.

What was typed is shown as it was typed, also where it is no valid value: nobody has to type it again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from dashboard.policy.groups import RULES, RiskArea, RuleSet, TestBasis
from dashboard.policy.model import GROUPS, Policy
from dashboard.policy.store import load_presets
from dashboard.publishing.typed import Scalar, base_value

Kind = Literal["number", "switch", "choice"]
EDIT_GROUPS: tuple[str, ...] = ("risk_area", "health_code", *(g for g in GROUPS if g != "risk_area"))
CITIES = "overrides"
CHOICES: Mapping[str, tuple[str, ...]] = {
    "risk_area.rule_set": get_args(RuleSet),
    "nucleic_test.basis": get_args(TestBasis),
}
# Edits of these begin with a word of their own; they belong to the group of the threshold they speak of.
_ABOUT = ("provenance", "mark", "note")


@dataclass(frozen=True)
class Field:
    """One threshold on screen. ``edited`` is what stands in the input, ``in_force`` what the service runs by.

    ``in_force`` is None where the version in force does not state it. ``problem`` is a sentence or "".
    """

    path: str
    group: str
    name: str
    key: str
    kind: Kind
    choices: tuple[str, ...]
    unit: str
    low: int | None
    high: int | None
    in_force: Scalar | None
    edited: Scalar | None
    source: str
    note: str
    problem: str

    @property
    def changed(self) -> bool:
        return (type(self.edited), self.edited) != (type(self.in_force), self.in_force)


def list_fields(
    group: str,
    *,
    in_force: Policy,
    base: Policy,
    edits: Mapping[str, Scalar | None],
    problems: Mapping[str, str],
) -> tuple[Field, ...]:
    """The thresholds of ``group`` that the edited rule uses, in the order of the declaration."""
    found: list[Field] = []
    shown = _shown_of(group, base=base, edits=edits)
    for name, spec in GROUPS[group].specs().items():
        now, before = getattr(getattr(in_force, group), name), getattr(getattr(base, group), name)
        if name not in shown:
            continue
        path = f"{group}.{name}"
        keys = tuple(dict.fromkeys([*before, *now])) if isinstance(before, Mapping) else ("",)
        for key in keys:
            full = f"{path}.{key}" if key else path
            at_now = now.get(key) if isinstance(now, Mapping) else now
            at_base = before.get(key) if isinstance(before, Mapping) else before
            found.append(
                Field(
                    path=full,
                    group=group,
                    name=name,
                    key=key,
                    kind=_kind_of(group, name),
                    choices=CHOICES.get(path, ()),
                    unit=spec.unit,
                    low=spec.low,
                    high=spec.high,
                    in_force=at_now,
                    edited=value_at(full, base_value=at_base, edits=edits),
                    source=str(
                        edits.get(f"provenance.{full}") or base_value(base, f"provenance.{full}") or ""
                    ),
                    note=str(edits.get(f"note.{full}", (base.remarks or {}).get(full, ""))),
                    problem=problems.get(full, ""),
                )
            )
    return tuple(found)


def value_at(path: str, *, base_value: Scalar | None, edits: Mapping[str, Scalar | None]) -> Scalar | None:
    """What stands in the input of ``path``: what was typed, a chosen preset, or the base."""
    if path in edits:
        return edits[path]
    group, _, name = path.partition(".")
    preset = load_presets().get(str(edits.get("preset"))) if group == "risk_area" else None
    if preset is not None:
        value: Scalar | None = getattr(preset.risk_area, name)
        return value
    return base_value


def group_of(path: str) -> str:
    """The group in whose list an edit counts: ``note.risk_area.window_days`` belongs to ``risk_area``."""
    parts = path.split(".")
    if parts[0] in _ABOUT:
        parts = parts[1:]
    if parts[0] in ("overrides", "override_bounds"):
        return CITIES
    return "risk_area" if parts[0] == "preset" else parts[0]


def count_by_group(paths: Iterable[str]) -> dict[str, int]:
    """How many paths speak of each group."""
    counts: dict[str, int] = {}
    for path in paths:
        counts[group_of(path)] = counts.get(group_of(path), 0) + 1
    return counts


def _kind_of(group: str, name: str) -> Kind:
    if f"{group}.{name}" in CHOICES:
        return "choice"
    field = GROUPS[group].model_fields.get(name)
    if field is None:
        return "number"
    return "switch" if field.annotation in (bool, bool | None) else "number"


def _shown_of(group: str, *, base: Policy, edits: Mapping[str, Scalar | None]) -> frozenset[str]:
    names = frozenset(GROUPS[group].model_fields)
    if group != "risk_area":
        return names
    chosen = str(value_at("risk_area.rule_set", base_value=base.risk_area.rule_set, edits=edits))
    rule = RULES.get(chosen) or base.risk_area.words
    always = {name for name, field in RiskArea.model_fields.items() if field.is_required()}
    return names & (rule.uses | always)
