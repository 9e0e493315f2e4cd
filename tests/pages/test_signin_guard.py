"""Attacks on the guard: without a session, with a stolen one, from another site, with a forged token."""

from __future__ import annotations

import base64
import hashlib
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from dash import _validate
from flask.testing import FlaskClient

from dashboard.auth.desk import Visitor
from dashboard.auth.sessions import NewSession
from dashboard.shell.security import BODY_LIMIT, CSRF_COOKIE, SESSION_COOKIE
from tests.pages.signin_board import ORIGIN, PAGE, PASSWORD, Board, call, cookie, running_board, sign_in

METHODS = ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"]
CLOSED = [
    "/",
    "/risk",
    "/publish",
    "/change",
    "/break",
    "/sign-out",
    "/export/risk/places.csv",
    "/_dash-layout",
    "/_dash-dependencies",
    "/_dash-update-component",
    "/_reload-hash",
    "/sign-in/",
    "/sign-in/x",
    "/SIGN-IN",
    "/healthz/",
    "/assets",
    "//assets/tokens.css",
    "/./assets/tokens.css",
    "/assets//etc/passwd",
    "/_dash-component-suites//x",
]


@pytest.fixture
def board(tmp_path: Path) -> Iterator[Board]:
    with running_board(tmp_path / "home") as board:
        yield board


@pytest.mark.parametrize("path", CLOSED)
def test_nothing_is_open_without_a_session(board: Board, path: str) -> None:
    for method in METHODS:
        for headers in (PAGE, {"Accept": "*/*"}, {"Accept": "application/json"}):
            answer = board.browser().open(path, method=method, headers=headers, buffered=True)
            assert answer.status_code in (302, 303, 401, 308), (method, headers, answer.status)
            assert b"secret" not in answer.data
            assert b"changed" not in answer.data


def test_every_route_of_the_app_is_closed_but_the_named_ones(board: Board) -> None:
    board.browser().get("/healthz")
    open_ = {"/sign-in", "/healthz", "/_favicon.ico", "/assets/<path:filename>"}
    for rule in board.server.url_map.iter_rules():
        if str(rule) in open_ or "_dash-component-suites" in str(rule):
            continue
        path = re.sub(r"<[^>]+>", "x", str(rule))
        for method in sorted((rule.methods or set()) & set(METHODS)):
            assert board.browser().open(path, method=method).status_code in (401, 303), (method, path)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/sign-in", 200),
        ("/healthz", 200),
        ("/assets/signin.css", 200),
        ("/_favicon.ico", 200),
        ("/assets/no", 404),
    ],
)
def test_what_is_open_to_everyone(board: Board, path: str, status: int) -> None:
    assert board.browser().get(path, buffered=True).status_code == status


@pytest.mark.parametrize("path", ["/assets/signin.css", "/healthz", "/_favicon.ico"])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_open_places_are_open_for_reading_only(board: Board, path: str, method: str) -> None:
    assert board.browser().open(path, method=method).status_code in (401, 405)


@pytest.mark.parametrize(
    "path",
    ["/assets/../app.py", "/assets/%2e%2e/app.py", "/assets/..%2fapp.py", "/assets%2f..%2f_dash-layout"],
)
def test_static_files_do_not_lead_elsewhere(board: Board, path: str) -> None:
    answer = board.browser().get(path)
    assert answer.status_code in (401, 404)
    assert b"create_app" not in answer.data


@pytest.mark.parametrize(
    ("path", "location"),
    [
        ("/", "/sign-in?next=%2F"),
        ("/risk?area=510100&date=2022-01-18", "/sign-in?next=%2Frisk%3Farea%3D510100%26date%3D2022-01-18"),
        ("/风险", "/sign-in?next=%2F%E9%A3%8E%E9%99%A9"),
    ],
)
def test_a_page_leads_to_sign_in_and_remembers_itself(board: Board, path: str, location: str) -> None:
    answer = board.browser().get(path, headers=PAGE)
    assert (answer.status_code, answer.headers["Location"]) == (302, location)


def test_a_callback_gets_a_plain_401(board: Board) -> None:
    answer = call(board.browser())
    assert answer.status_code == 401
    assert answer.get_json() == {"error": "您尚未登录，或会话已结束。", "todo": "请重新登录。"}
    english = board.browser()
    english.set_cookie("tianfu_lang", "en")
    assert call(english).get_json()["todo"] == "Sign in again."


