"""The only way to a figure: run a named SQL file under a scope on one snapshot, and cache the rows."""

from __future__ import annotations

from dataclasses import dataclass

from dashboard.auth.scope import Scope
from dashboard.snapshot.store import Store


@dataclass(frozen=True)
class View:
    """What a question is asked of: one snapshot, seen through one scope."""

    store: Store
    snapshot_id: str
    scope: Scope
