"""Paths and values of a policy in words: what a diff, a comment or a history line says instead of an id."""

from __future__ import annotations

from dashboard.i18n.catalogue import load_texts
from dashboard.policy.groups import ReasonRow
from dashboard.policy.model import GROUPS, Policy
from dashboard.shell.context import Context
from dashboard.views.policy_fields import Scalar
from geo.areas import is_area, name_of

_ABOUT = {"provenance": "screen.source", "mark": "screen.mark", "note": "screen.note", "remarks": "screen.note"}
_ROW_CHOICES = {"colour": "colour", "release": "release", "hold_from": "holdfrom"}


def source_words(context: Context, policy: Policy, source: str) -> str:
    """A source in the reader's language; what was typed as a new source is its own words."""
    known = next((entry for entry in policy.sources if entry.id == source), None)
    if known is None:
        return source
    return known.zh if context.lang == "zh-CN" else known.en


def path_words(context: Context, path: str) -> str:
    """A path in words: ``health_code.rows.close_contact.hold_days`` is *Close contact · Days held*."""
    t, texts = context.t, load_texts()
    head, _, rest = path.partition(".")
    if head in _ABOUT:
        return f"{path_words(context, rest)} · {t(_ABOUT[head])}"
    if head == "overrides":
        area, _, where = rest.partition(".")
        return f"{city_words(context, area)} · {path_words(context, where)}"
    if head == "override_bounds":
        where, _, end = rest.rpartition(".")
        return f"{path_words(context, where)} · {t(f'screen.{end}')}"
    if head == "health_code":
        code, _, name = rest.removeprefix("rows.").partition(".")
        reason = t(f"reason.{code}") if f"reason.{code}" in texts else code
        if not name:
            return reason
        return f"{reason} · {t(f'policy.health_code.{name}') if name in _ROW_NAMED else row_field(context, name)}"
    if head in GROUPS:
        group, name, key = (*path.split(".", 2), "", "")[:3]
        words = t(f"policy.{group}.{name}")
        if not key:
            return words
        kind = "feed" if group == "feeds" else "category"
        return f"{words} · {t(f'{kind}.{key}') if f'{kind}.{key}' in texts else key}"
    if head in ("title", "notes", "sources", "colours", "version", "effective_from", "preset"):
        return t(f"screen.part.{head}") + (f" · {rest}" if rest else "")
    return path


_ROW_NAMED = frozenset(ReasonRow.model_fields) & {
    "clause",
    "colour",
    "hold_days",
    "hold_from",
    "release",
    "tests_required",
    "tests_min_gap_hours",
}


def row_field(context: Context, name: str) -> str:
    """A field of a reason row that is no threshold: its names and its source."""
    return context.t(f"screen.row.{name}") if name in ("zh", "en", "source", "reason_code") else name


def city_words(context: Context, area: str) -> str:
    """The name of a city; a code that is no area any more is shown as it is."""
    return name_of(area, context.lang) if is_area(area) else area


def value_words(context: Context, path: str, value: Scalar | float | None) -> str:
    """A value with its unit; None is *not stated*."""
    t, texts = context.t, load_texts()
    if value is None or value == "":
        return t("screen.not_stated")
    if isinstance(value, bool):
        return t("policy.yes" if value else "policy.no")
    parts = path.split(".")
    if isinstance(value, int):
        unit = unit_of(path)
        return f"{value:,} {t(f'policy.unit.{unit}')}" if unit else f"{value:,}"
    last = parts[-1]
    key = {
        "rule_set": f"ruleset.{value}",
        "preset": f"ruleset.{value}",
        "basis": f"basis.{value}",
    }.get(last, "")
    if parts[0] == "health_code" and last in _ROW_CHOICES:
        key = f"{_ROW_CHOICES[last]}.{value}"
    if parts[0] == "mark":
        key = f"mark.{value}"
    return t(key) if key in texts else str(value)


def unit_of(path: str) -> str:
    """The unit of the number at ``path``; "" for one that has none."""
    parts = path.split(".")
    if parts[0] == "overrides":
        parts = parts[2:]
    elif parts[0] == "override_bounds":
        parts = parts[1:-1]
    if parts[:2] == ["health_code", "rows"]:
        spec = ReasonRow.specs().get(parts[-1])
        return spec.unit if spec else ""
    if len(parts) > 1 and parts[0] in GROUPS:
        specs = GROUPS[parts[0]].specs()
        return specs[parts[1]].unit if parts[1] in specs else ""
    return ""
