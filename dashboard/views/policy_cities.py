"""City overrides: how far a city may move a threshold, and which city moved which."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dash import html
from dash.development.base_component import Component

from dashboard.components.policy_words import city_words, path_words, value_words
from dashboard.policy.model import GROUPS, Policy
from dashboard.publishing.typed import Scalar, base_value
from dashboard.shell.context import Context
from dashboard.views.policy_inputs import act_button, act_panel, number_input, pick_input, short_input
from geo.areas import all_areas


@dataclass(frozen=True)
class BoundsState:
    """How far cities may move one threshold; both ends None where it is one rule for the whole province."""

    path: str
    province: Scalar | None
    low: Scalar | None
    high: Scalar | None
    changed: bool


@dataclass(frozen=True)
class OverrideState:
    """One city's own value; ``removed`` is one that the draft takes back."""

    area: str
    path: str
    value: Scalar | None
    in_force: Scalar | None
    changed: bool
    removed: bool


def bounded_paths(policy: Policy) -> tuple[str, ...]:
    """The thresholds that a city may have a value of its own for: single whole numbers."""
    return tuple(
        f"{group}.{name}"
        for group, kind in GROUPS.items()
        for name in kind.model_fields
        if isinstance(value := getattr(getattr(policy, group), name), int) and not isinstance(value, bool)
    )


def list_bounds(policy: Policy, edits: Mapping[str, Scalar | None]) -> tuple[BoundsState, ...]:
    """The bounds that the draft states, those of the base and the edited ones."""
    edited = {
        path.split(".", 1)[1].rpartition(".")[0] for path in edits if path.startswith("override_bounds.")
    }
    return tuple(
        BoundsState(
            path=path,
            province=edits.get(path, base_value(policy, path)),
            low=_at(policy, edits, f"override_bounds.{path}.override_min"),
            high=_at(policy, edits, f"override_bounds.{path}.override_max"),
            changed=path in edited,
        )
        for path in bounded_paths(policy)
        if path in policy.override_bounds or path in edited
    )


def list_overrides(
    policy: Policy, in_force: Policy, edits: Mapping[str, Scalar | None]
) -> tuple[OverrideState, ...]:
    """Every override of base and draft, by city."""
    paths = [f"overrides.{o.area}.{o.path}" for o in policy.overrides]
    paths += [path for path in edits if path.startswith("overrides.") and path not in paths]
    found = []
    for path in sorted(paths):
        _, area, where = path.split(".", 2)
        value = _at(policy, edits, path)
        found.append(
            OverrideState(
                area=area,
                path=where,
                value=value,
                in_force=base_value(in_force, path),
                changed=path in edits,
                removed=value == "",
            )
        )
    return tuple(found)


def _at(policy: Policy, edits: Mapping[str, Scalar | None], path: str) -> Scalar | None:
    return edits[path] if path in edits else base_value(policy, path)


def cities_form(
    context: Context,
    *,
    policy: Policy,
    in_force: Policy,
    edits: Mapping[str, Scalar | None],
    problems: Mapping[str, str],
    editable: bool,
    send: dict[str, object],
) -> Component:
    """The bounds first, because without them no city may have a value of its own; then the overrides."""
    t = context.t
    bounds, overrides = list_bounds(policy, edits), list_overrides(policy, in_force, edits)
    return html.Div(
        [
            html.H3(t("screen.bounds")),
            html.P(t("screen.bounds.note"), className="tf-dim"),
            *(bounds_row(context, row, problems, editable=editable) for row in bounds),
            None if bounds else html.P(t("screen.bounds.none"), className="tf-dim"),
            add_bounds(context, policy, {row.path for row in bounds}, send) if editable else None,
            html.H3(t("screen.overrides")),
            *(override_row(context, row, problems, editable=editable, send=send) for row in overrides),
            None if overrides else html.P(t("screen.overrides.none"), className="tf-dim"),
            add_override(context, [row.path for row in bounds], send) if editable and bounds else None,
        ],
        className="tf-pol-rows",
    )


