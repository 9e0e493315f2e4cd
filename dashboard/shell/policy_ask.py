"""One step of a policy change as it was asked for, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection

from dashboard.auth.rights import Identity
from dashboard.publishing.actors import Actor, actor_of
from dashboard.publishing.model import Change
from dashboard.settings import Settings
from dashboard.shell.policy_body import number_of, text_of


@dataclass(frozen=True)
class Ask:
    """Who asks, when, and with which body, of which nothing is trusted."""

    body: Mapping[str, object]
    identity: Identity
    at: datetime
    settings: Settings

    @property
    def actor(self) -> Actor:
        return actor_of(self.identity)

    @property
    def change(self) -> str:
        return text_of(self.body, "change")

    @property
    def row_version(self) -> int:
        return number_of(self.body, "row_version")

    def text(self, name: str) -> str:
        return text_of(self.body, name)


@dataclass(frozen=True)
class Done:
    """The change as it is now, the key of a sentence, the words of the page to go to.

    ``dropped`` tells the browser to forget what it still keeps of the change.
    """

    change: Change | None
    say: str = ""
    go: Mapping[str, str] = field(default_factory=dict)
    dropped: bool = False


Step = Callable[[Connection, Ask], Done]
STEPS: dict[str, Step] = {}


def step(name: str) -> Callable[[Step], Step]:
    """Offer a function as ``POST /policy/act/<name>``."""

    def register(run: Step) -> Step:
        STEPS[name] = run
        return run

    return register
