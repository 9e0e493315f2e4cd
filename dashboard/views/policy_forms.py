"""The form of one group of thresholds: in force beside edited, with unit, bounds, source and note of each."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from dash import dcc, html
from dash.development.base_component import Component

from dashboard.components.policy_words import source_words, value_words
from dashboard.policy.model import Policy
from dashboard.policy.store import load_presets
from dashboard.publishing.typed import Scalar
from dashboard.shell.context import Context
from dashboard.views.policy_fields import Field
from dashboard.views.policy_inputs import Choice, choice_input, number_input, words_input

SOURCES_LIST = "policy-sources"


def group_form(context: Context, fields: Sequence[Field], *, policy: Policy, editable: bool) -> Component:
    """All thresholds of a group; thresholds by key stand below the one name they share."""
    parts: list[Component | None] = []
    for _, same in groupby(fields, key=lambda field: field.name):
        rows = list(same)
        first = rows[0]
        if first.key:
            parts.append(
                html.Div(
                    [
                        html.H3(context.t(f"policy.{first.group}.{first.name}")),
                        html.P(context.t(f"policy.{first.group}.{first.name}.note"), className="tf-dim"),
                    ],
                    className="tf-pol-shared",
                )
            )
        parts += [field_row(context, field, policy=policy, editable=editable) for field in rows]
    return html.Div([*parts, sources_list(context, policy) if editable else None], className="tf-pol-rows")


def field_row(context: Context, field: Field, *, policy: Policy, editable: bool) -> Component:
    """One threshold. The problem line is always there, so that saving can fill it without drawing anew."""
    t = context.t
    name = field_name(context, field)
    state = ("is-changed" if field.changed else "", "is-wrong" if field.problem else "")
    return html.Div(
        [
            html.Div(
                [
                    html.Span(name, className="tf-pol-name"),
                    None
                    if field.key
                    else html.Span(t(f"policy.{field.group}.{field.name}.note"), className="tf-dim"),
                ],
                className="tf-pol-what",
            ),
            html.Div(
                [
                    html.Span(t("screen.in_force"), className="tf-pol-label"),
                    html.Span(value_words(context.lang, field.path, field.in_force), className="tf-num"),
                ],
                className="tf-pol-now",
            ),
            html.Div(
                [
                    html.Span(
                        [
                            field_input(context, field, label=name) if editable else None,
                            html.Span(
                                value_words(context.lang, field.path, field.edited) if field.changed else "",
                                className="tf-num tf-strong",
                            )
                            if not editable
                            else html.Span(unit_words(context, field), className="tf-pol-unit"),
                        ],
                        className="tf-pol-edit",
                    ),
                    html.Span(bounds_words(context, field), className="tf-dim"),
                    html.Span(
                        field.problem,
                        key=f"{field.path}!{field.problem}",
                        className="tf-pol-problem",
                        role="alert",
                        **{"data-tf-problem": field.path},
                    ),
                ],
                className="tf-pol-value",
            ),
            source_part(context, field.path, field.source, field.note, policy=policy, editable=editable),
        ],
        className=" ".join(["tf-pol-row", *(word for word in state if word)]),
        **{"data-tf-row": field.path},
    )


def field_name(context: Context, field: Field) -> str:
    """The threshold in words; one by key is named by its key, the shared name stands above."""
    if field.key:
        return context.t(f"{'feed' if field.group == 'feeds' else 'category'}.{field.key}")
    return context.t(f"policy.{field.group}.{field.name}")


def field_input(context: Context, field: Field, *, label: str) -> Component:
    """The input that fits the kind of the threshold."""
    if field.path == "risk_area.rule_set":
        # A rule set alone would contradict the numbers beside it: choosing one takes all of its values.
        return choice_input("preset", field.edited, choices=preset_choices(context), label=label)
    if field.kind == "choice":
        choices = [(word, value_words(context.lang, field.path, word)) for word in field.choices]
        return choice_input(field.path, field.edited, choices=choices, label=label)
    if field.kind == "switch":
        choices = [("true", context.t("policy.yes")), ("false", context.t("policy.no"))]
        return choice_input(field.path, field.edited, choices=choices, label=label)
    return number_input(field.path, field.edited, label=label)


def preset_choices(context: Context) -> list[Choice]:
    """The rule sets of the national plans, each with all of its values."""
    return [(name, context.t(f"ruleset.{name}")) for name in load_presets()]


def unit_words(context: Context, field: Field) -> str:
    return context.t(f"policy.unit.{field.unit}") if field.unit else ""


def bounds_words(context: Context, field: Field) -> str:
    if field.low is None or field.high is None or field.kind != "number":
        return ""
    return context.t("policy.page.bounds", low=f"{field.low:,}", high=f"{field.high:,}")


def source_part(
    context: Context, path: str, source: str, note: str, *, policy: Policy, editable: bool
) -> Component:
    """Legal source and note of one threshold, folded below it; both are edited and published like values."""
    t = context.t
    words = source_words(context.lang, policy, source)
    if not editable:
        said = [t("policy.page.source", source=words), *([t("screen.note.is", note=note)] if note else [])]
        return html.Div([html.Span(text, className="tf-dim") for text in said], className="tf-pol-source")
    return html.Details(
        [
            html.Summary(
                [
                    html.Span(t("policy.page.source", source=words), className="tf-pol-source-said"),
                    html.Span(t("screen.note.is", note=note), className="tf-pol-source-said")
                    if note
                    else None,
                ]
            ),
            html.Div(
                [
                    html.Label(
                        [html.Span(t("screen.source"), className="tf-pol-label"), source_input(path, words)]
                    ),
                    html.Label(
                        [
                            html.Span(t("screen.mark"), className="tf-pol-label"),
                            choice_input(
                                f"mark.{path}",
                                mark_of(policy, source),
                                choices=[(mark, t(f"mark.{mark}")) for mark in "spcu"],
                                label=t("screen.mark"),
                            ),
                        ]
                    ),
                    html.Label(
                        [
                            html.Span(t("screen.note"), className="tf-pol-label"),
                            words_input(f"note.{path}", note, label=t("screen.note"), rows=2),
                        ]
                    ),
                    *(
                        html.Span(className="tf-pol-problem", **{"data-tf-problem": f"{about}.{path}"})
                        for about in ("provenance", "mark", "note")
                    ),
                ],
                className="tf-pol-about",
            ),
        ],
        className="tf-pol-source",
    )


def mark_of(policy: Policy, source: str) -> Scalar | None:
    """How certain a source is; one that was just typed has no mark yet."""
    return next((known.mark for known in policy.sources if known.id == source), None)


def source_input(path: str, words: str) -> Component:
    """The source in words: one of the known ones, offered while typing, or a new one."""
    return html.Span(
        dcc.Input(type="text", value=words, list=SOURCES_LIST, autoComplete="off", className="tf-pol-line"),
        key=f"provenance.{path}={words}",
        className="tf-pol-input tf-pol-input-wide",
        **{"data-tf-path": f"provenance.{path}"},
    )


def sources_list(context: Context, policy: Policy) -> Component:
    """The known sources, for all source inputs of a form."""
    return html.Datalist(
        [html.Option(value=source_words(context.lang, policy, source.id)) for source in policy.sources],
        id=SOURCES_LIST,
    )
