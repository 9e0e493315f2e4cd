"""Definitions: every metric with its definition, unit, denominator, feeds and owner; keys; signs."""

from __future__ import annotations

from dash import html
from dash.development.base_component import Component

from dashboard.cells import Cell
from dashboard.components.badges import colour_badge, level_badge
from dashboard.components.browser_words import SHORTCUTS
from dashboard.components.provenance import feed_sign
from dashboard.components.states import cell_text
from dashboard.shell.context import Context
from dashboard.shell.pages import Page, register_page
from dashboard.snapshot.contract import FEED_STATES
from queries.metrics import Metric, load_metrics


def body(context: Context) -> Component:
    t = context.t
    metrics = sorted(load_metrics().values(), key=_order)

    return html.Div(
        [
            html.Div([html.H1(t("nav.help")), html.P(t("help.lead"))], className="tf-page-head"),
            html.Div(
                [
                    html.Section(
                        [
                            _title(t("help.metrics")),
                            html.Dl([_metric(context, m) for m in metrics], className="tf-metrics"),
                        ],
                        className="tf-card tf-col-8",
                    ),
                    html.Div([signs(context), keys(context)], className="tf-col-4 tf-stack"),
                ],
                className="tf-grid",
            ),
        ]
    )


PAGE = register_page(__name__, Page(key="help", path="/help", order=90, needs="view", body=body, bar=()))


# Screens in the order of the navigation.
ORDER = ("/risk", "/codes", "/appeals", "/screening", "/testing", "/feeds")


def _order(metric: Metric) -> tuple[int, str]:
    return (ORDER.index(metric.link) if metric.link in ORDER else len(ORDER)), metric.id


def _title(words: str) -> Component:
    return html.Header(html.H2(words, className="tf-card-title"), className="tf-card-head")


def _metric(context: Context, metric: Metric) -> Component:
    t, lang = context.t, context.lang
    base = t("help.denominator", what=t(f"metric.denominator.{metric.denominator}"))
    facts = [
        t("help.unit", unit=metric.unit_name(lang)),
        base,
        t("help.feeds", feeds="、".join(t(f"feed.{feed}") for feed in metric.feeds)),
        t("help.owner", owner=metric.owner),
    ]
    return html.Div(
        [
            html.Dt([metric.name(lang), html.Code(metric.id, className="tf-dim")]),
            html.Dd([html.P(metric.definition(lang)), html.P(" · ".join(facts), className="tf-dim")]),
        ],
        id=metric.id,
    )


def signs(context: Context) -> Component:
    """Every sign a figure, a feed, a colour or a level can carry."""
    t, lang = context.t, context.lang
    rows: list[tuple[Component | list[Component], str]] = [
        (cell_text(Cell("value", 0), lang), t("help.sign.zero")),
        (
            cell_text(Cell("suppressed"), lang),
            t("help.sign.suppressed", maximum=context.policy.disclosure.min_cell - 1),
        ),
        (cell_text(Cell("not_reported"), lang), t("help.sign.not_reported")),
        *((feed_sign(state, lang), t(f"help.sign.feed.{state}")) for state in FEED_STATES),
        ([colour_badge(c, lang) for c in ("red", "yellow", "green", "unknown")], t("help.sign.colours")),
        ([level_badge(level, lang) for level in ("high", "medium", "low", "unknown")], t("help.sign.levels")),
    ]
    return html.Section(
        [
            _title(t("help.signs")),
            html.Dl(
                [html.Div([html.Dt(sign), html.Dd(words)]) for sign, words in rows], className="tf-signs"
            ),
        ],
        className="tf-card",
    )


def keys(context: Context) -> Component:
    rows = [(shown, context.t(key)) for shown, key in SHORTCUTS]
    rows += [("← ↑ → ↓ / Enter / Esc", context.t("help.keys.map"))]
    return html.Section(
        [
            _title(context.t("ui.keys.title")),
            html.Dl(
                [html.Div([html.Dt(html.Kbd(shown)), html.Dd(words)]) for shown, words in rows],
                className="tf-signs",
            ),
        ],
        className="tf-card",
    )
