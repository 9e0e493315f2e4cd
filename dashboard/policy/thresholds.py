"""A policy as a flat list of thresholds, as screens, documents and comparisons show it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from dashboard.policy.groups import Spec
from dashboard.policy.model import GROUPS, Policy, Source

Value = int | str | bool


@dataclass(frozen=True)
class Threshold:
    """One value with all that is needed to read it.

    ``path`` is ``group.name`` or ``group.name.key``; ``unit`` is "" for choices and switches; ``low`` and
    ``high`` are inclusive bounds, None where the value is no number. The texts of a threshold are
    ``policy.<group>.<name>`` and ``policy.<group>.<name>.note``.
    """

    path: str
    group: str
    name: str
    key: str
    value: Value
    unit: str
    low: int | None
    high: int | None
    source: Source

    @property
    def text_key(self) -> str:
        return f"policy.{self.group}.{self.name}"


def list_thresholds(policy: Policy) -> tuple[Threshold, ...]:
    """Every stated threshold except the reason rows, in the order of the declaration."""
    return tuple(
        Threshold(
            path=path,
            group=group,
            name=name,
            key=key,
            value=value,
            unit=spec.unit,
            low=spec.low,
            high=spec.high,
            source=policy.source_of(path),
        )
        for group, kind in GROUPS.items()
        for name, spec in kind.specs().items()
        for path, key, value in _leaves(f"{group}.{name}", getattr(getattr(policy, group), name))
    )


def list_declared() -> tuple[tuple[str, Spec], ...]:
    """Path and spec of every threshold the software knows, stated in some policy or not."""
    return tuple(
        (f"{group}.{name}", spec) for group, kind in GROUPS.items() for name, spec in kind.specs().items()
    )


def _leaves(path: str, value: object) -> Iterator[tuple[str, str, Value]]:
    if isinstance(value, Mapping):
        for key, number in value.items():
            yield f"{path}.{key}", key, number
    elif isinstance(value, int | str):
        yield path, "", value
