"""Scope: the set of areas whose rows a person may see. Pure data, no database, no Flask."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from dashboard.errors import OutOfScope
from geo.areas import is_area, subtree


@dataclass(frozen=True)
class Scope:
    """Areas a person may see: ``roots`` as granted, ``codes`` with everything below them.

    An empty scope sees no row; there is no value that means "all".
    """

    roots: tuple[str, ...]
    codes: frozenset[str]

    @property
    def key(self) -> str:
        """Stable text that names this scope in a cache key."""
        return ",".join(self.roots)

    def allows(self, code: str) -> bool:
        return code in self.codes


def build_scope(roots: Iterable[str]) -> Scope:
    """Expand granted areas to everything below them; codes that are no area grant nothing."""
    kept = tuple(sorted({code for code in roots if is_area(code)}))
    return Scope(roots=kept, codes=frozenset().union(*(subtree(code) for code in kept)))


def check_area(scope: Scope, code: str) -> str:
    """Return ``code`` when it lies in ``scope``; raise ``OutOfScope`` otherwise.

    The message is the same for an area that exists and one that does not, so it tells nothing.
    """
    if not scope.allows(code):
        raise OutOfScope(
            "This area is outside your scope.",
            todo="Choose an area from the picker, or ask your administrator.",
            key="error.out_of_scope",
        )
    return code
