"""Metrics: what each figure on a screen is, declared once in ``queries/metrics/<id>.toml``.

Name and definition are texts of the catalogue (``metric.<id>.name``, ``metric.<id>.definition``).
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Literal, cast, get_args

from dashboard.i18n.catalogue import Lang, t
from dashboard.snapshot.contract import FEED_BY_ID, FEED_STATES
from queries.catalog import load_questions
from queries.feeds import get_feed_states
from queries.run import View

Worse = Literal["up", "down", "none"]
UNITS = (
    *("people", "changes", "scans", "shows", "cases", "places", "days"),
    *("appeals", "calls", "percent", "hours", "samples", "doses", "lookups", "institutions", "alarms"),
)
# What a rate or a share divides by; only residents make a rate per 100,000.
DENOMINATORS = (
    *("residents", "none"),
    *("closed", "calls", "finished_lists", "contacts", "reported_samples", "first_doses", "lookups"),
)
# From good to bad: part of the rows is better than old rows, and old rows are better than none.
_WORST_LAST = ("on_time", "partial", "late", "not_reported")


class MetricError(ValueError):
    """A metric file that is not complete or not true: a bug, found when the files are loaded."""


@dataclass(frozen=True)
class Metric:
    """One metric: the SQL file it comes from, its unit, which direction is worse, what a rate divides by,
    the feeds it depends on, who answers for it, and the page where the figures behind it stand.
    """

    id: str
    query: str
    unit: str
    worse: Worse
    denominator: str
    feeds: tuple[str, ...]
    owner: str
    link: str

    def name(self, lang: Lang) -> str:
        """Its name on a card."""
        return t(lang, f"metric.{self.id}.name")

    def definition(self, lang: Lang) -> str:
        """What is counted, and what is not."""
        return t(lang, f"metric.{self.id}.definition")

    def unit_name(self, lang: Lang) -> str:
        """Its unit in words."""
        return t(lang, f"metric.unit.{self.unit}")


@cache
def load_metrics() -> Mapping[str, Metric]:
    """All metrics by id; raises ``MetricError`` for a file that is not complete or not true."""
    folder = files("queries").joinpath("metrics")
    found = {}
    for file in sorted(folder.iterdir(), key=lambda f: f.name):
        if file.name.endswith(".toml"):
            name = file.name.removesuffix(".toml")
            found[name] = parse_metric(name, tomllib.loads(file.read_text(encoding="utf-8")))
    return MappingProxyType(found)


def get_metric(name: str) -> Metric:
    """The metric of that id; raises ``MetricError``."""
    try:
        return load_metrics()[name]
    except KeyError:
        raise MetricError(f"There is no queries/metrics/{name}.toml.") from None


def parse_metric(name: str, raw: Mapping[str, object]) -> Metric:
    """Check one metric file; raises ``MetricError`` naming the file, the field and its value."""
    wanted = {f.name for f in fields(Metric)} - {"id"}
    if raw.keys() != wanted:
        raise MetricError(f"{name}.toml must hold exactly {sorted(wanted)}, it holds {sorted(raw)}.")
    feeds = raw["feeds"]
    if not isinstance(feeds, list) or not feeds:
        raise MetricError(f"{name}.toml: feeds is {feeds!r}, it must be a list of feed ids.")
    allowed: dict[str, tuple[str, ...]] = {
        "query": tuple(load_questions()),
        "unit": UNITS,
        "worse": get_args(Worse),
        "denominator": DENOMINATORS,
    }
    checks = [(key, raw[key], values) for key, values in allowed.items()]
    checks += [("feeds", feed, tuple(FEED_BY_ID)) for feed in feeds]
    for key, value, values in checks:
        if value not in values:
            raise MetricError(f"{name}.toml: {key} is {value!r}, it must be one of {', '.join(values)}.")
    if not str(raw["owner"]) or not str(raw["link"]).startswith("/"):
        raise MetricError(f"{name}.toml: owner must not be empty and link must be the path of a page.")
    return Metric(
        id=name,
        query=str(raw["query"]),
        unit=str(raw["unit"]),
        worse=cast(Worse, raw["worse"]),
        denominator=str(raw["denominator"]),
        feeds=tuple(feeds),
        owner=str(raw["owner"]),
        link=str(raw["link"]),
    )


def metric_state(view: View, metric: Metric) -> str:
    """The worst state among the feeds of a metric; a feed nobody speaks of is ``not_reported``.

    It is one of ``FEED_STATES``. Raises ``OutOfScope`` for an empty scope.
    """
    states = {row.feed: row.state for row in get_feed_states(view)}
    return max((states.get(feed, "not_reported") for feed in metric.feeds), key=_badness)


def _badness(state: str) -> int:
    # A state this version does not know counts as the worst: unknown is never drawn as good.
    return _WORST_LAST.index(state) if state in FEED_STATES else len(_WORST_LAST)
