"""The walker over every question, and headers that are refused."""

from __future__ import annotations

import ast
import re
from dataclasses import fields, is_dataclass
from pathlib import Path

import pytest

import queries
from dashboard.snapshot.contract import TABLES
from queries.catalog import Question, QuestionError, get_question, load_questions, parse_question
from queries.run import View
from tests.queries.twins import TWINS
from tests.queries.worlds import view_of
from tests.tiny import build_tiny

GOOD = """-- title: People
-- params: date
-- reads: code_stock
-- returns: people
SELECT sum(holders) AS people FROM code_stock WHERE date = $date
"""
QUESTIONS = sorted(load_questions().values(), key=lambda q: q.name)
MODULES = sorted(Path(queries.__file__).parent.glob("*.py"))


def _readers() -> dict[str, set[str]]:
    """Question -> functions that call ``read(view, "<question>", ...)``."""
    found: dict[str, set[str]] = {}
    for path in MODULES:
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(function, ast.FunctionDef):
                continue
            for call in ast.walk(function):
                if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "read":
                    name = call.args[1]
                    assert isinstance(name, ast.Constant), f"{path.name}: the question must be written out"
                    found.setdefault(name.value, set()).add(f"{path.stem}.{function.name}")
    return found


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> View:
    root = tmp_path_factory.mktemp("empty")
    # A snapshot of which only the feed states exist: every other view is the empty one of the contract.
    return view_of(root, build_tiny(root, without=[t.name for t in TABLES if t.name != "feed_state"]).id)


def test_every_question_is_read_by_exactly_one_typed_function() -> None:
    readers = _readers()
    assert readers.keys() == load_questions().keys()
    assert {name: found for name, found in readers.items() if len(found) > 1} == {}


def test_every_question_has_a_twin_and_every_twin_a_question() -> None:
    assert TWINS.keys() == load_questions().keys()


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda q: q.name)
def test_question_binds_on_the_contract_and_gives_the_columns_of_its_header(
    empty: View, question: Question
) -> None:
    """Run on the empty views, since the store lets nothing but one SELECT through, not even PREPARE."""
    values = {"members": ["510100"], "window_days": 14, "rules": []}
    params = {key: values.get(key, "2022-08-30") for key in question.params}
    with empty.store.cursor(empty.scope, empty.snapshot_id) as cursor:
        answer = cursor.execute(question.sql, params)
        assert tuple(column[0] for column in answer.description) == question.returns
        assert bool(answer.fetchall()) == (question.name == "feed_states")


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda q: q.name)
def test_header_names_the_tables_the_sql_reads(question: Question) -> None:
    named = set(re.findall(r"(?:FROM|JOIN) (\w+)", question.sql)) & {t.name for t in TABLES}
    assert named == set(question.reads)


def test_rows_take_the_columns_of_the_header_in_order() -> None:
    """``read`` makes a row by position, so the fields of each row must stand in the order of the header."""
    seen = set()
    for path in MODULES:
        module = __import__(f"queries.{path.stem}", fromlist=["x"])
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "read":
                name, made = ast.literal_eval(call.args[1]), call.args[2]
                assert isinstance(made, ast.Name)
                row = getattr(module, made.id)
                assert is_dataclass(row)
                names = tuple(f.name for f in fields(row))
                # 'part' is the one field that two questions fill, with a reason or with an age band.
                wanted = tuple(
                    "part" if c in ("reason", "age_band") else c for c in get_question(name).returns
                )
                assert wanted == names if "part" in names else get_question(name).returns == names
                seen.add(name)
    assert seen == load_questions().keys()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("-- title: People\n", ""), "lacks title"),
        (("-- params: date\n", ""), "lacks params"),
        (("-- reads: code_stock\n", ""), "lacks reads"),
        (("-- returns: people\n", ""), "lacks returns"),
        (("-- params: date", "-- params: day"), "params says"),
        (("-- params: date", "-- params: none"), "params says"),
        (("-- params: date", "-- params: date, area"), "params says"),
        (("-- reads: code_stock", "-- reads: stock"), "of no contract"),
        (("-- title: People", "-- tittle: People"), "unknown or stated twice"),
        (("-- title: People", "-- title: People\n-- title: People"), "unknown or stated twice"),
    ],
)
def test_a_header_that_is_not_true_is_refused(change: tuple[str, str], said: str) -> None:
    assert parse_question("people", GOOD).params == ("date",)
    with pytest.raises(QuestionError, match=f"people.sql.*{said}"):
        parse_question("people", GOOD.replace(*change))


def test_an_unknown_question_is_named() -> None:
    with pytest.raises(QuestionError, match=r"no queries/sql/nothing\.sql"):
        get_question("nothing")
