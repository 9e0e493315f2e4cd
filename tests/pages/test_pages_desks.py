"""The screens of the desks against the Parquet files, counted anew; signs that differ; light figures."""

from __future__ import annotations

import json

import pytest

from dashboard.i18n.catalogue import t
from tests.pages.conftest import House
from tests.pages.test_pages_figures import HIDDEN, MISSING, VIEWS, Files, cards, figure, people, plain
from tests.pages.walk import components, grids, text_of, with_class
from tests.tiny import CHENGDU, DAY1, DAY2, FUCHENG, JINJIANG, SICHUAN, WUHOU

DESKS = ("appeals", "screening", "testing")
FIGURE_LIMIT = 60_000


@pytest.mark.parametrize("day", [DAY1, DAY2])
@pytest.mark.parametrize(("login", "area"), VIEWS)
def test_key_figures_of_the_desks(house: House, login: str, area: str, day: object) -> None:
    files = Files(house, "full")
    words = house.words("full", area=area, date=str(day))

    def total(table: str, column: str) -> int | None:
        return files.total(table, column, area, date=day)

    wanted = {
        "appeals": {
            "tickets_opened": plain(total("ticket_daily", "opened")),
            "tickets_closed": plain(total("ticket_daily", "closed")),
        },
        "screening": {
            "lists_pushed": people(total("pushed_list_daily", "pushed")),
            "contacts_cases": people(total("contact_daily", "became_case")),
        },
        "testing": {
            "tests_sampled": plain(total("test_daily", "sampled")),
            "tests_positive": people(total("test_daily", "positive")),
            "vaccine_doses": plain(total("vaccination_daily", "doses")),
            "lookups": plain(total("service_daily", "lookups")),
        },
    }
    for key, names in wanted.items():
        drawn = cards(house, house.visitors[login], key, words)
        assert {name: figure(drawn, f"{key}-{name}") for name in names} == names


def test_zero_hidden_and_missing_look_different(house: House) -> None:
    """On one table each: nobody, too few to show, and no report; outside the scope there is no table."""
    words = house.words("full", area=CHENGDU)
    drawn = cards(house, house.visitors["commander"], "screening", words)
    rows = {row["name"]: row for row in grids(drawn)["screening-areas-table"]}
    jinjiang = rows["锦江区"]
    assert (jinjiang["sources_joined"], jinjiang["sources_joined__t"]) == (0, "0")
    assert (jinjiang["near_places"], jinjiang["near_places__t"]) == (None, HIDDEN)
    assert jinjiang["near_places__s"] == "suppressed"
    drawn = cards(house, house.visitors["commander"], "appeals", words)
    rows = {row["name"]: row for row in grids(drawn)["appeals-areas-table"]}
    assert (rows["锦江区"]["open"], rows["锦江区"]["opened__t"]) == (0, MISSING)
    assert rows["锦江区"]["opened__s"] == "not-reported"
    outside = cards(house, house.visitors["wuhou"], "appeals", house.words("full", area=FUCHENG))
    assert all(with_class(card, "tf-state-error") for card in outside.values())
    assert grids(outside) == {}


@pytest.mark.parametrize("area", [WUHOU, JINJIANG, SICHUAN])
def test_the_funnel_says_whether_it_reconciles(house: House, area: str) -> None:
    drawn = cards(house, house.visitors["commander"], "screening", house.words("full", area=area))
    check = text_of(with_class(drawn, "tf-funnel-check"))
    if area == JINJIANG:  # five people, hidden in three places
        assert check == t("zh-CN", "screening.gap.hidden", n=1) + t("zh-CN", "screening.gap.hidden", n=2)
    else:
        assert check == t("zh-CN", "screening.reconciled")
    said = cards(house, house.visitors["commander"], "screening", house.words("planted", area=SICHUAN))
    assert t("zh-CN", "screening.reconciled") not in text_of(with_class(said, "tf-funnel-check"))


@pytest.mark.parametrize("key", DESKS)
@pytest.mark.parametrize("area", [SICHUAN, CHENGDU])
def test_figures_are_light(house: House, key: str, area: str) -> None:
    drawn = cards(house, house.visitors["commander"], key, house.words("demo", area=area))
    sizes = {
        part["id"]: len(json.dumps(part["figure"], ensure_ascii=False).encode())
        for part in components(drawn)
        if isinstance(part.get("figure"), dict)
    }
    assert len(sizes) >= 2
    assert {name: size for name, size in sizes.items() if size >= FIGURE_LIMIT} == {}
