"""What was published: every version with who stands behind it, any two compared, the way back."""

from __future__ import annotations

from dash import html
from dash.development.base_component import Component
from sqlalchemy import Connection

from dashboard.auth.rights import can
from dashboard.components.states import empty_state
from dashboard.components.tables import ColumnSpec, Value, data_table
from dashboard.errors import PolicyError
from dashboard.policy.model import Policy
from dashboard.publishing.history import EnvelopeInfo, Spell, list_envelopes, list_spells
from dashboard.publishing.stand import read_version
from dashboard.shell.context import Context
from dashboard.shell.desk import store_of_board
from dashboard.shell.exports import TableData
from dashboard.views.menus import export_menu
from dashboard.views.policy_desk import Desk
from dashboard.views.policy_diff import diff_list, differences
from dashboard.views.policy_inputs import act_button, act_panel, pick_input, reason_input


def read_history() -> tuple[tuple[EnvelopeInfo, ...], tuple[Spell, ...]]:
    """The publications, the newest first, and which version was in force when."""
    database, clock = store_of_board()
    with database.read() as connection:
        return list_envelopes(connection), list_spells(connection, clock())


def history_table(context: Context) -> TableData:
    """One row a publication, the same on screen and in the export."""
    t = context.t
    envelopes, _ = read_history()
    columns = (
        ColumnSpec("version", t("screen.column.version"), kind="number", min_width=72),
        ColumnSpec("kind", t("screen.column.kind"), min_width=64),
        ColumnSpec("effective", t("screen.column.effective"), min_width=140),
        ColumnSpec("drafted", t("screen.column.drafted"), min_width=84, hide_on_phone=True),
        ColumnSpec("approved", t("screen.column.approved"), min_width=100, hide_on_phone=True),
        ColumnSpec("delivery", t("screen.column.delivery"), min_width=86),
        ColumnSpec("reason", t("screen.column.reason"), min_width=110, wrap=True, hide_on_phone=True),
        ColumnSpec("digest", t("screen.column.digest"), min_width=106, hide_on_phone=True),
    )
    rows: list[dict[str, Value]] = [_row(context, one) for one in envelopes]
    return TableData(t("screen.history"), columns, rows)


def _row(context: Context, one: EnvelopeInfo) -> dict[str, Value]:
    t = context.t
    reached = next(
        (
            name
            for name, at in (
                ("verified", one.verified_at),
                ("active", one.active_at),
                ("accepted", one.accepted_at),
            )
            if at
        ),
        "signed",
    )
    held = one.delivery in ("blocked", "foreign")
    return {
        "version": one.version,
        "kind": t(f"screen.kind.{one.kind}"),
        "effective": one.effective_at.strftime("%Y-%m-%d %H:%M")
        + (f" – {one.expires_at:%m-%d %H:%M}" if one.expires_at else ""),
        "drafted": one.drafted_by or "—",
        "approved": one.approved_by or "—",
        "delivery": t(f"screen.held.{one.delivery}") if held else t(f"screen.way.{reached}"),
        "reason": one.reason or "—",
        "digest": f"{one.seq} · {one.digest[7:15]}",
    }


def history_view(context: Context, desk: Desk) -> Component:
    """The table, the comparison of two versions, and the form of a rollback."""
    table = history_table(context)
    t = context.t
    _, spells = read_history()
    if not table.rows:
        return html.Section(
            empty_state(why=t("screen.history.none"), todo=t("screen.history.none.todo")), className="tf-card"
        )
    return html.Div(
        [
            html.Section(
                [
                    html.Header(
                        [
                            html.H2(table.title, className="tf-card-title"),
                            html.Div(export_menu(context, "policy", "history"), className="tf-card-tools"),
                        ],
                        className="tf-card-head",
                    ),
                    html.Div(
                        data_table(
                            id="policy-history-table",
                            columns=table.columns,
                            rows=table.rows,
                            lang=context.lang,
                            label=table.title,
                            height=min(340, 100 + 33 * len(table.rows)),
                        ),
                        className="tf-card-body",
                    ),
                ],
                className="tf-card",
            ),
            compare_card(context, desk, [int(str(row["version"])) for row in table.rows]),
            rollback_card(context, desk, spells),
        ],
        className="tf-stack tf-pol-wide",
    )


def compare_card(context: Context, desk: Desk, versions: list[int]) -> Component:
    """Any two versions beside each other; what is in force with what was before it, to begin with."""
    t = context.t
    known = sorted(set(versions), reverse=True)
    after = _chosen(context, "b", known, default=desk.in_force.version)
    earlier = [version for version in known if version < after]
    before = _chosen(context, "a", known, default=earlier[0] if earlier else known[-1])
    choices = [(str(v), t("shell.policy", version=v)) for v in known]
    return html.Section(
        [
            html.Header(html.H2(t("screen.compare"), className="tf-card-title"), className="tf-card-head"),
            html.Div(
                [
                    html.Div(
                        [
                            pick_input("a", choices=choices, label=t("screen.compare.a"), value=str(before)),
                            pick_input("b", choices=choices, label=t("screen.compare.b"), value=str(after)),
                        ],
                        className="tf-pol-fields",
                        key=f"{before}-{after}",
                        **{"data-tf-words": "1"},
                    ),
                    compared(context, before, after),
                ],
                className="tf-card-body",
            ),
        ],
        className="tf-card",
    )


def compared(context: Context, before: int, after: int) -> Component:
    """The differing fields of two versions; versions that say the same say so."""
    database, _ = store_of_board()
    try:
        with database.read() as connection:
            old, new = _read(connection, before, after)
    except PolicyError as error:
        return html.P(context.t(error.key, **error.values) if error.key else error.what, className="tf-dim")
    found = differences(old, new)
    if not found:
        return html.P(context.t("screen.compare.same"), className="tf-dim")
    return diff_list(context, found, before=old, after=new)


def _read(connection: Connection, before: int, after: int) -> tuple[Policy, Policy]:
    return read_version(connection, before), read_version(connection, after)


def _chosen(context: Context, word: str, known: list[int], *, default: int) -> int:
    text = context.filters.options.get(word, "")
    return int(text) if text and int(text) in known else default


def rollback_card(context: Context, desk: Desk, spells: tuple[Spell, ...]) -> Component | None:
    """Going back: the old text under a new signature, approved and published by a second person."""
    if not (can(context.identity, "publish") or can(context.identity, "draft")):
        return None
    t = context.t
    now = desk.active.version if desk.active else 0
    versions = sorted(
        {s.version for s in spells if s.since <= desk.at and (s.version != now or desk.pending)}
    )
    if not versions:
        return None
    choices = [(str(v), t("shell.policy", version=v)) for v in reversed(versions)]
    return html.Section(
        [
            html.Header(html.H2(t("screen.rollback"), className="tf-card-title"), className="tf-card-head"),
            html.Div(
                act_panel(
                    html.P(t("screen.rollback.note"), className="tf-dim"),
                    pick_input("version", choices=choices, label=t("screen.rollback.to")),
                    reason_input("reason", label=t("screen.why")),
                    act_button("rollback", t("screen.rollback.ask"), send={}),
                ),
                className="tf-card-body",
            ),
        ],
        className="tf-card",
    )
