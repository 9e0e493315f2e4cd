"""The sign-in page: what it says, where it leads, what it never gives away."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.i18n.catalogue import t
from dashboard.shell.security import SESSION_COOKIE, visitor
from dashboard.shell.signin import FORM_COOKIE, local_path
from dashboard.store.audit import list_audit
from tests.pages.signin_board import PASSWORD, Board, cookie, running_board, sign_in


@pytest.fixture
def board(tmp_path: Path) -> Iterator[Board]:
    with running_board(tmp_path / "home") as board:
        yield board


@pytest.mark.parametrize(
    ("given_", "goes_to"),
    [
        ("/", "/"),
        ("/risk", "/risk"),
        ("/risk?area=510100&date=2022-01-18#map", "/risk?area=510100&date=2022-01-18#map"),
        ("/area/510107", "/area/510107"),
        ("/风险", "/风险"),
        ("/signed", "/signed"),
        (None, "/"),
        ("", "/"),
        ("risk", "/"),
        ("//evil.example", "/"),
        ("///evil.example", "/"),
        ("/\\evil.example", "/"),
        ("\\\\evil.example", "/"),
        ("/\t/evil.example", "/"),
        ("/\n/evil.example", "/"),
        (" //evil.example", "/"),
        ("https://evil.example", "/"),
        ("https:evil.example", "/"),
        ("HTTPS:/evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("data:text/html,x", "/"),
        ("/risk\r\nSet-Cookie: x=y", "/"),
        ("/x\x00", "/"),
        ("//[bad", "/"),
        ("/" + "x" * 2000, "/"),
        ("/sign-in?next=/sign-in", "/"),
        ("/sign-out", "/"),
        ("/export/risk/places.csv", "/"),
        ("/_dash-layout", "/"),
    ],
)
def test_where_signing_in_leads(board: Board, given_: str | None, goes_to: str) -> None:
    assert local_path(given_) == goes_to
    answer = sign_in(board.browser(), back=given_ or "")
    assert answer.status_code == 303
    location = answer.headers["Location"]
    assert location.startswith("/")
    assert not location.startswith(("//", "/\\"))
    if goes_to == "/":
        assert location == "/"


@given(st.text(alphabet="/\\.:@?#%ab \t\r\n", max_size=12))
def test_no_text_leads_to_another_host(text: str) -> None:
    """As a browser reads it: tabs and line breaks dropped, a backslash taken for a slash."""
    path = local_path(text)
    read = re.sub(r"[\t\r\n]", "", path).replace("\\", "/")
    assert read.startswith("/")
    assert not read.startswith("//")


@pytest.mark.parametrize("back", ["//evil.example", "/\\evil.example", "https://evil.example"])
def test_the_page_itself_carries_no_foreign_address(board: Board, back: str) -> None:
    page = board.browser().get("/sign-in", query_string={"next": back}).get_data(as_text=True)
    assert "evil" not in page
    for query in ({"lang": "en", "next": back}, {"theme": "dark", "next": back}):
        assert board.browser().get("/sign-in", query_string=query).headers["Location"] == "/sign-in?next=%2F"
    known = board.signed_in()
    assert known.get("/sign-in", query_string={"next": back}).headers["Location"] == "/"


def test_what_is_typed_is_shown_as_text(board: Board) -> None:
    evil = '"><script>alert(1)</script>'
    page = sign_in(board.browser(), evil, back=f"/{evil}").get_data(as_text=True)
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)" in page


@pytest.mark.parametrize("lang", ["zh-CN", "en"])
def test_an_unknown_login_and_a_wrong_password_look_the_same(board: Board, lang: str) -> None:
    pages = []
    for login in ("viewer", "nobody"):
        client = board.browser()
        client.set_cookie("tianfu_lang", lang)
        answer = sign_in(client, login, "wrong")
        page = answer.get_data(as_text=True).replace(cookie(client, FORM_COOKIE), "TOKEN")
        pages.append((answer.status_code, page.replace(f'value="{login}"', 'value="LOGIN"')))
        assert cookie(client, SESSION_COOKIE) == ""
    assert pages[0] == pages[1]
    assert pages[0][0] == 401
    assert t(lang, "signin.wrong") in pages[0][1]  # type: ignore[arg-type]


@pytest.mark.parametrize("login", ["viewer", "nobody"])
def test_waits_and_lock_out_are_said_with_their_time(board: Board, login: str) -> None:
    client = board.browser()
    client.set_cookie("tianfu_lang", "en")
    for _ in range(3):
        sign_in(client, login, "wrong")
    fourth = sign_in(client, login, "wrong")
    assert "Wrong login or password. Wait 2 seconds" in fourth.get_data(as_text=True)
    early = sign_in(client, login)
    assert early.status_code == 429
    assert "Wait 2 seconds" in early.get_data(as_text=True)
    assert "Wrong login" not in early.get_data(as_text=True)
    for _ in range(6):
        board.clock.pass_(seconds=60)
        last = sign_in(client, login, "wrong")
    # 07:30 and six minutes, locked for fifteen.
    assert "locked until 07:51" in last.get_data(as_text=True)
    refused = sign_in(client, login)
    assert refused.status_code == 429
    assert "locked until 07:51" in refused.get_data(as_text=True)
    client.set_cookie("tianfu_lang", "zh-CN")
    assert "已锁定至 07:51" in sign_in(client, login).get_data(as_text=True)
    board.clock.pass_(minutes=15)
    assert sign_in(client, login).status_code == (303 if login == "viewer" else 401)


@pytest.mark.parametrize("token", [None, "", "wrong", "A" * 43])
def test_a_form_from_elsewhere_signs_nobody_in(board: Board, token: str | None) -> None:
    """Else another site could sign a person in to the attacker's account."""
    client = board.browser()
    client.get("/sign-in")
    form = {"login": "viewer", "password": PASSWORD} | ({} if token is None else {"csrf": token})
    answer = client.post("/sign-in", data=form)
    assert answer.status_code == 403
    assert "页面已过期" in answer.get_data(as_text=True)
    assert cookie(client, SESSION_COOKIE) == ""
    without_cookie = board.browser()
    assert without_cookie.post("/sign-in", data=form | {"csrf": ""}).status_code == 403


