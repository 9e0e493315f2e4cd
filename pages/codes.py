"""Code colours: who holds which colour, where, for which reason, at what age; who changed, and since when."""

from __future__ import annotations

from datetime import date, timedelta

from dash import html
from dash.development.base_component import Component

from dashboard.cells import NOT_REPORTED, Cell
from dashboard.components.cards import card as card_frame
from dashboard.components.chart_parts import Series
from dashboard.components.charts import RankRow, rank_height, ranked_bars, stacked_bars, trend_lines
from dashboard.components.filters import view_switch
from dashboard.components.heat import flow_matrix
from dashboard.components.states import empty_state, loading
from dashboard.i18n.numbers import format_change
from dashboard.shell.context import Context
from dashboard.shell.exports import register_export
from dashboard.shell.pages import Page, card, register_page
from dashboard.snapshot.contract import AGE_BANDS, NO_CODE
from dashboard.views.areamap import map_body, register_area_map
from dashboard.views.codemap import changes_on_map, draw_code_map, of_colour
from dashboard.views.codetables import (
    COLOURS,
    areas_table,
    areas_total,
    changes_table,
    colour,
    min_cell,
    reasons_table,
)
from dashboard.views.figures import figure_card, provenance
from dashboard.views.frames import area_link, chart_card, table_card
from dashboard.views.marks import policy_marks
from dashboard.views.menus import export_menu
from dashboard.views.restated import chart_marks
from geo.areas import name_of
from queries.codes import get_colour_trend, get_colours_by_age, get_colours_by_reason
from queries.flows import get_flows
from queries.overview import get_code_figures

FILLS = ("rate", "count", "change")
TREND_DAYS = 60
CHART_HEIGHT = 260


def body(context: Context) -> Component:
    def slot(name: str, width: str, height: int) -> Component:
        return html.Div(
            loading(html.Div(id=f"codes-{name}"), height=height, lang=context.lang), className=width
        )

    return html.Div(
        [
            html.Div(id="codes-head", className="tf-page-head"),
            html.Div(id="codes-figures", className="tf-grid tf-figures"),
            html.Div(
                [
                    html.Div(map_card(context), className="tf-col-7"),
                    slot("areas", "tf-col-5", 480),
                    slot("reasons", "tf-col-5", 360),
                    slot("ages", "tf-col-3", 360),
                    slot("flows", "tf-col-4", 360),
                    slot("trend", "tf-col-7", 280),
                    slot("changes", "tf-col-5", 280),
                ],
                className="tf-grid",
            ),
        ]
    )


PAGE = register_page(
    __name__,
    Page(
        key="codes",
        path="/codes",
        order=2,
        needs="view",
        body=body,
        bar=("area", "date", "compare"),
        options={"colour": COLOURS, "fill": FILLS},
    ),
)
register_area_map(PAGE, prefix="codes", draw=draw_code_map)


def map_card(context: Context) -> Component:
    return card_frame(
        id="codes-map-card",
        question_title=context.t("codes.map.title"),
        unit=context.t("codes.map.unit"),
        body=map_body(context, prefix="codes", draw=draw_code_map),
        provenance=provenance(context, "colours_by_area"),
        link="",
        lang=context.lang,
        menu=html.Div(
            [
                view_switch(
                    id="codes-colour",
                    value=context.filters.options["colour"],
                    lang=context.lang,
                    options=COLOURS,
                ),
                view_switch(
                    id="codes-fill", value=context.filters.options["fill"], lang=context.lang, options=FILLS
                ),
            ],
            className="tf-switches",
        ),
    )


@card(PAGE, "codes-head")
def draw_head(context: Context) -> Component:
    """The finding in one line: where most people turned to the colour on screen."""
    t = context.t
    rows = [
        (row, change)
        for row in changes_on_map(context, context.filters.area)
        if (change := of_colour(row.now, row.colours, colour(context))).value is not None
    ]
    if not rows:
        finding = t("codes.finding.none", day=context.filters.day)
    elif len(rows) == 1:
        only, change = rows[0]
        finding = t(
            "codes.finding.one",
            area=name_of(only.area, context.lang),
            colour=t(f"colour.{colour(context)}"),
            change=format_change(context.lang, change.value or 0),
            compare=context.filters.compare,
        )
    else:
        top, change = max(rows, key=lambda pair: pair[1].value or 0)
        finding = t(
            "codes.finding" if (change.value or 0) > 0 else "codes.finding.fewer",
            colour=t(f"colour.{colour(context)}"),
            area=name_of(top.area, context.lang),
            n=f"{abs(change.value or 0):,.0f}",
            compare=context.filters.compare,
        )
    return html.Div([html.H1(t("nav.codes")), html.P(finding)], className="tf-page-head")


@card(PAGE, "codes-figures")
def draw_figures(context: Context) -> Component:
    figures = get_code_figures(
        context.view, area=context.filters.area, date=context.filters.day, min_cell=min_cell(context)
    )
    return html.Div(
        [
            html.Div(figure_card(context, "codes", figure, link="/help#" + figure.id), className="tf-col-kpi")
            for figure in figures
        ],
        className="tf-kpis",
    )


