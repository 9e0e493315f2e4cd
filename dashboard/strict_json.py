"""JSON of which two readers cannot see two different contents."""

from __future__ import annotations

import json


def load_strict(text: str | bytes) -> object:
    """The content of ``text``; raises ``ValueError`` also for a key stated twice and for NaN or Infinity.

    Of two equal keys one reader takes the first and another the last: two policies under one signature.
    """
    try:
        # json.loads would guess UTF-16 and UTF-32 from bytes; other readers would not.
        text = text.decode("utf-8") if isinstance(text, bytes) else text
        return json.loads(text, parse_constant=_no_number, object_pairs_hook=_no_twice)
    except RecursionError:
        raise ValueError("it is nested too deep") from None


def _no_number(value: str) -> None:
    raise ValueError(f"{value} is no number")


def _no_twice(pairs: list[tuple[str, object]]) -> dict[str, object]:
    content: dict[str, object] = {}
    for key, value in pairs:
        if key in content:
            raise ValueError(f"the key {key[:60]} is stated twice")
        content[key] = value
    return content
