"""What a draft changes, field by field: against what is in force, and against its base where that differs."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from dash import html
from dash.development.base_component import Component

from dashboard.components.policy_words import path_words, source_words, value_words
from dashboard.policy.diff import Change as Difference
from dashboard.policy.diff import diff_policies
from dashboard.policy.model import Policy
from dashboard.shell.context import Context
from dashboard.views.policy_fields import group_of

# What every version changes: its number, its day, its title.
QUIET = ("version", "effective_from", "title.", "notes.")


def differences(before: Policy, after: Policy) -> tuple[Difference, ...]:
    """The differing fields that a person decided on."""
    return tuple(d for d in diff_policies(before, after) if not d.path.startswith(QUIET))


def diff_list(context: Context, found: Sequence[Difference], *, before: Policy, after: Policy) -> Component:
    """Each field: its name, the old value struck out, the new one; grouped as the fields are."""
    groups = [(group, list(same)) for group, same in groupby(sorted(found, key=_order), key=_group)]
    return html.Div(
        [
            html.Div(
                [
                    html.H4(group_words(context, group)),
                    html.Ul([diff_line(context, d, before=before, after=after) for d in rows]),
                ],
                className="tf-pol-diff-group",
            )
            for group, rows in groups
        ],
        className="tf-pol-diff",
    )


def diff_line(context: Context, found: Difference, *, before: Policy, after: Policy) -> Component:
    """One field; a field that comes or goes says so instead of showing an empty value."""
    old = _value(context, before, found.path, found.before)
    new = _value(context, after, found.path, found.after)
    return html.Li(
        [
            html.Span(path_words(context.lang, _plain(found.path)), className="tf-pol-diff-name"),
            html.Span(
                [
                    html.Del(old) if found.before is not None else None,
                    html.Span(" → ", className="tf-dim", **{"aria-hidden": "true"}),
                    html.Ins(new)
                    if found.after is not None
                    else html.Ins(context.t("screen.diff.removed"), className="tf-dim"),
                ],
                className="tf-pol-diff-values",
            ),
        ],
        className=f"tf-pol-diff-{found.kind}",
    )


def group_words(context: Context, group: str) -> str:
    """A group of fields in words."""
    return context.t("screen.cities" if group == "overrides" else f"policy.{group}")


def _group(found: Difference) -> str:
    group = group_of(_plain(found.path))
    return group if group in _GROUPS else "other"


_GROUPS = (
    "risk_area",
    "health_code",
    "nucleic_test",
    "scan_alarm",
    "appeals",
    "feeds",
    "capacity",
    "disclosure",
    "overrides",
    "other",
)


def _order(found: Difference) -> int:
    return _GROUPS.index(_group(found))


def _plain(path: str) -> str:
    """A path as edits write it: ``overrides.510100.risk_area.window_days.value`` loses its last word."""
    if path.startswith("overrides."):
        return path.rpartition(".")[0]
    return path


def _value(context: Context, policy: Policy, path: str, value: object) -> str:
    if path.startswith("provenance.") or path.endswith(".source"):
        return source_words(context.lang, policy, str(value))
    return value_words(context.lang, _plain(path), value if isinstance(value, str | int) else None)
