"""The change at hand beside the fields: what it changes, what that does, the one next step, what was said."""

from __future__ import annotations

from datetime import timedelta

from dash import html
from dash.development.base_component import Component

from dashboard.auth.rights import can
from dashboard.components.icon import icon
from dashboard.components.policy_words import edit_words, path_words
from dashboard.publishing.model import Change, Note
from dashboard.shell.context import Context
from dashboard.shell.policy_pulse import sees_drafts
from dashboard.views.policy_desk import Desk, needs_review
from dashboard.views.policy_diff import diff_list, differences
from dashboard.views.policy_impact import impact_brief, impact_shown
from dashboard.views.policy_inputs import act_button, act_panel, moment_input, reason_input, short_input

AT_HAND = ("draft", "in_review", "approved", "suspended", "rejected")
OFF = "tf-card tf-pol-off"
TALK = ("draft", "approve")


def side_card(context: Context, desk: Desk) -> Component:
    """Everything about one change, or how to begin one."""
    if desk.change is None:
        # Who neither drafts nor decides has nothing to begin here; the fields take the room.
        return begin_card(context) if sees_drafts(context.identity) else html.Div(hidden=True, className=OFF)
    change = desk.change
    return html.Section(
        [
            html.Header(
                html.Div(
                    [
                        html.H2(
                            context.t(
                                "screen.change.title",
                                version=change.version,
                                kind=context.t(f"screen.kind.{change.kind}"),
                            ),
                            className="tf-card-title",
                        ),
                        html.P(byline(context, change), className="tf-card-unit"),
                    ],
                    className="tf-card-heading",
                ),
                className="tf-card-head",
            ),
            html.Div(
                [
                    html.Span(
                        context.t(f"screen.state.{change.state}"),
                        className=f"tf-pol-state tf-pol-state-{change.state}",
                        **{"data-tf-state": change.state},
                    ),
                    html.P(change.reason, className="tf-pol-quote") if change.reason else None,
                    rebase_plate(context, desk, change),
                    *changed_part(context, desk),
                    *impact_part(context, desk, change),
                    *next_steps(context, desk, change),
                    talk(context, desk, change),
                    *begin_another(context, desk),
                ],
                className="tf-card-body tf-pol-side",
            ),
        ],
        className="tf-card",
    )


def impact_part(context: Context, desk: Desk, change: Change) -> list[Component | None]:
    """The impact in a few lines, while it can still be decided on."""
    if desk.draft is None or change.state not in AT_HAND:
        return []
    return [html.H3(context.t("screen.impact")), impact_brief(context, desk)]


def byline(context: Context, change: Change) -> str:
    parts = [context.t("screen.by", author=change.author, at=f"{change.updated_at:%m-%d %H:%M}")]
    if change.approved_by:
        parts.append(context.t("screen.approved_by", who=change.approved_by))
    return " · ".join(parts)


def begin_card(context: Context) -> Component:
    """Nothing is at work: who may begin a change can do so here; everybody else reads."""
    t = context.t
    parts: list[Component | None] = [html.P(t("screen.no_change"), className="tf-dim")]
    if can(context.identity, "draft"):
        begin = act_button("open", t("screen.begin"), send={"kind": "normal"}, primary=True)
        parts.append(act_panel(begin))
    parts.append(emergency_fold(context))
    return html.Section(
        [
            html.Header(
                html.H2(t("screen.change.none"), className="tf-card-title"), className="tf-card-head"
            ),
            html.Div(parts, className="tf-card-body tf-pol-side"),
        ],
        className="tf-card",
    )


def begin_another(context: Context, desk: Desk) -> list[Component | None]:
    """Beside somebody else's change a person may still begin one, above all in an emergency."""
    if any(c.author_id == context.identity.account_id and c.state in AT_HAND for c in desk.changes):
        return []
    again = None
    if can(context.identity, "draft"):
        begin = act_button("open", context.t("screen.begin.own"), send={"kind": "normal"}, name="own")
        again = act_panel(begin)
    return [again, emergency_fold(context)]


def emergency_fold(context: Context) -> Component | None:
    """How an emergency is begun: folded, so that nobody gets there by a slip."""
    if not can(context.identity, "emergency"):
        return None
    t = context.t
    return act_panel(
        html.P(t("screen.emergency.note"), className="tf-dim"),
        act_button("open", t("screen.emergency.begin"), send={"kind": "emergency"}, name="emergency"),
        title=t("screen.emergency"),
        folded=True,
    )


