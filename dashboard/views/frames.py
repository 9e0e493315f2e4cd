"""A chart or a table in its card: provenance, empty state, export menu; what every topic's cards share."""

from __future__ import annotations

from dash.development.base_component import Component

from dashboard.components.cards import card
from dashboard.components.chart_parts import Json, graph
from dashboard.components.tables import Value, data_table
from dashboard.shell.context import Context
from dashboard.shell.exports import TableData
from dashboard.views.figures import provenance
from dashboard.views.menus import export_menu


def chart_card(
    context: Context,
    *,
    name: str,
    title: str,
    unit: str,
    figure: Json | None,
    height: int,
    metrics: tuple[str, ...],
    empty: Component,
    menu: Component | None = None,
) -> Component:
    """The card ``<name>-card`` with the graph ``<name>-chart``; ``empty`` without a figure."""
    body = (
        graph(
            id=f"{name}-chart",
            figure=figure,
            height=height,
            lang=context.lang,
            label=title,
            filename=f"tianfu-{name}",
        )
        if figure is not None
        else empty
    )
    return card(
        id=f"{name}-card",
        question_title=title,
        unit=unit,
        body=body,
        provenance=provenance(context, *metrics),
        link="",
        lang=context.lang,
        menu=menu,
    )


def table_card(
    context: Context,
    *,
    page_key: str,
    name: str,
    table: TableData | None,
    title: str,
    unit: str,
    metrics: tuple[str, ...],
    empty: Component,
    height: int,
    link_template: str | None = None,
    total: dict[str, Value] | None = None,
) -> Component:
    """The card ``<page>-<name>-card`` with the table of the export ``<name>``; ``empty`` without any row."""
    filled = table is not None and bool(table.rows)
    body = (
        data_table(
            id=f"{page_key}-{name}-table",
            columns=table.columns,
            rows=table.rows,
            lang=context.lang,
            label=title,
            link_template=link_template,
            pinned_total=total,
            # A short table is as high as its rows: an empty half card asks what is missing.
            height=min(height, 100 + 33 * len(table.rows)),
        )
        if table is not None and filled
        else empty
    )
    return card(
        id=f"{page_key}-{name}-card",
        question_title=title,
        unit=unit,
        body=body,
        provenance=provenance(context, *metrics),
        link="",
        lang=context.lang,
        menu=export_menu(context, page_key, name) if filled else None,
    )


def area_link(context: Context, path: str) -> str:
    """The link of a row of areas: the same page, drilled into the area of the row."""
    return path + context.filters.query(area="AREA").replace("AREA", "{code}")
