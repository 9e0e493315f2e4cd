"""The daily cases CSV: cumulative counts by day and area, read line by line.

Header ``date,province,provinceCode,city,cityCode,confirmed,suspected,cured,dead``, optionally
``county,countyCode,asymptomatic``; columns in any order. A row without a city is the province's
published total and includes cases from abroad and cases of places not published.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from dashboard.snapshot.importers.files import CASE_HEADER, Found
from dashboard.snapshot.importers.places import area_by_code, area_by_name, is_province
from dashboard.snapshot.importers.text import read_day, split_cells, split_lines
from dashboard.snapshot.quarantine import Reject
from geo.areas import PROVINCE

FEED = "cases"
OPTIONAL_HEADER = ("county", "countyCode", "asymptomatic")
IMPORTED_CODE, IMPORTED_NAME = "5100y0", "境外输入"
# Cases the province counts without naming a city, as sources call them.
UNPUBLISHED_NAMES = frozenset({"未公布来源", "未知地区", "未明确地区", "待明确地区"})
_MOST = 10**9  # no count of people in one province is larger; a larger one is a slip of columns
_NUMBER = re.compile(r"[-−]?\d{1,18}")

NodeKind = Literal["province", "city", "county", "imported", "unpublished"]


@dataclass(frozen=True)
class Node:
    """What a series is about: an area, cases from abroad, or cases of places not published."""

    kind: NodeKind
    area: str


@dataclass(frozen=True)
class Counts:
    """Cumulative counts of one row; None where the cell is empty."""

    confirmed: int
    asymptomatic: int | None
    cured: int | None
    dead: int | None


@dataclass(frozen=True)
class CaseRow:
    """One accepted line: where it stands, its day, what it is about, the counts."""

    file: str
    line: int
    raw: str
    day: date
    node: Node
    counts: Counts


@dataclass(frozen=True)
class CaseFile:
    """The lines of one file, in its order."""

    rows: tuple[CaseRow, ...]
    rejects: tuple[Reject, ...]
    unused: tuple[str, ...] = ()


class _RowError(Exception):
    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(reason)
        self.reason, self.detail = reason, detail


def read_case_file(file: Found, *, now: datetime) -> CaseFile:
    """Read one file. Every line after the header is a row or a reject; blank lines are neither."""
    try:
        data = file.path.read_bytes()
    except OSError as error:
        return _refuse_file(file, "unreadable_file", f"The file cannot be read: {error}.", rows=1)
    lines = split_lines(data)
    header = [name.strip() for name in split_cells(lines[0] or "")]
    filled = [
        (number, line) for number, line in enumerate(lines[1:], start=2) if line is None or line.strip(" \t")
    ]
    missing = [name for name in CASE_HEADER if name not in header]
    if missing or len(set(header)) != len(header):
        what = f"The header lacks {', '.join(missing)}." if missing else "The header names a column twice."
        return _refuse_file(file, "wrong_header", what, rows=max(1, len(filled)))
    if not filled:
        return _refuse_file(file, "empty_file", "The file has a header and no rows.", rows=1)
    rows: list[CaseRow] = []
    rejects: list[Reject] = []
    last = len(lines) + 1 if lines[-1] == "" else len(lines)  # a last line without its end may be torn
    for number, line in filled:
        try:
            if line is None:
                raise _RowError("bad_encoding", "The line is neither UTF-8 nor GB18030.")
            rows.append(_read_line(file.name, number, line, header, torn=number == last, now=now))
        except _RowError as bad:
            rejects.append(Reject(FEED, file.name, number, bad.reason, bad.detail, line or ""))
    unused = tuple(n for n in header if n not in (*CASE_HEADER, *OPTIONAL_HEADER))
    return CaseFile(tuple(rows), tuple(rejects), unused)


def _refuse_file(file: Found, reason: str, detail: str, *, rows: int) -> CaseFile:
    return CaseFile((), (Reject(FEED, file.name, None, reason, detail, "", rows),))


def _read_line(
    name: str, number: int, line: str, header: Sequence[str], *, torn: bool, now: datetime
) -> CaseRow:
    cells = split_cells(line)
    if len(cells) != len(header):
        reason = "torn_line" if torn and len(cells) < len(header) else "wrong_width"
        raise _RowError(reason, f"The line has {len(cells)} cells, the header {len(header)}.")
    row = dict(zip(header, (cell.strip() for cell in cells), strict=True))
    day = read_day(row["date"])
    if day is None:
        raise _RowError("bad_date", f"date is {row['date']!r}.")
    if day > now.date():
        raise _RowError("future_date", f"date is {row['date']!r}, which is later than the build.")
    node = _node(row)
    confirmed = _number(row, "confirmed")
    _number(row, "suspected")  # not kept, but a wrong one tells of shifted columns
    if confirmed is None:
        raise _RowError("missing_value", "confirmed is empty.")
    counts = Counts(confirmed, _number(row, "asymptomatic"), _number(row, "cured"), _number(row, "dead"))
    return CaseRow(name, number, line, day, node, counts)


def _number(row: Mapping[str, str], field: str) -> int | None:
    text = unicodedata.normalize("NFKC", row.get(field, ""))
    if not text:
        return None
    if not _NUMBER.fullmatch(text):
        raise _RowError("bad_number", f"{field} is {row[field]!r}, not a whole number.")
    value = int(text.replace("−", "-"))
    if value < 0:
        raise _RowError("negative_count", f"{field} is {value}.")
    if value > _MOST:
        raise _RowError("out_of_range", f"{field} is {value}.")
    return value


def _node(row: Mapping[str, str]) -> Node:
    province, code = row["province"], row["provinceCode"]
    if (code and code != PROVINCE) or (not code and not is_province(province)):
        raise _RowError(
            "outside_province", f"{province or code or 'A row without province'} is not this province."
        )
    if province and not is_province(province):
        raise _RowError(
            "name_code_mismatch", f"The code {code} is this province, the name {province!r} is not."
        )
    city, city_code = row["city"], row["cityCode"]
    county, county_code = row.get("county", ""), row.get("countyCode", "")
    if city_code == IMPORTED_CODE or city == IMPORTED_NAME:
        if county or county_code:
            raise _RowError(
                "unknown_area", "Cases from abroad are counted for the province, not for a county."
            )
        return Node("imported", PROVINCE)
    if not city_code and city in UNPUBLISHED_NAMES:
        return Node("unpublished", PROVINCE)
    if county or county_code:
        return _area_node(county, county_code, inside=city_code or city)
    if city or city_code:
        return _area_node(city, city_code, inside="")
    return Node("province", PROVINCE)


def _area_node(name: str, code: str, *, inside: str) -> Node:
    city = (area_by_code(inside) or area_by_name(inside)) if inside else None
    if inside and (city is None or city.level != "city"):
        raise _RowError("unknown_area", f"{inside!r} is no city of the list.")
    named = area_by_name(name, city.code if city else None) if name else None
    area = area_by_code(code) if code else named
    if area is None:
        raise _RowError("unknown_area", f"{' '.join(filter(None, (code, name)))!r} is no area of the list.")
    # A name that is no area says nothing; one that is another area says that the columns do not agree.
    if (named and named.code != area.code) or (city and area.city != city.code):
        raise _RowError(
            "name_code_mismatch", f"The code {code} is {area.name_zh}, the row names {name or inside!r}."
        )
    if area.level == "province":
        return Node("province", PROVINCE)
    return Node("city" if area.level == "city" else "county", area.code)
