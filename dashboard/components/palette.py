"""The colours of ``assets/tokens.css`` for figures, which cannot read CSS variables.

A test compares both files token by token.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Theme = Literal["light", "dark"]
THEMES: tuple[Theme, ...] = ("light", "dark")
FONT = '"PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", "Source Han Sans SC", sans-serif'


@dataclass(frozen=True)
class Palette:
    """Colours of one theme as ``#rrggbb``; fields are the token names, ``seq``, ``div``, ``cat`` in order."""

    bg: str
    surface: str
    surface_2: str
    border: str
    border_strong: str
    text: str
    text_dim: str
    accent: str
    accent_contrast: str
    red: str
    yellow: str
    green: str
    unknown: str
    seq: tuple[str, ...]
    div: tuple[str, ...]
    cat: tuple[str, ...]


PALETTES: dict[Theme, Palette] = {
    "light": Palette(
        bg="#f3f5f7",
        surface="#ffffff",
        surface_2="#edf0f4",
        border="#d5dae1",
        border_strong="#7d8896",
        text="#1a2230",
        text_dim="#56606f",
        accent="#1a5aa6",
        accent_contrast="#ffffff",
        red="#c4161c",
        yellow="#a87400",
        green="#1c7d43",
        unknown="#727d8c",
        seq=("#e9f0f8", "#c9dcf0", "#a0c3e4", "#6ea3d4", "#4080bd", "#1f5d9d", "#0b3a70"),
        div=("#17559c", "#5b93cf", "#b4cbe8", "#e3e7ec", "#e8c3a4", "#c8753f", "#8f3f12"),
        cat=("#1f59b9", "#c9652e", "#119cca", "#64347f", "#a65681", "#3b2430"),
    ),
    "dark": Palette(
        bg="#11151b",
        surface="#1a2029",
        surface_2="#232b36",
        border="#343e4b",
        border_strong="#7e8a9a",
        text="#e6eaf0",
        text_dim="#a3adbb",
        accent="#6fadf2",
        accent_contrast="#0c1420",
        red="#f26b73",
        yellow="#e8b830",
        green="#4cb877",
        unknown="#8a95a4",
        seq=("#22324a", "#274469", "#2d5a8c", "#3a75b1", "#5695d2", "#86b8ea", "#c3defb"),
        div=("#9cc8ff", "#4f8acb", "#33557d", "#3a434f", "#7a5238", "#c97b45", "#ffb27a"),
        cat=("#4168d7", "#cc804c", "#60c4d9", "#b192f2", "#efd6d4", "#897f63"),
    ),
}


def read_theme(value: str | None) -> Theme:
    """The theme a cookie asks for, or light for anything else."""
    return "dark" if value == "dark" else "light"


def colour_of(theme: Theme, colour: str) -> str:
    """The mark colour of a code colour or risk level id; ids the theme does not know look unknown.

    ``high``, ``medium`` and ``low`` take red, yellow and green.
    """
    p = PALETTES[theme]
    known = {
        "red": p.red,
        "yellow": p.yellow,
        "green": p.green,
        "high": p.red,
        "medium": p.yellow,
        "low": p.green,
        "popup": p.accent,
        "none": p.border_strong,
    }
    return known.get(colour, p.unknown)
