"""What the workflow refuses: a stale view, a missing right, a document that is not valid, a wrong moment."""

from __future__ import annotations

from collections.abc import Sequence

from dashboard.errors import NotPermitted, PolicyError, TianfuError
from dashboard.publishing.problems import Problem


class NotAllowed(NotPermitted):
    """The person may not do this, here and now: the right, an own change, a revoked role."""


class StaleChange(TianfuError):
    """The change, or the policy it is based on, was changed by somebody after it was read.

    ``since`` holds one sentence for each step that was done meanwhile, the oldest first: who, what, when.
    """

    http_status = 409

    def __init__(
        self, what: str, *, todo: str = "", key: str = "", since: Sequence[str] = (), **values: object
    ) -> None:
        super().__init__(what, todo=todo, key=key, **values)
        self.since = tuple(since)


class WrongState(TianfuError):
    """The act does not exist in the state the change is in, or a rule of its kind refuses it."""

    http_status = 409


class UnknownChange(TianfuError):
    """No change of that id."""

    http_status = 404


class InvalidDraft(PolicyError):
    """The edited document is not a valid policy; ``problems`` names every field and what it must be."""

    http_status = 422

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        lines = "; ".join(problem.text("en") for problem in self.problems[:5])
        super().__init__(
            f"The draft is not a valid policy: {lines}.",
            todo="Correct the fields and try again.",
            key="publishing.error.invalid",
            count=len(self.problems),
        )
