"""The middle of the policy page: the list of groups, and the fields of the one that is chosen."""

from __future__ import annotations

from dash import html
from dash.development.base_component import Component

from dashboard.components.badges import colour_badge
from dashboard.shell.context import Context
from dashboard.shell.policy_pulse import read_pulse
from dashboard.views.policy_cities import cities_form
from dashboard.views.policy_desk import Desk, is_editable
from dashboard.views.policy_fields import CITIES, EDIT_GROUPS, count_by_group, list_fields
from dashboard.views.policy_forms import group_form
from dashboard.views.policy_rows import list_rows, rows_form

GROUPS_SHOWN = (*EDIT_GROUPS, CITIES)
VIEWS = ("edit", "impact", "history")
# What policy.js says by itself while nothing is asked of the server.
WORDS = ("unsaved", "saving", "saved", "offline", "stopped", "refused", "mine", "theirs")


def browser_words(context: Context) -> Component:
    """The words of ``policy.js`` in the reader's language, and the pulse that its cards are drawn after."""
    words = {f"data-{word}": context.t(f"screen.js.{word}") for word in WORDS}
    pulse = read_pulse(context.identity)
    return html.Div(hidden=True, **{"data-tf-policy-words": "1", "data-tf-pulse": pulse, **words})


def view_links(context: Context, desk: Desk) -> Component:
    """Fields, impact, history: three views of the same page."""
    now = context.filters.options["view"]
    return html.Nav(
        [
            html.A(
                context.t(f"screen.view.{view}"),
                href=context.filters.query(view=view),
                className="tf-pol-tab",
                **({"aria-current": "page"} if view == now else {}),
            )
            for view in VIEWS
            if view != "impact" or desk.change is not None
        ],
        className="tf-pol-tabs",
        **{"aria-label": context.t("screen.views")},
    )


def group_list(context: Context, desk: Desk) -> Component:
    """The groups with how many fields are changed in each, and whether something is wrong there."""
    counts = count_by_group(desk.edits)
    wrong = count_by_group(p.path for p in desk.edited.problems) if desk.edited else {}
    now = context.filters.options["group"]
    return html.Ul(
        [
            html.Li(
                html.A(
                    [
                        html.Span(context.t("screen.cities" if group == CITIES else f"policy.{group}")),
                        html.Span(
                            str(counts[group]),
                            className="tf-pol-count",
                            title=context.t("screen.changed", n=counts[group]),
                        )
                        if counts.get(group)
                        else None,
                        html.Span("!", className="tf-pol-wrong", title=context.t("screen.wrong"))
                        if wrong.get(group)
                        else None,
                    ],
                    href=context.filters.query(group=group, view="edit"),
                    **({"aria-current": "true"} if group == now else {}),
                )
            )
            for group in GROUPS_SHOWN
        ],
        className="tf-pol-groups",
    )


def form_card(context: Context, desk: Desk) -> Component:
    """The fields of the chosen group. Its root tells the browser which change is typed into."""
    group, t = context.filters.options["group"], context.t
    change, editable = desk.change, is_editable(context.identity, desk.change)
    marks = (
        {
            "data-tf-change": change.id,
            "data-tf-row-version": str(change.row_version),
            "data-tf-login": context.identity.login,
        }
        if change is not None and editable
        else {}
    )
    name = t("screen.cities" if group == CITIES else f"policy.{group}")
    about = t("screen.cities.note" if group == CITIES else f"policy.{group}.note")
    return html.Section(
        [
            html.Header(
                [
                    html.Div(
                        [
                            html.H2(name, className="tf-card-title"),
                            html.P(about, className="tf-card-unit"),
                        ],
                        className="tf-card-heading",
                    ),
                    html.Div(
                        html.Span(className="tf-pol-saved", role="status", **{"data-tf-save-state": ""})
                        if editable
                        else html.Span(read_only_words(context, desk), className="tf-dim"),
                        className="tf-card-tools",
                    ),
                ],
                className="tf-card-head",
            ),
            html.Div(hidden=True, className="tf-pol-plate", role="alert", **{"data-tf-conflict": "1"}),
            _fields(context, desk, group, editable=editable),
        ],
        className="tf-card tf-pol-form",
        key=f"{change.id if change else ''}-{group}-{context.filters.options.get('touched', '')}",
        **marks,
    )


def read_only_words(context: Context, desk: Desk) -> str:
    """Why nothing can be typed here."""
    if desk.change is None:
        return context.t("screen.read_only", version=desk.in_force.version)
    return context.t("screen.read_only.change", state=context.t(f"screen.state.{desk.change.state}"))


def _fields(context: Context, desk: Desk, group: str, *, editable: bool) -> Component:
    change = desk.change
    base = change.target or change.base if change else desk.in_force.policy
    problems = {p.path: p.text(context.lang) for p in desk.edited.problems} if desk.edited else {}
    send: dict[str, object] = (
        {"change": change.id, "row_version": change.row_version} if change is not None else {}
    )
    now = desk.in_force.policy
    if group == CITIES:
        return cities_form(
            context,
            policy=base,
            in_force=now,
            edits=desk.edits,
            problems=problems,
            editable=editable,
            send=send,
        )
    if group == "health_code":
        rows = list_rows(in_force=now, base=base, edits=desk.edits, problems=problems)
        return html.Div(
            [
                html.Div(
                    [colour_badge(colour.id, context.lang) for colour in base.colours],
                    className="tf-badges tf-pol-colours",
                ),
                rows_form(context, rows, policy=base, editable=editable, send=send),
            ]
        )
    fields = list_fields(group, in_force=now, base=base, edits=desk.edits, problems=problems)
    return group_form(context, fields, policy=base, editable=editable)
