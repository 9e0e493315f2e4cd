"""The packaged baseline, read once, with its colours and reasons, and the presets of the national plans."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from pydantic import TypeAdapter, ValidationError

from dashboard.errors import PolicyError
from dashboard.policy.document import describe_problems, parse_policy
from dashboard.policy.groups import RiskArea, Strict
from dashboard.policy.model import Colour, Policy, ReasonRow, Source


class Preset(Strict):
    """One rule set of a national plan: values of the group ``risk_area`` and where they come from."""

    source: Source
    risk_area: RiskArea


def _read_default(name: str) -> str:
    return files("dashboard.policy").joinpath("defaults", name).read_text(encoding="utf-8")


@cache
def load_baseline() -> Policy:
    """The baseline policy; raises ``PolicyError`` when the packaged document is damaged."""
    return parse_policy(_read_default("epidemic.toml"), name="defaults/epidemic.toml", kind="toml")


@cache
def load_presets() -> Mapping[str, Preset]:
    """The presets by rule-set id; raises ``PolicyError`` when the packaged document is damaged."""
    raw = json.dumps(tomllib.loads(_read_default("presets.toml")))
    try:
        presets = TypeAdapter(dict[str, Preset]).validate_json(raw)
    except ValidationError as problem:
        sentences = "; ".join(describe_problems(problem))
        raise PolicyError(
            f"defaults/presets.toml is not valid: {sentences}.", todo="Reinstall the board."
        ) from None
    return MappingProxyType(presets)


def risk_area_of(rule_set: str, policy: Policy | None = None) -> RiskArea | None:
    """The thresholds that hold for a place listed under ``rule_set``; None for an unknown rule set.

    Those of ``policy`` (the baseline by default) when it runs this rule set, otherwise the preset: a place
    keeps the rule it was listed under until it leaves the list.
    """
    in_force = (policy or load_baseline()).risk_area
    if in_force.rule_set == rule_set:
        return in_force
    preset = load_presets().get(rule_set)
    return preset.risk_area if preset else None


@cache
def colours() -> tuple[Colour, ...]:
    """The colours of the baseline, the most severe first."""
    return tuple(sorted(load_baseline().colours, key=lambda colour: -colour.severity))


@cache
def reasons() -> tuple[ReasonRow, ...]:
    """The reasons of the baseline in the order of the provincial table."""
    return load_baseline().health_code.rows


def colours_by_reason(policy: Policy) -> Mapping[str, tuple[str, ...]]:
    """The colours a reason gives or gave: those of ``policy``, then of the baseline where they differ.

    Days before a change keep the colour that held then, so both are right in one table.
    """
    found = {row.reason_code: (row.colour,) for row in policy.health_code.rows}
    for row in load_baseline().health_code.rows:
        known = found.get(row.reason_code, ())
        found[row.reason_code] = known if row.colour in known else (*known, row.colour)
    return MappingProxyType(found)
