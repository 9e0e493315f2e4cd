"""The threshold groups of a policy: names, types, units and bounds of every value, declared once.

All numbers are strict integers: ``true``, ``"14"`` and ``14.0`` are refused, because the rules service, the
board and a person who reads the signed text must see the same value. The unit and the bounds of a threshold
live beside its declaration and are read by the validator, the screens and the documentation alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainSerializer, model_validator

RuleSet = Literal["county-14d", "compound-7+3", "high-low-5d"]
TestBasis = Literal["sampled", "tested", "reported"]
Release = Literal["time", "tests", "declared"]
HoldFrom = Literal["event", "discharge"]


def _freeze(values: Mapping[str, int]) -> Mapping[str, int]:
    return MappingProxyType(dict(values))


ByKey = Annotated[
    Mapping[str, Annotated[int, Field(strict=True)]],
    AfterValidator(_freeze),
    PlainSerializer(lambda values: dict(values), return_type=dict[str, int]),
]


@dataclass(frozen=True)
class Spec:
    """How a threshold is measured: its unit ("" for a choice or a switch) and its inclusive bounds."""

    unit: str
    low: int | None = None
    high: int | None = None


class Strict(BaseModel):
    """Base of every part of a policy: immutable, no unknown field, no silent conversion."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Group(Strict):
    """One threshold group; ``specs()`` gives unit and bounds of each of its thresholds."""

    @classmethod
    def specs(cls) -> Mapping[str, Spec]:
        return {
            name: next((m for m in field.metadata if isinstance(m, Spec)), Spec(""))
            for name, field in cls.model_fields.items()
        }

    @model_validator(mode="after")
    def _check_bounds(self) -> Group:
        problems = [
            f"{path} is {value}: must be {spec.low} to {spec.high} {spec.unit}"
            for name, spec in self.specs().items()
            for path, value in _numbers(name, getattr(self, name))
            if spec.low is not None and spec.high is not None and not spec.low <= value <= spec.high
        ]
        if problems:
            raise ValueError("\n".join(problems))
        return self


def _numbers(name: str, value: object) -> list[tuple[str, int]]:
    if isinstance(value, Mapping):
        return [(f"{name}.{key}", number) for key, number in value.items()]
    return [(name, value)] if isinstance(value, int) and not isinstance(value, bool) else []


@dataclass(frozen=True)
class RuleWords:
    """What a rule set knows: its levels from the worst down, and the thresholds it uses.

    ``by_cases`` says that a county's level follows from its cases; otherwise levels belong to places.
    """

    levels: tuple[str, ...]
    uses: frozenset[str]
    by_cases: bool


RULES: Mapping[str, RuleWords] = MappingProxyType(
    {
        "county-14d": RuleWords(
            levels=("high", "medium", "low"),
            uses=frozenset(
                {
                    "medium_min_new_cases",
                    "high_min_cumulative_cases",
                    "high_requires_cluster",
                    "clear_days_high",
                    "clear_days_medium",
                }
            ),
            by_cases=True,
        ),
        "compound-7+3": RuleWords(
            levels=("high", "medium", "low"),
            uses=frozenset(
                {"clear_days_high", "clear_days_medium", "step_down_days", "release_needs_test_round"}
            ),
            by_cases=False,
        ),
        "high-low-5d": RuleWords(levels=("high", "low"), uses=frozenset({"clear_days_high"}), by_cases=False),
    }
)
# Thresholds that only some rule sets use; a rule set must state its own and may not state another's,
# so that no screen shows a number that decides nothing.
_RULE_THRESHOLDS = frozenset[str]().union(*(words.uses for words in RULES.values()))


class RiskArea(Group):
    """When an area or a place has which risk level, and after how many days without a case it is released."""

    rule_set: RuleSet
    window_days: Annotated[int, Spec("days", 1, 60)]
    medium_min_new_cases: Annotated[int | None, Spec("cases", 1, 1000)] = None
    high_min_cumulative_cases: Annotated[int | None, Spec("cases", 1, 10_000)] = None
    high_requires_cluster: Annotated[bool | None, Spec("")] = None
    clear_days_high: Annotated[int, Spec("days", 1, 60)]
    clear_days_medium: Annotated[int | None, Spec("days", 1, 60)] = None
    step_down_days: Annotated[int | None, Spec("days", 1, 60)] = None
    release_needs_test_round: Annotated[bool | None, Spec("")] = None

    @property
    def words(self) -> RuleWords:
        return RULES[self.rule_set]

    @property
    def days_to_low(self) -> int:
        """Days without a new case after which no level above low is left, whatever it was."""
        return max(self.clear_days_high + (self.step_down_days or 0), self.clear_days_medium or 0)

    @model_validator(mode="after")
    def _check_rule(self) -> RiskArea:
        problems = []
        for name in sorted(_RULE_THRESHOLDS):
            value, used = getattr(self, name), name in self.words.uses
            if used and value is None:
                problems.append(f"{name} is missing: state it, the rule set {self.rule_set} uses it")
            if not used and value is not None:
                problems.append(f"{name} is {value}: remove it, the rule set {self.rule_set} does not use it")
        medium, high = self.medium_min_new_cases, self.high_min_cumulative_cases
        if medium is not None and high is not None and medium > high:
            problems.append(
                f"medium_min_new_cases is {medium}: must be at most high_min_cumulative_cases ({high})"
            )
        problems += self._window_problems()
        if problems:
            raise ValueError("\n".join(problems))
        return self

    def _window_problems(self) -> list[str]:
        if self.words.by_cases:
            # Cases decide through the window, release dates through the clear days: with two different
            # numbers a county would be low on the map and still wait for its release in the list.
            return [
                f"{name} is {value}: must equal window_days ({self.window_days}) "
                f"under the rule set {self.rule_set}"
                for name in ("clear_days_high", "clear_days_medium")
                if (value := getattr(self, name)) is not None and value != self.window_days
            ]
        if self.window_days < self.days_to_low:
            return [
                f"window_days is {self.window_days}: must be at least {self.days_to_low}, the days until "
                f"a place is low under the rule set {self.rule_set}"
            ]
        return []


