"""Outbreak screening: who stays in the funnel, who returned lists in time, which contacts were reached."""

from __future__ import annotations

from datetime import date, timedelta

from dash import html
from dash.development.base_component import Component

from dashboard.cells import NOT_REPORTED
from dashboard.components.cards import card as card_frame
from dashboard.components.chart_parts import Series
from dashboard.components.charts import trend_lines
from dashboard.components.states import empty_state, loading
from dashboard.i18n.numbers import format_compact
from dashboard.shell.context import Context
from dashboard.shell.exports import register_export
from dashboard.shell.pages import Page, card, register_page
from dashboard.views.figures import figure_card, provenance
from dashboard.views.frames import area_link, chart_card, table_card
from dashboard.views.funnel import funnel_list, funnel_of, incident_name
from dashboard.views.marks import policy_marks
from dashboard.views.menus import export_menu
from dashboard.views.screentables import (
    areas_table,
    areas_total,
    contacts_table,
    incidents_table,
    lists_of,
    lists_span,
    lists_table,
    lists_total,
    min_cell,
    stages_table,
)
from geo.areas import name_of
from queries.followup import (
    LATE_DAYS,
    get_contact_figures,
    get_contact_trend,
    get_list_figures,
    get_list_trend,
)
from queries.overview import Figure

TREND_DAYS = 60
PAIRS = {
    "pushed": ("lists_pushed", "lists_open"),
    "late": ("lists_returned", "lists_overdue"),
    "found": ("contacts_found", "contacts_followed"),
    "lost": ("contacts_lost", "contacts_cases"),
}


def body(context: Context) -> Component:
    def slot(name: str, width: str, height: int) -> Component:
        return html.Div(
            loading(html.Div(id=f"screening-{name}"), height=height, lang=context.lang), className=width
        )

    return html.Div(
        [
            html.Div(id="screening-head", className="tf-page-head"),
            html.Div(
                [html.Div(id=f"screening-{pair}", className="tf-figure-pair") for pair in PAIRS],
                className="tf-figures-row",
            ),
            html.Div(
                [
                    slot("funnel", "tf-col-6", 380),
                    slot("lists", "tf-col-6", 380),
                    slot("areas", "tf-col-6", 360),
                    slot("share", "tf-col-6", 360),
                    slot("contacts", "tf-col-5", 320),
                    slot("follow", "tf-col-7", 320),
                    slot("incidents", "tf-col-12", 160),
                ],
                className="tf-grid",
            ),
        ]
    )


PAGE = register_page(
    __name__,
    Page(key="screening", path="/screening", order=11, needs="view", body=body, bar=("area", "date")),
)


def no_funnel(context: Context) -> Component:
    return empty_state(why=context.t("screening.none"), todo=context.t("screening.none.todo"))


def no_lists(context: Context) -> Component:
    return empty_state(why=context.t("screening.lists.none"), todo=context.t("screening.lists.none.todo"))


def no_contacts(context: Context) -> Component:
    return empty_state(why=context.t("screening.contacts.none"), todo=context.t("screening.none.todo"))


@card(PAGE, "screening-head")
def draw_head(context: Context) -> Component:
    """The finding in one line: how far the funnel narrows, and who returns lists late."""
    t, funnel = context.t, funnel_of(context)
    area = name_of(context.filters.area, context.lang)
    if funnel is None:
        said = [t("screening.finding.none", area=area)]
    else:
        ends = {"entered": funnel.stages[0].entered, "kept": funnel.stages[-1].kept}
        words = {
            key: t(f"cell.{c.state}") if c.value is None else format_compact(context.lang, c.value)
            for key, c in ends.items()
        }
        said = [t("screening.finding", incident=incident_name(context, funnel.incident), area=area, **words)]
    lists = lists_of(context)
    shares = {code: line["share"].value for code, line in lists.lines.items()} if lists else {}
    known = {code: share for code, share in shares.items() if share is not None}
    if len(known) > 1 and min(known.values()) < 100:
        slowest = min(known, key=lambda code: known[code])
        name = name_of(slowest, context.lang)
        said.append(t("screening.finding.late", days=LATE_DAYS, name=name, share=f"{known[slowest]:.1f}"))
    return html.Div([html.H1(t("nav.screening")), html.P(" ".join(said))], className="tf-page-head")


def pair(context: Context, name: str, figures: tuple[Figure, ...]) -> Component:
    by_id = {figure.id: figure for figure in figures}
    return html.Div(
        [figure_card(context, PAGE.key, by_id[key], link=f"/help#{key}") for key in PAIRS[name]],
        className="tf-figure-pair",
    )


def lists_figures(context: Context) -> tuple[Figure, ...]:
    filters = context.filters
    return get_list_figures(context.view, area=filters.area, date=filters.day, min_cell=min_cell(context))


def contact_figures(context: Context) -> tuple[Figure, ...]:
    filters = context.filters
    return get_contact_figures(context.view, area=filters.area, date=filters.day, min_cell=min_cell(context))


@card(PAGE, "screening-pushed")
def draw_pushed(context: Context) -> Component:
    return pair(context, "pushed", lists_figures(context))


@card(PAGE, "screening-late")
def draw_late(context: Context) -> Component:
    return pair(context, "late", lists_figures(context))


@card(PAGE, "screening-found")
def draw_found(context: Context) -> Component:
    return pair(context, "found", contact_figures(context))


