"""Icons: local SVG files below ``assets/icons``, painted in the text colour by ``base.css``."""

from __future__ import annotations

from dash import html
from dash.development.base_component import Component


def icon(name: str) -> Component:
    """The icon ``name``; decoration only, so a word or an aria-label must stand beside it."""
    return html.Span(className=f"tf-icon tf-icon-{name}", **{"aria-hidden": "true"})


def hidden_text(text: str) -> Component:
    """Words for a screen reader where the eye has a shape."""
    return html.Span(text, className="tf-hidden")
