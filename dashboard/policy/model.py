"""A policy document: every threshold of the province, with version, colours, sources and overrides.

Building a ``Policy`` checks it completely; ``dashboard.policy.document`` reads one from TOML or JSON and
turns what is wrong into a ``PolicyError``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, PlainSerializer, ValidationError, model_validator

from dashboard.policy.groups import (
    Appeals,
    Capacity,
    Disclosure,
    Feeds,
    Group,
    HealthCode,
    NucleicTest,
    ReasonRow,
    RiskArea,
    ScanAlarm,
    Spec,
    Strict,
)

__all__ = [
    "GROUPS",
    "CityOverride",
    "Colour",
    "OverrideBounds",
    "Policy",
    "ReasonRow",
    "RiskArea",
    "Source",
    "Text",
]

# s: the project's source article; p: seen in public pages; c: checked by arithmetic; u: not verified.
Mark = Literal["s", "p", "c", "u"]
# The groups whose thresholds are single values or values by key; health_code holds rows instead.
GROUPS: Mapping[str, type[Group]] = MappingProxyType(
    {
        "risk_area": RiskArea,
        "nucleic_test": NucleicTest,
        "scan_alarm": ScanAlarm,
        "appeals": Appeals,
        "feeds": Feeds,
        "capacity": Capacity,
        "disclosure": Disclosure,
    }
)


class Text(Strict):
    """One text in both languages."""

    zh: Annotated[str, Field(min_length=1)]
    en: Annotated[str, Field(min_length=1)]


class Source(Strict):
    """Where a value comes from and how certain that is."""

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    mark: Mark
    zh: Annotated[str, Field(min_length=1)]
    en: Annotated[str, Field(min_length=1)]


class Colour(Strict):
    """One code colour: names, letter and shape that stand beside it, severity (0 restricts nothing)."""

    id: Annotated[str, Field(pattern=r"^[a-z][a-z_]*$")]
    severity: Annotated[int, Field(ge=0, le=99)]
    zh: Annotated[str, Field(min_length=1)]
    en: Annotated[str, Field(min_length=1)]
    letter: Text
    shape: Annotated[str, Field(min_length=1, max_length=1)]
    meaning: Text
    source: str


class OverrideBounds(Strict):
    """How far a city may move one integer threshold away from the province's value, inclusive."""

    override_min: int
    override_max: int


class CityOverride(Strict):
    """One city's own value of one threshold, named by its path such as ``risk_area.window_days``."""

    area: Annotated[str, Field(pattern=r"^[1-9][0-9](0[1-9]|[1-9][0-9])00$")]
    path: str
    value: int


def _freeze_sources(values: Mapping[str, str]) -> Mapping[str, str]:
    return MappingProxyType(dict(values))


def _freeze_remarks(values: Mapping[str, str] | None) -> Mapping[str, str] | None:
    return MappingProxyType(dict(values)) if values else None


def _freeze_bounds(values: Mapping[str, OverrideBounds]) -> Mapping[str, OverrideBounds]:
    return MappingProxyType(dict(values))


class Policy(Strict):
    """One version of a policy.

    ``provenance`` maps the path of each threshold to the id of its source; a threshold by key may name
    another source for one of its keys (``feeds.late_after_minutes.risk_feed``). ``remarks`` maps the path of
    a threshold or a reason row to a note of plain text; a policy without any leaves the field out.
    """

    policy_id: Literal["epidemic"]
    version: Annotated[int, Field(ge=1)]
    effective_from: date
    title: Text
    notes: Text
    sources: tuple[Source, ...]
    provenance: Annotated[
        Mapping[str, str],
        AfterValidator(_freeze_sources),
        PlainSerializer(lambda values: dict(values), return_type=dict[str, str]),
    ]
    colours: Annotated[tuple[Colour, ...], Field(min_length=1)]
    risk_area: RiskArea
    health_code: HealthCode
    nucleic_test: NucleicTest
    scan_alarm: ScanAlarm
    appeals: Appeals
    feeds: Feeds
    capacity: Capacity
    disclosure: Disclosure
    override_bounds: Annotated[
        Mapping[str, OverrideBounds],
        AfterValidator(_freeze_bounds),
        PlainSerializer(lambda values: dict(values), return_type=dict[str, OverrideBounds]),
    ] = Field(default_factory=lambda: MappingProxyType({}))
    overrides: tuple[CityOverride, ...] = ()
    remarks: Annotated[
        Mapping[str, Annotated[str, Field(min_length=1, max_length=500)]] | None,
        AfterValidator(_freeze_remarks),
        PlainSerializer(lambda values: dict(values) if values else None, return_type=dict[str, str] | None),
    ] = None

    def source(self, source_id: str) -> Source:
        return next(source for source in self.sources if source.id == source_id)

    def source_of(self, path: str) -> Source:
        """The source of one threshold; ``group.name.key`` falls back to that of ``group.name``."""
        return self.source(self.provenance.get(path) or self.provenance[path.rpartition(".")[0]])

    def for_city(self, area: str) -> Policy:
        """The policy as it holds in one city: its overrides applied, none left to apply."""
        changes: dict[str, dict[str, int]] = {}
        for override in self.overrides:
            if override.area == area:
                group, _, name = override.path.partition(".")
                changes.setdefault(group, {})[name] = override.value
        groups = {
            group: GROUPS[group].model_validate({**dict(getattr(self, group)), **values})
            for group, values in changes.items()
        }
        return self.model_copy(update={**groups, "overrides": ()})

    @model_validator(mode="after")
    def _check_whole(self) -> Policy:
        problems = [
            *_twice("sources", (source.id for source in self.sources)),
            *_twice("colours", (colour.id for colour in self.colours)),
            *_twice("colours severity", (str(colour.severity) for colour in self.colours)),
            *_twice("health_code.rows", (row.reason_code for row in self.health_code.rows)),
            *_row_problems(self),
            *_source_problems(self),
            *_category_problems(self),
            *_override_problems(self),
        ]
        if problems:
            raise ValueError("\n".join(problems))
        return self