@card(PAGE, "screening-lost")
def draw_lost(context: Context) -> Component:
    return pair(context, "lost", contact_figures(context))


@card(PAGE, "screening-funnel")
def draw_funnel(context: Context) -> Component:
    t, funnel = context.t, funnel_of(context)
    name = "—" if funnel is None else incident_name(context, funnel.incident)
    return card_frame(
        id="screening-funnel-card",
        question_title=t("screening.funnel.title"),
        unit=t("screening.funnel.unit", incident=name),
        body=no_funnel(context) if funnel is None else funnel_list(context, funnel),
        provenance=provenance(context, "funnel"),
        link="",
        lang=context.lang,
        menu=export_menu(context, PAGE.key, "funnel") if funnel else None,
    )


@card(PAGE, "screening-areas")
def draw_areas(context: Context) -> Component:
    t, funnel = context.t, funnel_of(context)
    name = "—" if funnel is None else incident_name(context, funnel.incident)
    return table_card(
        context,
        page_key=PAGE.key,
        name="areas",
        table=areas_table(context),
        title=t("screening.areas.title"),
        unit=t("screening.areas.unit", incident=name),
        metrics=("funnel",),
        empty=no_funnel(context),
        height=330,
        link_template=area_link(context, "/screening"),
        total=areas_total(context),
    )


@card(PAGE, "screening-lists")
def draw_lists(context: Context) -> Component:
    t, span = context.t, lists_span(context)
    words = ("—", "—") if span is None else tuple(day.strftime("%m-%d") for day in span)
    return table_card(
        context,
        page_key=PAGE.key,
        name="lists",
        table=lists_table(context),
        title=t("screening.lists.title"),
        unit=t("screening.lists.unit", first=words[0], last=words[1]),
        metrics=("lists_by_area",),
        empty=no_lists(context),
        height=340,
        link_template=area_link(context, "/screening"),
        total=lists_total(context),
    )


def _days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


@card(PAGE, "screening-share")
def draw_share(context: Context) -> Component:
    """The share returned by day; the days whose time is not over are shaded, not drawn low."""
    t, last = context.t, context.filters.day
    found = get_list_trend(
        context.view,
        area=context.filters.area,
        first=last - timedelta(days=TREND_DAYS - 1),
        last=last,
        min_cell=min_cell(context),
    )
    rows = {row.date: row for row in found}
    days = _days(min(rows, default=last), last)
    over = [day for day, row in rows.items() if row.open.value == 0]
    line = Series(
        t("screening.column.share"), tuple(rows[d].share if d in rows else NOT_REPORTED for d in days)
    )
    running = max(over, default=last) + timedelta(days=1)
    chart = trend_lines(
        days=days,
        marks=policy_marks(context, days),
        series=[line],
        unit="%",
        lang=context.lang,
        theme=context.theme,
        from_zero=True,
        incomplete_from=running if running in rows else None,
    )
    return chart_card(
        context,
        name="screening-share",
        title=t("screening.share.title"),
        unit=t("screening.share.unit"),
        figure=chart if rows else None,
        height=280,
        metrics=("lists_returned",),
        empty=no_lists(context),
    )


@card(PAGE, "screening-contacts")
def draw_contacts(context: Context) -> Component:
    t, last = context.t, context.filters.day
    found = get_contact_trend(
        context.view,
        area=context.filters.area,
        first=last - timedelta(days=TREND_DAYS - 1),
        last=last,
        min_cell=min_cell(context),
    )
    rows = {row.date: row for row in found}
    days = _days(min(rows, default=last), last)
    series = [
        Series(
            t(f"screening.contacts.{name}"),
            tuple(getattr(rows[day], name) if day in rows else NOT_REPORTED for day in days),
        )
        for name in ("close", "secondary")
    ]
    unit = t("unit.people")
    chart = trend_lines(
        days=days,
        marks=policy_marks(context, days),
        series=series,
        unit=unit,
        lang=context.lang,
        theme=context.theme,
        from_zero=True,
    )
    return chart_card(
        context,
        name="screening-contacts",
        title=t("screening.contacts.title"),
        unit=unit,
        figure=chart if rows else None,
        height=270,
        metrics=("contacts_found",),
        empty=no_contacts(context),
    )


@card(PAGE, "screening-follow")
def draw_follow(context: Context) -> Component:
    return table_card(
        context,
        page_key=PAGE.key,
        name="follow",
        table=contacts_table(context),
        title=context.t("screening.follow.title"),
        unit=context.t("screening.follow.unit", days=LATE_DAYS),
        metrics=("contacts_by_area",),
        empty=no_contacts(context),
        height=300,
        link_template=area_link(context, "/screening"),
    )


@card(PAGE, "screening-incidents")
def draw_incidents(context: Context) -> Component:
    template = "/screening" + context.filters.query(date="DAY").replace("DAY", "{date}")
    return table_card(
        context,
        page_key=PAGE.key,
        name="incidents",
        table=incidents_table(context),
        title=context.t("screening.incidents.title"),
        unit=context.t("screening.incidents.unit"),
        metrics=("funnel",),
        empty=no_funnel(context),
        height=200,
        link_template=template,
    )


register_export(PAGE.key, "funnel", stages_table)
register_export(PAGE.key, "areas", areas_table)
register_export(PAGE.key, "lists", lists_table)
register_export(PAGE.key, "follow", contacts_table)
register_export(PAGE.key, "incidents", incidents_table)
