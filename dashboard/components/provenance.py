"""Where a figure comes from: definition, denominator, feeds with their states, data time, owner."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from dash import html
from dash.development.base_component import Component

from dashboard.components.icon import icon
from dashboard.i18n.catalogue import Lang, t
from dashboard.i18n.numbers import format_time

FeedState = Literal["on_time", "late", "partial", "not_reported"]
# From good to bad; unknown is worse than late because nothing can be said about it.
_ORDER = ("on_time", "late", "partial", "unknown", "not_reported")


@dataclass(frozen=True)
class FeedMark:
    """One feed behind a figure; ``data_until`` is None when it delivered nothing."""

    name: str
    state: FeedState
    data_until: datetime | None


@dataclass(frozen=True)
class Provenance:
    """What a reader must know to trust a figure; all texts already in his language."""

    definition: str
    denominator: str
    feeds: tuple[FeedMark, ...]
    data_time: datetime
    owner: str


def worst_state(feeds: tuple[FeedMark, ...]) -> str:
    """The worst state among ``feeds``; without any feed, or with a state not known here, ``unknown``."""
    states = [feed.state if feed.state in _ORDER else "unknown" for feed in feeds]
    return max(states, key=_ORDER.index, default="unknown")


def feed_sign(state: str, lang: Lang, *, quiet: bool = False) -> Component:
    """Sign and word of a feed's state; a state not known here reads *unknown*, never *on time*.

    ``quiet`` leaves the word of *on time* to the screen reader and the pointer, where room is short.
    """
    known = state if state in _ORDER else "unknown"
    name, word = known.replace("_", "-"), t(lang, f"ui.feed.{known}")
    hidden = "tf-hidden" if quiet and known == "on_time" else ""
    return html.Span(
        [icon(name), html.Span(word, className=hidden)], className=f"tf-feed tf-feed-{name}", title=word
    )


def time_tag(moment: datetime, *, age: bool = True, near: datetime | None = None) -> Component:
    """``01-19 07:30``; with ``age`` the browser adds how long ago that is and keeps it ticking.

    The year is written where the moment lies more than half a year from ``near``.
    """
    ticking = {"data-tf-time": moment.isoformat()} if age else {}
    return html.Time(
        format_time(moment, near=near), dateTime=moment.isoformat(), className="tf-time", **ticking
    )


def provenance_button(provenance: Provenance, *, name: str, lang: Lang) -> Component:
    """The *definition* button of a figure called ``name`` and the panel it opens.

    A native disclosure: opens by click, Enter or Space, works without script; ``command.js`` closes
    it on Escape or a click elsewhere and keeps the panel inside the window.
    """
    feeds = [
        html.Li(
            [
                feed_sign(feed.state, lang),
                html.Span(feed.name, className="tf-def-feed"),
                html.Span(_until(feed, provenance.data_time, lang), className="tf-def-until"),
            ]
        )
        for feed in provenance.feeds
    ]
    rows = (
        (t(lang, "ui.denominator"), provenance.denominator or t(lang, "ui.no_denominator")),
        (t(lang, "ui.feeds"), html.Ul(feeds) if feeds else t(lang, "ui.no_feeds")),
        (t(lang, "ui.data_time"), time_tag(provenance.data_time)),
        (t(lang, "ui.owner"), provenance.owner),
    )
    return html.Details(
        [
            html.Summary(
                icon("info"),
                title=t(lang, "ui.definition"),
                **{"aria-label": t(lang, "ui.definition.of", name=name)},
            ),
            html.Div(
                [
                    html.P(provenance.definition, className="tf-def-text"),
                    html.Dl([part for term, text in rows if text for part in (html.Dt(term), html.Dd(text))]),
                ],
                className="tf-def-panel",
            ),
        ],
        className="tf-def",
    )


def _until(feed: FeedMark, near: datetime, lang: Lang) -> str:
    if feed.data_until is None:
        return t(lang, "ui.data_until.none")
    return t(lang, "ui.data_until", time=format_time(feed.data_until, near=near))
