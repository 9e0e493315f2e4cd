"""What a decision table is: facts, limits, rows that are tried from the top until one holds.

The tables of the rules (``dashboard.policy.tables``) are written in these words once. Python decides by
them (``decide``), SQL (``decide_sql``) and Rego (``decide_rego``) are emitted from them, so that the
preview, the rules service and a stock policy engine cannot drift apart.

The language is small on purpose: a row is a conjunction of tests, there is no "or" and no "not". Every test
is true or false on any input whatever: a comparison with something missing or unusable is false. What is
missing or unusable is asked for by tests of its own, so no row can pass over it unnoticed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

Kind = Literal["count", "flag", "word", "area"]
Op = Literal["missing", "known", "bad", "at_least", "below", "yes", "no", "is"]
Value: TypeAlias = int | str | bool | None

# Nine digits: more than there are people, and exact in every engine.
LARGEST = 999_999_999
AREA = "[1-9][0-9]{3}[0-9F][0-9]"
_AREA = re.compile(AREA)


@dataclass(frozen=True)
class Fact:
    """Something the asker states; ``name`` is its key in the input.

    A count is a whole number from 0 to ``LARGEST``, a flag true or false, a word a text, an area its code.
    """

    name: str
    kind: Kind


@dataclass(frozen=True)
class Limit:
    """Something the policy states, or that follows from it alone; None where the policy is silent."""

    name: str


@dataclass(frozen=True)
class Check:
    """One condition. ``missing``, ``known`` and ``bad`` look at ``left`` alone, ``yes`` and ``no`` too."""

    op: Op
    left: Fact | Limit
    right: Fact | Limit | int | str = 0


@dataclass(frozen=True)
class Row:
    """If all of ``when`` hold, the table gives ``gives``: constants, or what a limit states."""

    when: tuple[Check, ...]
    gives: Mapping[str, Value | Limit]


@dataclass(frozen=True)
class Table:
    """Rows from the top; the last one has no condition, so that there always is an answer."""

    name: str
    facts: tuple[Fact, ...]
    limits: tuple[Limit, ...]
    rows: tuple[Row, ...]

    def __post_init__(self) -> None:
        known = {*self.facts, *self.limits}
        for row in self.rows:
            used = {*(t.left for t in row.when), *(t.right for t in row.when), *row.gives.values()}
            strange = {term for term in used if isinstance(term, Fact | Limit)} - known
            if strange or row.gives.keys() != self.rows[0].gives.keys():
                raise ValueError(f"table {self.name}: a row uses {strange} or gives other fields")
        if self.rows[-1].when or not all(row.when for row in self.rows[:-1]):
            raise ValueError(f"table {self.name}: exactly the last row must have no condition")

    @property
    def gives(self) -> tuple[str, ...]:
        return tuple(self.rows[0].gives)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Every reason it can give, in the order of the rows."""
        return tuple(dict.fromkeys(str(row.gives["reason"]) for row in self.rows))


def clean(kind: Kind, value: object) -> Value:
    """``value`` when it is usable as ``kind``, else None; it is never converted."""
    if kind == "count":
        # type() and not isinstance(): True is an int to Python and 1 to nobody else.
        return value if type(value) is int and 0 <= value <= LARGEST else None
    if kind == "flag":
        return value if isinstance(value, bool) else None
    if not isinstance(value, str):
        return None
    return value if kind == "word" or _AREA.fullmatch(value) else None


def apply(table: Table, stated: Mapping[str, object], limits: Mapping[str, Value]) -> dict[str, Value]:
    """The fields of the first row that holds for the facts of ``stated`` under ``limits``."""
    usable = {fact.name: clean(fact.kind, stated.get(fact.name)) for fact in table.facts}

    def value(term: Fact | Limit | int | str) -> Value:
        if isinstance(term, Fact):
            return usable[term.name]
        return limits[term.name] if isinstance(term, Limit) else term

    def raw(term: Fact | Limit) -> object:
        return stated.get(term.name) if isinstance(term, Fact) else limits[term.name]

    def holds(test: Check) -> bool:
        left = value(test.left)
        match test.op:
            case "missing":
                return raw(test.left) is None
            case "known":
                return left is not None
            case "bad":
                return left is None and raw(test.left) is not None
            case "yes":
                return left is True
            case "no":
                return left is False
            case "is":
                return left == test.right
        right = value(test.right)
        if not isinstance(left, int) or not isinstance(right, int):
            return False
        return left >= right if test.op == "at_least" else left < right

    row = next(row for row in table.rows if all(holds(test) for test in row.when))
    return {
        name: limits[given.name] if isinstance(given, Limit) else given for name, given in row.gives.items()
    }
