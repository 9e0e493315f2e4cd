"""Who may do what: roles, rights, and the identity of a signed-in person. No database, no Flask."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, get_args

from dashboard.auth.scope import Scope, build_scope
from dashboard.errors import NotPermitted, TianfuError

Right = Literal[
    "view", "export", "unmask", "assign", "draft", "approve", "publish", "emergency", "audit", "administer"
]
Role = Literal[
    "viewer", "city_official", "county_official", "policy_editor", "commander", "auditor", "administrator"
]
RIGHTS: tuple[Right, ...] = get_args(Right)
ROLES: tuple[Role, ...] = get_args(Role)

# Nobody holds every right: who drafts does not approve, who approves does not audit, who manages the
# accounts decides nothing. That a commander never approves an own draft is checked where it is approved.
ROLE_RIGHTS: Mapping[Role, frozenset[Right]] = {
    "viewer": frozenset({"view"}),
    "city_official": frozenset({"view", "export", "assign"}),
    "county_official": frozenset({"view", "export", "assign"}),
    "policy_editor": frozenset({"view", "export", "draft"}),
    "commander": frozenset({"view", "export", "unmask", "assign", "approve", "publish", "emergency"}),
    "auditor": frozenset({"view", "export", "audit"}),
    "administrator": frozenset({"view", "administer"}),
}


@dataclass(frozen=True)
class Identity:
    """A signed-in person as of this request. ``roots`` are the granted area codes."""

    account_id: int
    login: str
    name_zh: str
    name_en: str
    role: Role
    roots: tuple[str, ...]
    session_id: int


def can(identity: Identity, right: Right) -> bool:
    """Whether the person holds the right."""
    return right in ROLE_RIGHTS[identity.role]


def check(identity: Identity, right: Right) -> None:
    """Raise ``NotPermitted`` unless the person holds the right."""
    if not can(identity, right):
        raise NotPermitted(
            f"{identity.login} ({identity.role}) does not hold the right to {right}.",
            todo="Ask your administrator for a role that includes it.",
            key="error.not_permitted",
        )


def scope_of(identity: Identity) -> Scope:
    """The areas whose rows the person may see."""
    return _scope(identity.roots)


@lru_cache(maxsize=256)
def _scope(roots: tuple[str, ...]) -> Scope:
    # Every callback asks, and the province expands to 200 codes; the area table never changes while running.
    return build_scope(roots)


def read_role(text: str) -> Role:
    """The role of that id. Raises ``TianfuError`` naming the roles there are."""
    for role in ROLES:
        if role == text:
            return role
    raise TianfuError(f"{text!r} is no role.", todo=f"Choose one of: {', '.join(ROLES)}.")
