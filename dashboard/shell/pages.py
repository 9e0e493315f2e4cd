"""Registering a screen and its cards: rights, scope, filters and errors are handled here, once.

A page module says what it needs and how it draws; every layout and every card callback starts from
the signed-in person's scope, because a callback can be posted without visiting its page.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import dash
from dash import Input, Output, dcc, html
from dash.development.base_component import Component

from dashboard.auth.rights import Right
from dashboard.components.states import error_state
from dashboard.errors import TianfuError
from dashboard.i18n.catalogue import t
from dashboard.shell.board import as_text
from dashboard.shell.context import Context, build_context
from dashboard.shell.drawn import Plain, keep, plain
from dashboard.shell.filterbar import BarPart, crumbs, filter_bar, register_word
from dashboard.shell.filters import Options, default_area
from dashboard.shell.identity import current_lang

log = logging.getLogger("tianfu.pages")


@dataclass(frozen=True)
class Page:
    """One screen. ``key`` prefixes every id on it; ``bar`` lists the filters its bar shows.

    A ``live`` page shows things that change without a new snapshot; its live cards are never kept.
    """

    key: str
    path: str
    order: int
    needs: Right
    body: Callable[[Context], Component]
    bar: tuple[BarPart, ...] = ("area", "date")
    options: Options = field(default_factory=dict)
    live: bool = False

    @property
    def store_id(self) -> str:
        return f"{self.key}-filters"

    @property
    def moved_id(self) -> str:
        """The store of a live page that changes when what the page shows has changed behind it."""
        return f"{self.key}-moved"


PAGES: dict[str, Page] = {}


def register_page(module: str, page: Page) -> Page:
    """Register ``page`` with Dash Pages under its path."""
    PAGES[page.key] = page
    dash.register_page(
        module,
        path=page.path,
        name=page.key,
        order=page.order,
        title=lambda **_path: f"{t(current_lang(), f'nav.{page.key}')} · {t(current_lang(), 'app.name')}",
        layout=lambda **query: render(page, query),
    )
    for word in (*page.bar, *page.options):
        register_word(page.key, word)

    if page.bar:

        @card(page, f"{page.key}-crumbs")
        def draw_crumbs(context: Context) -> Component:
            return crumbs(context)

    return page


def render(page: Page, query: Mapping[str, object]) -> Component:
    """The layout of a page for one request, or the sentence that says why it is refused."""
    raw = as_text(query)
    try:
        context = build_context(raw, needs=page.needs, options=page.options)
        words = context.filters.as_dict() | {"root": default_area(context.scope)}
        return html.Div(
            [
                dcc.Store(id=page.store_id, data=words),
                dcc.Store(id=page.moved_id, data="") if page.live else None,
                filter_bar(page.key, page.bar, context) if page.bar else None,
                page.body(context),
            ],
            className=f"tf-page tf-page-{page.key}",
            **{
                "data-tf-page": page.key,
                "data-tf-defaults": json.dumps(defaults(page) | {"root": words["root"]}),
            },
        )
    except TianfuError as error:
        return html.Div(refusal(error), className="tf-page")


def defaults(page: Page) -> dict[str, str]:
    """The filters of ``page`` as they are without any word in the URL."""
    return build_context({}, needs=page.needs, options=page.options).filters.as_dict()


def card(
    page: Page, output: str
) -> Callable[[Callable[[Context], Component]], Callable[[Context], Component]]:
    """Register ``draw`` as the only writer of the children of ``output``; its failure blanks only itself."""

    def register_card(draw: Callable[[Context], Component]) -> Callable[[Context], Component]:
        @dash.callback(Output(output, "children"), Input(page.store_id, "data"))
        def update(data: object) -> Plain:
            return guarded(page, data, output, draw)

        return draw

    return register_card


def live_card(
    page: Page, output: str, *, follows: bool = True
) -> Callable[[Callable[[Context], Component | None]], Callable[[Context], Component | None]]:
    """Like ``card``, drawn anew each time: what it shows is in the store of the board, not in the snapshot.

    With ``follows`` it is drawn again when something moved behind the page; a card in which a person types
    does not follow, because it would take away what is being typed.
    """

    def register_card(draw: Callable[[Context], Component | None]) -> Callable[[Context], Component | None]:
        moved = (Input(page.moved_id, "data"),) if follows else ()

        @dash.callback(Output(output, "children"), Input(page.store_id, "data"), *moved)
        def update(data: object, *_moved: object) -> Plain:
            return guarded(page, data, output, draw, kept=False)

        return draw

    return register_card


def guarded(
    page: Page, data: object, name: str, draw: Callable[[Context], object], *, kept: bool = True
) -> Plain:
    """Draw from untrusted ``data``; a user's error becomes its sentence, a bug a plain card and a log."""
    try:
        raw = as_text(data) if isinstance(data, Mapping) else {}
        context = build_context(raw, needs=page.needs, options=page.options)
        return keep(context, name, draw) if kept else plain(draw(context))
    except TianfuError as error:
        return plain(refusal(error))
    except Exception:
        log.exception("card of page %s failed", page.key)
        lang = current_lang()
        return plain(error_state(what=t(lang, "error.bug"), todo=t(lang, "error.retry"), lang=lang))


def refusal(error: TianfuError) -> Component:
    """What happened and what to do, in the reader's language where the catalogue knows the error."""
    lang = current_lang()
    if error.key:
        return error_state(
            what=t(lang, error.key, **error.values),
            todo=t(lang, f"{error.key}.todo", **error.values),
            lang=lang,
        )
    return error_state(what=error.what, todo=error.todo, lang=lang)
