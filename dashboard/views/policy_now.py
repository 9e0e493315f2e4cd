"""The policy in force at a glance: which version, whether it is proven, what comes, what waits."""

from __future__ import annotations

from datetime import datetime

from dash import html
from dash.development.base_component import Component

from dashboard.auth.rights import can
from dashboard.components.icon import icon
from dashboard.components.verdict import verdict_badge
from dashboard.i18n.numbers import format_time
from dashboard.publishing.emergency import Told
from dashboard.publishing.history import EnvelopeInfo
from dashboard.publishing.model import Change
from dashboard.publishing.verdict import NEEDS_A_PERSON
from dashboard.shell.context import Context
from dashboard.views.policy_desk import Desk, needs_review, waits_for
from dashboard.views.policy_inputs import act_button, act_panel

SENT_AGAIN = frozenset({"wiped", "older_head", "blocked", "conflict"})


def now_card(context: Context, desk: Desk) -> Component:
    """Version and verdict, the way of the last publication, what waits for whom."""
    t, judgement = context.t, desk.standing.judgement
    advice = judgement.advice(context.lang) if judgement.reason in NEEDS_A_PERSON else ""
    return html.Section(
        [
            html.Div(
                [
                    html.P(
                        [
                            html.Strong(t("shell.policy", version=desk.in_force.version)),
                            verdict_badge(judgement, context.lang),
                            emergency_badge(context, desk),
                        ],
                        className="tf-pol-now-head",
                    ),
                    html.P(judgement.sentence(context.lang)),
                    html.P(advice, className="tf-pol-advice") if advice else None,
                    again_panel(context, judgement.reason),
                    html.P(facts(context, desk), className="tf-dim"),
                ],
                className="tf-pol-now-state",
            ),
            html.Div(
                [
                    html.H3(t("screen.way")),
                    way(context, desk.newest),
                    schedule(context, desk),
                ],
                className="tf-pol-now-way",
            ),
            html.Div(
                [html.H3(t("screen.waits")), waiting(context, desk), told(context, desk.told)],
                className="tf-pol-now-waits",
            ),
        ],
        className="tf-card tf-pol-now-card",
        **{"aria-label": t("screen.now")},
    )


def facts(context: Context, desk: Desk) -> str:
    """Since when, by which envelope: what two people compare over the telephone."""
    since = desk.in_force.effective_since
    parts = [context.t("screen.since", at=moment(since, near=desk.at))] if since else []
    if desk.in_force.digest:
        parts.append(f"seq {desk.in_force.seq} · {desk.in_force.digest[:19]}…")
    return " · ".join(parts)


def moment(at: datetime, *, near: datetime) -> str:
    return format_time(at, near=near)


def emergency_badge(context: Context, desk: Desk) -> Component | None:
    """An emergency in force is never quiet: it says so and when it ends."""
    active = desk.active
    if active is None or active.expires_at is None:
        return None
    until = moment(active.expires_at, near=desk.at)
    return html.Span(
        [icon("alert"), context.t("screen.emergency.until", at=until)],
        className="tf-verdict tf-verdict-bad",
    )


def way(context: Context, newest: EnvelopeInfo | None) -> Component:
    """The way of the newest publication: signed, accepted, active, verified; each with its moment."""
    t = context.t
    if newest is None:
        return html.P(t("screen.way.none"), className="tf-dim")
    steps = (
        ("signed", newest.issued_at),
        ("accepted", newest.accepted_at),
        ("active", newest.active_at),
        ("verified", newest.verified_at),
    )
    held = newest.delivery in ("blocked", "foreign")
    return html.Div(
        [
            html.Ol(
                [
                    html.Li(
                        [
                            icon("on-time" if at else "pause"),
                            html.Span(t(f"screen.way.{name}")),
                            html.Span(f"{at:%H:%M:%S}" if at else "", className="tf-num tf-dim"),
                        ],
                        className="is-done" if at else "",
                        **{"data-tf-step-done": name if at else ""},
                    )
                    for name, at in steps
                ],
                className="tf-pol-way",
            ),
            html.P(
                t(
                    "screen.way.of",
                    version=newest.version,
                    kind=t(f"screen.kind.{newest.kind}"),
                    seq=newest.seq,
                ),
                className="tf-dim",
            ),
            html.P(
                [icon("alert"), newest.last_error or t(f"screen.held.{newest.delivery}")],
                className="tf-pol-advice",
            )
            if held
            else None,
        ]
    )


def schedule(context: Context, desk: Desk) -> Component | None:
    """What takes effect later, by itself, with the board down or not."""
    if not desk.pending:
        return None
    return html.Ul(
        [
            html.Li(
                [
                    icon("calendar"),
                    context.t(
                        "screen.scheduled",
                        version=entry.version,
                        at=entry.effective_at.strftime("%Y-%m-%d %H:%M"),
                    ),
                ]
            )
            for entry in desk.pending
        ],
        className="tf-pol-list",
    )


def waiting(context: Context, desk: Desk) -> Component:
    """The open changes, those that wait for this person first, each a link."""
    rows = [*desk.reviews_due, *(c for c in desk.changes if c not in desk.reviews_due)]
    mine = [c for c in rows if waits_for(context.identity, c)]
    others = [c for c in rows if c not in mine]
    if not rows:
        return html.P(context.t("screen.waits.none"), className="tf-dim")
    return html.Ul(
        [change_line(context, c, mine=True) for c in mine] + [change_line(context, c) for c in others],
        className="tf-pol-list",
    )


def change_line(context: Context, change: Change, *, mine: bool = False) -> Component:
    t = context.t
    state = "review_due" if needs_review(change) else change.state
    return html.Li(
        html.A(
            [
                html.Span(t(f"screen.state.{state}"), className=f"tf-pol-state tf-pol-state-{state}"),
                html.Span(
                    t(
                        "screen.change",
                        version=change.version,
                        kind=t(f"screen.kind.{change.kind}"),
                        author=change.author,
                    )
                ),
                html.Strong(t("screen.yours")) if mine else None,
            ],
            href=context.filters.query(change=change.id, view="edit"),
        )
    )


def told(context: Context, messages: tuple[Told, ...]) -> Component | None:
    """What was done past this person; it stays until it was read."""
    if not messages:
        return None
    return html.Ul(
        [
            html.Li(
                act_panel(
                    html.P(
                        [
                            icon("alert"),
                            html.Strong(context.t("screen.told.emergency")),
                            f" {one.at:%m-%d %H:%M} {one.detail}",
                        ]
                    ),
                    act_button("read", context.t("screen.told.read"), send={"alert": one.id}),
                )
            )
            for one in messages
        ],
        className="tf-pol-list tf-pol-told",
    )


def again_panel(context: Context, reason: str) -> Component | None:
    """Sending again what was lost or refused: a person decides, with the reason in sight."""
    if reason not in SENT_AGAIN or not can(context.identity, "publish"):
        return None
    t = context.t
    return act_panel(
        act_button("send_again", t("screen.send_again"), send={}, sure=t("screen.send_again.sure"))
    )