@card(PAGE, "codes-areas")
def draw_areas(context: Context) -> Component:
    table = areas_table(context)
    return table_card(
        context,
        page_key=PAGE.key,
        name="areas",
        table=table,
        title=table.title,
        unit=context.t("codes.areas.unit", compare=context.filters.compare),
        metrics=("colours_by_area",),
        empty=not_reported(context),
        height=336,
        link_template=area_link(context, "/codes"),
        total=areas_total(context) if len(table.rows) > 1 else None,
    )


@card(PAGE, "codes-reasons")
def draw_reasons(context: Context) -> Component:
    parts = [
        part
        for part in get_colours_by_reason(
            context.view, area=context.filters.area, date=context.filters.day, min_cell=min_cell(context)
        )
        if part.colour in ("red", "yellow") and part.holders.value != 0
    ]
    rows = [RankRow(context.t(f"reason.{p.part}"), p.holders, status=p.colour) for p in parts]
    unit = context.t("unit.people")
    return chart_card(
        context,
        name="codes-reasons",
        title=context.t("codes.reasons.title"),
        unit=unit,
        figure=ranked_bars(rows=rows, unit=unit, lang=context.lang, theme=context.theme) if rows else None,
        height=rank_height(len(rows)),
        metrics=("colours_by_reason",),
        empty=not_reported(context),
        menu=export_menu(context, PAGE.key, "reasons") if rows else None,
    )


def not_reported(context: Context) -> Component:
    return empty_state(
        why=context.t("codes.none", day=context.filters.day), todo=context.t("codes.none.todo")
    )


@card(PAGE, "codes-ages")
def draw_ages(context: Context) -> Component:
    """The colour on screen by age band; the bands of green dwarf the others, so one colour at a time."""
    parts = {
        p.part: p.holders
        for p in get_colours_by_age(
            context.view, area=context.filters.area, date=context.filters.day, min_cell=min_cell(context)
        )
        if p.colour == colour(context)
    }
    bands = [band for band in AGE_BANDS if band in parts]
    word, unit = context.t(f"colour.{colour(context)}"), context.t("unit.people")
    chart = stacked_bars(
        groups=[context.t(f"ageband.{band}") for band in bands],
        series=[Series(word, tuple(parts[band] for band in bands), status=colour(context))],
        unit=unit,
        lang=context.lang,
        theme=context.theme,
    )
    return chart_card(
        context,
        name="codes-ages",
        title=context.t("codes.ages.title", colour=word),
        unit=unit,
        figure=chart if bands else None,
        height=CHART_HEIGHT,
        metrics=("colours_by_age",),
        empty=not_reported(context),
    )


@card(PAGE, "codes-flows")
def draw_flows(context: Context) -> Component:
    flows = get_flows(
        context.view, area=context.filters.area, date=context.filters.day, min_cell=min_cell(context)
    )
    order = [NO_CODE, "green", "yellow", "red", "grey", "popup"]
    used = [c for c in order if any(c in pair for pair in flows.matrix)]
    if not used:
        chart = None
    else:
        zero = Cell("value", 0)
        chart = flow_matrix(
            colours=[(c, context.t(f"colour.{c}")) for c in used],
            values=[[flows.matrix.get((a, b), zero) for b in used] for a in used],
            unit=context.t("unit.people"),
            lang=context.lang,
            theme=context.theme,
        )
    return chart_card(
        context,
        name="codes-flows",
        title=context.t("codes.flows.title"),
        unit=context.t("codes.flows.unit"),
        figure=chart,
        height=CHART_HEIGHT,
        metrics=("flow_people",),
        empty=not_reported(context),
    )


@card(PAGE, "codes-trend")
def draw_trend(context: Context) -> Component:
    last = context.filters.day
    first = last - timedelta(days=TREND_DAYS - 1)
    rows = {
        row.date: row
        for row in get_colour_trend(
            context.view, area=context.filters.area, first=first, last=last, min_cell=min_cell(context)
        )
    }
    days = _days(min(rows, default=last), last)
    series = [
        Series(
            context.t(f"colour.{c}"),
            tuple(
                rows[day].colours.get(c, Cell("value", 0)) if day in rows else NOT_REPORTED for day in days
            ),
            status=c,
        )
        for c in ("yellow", "red")
    ]
    unit = context.t("unit.people")
    chart = trend_lines(
        days=days,
        marks=policy_marks(context, days),
        series=series,
        unit=unit,
        lang=context.lang,
        theme=context.theme,
        from_zero=True,
        restated=chart_marks(
            context, table="code_stock", measure="holders", parts=("yellow", "red"), days=days
        ),
    )
    return chart_card(
        context,
        name="codes-trend",
        title=context.t("codes.trend.title"),
        unit=unit,
        figure=chart if rows else None,
        height=230,
        metrics=("holders_yellow", "holders_red"),
        empty=not_reported(context),
    )


def _days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


@card(PAGE, "codes-changes")
def draw_changes(context: Context) -> Component:
    table = changes_table(context)
    return table_card(
        context,
        page_key=PAGE.key,
        name="changes",
        table=table,
        title=table.title,
        unit=context.t("unit.people"),
        metrics=("flow_people", "flow_changes"),
        empty=not_reported(context),
        height=250,
    )


register_export(PAGE.key, "areas", areas_table)
register_export(PAGE.key, "reasons", reasons_table)
register_export(PAGE.key, "changes", changes_table)