def test_a_form_open_in_two_tabs_works_in_both(board: Board) -> None:
    client = board.browser()
    tabs = [client.get("/sign-in").get_data(as_text=True) for _ in range(2)]
    tokens = {re.search(r'name="csrf" value="([^"]+)"', tab)[1] for tab in tabs}  # type: ignore[index]
    assert len(tokens) == 1


@pytest.mark.parametrize(
    "form", [{}, {"login": "viewer"}, {"password": PASSWORD}, {"login": "", "password": ""}]
)
def test_missing_fields_are_a_wrong_password(board: Board, form: dict[str, str]) -> None:
    client = board.browser()
    client.get("/sign-in")
    answer = client.post("/sign-in", data=form | {"csrf": cookie(client, FORM_COOKIE)})
    assert answer.status_code == 401


def test_the_demo_note_lists_logins_and_never_the_password(board: Board) -> None:
    page = board.browser().get("/sign-in").get_data(as_text=True)
    for login in ("viewer", "wuhou", "commander2", "admin"):
        assert f"<li>{login}</li>" in page
    assert "合成数据" in page
    assert PASSWORD not in page


def test_a_reachable_board_has_no_demo_note_and_no_demo_sign_in(tmp_path: Path) -> None:
    with running_board(tmp_path / "home") as board:
        assert "tf-signin-demo" in board.browser().get("/sign-in").get_data(as_text=True)
    with running_board(tmp_path / "home", accounts=False, TIANFU_HOST="0.0.0.0") as board:
        assert "tf-signin-demo" not in board.browser().get("/sign-in").get_data(as_text=True)
        assert sign_in(board.browser()).status_code == 401


@pytest.mark.parametrize("lang", ["zh-CN", "en"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_language_and_theme_by_link_and_cookie(board: Board, lang: str, theme: str) -> None:
    client = board.browser()
    for query in ({"lang": lang}, {"theme": theme}):
        answer = client.get("/sign-in", query_string=query | {"next": "/risk", "ended": "1"})
        assert (answer.status_code, answer.headers["Location"]) == (303, "/sign-in?next=%2Frisk&ended=1")
    page = client.get("/sign-in", query_string={"next": "/risk", "ended": "1"}).get_data(as_text=True)
    assert f'<html lang="{lang}" data-mantine-color-scheme="{theme}">' in page
    assert t(lang, "signin.ended") in page  # type: ignore[arg-type]
    assert 'name="next" value="/risk"' in page
    assert "<script" not in page
    assert "style=" not in page


@pytest.mark.parametrize("value", ["fr", "<script>", "", "zh", "blue"])
def test_other_languages_and_themes_are_left_alone(board: Board, value: str) -> None:
    client = board.browser()
    client.set_cookie("tianfu_lang", value)
    client.set_cookie("tianfu_theme", value)
    page = client.get("/sign-in", query_string={"lang": value, "theme": value})
    assert page.status_code == 200
    assert '<html lang="zh-CN" data-mantine-color-scheme="light">' in page.get_data(as_text=True)


def test_a_signed_in_person_is_sent_on(board: Board) -> None:
    client = board.signed_in()
    answer = client.get("/sign-in?next=/risk")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/risk")


def test_signing_out_says_so(board: Board) -> None:
    assert "您已退出登录" in board.browser().get("/sign-in?out=1").get_data(as_text=True)


@pytest.mark.parametrize(
    ("peer", "header", "address"),
    [
        ("10.1.2.3", None, "10.1.2.3"),
        ("10.1.2.3", "1.1.1.1", "10.1.2.3"),
        ("127.0.0.1", None, "127.0.0.1"),
        ("127.0.0.1", "10.1.2.3", "10.1.2.3"),
        ("127.0.0.1", "1.1.1.1, 10.1.2.3", "10.1.2.3"),
        ("127.0.0.1", "not an address", "127.0.0.1"),
        ("127.0.0.1", "", "127.0.0.1"),
        ("::1", "2001:DB8::1", "2001:db8::1"),
    ],
)
def test_the_address_of_a_visitor(board: Board, peer: str, header: str | None, address: str) -> None:
    headers = {} if header is None else {"X-Forwarded-For": header}
    with board.server.test_request_context("/", headers=headers, environ_base={"REMOTE_ADDR": peer}):
        assert visitor().address == address


def test_changing_the_forwarded_address_does_not_escape_the_lock_out_of_a_login(board: Board) -> None:
    client = board.browser()
    weighed = 0
    for n in range(50):
        answer = sign_in(client, "viewer", "wrong", headers={"X-Forwarded-For": f"10.0.0.{n}"})
        weighed += answer.status_code == 401
        board.clock.pass_(seconds=1)
    assert weighed == 8
    with board.desk.database.read() as connection:
        assert sum(entry.action == "sign_in_failed" for entry in list_audit(connection)) == 8
