"""Appeals and hotline: what waits, since when, who clears it by when, what surges, which rule is wrong."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

from dash import html
from dash.development.base_component import Component

from dashboard.cells import NOT_REPORTED, Cell, cell
from dashboard.components.cards import card as card_frame
from dashboard.components.chart_parts import Series
from dashboard.components.charts import stacked_bars
from dashboard.components.states import empty_state, loading
from dashboard.i18n.numbers import format_exact
from dashboard.shell.context import Context
from dashboard.shell.exports import register_export
from dashboard.shell.pages import Page, card, register_page
from dashboard.snapshot.contract import TICKET_AGES, TICKET_CATEGORIES
from dashboard.views.appealtables import areas_table, rules_table, surges_table, watch_of
from dashboard.views.figures import figure_card, provenance
from dashboard.views.frames import area_link, chart_card, table_card
from dashboard.views.marks import marked_lines
from dashboard.views.seatplan import register_seat_planner, seat_planner
from dashboard.views.words import worded
from geo.areas import name_of
from queries.appeals import (
    PACE_DAYS,
    get_backlog_trend,
    get_open_tickets,
    get_ticket_figures,
    get_ticket_trend,
)
from queries.hotline import get_call_figures, get_call_trend, get_calls_by_halfhour
from queries.overview import Figure

TREND_DAYS = 60
# One callback a pair: a pair is one question, and its failure blanks only itself.
PAIRS = {
    "flow": ("tickets_opened", "tickets_closed"),
    "wait": ("tickets_open", "tickets_days_to_clear"),
    "right": ("tickets_oldest", "tickets_upheld"),
    "calls": ("calls_connected", "calls_in_15s"),
}


def body(context: Context) -> Component:
    def slot(name: str, width: str, height: int) -> Component:
        return html.Div(
            loading(html.Div(id=f"appeals-{name}"), height=height, lang=context.lang), className=width
        )

    return html.Div(
        [
            html.Div(id="appeals-head", className="tf-page-head"),
            html.Div(
                [html.Div(id=f"appeals-{pair}", className="tf-figure-pair") for pair in PAIRS],
                className="tf-figures-row",
            ),
            html.Div(
                [
                    slot("surges", "tf-col-6", 360),
                    slot("plan", "tf-col-6", 360),
                    slot("trend", "tf-col-6", 260),
                    slot("backlog", "tf-col-6", 260),
                    slot("areas", "tf-col-7", 400),
                    slot("ages", "tf-col-5", 400),
                    slot("rules", "tf-col-7", 260),
                    slot("hours", "tf-col-5", 260),
                    slot("hotline", "tf-col-12", 260),
                ],
                className="tf-grid",
            ),
        ]
    )


PAGE = register_page(
    __name__,
    Page(key="appeals", path="/appeals", order=10, needs="view", body=body, bar=("area", "date")),
)
register_seat_planner("appeals-plan")


def not_reported(context: Context) -> Component:
    return empty_state(
        why=context.t("appeals.none", day=context.filters.day), todo=context.t("appeals.none.todo")
    )


def tickets(context: Context) -> dict[str, Figure]:
    found = get_ticket_figures(context.view, area=context.filters.area, date=context.filters.day)
    return {figure.id: figure for figure in found}


def pair(context: Context, name: str, figures: dict[str, Figure]) -> Component:
    return html.Div(
        [figure_card(context, PAGE.key, figures[key], link=f"/help#{key}") for key in PAIRS[name]],
        className="tf-figure-pair",
    )


@card(PAGE, "appeals-head")
def draw_head(context: Context) -> Component:
    """The finding in one line: how much waits and how many days of work that is."""
    t, figures = context.t, tickets(context)
    where = {"area": name_of(context.filters.area, context.lang), "day": context.filters.day}
    cells = {
        "open": figures["tickets_open"].day,
        "days": figures["tickets_days_to_clear"].day,
        "opened": figures["tickets_opened"].day,
        "closed": figures["tickets_closed"].day,
    }
    if all(c.value is None for c in cells.values()):
        finding = t("appeals.finding.none", **where)
    else:
        words = {
            key: t("cell.not_reported") if c.value is None else f"{c.value:,.{int(key == 'days')}f}"
            for key, c in cells.items()
        }
        finding = t("appeals.finding", **where, **words)
    return html.Div([html.H1(t("nav.appeals")), html.P(finding)], className="tf-page-head")


@card(PAGE, "appeals-flow")
def draw_flow(context: Context) -> Component:
    return pair(context, "flow", tickets(context))


@card(PAGE, "appeals-wait")
def draw_wait(context: Context) -> Component:
    return pair(context, "wait", tickets(context))


@card(PAGE, "appeals-right")
def draw_right(context: Context) -> Component:
    return pair(context, "right", tickets(context))


@card(PAGE, "appeals-calls")
def draw_calls(context: Context) -> Component:
    figures = get_call_figures(context.view, date=context.filters.day)
    return pair(context, "calls", {figure.id: figure for figure in figures})


@card(PAGE, "appeals-surges")
def draw_surges(context: Context) -> Component:
    t, watch = context.t, watch_of(context)
    if watch.judged:
        empty = empty_state(
            why=t("appeals.surges.calm"), todo=t("appeals.surges.calm.todo", judged=f"{watch.judged:,}")
        )
    else:
        empty = empty_state(why=t("appeals.surges.short"), todo=t("appeals.surges.short.todo"))
    return table_card(
        context,
        page_key=PAGE.key,
        name="surges",
        table=surges_table(context),
        title=t("appeals.surges.title"),
        unit=t("appeals.surges.unit"),
        metrics=("surges",),
        empty=empty,
        height=300,
    )


@card(PAGE, "appeals-plan")
def draw_plan(context: Context) -> Component:
    """The planner; it begins with the backlog and the inflow of the area and day on screen."""
    t, day = context.t, context.filters.day
    figure = tickets(context)["tickets_open"].day
    first = day - timedelta(days=PACE_DAYS - 1)
    week = get_ticket_trend(context.view, area=context.filters.area, first=first, last=day)
    if figure.value is None or not week:
        inside = not_reported(context)
    else:
        came = sum(row.opened + row.reopened for row in week) / len(week)
        inside = seat_planner(
            context, prefix="appeals-plan", waiting=int(figure.value), inflow=round(came), day=day
        )
    return card_frame(
        id="appeals-plan-card",
        question_title=t("appeals.plan.title"),
        unit=t("appeals.plan.unit"),
        body=inside,
        provenance=provenance(context, "tickets_open", "tickets_opened"),
        link="",
        lang=context.lang,
    )


def _days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


@card(PAGE, "appeals-trend")
def draw_trend(context: Context) -> Component:
    t, last = context.t, context.filters.day
    first = last - timedelta(days=TREND_DAYS - 1)
    found = get_ticket_trend(context.view, area=context.filters.area, first=first, last=last)
    rows = {row.date: row for row in found}
    days = _days(min(rows, default=last), last)
    unit = t("metric.unit.appeals")
    values = {
        "in": [cell(rows[d].opened + rows[d].reopened) if d in rows else NOT_REPORTED for d in days],
        "out": [cell(rows[d].closed) if d in rows else NOT_REPORTED for d in days],
    }
    series = [Series(t(f"appeals.trend.{name}"), tuple(line)) for name, line in values.items()]
    chart = marked_lines(context, days, series, unit)
    return chart_card(
        context,
        name="appeals-trend",
        title=t("appeals.trend.title"),
        unit=t("appeals.trend.unit"),
        figure=chart if rows else None,
        height=230,
        metrics=("tickets_opened", "tickets_closed"),
        empty=not_reported(context),
    )


@card(PAGE, "appeals-backlog")
def draw_backlog(context: Context) -> Component:
    t, last = context.t, context.filters.day
    first = last - timedelta(days=TREND_DAYS - 1)
    found = get_backlog_trend(context.view, area=context.filters.area, first=first, last=last)
    days = _days(min(found, default=last), last)
    unit = t("metric.unit.appeals")
    line = Series(t("metric.tickets_open.name"), tuple(cell(found.get(day)) for day in days))
    chart = marked_lines(context, days, [line], unit)
    return chart_card(
        context,
        name="appeals-backlog",
        title=t("appeals.backlog.title"),
        unit=t("appeals.backlog.unit"),
        figure=chart if found else None,
        height=230,
        metrics=("tickets_open",),
        empty=not_reported(context),
    )


@card(PAGE, "appeals-ages")
def draw_ages(context: Context) -> Component:
    """Open cases by age and topic, on the day of the count; the topics of no case are left out."""
    t = context.t
    rows = get_open_tickets(context.view, area=context.filters.area)
    counted = rows[0].as_of.date() if rows else None
    sums: Counter[tuple[str, str]] = Counter()
    for row in rows:
        sums[row.category, row.age] += row.open
    topics = [topic for topic in TICKET_CATEGORIES if any(row.category == topic for row in rows)]
    series = [
        Series(
            worded(context, "ticketcategory.", topic),
            tuple(cell(sums[topic, age]) for age in TICKET_AGES),
        )
        for topic in topics
    ]
    unit = t("metric.unit.appeals")
    oldest = max((row.oldest_hours for row in rows if row.oldest_hours is not None), default=None)
    shown = bool(rows) and counted == context.filters.day
    if rows and not shown:
        empty = empty_state(why=t("appeals.count.none", day=counted), todo=t("appeals.count.none.todo"))
    else:
        empty = not_reported(context)
    chart = None
    if shown:
        chart = stacked_bars(
            groups=[t(f"ticketage.{age}") for age in TICKET_AGES],
            series=series,
            unit=unit,
            lang=context.lang,
            theme=context.theme,
        )
    return chart_card(
        context,
        name="appeals-ages",
        title=t("appeals.ages.title"),
        unit=t(
            "appeals.ages.unit",
            oldest="—" if oldest is None or not shown else format_exact(oldest),
            limit=context.policy.appeals.resolve_hours,
        ),
        figure=chart,
        height=320,
        metrics=("tickets_open", "tickets_oldest"),
        empty=empty,
    )


@card(PAGE, "appeals-areas")
def draw_areas(context: Context) -> Component:
    return table_card(
        context,
        page_key=PAGE.key,
        name="areas",
        table=areas_table(context),
        title=context.t("appeals.areas.title"),
        unit=context.t("appeals.areas.unit"),
        metrics=("tickets_by_area",),
        empty=not_reported(context),
        height=360,
        link_template=area_link(context, "/appeals"),
    )


@card(PAGE, "appeals-rules")
def draw_rules(context: Context) -> Component:
    return table_card(
        context,
        page_key=PAGE.key,
        name="rules",
        table=rules_table(context),
        title=context.t("appeals.rules.title"),
        unit=context.t("appeals.rules.unit"),
        metrics=("tickets_upheld",),
        empty=not_reported(context),
        height=260,
    )


@card(PAGE, "appeals-hotline")
def draw_hotline(context: Context) -> Component:
    t, last = context.t, context.filters.day
    required = context.policy.appeals.connect_rate_min_permille / 10
    found = get_call_trend(context.view, first=last - timedelta(days=TREND_DAYS - 1), last=last)
    rows = {row.date: row for row in found}
    days = _days(min(rows, default=last), last)
    values: dict[str, list[Cell]] = {
        "connected": [rows[d].connected if d in rows else NOT_REPORTED for d in days],
        "quick": [rows[d].quick if d in rows else NOT_REPORTED for d in days],
        "required": [cell(required) for _ in days],
    }
    series = [Series(t(f"appeals.calls.{name}"), tuple(line)) for name, line in values.items()]
    chart = marked_lines(context, days, series, "%")
    return chart_card(
        context,
        name="appeals-hotline",
        title=t("appeals.calls.title"),
        unit=t("appeals.calls.unit", connect=f"{required:g}"),
        figure=chart if rows else None,
        height=230,
        metrics=("calls_connected", "calls_in_15s"),
        empty=no_calls(context),
    )


def no_calls(context: Context) -> Component:
    return empty_state(
        why=context.t("appeals.calls.none", day=context.filters.day), todo=context.t("appeals.none.todo")
    )


@card(PAGE, "appeals-hours")
def draw_hours(context: Context) -> Component:
    t = context.t
    rows = {row.half_hour: row for row in get_calls_by_halfhour(context.view, date=context.filters.day)}
    halves = range(48)
    parts: dict[str, list[Cell]] = {
        "quick": [cell(rows[h].in_15s) if h in rows else NOT_REPORTED for h in halves],
        "later": [cell(rows[h].answered - rows[h].in_15s) if h in rows else NOT_REPORTED for h in halves],
        "lost": [cell(rows[h].offered - rows[h].answered) if h in rows else NOT_REPORTED for h in halves],
    }
    names = {"quick": "appeals.calls.quick", "later": "appeals.hours.later", "lost": "appeals.hours.lost"}
    clock = [f"{h // 2:02d}:{h % 2 * 30:02d}" for h in halves]
    # Below the axis hours only: twelve labels of five characters would stand aslant.
    hours = [str(h // 2) + "½" * (h % 2) for h in halves]
    chart = stacked_bars(
        groups=hours,
        group_words=clock,
        series=[Series(t(names[name]), tuple(line)) for name, line in parts.items()],
        unit=t("metric.unit.calls"),
        lang=context.lang,
        theme=context.theme,
    )
    return chart_card(
        context,
        name="appeals-hours",
        title=t("appeals.hours.title"),
        unit=t("appeals.hours.unit"),
        figure=chart if rows else None,
        height=230,
        metrics=("calls_by_halfhour",),
        empty=no_calls(context),
    )


register_export(PAGE.key, "surges", surges_table)
register_export(PAGE.key, "areas", areas_table)
register_export(PAGE.key, "rules", rules_table)
