"""Risk areas: which places are listed at which level, where, since when, and what changed.

The map counts listed places or shows the most severe level of each area; a level of the rule in force
stands in where the list names no place, and "unknown" where not even the rule can tell.
"""

from __future__ import annotations

from datetime import date

from dash import dcc, html
from dash.development.base_component import Component

from dashboard.cells import Cell
from dashboard.components.cards import card as card_frame
from dashboard.components.chart_parts import Series, graph
from dashboard.components.charts import trend_lines
from dashboard.components.filters import day_slider, view_switch
from dashboard.components.states import empty_state, loading
from dashboard.components.tables import ColumnSpec, Value, data_table
from dashboard.policy.evaluate import days_clear, expected_release
from dashboard.policy.store import risk_area_of
from dashboard.shell.areamap import map_body, register_area_map
from dashboard.shell.context import Context
from dashboard.shell.exports import TableData, register_export
from dashboard.shell.figures import grain_of, provenance
from dashboard.shell.filterbar import register_days
from dashboard.shell.menus import export_menu
from dashboard.shell.pages import Page, card, register_page
from dashboard.shell.riskmap import draw_risk_map, why_text
from dashboard.snapshot.contract import RISK_LEVELS
from geo.areas import name_of
from queries.levels import AreaLevel, get_levels
from queries.risk import (
    PlaceChange,
    RiskPlace,
    get_list_days,
    get_risk_changes,
    get_risk_history,
    get_risk_places,
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
                    html.Div(loading(html.Div(id="risk-history"), height=260, lang=context.lang)),
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
    else:
        counts = {at: sum(int(row.places.levels[at].value or 0) for row in rows) for at in RISK_LEVELS}
        touched = sum(
            bool(row.places.levels["high"].value or row.places.levels["medium"].value) for row in rows
        )
        finding = context.t(
            "risk.finding", area=area, day=context.filters.day, touched=touched, all=len(rows), **counts
        )
    return html.Div([html.H1(context.t("nav.risk")), html.P(finding)], className="tf-page-head")


def levels(context: Context) -> tuple[AreaLevel, ...]:
    return get_levels(
        context.view,
        area=context.filters.area,
        date=context.filters.day,
        level=grain_of(context.filters.area),
        thresholds=context.policy.risk_area,
    )


def areas_table(context: Context) -> TableData:
    """The table twin of the map: one row an area, the same figures."""
    t = context.t
    before = {
        row.area: row.places
        for row in get_levels(
            context.view,
            area=context.filters.area,
            date=context.filters.compare,
            level=grain_of(context.filters.area),
            thresholds=context.policy.risk_area,
        )
    }
    rows: list[dict[str, Value]] = []
    for row in levels(context):
        was, now = before[row.area].places, row.places.places
        rows.append(
            {
                "code": row.area,
                "name": name_of(row.area, context.lang),
                "level": row.level or "unknown",
                "why": why_text(context, row),
                **{at: row.places.levels[at] for at in RISK_LEVELS},
                "rate": row.places.rate("high"),
                "change": _change(now, was),
            }
        )
    order = {"high": 0, "medium": 1, "unknown": 2, "low": 3}
    rows.sort(key=lambda row: (order[str(row["level"])], -_number(row["high"]), -_number(row["medium"])))
    columns = (
        ColumnSpec("name", t("risk.column.area"), link=True, pinned=True, min_width=104),
        ColumnSpec("level", t("risk.column.level"), kind="status", min_width=88),
        ColumnSpec("high", t("level.high"), kind="bar", min_width=66),
        ColumnSpec("medium", t("level.medium"), kind="bar", min_width=66),
        ColumnSpec("change", t("risk.column.change"), kind="change", min_width=72),
        ColumnSpec("why", t("risk.column.why"), min_width=150, hide_on_phone=True),
    )
    return TableData(t("risk.areas.title"), columns, rows)


def _change(now: Cell, was: Cell) -> Cell:
    if now.value is None or was.value is None:
        return Cell("not_reported")
    return Cell("value", now.value - was.value)


def _number(value: Value) -> float:
    return value.value or 0 if isinstance(value, Cell) else 0


@card(PAGE, "risk-areas")
def draw_areas(context: Context) -> Component:
    table = areas_table(context)
    link = "/risk" + context.filters.query(area="AREA").replace("AREA", "{code}")
    return card_frame(
        id="risk-areas-card",
        question_title=table.title,
        unit=context.t("risk.areas.unit", compare=context.filters.compare),
        body=data_table(
            id="risk-areas-table",
            columns=table.columns,
            rows=table.rows,
            lang=context.lang,
            label=table.title,
            link_template=link,
            height=452,
        ),
        provenance=provenance(context, "risk_listed", "county_cases", "county_days_clear"),
        link="",
        lang=context.lang,
        menu=export_menu(context, PAGE.key, "areas"),
    )


def places_table(context: Context) -> TableData | None:
    """Every listed place with its days clear and the day the rule expects it to be released."""
    t = context.t
    places = get_risk_places(context.view, area=context.filters.area, date=context.filters.day)
    if places is None:
        return None
    columns = (
        ColumnSpec("text", t("risk.column.place"), min_width=240, pinned=False),
        ColumnSpec("area", t("risk.column.area"), min_width=100),
        ColumnSpec("level", t("risk.column.level"), kind="status", min_width=92),
        ColumnSpec("since", t("risk.column.since"), min_width=96),
        ColumnSpec("clear", t("risk.column.clear"), kind="number", unit=t("unit.days"), min_width=84),
        ColumnSpec("release", t("risk.column.release"), min_width=104),
        ColumnSpec("rule", t("risk.column.rule"), min_width=110, hide_on_phone=True),
    )
    order = {level: n for n, level in enumerate(RISK_LEVELS)}
    ranked = sorted(places, key=lambda place: (order[place.level], place.area, place.text))
    return TableData(t("risk.places.title"), columns, [_place_row(context, place) for place in ranked])


def _place_row(context: Context, place: RiskPlace) -> dict[str, Value]:
    thresholds = risk_area_of(place.rule_set, context.policy)
    release = (
        expected_release(thresholds, level=place.level, last_case=place.last_case, since=place.since)
        if thresholds
        else None
    )
    clear = days_clear(place.last_case, context.filters.day)
    missing = context.t("cell.not_reported")
    return {
        "text": place.text,
        "area": name_of(place.area, context.lang),
        "level": place.level,
        "since": place.since.isoformat() if place.since else missing,
        "clear": Cell("not_reported") if clear is None else Cell("value", clear),
        "release": _release_text(context, release),
        "rule": context.t(f"ruleset.{place.rule_set}"),
    }


def _release_text(context: Context, release: date | None) -> str:
    if release is None:
        return context.t("risk.release.unknown")
    if release <= context.filters.day:
        return context.t("risk.release.due", day=release)
    return release.isoformat()


@card(PAGE, "risk-places")
def draw_places(context: Context) -> Component:
    table = places_table(context)
    if table is None:
        body_part: Component = empty_state(
            why=context.t("risk.places.none"), todo=context.t("risk.places.none.todo")
        )
    elif not table.rows:
        body_part = empty_state(why=context.t("risk.places.empty"), todo=context.t("risk.places.empty.todo"))
    else:
        body_part = data_table(
            id="risk-places-table",
            columns=table.columns,
            rows=table.rows,
            lang=context.lang,
            label=table.title,
            height=400,
        )
    return card_frame(
        id="risk-places-card",
        question_title=context.t("risk.places.title"),
        unit=context.t("risk.places.unit", day=context.filters.day),
        body=body_part,
        provenance=provenance(context, "risk_places"),
        link="",
        lang=context.lang,
        menu=export_menu(context, PAGE.key, "places") if table and table.rows else None,
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
    chart = trend_lines(
        days=days,
        series=series,
        unit=context.t("unit.places"),
        lang=context.lang,
        theme=context.theme,
        from_zero=True,
    )
    label = context.t("risk.history.title")
    inside = (
        graph(
            id="risk-history-chart",
            figure=chart,
            height=220,
            lang=context.lang,
            label=label,
            filename="tianfu-risk",
        )
        if len(days) > 1
        else empty_state(why=context.t("risk.history.one"), todo=context.t("risk.history.one.todo"))
    )
    return card_frame(
        id="risk-history-card",
        question_title=label,
        unit=context.t("unit.places"),
        body=inside,
        provenance=provenance(context, "places_high", "places_medium"),
        link="",
        lang=context.lang,
    )


def _places_or_empty(context: Context) -> TableData:
    return places_table(context) or TableData(context.t("risk.places.title"), (), ())


register_export(PAGE.key, "areas", areas_table)
register_export(PAGE.key, "places", _places_or_empty)
