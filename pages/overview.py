"""Overview: what changed since yesterday and where to look; every figure leads to what stands behind it."""

from __future__ import annotations

from dash import dcc, html
from dash.development.base_component import Component

from dashboard.cells import Cell
from dashboard.components.badges import level_badge
from dashboard.components.cards import card as card_frame
from dashboard.components.provenance import feed_sign
from dashboard.components.states import cell_text, empty_state, loading
from dashboard.i18n.numbers import format_change, format_compact, format_exact, format_time
from dashboard.shell.context import Context
from dashboard.shell.pages import Page, card, register_page
from dashboard.views.areamap import map_body, register_area_map
from dashboard.views.codemap import changes_on_map, of_colour
from dashboard.views.figures import figure_card, provenance
from dashboard.views.riskmap import draw_risk_map
from geo.areas import name_of
from queries.feeds import get_feed_states, worst_first
from queries.overview import (
    Figure,
    get_case_figures,
    get_code_figures,
    get_risk_figures,
    get_scan_figures,
    get_turn_figures,
)
from queries.risk import get_risk_changes

MOVEMENTS = ("new", "upgraded", "downgraded", "released")
TOP = 5
FEEDS_SHOWN = 4
# From good to bad; a state this page does not know stands first.
# One callback a group: a group is one question to the snapshot, and its failure blanks only itself.
GROUPS = {
    "cases": ("cases_local", "cases_imported"),
    "risk": ("places_high", "places_medium"),
    "turns": ("new_red", "new_yellow"),
    "venues": ("scans", "refused"),
}


def body(context: Context) -> Component:
    def slot(name: str, width: str, height: int) -> Component:
        return html.Div(
            loading(html.Div(id=f"overview-{name}"), height=height, lang=context.lang), className=width
        )

    return html.Div(
        [
            html.H1(context.t("nav.overview"), className="tf-hidden"),
            html.Div(
                [html.Div(id=f"overview-{group}", className="tf-figure-pair") for group in GROUPS],
                className="tf-figures-row",
            ),
            html.Div(
                [
                    html.Div(map_card(context), className="tf-col-5"),
                    slot("moved", "tf-col-4", 400),
                    html.Div(
                        [html.Div(id="overview-plan"), html.Div(id="overview-feeds")],
                        className="tf-col-3 tf-stack",
                    ),
                    slot("yellow", "tf-col-6", 260),
                    slot("red", "tf-col-6", 260),
                ],
                className="tf-grid",
            ),
        ]
    )


PAGE = register_page(
    __name__,
    Page(key="overview", path="/", order=0, needs="view", body=body, bar=("area", "date", "compare")),
)
register_area_map(PAGE, prefix="overview", draw=draw_risk_map)


def map_card(context: Context) -> Component:
    return card_frame(
        id="overview-map-card",
        question_title=context.t("risk.map.title"),
        unit=context.t("risk.map.unit"),
        body=map_body(context, prefix="overview", draw=draw_risk_map),
        provenance=provenance(context, "risk_listed", "county_cases"),
        link="/risk" + context.filters.query(),
        lang=context.lang,
    )


def pair(context: Context, group: str, figures: tuple[Figure, ...]) -> Component:
    wanted = [figure for figure in figures if figure.id in GROUPS[group]]
    return html.Div([figure_card(context, PAGE.key, figure) for figure in wanted], className="tf-figure-pair")


@card(PAGE, "overview-cases")
def draw_cases(context: Context) -> Component:
    return pair(
        context, "cases", get_case_figures(context.view, area=context.filters.area, date=context.filters.day)
    )


@card(PAGE, "overview-risk")
def draw_risk(context: Context) -> Component:
    return pair(
        context, "risk", get_risk_figures(context.view, area=context.filters.area, date=context.filters.day)
    )


@card(PAGE, "overview-turns")
def draw_turns(context: Context) -> Component:
    figures = get_turn_figures(
        context.view,
        area=context.filters.area,
        date=context.filters.day,
        min_cell=context.policy.disclosure.min_cell,
    )
    return pair(context, "turns", figures)


@card(PAGE, "overview-venues")
def draw_scans(context: Context) -> Component:
    return pair(
        context, "venues", get_scan_figures(context.view, area=context.filters.area, date=context.filters.day)
    )


@card(PAGE, "overview-moved")
def draw_moved(context: Context) -> Component:
    """What the risk list did since the day compared with: counts, then the places themselves."""
    t = context.t
    changes = get_risk_changes(
        context.view, area=context.filters.area, date=context.filters.day, compare=context.filters.compare
    )
    link = "/risk" + context.filters.query()
    if changes is None:
        inside: Component = empty_state(why=t("risk.moved.none"), todo=t("risk.moved.none.todo"))
    elif not changes:
        inside = empty_state(why=t("risk.moved.empty"), todo=t("risk.moved.empty.todo"))
    else:
        counts = {kind: sum(change.movement == kind for change in changes) for kind in MOVEMENTS}
        order = {kind: n for n, kind in enumerate(MOVEMENTS)}
        shown = sorted(changes, key=lambda change: order[change.movement])[:7]
        inside = html.Div(
            [
                html.Dl(
                    [
                        html.Div(
                            [html.Dt(t(f"risk.moved.{kind}")), html.Dd(f"{counts[kind]:,}")],
                            className=f"tf-moves-{kind}",
                        )
                        for kind in MOVEMENTS
                    ],
                    className="tf-moves-counts",
                ),
                html.Ul(
                    [
                        html.Li(
                            [
                                html.Span(
                                    t(f"risk.moved.{change.movement}"),
                                    className=f"tf-move tf-moves-{change.movement}",
                                ),
                                level_badge(change.level or change.level_before or "unknown", context.lang),
                                html.Span(
                                    [
                                        html.Span(
                                            name_of(change.area, context.lang), className="tf-moves-area"
                                        ),
                                        " ",
                                        change.text,
                                    ],
                                    className="tf-move-text",
                                    title=change.text,
                                ),
                            ]
                        )
                        for change in shown
                    ],
                    className="tf-moves-list",
                ),
            ]
        )
    return card_frame(
        id="overview-moved-card",
        question_title=t("risk.moved.title"),
        unit=t("risk.moved.unit", compare=context.filters.compare),
        body=inside,
        provenance=provenance(context, "risk_changes"),
        link=link,
        lang=context.lang,
    )


