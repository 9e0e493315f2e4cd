"""The questions of the board: one SQL file each, with a header that says what it takes and gives."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from dashboard.policy.decide_sql import expand
from dashboard.snapshot.contract import TABLE_BY_NAME

_HEADER = re.compile(r"-- (?P<key>[a-z]+): (?P<value>.+)")
_PLACEHOLDER = re.compile(r"\$([a-z_]+)")
_KEYS = ("title", "params", "reads", "returns", "note")


class QuestionError(ValueError):
    """A SQL file whose header is not complete or not true: a bug, found when the files are loaded."""


@dataclass(frozen=True)
class Question:
    """One SQL file: what it asks, the parameters it takes, the tables it reads, the columns it gives."""

    name: str
    title: str
    params: tuple[str, ...]
    reads: tuple[str, ...]
    returns: tuple[str, ...]
    note: str
    sql: str


@cache
def load_questions() -> Mapping[str, Question]:
    """All questions by name; raises ``QuestionError`` for a file without a true header."""
    folder = files("queries").joinpath("sql")
    found = {}
    for file in sorted(folder.iterdir(), key=lambda f: f.name):
        if file.name.endswith(".sql"):
            name = file.name.removesuffix(".sql")
            found[name] = parse_question(name, file.read_text(encoding="utf-8"))
    return MappingProxyType(found)


def get_question(name: str) -> Question:
    """The question of that name; raises ``QuestionError``."""
    try:
        return load_questions()[name]
    except KeyError:
        raise QuestionError(f"There is no queries/sql/{name}.sql.") from None


def parse_question(name: str, text: str) -> Question:
    """Read one SQL file; raises ``QuestionError`` naming the file and what its header lacks."""
    header: dict[str, str] = {}
    lines = text.splitlines()
    while lines and (match := _HEADER.fullmatch(lines[0])):
        key = match["key"]
        if key not in _KEYS or key in header:
            raise QuestionError(f"{name}.sql: the header line {key!r} is unknown or stated twice.")
        header[key] = match["value"].strip()
        del lines[0]
    missing = [key for key in _KEYS if key != "note" and key not in header]
    if missing:
        raise QuestionError(f"{name}.sql: the header lacks {', '.join(missing)}.")
    try:
        sql = expand("\n".join(lines).strip())
    except KeyError as word:
        raise QuestionError(f"{name}.sql: no table or field of the rules is called {word}.") from None
    question = Question(
        name=name,
        title=header["title"],
        params=_names(header["params"]),
        reads=_names(header["reads"]),
        returns=_names(header["returns"]),
        note=header.get("note", ""),
        sql=sql,
    )
    used = set(_PLACEHOLDER.findall(sql))
    if used != set(question.params):
        raise QuestionError(
            f"{name}.sql: params says {sorted(question.params)}, the SQL uses {sorted(used)}."
        )
    unknown = [table for table in question.reads if table not in TABLE_BY_NAME]
    if unknown or not question.reads or not question.returns:
        raise QuestionError(
            f"{name}.sql: reads or returns is empty, or reads names {unknown} of no contract."
        )
    return question


def _names(value: str) -> tuple[str, ...]:
    return () if value == "none" else tuple(part.strip() for part in value.split(","))
