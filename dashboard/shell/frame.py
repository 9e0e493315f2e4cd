"""The frame around every page: header with data time and policy in force, navigation, footer."""

from __future__ import annotations

from typing import Any

import dash
import dash_mantine_components as dmc
from dash import ClientsideFunction, Input, Output, clientside_callback, dcc, html
from dash.development.base_component import Component

from dashboard.auth.rights import Identity, can, scope_of
from dashboard.clock import china_now
from dashboard.components.browser_words import browser_words
from dashboard.components.icon import icon
from dashboard.components.provenance import time_tag
from dashboard.components.states import synthetic_ribbon
from dashboard.components.theme import mantine_theme
from dashboard.components.verdict import verdict_switch
from dashboard.errors import TianfuError
from dashboard.i18n.catalogue import Lang, t
from dashboard.shell.board import Board, get_board
from dashboard.shell.filters import default_area
from dashboard.shell.identity import (
    csrf_token,
    current_identity,
    current_lang,
    current_theme,
    has_identity,
    nav_folded,
)
from dashboard.shell.pages import PAGES
from dashboard.snapshot.last_build import read_refused
from dashboard.snapshot.manifest import Manifest
from geo.areas import name_of

# lang and theme are filled in for each request, so that the first paint is already the right one.
INDEX = """<!DOCTYPE html>
<html lang="__LANG__" data-mantine-color-scheme="__THEME__">
<head>
{%metas%}
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{%title%}</title>
{%favicon%}
{%css%}
</head>
<body>
{%app_entry%}
<footer>{%config%}{%scripts%}{%renderer%}</footer>
</body>
</html>"""


class BoardApp(dash.Dash):
    """Dash whose page is marked with the reader's language and theme."""

    def interpolate_index(self, **parts: Any) -> str:
        page: str = super().interpolate_index(**parts)
        return page.replace("__LANG__", current_lang()).replace("__THEME__", current_theme())


def layout() -> Component:
    """The frame for the signed-in person of this request.

    Dash calls it once by itself to check it, before any request is let in; then there is nobody yet and
    the frame is empty.
    """
    if not has_identity():
        return html.Div(dash.page_container)
    identity, lang, theme = current_identity(), current_lang(), current_theme()
    board = get_board()
    manifest = newest(board)
    return dmc.MantineProvider(
        html.Div(
            [
                html.A(t(lang, "shell.skip"), href="#content", className="tf-skip"),
                header(board, manifest, identity, lang, theme),
                navigation(identity, lang),
                html.Main(
                    [
                        html.Div(id="shell-offer", className="tf-offer", hidden=True),
                        notice(board, lang),
                        refusal(board, manifest, lang),
                        dash.page_container,
                    ],
                    id="content",
                    className="tf-main",
                    tabIndex=-1,
                ),
                html.Div(id="shell-path", hidden=True),
                browser_words(lang),
            ],
            className="tf-app tf-nav-is-folded" if nav_folded() else "tf-app",
            **snapshot_marks(manifest, lang),
        ),
        forceColorScheme=theme,
        theme=mantine_theme(),
    )


def newest(board: Board) -> Manifest | None:
    """The manifest of the published snapshot, or None where there is nothing to read."""
    try:
        return board.store.manifest(board.store.current_id())
    except TianfuError:
        return None


def notice(board: Board, lang: Lang) -> Component | None:
    """A plate when the snapshot shown may not be the newest: the store is away, or a newer one unusable."""
    try:
        said = board.store.served().notice
    except TianfuError:
        return None
    if said is None:
        return None
    return html.Div(
        [icon("alert"), html.Span(t(lang, said.key, **said.values))],
        className="tf-plate tf-plate-stale",
        role="status",
    )


def refusal(board: Board, manifest: Manifest | None, lang: Lang) -> Component | None:
    """A plate when the last build was refused: the data shown are not those of the newest delivery."""
    build = read_refused(board.store.root, served=manifest.built_at if manifest else None)
    if build is None:
        return None
    return html.Div(
        [
            icon("alert"),
            html.Span(t(lang, "shell.refused", at=f"{build.at:%m-%d %H:%M}")),
            dcc.Link(t(lang, "shell.refused.link"), href="/feeds"),
        ],
        className="tf-plate tf-plate-stale tf-plate-refused",
        role="status",
    )


def snapshot_marks(manifest: Manifest | None, lang: Lang) -> dict[str, str]:
    """What ``command.js`` compares with ``/healthz`` to offer a newer snapshot."""
    return {
        "data-tf-snapshot": manifest.id if manifest else "",
        "data-tf-offer-text": t(lang, "shell.new_snapshot"),
        "data-tf-offer-button": t(lang, "shell.new_snapshot.load"),
    }


def header(board: Board, manifest: Manifest | None, identity: Identity, lang: Lang, theme: str) -> Component:
    """Name, scope, data time with age, feeds, policy; language, theme, person."""
    facts = [
        fact(t(lang, "shell.scope"), name_of(default_area(scope_of(identity)), lang)),
        data_time(manifest, lang),
        feeds(manifest, lang),
        fact(
            t(lang, "shell.policy.label"),
            dcc.Link(policy_fact(board, lang), href="/policy"),
            title=t(lang, "shell.policy.note"),
        ),
    ]
    return html.Header(
        [
            dcc.Link(
                [
                    html.Span(t(lang, "app.name"), className="tf-brand-name"),
                    synthetic_ribbon(lang) if manifest and manifest.synthetic else None,
                ],
                href="/",
                className="tf-brand",
            ),
            html.Div(facts, className="tf-header-facts"),
            html.Div(
                [
                    html.Button(
                        [icon("language"), html.Span(t(lang, "shell.language"), className="tf-tool-word")],
                        type="button",
                        className="tf-button tf-button-quiet",
                        title=t(lang, "shell.language.label"),
                        **{"data-tf-action": "language", "aria-label": t(lang, "shell.language.label")},
                    ),
                    theme_button(lang, theme),
                    person(identity, lang),
                ],
                className="tf-header-tools",
            ),
        ],
        className="tf-header",
    )