@card(PAGE, "overview-plan")
def draw_plan(context: Context) -> Component:
    """Holders of a code against the number the platform is planned for; a province-wide measure."""
    t = context.t
    planned = context.policy.capacity.planned_holders
    holders = next(
        figure
        for figure in get_code_figures(
            context.view,
            area=context.filters.area,
            date=context.filters.day,
            min_cell=context.policy.disclosure.min_cell,
        )
        if figure.id == "holders"
    )
    share = None if holders.day.value is None else holders.day.value / planned
    bar = (
        html.Div(
            html.Span(style={"width": f"{min(1, share) * 100:.1f}%"}),
            className="tf-plan-bar",
            role="img",
            **{"aria-label": t("overview.plan.share", share=f"{share:.1%}")},
        )
        if share is not None
        else None
    )
    return card_frame(
        id="overview-plan-card",
        question_title=t("overview.plan.title"),
        unit=t("unit.people"),
        body=html.Div(
            [
                html.P([cell_text(holders.day, context.lang, exact=False)], className="tf-plan-value"),
                bar,
                html.P(
                    t(
                        "overview.plan.words",
                        planned=format_compact(context.lang, planned),
                        share="—" if share is None else f"{share:.1%}",
                    ),
                    className="tf-dim",
                ),
            ],
            className="tf-plan",
        ),
        provenance=provenance(context, "holders"),
        link="/codes" + context.filters.query(),
        lang=context.lang,
    )


@card(PAGE, "overview-feeds")
def draw_feeds(context: Context) -> Component:
    """The feeds that need a look, worst first; when all is well, those that do the most for this page."""
    t = context.t
    states = worst_first(get_feed_states(context.view))
    shown = states[:FEEDS_SHOWN]
    rows: list[Component] = [
        html.Li(
            [
                html.Span(t(f"feed.{row.feed}"), className="tf-feeds-name"),
                feed_sign(row.state, context.lang),
                html.Span(
                    format_time(row.data_until, near=context.manifest.data_time) if row.data_until else "—",
                    className="tf-num tf-dim",
                ),
            ]
        )
        for row in shown
    ]
    if len(states) > len(shown):
        rows.append(
            html.Li(
                dcc.Link(t("overview.feeds.more", n=len(states) - len(shown)), href="/feeds"),
                className="tf-dim",
            )
        )
    return card_frame(
        id="overview-feeds-card",
        question_title=t("overview.feeds.title"),
        unit=t("overview.feeds.unit"),
        body=html.Ul(rows, className="tf-feeds-list"),
        provenance=provenance(context, "holders", "scans", "cases_local", "risk_places"),
        link="/feeds",
        lang=context.lang,
    )


def movers(context: Context, colour: str) -> Component:
    """The areas whose holders of a colour changed most, up and down."""
    t = context.t
    rows = [
        (row.area, of_colour(row.now, row.now.colours, colour), of_colour(row.now, row.colours, colour))
        for row in changes_on_map(context, context.filters.area)
    ]
    known = [row for row in rows if row[2].value is not None]
    top = sorted(known, key=lambda row: -abs(row[2].value or 0))[:TOP]
    if not top:
        inside: Component = empty_state(
            why=t("codes.none", day=context.filters.day), todo=t("codes.none.todo")
        )
    else:
        most = max(abs(row[2].value or 0) for row in top) or 1
        inside = html.Ol([_mover(context, row, most) for row in top], className="tf-movers")
    return card_frame(
        id=f"overview-{colour}-card",
        question_title=t("overview.movers.title", colour=t(f"colour.{colour}")),
        unit=t("overview.movers.unit", compare=context.filters.compare),
        body=inside,
        provenance=provenance(context, "colours_by_area"),
        link="/codes" + context.filters.query(colour=colour, fill="change"),
        lang=context.lang,
    )


def _mover(context: Context, row: tuple[str, Cell, Cell], most: float) -> Component:
    area, holders, change = row
    amount = change.value or 0
    return html.Li(
        [
            dcc.Link(
                name_of(area, context.lang),
                href="/codes" + context.filters.query(area=area),
                className="tf-movers-name",
            ),
            html.Span(
                html.Span(
                    className=f"tf-movers-bar tf-movers-{'up' if amount > 0 else 'down'}",
                    style={"width": f"{abs(amount) / most * 100:.0f}%"},
                ),
                className="tf-movers-track",
            ),
            html.Span(
                format_change(context.lang, amount),
                className="tf-num tf-movers-change",
                title=format_exact(amount),
            ),
            html.Span(cell_text(holders, context.lang, exact=False), className="tf-dim tf-movers-now"),
        ]
    )


@card(PAGE, "overview-yellow")
def draw_yellow(context: Context) -> Component:
    return movers(context, "yellow")


@card(PAGE, "overview-red")
def draw_red(context: Context) -> Component:
    return movers(context, "red")
