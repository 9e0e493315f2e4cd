"""The menu of a card: export of its table, where the person may export."""

from __future__ import annotations

from dash import html
from dash.development.base_component import Component

from dashboard.auth.rights import can
from dashboard.components.icon import icon
from dashboard.shell.context import Context
from dashboard.shell.exports import export_link


def export_menu(context: Context, page_key: str, name: str) -> Component | None:
    """Links to the table behind a card as CSV and XLSX; nothing for a person without the right."""
    if not can(context.identity, "export"):
        return None
    return html.Span(
        [
            html.A(
                [icon("download"), form.upper()],
                href=export_link(context, page_key, name, form),
                className="tf-export",
                title=context.t(f"export.{form}"),
            )
            for form in ("csv", "xlsx")
        ],
        className="tf-exports",
    )
