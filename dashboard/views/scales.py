"""From a number to one of the map's steps; zero is a step of its own, and so is no change."""

from __future__ import annotations

from collections.abc import Sequence

STEPS = 6


def density_style(value: float, known: Sequence[float]) -> str:
    """``seq0`` for zero, ``seq1`` to ``seq6`` by equal steps up to the greatest of ``known``."""
    most = max(known, default=0)
    if value <= 0 or most <= 0:
        return "seq0"
    return f"seq{max(1, min(STEPS, -(-value * STEPS // most)) if most else 1):.0f}"


def change_style(value: float, known: Sequence[float]) -> str:
    """``div0`` for no change, ``div-3`` to ``div3`` by equal steps up to the greatest change of ``known``."""
    most = max((abs(v) for v in known), default=0)
    if value == 0 or most == 0:
        return "div0"
    step = max(1, min(3, -(-abs(value) * 3 // most)))
    return f"div{'-' if value < 0 else ''}{step:.0f}"
