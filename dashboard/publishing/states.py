"""The life of a policy change: one dictionary says which act leads where and which right it takes.

The diagram in ``docs/policy-publishing.md`` is written from it, and every act of the workflow asks it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, get_args

from dashboard.auth.rights import Right
from dashboard.publishing.errors import WrongState

State = Literal[
    "draft",
    "in_review",
    "approved",
    "publishing",
    "active",
    "superseded",
    "rejected",
    "cancelled",
    "suspended",
    "publish_blocked",
]
Act = Literal[
    "edit",
    "rebase",
    "comment",
    "ask_review",
    "withdraw",
    "approve",
    "decline",
    "reopen",
    "discard",
    "publish",
    "emergency",
    "suspend",
    "activate",
    "supersede",
    "block",
    "retry",
    "review",
]
STATES: tuple[State, ...] = get_args(State)
ACTS: tuple[Act, ...] = get_args(Act)


@dataclass(frozen=True)
class Step:
    """Where an act leads; any one of ``rights`` is enough, none of them means the software itself acts."""

    to: State
    rights: frozenset[Right]


def _step(to: State, *rights: Right) -> Step:
    return Step(to, frozenset(rights))


_AUTHORS: tuple[Right, ...] = ("draft", "publish", "emergency")
_TALKERS: tuple[Right, ...] = ("draft", "approve")

TRANSITIONS: Mapping[tuple[State, Act], Step] = MappingProxyType(
    {
        ("draft", "edit"): _step("draft", *_AUTHORS),
        ("draft", "rebase"): _step("draft", *_AUTHORS),
        ("draft", "comment"): _step("draft", *_TALKERS),
        ("draft", "ask_review"): _step("in_review", *_AUTHORS),
        ("draft", "emergency"): _step("publishing", "emergency"),
        ("draft", "discard"): _step("cancelled", *_AUTHORS),
        # An edit under review or after approval leads back to review: what was approved is gone.
        ("in_review", "edit"): _step("in_review", *_AUTHORS),
        ("in_review", "comment"): _step("in_review", *_TALKERS),
        ("in_review", "withdraw"): _step("draft", *_AUTHORS),
        ("in_review", "approve"): _step("approved", "approve"),
        ("in_review", "decline"): _step("rejected", "approve"),
        ("in_review", "discard"): _step("cancelled", *_AUTHORS),
        ("in_review", "suspend"): _step("suspended"),
        ("approved", "edit"): _step("in_review", *_AUTHORS),
        ("approved", "comment"): _step("approved", *_TALKERS),
        ("approved", "withdraw"): _step("draft", *_AUTHORS),
        ("approved", "decline"): _step("rejected", "approve"),
        ("approved", "publish"): _step("publishing", "publish"),
        ("approved", "discard"): _step("cancelled", *_AUTHORS),
        ("approved", "suspend"): _step("suspended"),
        ("suspended", "comment"): _step("suspended", *_TALKERS),
        ("suspended", "rebase"): _step("draft", *_AUTHORS),
        ("suspended", "discard"): _step("cancelled", *_AUTHORS),
        ("rejected", "comment"): _step("rejected", *_TALKERS),
        ("rejected", "reopen"): _step("draft", *_AUTHORS),
        ("publishing", "comment"): _step("publishing", *_TALKERS),
        ("publishing", "activate"): _step("active"),
        ("publishing", "supersede"): _step("superseded"),
        ("publishing", "suspend"): _step("suspended"),
        ("publishing", "block"): _step("publish_blocked"),
        ("publishing", "review"): _step("publishing", "approve"),
        ("publish_blocked", "comment"): _step("publish_blocked", *_TALKERS),
        ("publish_blocked", "retry"): _step("publishing", "publish"),
        ("publish_blocked", "suspend"): _step("suspended"),
        ("publish_blocked", "review"): _step("publish_blocked", "approve"),
        ("active", "comment"): _step("active", *_TALKERS),
        ("active", "supersede"): _step("superseded"),
        ("active", "review"): _step("active", "approve"),
        ("superseded", "comment"): _step("superseded", *_TALKERS),
        # What an emergency covered comes back when the emergency ends.
        ("superseded", "activate"): _step("active"),
        ("superseded", "review"): _step("superseded", "approve"),
    }
)

# Nobody works on two changes of one kind at once. A suspended one waits beside them: it may have been on its
# way, and its author may have begun another meanwhile.
WORKING: frozenset[State] = frozenset({"draft", "in_review", "approved"})
OPEN: frozenset[State] = WORKING | {"suspended"}


# Rights by act: the same in every state in which the act exists.
RIGHT_OF: Mapping[Act, frozenset[Right]] = MappingProxyType(
    {act: step.rights for (_, act), step in TRANSITIONS.items()}
)


def find_step(state: State, act: Act) -> Step:
    """Where ``act`` leads from ``state``; raises ``WrongState`` where there is no such way."""
    step = TRANSITIONS.get((state, act))
    if step is None:
        raise WrongState(
            f"A change in state {state} has no act {act}.",
            todo="Read the change again; somebody may have moved it on.",
            key="publishing.error.wrong_state",
            state=state,
            act=act,
        )
    return step


def acts_from(state: State) -> tuple[Act, ...]:
    """The acts that exist in ``state``, in the order of the declaration."""
    return tuple(act for (start, act) in TRANSITIONS if start == state)


def read_state(text: str) -> State:
    """The state of that name, as the store holds it."""
    return next(state for state in STATES if state == text)


def draw_states() -> str:
    """The dictionary as a Mermaid state diagram; acts that lead nowhere else are left out."""
    lines = ["stateDiagram-v2", "    [*] --> draft: open"]
    ways: dict[tuple[State, State], list[str]] = {}
    for (start, act), step in TRANSITIONS.items():
        if act not in ("comment", "review") and start != step.to:
            who = "" if step.rights else " (by itself)"
            ways.setdefault((start, step.to), []).append(act + who)
    lines += [f"    {start} --> {to}: {', '.join(acts)}" for (start, to), acts in ways.items()]
    ends = [state for state in STATES if not any(start == state for start, _ in ways)]
    return "\n".join([*lines, *(f"    {state} --> [*]" for state in ends)]) + "\n"
