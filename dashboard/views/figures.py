"""From a query's figure to what a component draws: names, units, definition, feeds, links."""

from __future__ import annotations

from dash.development.base_component import Component

from dashboard.components.kpi import kpi
from dashboard.components.provenance import FeedMark, Provenance
from dashboard.shell.context import Context
from dashboard.views.restated import trend_marks
from geo.areas import get_area
from queries.areas import Grain
from queries.feeds import get_feed_states
from queries.metrics import Metric, get_metric
from queries.overview import Figure


def grain_of(area: str) -> Grain:
    """What a table of ``area`` lists: the province its cities, anything below its counties."""
    return "city" if get_area(area).level == "province" else "county"


def provenance(context: Context, *metrics: str) -> Provenance:
    """Definition and feeds of a figure; a chart of several metrics names all of their feeds."""
    found = [get_metric(name) for name in metrics]
    return Provenance(
        definition="\n".join(dict.fromkeys(metric.definition(context.lang) for metric in found)),
        denominator=denominator(context, found[0]),
        feeds=feed_marks(context, tuple(dict.fromkeys(feed for metric in found for feed in metric.feeds))),
        data_time=context.manifest.data_time,
        owner="、".join(dict.fromkeys(metric.owner for metric in found)),
    )


def feed_marks(context: Context, feeds: tuple[str, ...]) -> tuple[FeedMark, ...]:
    """The state of each named feed; one that the snapshot does not mention is not reported."""
    states = {row.feed: row for row in get_feed_states(context.view)}
    return tuple(
        FeedMark(
            name=context.t(f"feed.{feed}"),
            state=states[feed].state if feed in states else "not_reported",  # type: ignore[arg-type]
            data_until=states[feed].data_until if feed in states else None,
        )
        for feed in feeds
    )


def denominator(context: Context, metric: Metric) -> str:
    return "" if metric.denominator == "none" else context.t(f"metric.denominator.{metric.denominator}")


def figure_card(context: Context, page: str, figure: Figure, *, link: str = "") -> Component:
    """A key figure; it leads to the page where what is behind it stands, with the filters on screen."""
    metric = get_metric(figure.id)
    places, words = trend_marks(context, figure.id, [day for day, _ in figure.trend])
    return kpi(
        id=f"{page}-{figure.id}",
        name=metric.name(context.lang),
        unit=metric.unit_name(context.lang),
        value=figure.day,
        change=figure.change,
        rate=figure.rate if metric.denominator == "residents" else None,
        trend=[cell for _, cell in figure.trend],
        until_hour=figure.until_hour,
        restated=places,
        restated_words=words,
        worse=metric.worse,
        provenance=provenance(context, figure.id),
        link=link or metric.link + context.filters.query(),
        lang=context.lang,
        theme=context.theme,
    )