def policy_fact(board: Board, lang: Lang) -> list[Component | None]:
    """The version in force with its verdict; ``shell.js`` keeps both up to date from ``/healthz``."""
    now = board.in_force
    words = html.Span(
        t(lang, "shell.policy", version=now.version),
        id="shell-version",
        **{"data-tf-words": t(lang, "shell.policy", version="#")},
    )
    emergency = html.Span(
        [icon("alert"), t(lang, "screen.emergency.short")], className="tf-verdict tf-verdict-bad"
    )
    return [words, verdict_switch(now.verdict, lang), emergency if now.is_emergency else None]


def fact(label: str, value: Component | str, *, title: str = "", kind: str = "") -> Component:
    """One fact of the header: a small label over its value."""
    return html.Div(
        [html.Span(label, className="tf-fact-label"), value],
        className=f"tf-fact {kind}".strip(),
        title=title or None,
    )


def data_time(manifest: Manifest | None, lang: Lang) -> Component:
    """The newest moment the snapshot speaks of; its age is counted in the browser."""
    if manifest is None:
        return fact(t(lang, "shell.data_time"), t(lang, "error.no_snapshot"), kind="tf-fact-stale")
    return fact(
        t(lang, "shell.data_time"),
        time_tag(manifest.data_time, near=china_now()),
        title=manifest.id,
        kind="tf-fact-time",
    )


def feeds(manifest: Manifest | None, lang: Lang) -> Component | None:
    """One word on the feeds: all on time, or how many are not; a feed that is not known is not on time."""
    if manifest is None:
        return None
    bad = sum(state != "on_time" for state in manifest.feeds.values())
    words = t(lang, "shell.feeds_bad", n=bad) if bad else t(lang, "shell.feeds_ok")
    sign = icon("alert" if bad else "on-time")
    return fact(
        t(lang, "nav.feeds"),
        html.Span(
            [dcc.Link([sign, " ", words], href="/feeds"), warnings(manifest, lang)], className="tf-fact-links"
        ),
        kind="tf-fact-bad" if bad else "",
    )


def warnings(manifest: Manifest, lang: Lang) -> Component | None:
    """How many warnings the snapshot in service was published with; the report explains them."""
    count = len(manifest.warnings)
    if not count:
        return None
    return dcc.Link(
        t(lang, "shell.warnings", n=count),
        href="/feeds#feeds-report",
        className="tf-warn-badge",
        title=t(lang, "shell.warnings.label", n=count),
    )


def theme_button(lang: Lang, theme: str) -> Component:
    other = "light" if theme == "dark" else "dark"
    return html.Button(
        icon("sun" if other == "light" else "moon"),
        type="button",
        className="tf-icon-button",
        title=t(lang, f"shell.theme.{other}"),
        **{"data-tf-action": "theme", "aria-label": t(lang, f"shell.theme.{other}")},
    )


def person(identity: Identity, lang: Lang) -> Component:
    name = identity.name_zh if lang == "zh-CN" else identity.name_en
    return html.Form(
        [
            icon("person"),
            html.Span(name, className="tf-person-name", title=t(lang, "shell.person")),
            dcc.Input(type="hidden", name="csrf", value=csrf_token(), id="shell-csrf"),
            html.Button(t(lang, "shell.sign_out"), type="submit", className="tf-button tf-button-quiet"),
        ],
        action="/sign-out",
        method="post",
        className="tf-person",
    )


def navigation(identity: Identity, lang: Lang) -> Component:
    """Links to the pages this person may open; ``command.js`` marks the one on screen."""
    pages = sorted(
        (page for page in PAGES.values() if can(identity, page.needs)), key=lambda page: page.order
    )
    return html.Nav(
        [
            dcc.Link(
                [icon(page.key), html.Span(t(lang, f"nav.{page.key}"), className="tf-nav-word")],
                href=page.path,
                className="tf-nav-item",
                title=t(lang, f"nav.{page.key}"),
            )
            for page in pages
        ]
        + [
            html.Div(
                [
                    html.Button(
                        icon("menu"),
                        type="button",
                        className="tf-icon-button tf-nav-fold tf-desk-only",
                        title=t(lang, "shell.fold"),
                        **{"data-tf-action": "nav", "aria-label": t(lang, "shell.fold")},
                    ),
                    html.Div(watermark(identity, lang), className="tf-nav-mark"),
                ],
                className="tf-nav-foot",
            )
        ],
        className="tf-nav",
        **{"aria-label": t(lang, "nav.label")},
    )


def watermark(identity: Identity, lang: Lang) -> str:
    """The classification line: whose view this is, so that a photograph of the screen can be traced."""
    area = name_of(default_area(scope_of(identity)), lang)
    return t(lang, "shell.watermark", name=identity.login, area=area)


def register_navigation() -> None:
    """Mark the link of the page on screen, in the browser."""
    clientside_callback(
        ClientsideFunction("tianfu", "mark_page"),
        Output("shell-path", "children"),
        Input("_pages_location", "pathname"),
    )