def test_a_signed_in_callback_answers_for_that_person(board: Board) -> None:
    assert "viewer sees 510000" in call(board.signed_in()).get_data(as_text=True)
    assert "wuhou sees 510107" in call(board.signed_in("wuhou")).get_data(as_text=True)


# --- sessions ----------------------------------------------------------------------------------


def thief(board: Board, client: FlaskClient) -> FlaskClient:
    """A second browser with copies of the first one's cookies."""
    other = board.browser()
    for name in (SESSION_COOKIE, CSRF_COOKIE):
        other.set_cookie(name, cookie(client, name))
    return other


def test_a_stolen_cookie_is_worth_nothing_after_sign_out(board: Board) -> None:
    client = board.signed_in()
    stolen = thief(board, client)
    assert call(stolen).status_code == 200
    out = client.post("/sign-out", data={"csrf": cookie(client, CSRF_COOKIE)})
    assert (out.status_code, out.headers["Location"]) == (303, "/sign-in?out=1")
    assert cookie(client, SESSION_COOKIE) == cookie(client, CSRF_COOKIE) == ""
    assert call(stolen).status_code == 401
    assert stolen.get("/", headers=PAGE).headers["Location"] == "/sign-in?next=%2F&ended=1"


def test_a_planted_session_is_not_taken_over(board: Board) -> None:
    victim = board.browser()
    for planted in ("A" * 43, cookie(board.signed_in("wuhou"), SESSION_COOKIE)):
        victim.set_cookie(SESSION_COOKIE, planted)
        page = victim.get("/sign-in")
        if page.status_code == 200:
            assert sign_in(victim, "commander").status_code == 303
        else:
            continue
        assert cookie(victim, SESSION_COOKIE) not in ("", planted)
        attacker = board.browser()
        attacker.set_cookie(SESSION_COOKIE, planted)
        assert attacker.get("/_dash-layout").status_code == 401


def test_signing_in_over_a_living_session_ends_it(board: Board) -> None:
    client = board.browser()
    page = client.get("/sign-in").get_data(as_text=True)
    form = {
        "csrf": re.search(r'name="csrf" value="([^"]+)"', page)[1],
        "login": "viewer",
        "password": PASSWORD,
    }  # type: ignore[index]
    other = board.signed_in("auditor")
    old = cookie(other, SESSION_COOKIE)
    client.set_cookie(SESSION_COOKIE, old)
    assert client.post("/sign-in", data=form).status_code == 303
    assert cookie(client, SESSION_COOKIE) != old
    assert other.get("/_dash-layout").status_code == 401


@pytest.mark.parametrize(("minutes", "status"), [(59, 200), (60, 401), (24 * 60, 401)])
def test_a_session_ends_by_itself(board: Board, minutes: int, status: int) -> None:
    client = board.signed_in()
    board.clock.pass_(minutes=minutes)
    assert call(client).status_code == status


def test_a_session_ends_after_twelve_hours_of_use(board: Board) -> None:
    client = board.signed_in()
    statuses = []
    for _ in range(25):
        board.clock.pass_(minutes=30)
        statuses.append(call(client).status_code)
    assert statuses == [200] * 23 + [401] * 2


def test_an_ended_session_is_said_and_leads_back(board: Board) -> None:
    client = board.signed_in()
    board.clock.pass_(hours=2)
    answer = client.get("/risk?area=510100", headers=PAGE)
    assert answer.headers["Location"] == "/sign-in?next=%2Frisk%3Farea%3D510100&ended=1"
    assert "您的会话已结束" in client.get(answer.headers["Location"]).get_data(as_text=True)
    assert sign_in(client, back="/risk?area=510100").headers["Location"] == "/risk?area=510100"


def test_signing_out_leaves_no_token_even_where_the_cookie_was_stale(board: Board) -> None:
    client = board.signed_in()
    right = cookie(client, CSRF_COOKIE)
    client.set_cookie(CSRF_COOKIE, "of-an-older-session")
    assert client.post("/sign-out", data={"csrf": right}).status_code == 303
    assert cookie(client, CSRF_COOKIE) == ""


