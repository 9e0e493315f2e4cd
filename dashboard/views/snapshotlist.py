"""The stored snapshots, and for an administrator the way to serve another one."""

from __future__ import annotations

import dash_mantine_components as dmc
from dash import html
from dash.development.base_component import Component

from dashboard.auth.rights import can
from dashboard.shell.context import Context
from dashboard.snapshot.publish import Listed, list_snapshots

MOST_LINES = 30


def snapshot_list(context: Context) -> Component:
    """The newest snapshots in a table: both clocks, findings, which one is in service."""
    t = context.t
    listed = list_snapshots(context.board.store.root)[:MOST_LINES]
    heads = ("data_time", "state", "built", "id")
    return html.Div(
        [
            html.Table(
                [
                    html.Thead(
                        html.Tr([html.Th(t(f"feeds.snapshots.{head}"), scope="col") for head in heads])
                    ),
                    html.Tbody([_line(context, one) for one in listed]),
                ],
                className="tf-snapshots",
            ),
            _chooser(context, [one for one in listed if one.manifest is not None and not one.current])
            if can(context.identity, "administer")
            else None,
        ]
    )


def _line(context: Context, one: Listed) -> Component:
    t, manifest = context.t, one.manifest
    state = "current" if one.current else "stored" if manifest else "broken"
    words: list[Component | str] = [t(f"feeds.snapshots.{state}")]
    if manifest and manifest.warnings:
        words.append(
            html.Span(
                "▲ " + t("feeds.snapshots.warnings", n=len(manifest.warnings)), className="tf-snapshot-warn"
            )
        )
    return html.Tr(
        [
            html.Td(f"{manifest.data_time:%Y-%m-%d %H:%M}" if manifest else "—", className="tf-num"),
            html.Td(words),
            html.Td(f"{manifest.built_at:%Y-%m-%d %H:%M}" if manifest else "—", className="tf-num"),
            html.Td(one.id, className="tf-num tf-dim"),
        ],
        className=f"tf-snapshot-{state}",
    )


def _chooser(context: Context, others: list[Listed]) -> Component | None:
    """A list to choose from, a button, and the question whether it is meant."""
    t = context.t
    if context.board.settings.object_store:
        return html.P(t("feeds.snapshots.elsewhere"), className="tf-dim")
    if not others:
        return None
    choices = [
        {"value": one.id, "label": f"{one.manifest.data_time:%Y-%m-%d %H:%M} · {one.id}"}
        for one in others
        if one.manifest
    ]
    return html.Div(
        [
            dmc.Select(
                id="feeds-serve-choice",
                data=choices,
                value=choices[0]["value"],
                allowDeselect=False,
                size="sm",
                label=t("feeds.snapshots.serve"),
                className="tf-serve-choice",
            ),
            html.Button(
                t("feeds.snapshots.serve"), id="feeds-serve-open", type="button", className="tf-button"
            ),
            dmc.Modal(
                [
                    html.P(t("feeds.snapshots.confirm.text")),
                    html.Div(
                        [
                            html.Button(
                                t("feeds.snapshots.confirm.no"),
                                id="feeds-serve-no",
                                type="button",
                                className="tf-button tf-button-quiet",
                            ),
                            html.Button(
                                t("feeds.snapshots.confirm.yes"),
                                id="feeds-serve-yes",
                                type="button",
                                className="tf-button tf-button-primary",
                            ),
                        ],
                        className="tf-serve-buttons",
                    ),
                ],
                id="feeds-serve-modal",
                opened=False,
                centered=True,
                title=t("feeds.snapshots.serve"),
                closeButtonProps={"aria-label": t("feeds.snapshots.confirm.no")},
            ),
            html.P(id="feeds-serve-said", className="tf-serve-said", role="status"),
        ],
        className="tf-serve",
    )