def changed_part(context: Context, desk: Desk) -> list[Component | None]:
    """The diff against what is in force, and against the base where the base is something else."""
    t, change = context.t, desk.change
    if change is None or desk.edited is None:
        return []
    problems = desk.edited.problems
    parts: list[Component | None] = []
    if problems:
        parts.append(
            html.Div(
                [
                    html.Strong(t("screen.problems", n=len(problems))),
                    html.Ul(
                        [
                            html.Li(f"{path_words(context.lang, p.path)}：{p.text(context.lang)}")
                            for p in problems[:8]
                        ]
                    ),
                ],
                className="tf-pol-problems",
                role="status",
            )
        )
    shown = desk.edited.policy or desk.edited.partial
    if shown is None:
        return [*parts, html.P(t("screen.diff.none"), className="tf-dim")]
    if change.state not in AT_HAND:
        # It was published or given up: what it changed then is what is of interest, not what it would change.
        found = differences(change.base, shown)
        parts.append(html.H3(t("screen.diff.base", version=change.base.version, n=len(found))))
        return [*parts, diff_list(context, found, before=change.base, after=shown)]
    now = desk.in_force.policy
    found = differences(now, shown)
    parts.append(html.H3(t("screen.diff", version=desk.in_force.version, n=len(found))))
    parts.append(
        diff_list(context, found, before=now, after=shown)
        if found
        else html.P(t("screen.diff.same"), className="tf-dim")
    )
    if change.base.version != desk.in_force.version:
        more = differences(change.base, shown)
        parts.append(
            html.Details(
                [
                    html.Summary(t("screen.diff.base", version=change.base.version, n=len(more))),
                    diff_list(context, more, before=change.base, after=shown),
                ]
            )
        )
    return parts


def rebase_plate(context: Context, desk: Desk, change: Change) -> Component | None:
    """The policy moved on: what was drafted has to be put on what is published now."""
    if not desk.is_stale:
        return None
    t = context.t
    may = change.author_id == context.identity.account_id or can(context.identity, "draft")
    button = act_button("rebase", t("screen.rebase"), send=sends(change), primary=True)
    return html.Div(
        [
            html.P([icon("alert"), t("screen.stale", base=change.base.version)]),
            act_panel(button) if may and change.state in ("draft", "suspended") else None,
        ],
        className="tf-pol-plate",
        role="status",
    )


def sends(change: Change) -> dict[str, object]:
    """What every act of a change carries: which one, and the row version that was seen."""
    return {"change": change.id, "row_version": change.row_version}


def next_steps(context: Context, desk: Desk, change: Change) -> list[Component | None]:
    """The one primary step of this person in this state, and the quiet ones beside it."""
    identity, t = context.identity, context.t
    author = change.author_id == identity.account_id
    stranger = identity.account_id not in (change.author_id, *change.editors)
    send, ready = sends(change), desk.draft is not None and not desk.is_stale
    parts: list[Component | None] = []
    if author and change.state == "draft" and change.kind != "emergency":
        parts.append(ask_panel(context, change, ready=ready))
    if author and change.state == "draft" and change.kind == "emergency":
        parts.append(emergency_panel(context, change, ready=ready and bool(change.edits)))
    if change.state == "approved" and can(identity, "publish") and stranger:
        parts.append(publish_panel(context, desk, change, ready=ready))
    if change.state in ("in_review", "approved") and can(identity, "approve"):
        parts.append(
            review_panel(context, desk, change, ready=ready)
            if stranger
            else html.P(t("screen.own"), className="tf-dim")
        )
    if needs_review(change) and can(identity, "approve") and stranger:
        parts.append(after_panel(context, change))
    if author and change.state == "rejected":
        parts.append(act_panel(act_button("reopen", t("screen.reopen"), send=send, primary=True)))
    if author and change.state in ("in_review", "approved") and change.kind != "rollback":
        parts.append(act_panel(act_button("withdraw", t("screen.withdraw"), send=send)))
    if author and change.state in ("draft", "in_review", "approved", "suspended"):
        button = act_button("discard", t("screen.discard"), send=send, sure=t("screen.discard.sure"))
        parts.append(act_panel(button))
    return parts


