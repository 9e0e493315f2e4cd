"""Ids that feeds say, in words: the text of the catalogue, or the id where it knows none."""

from __future__ import annotations

from dashboard.i18n.catalogue import load_texts
from dashboard.shell.context import Context


def worded(context: Context, prefix: str, word: str) -> str:
    """The text ``<prefix><word>``, or ``word`` itself where a feed says what the catalogue does not know."""
    return context.t(prefix + word) if prefix + word in load_texts() else word
