"""The decision tables as DuckDB SQL: one CASE for one field of one table, the same tests in the same order.

A question of ``queries/sql`` says ``@usable(<table>, <rows>)`` in the select list of one step and
``@decide(<table>.<field>, <facts>, <limits>)`` in a later one. ``rows`` has the facts of the table as
columns; ``@usable`` makes two of each, the fact where it is usable and whether it is missing. ``limits`` has
the limits as columns. A fact may be of any type: a text or a flag where a number belongs is as unusable as
it is elsewhere.
"""

from __future__ import annotations

import re

from dashboard.policy.decision import AREA, LARGEST, Check, Fact, Limit, Table, Value
from dashboard.policy.tables import TABLES

_DECIDE = re.compile(r"@decide\((\w+)\.(\w+), (\w+), (\w+)\)")
_USABLE = re.compile(r"@usable\((\w+), (\w+)\)")
_WHOLE = "'TINYINT', 'SMALLINT', 'INTEGER', 'BIGINT', 'HUGEINT'"
_TYPES = {"flag": "'BOOLEAN'", "word": "'VARCHAR'", "area": "'VARCHAR'", "count": _WHOLE}


def expand(sql: str) -> str:
    """``sql`` with every ``@usable`` and ``@decide`` replaced; raises ``KeyError`` for a name of no table."""
    sql = _USABLE.sub(lambda call: emit_usable(call[1], call[2]), sql)
    return _DECIDE.sub(lambda call: emit_case(call[1], call[2], call[3], call[4]), sql)


def emit_usable(table: str, rows: str) -> str:
    """Two columns for each fact of a table, from the column of its name in ``rows``."""
    # Apart from the CASE, which names a fact many times: binding it in place took DuckDB 30 ms, so 3.
    return ", ".join(
        f"{_usable(fact, rows)} AS {fact.name}, {rows}.{fact.name} IS NULL AS {fact.name}_missing"
        for fact in TABLES[table].facts
    )


def emit_case(table: str, field: str, facts: str, limits: str) -> str:
    """One field of a table as an expression over ``facts`` (made by ``emit_usable``) and ``limits``."""
    rules = TABLES[table]
    lines = [
        f"WHEN {' AND '.join(_check(check, facts, limits) for check in row.when)} "
        f"THEN {_given(row.gives[field], limits)}"
        for row in rules.rows[:-1]
    ]
    return f"CASE {' '.join(lines)} ELSE {_given(rules.rows[-1].gives[field], limits)} END"


def columns(table: Table) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names of the facts and of the limits that the two relations must have as columns."""
    return tuple(fact.name for fact in table.facts), tuple(limit.name for limit in table.limits)


def _check(check: Check, facts: str, limits: str) -> str:
    left = _term(check.left, facts, limits)
    match check.op:
        case "missing":
            return f"{left}_missing" if isinstance(check.left, Fact) else f"{left} IS NULL"
        case "known":
            return f"{left} IS NOT NULL"
        case "bad":
            return f"NOT {left}_missing AND {left} IS NULL"
        case "yes":
            return left
        case "no":
            return f"NOT {left}"
        case "is":
            return f"{left} = {_term(check.right, facts, limits)}"
    # A comparison with NULL is NULL, which a WHEN takes for false; there is no NOT around any of them.
    sign = ">=" if check.op == "at_least" else "<"
    return f"{left} {sign} {_term(check.right, facts, limits)}"


def _term(term: Fact | Limit | int | str, facts: str, limits: str) -> str:
    if isinstance(term, Fact):
        return f"{facts}.{term.name}"
    return f"{limits}.{term.name}" if isinstance(term, Limit) else _literal(term)


def _usable(fact: Fact, rows: str) -> str:
    column = f"{rows}.{fact.name}"
    right_type = f"typeof({column}) IN ({_TYPES[fact.kind]})"
    match fact.kind:
        case "count":
            number = f"TRY_CAST({column} AS HUGEINT)"
            return f"CASE WHEN {right_type} AND {number} BETWEEN 0 AND {LARGEST} THEN {number}::BIGINT END"
        case "flag":
            return f"CASE WHEN {right_type} THEN TRY_CAST({column} AS BOOLEAN) END"
        case "word":
            return f"CASE WHEN {right_type} THEN {column}::VARCHAR END"
        case "area":
            matches = f"regexp_full_match({column}::VARCHAR, '{AREA}')"
            return f"CASE WHEN {right_type} AND {matches} THEN {column}::VARCHAR END"


def _given(given: Value | Limit, limits: str) -> str:
    return f"{limits}.{given.name}" if isinstance(given, Limit) else _literal(given)


def _literal(value: Value) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int) else "'" + value.replace("'", "''") + "'"