def test_signing_out_of_an_ended_session_is_no_error(board: Board) -> None:
    client = board.signed_in()
    board.clock.pass_(hours=2)
    answer = client.post("/sign-out", data={"csrf": "anything"})
    assert answer.status_code == 303
    assert cookie(client, SESSION_COOKIE) == ""


# --- forged requests ---------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("kind", ["none", "empty", "wrong", "others", "old", "session"])
def test_a_change_needs_the_token_of_this_session(board: Board, method: str, kind: str) -> None:
    client = board.signed_in()
    right = cookie(client, CSRF_COOKIE)
    old = board.signed_in()
    wrong = {
        "empty": "",
        "wrong": right[:-1] + ("A" if right[-1] != "A" else "B"),
        "others": cookie(board.signed_in("commander"), CSRF_COOKIE),
        "old": cookie(old, CSRF_COOKIE),
        "session": cookie(client, SESSION_COOKIE),
    }
    headers = {} if kind == "none" else {"X-CSRFToken": wrong[kind]}
    answer = client.open("/change", method=method, headers=headers)
    assert answer.status_code == 403
    assert set(answer.get_json()) == {"error", "todo"}
    assert client.open("/change", method=method, headers={"X-CSRFToken": right}).status_code == 200


def test_a_token_in_the_form_counts_for_signing_out_only(board: Board) -> None:
    client = board.signed_in()
    assert client.post("/change", data={"csrf": cookie(client, CSRF_COOKIE)}).status_code == 403
    assert client.post("/sign-out", data={"csrf": "wrong"}).status_code == 403
    assert client.post("/sign-out").status_code == 403
    assert client.get("/_dash-layout").status_code == 200


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({}, True),
        ({"Origin": ORIGIN}, True),
        ({"Origin": "https://localhost"}, True),
        ({"Sec-Fetch-Site": "same-origin"}, True),
        ({"Origin": ORIGIN, "Sec-Fetch-Site": "same-origin"}, True),
        ({"Origin": "http://evil.example"}, False),
        ({"Origin": "http://localhost.evil.example"}, False),
        ({"Origin": "http://localhost:8051"}, False),
        ({"Origin": "http://evil.example/localhost"}, False),
        ({"Origin": "http://user@localhost"}, False),
        ({"Origin": "null"}, False),
        ({"Origin": ""}, False),
        ({"Origin": "http://[bad"}, False),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": "same-site"}, False),
        ({"Sec-Fetch-Site": "none"}, False),
        ({"Origin": ORIGIN, "Sec-Fetch-Site": "cross-site"}, False),
    ],
)
def test_a_change_must_come_from_our_own_pages(board: Board, headers: dict[str, str], allowed: bool) -> None:
    assert call(board.signed_in(), **headers).status_code == (200 if allowed else 403)
    assert sign_in(board.browser(), headers=headers).status_code == (303 if allowed else 403)


def test_the_right_is_asked_after_the_session(board: Board) -> None:
    answer = board.signed_in("viewer").get("/publish")
    assert (answer.status_code, answer.get_json()["error"]) == (403, "您的角色没有此项权限。")
    assert board.signed_in("commander").get("/publish").data == b"published"


# --- headers and errors ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["/", "/sign-in", "/healthz", "/break", "/no-such", "/assets/signin.css", "/_dash-layout"]
)
@pytest.mark.parametrize("known", [True, False])
def test_every_answer_carries_the_headers(board: Board, path: str, known: bool) -> None:
    client = board.signed_in() if known else board.browser()
    board.server.config["PROPAGATE_EXCEPTIONS"] = False
    headers = client.get(path, buffered=True).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "camera=()" in headers["Permissions-Policy"]
    assert "Strict-Transport-Security" not in headers
    policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["object-src"] == policy["base-uri"] == "'none'"
    assert policy["form-action"] == "'self'"
    assert not {"'unsafe-inline'", "'unsafe-eval'", "*", "data:", "http:", "https:"} & set(
        policy["script-src"].split()
    )
    if path.startswith("/assets/"):
        assert "no-store" not in headers["Cache-Control"]
    else:
        assert headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("first", ["/healthz", "/sign-in", "/"])
