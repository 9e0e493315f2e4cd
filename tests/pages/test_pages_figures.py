"""Figures on the screen against the Parquet files, counted here anew without any of the board's queries."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest

from dashboard.i18n.catalogue import t
from tests.pages.conftest import House
from tests.pages.walk import Json, Visitor, all_pages, cards_of, content, grids, text_of, with_class
from tests.tiny import CHENGDU, DAY1, DAY2, FUCHENG, GAOXIN, JINJIANG, MIANYANG, SICHUAN, WUHOU

MEMBERS = {
    SICHUAN: (WUHOU, JINJIANG, FUCHENG, GAOXIN, SICHUAN, CHENGDU, MIANYANG),
    CHENGDU: (WUHOU, JINJIANG, GAOXIN, CHENGDU),
    MIANYANG: (FUCHENG, MIANYANG),
    **{code: (code,) for code in (WUHOU, JINJIANG, FUCHENG, GAOXIN)},
}
PARTS = {SICHUAN: (CHENGDU, MIANYANG), CHENGDU: (WUHOU, JINJIANG, GAOXIN), WUHOU: (WUHOU,)}
MISSING, HIDDEN = t("zh-CN", "cell.not_reported"), t("zh-CN", "cell.suppressed")
VIEWS = [("commander", SICHUAN), ("commander", CHENGDU), ("chengdu", CHENGDU), ("wuhou", WUHOU)]


class Files:
    """The tables of one snapshot, read as plain files."""

    def __init__(self, house: House, snapshot: str) -> None:
        self.folder = house.settings.snapshots / house.snapshots[snapshot]

    def rows(self, table: str, area: str, **equal: object) -> pl.DataFrame:
        paths = sorted(self.folder.rglob(f"{table}*.parquet")) or sorted(
            (self.folder / table).rglob("*.parquet")
        )
        frame = pl.concat([pl.read_parquet(path, hive_partitioning=False) for path in paths])
        frame = frame.filter(pl.col("area").is_in(MEMBERS[area]))
        for name, value in equal.items():
            frame = frame.filter(pl.col(name) == value)
        return frame

    def total(self, table: str, column: str, area: str, **equal: object) -> int | None:
        """The sum, or None where no row was delivered."""
        values = self.rows(table, area, **equal)[column].drop_nulls()
        return int(values.sum()) if len(values) else None

    def listed(self, area: str, level: str, day: object) -> int:
        rows = self.rows("risk_place", area, level=level)
        until = pl.col("listed_to").is_null() | (pl.col("listed_to") >= day)
        return len(rows.filter((pl.col("listed_from") <= day) & until))


def cards(house: House, visitor: Visitor, key: str, words: dict[str, str]) -> dict[str, Json]:
    page = next(page for page in all_pages() if page.key == key)
    found: dict[str, Json] = {}
    for card in cards_of(house.app, page):
        found |= content(visitor.card(card, page, words)) or {}
    return found


def figure(drawn: Json, name: str) -> str:
    """The value of a key figure as it stands on its card, without the unit."""
    card = next(part for part in with_class(drawn, "tf-kpi") if part["id"] == name)
    value = with_class(card, "tf-kpi-value")[0]
    number = with_class(value, "tf-num")
    return str(number[0]["title"]) if number else text_of(value)


def people(count: int | None) -> str:
    """A count of people as it may be shown."""
    if count is None:
        return MISSING
    return HIDDEN if 0 < count < 10 else f"{count:,}"


def plain(count: int | None) -> str:
    return MISSING if count is None else f"{count:,}"


@pytest.mark.parametrize("day", [DAY1, DAY2])
@pytest.mark.parametrize(("login", "area"), VIEWS)
def test_key_figures_of_the_overview(house: House, login: str, area: str, day: object) -> None:
    files = Files(house, "full")
    words = house.words("full", area=area, date=str(day))
    drawn = cards(house, house.visitors[login], "overview", words)

    def cases(origin: str) -> str:
        return plain(files.total("case_daily", "confirmed_new", area, date=day, origin=origin))

    def turned(colour: str) -> str:
        if not len(files.rows("code_flow", area, date=day)):
            return MISSING
        return people(files.total("code_flow", "people", area, date=day, to_colour=colour) or 0)

    wanted = {
        "cases_local": cases("local"),
        "cases_imported": cases("imported"),
        "places_high": plain(files.listed(area, "high", day)),
        "places_medium": plain(files.listed(area, "medium", day)),
        "new_red": turned("red"),
        "new_yellow": turned("yellow"),
        "scans": plain(files.total("scan_hourly", "scans", area, date=day)),
        "refused": plain(files.total("scan_hourly", "refused", area, date=day)),
    }
    assert {name: figure(drawn, f"overview-{name}") for name in wanted} == wanted


@pytest.mark.parametrize("day", [DAY1, DAY2])
@pytest.mark.parametrize(("login", "area"), VIEWS)
def test_rows_of_the_table_of_risk_areas(house: House, login: str, area: str, day: object) -> None:
    files = Files(house, "full")
    words = house.words("full", area=area, date=str(day), compare=str(DAY1 - timedelta(days=0)))
    rows = grids(cards(house, house.visitors[login], "risk", words))["risk-areas-table"]
    seen = {code_in(row): row for row in rows}
    # A functional area without a listed place has no cases of its own and therefore no row.
    wanted = {part for part in PARTS[area] if part != GAOXIN or files.listed(GAOXIN, "high", day)}
    assert seen.keys() == wanted
    for part in wanted:
        row = seen[part]
        counts = {level: files.listed(part, level, day) for level in ("high", "medium", "low")}
        assert (row["high"], row["medium"]) == (counts["high"], counts["medium"]), part
        listed = next((level for level in ("high", "medium") if counts[level]), None)
        if listed:
            assert row["level"] == listed
        if day == DAY2:
            before = sum(files.listed(part, level, DAY1) for level in ("high", "medium", "low"))
            assert row["change"] == sum(counts.values()) - before, part


def code_in(row: dict[str, Json]) -> str:
    return str(row["__href"]).split("area=")[1].split("&")[0]


@pytest.mark.parametrize(("login", "area"), VIEWS)
def test_rows_of_the_table_of_codes(house: House, login: str, area: str) -> None:
    """Zero is zero; what is hidden is small, or hides a small one beside it; the rest is exact."""
    files = Files(house, "full")
    rows = grids(cards(house, house.visitors[login], "codes", house.words("full", area=area)))
    table = {code_in(row): row for row in rows["codes-areas-table"]}
    assert table.keys() == set(PARTS[area])
    hidden = 0
    for part, row in table.items():
        reported = len(files.rows("code_stock", part, date=DAY2)) > 0
        assert reported
        for colour in ("yellow", "red", "green"):
            count = files.total("code_stock", "holders", part, date=DAY2, colour=colour) or 0
            if row[colour] is None:
                hidden += 1
                assert row[f"{colour}__s"] == "suppressed"
                assert row[f"{colour}__t"] == HIDDEN
                assert count > 0, "a zero is never hidden"
            else:
                assert row[colour] == count, (part, colour)
                assert count == 0 or count >= 10
        residents = {WUHOU: 1_200_000, JINJIANG: 900_000, CHENGDU: 20_937_757, MIANYANG: 4_868_243}.get(part)
        if row["yellow"] is not None and residents:
            assert row["rate"] == pytest.approx(row["yellow"] * 100_000 / residents)
        elif residents is None:
            assert (row["rate"], row["rate__s"]) == (None, "not-reported")
    assert JINJIANG not in table or table[JINJIANG]["red"] == 0 == table[JINJIANG]["yellow"]


@pytest.mark.parametrize(("table", "page", "names"), [
    ("case_daily", "overview", ("cases_local", "cases_imported")),
    ("risk_place", "overview", ("places_high", "places_medium")),
    ("code_flow", "overview", ("new_red", "new_yellow")),
    ("scan_hourly", "overview", ("scans", "refused")),
    ("code_stock", "codes", ("holders", "holders_red", "holders_yellow", "holders_green")),
])  # fmt: skip
def test_a_figure_whose_table_was_not_delivered(
    house: House, table: str, page: str, names: tuple[str, ...]
) -> None:
    drawn = cards(house, house.visitors["commander"], page, house.words(f"without-{table}"))
    for name in names:
        assert figure(drawn, f"{page}-{name}") == MISSING, name
