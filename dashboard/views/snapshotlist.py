"""The stored snapshots, and for an administrator the way to serve another one."""

from __future__ import annotations

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
    acts = can(context.identity, "administer") and not context.board.settings.object_store
    heads = ("data_time", "state", "built", "id", *(("act",) if acts else ()))
    return html.Div(
        [
            html.Table(
                [
                    html.Thead(
                        html.Tr([html.Th(t(f"feeds.snapshots.{head}"), scope="col") for head in heads])
                    ),
                    html.Tbody([_line(context, one, acts=acts) for one in listed]),
                ],
                className="tf-snapshots",
            ),
            _question(context) if acts else None,
            html.P(t("feeds.snapshots.elsewhere"), className="tf-dim tf-card-note")
            if context.board.settings.object_store and can(context.identity, "administer")
            else None,
        ]
    )


def _line(context: Context, one: Listed, *, acts: bool) -> Component:
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
            html.Td(words, className="tf-snapshot-state"),
            html.Td(f"{manifest.built_at:%Y-%m-%d %H:%M}" if manifest else "—", className="tf-num"),
            html.Td(one.id, className="tf-num tf-dim"),
            *([html.Td(_button(context, one))] if acts else []),
        ],
        className=f"tf-snapshot-{state}",
        title=one.id,
    )


def _button(context: Context, one: Listed) -> Component | None:
    if one.current or one.manifest is None:
        return None
    return html.Button(
        context.t("feeds.snapshots.serve"),
        type="button",
        className="tf-button",
        **{"data-tf-serve": one.id, "aria-label": f"{context.t('feeds.snapshots.serve')} {one.id}"},
    )


def _question(context: Context) -> Component:
    """Whether it is meant; ``feeds.js`` opens it, posts the answer and shows what came of it."""
    t = context.t
    return html.Dialog(
        [
            html.H2(t("feeds.snapshots.serve"), id="feeds-serve-title"),
            html.P(id="feeds-serve-id", className="tf-num"),
            html.P(t("feeds.snapshots.confirm.text")),
            html.P(id="feeds-serve-said", role="status"),
            html.Div(
                [
                    html.Button(
                        t("feeds.snapshots.confirm.no"),
                        type="button",
                        className="tf-button tf-button-quiet",
                        **{"data-tf-serve-no": ""},
                    ),
                    html.Button(
                        t("feeds.snapshots.confirm.yes"),
                        type="button",
                        className="tf-button tf-button-primary",
                        **{"data-tf-serve-yes": ""},
                    ),
                ],
                className="tf-serve-buttons",
            ),
        ],
        id="feeds-serve",
        className="tf-serve",
        **{"aria-labelledby": "feeds-serve-title"},
    )
