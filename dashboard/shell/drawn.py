"""Drawings of cards, kept: everybody looks at the same morning, and drawing costs more than asking.

A card is drawn from its ``Context`` alone; what of it can change the drawing is the key. Of the person
that is the role and the granted areas, never the login: two people with both alike see the same card.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TypeAlias, cast

from dash.development.base_component import Component

from dashboard.shell.context import Context
from queries.cache import CacheInfo, ResultCache

# Components as the browser gets them: dicts, lists, texts and numbers only.
Plain: TypeAlias = "dict[str, object] | list[object] | str | float | bool | None"


def keep(context: Context, name: str, draw: Callable[[Context], object]) -> Plain:
    """What ``draw`` makes of ``context``, kept under ``name``; the answer must not be changed."""
    filters = context.filters
    key = (
        name,
        str(context.view.store.root),
        context.view.snapshot_id,
        context.scope.key,
        context.identity.role,
        context.identity.roots,
        context.lang,
        context.theme,
        context.policy.version,
        context.in_force.policy_digest,
        tuple(filters.as_dict().items()),
    )
    return _kept.get(key, lambda: _Drawn(draw(context))).plain


def drawn_info() -> CacheInfo:
    """Hits, misses and size of the drawings kept in this process."""
    return _kept.info()


def forget_drawn() -> None:
    """Forget every drawing; for tests and benchmarks, a snapshot never needs it."""
    _kept.clear()


def plain(value: object) -> Plain:
    """Components as the dicts that Dash would make of them, nested ones too.

    Dash asks each component for each of its hundred possible properties, at every answer; here only those
    that are set are looked at, once (measured: a tenth of the time).
    """
    if isinstance(value, Component):
        names, wild = _names_of(value)
        props = {
            key: plain(part) for key, part in vars(value).items() if key in names or key.startswith(wild)
        }
        return {"props": props, "type": value._type, "namespace": value._namespace}
    if isinstance(value, dict):
        return {key: plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(part) for part in value]
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    # Anything else (a date, an array) Dash writes by its own rules, at each answer.
    return cast(Plain, value)


def _names_of(component: Component) -> tuple[frozenset[str], tuple[str, ...]]:
    # Dash makes both lists anew in every component; they are the same for all of a class.
    kind = type(component)
    if kind not in _NAMES:
        _NAMES[kind] = frozenset(component._prop_names), tuple(component._valid_wildcard_attributes)
    return _NAMES[kind]


_NAMES: dict[type[Component], tuple[frozenset[str], tuple[str, ...]]] = {}


class _Drawn:
    """One drawing and roughly how many bytes of memory it takes."""

    __slots__ = ("plain", "size")

    def __init__(self, value: object) -> None:
        self.plain = plain(value)
        self.size = _weigh(self.plain)


def _weigh(value: object) -> int:
    """Bytes of memory, roughly: keys are shared, small values too."""
    if isinstance(value, dict):
        return 200 + sum(_weigh(part) for part in value.values())
    if isinstance(value, list):
        return 60 + sum(_weigh(part) for part in value)
    return 60 + 2 * len(value) if isinstance(value, str) else 24


_kept: ResultCache[_Drawn] = ResultCache(
    max_entries=4_000, max_bytes=96 * 1024 * 1024, weigh=lambda drawn: drawn.size
)
os.register_at_fork(after_in_child=_kept.restart)
