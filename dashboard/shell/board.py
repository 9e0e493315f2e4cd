"""What one process of the board holds: settings, the store, the boundaries, the policy in force."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from dashboard.policy.model import Policy
from dashboard.policy.store import load_baseline
from dashboard.settings import Settings
from dashboard.snapshot.storage_follow import follow
from dashboard.snapshot.store import Store
from geo.boundaries import BoundarySet, load_boundaries


@dataclass
class Board:
    """The parts of a running board. Nothing is opened before it is first used."""

    settings: Settings
    store: Store

    @cached_property
    def boundaries(self) -> BoundarySet:
        return load_boundaries(file=self.settings.boundaries, crs=self.settings.boundaries_crs)

    @cached_property
    def policy(self) -> Policy:
        return load_baseline()


_BOARDS: dict[str, Board] = {}


def configure(settings: Settings) -> Board:
    """Make the board of this process from ``settings``; called once, by ``create_app``."""
    board = Board(settings=settings, store=Store(settings.board_snapshots, follower=follow(settings)))
    _BOARDS["board"] = board
    return board


def get_board() -> Board:
    """The board of this process."""
    return _BOARDS["board"]


def as_text(values: Mapping[str, object]) -> dict[str, str]:
    """Values of a URL or a store as text; anything that is no text or number is left out."""
    return {key: str(value) for key, value in values.items() if isinstance(value, (str, int)) and value != ""}
