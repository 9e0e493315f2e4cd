"""From a number to one of the map's steps; zero is a step of its own, and so is no change."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, log

STEPS = 6
# Beyond this ratio of greatest to least, equal steps would put all but one area into the palest one.
SKEWED = 12


def density_style(value: float, known: Sequence[float]) -> str:
    """``seq0`` for zero, ``seq1`` to ``seq6`` up to the greatest of ``known``.

    The steps are equal from zero, or equal in ratio from the least to the greatest where these are far
    apart; the legend names the range of each step either way.
    """
    positive = [v for v in known if v > 0]
    if value <= 0 or not positive:
        return "seq0"
    least, most = min(positive), max(positive)
    share = log(value / least) / log(most / least) if most / least > SKEWED else value / most
    return f"seq{min(STEPS, max(1, ceil(share * STEPS)))}"


def change_style(value: float, known: Sequence[float]) -> str:
    """``div0`` for no change, ``div-3`` to ``div3`` by equal steps up to the greatest change of ``known``."""
    most = max((abs(v) for v in known), default=0)
    if value == 0 or most == 0:
        return "div0"
    step = min(3, max(1, ceil(abs(value) * 3 / most)))
    return f"div{'-' if value < 0 else ''}{step}"
