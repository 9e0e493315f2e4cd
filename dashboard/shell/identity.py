"""Who asks, in which language and theme: read from the request that is being answered."""

from __future__ import annotations

from typing import Literal

from flask import g, has_request_context, request

from dashboard.auth.rights import Identity, scope_of
from dashboard.auth.scope import Scope
from dashboard.errors import SignInRequired
from dashboard.i18n.catalogue import Lang, read_lang

Theme = Literal["light", "dark"]

LANG_COOKIE = "tianfu_lang"
THEME_COOKIE = "tianfu_theme"
NAV_COOKIE = "tianfu_nav"


def current_identity() -> Identity:
    """The signed-in person. Raises ``SignInRequired`` where the guard let nobody in."""
    identity = g.get("identity")
    if not isinstance(identity, Identity):
        raise SignInRequired(
            "You are not signed in, or your session ended.",
            todo="Sign in again.",
            key="error.sign_in_required",
        )
    return identity


def has_identity() -> bool:
    """Whether somebody is signed in on this request."""
    return isinstance(g.get("identity"), Identity)


def current_scope() -> Scope:
    """The areas whose rows the signed-in person may see."""
    return scope_of(current_identity())


def csrf_token() -> str:
    """The token that a form of the signed-in person must carry in its field ``csrf``."""
    return str(g.get("csrf_token", ""))


def current_lang() -> Lang:
    """The language the reader chose, Chinese where none was chosen."""
    return read_lang(request.cookies.get(LANG_COOKIE) if has_request_context() else None)


def current_theme() -> Theme:
    """The theme the reader chose, light where none was chosen."""
    return read_theme(request.cookies.get(THEME_COOKIE) if has_request_context() else None)


def nav_folded() -> bool:
    """Whether the reader folded the navigation to icons."""
    return has_request_context() and request.cookies.get(NAV_COOKIE) == "folded"


def read_theme(value: str | None) -> Theme:
    """The theme a cookie asks for, or light for anything else."""
    return "dark" if value == "dark" else "light"
