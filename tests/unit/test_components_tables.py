"""Tables carry states and links, and need no code that a strict page would forbid."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from dashboard.cells import NOT_REPORTED, SUPPRESSED, cell
from dashboard.components.grid_texts import grid_texts
from dashboard.components.tables import ColumnSpec, data_table
from dashboard.i18n.catalogue import LANGS, Lang

COMMAND = (Path(__file__).resolve().parents[2] / "assets" / "command.js").read_text(encoding="utf-8")
COLUMNS = (
    ColumnSpec("name", "City", link=True),
    ColumnSpec("level", "Level", kind="status"),
    ColumnSpec("red", "Red codes", kind="bar", unit="people"),
    ColumnSpec("rate", "Rate", kind="rate", unit="per 100,000"),
    ColumnSpec("change", "Change", kind="change", hide_on_phone=True),
)
ROWS = (
    {
        "code": "510100",
        "name": "Chengdu",
        "level": "high",
        "red": cell(12345.0),
        "rate": cell(1.25),
        "change": cell(-3.0),
    },
    {
        "code": "510700",
        "name": "Mianyang",
        "level": None,
        "red": SUPPRESSED,
        "rate": SUPPRESSED,
        "change": NOT_REPORTED,
    },
    {"code": "513300", "name": "Garzê", "level": "low", "red": 0, "rate": None, "change": 0.0},
)


def grid(lang: Lang = "en", **more: Any) -> Any:
    return data_table(id="t", columns=COLUMNS, rows=ROWS, lang=lang, label="Cities", **more).children


def test_numbers_zero_and_states_differ() -> None:
    rows = grid().rowData
    assert [r["red"] for r in rows] == [12345.0, None, 0]
    assert [r["red__t"] for r in rows] == ["12,345", "hidden (<10)", "0"]
    assert [r.get("red__s") for r in rows] == [None, "suppressed", None]
    assert [r["rate__t"] for r in rows] == ["1.2", "hidden (<10)", "not reported"]
    assert [r["change__t"] for r in rows] == ["−3", "not reported", "±0"]


def test_unknown_status_stays_unknown() -> None:
    rows = grid().rowData
    assert [r["level"] for r in rows] == ["high", "unknown", "low"]
    assert rows[1]["level__t"] != rows[2]["level__t"]


def test_units_stand_in_the_header_and_numbers_right() -> None:
    columns = {c["field"]: c for c in grid().columnDefs}
    assert columns["red"]["headerName"] == "Red codes\npeople"
    assert columns["red"]["headerTooltip"] == "Red codes people"
    assert columns["red"]["cellClass"] == "tf-grid-number"
    assert columns["name"]["cellClass"] == "tf-grid-text"


def test_rows_are_links_only_where_a_link_is_given() -> None:
    linked, plain = grid(link_template="/risk?area={code}"), grid()
    assert linked.rowData[0]["__href"] == "/risk?area=510100"
    assert set(linked.eventListeners) == {"rowClicked", "cellKeyDown", "gridSizeChanged"}
    assert "__href" not in plain.rowData[0]
    assert set(plain.eventListeners) == {"gridSizeChanged"}


def test_total_is_pinned_and_no_link() -> None:
    total = {"name": "Total", "red": cell(12345.0)}
    pinned = grid(pinned_total=total, link_template="/risk?area={code}").dashGridOptions[
        "pinnedBottomRowData"
    ]
    assert len(pinned) == 1
    assert pinned[0]["red__t"] == "12,345"
    assert "__href" not in pinned[0]


def test_no_code_is_allowed() -> None:
    assert not getattr(grid(), "dangerously_allow_code", False)


@pytest.mark.parametrize("word", ["eval(", "new Function", "innerHTML", "http://", "https://"])
def test_browser_script_evaluates_and_asks_nothing(word: str) -> None:
    assert word not in COMMAND


def test_every_name_a_table_uses_stands_in_the_script() -> None:
    made = grid(link_template="/x")
    named = {c["cellRenderer"] for c in made.columnDefs if "cellRenderer" in c}
    named |= {c["comparator"]["function"] for c in made.columnDefs if "comparator" in c}
    named |= {call.split("(")[0] for calls in made.eventListeners.values() for call in calls}
    assert {
        "TfNumber",
        "TfStatus",
        "TfLink",
        "tfMissingLast",
        "tfOpenRow",
        "tfRowKey",
        "tfFitColumns",
    } == named
    for name in named:
        assert re.search(rf"\b(grid|draw)\.{name} = function", COMMAND), name


@pytest.mark.parametrize("lang", LANGS)
def test_grid_speaks_the_language(lang: Lang) -> None:
    assert grid(lang).dashGridOptions["localeText"] == grid_texts(lang)
    assert grid_texts("zh-CN")["equals"] != "Equals"
