"""The body of a policy act, read as what it is: JSON from a browser, of which nothing is trusted."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from flask import request

from dashboard.errors import InputError

MOST_TEXT = 4000


def read_body() -> Mapping[str, object]:
    """The JSON object of the request; raises ``InputError`` for anything else."""
    try:
        body = request.get_json(silent=True)
    except RecursionError:  # a hundred thousand brackets in one another
        body = None
    if not isinstance(body, dict):
        raise _bad("body")
    return body


def text_of(body: Mapping[str, object], name: str) -> str:
    """A text, "" where it is not there."""
    value = body.get(name, "")
    if not isinstance(value, str) or len(value) > MOST_TEXT:
        raise _bad(name)
    if any("\ud800" <= sign <= "\udfff" for sign in value):
        # Half a character cannot be stored as UTF-8.
        raise _bad(name)
    return value


def number_of(body: Mapping[str, object], name: str) -> int:
    """A whole number, also as text; raises ``InputError`` where there is none."""
    value = body.get(name)
    if isinstance(value, str) and value.strip().isascii() and value.strip().isdigit() and len(value) < 12:
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 10**12:
        raise _bad(name)
    return value


def moment_of(body: Mapping[str, object], name: str) -> datetime | None:
    """A day and a time of day in China Standard Time, None where none was chosen."""
    value = text_of(body, name).strip()
    if not value:
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise _bad(name) from None
    if moment.tzinfo is not None:
        raise _bad(name)
    return moment.replace(microsecond=0)


def mapping_of(body: Mapping[str, object], name: str) -> Mapping[str, object]:
    """An object of the body; its keys are texts, since JSON knows no others."""
    value = body.get(name)
    if not isinstance(value, dict):
        raise _bad(name)
    return value


def _bad(name: str) -> InputError:
    return InputError(
        f"The field {name} of this request cannot be read.",
        todo="Load the page again.",
        key="error.bad_body",
        name=name,
    )
