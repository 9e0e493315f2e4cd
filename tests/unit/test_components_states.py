"""What is no figure looks like none, and different reasons look different."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest

from dashboard.cells import NOT_REPORTED, SUPPRESSED, Cell, cell
from dashboard.components import states
from dashboard.components.badges import colour_badge, level_badge, sign_of, status_name
from dashboard.components.breadcrumbs import Crumb, breadcrumbs
from dashboard.components.browser_words import SHORTCUTS, browser_words
from dashboard.components.cards import card
from dashboard.components.kpi import Worse, change_text, kpi, tone_of
from dashboard.components.legend import LegendItem, scale_legend, status_legend
from dashboard.components.palette import THEMES
from dashboard.components.provenance import FeedMark, Provenance, feed_sign, provenance_button, worst_state
from dashboard.components.sparkline import spark_source, sparkline
from dashboard.i18n.catalogue import LANGS, Lang

NOW = datetime(2021, 1, 19, 7, 30)
CELLS = {"value": cell(5.0), "zero": cell(0.0), "suppressed": SUPPRESSED, "not_reported": NOT_REPORTED}


def as_json(component: object) -> str:
    return json.dumps(component, default=lambda c: c.to_plotly_json(), ensure_ascii=False)


def made(*states_: str, denominator: str = "residents") -> Provenance:
    feeds = tuple(FeedMark(name=s, state=s, data_until=None) for s in states_)  # type: ignore[arg-type]
    return Provenance("what it counts", denominator, feeds, NOW, "owner")


def key_figure(value: Cell, **more: object) -> str:
    arguments: dict[str, object] = {
        "id": "k",
        "name": "Red",
        "unit": "people",
        "value": value,
        "change": cell(3.0),
        "rate": cell(1.5),
        "trend": (cell(1.0), cell(2.0)),
        "worse": "up",
        "provenance": made("on_time"),
        "link": "/codes",
        "lang": "en",
        "theme": "light",
    }
    return as_json(kpi(**(arguments | more)))  # type: ignore[arg-type]


@pytest.mark.parametrize("lang", LANGS)
def test_cells_differ(lang: Lang) -> None:
    drawn = {name: as_json(states.cell_text(c, lang)) for name, c in CELLS.items()}
    assert len(set(drawn.values())) == len(CELLS)
    assert "tf-cell-suppressed" in drawn["suppressed"]
    assert "tf-cell-not-reported" in drawn["not_reported"]
    assert "tf-cell" not in drawn["zero"]


def test_key_figures_differ_by_state() -> None:
    drawn = {name: key_figure(c) for name, c in CELLS.items()}
    assert len(set(drawn.values())) == len(CELLS)
    for name, text in drawn.items():
        assert f"tf-kpi-is-{name.replace('_', '-')}" in text


@pytest.mark.parametrize("value", [SUPPRESSED, NOT_REPORTED])
def test_key_figure_without_value_shows_no_rate(value: Cell) -> None:
    assert "per 100k" not in key_figure(value)
    assert "1.5 per 100k" in key_figure(cell(4.0))


def test_key_figure_names_the_day_compared() -> None:
    assert "in a day" in key_figure(cell(4.0))
    assert "since 01-12" in key_figure(cell(4.0), compared=NOW.date() - timedelta(days=7))


@pytest.mark.parametrize(
    ("change", "worse", "tone"),
    [
        (1, "up", "worse"),
        (-1, "up", "better"),
        (1, "down", "better"),
        (-1, "down", "worse"),
        (1, "none", "even"),
        (0, "up", "even"),
    ],
)
def test_tone(change: float, worse: Worse, tone: str) -> None:
    assert tone_of(change, worse) == tone


@pytest.mark.parametrize("missing", [SUPPRESSED, NOT_REPORTED])
def test_missing_change_has_no_tone(missing: Cell) -> None:
    text = as_json(change_text(missing, worse="up", lang="en"))
    assert "tf-change-missing" in text
    assert "worse" not in text
    assert "better" not in text


@pytest.mark.parametrize(
    ("feeds", "worst"),
    [
        ((), "unknown"),
        (("on_time",), "on_time"),
        (("on_time", "late"), "late"),
        (("partial", "late"), "partial"),
        (("late", "not_reported", "partial"), "not_reported"),
        (("on_time", "nonsense"), "unknown"),
    ],
)
def test_worst_state(feeds: tuple[str, ...], worst: str) -> None:
    assert worst_state(made(*feeds).feeds) == worst


def test_feed_signs_differ_and_unknown_is_not_on_time() -> None:
    names = ["on_time", "late", "partial", "not_reported", "unknown"]
    drawn = [as_json(feed_sign(name, "en")) for name in names]
    assert len(set(drawn)) == len(names)
    assert as_json(feed_sign("nonsense", "en")) == as_json(feed_sign("unknown", "en"))


def test_definition_says_everything() -> None:
    text = as_json(provenance_button(made("late"), name="Red", lang="en"))
    for word in (
        "what it counts",
        "residents",
        "Late",
        "no data",
        "01-19 07:30",
        "owner",
        "Definition and feeds of Red",
    ):
        assert word in text


def test_definition_without_feed_or_denominator_says_so() -> None:
    text = as_json(provenance_button(made(denominator=""), name="Red", lang="en"))
    assert "no feed is named" in text
    assert "none (a count)" in text


@pytest.mark.parametrize("make", [colour_badge, level_badge])
def test_unknown_badge_is_hatched_and_never_green(make: object) -> None:
    text = as_json(make("no such id", "en"))  # type: ignore[operator]
    assert "tf-mark-unknown" in text
    assert "green" not in text
    assert '"?"' in text


def test_statuses_differ_by_letter_and_shape() -> None:
    assert len({sign_of(c) for c in ("red", "yellow", "green", "unknown")}) == 4
    assert len({as_json(level_badge(c, "en")) for c in ("high", "medium", "low", "unknown")}) == 4
    assert status_name("nonsense", "en") == "Unknown"


@pytest.mark.parametrize("lang", LANGS)
def test_card_parts(lang: Lang) -> None:
    drawn = as_json(
        card(
            id="c",
            question_title="Which cities rise?",
            unit="people",
            body=states.empty_state(why="why", todo="todo"),
            provenance=made("on_time", "partial"),
            link="/codes",
            lang=lang,
        )
    )
    for word in (
        "Which cities rise?",
        "residents",
        "tf-feed-partial",
        "01-19 07:30",
        "/codes",
        "tf-state-empty",
    ):
        assert word in drawn


def test_error_has_a_retry_only_where_a_callback_listens() -> None:
    plain = as_json(states.error_state(what="what", todo="todo", lang="en"))
    with_button = as_json(states.error_state(what="what", todo="todo", lang="en", retry_id="again"))
    assert "Try again" not in plain
    assert '"again"' in with_button
    assert '"alert"' in plain


def test_states_differ() -> None:
    drawn = [
        as_json(c)
        for c in (
            states.empty_state(why="x", todo="y"),
            states.error_state(what="x", todo="y", lang="en"),
            states.out_of_scope(todo="y", lang="en"),
            states.stale_plate(data_time=NOW, age=timedelta(hours=3), lang="en"),
            states.synthetic_ribbon("en"),
            states.not_reported_sign("en"),
        )
    ]
    assert len(set(drawn)) == len(drawn)


def test_skeleton_has_the_size_of_what_comes() -> None:
    assert '"height": 240' in as_json(states.skeleton(height=240, lang="en"))
    assert '"height": 240' in as_json(
        states.loading(states.empty_state(why="x", todo="y"), height=240, lang="en")
    )


def test_sparkline_breaks_where_a_day_is_missing() -> None:
    values = [1.0, 2.0, None, 3.0, 4.0]
    assert spark_source(values, theme="light").count("polyline") == 2
    assert spark_source(values, theme="light").count("rect") == 0
    assert spark_source([1.0, None, 3.0], theme="light").count("rect") == 2


@pytest.mark.parametrize("theme", THEMES)
def test_level_sparkline_does_not_lie_on_the_floor(theme: str) -> None:
    assert ",15.0" in spark_source([5.0, 5.0], theme=theme)  # type: ignore[arg-type]


@pytest.mark.parametrize("trend", [(), (cell(1.0),), (NOT_REPORTED, SUPPRESSED, cell(2.0))])
def test_sparkline_of_too_few_values_says_so(trend: tuple[Cell, ...]) -> None:
    assert "no trend" in as_json(sparkline(trend, lang="en", theme="light"))


def test_sparkline_tells_a_reader_who_cannot_see_it() -> None:
    text = as_json(sparkline((cell(1.0), cell(9.0), SUPPRESSED), lang="en", theme="light"))
    assert "lowest 1, highest 9, latest hidden" in text


def test_breadcrumbs_mark_the_current_place() -> None:
    text = as_json(breadcrumbs((Crumb("Sichuan", "/"), Crumb("Chengdu", "/x")), lang="en"))
    assert '"aria-current": "location"' in text
    assert "/x" not in text


def test_legends() -> None:
    assert '"12"' in as_json(status_legend((LegendItem("high", "High", "12"),), lang="en"))
    assert as_json(scale_legend(kind="density", low="0", high="9", lang="en")).count("--tf-seq-") == 7
    assert "not reported" not in as_json(
        scale_legend(kind="change", low="0", high="9", lang="en", missing=False)
    )


@pytest.mark.parametrize("lang", LANGS)
def test_browser_words_and_keys(lang: Lang) -> None:
    text = as_json(browser_words(lang))
    assert text.count('"Kbd"') == sum(len(keys.split()) for keys, _ in SHORTCUTS)
    assert "{n}" in text