def bounds_row(
    context: Context, row: BoundsState, problems: Mapping[str, str], *, editable: bool
) -> Component:
    ends = []
    for end, value in (("override_min", row.low), ("override_max", row.high)):
        path, label = f"override_bounds.{row.path}.{end}", context.t(f"screen.{end}")
        ends += [
            html.Span(label, className="tf-pol-label"),
            number_input(path, value, label=f"{path_words(context.lang, row.path)} {label}", width=72)
            if editable
            else html.Span(value_words(context.lang, path, value), className="tf-num tf-strong"),
        ]
    return _line(
        path=f"override_bounds.{row.path}",
        name=path_words(context.lang, row.path),
        now=value_words(context.lang, row.path, row.province),
        now_label=context.t("screen.province"),
        control=html.Span(ends, className="tf-pol-edit"),
        problems=problems,
        about=tuple(f"override_bounds.{row.path}{end}" for end in ("", ".override_min", ".override_max")),
        changed=row.changed,
    )


def override_row(
    context: Context,
    row: OverrideState,
    problems: Mapping[str, str],
    *,
    editable: bool,
    send: dict[str, object],
) -> Component:
    path = f"overrides.{row.area}.{row.path}"
    name = f"{city_words(context.lang, row.area)} · {path_words(context.lang, row.path)}"
    back = None if row.in_force is None and row.changed else ""
    control: Component = html.Span(
        value_words(context.lang, row.path, row.value), className="tf-num tf-strong"
    )
    if editable and not row.removed:
        control = html.Span(
            [
                number_input(path, row.value, label=name, width=72),
                act_panel(
                    act_button(
                        "edit",
                        context.t("screen.override.remove"),
                        send={**send, "edits": {path: back}},
                        name=f"remove-{path}",
                    )
                ),
            ],
            className="tf-pol-edit",
        )
    return _line(
        path=path,
        name=name,
        now=value_words(context.lang, row.path, row.in_force),
        now_label=context.t("screen.in_force"),
        control=control,
        problems=problems,
        about=(path,),
        changed=row.changed,
    )


def _line(
    *,
    path: str,
    name: str,
    now: str,
    now_label: str,
    control: Component,
    problems: Mapping[str, str],
    about: tuple[str, ...],
    changed: bool,
) -> Component:
    return html.Div(
        [
            html.Div(html.Span(name, className="tf-pol-name"), className="tf-pol-what"),
            html.Div(
                [html.Span(now_label, className="tf-pol-label"), html.Span(now, className="tf-num")],
                className="tf-pol-now",
            ),
            html.Div(
                [
                    control,
                    *(
                        html.Span(
                            problems.get(where, ""),
                            key=f"{where}!{problems.get(where, '')}",
                            className="tf-pol-problem",
                            role="alert",
                            **{"data-tf-problem": where},
                        )
                        for where in about
                    ),
                ],
                className="tf-pol-value",
            ),
        ],
        className="tf-pol-row is-changed" if changed else "tf-pol-row",
        **{"data-tf-row": path},
    )


def add_bounds(context: Context, policy: Policy, known: set[str], send: dict[str, object]) -> Component:
    """Lets cities move a threshold that was one rule for the province until now."""
    t = context.t
    choices = [(path, path_words(context.lang, path)) for path in bounded_paths(policy) if path not in known]
    return act_panel(
        html.Div(
            [
                pick_input("path", choices=choices, label=t("screen.threshold")),
                short_input("override_min", label=t("screen.override_min"), width=80),
                short_input("override_max", label=t("screen.override_max"), width=80),
            ],
            className="tf-pol-fields",
        ),
        act_button("add_bounds", t("screen.bounds.add"), send=send),
        title=t("screen.bounds.new"),
        folded=True,
    )


def add_override(context: Context, paths: list[str], send: dict[str, object]) -> Component:
    """A value of its own for one city, for a threshold that has bounds."""
    t = context.t
    cities = [
        (area.code, city_words(context.lang, area.code)) for area in all_areas() if area.level == "city"
    ]
    return act_panel(
        html.Div(
            [
                pick_input("area", choices=cities, label=t("screen.city")),
                pick_input(
                    "path",
                    choices=[(path, path_words(context.lang, path)) for path in paths],
                    label=t("screen.threshold"),
                ),
                short_input("value", label=t("screen.value"), width=80),
            ],
            className="tf-pol-fields",
        ),
        act_button("add_override", t("screen.override.add"), send=send),
        title=t("screen.override.new"),
        folded=True,
    )
