"""Risk areas: which places are listed at which level, where, since when, and what changed.

The map counts listed places or shows the most severe level of each area; a level of the rule in force
stands in where the list names no place, and "unknown" where not even the rule can tell.
"""

from __future__ import annotations

from datetime import date, timedelta

from dash import dcc, html
from dash.development.base_component import Component

from dashboard.cells import Cell, cell
from dashboard.components.cards import card as card_frame
from dashboard.components.chart_parts import Series
from dashboard.components.charts import trend_lines
from dashboard.components.filters import day_slider, view_switch
from dashboard.components.states import empty_state, loading
from dashboard.shell.context import Context
from dashboard.shell.exports import register_export
from dashboard.shell.filterbar import register_days
from dashboard.shell.pages import Page, card, register_page
from dashboard.snapshot.contract import RISK_LEVELS
from dashboard.views.areamap import map_body, register_area_map
from dashboard.views.figures import provenance
from dashboard.views.frames import area_link, chart_card, table_card
from dashboard.views.marks import policy_marks
from dashboard.views.restated import chart_marks
from dashboard.views.riskmap import draw_risk_map
from dashboard.views.risktables import areas_table, areas_total, levels, places_export, places_table
from geo.areas import name_of
from queries.cases import get_case_trend
from queries.metrics import get_metric
from queries.risk import (
    PlaceChange,
    get_list_days,
    get_risk_changes,
    get_risk_history,
)

FILLS = ("places", "rate", "change", "level")
HISTORY_DAYS = 60


def body(context: Context) -> Component:
    days = get_list_days(context.view) or (context.filters.day,)
    shown = context.filters.day if context.filters.day in days else days[-1]
    return html.Div(
        [
            html.Div(id="risk-head", className="tf-page-head"),
            html.Div(
                [
                    html.Div(map_card(context, days, shown), className="tf-col-6"),
                    html.Div(
                        loading(html.Div(id="risk-areas"), height=520, lang=context.lang),
                        className="tf-col-6",
                    ),
                    html.Div(
                        loading(html.Div(id="risk-places"), height=420, lang=context.lang),
                        className="tf-col-8",
                    ),
                    html.Div(
                        loading(html.Div(id="risk-moved"), height=420, lang=context.lang),
                        className="tf-col-4",
                    ),
                    html.Div(
                        loading(html.Div(id="risk-history"), height=260, lang=context.lang),
                        className="tf-col-6",
                    ),
                    html.Div(
                        loading(html.Div(id="risk-cases"), height=260, lang=context.lang),
                        className="tf-col-6",
                    ),
                ],
                className="tf-grid",
            ),
        ]
    )


PAGE = register_page(
    __name__,
    Page(
        key="risk",
        path="/risk",
        order=1,
        needs="view",
        body=body,
        bar=("area", "date", "compare"),
        options={"fill": FILLS},
    ),
)
register_days(PAGE.key)
register_area_map(PAGE, prefix="risk", draw=draw_risk_map)


def map_card(context: Context, days: tuple[date, ...], shown: date) -> Component:
    """The map with its switch and the slider over the days the list speaks of."""
    return card_frame(
        id="risk-map-card",
        question_title=context.t("risk.map.title"),
        unit=context.t("risk.map.unit"),
        body=html.Div(
            [
                map_body(context, prefix="risk", draw=draw_risk_map),
                dcc.Store(id="risk-daylist", data=[day.isoformat() for day in days]),
                day_slider(id="risk-days", days=days, value=shown, lang=context.lang),
            ],
            className="tf-map-with-slider",
        ),
        provenance=provenance(context, "risk_listed", "county_cases"),
        link="",
        lang=context.lang,
        menu=view_switch(
            id="risk-fill", value=context.filters.options["fill"], lang=context.lang, options=FILLS
        ),
    )


@card(PAGE, "risk-head")
def draw_head(context: Context) -> Component:
    """The finding in one line: how many places at which level on the day, and what the rule says."""
    rows = levels(context)
    area = name_of(context.filters.area, context.lang)
    if all(row.places.places.value is None for row in rows):
        finding = context.t("risk.finding.none", area=area, day=context.filters.day)
    elif len(rows) == 1:
        only = {at: int(rows[0].places.levels[at].value or 0) for at in RISK_LEVELS}
        finding = context.t("risk.finding.one", area=area, day=context.filters.day, **only)
    else:
        counts = {at: sum(int(row.places.levels[at].value or 0) for row in rows) for at in RISK_LEVELS}
        touched = sum(
            bool(row.places.levels["high"].value or row.places.levels["medium"].value) for row in rows
        )
        finding = context.t(
            "risk.finding", area=area, day=context.filters.day, touched=touched, all=len(rows), **counts
        )
    return html.Div([html.H1(context.t("nav.risk")), html.P(finding)], className="tf-page-head")


@card(PAGE, "risk-areas")
def draw_areas(context: Context) -> Component:
    table = areas_table(context)
    return table_card(
        context,
        page_key=PAGE.key,
        name="areas",
        table=table,
        title=table.title,
        unit=context.t("risk.areas.unit", compare=context.filters.compare),
        metrics=("risk_listed", "county_cases", "county_days_clear"),
        empty=empty_state(why=context.t("risk.places.none"), todo=context.t("risk.places.none.todo")),
        height=452,
        link_template=area_link(context, "/risk"),
        total=areas_total(context, table) if len(table.rows) > 1 else None,
    )


