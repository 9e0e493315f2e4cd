"""Tokens and palette say the same, and can be read by everyone."""

from __future__ import annotations

import itertools
import math
import re
from pathlib import Path

import pytest

from dashboard.components.palette import FONT, PALETTES, THEMES, Palette, Theme, colour_of, read_theme

TOKENS = (Path(__file__).resolve().parents[2] / "assets" / "tokens.css").read_text(encoding="utf-8")
# Machado, Oliveira, Fernandes (2009), full severity, on linear RGB.
DEUTAN = ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881))
PROTAN = ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998))
NORMAL = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
XYZ = ((0.4124 / 0.9505, 0.3576 / 0.9505, 0.1805 / 0.9505), (0.2126, 0.7152, 0.0722))
Z = (0.0193 / 1.089, 0.1192 / 1.089, 0.9505 / 1.089)
Triple = tuple[float, float, float]


def linear(colour: str) -> Triple:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    r, g, b = (v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in parts)
    return r, g, b


def dot(row: tuple[float, ...], rgb: Triple) -> float:
    return sum(a * b for a, b in zip(row, rgb, strict=True))


def luminance(colour: str) -> float:
    return dot(XYZ[1], linear(colour))


def contrast(a: str, b: str) -> float:
    low, high = sorted((luminance(a), luminance(b)))
    return (high + 0.05) / (low + 0.05)


def lab(rgb: Triple) -> Triple:
    def f(v: float) -> float:
        return v ** (1 / 3) if v > 0.008856 else 7.787 * v + 16 / 116

    x, y, z = (f(max(0.0, dot(row, rgb))) for row in (*XYZ, Z))
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def seen(colour: str, eye: tuple[Triple, ...]) -> Triple:
    r, g, b = (min(1.0, max(0.0, dot(row, linear(colour)))) for row in eye)
    return lab((r, g, b))


def tokens_of(theme: Theme) -> dict[str, str]:
    light, dark = TOKENS.split(':root[data-mantine-color-scheme="dark"]')
    text = light if theme == "light" else dark
    return dict(re.findall(r"--tf-([\w-]+):\s*(#[0-9a-f]{6});", text))


def palette_as_tokens(p: Palette) -> dict[str, str]:
    steps = ("n3", "n2", "n1", "0", "p1", "p2", "p3")
    plain = {k.replace("_", "-"): v for k, v in vars(p).items() if isinstance(v, str)}
    return (
        plain
        | {f"seq-{i}": c for i, c in enumerate(p.seq)}
        | {f"div-{s}": c for s, c in zip(steps, p.div, strict=True)}
        | {f"cat-{i}": c for i, c in enumerate(p.cat, start=1)}
    )


@pytest.mark.parametrize("theme", THEMES)
def test_palette_equals_tokens(theme: Theme) -> None:
    assert palette_as_tokens(PALETTES[theme]) == tokens_of(theme)


def test_font_equals_token() -> None:
    assert f"--tf-font: {FONT};" in TOKENS


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("ground", ["bg", "surface", "surface_2"])
@pytest.mark.parametrize("ink", ["text", "text_dim", "accent"])
def test_text_contrast(theme: Theme, ground: str, ink: str) -> None:
    p = PALETTES[theme]
    assert contrast(getattr(p, ink), getattr(p, ground)) >= 4.5


@pytest.mark.parametrize("theme", THEMES)
def test_text_on_accent(theme: Theme) -> None:
    p = PALETTES[theme]
    assert contrast(p.accent_contrast, p.accent) >= 4.5


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("mark", ["red", "yellow", "green", "unknown", "border_strong"])
def test_mark_contrast(theme: Theme, mark: str) -> None:
    p = PALETTES[theme]
    assert min(contrast(getattr(p, mark), g) for g in (p.bg, p.surface, p.surface_2)) >= 3


@pytest.mark.parametrize("theme", THEMES)
def test_category_contrast(theme: Theme) -> None:
    p = PALETTES[theme]
    assert min(contrast(c, p.surface) for c in p.cat) >= 3


@pytest.mark.parametrize("theme", THEMES)
def test_change_marks_stand_out(theme: Theme) -> None:
    """The two outer steps on each side carry the meaning without help; the ends also carry text."""
    p = PALETTES[theme]
    assert min(contrast(p.div[i], p.surface) for i in (1, 5)) >= 3
    assert min(contrast(p.div[i], p.surface) for i in (0, 6)) >= 4.5


@pytest.mark.parametrize("eye", [NORMAL, DEUTAN, PROTAN], ids=["normal", "deutan", "protan"])
@pytest.mark.parametrize("theme", THEMES)
def test_categories_differ(theme: Theme, eye: tuple[Triple, ...]) -> None:
    p = PALETTES[theme]
    for a, b in itertools.combinations(p.cat, 2):
        assert math.dist(seen(a, eye), seen(b, eye)) >= 18, (a, b)


@pytest.mark.parametrize("theme", THEMES)
def test_categories_differ_in_grey_print(theme: Theme) -> None:
    for a, b in itertools.combinations(PALETTES[theme].cat, 2):
        assert abs(seen(a, NORMAL)[0] - seen(b, NORMAL)[0]) >= 5.5, (a, b)


@pytest.mark.parametrize("theme", THEMES)
def test_categories_are_not_status(theme: Theme) -> None:
    p = PALETTES[theme]
    for a, b in itertools.product(p.cat, (p.red, p.yellow, p.green)):
        assert math.dist(seen(a, NORMAL), seen(b, NORMAL)) >= 24, (a, b)


@pytest.mark.parametrize("eye", [NORMAL, DEUTAN, PROTAN], ids=["normal", "deutan", "protan"])
@pytest.mark.parametrize("theme", THEMES)
def test_change_pair_differs(theme: Theme, eye: tuple[Triple, ...]) -> None:
    p = PALETTES[theme]
    assert math.dist(seen(p.div[0], eye), seen(p.div[6], eye)) >= 40


@pytest.mark.parametrize(("theme", "sign"), [("light", -1), ("dark", 1)])
def test_density_leaves_the_ground_step_by_step(theme: Theme, sign: int) -> None:
    steps = [sign * seen(c, NORMAL)[0] for c in PALETTES[theme].seq]
    assert all(b - a >= 5 for a, b in itertools.pairwise(steps))


@pytest.mark.parametrize("theme", THEMES)
def test_unknown_colour_is_never_green(theme: Theme) -> None:
    p = PALETTES[theme]
    assert colour_of(theme, "grey") == colour_of(theme, "no such id") == p.unknown != p.green


@pytest.mark.parametrize(
    ("value", "theme"), [("dark", "dark"), ("light", "light"), (None, "light"), ("x", "light")]
)
def test_read_theme(value: str | None, theme: Theme) -> None:
    assert read_theme(value) == theme
