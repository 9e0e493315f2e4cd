"""Paths and values of a policy in words: what a diff, a comment or a history line says instead of an id."""

from __future__ import annotations

from dashboard.i18n.catalogue import Lang, load_texts, t
from dashboard.policy.groups import ReasonRow
from dashboard.policy.model import GROUPS, Policy
from dashboard.publishing.model import Note
from dashboard.publishing.typed import Scalar
from geo.areas import is_area, name_of

_ABOUT = {
    "provenance": "screen.source",
    "mark": "screen.mark",
    "note": "screen.note",
    "remarks": "screen.note",
}
_ROW_CHOICES = {"colour": "colour", "release": "release", "hold_from": "holdfrom"}


def source_words(lang: Lang, policy: Policy, source: str) -> str:
    """A source in the reader's language; what was typed as a new source is its own words."""
    known = next((entry for entry in policy.sources if entry.id == source), None)
    if known is None:
        return source
    return known.zh if lang == "zh-CN" else known.en


def path_words(lang: Lang, path: str) -> str:
    """A path in words: ``health_code.rows.close_contact.hold_days`` is *Close contact · Days held*."""
    texts = load_texts()
    head, _, rest = path.partition(".")
    if head in _ABOUT:
        return f"{path_words(lang, rest)} · {t(lang, _ABOUT[head])}"
    if head == "overrides":
        area, _, where = rest.partition(".")
        return f"{city_words(lang, area)} · {path_words(lang, where)}"
    if head == "override_bounds":
        where, _, end = rest.rpartition(".")
        return f"{path_words(lang, where)} · {t(lang, f'screen.{end}')}"
    if head == "health_code":
        code, _, name = rest.removeprefix("rows.").partition(".")
        reason = t(lang, f"reason.{code}") if f"reason.{code}" in texts else code
        if not name:
            return reason
        return f"{reason} · {row_field(lang, name)}"
    if head in GROUPS:
        group, name, key = (*path.split(".", 2), "", "")[:3]
        if f"policy.{group}.{name}" not in texts:
            return path
        words = t(lang, f"policy.{group}.{name}")
        if not key:
            return words
        kind = "feed" if group == "feeds" else "category"
        return f"{words} · {t(lang, f'{kind}.{key}') if f'{kind}.{key}' in texts else key}"
    if head in ("title", "notes", "sources", "colours", "version", "effective_from", "preset"):
        return t(lang, f"screen.part.{head}") + (f" · {rest}" if rest else "")
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


def row_field(lang: Lang, name: str) -> str:
    """A field of a reason row in words, its names and its source too."""
    if name in _ROW_NAMED:
        return t(lang, f"policy.health_code.{name}")
    return t(lang, f"screen.row.{name}") if name in ("zh", "en", "source", "reason_code") else name


def city_words(lang: Lang, area: str) -> str:
    """The name of a city; a code that is no area any more is shown as it is."""
    return name_of(area, lang) if is_area(area) else area


def value_words(lang: Lang, path: str, value: Scalar | float | None) -> str:
    """A value with its unit; None is *not stated*."""
    texts = load_texts()
    if value is None or value == "":
        return t(lang, "screen.not_stated")
    if isinstance(value, bool):
        return t(lang, "policy.yes" if value else "policy.no")
    parts = path.split(".")
    if isinstance(value, int):
        unit = unit_of(path)
        return f"{value:,} {t(lang, f'policy.unit.{unit}')}" if unit else f"{value:,}"
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
    return t(lang, key) if key in texts else str(value)


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


def note_line(lang: Lang, note: Note) -> str:
    """A step or a comment in one line: when, who, what; the fields of an edit by their names."""
    said = edit_words(lang, note.text) if note.act == "edit" else note.text
    what = t(lang, f"screen.act.{note.act}")
    return f"{note.at:%m-%d %H:%M:%S} {note.actor} {what}" + (f"：{said}" if said else "")


def edit_words(lang: Lang, text: str) -> str:
    """``risk_area.window_days: 14 -> 7; ...`` with the names of the fields."""
    parts = []
    for part in text.split("; "):
        path, colon, values = part.partition(": ")
        values = values.removeprefix("- -> ").replace("->", "→")
        parts.append(f"{path_words(lang, path)} {values}" if colon else part)
    return "；".join(parts) if lang == "zh-CN" else "; ".join(parts)
