"""The reasons for a colour as the editor shows them: one line a reason, its other fields folded below."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import get_args

from dash import html
from dash.development.base_component import Component

from dashboard.components.badges import colour_badge
from dashboard.components.policy_words import path_words
from dashboard.policy.groups import HoldFrom, ReasonRow, Release
from dashboard.policy.model import Policy
from dashboard.publishing.typed import Scalar, base_value
from dashboard.shell.context import Context
from dashboard.views.policy_forms import source_part, sources_list
from dashboard.views.policy_inputs import (
    act_button,
    act_panel,
    choice_input,
    number_input,
    short_input,
    words_input,
)

NUMBERS = ("hold_days", "tests_required", "tests_min_gap_hours")


@dataclass(frozen=True)
class RowState:
    """One reason with what stands in its inputs. ``now`` is its row in force, None for a new reason."""

    code: str
    now: ReasonRow | None
    values: Mapping[str, Scalar | None]
    changed: bool
    removed: bool
    added: bool
    source: str
    note: str
    problems: Mapping[str, str]

    @property
    def path(self) -> str:
        return f"health_code.rows.{self.code}"


def list_rows(
    *, in_force: Policy, base: Policy, edits: Mapping[str, Scalar | None], problems: Mapping[str, str]
) -> tuple[RowState, ...]:
    """The reasons of the base in the order of the provincial table, then those that were added."""
    now = {row.reason_code: row for row in in_force.health_code.rows}
    added = [path.split(".")[2] for path, value in edits.items() if path.count(".") == 2 and value == "add"]
    codes = list(dict.fromkeys([*(row.reason_code for row in base.health_code.rows), *added]))
    return tuple(_state(code, now.get(code), base, edits, problems, added=code in added) for code in codes)


def _state(
    code: str,
    now: ReasonRow | None,
    base: Policy,
    edits: Mapping[str, Scalar | None],
    problems: Mapping[str, str],
    *,
    added: bool,
) -> RowState:
    path = f"health_code.rows.{code}"
    names = ("colour", "hold_from", "release", *NUMBERS, "zh", "en")
    values = {name: edits.get(f"{path}.{name}", base_value(base, f"{path}.{name}")) for name in names}
    inside = {
        where: words for where, words in problems.items() if where == path or where.startswith(f"{path}.")
    }
    return RowState(
        code=code,
        now=now,
        values=values,
        changed=any(where == path or where.startswith(f"{path}.") for where in edits),
        removed=edits.get(path) == "",
        added=added,
        source=str(edits.get(f"provenance.{path}") or base_value(base, f"provenance.{path}") or ""),
        note=str(edits.get(f"note.{path}", base_value(base, f"note.{path}")) or ""),
        problems=inside,
    )


def rows_form(
    context: Context, rows: tuple[RowState, ...], *, policy: Policy, editable: bool, send: dict[str, object]
) -> Component:
    """All reasons, and a fold that adds one; ``send`` names the change for the acts of a row."""
    return html.Div(
        [
            *(row_line(context, row, policy=policy, editable=editable, send=send) for row in rows),
            add_row(context, send) if editable else None,
            sources_list(context, policy) if editable else None,
        ],
        className="tf-pol-rows",
    )


def row_line(
    context: Context, row: RowState, *, policy: Policy, editable: bool, send: dict[str, object]
) -> Component:
    """One reason: colour, name, how it ends in force, its days; everything else folded."""
    t = context.t
    label = t("policy.health_code.hold_days")
    name = path_words(context.lang, row.path) if not row.added else str(row.values["zh"] or row.code)
    state = [word for word, is_so in (("is-changed", row.changed), ("is-removed", row.removed)) if is_so]
    shown = str(row.values["colour"] or "")
    return html.Div(
        [
            html.Div(
                [
                    html.Span(
                        [colour_badge(shown, context.lang), " ", html.Span(name, className="tf-pol-name")]
                    ),
                    html.Span(t("screen.row.removed"), className="tf-dim") if row.removed else None,
                ],
                className="tf-pol-what",
            ),
            html.Div(
                [
                    html.Span(t("screen.in_force"), className="tf-pol-label"),
                    html.Span(release_words(context, row.now), className="tf-num"),
                ],
                className="tf-pol-now",
            ),
            html.Div(
                [
                    html.Span(
                        [
                            number_input(
                                f"{row.path}.hold_days", row.values["hold_days"], label=f"{name} {label}"
                            )
                            if editable
                            else html.Span(str(row.values["hold_days"] or "—"), className="tf-num tf-strong"),
                            html.Span(t("policy.unit.days"), className="tf-pol-unit"),
                        ],
                        className="tf-pol-edit",
                    ),
                    *_problems(row, ("hold_days", "")),
                ],
                className="tf-pol-value",
            ),
            row_rest(context, row, policy=policy, send=send) if editable else None,
        ],
        className=" ".join(["tf-pol-row", *state]),
        **{"data-tf-row": row.path},
    )


def row_rest(context: Context, row: RowState, *, policy: Policy, send: dict[str, object]) -> Component:
    """The other fields of a reason, and the act that takes the reason out."""
    t = context.t

    def labelled(name: str, control: Component) -> Component:
        return html.Label([html.Span(t(f"policy.health_code.{name}"), className="tf-pol-label"), control])

    def choose(name: str, words: str, options: tuple[str, ...], *, none: bool = False) -> Component:
        choices = [("", t("screen.none"))] if none else []
        choices += [(option, t(f"{words}.{option}")) for option in options]
        text = t(f"policy.health_code.{name}")
        return labelled(
            name, choice_input(f"{row.path}.{name}", row.values[name] or "", choices=choices, label=text)
        )

    fields = [
        choose("colour", "colour", tuple(colour.id for colour in policy.colours)),
        choose("release", "release", get_args(Release), none=True),
        choose("hold_from", "holdfrom", get_args(HoldFrom)),
        *(
            labelled(
                name,
                number_input(
                    f"{row.path}.{name}", row.values[name], label=t(f"policy.health_code.{name}"), width=72
                ),
            )
            for name in NUMBERS[1:]
        ),
    ]
    names = [
        html.Label(
            [
                html.Span(t(f"screen.row.{lang}"), className="tf-pol-label"),
                words_input(f"{row.path}.{lang}", str(row.values[lang] or ""), label=t(f"screen.row.{lang}")),
            ]
        )
        for lang in ("zh", "en")
    ]
    act = "restore" if row.removed else "remove"
    return html.Details(
        [
            html.Summary(t("screen.row.more")),
            html.Div([*fields, *names], className="tf-pol-fields"),
            html.Div(_problems(row, ("colour", "release", "hold_from", *NUMBERS[1:], "zh", "en"))),
            source_part(context, row.path, row.source, row.note, policy=policy, editable=True),
            act_panel(
                act_button(
                    "edit",
                    t(f"screen.row.{act}"),
                    send={**send, "edits": {row.path: None if row.removed or row.added else ""}},
                    name=f"{act}-{row.code}",
                )
            ),
        ],
        className="tf-pol-source",
    )


def _problems(row: RowState, names: tuple[str, ...]) -> list[Component]:
    found = []
    for name in names:
        path = f"{row.path}.{name}" if name else row.path
        words = row.problems.get(path, "")
        found.append(
            html.Span(
                words,
                key=f"{path}!{words}",
                className="tf-pol-problem",
                role="alert",
                **{"data-tf-problem": path},
            )
        )
    return found


def add_row(context: Context, send: dict[str, object]) -> Component:
    """A fold that adds a reason; its fields are filled in its own line afterwards."""
    t = context.t
    return act_panel(
        html.Div(
            [
                short_input("reason_code", label=t("screen.row.code"), width=160),
                short_input("zh", label=t("screen.row.zh"), width=180),
                short_input("en", label=t("screen.row.en"), width=180),
            ],
            className="tf-pol-fields",
        ),
        html.P(t("screen.row.code.note"), className="tf-dim"),
        act_button("add_reason", t("screen.row.add"), send=send),
        title=t("screen.row.new"),
        folded=True,
    )


def release_words(context: Context, row: ReasonRow | None) -> str:
    """How a colour ends by the row in force; a reason that is not in force yet says so."""
    if row is None:
        return context.t("screen.not_stated")
    if row.release is None:
        return context.t("policy.release.none")
    key = f"policy.release.{row.release}" + ("" if row.hold_days is not None else ".open")
    start = context.t(f"policy.hold.{row.hold_from}")
    return context.t(key, days=row.hold_days, tests=row.tests_required, start=start)