@card(PAGE, "risk-places")
def draw_places(context: Context) -> Component:
    table = places_table(context)
    why = "risk.places.none" if table is None else "risk.places.empty"
    return table_card(
        context,
        page_key=PAGE.key,
        name="places",
        table=table,
        title=context.t("risk.places.title"),
        unit=context.t("risk.places.unit", day=context.filters.day),
        metrics=("risk_places",),
        empty=empty_state(why=context.t(why), todo=context.t(f"{why}.todo")),
        height=400,
    )


@card(PAGE, "risk-moved")
def draw_moved(context: Context) -> Component:
    changes = get_risk_changes(
        context.view, area=context.filters.area, date=context.filters.day, compare=context.filters.compare
    )
    if changes is None:
        inside: Component = empty_state(
            why=context.t("risk.moved.none"), todo=context.t("risk.moved.none.todo")
        )
    elif not changes:
        inside = empty_state(why=context.t("risk.moved.empty"), todo=context.t("risk.moved.empty.todo"))
    else:
        inside = html.Div([_moved_group(context, kind, changes) for kind in MOVEMENTS], className="tf-moves")
    return card_frame(
        id="risk-moved-card",
        question_title=context.t("risk.moved.title"),
        unit=context.t("risk.moved.unit", compare=context.filters.compare),
        body=inside,
        provenance=provenance(context, "risk_changes"),
        link="",
        lang=context.lang,
    )


MOVEMENTS = ("new", "upgraded", "downgraded", "released")


def _moved_group(context: Context, kind: str, changes: tuple[PlaceChange, ...]) -> Component | None:
    rows = [change for change in changes if change.movement == kind]
    if not rows:
        return None
    return html.Div(
        [
            html.H3([context.t(f"risk.moved.{kind}"), " ", html.Span(f"{len(rows):,}", className="tf-num")]),
            html.Ul(
                [
                    html.Li(
                        [html.Span(name_of(row.area, context.lang), className="tf-moves-area"), " ", row.text]
                    )
                    for row in rows[:8]
                ]
            ),
            html.P(context.t("risk.moved.more", n=len(rows) - 8), className="tf-dim")
            if len(rows) > 8
            else None,
        ],
        className=f"tf-moves-group tf-moves-{kind}",
    )


@card(PAGE, "risk-history")
def draw_history(context: Context) -> Component:
    days = [day for day in get_list_days(context.view) if day <= context.filters.day][-HISTORY_DAYS:]
    history = (
        {
            row.date: row.levels
            for row in get_risk_history(context.view, area=context.filters.area, first=days[0], last=days[-1])
        }
        if days
        else {}
    )
    series = [
        Series(
            context.t(f"level.{level}"),
            tuple(
                Cell("value", history[day][level]) if day in history else Cell("not_reported") for day in days
            ),
            status=level,
        )
        for level in RISK_LEVELS[:2]
    ]
    unit = context.t("unit.places")
    chart = trend_lines(
        days=days,
        marks=policy_marks(context, days),
        series=series,
        unit=unit,
        lang=context.lang,
        theme=context.theme,
        from_zero=True,
        restated=chart_marks(context, table="risk_place", measure="places", parts=RISK_LEVELS[:2], days=days),
    )
    return chart_card(
        context,
        name="risk-history",
        title=context.t("risk.history.title"),
        unit=unit,
        figure=chart if len(days) > 1 else None,
        height=220,
        metrics=("places_high", "places_medium"),
        empty=empty_state(why=context.t("risk.history.one"), todo=context.t("risk.history.one.todo")),
    )


@card(PAGE, "risk-cases")
def draw_cases(context: Context) -> Component:
    """New confirmed cases day by day: what the rule derives levels from where the list is silent."""
    last = context.filters.day
    first = last - timedelta(days=HISTORY_DAYS - 1)
    found = {
        (row.date, row.origin): row.confirmed_new
        for row in get_case_trend(context.view, area=context.filters.area, first=first, last=last)
    }
    days = (
        [day for day in (first + timedelta(days=n) for n in range(HISTORY_DAYS)) if day >= min(found)[0]]
        if found
        else []
    )
    origins = [o for o in ("local", "imported") if any(kind == o for _, kind in found)]
    series = [
        Series(
            get_metric(f"cases_{origin}").name(context.lang),
            tuple(cell(found.get((day, origin))) for day in days),
        )
        for origin in origins
    ]
    unit = context.t("unit.cases")
    chart = trend_lines(
        days=days,
        marks=policy_marks(context, days),
        series=series,
        unit=unit,
        lang=context.lang,
        theme=context.theme,
        from_zero=True,
        restated=chart_marks(context, table="case_daily", measure="confirmed_new", parts=origins, days=days),
    )
    return chart_card(
        context,
        name="risk-cases",
        title=context.t("risk.cases.title"),
        unit=unit,
        figure=chart if series else None,
        height=220,
        metrics=("cases_local", "cases_imported"),
        empty=empty_state(why=context.t("risk.cases.none"), todo=context.t("risk.cases.none.todo")),
    )


register_export(PAGE.key, "areas", areas_table)
register_export(PAGE.key, "places", places_export)
