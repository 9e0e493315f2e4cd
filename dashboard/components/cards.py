"""The frame of a card: question or finding, unit and denominator, body, data time and feed state, link."""

# ruff: noqa: A002 - id is the word Dash uses for the same thing
from __future__ import annotations

from dash import dcc, html
from dash.development.base_component import Component

from dashboard.components.icon import icon
from dashboard.components.provenance import Provenance, feed_sign, provenance_button, time_tag, worst_state
from dashboard.i18n.catalogue import Lang, t


def card(
    *,
    id: str,
    question_title: str,
    unit: str,
    body: Component,
    provenance: Provenance,
    link: str,
    lang: Lang,
    menu: Component | None = None,
    level: int = 2,
) -> Component:
    """A card whose ``body`` is a chart, a table, a map or one of the states.

    ``link`` may be empty when nothing stands behind the card. ``menu`` is the slot at the upper right.
    ``level`` is the level of the heading, 2 to 4. Cards in one row of ``tf-grid`` take equal height.
    """
    heading = {2: html.H2, 3: html.H3, 4: html.H4}[level]
    title_id = f"{id}-title"
    return html.Section(
        [
            html.Header(
                [
                    html.Div(
                        [
                            heading(question_title, id=title_id, className="tf-card-title"),
                            html.P(unit, className="tf-card-unit") if unit else None,
                        ],
                        className="tf-card-heading",
                    ),
                    html.Div(
                        [menu, provenance_button(provenance, name=question_title, lang=lang)],
                        className="tf-card-tools",
                    ),
                ],
                className="tf-card-head",
            ),
            html.Div(body, className="tf-card-body"),
            html.Footer(
                [
                    html.Span(
                        [t(lang, "ui.data_time"), " ", time_tag(provenance.data_time, age=False)],
                        className="tf-card-time",
                    ),
                    feed_sign(worst_state(provenance.feeds), lang),
                    _details(link, question_title, lang) if link else None,
                ],
                className="tf-card-foot",
            ),
        ],
        id=id,
        className="tf-card",
        **{"aria-labelledby": title_id},
    )


def _details(link: str, title: str, lang: Lang) -> Component:
    return dcc.Link(
        [html.Span(t(lang, "ui.details"), title=t(lang, "ui.details.of", name=title)), icon("next")],
        href=link,
        className="tf-card-link",
    )
