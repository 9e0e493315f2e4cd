"""Testing and vaccination: how far samples are, how long tests hold, doses, look-ups, institutions."""

from __future__ import annotations

from datetime import date, timedelta

from dash import html
from dash.development.base_component import Component

from dashboard.cells import NOT_REPORTED, Cell, cell
from dashboard.components.chart_parts import Series
from dashboard.components.charts import rank_height, trend_lines
from dashboard.components.states import empty_state, loading
from dashboard.i18n.numbers import format_compact, format_time
from dashboard.shell.context import Context
from dashboard.shell.exports import TableData, register_export
from dashboard.shell.pages import Page, card, register_page
from dashboard.snapshot.contract import SERVICES
from dashboard.views.figures import figure_card, grain_of
from dashboard.views.frames import area_link, chart_card, table_card
from dashboard.views.marks import marked_lines, policy_marks
from dashboard.views.testcharts import STAGES, STEPS, clock_chart, stages_chart
from dashboard.views.testtables import (
    areas_table,
    clock_of,
    groups_table,
    institutions_table,
    lookups_table,
    min_cell,
    valid_table,
)
from geo.areas import name_of
from queries.overview import Figure
from queries.services import get_lookup_trend, get_service_figures
from queries.testing import DayTests, get_test_figures, get_test_trend, get_tests_by_area

TREND_DAYS = 60
PAIRS = {
    "samples": ("tests_sampled", "tests_waiting"),
    "speed": ("tests_in_24h", "tests_positive"),
    "doses": ("vaccine_doses", "vaccine_first"),
    "asked": ("lookups", "lookup_failures"),
}


def body(context: Context) -> Component:
    def slot(name: str, width: str, height: int) -> Component:
        return html.Div(
            loading(html.Div(id=f"testing-{name}"), height=height, lang=context.lang), className=width
        )

    return html.Div(
        [
            html.Div(id="testing-head", className="tf-page-head"),
            html.Div(
                [html.Div(id=f"testing-{pair}", className="tf-figure-pair") for pair in PAIRS],
                className="tf-figures-row",
            ),
            html.Div(
                [
                    slot("areas", "tf-col-8", 380),
                    slot("stages", "tf-col-4", 380),
                    slot("share", "tf-col-6", 270),
                    slot("trend", "tf-col-6", 270),
                    slot("valid", "tf-col-6", 360),
                    slot("clock", "tf-col-6", 360),
                    slot("groups", "tf-col-6", 230),
                    slot("services", "tf-col-6", 230),
                    slot("institutions", "tf-col-7", 360),
                    slot("failed", "tf-col-5", 360),
                ],
                className="tf-grid",
            ),
        ]
    )


PAGE = register_page(
    __name__,
    Page(key="testing", path="/testing", order=12, needs="view", body=body, bar=("area", "date")),
)


def none_of(context: Context, key: str) -> Component:
    """What was not reported on the day, and what to do."""
    return empty_state(why=context.t(key, day=context.filters.day), todo=context.t("testing.none.todo"))


def tests_of(context: Context, days: int) -> dict[date, DayTests]:
    last = context.filters.day
    rows = get_test_trend(
        context.view,
        area=context.filters.area,
        first=last - timedelta(days=days - 1),
        last=last,
        min_cell=min_cell(context),
    )
    return {row.date: row for row in rows}


def said_as(context: Context, figure: Cell) -> str:
    """A figure inside a sentence, or the word of why there is none."""
    if figure.value is None:
        return context.t(f"cell.{figure.state}")
    return format_compact(context.lang, figure.value)


@card(PAGE, "testing-head")
def draw_head(context: Context) -> Component:
    """The finding in one line: samples of the day, how quickly they are reported, where most slowly."""
    t, area, day = context.t, context.filters.area, context.filters.day
    name, row = name_of(area, context.lang), tests_of(context, 1).get(day)
    if row is None:
        said = [t("testing.finding.none", area=name, day=day)]
    else:
        share = t("cell.not_reported") if row.share.value is None else f"{row.share.value:.1f}"
        words = {
            "sampled": said_as(context, cell(row.sampled)),
            "waiting": said_as(context, row.waiting),
            "share": share,
        }
        said = [t("testing.finding", area=name, day=day, **words)]
    parts = get_tests_by_area(
        context.view, area=area, date=day, level=grain_of(area), min_cell=min_cell(context)
    )
    shares = {part.area: part.share.value for part in parts if part.share.value is not None}
    if len(shares) > 1:
        slow = min(shares, key=lambda code: shares[code])
        where = name_of(slow, context.lang)
        said.append(t("testing.finding.slow", name=where, share=f"{shares[slow]:.1f}"))
    return html.Div([html.H1(t("nav.testing")), html.P(" ".join(said))], className="tf-page-head")