def test_the_policy_names_every_inline_script(board: Board, first: str) -> None:
    """Dash Pages adds a script of its own at the first request, after the guard was installed."""
    board.browser().get(first)
    answer = board.signed_in().get("/", headers=PAGE)
    page = re.sub(r"<!--.*?-->", "", answer.get_data(as_text=True), flags=re.S)
    scripts = re.findall(r"<script(?: id=\"_dash-renderer\"[^>]*|)>(.+?)</script>", page, re.S)
    assert len(scripts) == 2
    for script in scripts:
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in answer.headers["Content-Security-Policy"], script[:80]


@pytest.mark.parametrize("secure", ["0", "1"])
def test_flags_of_the_cookies(tmp_path: Path, secure: str) -> None:
    with running_board(tmp_path / "home", TIANFU_SECURE_COOKIES=secure) as board:
        scheme = "https" if secure == "1" else "http"
        client = board.browser()
        page = client.get("/sign-in", base_url=f"{scheme}://localhost")
        token = re.search(r'name="csrf" value="([^"]+)"', page.get_data(as_text=True))
        assert token is not None
        form = {"csrf": token[1], "login": "viewer", "password": PASSWORD}
        answer = client.post("/sign-in", data=form, base_url=f"{scheme}://localhost")
        cookies = {line.split("=")[0]: line for line in answer.headers.getlist("Set-Cookie")}
        session, csrf = cookies[SESSION_COOKIE], cookies[CSRF_COOKIE]
        assert "HttpOnly" in session
        assert "SameSite=Lax" in session
        assert "HttpOnly" not in csrf, "Dash reads it with a script"
        assert "SameSite=Strict" in csrf
        for line in (session, csrf, page.headers["Set-Cookie"]):
            assert ("Secure" in line) is (secure == "1")
            assert "Domain" not in line
            assert "Expires" not in line
        assert ("Strict-Transport-Security" in answer.headers) is (secure == "1")


def test_a_lost_csrf_cookie_comes_back_with_the_next_page(board: Board) -> None:
    client = board.signed_in()
    right = cookie(client, CSRF_COOKIE)
    client.set_cookie(CSRF_COOKIE, "of-an-older-session")
    assert call(client).status_code == 403
    client.get("/", headers=PAGE)
    assert cookie(client, CSRF_COOKIE) == right
    assert call(client).status_code == 200


@pytest.mark.parametrize(("size", "status"), [(BODY_LIMIT, 200), (BODY_LIMIT + 1, 413), (50_000_000, 413)])
def test_large_bodies_are_refused_unread(board: Board, size: int, status: int) -> None:
    client = board.signed_in()
    headers = {"X-CSRFToken": cookie(client, CSRF_COOKIE)}
    assert (
        client.post("/change", data=b"x" * min(size, BODY_LIMIT + 1), headers=headers).status_code == status
    )


def test_a_bug_says_nothing_of_itself(board: Board) -> None:
    client = board.signed_in()
    board.server.config["PROPAGATE_EXCEPTIONS"] = False
    answer = client.get("/break", headers=PAGE)
    assert answer.status_code == 500
    assert set(answer.get_json()) == {"error", "todo"}
    for word in (b"secret", b"Traceback", b"RuntimeError", b".py"):
        assert word not in answer.data


# --- Dash under the guard ----------------------------------------------------------------------


def test_the_layout_is_drawn_for_its_reader_and_for_nobody_else(board: Board) -> None:
    board.browser().get("/healthz")
    with board.server.test_request_context("/"):
        assert "secret" not in str(board.app._layout_value())
    assert b"secret of wuhou" in board.signed_in("wuhou").get("/_dash-layout").data


def test_first_requests_at_the_same_moment_meet_a_whole_board(
    board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dash marks itself as prepared before it is; here its preparation takes long enough to be met."""
    real = _validate.validate_layout

    def slow(*given: object) -> None:
        time.sleep(0.3)
        real(*given)

    monkeypatch.setattr(_validate, "validate_layout", slow)
    new = board.desk.sign_in(
        login="viewer", password=PASSWORD, visitor=Visitor(address="10.1.2.3", agent="Test")
    )
    assert isinstance(new, NewSession)
    board.server.config["PROPAGATE_EXCEPTIONS"] = False
    statuses: list[int] = []

    def ask() -> None:
        client = board.browser()
        client.set_cookie(SESSION_COOKIE, new.token)
        statuses.append(call(client, token=new.csrf_token).status_code)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 4
