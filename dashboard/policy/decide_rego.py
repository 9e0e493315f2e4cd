"""The decision tables as Rego: one rule a table, an ``else`` for each row, the same tests in the same order.

The rest of the module (which version is in force, what a city overrides, which row a reason has) is written
by hand in ``dashboard/envelope/rego/policy.rego``; this writes the part below its marker.
"""

from __future__ import annotations

import json

from dashboard.policy.decision import AREA, Check, Fact, Limit, Row, Table
from dashboard.policy.tables import TABLES

MARKER = "# --- Below: written from dashboard/policy/tables.py by make docs; do not edit. ---"
# A JSON number with a point or an exponent is no count: Python reads it as another type. The text of the
# number is the only thing that tells 1.0 from 1 in Rego; and it is the argument, since an engine keeps what
# a function gave for 1 and gives it for 1.0 too.
_HELPERS = f"""\
is_count(text) if regex.match(`^(-?0|[1-9][0-9]{{0,8}})$`, text)

is_flag(value) if is_boolean(value)

is_word(value) if is_string(value)

is_area(value) if {{
	is_string(value)
	regex.match(`^{AREA}$`, value)
}}
"""


def emit_tables() -> str:
    """The generated part: helpers, then ``<table>_answer`` from ``<table>_facts`` and ``<table>_limits``."""
    return "\n".join([_HELPERS, *(emit_table(table) for table in TABLES.values())])


def emit_table(table: Table) -> str:
    """One table as a rule that is defined for every input."""
    chain = []
    for number, row in enumerate(table.rows):
        head = f"{table.name}_answer := " if number == 0 else "else := "
        body = [line for check in row.when for line in _lines(table, check)]
        block = " if {\n" + "".join(f"\t{line}\n" for line in body) + "}" if body else ""
        chain.append(head + _gives(table, row) + block)
    return " ".join(chain) + "\n"


def _gives(table: Table, row: Row) -> str:
    fields = (
        f'"{name}": {_term(table, given) if isinstance(given, Limit) else json.dumps(given)}'
        for name, given in row.gives.items()
    )
    return "{" + ", ".join(fields) + "}"


def _term(table: Table, term: Fact | Limit | int | str) -> str:
    if isinstance(term, Fact):
        return f"{table.name}_facts.{term.name}"
    return f"{table.name}_limits.{term.name}" if isinstance(term, Limit) else json.dumps(term)


def _lines(table: Table, check: Check) -> list[str]:
    left = _term(table, check.left)
    usable = _usable(check.left, left)
    match check.op:
        case "missing":
            return [f"{left} == null"]
        case "known":
            return [usable]
        case "bad":
            return [f"{left} != null", f"not {usable}"]
        case "yes":
            return [f"{left} == true"]
        case "no":
            return [f"{left} == false"]
        case "is":
            return [f"{left} == {_term(table, check.right)}"]
    sign = ">=" if check.op == "at_least" else "<"
    # Rego compares values of different types too, null below every number.
    numbers = [
        f"is_count(json.marshal({_term(table, term)}))"
        for term in (check.left, check.right)
        if not isinstance(term, int)
    ]
    return [*numbers, f"{left} {sign} {_term(table, check.right)}"]


def _usable(term: Fact | Limit, text: str) -> str:
    if isinstance(term, Limit):
        return f"{text} != null"
    return f"is_count(json.marshal({text}))" if term.kind == "count" else f"is_{term.kind}({text})"