def pair(context: Context, name: str, figures: tuple[Figure, ...]) -> Component:
    by_id = {figure.id: figure for figure in figures}
    return html.Div(
        [figure_card(context, PAGE.key, by_id[key], link=f"/help#{key}") for key in PAIRS[name]],
        className="tf-figure-pair",
    )


def test_figures(context: Context) -> tuple[Figure, ...]:
    filters = context.filters
    return get_test_figures(context.view, area=filters.area, date=filters.day, min_cell=min_cell(context))


def service_figures(context: Context) -> tuple[Figure, ...]:
    return get_service_figures(context.view, area=context.filters.area, date=context.filters.day)


@card(PAGE, "testing-samples")
def draw_samples(context: Context) -> Component:
    return pair(context, "samples", test_figures(context))


@card(PAGE, "testing-speed")
def draw_speed(context: Context) -> Component:
    return pair(context, "speed", test_figures(context))


@card(PAGE, "testing-doses")
def draw_doses(context: Context) -> Component:
    return pair(context, "doses", service_figures(context))


@card(PAGE, "testing-asked")
def draw_asked(context: Context) -> Component:
    return pair(context, "asked", service_figures(context))


def table_slot(
    context: Context,
    name: str,
    table: TableData,
    *,
    unit: str,
    metrics: tuple[str, ...],
    none: str,
    height: int,
    link: str | None = None,
) -> Component:
    """The card of the table and export ``name``; ``none`` is the sentence where nothing was reported."""
    return table_card(
        context,
        page_key=PAGE.key,
        name=name,
        table=table,
        title=table.title,
        unit=unit,
        metrics=metrics,
        empty=none_of(context, none),
        height=height,
        link_template=link,
    )


@card(PAGE, "testing-areas")
def draw_areas(context: Context) -> Component:
    return table_slot(
        context,
        "areas",
        areas_table(context),
        unit=context.t("testing.areas.unit", day=context.filters.day),
        metrics=("tests_by_area", "institutions"),
        none="testing.none",
        height=340,
        link=area_link(context, "/testing"),
    )


@card(PAGE, "testing-stages")
def draw_stages(context: Context) -> Component:
    """The samples of the day by stage."""
    t, row = context.t, tests_of(context, 1).get(context.filters.day)
    return chart_card(
        context,
        name="testing-stages",
        title=t("testing.stages.title"),
        unit=t("testing.stages.unit"),
        figure=stages_chart(context, row) if row is not None else None,
        height=rank_height(len(STAGES)),
        metrics=("tests_sampled", "tests_in_24h"),
        empty=none_of(context, "testing.none"),
    )


def _days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


@card(PAGE, "testing-share")
def draw_share(context: Context) -> Component:
    t, rows = context.t, tests_of(context, TREND_DAYS)
    days = _days(min(rows, default=context.filters.day), context.filters.day)
    line = Series(
        t("metric.tests_in_24h.name"), tuple(rows[d].share if d in rows else NOT_REPORTED for d in days)
    )
    chart = marked_lines(context, days, [line], "%")
    return chart_card(
        context,
        name="testing-share",
        title=t("testing.share.title"),
        unit=t("testing.share.unit"),
        figure=chart if rows else None,
        height=230,
        metrics=("tests_in_24h",),
        empty=none_of(context, "testing.none"),
    )