def _twice(field: str, values: Iterable[str]) -> list[str]:
    return [
        f"{field} holds {value} {count} times: keep one of them"
        for value, count in Counter(values).items()
        if count > 1
    ]


def _row_problems(policy: Policy) -> list[str]:
    severity = {colour.id: colour.severity for colour in policy.colours}
    problems = []
    for row in policy.health_code.rows:
        where = f"health_code.rows.{row.reason_code}"
        if row.colour not in severity:
            problems.append(f"{where}.colour is {row.colour}: must be one of {', '.join(severity)}")
        elif (severity[row.colour] == 0) != (row.release is None):
            problems.append(
                f"{where}.release is {row.release}: state how the colour ends for every colour "
                f"but the one of severity 0 (colour is {row.colour})"
            )
    if 0 not in severity.values():
        problems.append("colours has no colour of severity 0: state the colour that restricts nothing")
    return problems


def _source_problems(policy: Policy) -> list[str]:
    known = {source.id for source in policy.sources}
    stated = [
        f"{group}.{name}"
        for group, kind in GROUPS.items()
        for name in kind.model_fields
        if getattr(getattr(policy, group), name) is not None
    ]
    keys = {
        f"{group}.{name}.{key}"
        for group in GROUPS
        for name, value in getattr(policy, group)
        if isinstance(value, Mapping)
        for key in value
    }
    used = {
        **{f"provenance.{path}": source for path, source in policy.provenance.items()},
        **{f"colours.{colour.id}.source": colour.source for colour in policy.colours},
        **{f"health_code.rows.{row.reason_code}.source": row.source for row in policy.health_code.rows},
    }
    return [
        *(
            f"{where} is {value}: must be the id of a source"
            for where, value in used.items()
            if value not in known
        ),
        *(
            f"provenance.{path} is missing: name its source"
            for path in stated
            if path not in policy.provenance
        ),
        *(
            f"provenance.{path} names no threshold of this policy: remove it"
            for path in policy.provenance
            if path not in stated and path not in keys
        ),
    ]


def _category_problems(policy: Policy) -> list[str]:
    valid, crowd = set(policy.nucleic_test.validity_hours), set(policy.scan_alarm.max_scans_per_hour)
    return [
        f"nucleic_test.validity_hours and scan_alarm.max_scans_per_hour differ in {category}: "
        "state every venue category in both"
        for category in sorted(valid ^ crowd)
    ]


def _override_problems(policy: Policy) -> list[str]:
    problems = []
    for path, bounds in policy.override_bounds.items():
        spec = _integer_spec(policy, path)
        if spec is None or spec.low is None or spec.high is None:
            problems.append(f"override_bounds.{path} names no integer threshold of this policy: remove it")
        elif not spec.low <= bounds.override_min <= bounds.override_max <= spec.high:
            problems.append(
                f"override_bounds.{path} is {bounds.override_min} to {bounds.override_max}: "
                f"must lie in order inside {spec.low} to {spec.high}"
            )
    for override in policy.overrides:
        limits = policy.override_bounds.get(override.path)
        if limits is None:
            problems.append(
                f"overrides {override.area} {override.path} is not allowed: "
                "the province sets no bounds for it"
            )
        elif not limits.override_min <= override.value <= limits.override_max:
            problems.append(
                f"overrides {override.area} {override.path} is {override.value}: "
                f"must be {limits.override_min} to {limits.override_max}"
            )
    problems += _twice("overrides", (f"{o.area} {o.path}" for o in policy.overrides))
    return problems or _city_problems(policy)


def _city_problems(policy: Policy) -> list[str]:
    # Each value may lie inside its bounds and the city's rules still contradict each other.
    problems = []
    for area in dict.fromkeys(override.area for override in policy.overrides):
        try:
            policy.for_city(area)
        except ValidationError as problem:
            problems += [
                f"overrides {area} {line}"
                for error in problem.errors(include_url=False)
                for line in str(error.get("ctx", {}).get("error", error["msg"])).splitlines()
            ]
    return problems


def _integer_spec(policy: Policy, path: str) -> Spec | None:
    group, _, name = path.partition(".")
    if group not in GROUPS or name not in GROUPS[group].model_fields:
        return None
    value = getattr(getattr(policy, group), name)
    return GROUPS[group].specs()[name] if isinstance(value, int) and not isinstance(value, bool) else None
