"""A key figure: value, change against the day before, rate, trend, definition; the card is a link."""

# ruff: noqa: A002 - id is the word Dash uses for the same thing
from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Literal

from dash import dcc, html
from dash.development.base_component import Component

from dashboard.cells import Cell
from dashboard.components.icon import hidden_text, icon
from dashboard.components.palette import Theme
from dashboard.components.provenance import Provenance, feed_sign, provenance_button, worst_state
from dashboard.components.sparkline import sparkline
from dashboard.components.states import cell_text
from dashboard.i18n.catalogue import Lang, t
from dashboard.i18n.numbers import format_compact, format_exact, format_rate

Worse = Literal["up", "down", "none"]


def kpi(
    *,
    id: str,
    name: str,
    unit: str,
    value: Cell,
    change: Cell,
    rate: Cell | None,
    trend: Sequence[Cell],
    worse: Worse,
    provenance: Provenance,
    link: str,
    lang: Lang,
    theme: Theme,
    compared: date | None = None,
    until_hour: int | None = None,
    restated: Sequence[int] = (),
    restated_words: str = "",
) -> Component:
    """One key figure.

    ``change`` is the difference in ``unit`` to the day before, or to the day ``compared``; ``rate`` is
    per 100,000 residents, None where it means nothing; ``trend`` is one cell a day, oldest first.
    With ``until_hour`` the day is reported up to that hour and compared with the same hours.
    Days of the trend that were ``restated`` are marked.
    ``worse`` says which direction is bad and sets the tone; where it is ``none`` a change has no tone.
    """
    state = "zero" if value.value == 0 else value.state.replace("_", "-")
    return html.Article(
        [
            html.Header(
                [
                    html.H3(
                        dcc.Link(name, href=link, className="tf-kpi-link") if link else name,
                        className="tf-kpi-name",
                        title=name,
                    ),
                    provenance_button(provenance, name=name, lang=lang),
                ],
                className="tf-kpi-head",
            ),
            html.Div([_value(value, unit, lang)], className="tf-kpi-value"),
            html.Div(
                change_text(change, worse=worse, lang=lang, compared=compared, until_hour=until_hour),
                className="tf-kpi-facts",
            ),
            html.Div(
                [
                    # A rate of a figure that is not there would only say so a second time.
                    _rate(rate, lang) if rate is not None and value.value is not None else html.Span(),
                    feed_sign(worst_state(provenance.feeds), lang, quiet=True),
                ],
                className="tf-kpi-facts",
            ),
            sparkline(trend, lang=lang, theme=theme, restated=restated, restated_words=restated_words),
        ],
        id=id,
        className=f"tf-kpi tf-kpi-is-{state}",
    )


def tone_of(change: float, worse: Worse) -> str:
    """``worse``, ``better`` or ``even`` for a change, by the direction that is bad for the metric."""
    if change == 0 or worse == "none":
        return "even"
    return "worse" if (change > 0) == (worse == "up") else "better"


def change_text(
    change: Cell, *, worse: Worse, lang: Lang, compared: date | None = None, until_hour: int | None = None
) -> Component:
    """A change in words with an arrow; the tone is told by colour and to the screen reader by word."""
    if change.value is None:
        return html.Span(t(lang, f"ui.change.{change.state}"), className="tf-change tf-change-missing")
    direction = "up" if change.value > 0 else "down" if change.value < 0 else "flat"
    tone = tone_of(change.value, worse)
    size = format_compact(lang, abs(change.value))
    if until_hour is not None:
        words = t(lang, f"ui.change.{direction}.hours", n=size, hour=until_hour)
    elif compared is None:
        words = t(lang, f"ui.change.{direction}", n=size)
    else:
        words = t(lang, f"ui.change.{direction}.since", n=size, day=compared.strftime("%m-%d"))
    return html.Span(
        [
            icon(direction),
            html.Span(words, title=format_exact(change.value)),
            hidden_text(t(lang, f"ui.change.{tone}")) if tone != "even" else None,
        ],
        className=f"tf-change tf-change-{tone}",
    )


def _value(value: Cell, unit: str, lang: Lang) -> Component:
    if value.value is None:
        return cell_text(value, lang)
    return html.Span(
        [
            html.Span(format_compact(lang, value.value), className="tf-num", title=format_exact(value.value)),
            html.Span(unit, className="tf-kpi-unit"),
        ]
    )


def _rate(rate: Cell, lang: Lang) -> Component:
    if rate.value is None:
        return html.Span(t(lang, f"ui.rate.{rate.state}"), className="tf-kpi-rate")
    return html.Span(t(lang, "ui.rate", rate=format_rate(rate.value)), className="tf-kpi-rate")
