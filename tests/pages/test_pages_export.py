"""Every export, for everyone: who may, within which scope, and harmless in a spreadsheet."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from urllib.parse import quote, urlencode
from xml.etree import ElementTree

import pytest

from dashboard.auth.demo import DEMO_ACCOUNTS
from dashboard.auth.rights import ROLE_RIGHTS
from dashboard.i18n.catalogue import t
from dashboard.shell.exports import EXPORTS, XLSX
from dashboard.shell.pages import PAGES
from tests.pages.conftest import House
from tests.pages.test_pages_forged import OUTSIDE, REFUSED
from tests.pages.walk import Visitor, all_pages, cards_of, components, content, grids
from tests.pages.worlds import FORMULAS

FORMS = ("csv", "xlsx")
KINDS = {"csv": "text/csv; charset=utf-8", "xlsx": XLSX}
NAME = re.compile(r'attachment; filename="tianfu-[a-z]+-[a-z]+-\d{4}[0-9F]\d-\d{4}-\d\d-\d\d\.(?:csv|xlsx)"')
ALL = [(key, name, form) for key, name in sorted(EXPORTS) for form in FORMS]
_NS = {"s": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}


def fetch(visitor: Visitor, key: str, name: str, form: str, words: dict[str, object]):  # type: ignore[no-untyped-def]
    query = urlencode({k: str(v).encode("utf-8", "surrogatepass") for k, v in words.items()})
    return visitor.get(f"/export/{key}/{name}.{form}?{query}")


def rows_of_csv(body: bytes) -> list[list[str]]:
    assert body.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(body.decode("utf-8-sig"), newline="")))


def cells_of_xlsx(body: bytes) -> list[list[tuple[str, str]]]:
    """Rows of (kind, text): kind ``s`` is a text, ``n`` a number; a formula would be ``f``."""
    with zipfile.ZipFile(io.BytesIO(body)) as book:
        shared = ElementTree.fromstring(book.read("xl/sharedStrings.xml"))
        words = ["".join(x.text or "" for x in item.iter(f"{{{_NS['s']}}}t")) for item in shared]
        sheet = ElementTree.fromstring(book.read("xl/worksheets/sheet1.xml"))
        assert not [name for name in book.namelist() if "externalLink" in name or "vba" in name]
    rows = []
    for row in sheet.iter(f"{{{_NS['s']}}}row"):
        cells = []
        for cell in row:
            value = cell.find("s:v", _NS)
            text = value.text or "" if value is not None else ""
            kind = "f" if cell.find("s:f", _NS) is not None else cell.get("t", "n")
            cells.append((kind, words[int(text)] if kind == "s" else text))
        rows.append(cells)
    return rows


@pytest.mark.parametrize("account", DEMO_ACCOUNTS, ids=lambda account: account.login)
def test_an_export_says_what_it_is_to_those_who_may(house: House, account) -> None:  # type: ignore[no-untyped-def]
    visitor = house.visitors[account.login]
    allowed = "export" in ROLE_RIGHTS[account.role]
    for key, name, form in ALL:
        answer = fetch(visitor, key, name, form, house.words("full"))
        if not allowed:
            assert answer.status_code == 403
            assert set(answer.get_json()) == {"error", "todo"}
            continue
        assert answer.status_code == 200
        assert answer.headers["Content-Type"] == KINDS[form]
        assert answer.headers["Cache-Control"] == "no-store"
        assert NAME.fullmatch(answer.headers["Content-Disposition"]), answer.headers["Content-Disposition"]
        rows = rows_of_csv(answer.data) if form == "csv" else texts_of(answer.data)
        notes = "\n".join(row[0] for row in rows[:5])
        area = {"510107": "武侯区", "510100": "成都市", "510000": "四川省"}[account.areas[0]]
        facts = (
            house.snapshots["full"],
            area,
            account.login,
            "2022-08-30 21:00",
            t("zh-CN", "shell.synthetic"),
        )
        for part in facts:
            assert part in notes, (key, name, form, part)


def texts_of(body: bytes) -> list[list[str]]:
    return [[text for _, text in row] for row in cells_of_xlsx(body)]


def test_the_roles_that_may_not_export_see_no_link_to_it(house: House) -> None:
    for account in DEMO_ACCOUNTS:
        links = 0
        for page in all_pages():
            for card in cards_of(house.app, page):
                drawn = content(house.visitors[account.login].card(card, page, house.words("full")))
                links += sum("/export/" in str(part.get("href")) for part in components(drawn))
        assert (links > 0) == ("export" in ROLE_RIGHTS[account.role]), account.login


@pytest.mark.parametrize("form", FORMS)
def test_csv_and_workbook_hold_the_same_rows_as_the_screen(house: House, form: str) -> None:
    """Each export whose table stands on a page has as many rows as that table, in the same order."""
    visitor = house.visitors["commander"]
    seen = 0
    for page in all_pages():
        for card in cards_of(house.app, page):
            for grid, rows in grids(content(visitor.card(card, page, house.words("full")))).items():
                name = grid.removeprefix(f"{page.key}-").removesuffix("-table")
                if (page.key, name) not in EXPORTS:
                    continue
                seen += 1
                body = fetch(visitor, page.key, name, form, house.words("full")).data
                table = rows_of_csv(body) if form == "csv" else texts_of(body)
                assert [row[0] for row in table[6:]] == [str(row[next(iter(row))]) for row in rows], grid
    assert seen >= 6


@pytest.mark.parametrize("login", OUTSIDE)
def test_an_export_of_an_area_outside_the_scope_is_refused(house: House, login: str) -> None:
    for key, name, form in ALL:
        for area in OUTSIDE[login]:
            answer = fetch(house.visitors[login], key, name, form, house.words("planted", area=area))
            assert answer.status_code == 403, (key, name, area)
            assert set(answer.get_json()) == {"error", "todo"}


@pytest.mark.parametrize("case", REFUSED)
def test_forged_words_in_the_address_are_refused(house: House, case: str) -> None:
    for key, name, form in ALL:
        answer = fetch(house.visitors["wuhou"], key, name, form, house.words("full") | REFUSED[case])
        assert answer.status_code in (400, 403, 404, 414), (key, name, case)
        assert "Content-Disposition" not in answer.headers


def test_text_that_a_spreadsheet_would_run_is_harmless(house: House) -> None:
    visitor, words = house.visitors["commander"], house.words("formulas")
    found: set[str] = set()
    for key, name in EXPORTS:
        rows = rows_of_csv(fetch(visitor, key, name, "csv", words).data)
        for value in (value for row in rows for value in row):
            if value[:1] in ("=", "+", "-", "@", "\t", "\r"):
                assert re.fullmatch(r"-\d+(\.\d+)?", value), f"{key}/{name}.csv: {value!r}"
            found.add(value)
        for row in cells_of_xlsx(fetch(visitor, key, name, "xlsx", words).data):
            assert {kind for kind, _ in row} <= {"s", "n"}
    for text in FORMULAS[:4]:
        assert f"'{text}" in found, text
    book = texts_of(fetch(visitor, "risk", "places", "xlsx", words).data)
    assert set(FORMULAS[:4]) <= {text for row in book for text in row}


@pytest.mark.parametrize(
    "path",
    [
        "/export/", "/export/risk", "/export/risk/", "/export/risk/areas", "/export/risk/areas.pdf",
        "/export/risk/areas.csv.exe", "/export/risk/areas.CSV", "/export/nowhere/areas.csv",
        "/export/risk/nothing.csv", "/export/../etc/passwd.csv", "/export/risk/../../etc/passwd.csv",
        "/export/risk/%2e%2e%2f%2e%2e%2fetc%2fpasswd.csv", "/export/%2e%2e/areas.csv",
        "/export/risk/areas%00.csv", "/export/risk/..%5c..%5cwin.csv", "/export/__class__/areas.csv",
        "/export/risk/areas.csv/", "/export/risk/" + quote("区") + ".csv",
        "/export/risk/" + "a" * 5000 + ".csv",
    ],
)  # fmt: skip
def test_an_address_without_an_export_gives_no_file(house: House, path: str) -> None:
    answer = house.visitors["commander"].get(path)
    assert answer.status_code in (200, 308, 404)
    assert "Content-Disposition" not in answer.headers
    if answer.status_code == 200:
        # Dash answers the frame for any address; the page inside then says that there is no such page.
        assert answer.mimetype == "text/html"
    assert b"root:" not in answer.data


def test_every_export_belongs_to_a_page_and_needs_its_right(house: House) -> None:
    assert len(EXPORTS) >= 8
    assert {key for key, _ in EXPORTS} <= PAGES.keys()
    for key, name, form in ALL:
        assert Visitor(house.app).get(f"/export/{key}/{name}.{form}", Accept="*/*").status_code in (302, 401)