class ReasonRow(Group):
    """One reason for a colour and how it ends; ``clause`` is its number in the provincial table.

    ``release``: ``time`` after ``hold_days``; ``tests`` after ``tests_required`` negative tests, or after
    ``hold_days`` where stated; ``declared`` by a declaration or a doctor's exclusion, or after ``hold_days``
    where stated; None for the colour that restricts nothing. ``hold_from``: the days run from the event that
    gave the colour or from discharge. ``source`` names an entry of the policy's sources.
    """

    reason_code: Annotated[str, Field(pattern=r"^[a-z][a-z_]*$")]
    clause: Annotated[int, Spec("", 1, 200)]
    colour: str
    hold_days: Annotated[int | None, Spec("days", 1, 365)] = None
    hold_from: HoldFrom = "event"
    release: Release | None = None
    tests_required: Annotated[int | None, Spec("tests", 1, 10)] = None
    tests_min_gap_hours: Annotated[int | None, Spec("h", 1, 168)] = None
    zh: Annotated[str, Field(min_length=1)]
    en: Annotated[str, Field(min_length=1)]
    source: str

    @model_validator(mode="after")
    def _check_release(self) -> ReasonRow:
        problems = []
        if self.release == "time" and self.hold_days is None:
            problems.append("hold_days is missing: state it, the colour ends by time")
        if (self.release == "tests") != (self.tests_required is not None):
            problems.append(
                f"tests_required is {self.tests_required}: state it exactly when release is tests "
                f"(release is {self.release})"
            )
        if ((self.tests_required or 0) > 1) != (self.tests_min_gap_hours is not None):
            problems.append(
                f"tests_min_gap_hours is {self.tests_min_gap_hours}: state it exactly when two or more "
                f"tests are required (tests_required is {self.tests_required})"
            )
        if self.release is None and self.hold_days is not None:
            problems.append(
                f"hold_days is {self.hold_days}: remove it or state how the colour ends (release)"
            )
        if problems:
            raise ValueError("\n".join(f"{problem} [{self.reason_code}]" for problem in problems))
        return self


class HealthCode(Group):
    """All reasons for a colour, one row each, in the order of the provincial table."""

    rows: Annotated[tuple[ReasonRow, ...], Field(min_length=1)]


class NucleicTest(Group):
    """How long a negative test admits to a venue, and from which moment that time runs."""

    basis: TestBasis
    validity_hours: Annotated[ByKey, Spec("h", 1, 720)]


class ScanAlarm(Group):
    """When scans at a venue raise an alarm."""

    max_scans_per_hour: Annotated[ByKey, Spec("scans/h", 1, 1_000_000)]
    silent_after_hours: Annotated[int, Spec("h", 1, 720)]
    red_scan_alarm: Annotated[bool, Spec("")]


class Appeals(Group):
    """What the appeal desk and the hotline are measured by."""

    first_reply_hours: Annotated[int, Spec("h", 1, 168)]
    resolve_hours: Annotated[int, Spec("h", 1, 720)]
    backlog_days_warn: Annotated[int, Spec("days", 1, 365)]
    answer_within_seconds: Annotated[int, Spec("s", 1, 600)]
    connect_rate_min_permille: Annotated[int, Spec("‰", 1, 1000)]

    @model_validator(mode="after")
    def _check_order(self) -> Appeals:
        if self.first_reply_hours > self.resolve_hours:
            raise ValueError(
                f"first_reply_hours is {self.first_reply_hours}: must be at most "
                f"resolve_hours ({self.resolve_hours})"
            )
        return self


class Feeds(Group):
    """After how many minutes without a delivery a feed is late."""

    late_after_minutes: Annotated[ByKey, Spec("min", 1, 20_160)]


class Capacity(Group):
    """The load the platform is planned for; a surge is ``surge_factor`` times the planned requests."""

    planned_holders: Annotated[int, Spec("people", 1, 1_000_000_000)]
    planned_requests_per_second: Annotated[int, Spec("requests/s", 1, 10_000_000)]
    warn_permille: Annotated[int, Spec("‰", 1, 1000)]
    surge_factor: Annotated[int, Spec("times", 1, 100)]


class Disclosure(Group):
    """The least count of people that is shown; smaller ones, other than zero, are hidden."""

    min_cell: Annotated[int, Spec("people", 2, 100)]
