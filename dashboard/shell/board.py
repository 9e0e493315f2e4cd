"""What one process of the board holds: settings, the store, the boundaries, the policy in force."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from dashboard.policy.model import Policy
from dashboard.publishing.in_force import InForce
from dashboard.settings import Settings
from dashboard.shell.policy_watch import PolicyWatch
from dashboard.snapshot.storage_follow import follow
from dashboard.snapshot.store import Store
from dashboard.store.engine import Database
from geo.boundaries import BoundarySet, load_boundaries


@dataclass
class Board:
    """The parts of a running board. Nothing is opened before it is first used."""

    settings: Settings
    store: Store
    database: Database

    @cached_property
    def boundaries(self) -> BoundarySet:
        return load_boundaries(file=self.settings.boundaries, crs=self.settings.boundaries_crs)

    @cached_property
    def watch(self) -> PolicyWatch:
        return PolicyWatch(self.database)

    @property
    def in_force(self) -> InForce:
        """What the rules service runs, as of a few seconds ago at most."""
        return self.watch.read()

    @property
    def policy(self) -> Policy:
        """The policy in force. What must not change under one request is in its ``Context``."""
        return self.in_force.policy


_BOARDS: dict[str, Board] = {}


def configure(settings: Settings) -> Board:
    """Make the board of this process from ``settings``; called once, by ``create_app``."""
    board = Board(
        settings=settings,
        store=Store(settings.board_snapshots, follower=follow(settings)),
        database=Database(settings),
    )
    _BOARDS["board"] = board
    return board


def find_board(settings: Settings) -> Board | None:
    """The board of this process if it is the one of these settings; both then share one store."""
    board = _BOARDS.get("board")
    return board if board is not None and board.settings is settings else None


def get_board() -> Board:
    """The board of this process."""
    return _BOARDS["board"]


def as_text(values: Mapping[str, object]) -> dict[str, str]:
    """Values of a URL or a store as text; anything that is no text or number is left out."""
    return {key: str(value) for key, value in values.items() if isinstance(value, (str, int)) and value != ""}
