"""A figure as it may be shown: a value, or the reason why there is none.

The states never look alike on a screen or in an export: a value (zero is one), ``suppressed``
(a small count that is kept hidden), ``not_reported`` (no feed delivered it).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

CellState = Literal["value", "suppressed", "not_reported"]


@dataclass(frozen=True)
class Cell:
    """One figure. ``value`` is None exactly when ``state`` is not ``value``."""

    state: CellState
    value: float | None = None

    def __post_init__(self) -> None:
        if (self.state == "value") != (self.value is not None):
            raise ValueError(f"a cell in state {self.state!r} cannot hold {self.value!r}")


SUPPRESSED = Cell("suppressed")
NOT_REPORTED = Cell("not_reported")


def cell(value: float | None) -> Cell:
    """A value, or *not reported* for None."""
    return NOT_REPORTED if value is None else Cell("value", value)