def ask_panel(context: Context, change: Change, *, ready: bool) -> Component:
    t = context.t
    if not change.edits:
        return html.P(t("screen.edit.first"), className="tf-dim")
    if not ready:
        return html.P(t("screen.not_ready"), className="tf-dim")
    return act_panel(
        reason_input("reason", label=t("screen.why"), placeholder=t("screen.why.hint")),
        act_button("ask_review", t("screen.ask"), send=sends(change), primary=True),
    )


def review_panel(context: Context, desk: Desk, change: Change, *, ready: bool) -> Component:
    """Approve or decline; the approval carries the draft and the impact that stand on this very screen."""
    t, send = context.t, sends(change)
    shown = impact_shown(context, desk) if ready else None
    approve = None
    if change.state == "in_review" and shown is not None:
        bound = {
            "draft_digest": change.digest or "",
            "impact_snapshot": shown.snapshot_id,
            "impact_digest": shown.digest,
        }
        approve = act_button("approve", t("screen.approve"), send={**send, **bound}, primary=True)
    return act_panel(
        reason_input("reason", label=t("screen.reason"), placeholder=t("screen.reason.hint")),
        html.Div(
            [approve, act_button("decline", t("screen.decline"), send=send)], className="tf-pol-buttons"
        ),
        html.P(
            t("screen.bound", digest=(change.digest or "")[7:15], snapshot=shown.snapshot_id),
            className="tf-dim",
        )
        if shown is not None and approve is not None
        else None,
    )


def publish_panel(context: Context, desk: Desk, change: Change, *, ready: bool) -> Component | None:
    if not ready:
        return None
    t, send = context.t, sends(change)
    now = act_button("publish", t("screen.publish"), send=send, primary=True, name="now")
    if change.kind == "rollback":
        return act_panel(now)
    return html.Div(
        [
            act_panel(now),
            act_panel(
                moment_input(
                    "effective_at", label=t("screen.effective_at"), earliest=desk.at + timedelta(minutes=1)
                ),
                html.P(t("screen.effective_at.note"), className="tf-dim"),
                act_button("publish", t("screen.schedule"), send=send, name="later"),
                title=t("screen.later"),
                folded=True,
            ),
        ],
        className="tf-pol-publish",
    )


def emergency_panel(context: Context, change: Change, *, ready: bool) -> Component:
    t = context.t
    if not ready:
        return html.P(t("screen.emergency.edit"), className="tf-dim")
    return html.Div(
        [
            html.P([icon("alert"), t("screen.emergency.note")]),
            act_panel(
                reason_input("reason", label=t("screen.emergency.why"), least=20),
                short_input("hours", label=t("screen.emergency.hours"), width=72, value="24"),
                act_button(
                    "emergency",
                    t("screen.emergency.publish"),
                    send=sends(change),
                    primary=True,
                    sure=t("screen.emergency.sure"),
                ),
            ),
        ],
        className="tf-pol-plate",
    )


def after_panel(context: Context, change: Change) -> Component:
    """The review that must follow an emergency within a day."""
    t, due = context.t, change.review_due_at
    return act_panel(
        html.P(t("screen.review.due", at=f"{due:%m-%d %H:%M}" if due else "")),
        reason_input("reason", label=t("screen.review.found")),
        act_button("review", t("screen.review.done"), send=sends(change), primary=True),
    )


def talk(context: Context, desk: Desk, change: Change) -> Component:
    """What was said and done, the newest first, and a line to say something."""
    t = context.t
    may = any(can(context.identity, right) for right in TALK)  # type: ignore[arg-type]
    box = act_panel(
        reason_input("text", label=t("screen.comment")),
        act_button("comment", t("screen.comment.send"), send={"change": change.id}),
        title=t("screen.comment.new"),
        folded=True,
    )
    return html.Div(
        [
            html.H3(t("screen.talk")),
            box if may and change.state != "cancelled" else None,
            html.Ol([note(context, one) for one in reversed(desk.notes[-60:])], className="tf-pol-notes"),
        ]
    )


def note(context: Context, one: Note) -> Component:
    said = edit_words(context.lang, one.text) if one.act == "edit" else one.text
    return html.Li(
        [
            html.Span(
                f"{one.at:%m-%d %H:%M} {one.actor} {context.t(f'screen.act.{one.act}')}", className="tf-dim"
            ),
            html.P(said) if said else None,
        ],
        className=f"tf-pol-note tf-pol-note-{one.act}",
    )
