"""Badges of code colours and risk levels: always a shape and a letter beside the colour.

Red is a square R, yellow a triangle Y, green a circle G; what is not known is a hatched plate with a
question mark, and an id this module does not know is drawn as unknown, never as green.
"""

from __future__ import annotations

from dash import html
from dash.development.base_component import Component

from dashboard.i18n.catalogue import Lang, t

COLOUR_LETTERS = {"red": "R", "yellow": "Y", "green": "G", "grey": "–", "popup": "P", "none": "0"}
COLOUR_SIGNS = {"red": "■", "yellow": "▲", "green": "●", "grey": "◇", "popup": "◆", "none": "○"}
LEVEL_LETTERS = {"high": "H", "medium": "M", "low": "L"}
LEVEL_SIGNS = {"high": "■", "medium": "▲", "low": "●"}


def sign_of(status: str) -> str:
    """The shape of a colour or level id as one character, ``?`` for one that is not known."""
    return COLOUR_SIGNS.get(status) or LEVEL_SIGNS.get(status) or "?"


def status_name(status: str, lang: Lang) -> str:
    """The word of a colour or level id: 红码, 高风险, 未知."""
    if status in COLOUR_LETTERS:
        return t(lang, f"ui.colour.{status}")
    if status in LEVEL_LETTERS:
        return t(lang, f"ui.level.{status}")
    return t(lang, "ui.colour.unknown")


def colour_badge(colour: str, lang: Lang, *, count: str = "") -> Component:
    """Badge of a code colour, with ``count`` (a formatted figure) behind the word."""
    return _badge(
        colour, COLOUR_LETTERS.get(colour, "?"), t(lang, f"ui.colour.{_known(colour, COLOUR_LETTERS)}"), count
    )


def level_badge(level: str, lang: Lang, *, count: str = "") -> Component:
    """Badge of a risk level, with ``count`` (a formatted figure) behind the word."""
    return _badge(
        level, level_letter(level, lang), t(lang, f"ui.level.{_known(level, LEVEL_LETTERS)}"), count
    )


def level_letter(level: str, lang: Lang) -> str:
    """H, M, L beside the English word; the Chinese word begins with its own letter 高, 中, 低."""
    if level not in LEVEL_LETTERS:
        return "?"
    return LEVEL_LETTERS[level] if lang == "en" else ""


def status_mark(status: str) -> Component:
    """The shape alone, in its colour, for legends and rows that carry the word themselves."""
    known = status if status in COLOUR_LETTERS or status in LEVEL_LETTERS else "unknown"
    return html.Span(className=f"tf-mark tf-mark-{known}", **{"aria-hidden": "true"})


def _known(status: str, letters: dict[str, str]) -> str:
    return status if status in letters else "unknown"


def _badge(status: str, letter: str, word: str, count: str) -> Component:
    known = "unknown" if letter == "?" else status
    return html.Span(
        [
            status_mark(known),
            html.Span(letter, className="tf-badge-letter", **{"aria-hidden": "true"}) if letter else None,
            html.Span(word),
            html.Span(count, className="tf-badge-count") if count else None,
        ],
        className=f"tf-badge tf-badge-{known}",
    )
