"""What is wrong at a field of a draft, as a text of the catalogue: it is said in the reader's language."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from dashboard.i18n.catalogue import Lang, load_texts, t
from dashboard.policy.model import GROUPS


@dataclass(frozen=True)
class Problem:
    """One field that is not right: its path as in the edits, what kind it is, the values of its sentence."""

    path: str
    kind: str
    values: tuple[tuple[str, str], ...] = ()

    @property
    def key(self) -> str:
        """The key of the sentence in the catalogue of texts."""
        return f"publishing.problem.{self.kind}"

    def text(self, lang: Lang) -> str:
        """What is wrong and what the field must be, without the name of the field."""
        return t(lang, self.key, **{name: _word(name, value, lang) for name, value in self.values})


def problem(path: str, kind: str, **values: object) -> Problem:
    """A problem of ``kind`` at ``path``; long values are cut, they may be anything that was typed."""
    said = tuple(
        (name, text if len(text := str(v)) <= 80 else text[:77] + "...") for name, v in values.items()
    )
    return Problem(path, kind, said)


# The cross-field rules of the model speak English sentences; this is their form, so that each can be said in
# every language at the field it is about. A sentence of another form is shown as it is.
_FIELD = r"(?P<field>\w+) is (?P<value>\S+): "
_ROW = r" \[(?P<row>\w+)\]"
_OVER = r"overrides (?P<area>\d{6}) (?P<over>\w+\.[\w.]+) is "
_FORMS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(form), kind)
    for form, kind in (
        (_FIELD + r"must be (?P<low>-?\d+) to (?P<high>-?\d+) ?(?P<unit>\S*)", "bounds"),
        (_FIELD + r"must be at most (?P<other>\w+) \((?P<limit>\d+)\)", "crossed"),
        (
            _FIELD + r"must equal (?P<other>\w+) \((?P<limit>\d+)\) under the rule set (?P<rule_set>\S+)",
            "unequal",
        ),
        (
            _FIELD + r"must be at least (?P<limit>\d+), the days until a place is low under the rule set "
            r"(?P<rule_set>\S+)",
            "window_short",
        ),
        (r"(?P<field>\w+) is missing: state it, the rule set (?P<rule_set>\S+) uses it", "rule_needs"),
        (_FIELD + r"remove it, the rule set (?P<rule_set>\S+) does not use it", "rule_without"),
        (r"(?P<field>\w+) is missing: state it, the colour ends by time" + _ROW, "hold_needed"),
        (_FIELD + r"remove it or state how the colour ends \(release\)" + _ROW, "hold_without_release"),
        (
            _FIELD + r"state it exactly when release is tests \(release is (?P<release>\w+)\)" + _ROW,
            "tests_with_release",
        ),
        (
            _FIELD + r"state it exactly when two or more tests are required "
            r"\(tests_required is (?P<tests>\w+)\)" + _ROW,
            "gap_with_tests",
        ),
        (
            r"(?P<path>health_code\.rows\.\w+\.release) is (?P<value>\w+): state how the colour ends for "
            r"every colour but the one of severity 0 \(colour is (?P<colour>\w+)\)",
            "release_with_colour",
        ),
        (r"(?P<path>\S+\.colour) is (?P<value>\S+): must be one of (?P<choices>.+)", "choice"),
        (
            r"(?P<path>override_bounds\.\S+) is (?P<low>-?\d+) to (?P<high>-?\d+): must lie in order inside "
            r"(?P<least>\d+) to (?P<most>\d+)",
            "override_bounds",
        ),
        (
            r"(?P<path>override_bounds\.\S+) names no integer threshold of this policy: remove it",
            "override_no_number",
        ),
        (_OVER + "not allowed: the province sets no bounds for it", "override_not_allowed"),
        (_OVER + r"(?P<value>-?\d+): must be (?P<low>-?\d+) to (?P<high>-?\d+)", "override_outside"),
    )
)
_CITY = re.compile(r"overrides (?P<area>\d{6}) (?P<rest>\w+ is .*)", re.DOTALL)
_PLACES = frozenset({"field", "path", "area", "over", "row"})


def read_problems(error: ValidationError, *, rows: Sequence[str]) -> tuple[Problem, ...]:
    """The problems behind a refused document; ``rows`` are the reason codes in the order of the document."""
    found: list[Problem] = []
    for detail in error.errors(include_url=False):
        where = _path(detail["loc"], rows)
        context: Mapping[str, object] = detail.get("ctx", {})
        if detail["type"] == "value_error":
            found += [read_sentence(line, where=where) for line in str(context.get("error", "")).splitlines()]
        else:
            found.append(problem(where, "other", sentence=detail["msg"]))
    return tuple(dict.fromkeys(found))


def read_sentence(line: str, *, where: str = "") -> Problem:
    """The problem behind one sentence of the model, found at ``where`` (a group, a row, or the whole)."""
    for form, kind in _FORMS:
        if match := form.fullmatch(line):
            parts = {name: text for name, text in match.groupdict().items() if text is not None}
            if kind in ("crossed", "unequal"):
                parts["other"] = f"{where}.{parts['other']}"
            path = parts.get("path") or (
                f"overrides.{parts['area']}.{parts['over']}"
                if "over" in parts
                else f"{where}.{parts['field']}"
            )
            values = {name: text for name, text in parts.items() if name not in _PLACES}
            return problem(path, kind, **values)
    if match := _CITY.fullmatch(line):
        # The values of one city contradict each other; the sentence names the field of the city.
        group = next((g for g, kind in GROUPS.items() if match["rest"].split()[0] in kind.model_fields), "")
        inner = read_sentence(match["rest"], where=group)
        return Problem(f"overrides.{match['area']}.{inner.path}", inner.kind, inner.values)
    return problem(where, "other", sentence=line)


def _path(loc: Sequence[int | str], rows: Sequence[str]) -> str:
    parts = [str(part) for part in loc]
    if len(parts) > 2 and parts[:2] == ["health_code", "rows"] and parts[2].isdigit():
        parts[2] = rows[int(parts[2])]
    return ".".join(parts)


def _word(name: str, value: str, lang: Lang) -> str:
    """A value as people say it: names of fields, units, rule sets and colours have texts of their own."""
    key = {
        "other": f"policy.{value}",
        "unit": f"policy.unit.{value}",
        "rule_set": f"ruleset.{value}",
        "colour": f"colour.{value}",
    }.get(name, "")
    return t(lang, key) if key in load_texts() else value
