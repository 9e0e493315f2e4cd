"""shim"""

from __future__ import annotations


def check_impact(board, database, ask): ...
