"""Figures are plain, complete and honest."""

from __future__ import annotations

import itertools
import json
import math
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.cells import NOT_REPORTED, SUPPRESSED, cell
from dashboard.components.chart_parts import Mark, RestatedPoint, Series, axis_ticks, graph, tick_text
from dashboard.components.charts import RankRow, rank_height, ranked_bars, stacked_bars, trend_lines
from dashboard.components.heat import flow_matrix, heat
from dashboard.components.palette import PALETTES, THEMES, Theme
from dashboard.i18n.catalogue import LANGS, Lang

DAYS = [date(2021, 1, 1) + timedelta(days=i) for i in range(10)]
MIXED = (cell(0.0), cell(3.0), NOT_REPORTED, SUPPRESSED, *[cell(float(i * 1000)) for i in range(6)])
EMPTY = (NOT_REPORTED,) * 10


def all_figures(lang: Lang, theme: Theme) -> dict[str, dict[str, Any]]:
    say: dict[str, Any] = {"unit": "people", "lang": lang, "theme": theme}
    grid = [[cell(1.0), SUPPRESSED], [NOT_REPORTED, cell(900.0)]]
    nothing = [[NOT_REPORTED, NOT_REPORTED], [NOT_REPORTED, NOT_REPORTED]]
    many = [Series(f"s{i}", MIXED) for i in range(6)]
    marks = [Mark(DAYS[3], "v7"), Mark(DAYS[4], "decided", "decision"), Mark(DAYS[5], "fixed", "correction")]
    return {
        "one": trend_lines(days=DAYS, series=[Series("a", MIXED)], **say),
        "labelled": trend_lines(days=DAYS, series=many[:4], marks=marks, incomplete_from=DAYS[-2], **say),
        "restated": trend_lines(
            days=DAYS,
            series=many[:2],
            restated=[
                RestatedPoint(1, DAYS[d], cell(7.0), MIXED[d], "late", "01-05 08:00") for d in (1, 2, 5)
            ],
            **say,
        ),
        "many": trend_lines(days=DAYS, series=many, marks=marks, **say),
        "nothing": trend_lines(days=DAYS, series=[Series("a", EMPTY)], **say),
        "no day": trend_lines(days=[], series=[Series("a", ())], **say),
        "stacked": stacked_bars(
            groups=[str(i) for i in range(10)], series=[Series("a", MIXED, "red")], **say
        ),
        "stacked nothing": stacked_bars(groups=["1"], series=[Series("a", (NOT_REPORTED,), "grey")], **say),
        "ranked": ranked_bars(rows=[RankRow(str(i), c, "high") for i, c in enumerate(MIXED)], **say),
        "ranked nothing": ranked_bars(rows=[], **say),
        "heat": heat(columns=["a", "b"], rows=["c", "d"], values=grid, **say),
        "heat nothing": heat(columns=["a", "b"], rows=["c", "d"], values=nothing, **say),
        "flows": flow_matrix(colours=[("red", "Red"), ("green", "Green")], values=grid, **say),
    }


def walk(node: object) -> list[object]:
    if isinstance(node, dict):
        return [leaf for value in node.values() for leaf in walk(value)]
    if isinstance(node, list | tuple):
        return [leaf for value in node for leaf in walk(value)]
    return [node]


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("lang", LANGS)
def test_figures_are_plain_json_without_nan(lang: Lang, theme: Theme) -> None:
    for name, made in all_figures(lang, theme).items():
        json.dumps(made, allow_nan=False)
        leaves = walk(made)
        assert not [x for x in leaves if isinstance(x, str) and "nan" in x.lower().split()], name
        assert {type(x) for x in leaves} <= {str, int, float, bool, type(None)}, name


def test_figures_of_the_themes_differ_in_colour_only() -> None:
    light, dark = all_figures("en", "light"), all_figures("en", "dark")
    for name in light:
        a, b = walk(light[name]), walk(dark[name])
        assert len(a) == len(b)
        for one, other in zip(a, b, strict=True):
            if one != other:
                assert "#" in str(one), name
                assert "#" in str(other), name


def test_missing_days_are_gaps_with_a_sign_not_zeros() -> None:
    made = trend_lines(days=DAYS, series=[Series("a", MIXED)], unit="", lang="en", theme="light")
    data: Any = made["data"]
    line, signs = data
    assert line["y"][:4] == [0.0, 3.0, None, None]
    assert line["connectgaps"] is False
    assert signs["x"] == ["2021-01-03", "2021-01-04"]
    assert signs["marker"]["symbol"] == ["x-thin-open", "circle-open"]
    assert signs["hovertext"] == ["a: not reported", "a: hidden (<10)"]


def test_hover_has_the_exact_value() -> None:
    made: Any = trend_lines(
        days=DAYS[:1], series=[Series("a", (cell(1234567.0),))], unit="people", lang="en", theme="light"
    )
    assert made["data"][0]["hovertext"] == ["a: 1,234,567 people"]


@pytest.mark.parametrize(("count", "labels", "legend"), [(1, 0, False), (4, 4, False), (5, 0, True)])
def test_direct_labels_up_to_four(count: int, labels: int, legend: bool) -> None:
    series = [Series(f"s{i}", MIXED) for i in range(count)]
    layout: Any = trend_lines(days=DAYS, series=series, unit="", lang="en", theme="light")["layout"]
    assert len(layout["annotations"]) == labels
    assert layout["showlegend"] is legend


def test_end_labels_do_not_overlap() -> None:
    series = [Series(f"s{i}", tuple(cell(100.0 + i) for _ in DAYS)) for i in range(4)]
    layout: Any = trend_lines(days=DAYS, series=series, unit="", lang="en", theme="light", height=240)[
        "layout"
    ]
    low, high = layout["yaxis"]["range"]
    pixels = sorted((240 - 34) * note["y"] / (high - low) for note in layout["annotations"])
    assert min(b - a for a, b in itertools.pairwise(pixels)) >= 14


