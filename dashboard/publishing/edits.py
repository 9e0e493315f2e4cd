"""From what was typed to a policy: the edits applied to the base, or what is wrong at which field."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from pydantic import ValidationError

from dashboard.errors import InputError
from dashboard.policy.document import canonical_json
from dashboard.policy.model import GROUPS, Policy
from dashboard.policy.store import load_presets
from dashboard.publishing.fields import Typed, check_typed, find_field
from dashboard.publishing.problems import Problem, problem, read_problems
from geo.areas import all_areas

Edits = Mapping[str, Typed]
Json = dict[str, object]
MOST_EDITS = 500
_PATH_LONGEST = 120
TITLE = {"zh": "疫情防控阈值", "en": "Epidemic control thresholds"}
NOTES = {
    "zh": "第 {version} 版，由第 {base} 版修改而成。标记为“未核实”的数值是工作默认值，须由政策编辑确认。",
    "en": "Version {version}, made from version {base}. Values marked as not verified are working defaults "
    "that a policy editor has to confirm.",
}


@dataclass(frozen=True)
class Edited:
    """What edits make of a base: the policy, or None and what is wrong; ``partial`` leaves the wrong fields
    out.

    ``partial`` is the policy without the edits that are wrong by themselves, None where even that is no
    policy: a preview can show what the right part of an unfinished draft would do.
    """

    policy: Policy | None
    problems: tuple[Problem, ...]
    partial: Policy | None


def is_automatic(path: str, text: str) -> bool:
    """Whether ``text`` at ``title.zh`` and the like is what a draft says by itself."""
    head, _, lang = path.partition(".")
    words = {"title": TITLE, "notes": NOTES}[head][lang]
    form = re.escape(words).replace(r"\{version\}", r"\d+").replace(r"\{base\}", r"\d+")
    return re.fullmatch(form, text) is not None


def check_edits(edits: Mapping[str, object], base: Policy) -> dict[str, Typed | None]:
    """The edits as they can be kept, wrong values too; raises ``InputError`` for what no editor would send.

    None takes an edit back. Refused are a field that no policy has, a value that is neither text, number nor
    switch, and more than 500 fields at once.
    """
    if len(edits) > MOST_EDITS:
        raise InputError(
            f"{len(edits)} fields at once are too many.",
            todo=f"A change holds at most {MOST_EDITS}: split it, or change the value of the province.",
            key="publishing.error.too_many",
            count=len(edits),
            limit=MOST_EDITS,
        )
    kept: dict[str, Typed | None] = {}
    for path, value in edits.items():
        if not isinstance(path, str) or len(path) > _PATH_LONGEST or find_field(path, base) is None:
            raise InputError(
                f"A policy has no field {str(path)[:80]!r}.",
                todo="Correct its name.",
                key="publishing.error.unknown_field",
                path=str(path)[:80],
            )
        if value is not None and not isinstance(value, str | int | float | bool):
            raise InputError(
                f"{path} cannot hold a value of this form.",
                todo="Send a text, a number or a switch.",
                key="publishing.error.unknown_form",
                path=path,
            )
        # A kept text is bounded; the field says that it is too long.
        kept[path] = value[:2000] if isinstance(value, str) else value
    return kept


def draft_digest(policy: Policy) -> str:
    """``sha256:`` and the hash of a document without ``effective_from``.

    This is what an approval binds to: the day is set when the version is published, everything else is not.
    """
    content: Json = json.loads(canonical_json(policy))
    del content["effective_from"]
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def apply_edits(base: Policy, edits: Edits, *, version: int) -> Edited:
    """The policy of ``version`` that ``edits`` make of ``base``, or every field that is not right and why."""
    wrong: dict[str, Problem] = {}
    for path, value in edits.items():
        kind = find_field(path, base)
        found = problem(path, "unknown") if kind is None else check_typed(path, value, kind)
        found = found or _check_place(path, value, base, edits)
        if found:
            wrong[path] = found
    right = {path: value for path, value in edits.items() if path not in wrong}
    content = _merge(base, right, version)
    try:
        policy = Policy.model_validate_json(json.dumps(content))
    except ValidationError as error:
        rows = [str(row["reason_code"]) for row in _rows(content)]
        return Edited(None, (*wrong.values(), *read_problems(error, rows=rows)), None)
    problems = (*wrong.values(), *_vanished(policy, edits))
    return Edited(None if problems else policy, problems, policy)


def _check_place(path: str, value: Typed, base: Policy, edits: Edits) -> Problem | None:
    """What is wrong with the place of an edit: a reason or a city that is not there."""
    parts = path.split(".")
    known = {row.reason_code for row in base.health_code.rows}
    if parts[0] == "overrides":
        return None if parts[1] in _cities() else problem(path, "area", area=parts[1])
    about = parts[1:] if parts[0] in ("provenance", "mark", "note") else parts
    if about[0] != "health_code":
        return None
    code = about[2]
    there = code in known or edits.get(f"health_code.rows.{code}") == "add"
    if len(parts) == 3 and parts == about:
        if value == "add" and code in known:
            return problem(path, "reason_twice", reason=code)
        return None if value == "add" or code in known else problem(path, "reason", reason=code)
    return None if there else problem(path, "reason", reason=code)


def _vanished(policy: Policy, edits: Edits) -> list[Problem]:
    """Overrides that came with the base for a city that is no more."""
    return [
        problem(path, "area", area=override.area)
        for override in policy.overrides
        if override.area not in _cities()
        and (path := f"overrides.{override.area}.{override.path}") not in edits
    ]


def _cities() -> frozenset[str]:
    return frozenset(area.code for area in all_areas() if area.level == "city" and area.valid_to is None)


def _merge(base: Policy, edits: Edits, version: int) -> Json:
    content: Json = base.model_dump(mode="json", exclude_none=True)
    content["version"] = version
    content["title"] = dict(TITLE)
    content["notes"] = {lang: NOTES[lang].format(version=version, base=base.version) for lang in NOTES}
    if "preset" in edits:
        _apply_preset(content, str(edits["preset"]))
    # Rows are added and removed before their fields are set, whatever the order of typing was.
    for path in sorted(edits, key=lambda path: (path.count(".") > 2, path)):
        _set(content, path, edits[path])
    _settle_sources(content, edits)
    return content


def _apply_preset(content: Json, name: str) -> None:
    preset = load_presets()[name]
    content["risk_area"] = preset.risk_area.model_dump(mode="json", exclude_none=True)
    _add_source(content, preset.source.model_dump(mode="json"))
    provenance = _table(content, "provenance")
    for path in [path for path in provenance if path.startswith("risk_area.")]:
        del provenance[path]
    provenance.update({f"risk_area.{name}": preset.source.id for name in _table(content, "risk_area")})


def _set(content: Json, path: str, value: Typed) -> None:
    head, *rest = path.split(".")
    if head in ("title", "notes"):
        if value != "":
            _table(content, head)[rest[0]] = value
    elif head == "health_code":
        _set_row(content, rest[1], rest[2] if len(rest) > 2 else "", value)
    elif head == "overrides":
        _set_override(content, rest[0], ".".join(rest[1:]), value)
    elif head == "override_bounds":
        _set_bounds(content, ".".join(rest[:2]), rest[2], value)
    elif head == "note":
        remarks = cast(Json, content.setdefault("remarks", {}))
        remarks.pop(".".join(rest), None)
        if value != "":
            remarks[".".join(rest)] = value
    elif head in GROUPS:
        table = _table(content, head)
        for part in rest[:-1]:
            table = _table(table, part)
        table.pop(rest[-1], None)
        if value != "":
            table[rest[-1]] = value


def _set_row(content: Json, code: str, name: str, value: Typed) -> None:
    rows = _rows(content)
    row = next((row for row in rows if row["reason_code"] == code), None)
    if not name:
        if value == "" and row is not None:
            rows.remove(row)
        elif value == "add" and row is None:
            clause = 1 + max(cast(int, row["clause"]) for row in rows)
            source = str(rows[-1]["source"])
            rows.append({"reason_code": code, "clause": clause, "source": source})
    elif row is not None:
        row.pop(name, None)
        if value != "":
            row[name] = value


def _set_override(content: Json, area: str, path: str, value: Typed) -> None:
    rows = cast("list[Json]", content.setdefault("overrides", []))
    rows[:] = [row for row in rows if (row["area"], row["path"]) != (area, path)]
    if value != "":
        rows.append({"area": area, "path": path, "value": value})
    rows.sort(key=lambda row: (str(row["area"]), str(row["path"])))


def _set_bounds(content: Json, path: str, end: str, value: Typed) -> None:
    bounds = cast("dict[str, Json]", content.setdefault("override_bounds", {}))
    table = bounds.setdefault(path, {})
    table.pop(end, None)
    if value != "":
        table[end] = value
    if not table:
        del bounds[path]


def _settle_sources(content: Json, edits: Edits) -> None:
    """Sources that were typed, one for every stated threshold, none for one that is gone."""
    provenance = _table(content, "provenance")
    for path, value in edits.items():
        head, _, about = path.partition(".")
        if head == "provenance" and value != "":
            source = _named_source(content, str(value), str(edits.get(f"mark.{about}", "u")))
            if about.startswith("health_code.rows."):
                code = about.rpartition(".")[2]
                next(row for row in _rows(content) if row["reason_code"] == code)["source"] = source
            else:
                provenance[about] = source
    stated = {f"{group}.{name}" for group in GROUPS for name in _table(content, group)}
    for path in [path for path in provenance if ".".join(path.split(".")[:2]) not in stated]:
        del provenance[path]
    for path in sorted(stated - set(provenance)):
        provenance[path] = _named_source(content, "working_default", "u")
    # A source that nothing names any more would be shown as one the thresholds rest on.
    used = {*provenance.values(), *(row["source"] for row in _rows(content))}
    used |= {colour["source"] for colour in cast("list[Json]", content["colours"])}
    content["sources"] = [source for source in cast("list[Json]", content["sources"]) if source["id"] in used]
    remarks = cast(Json, content.get("remarks", {}))
    if not remarks:
        content.pop("remarks", None)


def _named_source(content: Json, words: str, mark: str) -> str:
    """The id of the source of that id or with these words; a new one is added."""
    sources = cast("list[dict[str, str]]", content["sources"])
    for source in sources:
        if words in (source["id"], source["zh"], source["en"]):
            return source["id"]
    if words == "working_default":
        added = {"id": words, "mark": "u", "zh": "工作默认值，未核实", "en": "Working default, not verified"}
    else:
        name = "cited_" + hashlib.sha256(words.encode()).hexdigest()[:10]
        added = {"id": name, "mark": mark, "zh": words, "en": words}
    _add_source(content, dict(added))
    return added["id"]


def _add_source(content: Json, source: Json) -> None:
    sources = cast("list[Json]", content["sources"])
    if all(known["id"] != source["id"] for known in sources):
        sources.append(source)


def _table(content: Json, name: str) -> Json:
    return cast(Json, content[name])


def _rows(content: Json) -> list[Json]:
    return cast("list[Json]", _table(content, "health_code")["rows"])
