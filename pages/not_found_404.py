"""An address that no page has."""

from __future__ import annotations

import dash
from dash import html
from dash.development.base_component import Component

from dashboard.components.states import error_state
from dashboard.i18n.catalogue import t
from dashboard.shell.identity import current_lang


def layout(**_query: object) -> Component:
    lang = current_lang()
    return html.Div(
        error_state(what=t(lang, "page.not_found"), todo=t(lang, "page.not_found.todo"), lang=lang),
        className="tf-page",
    )


dash.register_page(
    __name__, title=lambda **_path: t(current_lang(), "nav.not_found"), name="not_found", layout=layout
)
