"""The packaged Rego of the bundle: read as it is, or written anew from the decision tables."""

from __future__ import annotations

from importlib.resources import files

from dashboard.policy.decide_rego import MARKER, emit_tables


def packaged_rego() -> str:
    """The module as it goes into every bundle."""
    return files("dashboard.envelope").joinpath("rego", "policy.rego").read_text(encoding="utf-8")


def rego_text() -> str:
    """What the packaged module must be: its handwritten part, and the tables as they are declared now."""
    return f"{packaged_rego().partition(MARKER)[0]}{MARKER}\n\n{emit_tables()}"