def test_marks_inside_the_days_only_and_on_rows_of_their_own() -> None:
    marks = [
        Mark(DAYS[2], "a long policy name"),
        Mark(DAYS[3], "another long name"),
        Mark(date(2020, 1, 1), "before"),
    ]
    layout: Any = trend_lines(
        days=DAYS, series=[Series("a", MIXED)], unit="", lang="en", theme="light", marks=marks
    )["layout"]
    assert len(layout["shapes"]) == 2
    assert sorted(note["yshift"] for note in layout["annotations"]) == [0, 16]


def test_more_than_six_categories_are_refused() -> None:
    with pytest.raises(ValueError, match="more than six"):
        trend_lines(
            days=DAYS, series=[Series(str(i), MIXED) for i in range(7)], unit="", lang="en", theme="light"
        )


def test_bars_start_at_zero() -> None:
    made = all_figures("en", "light")
    assert made["stacked"]["layout"]["yaxis"]["range"][0] == 0
    assert made["ranked"]["layout"]["xaxis"]["range"][0] == 0
    from_zero: Any = trend_lines(
        days=DAYS[:2],
        series=[Series("a", (cell(900.0), cell(950.0)))],
        unit="",
        lang="en",
        theme="light",
        from_zero=True,
    )
    assert from_zero["layout"]["yaxis"]["range"][0] == 0


def test_ranking_is_sorted_with_missing_last() -> None:
    rows = [
        RankRow("none", NOT_REPORTED),
        RankRow("small", cell(1.0)),
        RankRow("hidden", SUPPRESSED),
        RankRow("big", cell(9.0)),
    ]
    made: Any = ranked_bars(rows=rows, unit="", lang="en", theme="light")
    assert made["data"][0]["x"] == [9.0, 1.0, None, None]
    assert [note["text"] for note in made["layout"]["annotations"]] == [
        "9",
        "1",
        "× not reported",
        "◌ hidden (<10)",
    ]
    assert rank_height(2) > rank_height(1)


def test_stack_without_any_report_carries_a_sign() -> None:
    made: Any = stacked_bars(
        groups=["07", "08"],
        series=[Series("a", (NOT_REPORTED, cell(0.0)))],
        unit="",
        lang="en",
        theme="light",
    )
    assert [note["x"] for note in made["layout"]["annotations"]] == ["07"]


def test_unknown_status_is_hatched() -> None:
    made: Any = stacked_bars(
        groups=["1"], series=[Series("a", (cell(1.0),), "grey")], unit="", lang="en", theme="light"
    )
    marker = made["data"][0]["marker"]
    assert marker["color"] == PALETTES["light"].unknown
    assert marker["pattern"]["shape"]


def test_flow_diagonal_is_nobodys_move() -> None:
    values = [[cell(5.0), cell(2.0)], [cell(1.0), cell(7.0)]]
    made: Any = flow_matrix(
        colours=[("red", "Red"), ("green", "Green")], values=values, unit="", lang="en", theme="light"
    )
    z = made["data"][0]["z"]
    assert z[0][0] is None
    assert z[1][1] is None
    assert z[0][1] == 1.0
    assert made["data"][0]["hovertext"][0][1] == "Red → Green: 2"


@pytest.mark.parametrize(
    ("value", "lang", "text"),
    [
        (20000, "zh-CN", "2\u2009万"),
        (20000, "en", "20\u2009k"),
        (0, "en", "0"),
        (-1500, "en", "−1,500"),
        (2.5e8, "zh-CN", "2.5\u2009亿"),
    ],
)
def test_tick_text(value: float, lang: Lang, text: str) -> None:
    assert tick_text(value, lang) == text


@given(st.floats(-1e9, 1e9), st.floats(1e-3, 1e9))
def test_ticks_lie_inside_and_are_few(low: float, span: float) -> None:
    values, texts = axis_ticks(low, low + span, "en")
    assert len(values) == len(texts) <= 6
    slack = span * 1e-6 + abs(low) * 1e-9
    assert all(low - slack <= v <= low + span + slack and math.isfinite(v) for v in values)


def test_ticks_of_a_single_value() -> None:
    assert axis_ticks(3.0, 3.0, "en") == ([3.0], ["3"])


@pytest.mark.parametrize("lang", LANGS)
def test_graph_asks_nobody_outside(lang: Lang) -> None:
    made = graph(id="g", figure=all_figures(lang, "light")["one"], height=200, lang=lang, label="x")
    config = made.children.config
    assert config["displaylogo"] is False
    assert config["showSendToCloud"] is False
    assert config["plotlyServerURL"] == ""
    assert config["modeBarButtons"] == [["toImage"]]
    assert made.style["minHeight"] == 200


@pytest.mark.parametrize("lang", LANGS)
def test_a_restated_point_says_what_it_had_been_and_since_when(lang: Lang) -> None:
    drawn = all_figures(lang, "light")["restated"]
    trace = drawn["data"][-1]
    # A day without a value has no point to mark.
    assert trace["x"] == [DAYS[1].isoformat(), DAYS[5].isoformat()]
    assert trace["y"] == [3.0, 1000.0]
    assert all("s1" in text and "7" in text and "01-05 08:00" in text for text in trace["hovertext"])
    signs = [note["text"] for note in drawn["layout"]["annotations"]]
    assert sum(text.startswith("◇") for text in signs) == 1
    plain = trend_lines(days=DAYS, series=[Series("a", MIXED)], unit="people", lang=lang, theme="light")
    assert "◇" not in json.dumps(plain, ensure_ascii=False)