@card(PAGE, "testing-trend")
def draw_trend(context: Context) -> Component:
    """Samples taken and reported; days that still wait for results are shaded."""
    t, rows = context.t, tests_of(context, TREND_DAYS)
    days = _days(min(rows, default=context.filters.day), context.filters.day)
    series = [
        Series(
            t(f"teststage.{stage}"),
            tuple(cell(getattr(rows[day], stage)) if day in rows else NOT_REPORTED for day in days),
        )
        for stage in ("sampled", "reported")
    ]
    whole = [day for day, row in rows.items() if row.waiting.value == 0]
    running = max(whole, default=context.filters.day) + timedelta(days=1)
    chart = trend_lines(
        days=days,
        marks=policy_marks(context, days),
        series=series,
        unit=t("metric.unit.samples"),
        lang=context.lang,
        theme=context.theme,
        from_zero=True,
        incomplete_from=running if running in rows else None,
    )
    return chart_card(
        context,
        name="testing-trend",
        title=t("testing.trend.title"),
        unit=t("testing.trend.unit"),
        figure=chart if rows else None,
        height=230,
        metrics=("tests_sampled",),
        empty=none_of(context, "testing.none"),
    )


@card(PAGE, "testing-clock")
def draw_clock(context: Context) -> Component:
    """Holders by the time since their last test, from the moment the policy names."""
    t, clock = context.t, clock_of(context)
    return chart_card(
        context,
        name="testing-clock",
        title=t("testing.clock.title"),
        unit=t(
            "testing.clock.unit",
            basis=t(f"basis.{context.policy.nucleic_test.basis}"),
            version=context.policy.version,
        ),
        figure=clock_chart(context, clock) if clock is not None else None,
        height=rank_height(STEPS),
        metrics=("test_valid",),
        empty=none_of(context, "testing.clock.none"),
    )


@card(PAGE, "testing-valid")
def draw_valid(context: Context) -> Component:
    t, clock = context.t, clock_of(context)
    return table_slot(
        context,
        "valid",
        valid_table(context),
        unit=t(
            "testing.valid.unit",
            as_of="—" if clock is None else format_time(clock.as_of),
            version=context.policy.version,
        ),
        metrics=("test_valid",),
        none="testing.clock.none",
        height=330,
    )


@card(PAGE, "testing-groups")
def draw_groups(context: Context) -> Component:
    return table_slot(
        context,
        "groups",
        groups_table(context),
        unit=context.t("testing.groups.unit", day=context.filters.day),
        metrics=("vaccine_groups",),
        none="testing.groups.none",
        height=260,
    )


@card(PAGE, "testing-services")
def draw_lookups(context: Context) -> Component:
    return table_slot(
        context,
        "services",
        lookups_table(context),
        unit=context.t("testing.lookups.unit", day=context.filters.day),
        metrics=("lookups", "lookup_failures"),
        none="testing.lookups.none",
        height=260,
    )


@card(PAGE, "testing-failed")
def draw_failed(context: Context) -> Component:
    t, last = context.t, context.filters.day
    first = last - timedelta(days=TREND_DAYS - 1)
    found = get_lookup_trend(context.view, area=context.filters.area, first=first, last=last)
    rows = {(row.date, row.service): row for row in found}
    days = _days(min((row.date for row in found), default=last), last)
    series = [
        Series(
            t(f"service.{service}"),
            tuple(rows[d, service].failed if (d, service) in rows else NOT_REPORTED for d in days),
        )
        for service in SERVICES
        if any(row.service == service for row in found)
    ]
    chart = marked_lines(context, days, series, "%", height=290)
    return chart_card(
        context,
        name="testing-failed",
        title=t("testing.failed.title"),
        unit="%",
        figure=chart if found else None,
        height=290,
        metrics=("lookup_failures",),
        empty=none_of(context, "testing.lookups.none"),
    )


@card(PAGE, "testing-institutions")
def draw_institutions(context: Context) -> Component:
    return table_slot(
        context,
        "institutions",
        institutions_table(context),
        unit=context.t("testing.institutions.unit"),
        metrics=("institutions",),
        none="testing.institutions.none",
        height=330,
    )


register_export(PAGE.key, "areas", areas_table)
register_export(PAGE.key, "valid", valid_table)
register_export(PAGE.key, "groups", groups_table)
register_export(PAGE.key, "services", lookups_table)
register_export(PAGE.key, "institutions", institutions_table)
