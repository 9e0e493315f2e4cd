"""Callbacks that no page of ours would post: from a tab older than the last upgrade, or forged.

Dash answers them with a traceback in the log and status 500; they are refused before it sees them.
"""

from __future__ import annotations

from collections.abc import Mapping

import dash
from flask import request

UPDATE = "/_dash-update-component"
PATHNAME = ("_pages_location", "pathname")


def is_readable(app: dash.Dash) -> bool:
    """Whether the request is no callback, or one that ``app`` knows, with the values it asks for."""
    if request.path != UPDATE or request.method != "POST":
        return True
    try:
        body = request.get_json(silent=True)
    except RecursionError:  # a hundred thousand brackets in one another
        return False
    output = body.get("output") if isinstance(body, dict) else None
    known = app.callback_map.get(output) if isinstance(output, str) else None
    if not isinstance(body, dict) or known is None or "callback" not in known:
        return False
    parts = [*_parts(body.get("inputs", [])), *_parts(body.get("state", []))]
    wanted = [(part["id"], part["property"]) for part in (*known["inputs"], *known["state"])]
    changed = body.get("changedPropIds", [])
    return (
        [part[:2] for part in parts] == wanted
        and all(_is_path(value) for *name, value in parts if tuple(name) == PATHNAME)
        and _outputs(body.get("outputs")) == output
        and isinstance(changed, list)
        and all(isinstance(name, str) for name in changed)
    )


def _parts(given: object) -> list[tuple[object, object, object]]:
    rows = given if isinstance(given, list) else [given]
    return [
        (row.get("id"), row.get("property"), row.get("value")) if isinstance(row, Mapping) else (None,) * 3
        for row in rows
    ]


def _outputs(given: object) -> str:
    """The id of a callback with these outputs."""
    names = [f"{part}.{prop}" for part, prop, _ in _parts(given)]
    return f"..{'...'.join(names)}.." if isinstance(given, list) else names[0]


def _is_path(value: object) -> bool:
    return isinstance(value, str) and value.startswith("/")
