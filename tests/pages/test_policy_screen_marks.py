"""A change of the version in force is a line on every chart over days."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from dashboard.publishing.history import Mark
from dashboard.shell.drawn import forget_drawn
from dashboard.views import marks
from tests.pages.conftest import House
from tests.pages.walk import all_pages, cards_of, content

PAGES = Path(__file__).resolve().parents[2] / "pages"
DAY = datetime(2022, 8, 29, 8, 0)


@pytest.fixture
def two_versions(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Two changes of one day, whatever was published."""
    found = (Mark(DAY, 2, 1, "normal"), Mark(DAY.replace(hour=9), 3, 2, "emergency"))
    monkeypatch.setattr(marks, "list_marks", lambda *_words, **_more: found)
    forget_drawn()
    yield
    forget_drawn()


def test_every_chart_over_days_asks_for_the_marks() -> None:
    calls = [
        call
        for file in sorted(PAGES.glob("*.py"))
        for call in re.findall(r"trend_lines\((.*?)\n    \)", file.read_text(encoding="utf-8"), re.DOTALL)
    ]
    assert len(calls) >= 3
    assert [call for call in calls if "marks=policy_marks(" not in call] == []


def test_the_marks_stand_on_the_charts(house: House, two_versions: None) -> None:
    seen = []
    for page in all_pages():
        if page.key not in ("risk", "codes"):
            continue
        for card in cards_of(house.app, page):
            answer = content(house.visitors["commander"].card(card, page, house.words("full")))
            if "▼ 第 2 版 → 第 3 版" in json.dumps(answer, ensure_ascii=False):
                seen.append(card.id)
    assert {"codes-trend.children", "risk-cases.children"} <= set(seen)
