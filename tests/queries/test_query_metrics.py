"""Metrics: declared once, complete in both languages, as fresh as their worst feed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dashboard.i18n.catalogue import LANGS
from dashboard.snapshot.contract import FEED_STATES, TABLE_BY_NAME
from queries.catalog import load_questions
from queries.metrics import Metric, MetricError, get_metric, load_metrics, metric_state, parse_metric
from queries.reference import HEAD, PAGE, metrics_page
from tests.queries.test_query_figures import GROUPS
from tests.queries.worlds import SICHUAN, random_tables, view_of, write_world
from tests.tiny import DAY2, build_tiny

GOOD: dict[str, object] = {
    "query": "codes_trend",
    "unit": "people",
    "worse": "up",
    "denominator": "residents",
    "feeds": ["codes"],
    "owner": "省大数据中心",
    "link": "/codes",
}
METRICS = sorted(load_metrics().values(), key=lambda m: m.id)
# What names areas, feeds and outbreaks, and what was said of figures earlier, is no figure of a day; what a
# preview asks is about rules that do not hold, and its screen says how it is counted.
NO_FIGURE = {"areas", "feed_states", "feed_rejects", "incidents", "restated_days", "restated_areas"}
NO_FIGURE |= {
    "preview_appeals",
    "preview_backlog",
    "preview_codes",
    "preview_crowds",
    "preview_silent",
    "preview_tests",
}


def test_every_question_with_figures_has_a_metric() -> None:
    assert {m.query for m in METRICS} == load_questions().keys() - NO_FIGURE


def test_every_figure_of_the_overview_is_a_metric_of_its_question(tmp_path: Path) -> None:
    view = view_of(tmp_path, build_tiny(tmp_path).id)
    ids = [f.id for group in GROUPS for f in group(view, area=SICHUAN, date=DAY2)]
    assert len(ids) == len(set(ids)) == 17
    assert [get_metric(name).id for name in ids] == ids


@pytest.mark.parametrize("metric", METRICS, ids=lambda m: m.id)
def test_metric_reads_in_every_language(metric: Metric) -> None:
    for lang in LANGS:
        assert len(metric.definition(lang)) > 10
        assert metric.name(lang)
        assert metric.unit_name(lang)
    assert re.search(r"[\u4e00-\u9fff]", metric.definition("zh-CN"))
    assert not re.search(r"[\u4e00-\u9fff]", metric.definition("en"))


@pytest.mark.parametrize("metric", METRICS, ids=lambda m: m.id)
def test_metric_names_the_feeds_its_question_reads(metric: Metric) -> None:
    assert {TABLE_BY_NAME[table].feed for table in load_questions()[metric.query].reads} == set(metric.feeds)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("query", "nothing"),
        ("unit", "persons"),
        ("worse", "sideways"),
        ("denominator", "holders"),
        ("feeds", []),
        ("feeds", "codes"),
        ("feeds", ["codes", "weather"]),
        ("owner", ""),
        ("link", "codes"),
        ("colour", "red"),
    ],
)
def test_a_metric_that_is_not_true_is_refused(field: str, value: object) -> None:
    assert parse_metric("m", GOOD).feeds == ("codes",)
    with pytest.raises(MetricError, match=rf"m\.toml.*{field}"):
        parse_metric("m", GOOD | {field: value})


def test_a_metric_lacking_a_field_is_refused() -> None:
    with pytest.raises(MetricError, match="exactly"):
        parse_metric("m", {k: v for k, v in GOOD.items() if k != "unit"})
    with pytest.raises(MetricError, match="no queries/metrics"):
        get_metric("nothing")


@pytest.mark.parametrize(
    ("states", "worst"),
    [
        ({"codes": "on_time", "cases": "on_time"}, "on_time"),
        ({"codes": "partial", "cases": "on_time"}, "partial"),
        ({"codes": "partial", "cases": "late"}, "late"),
        ({"codes": "not_reported", "cases": "late"}, "not_reported"),
        ({"codes": "on_time"}, "not_reported"),  # nobody speaks of the other feed
        ({}, "not_reported"),
        ({"codes": "splendid", "cases": "not_reported"}, "splendid"),  # unknown is the worst
    ],
)
def test_a_metric_is_as_fresh_as_its_worst_feed(tmp_path: Path, states: dict[str, str], worst: str) -> None:
    tables = random_tables(0)
    tables["feed_state"] = [(f, "d", s, None, None, None, None, None, None) for f, s in states.items()]
    view = view_of(tmp_path, write_world(tmp_path, tables))
    metric = parse_metric("m", GOOD | {"feeds": ["codes", "cases"]})
    assert metric_state(view, metric) == worst


def test_every_state_of_the_contract_has_its_rank(tmp_path: Path) -> None:
    from queries.metrics import _WORST_LAST

    assert set(_WORST_LAST) == set(FEED_STATES)


def test_the_reference_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == HEAD + metrics_page(), "run: python -m queries.reference"
