"""The way from the province down to the area on screen."""

from __future__ import annotations

from dataclasses import dataclass

from dash import dcc, html
from dash.development.base_component import Component

from dashboard.i18n.catalogue import Lang, t


@dataclass(frozen=True)
class Crumb:
    """One level: its name and where it leads; the last one is the area on screen."""

    name: str
    href: str


def breadcrumbs(crumbs: tuple[Crumb, ...], *, lang: Lang) -> Component:
    """Links from the widest area down; the last is plain text marked as the current place."""
    items = [html.Li(dcc.Link(crumb.name, href=crumb.href)) for crumb in crumbs[:-1]]
    items += [html.Li(html.Span(crumb.name, **{"aria-current": "location"})) for crumb in crumbs[-1:]]
    return html.Nav(html.Ol(items), className="tf-crumbs", **{"aria-label": t(lang, "ui.breadcrumbs")})
