"""What a declaration is made of: columns, tables, feeds, and the words several tables use."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

ColumnType = Literal["VARCHAR", "DATE", "TIMESTAMP", "INTEGER", "BIGINT", "DOUBLE", "BOOLEAN"]


@dataclass(frozen=True)
class Column:
    """One column: name, DuckDB type, unit ("" when it has none), description, constraint.

    ``allowed`` lists the only values; ``low`` and ``high`` are the least and largest number; ``area``
    says that values are codes of the ``area`` table. ``additive`` says that the measures of two parts of an
    area may be added; where not (a median, a percentile), the larger one stands for both. ``texts`` begins
    the key of the text that words a value.
    """

    name: str
    type: ColumnType
    unit: str
    description: str
    nullable: bool = False
    allowed: tuple[str, ...] = ()
    low: int | None = None
    area: bool = False
    high: int | None = None
    additive: bool = True
    texts: str = ""

    @property
    def words(self) -> tuple[str, ...]:
        """The allowed values that have a text of their own."""
        return self.allowed if self.texts else ()


@dataclass(frozen=True)
class Table:
    """One table: name, grain in words, key columns, the feed it comes from, columns.

    ``feed`` is "" for tables the build makes itself. Files are sorted by ``sort``.
    ``scoped`` names the column that holds the area of a row; "" means the table has no rows of an
    area and is visible to every signed-in person. ``by_county`` says that rows are of counties and
    functional areas only: a city's row beside those of its counties would count twice.
    """

    name: str
    grain: str
    key: tuple[str, ...]
    feed: str
    columns: tuple[Column, ...]
    sort: tuple[str, ...]
    scoped: str = "area"
    by_county: bool = False

    def column(self, name: str) -> Column:
        return next(c for c in self.columns if c.name == name)


@dataclass(frozen=True)
class Feed:
    """One feed: id, department that delivers it, its names, its tables.

    ``derived`` says that its rows are computed here from other feeds: they are as old as those, and the
    moment of the computation dates no data and makes no feed late.
    """

    id: str
    department: str
    name_zh: str
    name_en: str
    tables: tuple[str, ...] = field(default_factory=tuple)
    derived: bool = False


def area_column(description: str) -> Column:
    return Column("area", "VARCHAR", "", description, area=True)


def count(
    name: str,
    unit: str,
    description: str,
    *,
    nullable: bool = False,
    low: int | None = 0,
    additive: bool = True,
) -> Column:
    return Column(name, "BIGINT", unit, description, nullable=nullable, low=low, additive=additive)


def word(name: str, description: str, allowed: tuple[str, ...] = (), *, texts: str = "") -> Column:
    return Column(name, "VARCHAR", "", description, allowed=allowed, texts=texts)


def whole(
    name: str,
    unit: str,
    description: str,
    *,
    low: int = 0,
    high: int | None = None,
    nullable: bool = False,
) -> Column:
    return Column(name, "INTEGER", unit, description, nullable=nullable, low=low, high=high)


DATE = Column("date", "DATE", "", "Calendar day the row is about.")
AS_OF = Column("as_of", "TIMESTAMP", "", "The moment the row speaks of; the newest holds.")
