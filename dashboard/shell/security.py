"""The guard of every request: a session, the same origin, a CSRF token; and the headers of every answer.

Everything is closed but the sign-in page, ``/healthz`` and the libraries' and our own static files; policy
engines bring a token (``dashboard.shell.opa``). A
callback is an address like any other and is guarded here too; what a person may see of it is decided
below, by the scope.
"""

from __future__ import annotations

import hmac
import logging
import threading
from collections.abc import Iterable
from ipaddress import ip_address
from urllib.parse import quote, urlsplit

import dash
from flask import Flask, Response, g, has_request_context, jsonify, make_response, redirect, request

from dashboard.auth.desk import Desk, Visitor
from dashboard.clock import Clock, china_now
from dashboard.errors import TianfuError
from dashboard.i18n.catalogue import t
from dashboard.settings import Settings
from dashboard.shell.board import find_board
from dashboard.shell.callbacks import is_readable
from dashboard.shell.identity import current_lang

log = logging.getLogger("tianfu.security")

SESSION_COOKIE = "tianfu_session"
CSRF_COOKIE = "_csrf_token"
CSRF_HEADER = "X-CSRFToken"
CSRF_FIELD = "csrf"
SIGN_IN, SIGN_OUT = "/sign-in", "/sign-out"
STATIC = ("/assets/", "/_dash-component-suites/")
OPEN = frozenset({SIGN_IN, "/healthz", "/_favicon.ico"})
# Programs that bring a token of their own instead of a session; each route checks it before anything else.
BY_TOKEN = frozenset(
    {("GET", "/opa/v1/bundles/tianfu"), ("POST", "/opa/v1/status"), ("POST", "/opa/v1/logs")}
)
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
BODY_LIMIT = 1_000_000
_EXTENSION = "tianfu_desk"

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=(), browsing-topics=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def desk_of(server: Flask, settings: Settings, *, clock: Clock = china_now) -> Desk:
    """The one sign-in desk of ``server``; nothing is opened before the first request."""
    desk = server.extensions.get(_EXTENSION)
    if desk is None:
        board = find_board(settings)
        desk = Desk(settings, database=board.database if board else None, clock=clock)
        server.extensions[_EXTENSION] = desk
    assert isinstance(desk, Desk)
    return desk


def current_desk(server: Flask) -> Desk:
    """The desk of a running board, for acts that are written to its audit log."""
    desk = server.extensions[_EXTENSION]
    assert isinstance(desk, Desk)
    return desk


def install(app: dash.Dash, settings: Settings, *, clock: Clock = china_now) -> None:
    """Guard ``app`` and its Flask server. Call it last, when the layout is set and every route added."""
    server: Flask = app.server
    desk = desk_of(server, settings, clock=clock)
    server.config["MAX_CONTENT_LENGTH"] = BODY_LIMIT
    headers = dict(HEADERS)
    if settings.secure_cookies:
        headers["Strict-Transport-Security"] = "max-age=31536000"
    _close_layout(app)
    prepare = _Preparation(server)

    def guard() -> Response | None:
        prepare.run_once()
        refusal = _refusal(desk)
        if refusal is None and not is_readable(app):
            return problem("error.bad_callback", 400)
        return refusal

    # First of all, whatever else asks to run before a request.
    server.before_request_funcs.setdefault(None, []).insert(0, guard)

    @server.after_request
    def seal(response: Response) -> Response:
        for name, value in headers.items():
            response.headers[name] = value
        page = response.mimetype == "text/html"
        # Only now: Dash Pages adds its inline script at the first request, after every ``install``.
        response.headers["Content-Security-Policy"] = content_policy(app.csp_hashes() if page else ())
        if not _is_static() and "Cache-Control" not in response.headers:
            response.headers["Cache-Control"] = "no-store"
        token = g.get("csrf_token")
        if token and page and request.cookies.get(CSRF_COOKIE) != token:
            set_csrf_cookie(response, token, settings)
        return response

    server.register_error_handler(TianfuError, _user_error)
    server.register_error_handler(500, _bug)


class _Preparation:
    """Dash's own preparations at the first request, done once and waited for.

    Dash marks itself as prepared before it is, so a second thread would meet half a board: a callback
    posted in those milliseconds answers 500.
    """

    def __init__(self, server: Flask) -> None:
        self._server = server
        self._lock = threading.Lock()
        self._done = False

    def run_once(self) -> None:
        if self._done:
            return
        with self._lock:
            if not self._done:
                for prepare in self._server.before_request_funcs[None][1:]:
                    prepare()
                self._done = True


def _close_layout(app: dash.Dash) -> None:
    """Draw nothing for nobody.

    Dash calls the layout once at the first request, whoever sends it (``/healthz``, the sign-in page);
    an error there would leave the worker without callbacks for good.
    """
    drawn = app.layout

    def layout() -> object:
        signed_in = has_request_context() and "identity" in g
        if not signed_in:
            return dash.html.Div()
        return drawn() if callable(drawn) else drawn

    app.layout = layout


def content_policy(script_hashes: Iterable[str]) -> str:
    """The Content-Security-Policy: nothing from another host, no inline script but the hashed ones, no eval.

    Inline styles are allowed, because every Dash component with a ``style`` needs them.
    """
    return "; ".join(
        (
            "default-src 'self'",
            " ".join(("script-src", "'self'", *script_hashes)),
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "font-src 'self' data:",
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        )
    )


def set_csrf_cookie(response: Response, token: str, settings: Settings) -> None:
    """Give the browser its CSRF token in a cookie that Dash's renderer reads and sends as a header."""
    response.set_cookie(CSRF_COOKIE, token, secure=settings.secure_cookies, samesite="Strict")


def visitor() -> Visitor:
    """Where the request comes from.

    A reverse proxy on this machine appends the real address to ``X-Forwarded-For``; the last entry is
    its own word, anything before it is the visitor's claim. From elsewhere the header counts nothing.
    """
    peer = request.remote_addr or "unknown"
    said = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
    if said and _is_loopback(peer):
        try:
            peer = str(ip_address(said))
        except ValueError:
            log.warning("unreadable X-Forwarded-For from the proxy")
    return Visitor(address=peer, agent=request.user_agent.string)


def token_matches(given: str | None, expected: str) -> bool:
    """Whether two tokens are equal, in a time that tells nothing; an empty one equals none."""
    return bool(given and expected) and hmac.compare_digest(str(given).encode(), expected.encode())


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False


def _refusal(desk: Desk) -> Response | None:
    """The answer to a request that may not go on, or None; sets ``g.identity`` for one that may."""
    changes = request.method not in SAFE_METHODS
    if (request.content_length or 0) > BODY_LIMIT:
        return problem("error.too_large", 413)
    if (request.method, request.path) in BY_TOKEN:
        return None
    if changes and not _same_origin():
        return problem("error.other_origin", 403)
    if request.path in OPEN or (not changes and _is_static()):
        return None
    token = request.cookies.get(SESSION_COOKIE)
    session = desk.sessions.find(token)
    if session is None:
        # Signing out of a session that already ended is no error; the route clears the cookies.
        leaving = request.path == SIGN_OUT and request.method == "POST"
        return None if leaving else _to_sign_in(ended=token is not None)
    given = request.headers.get(CSRF_HEADER)
    if given is None and request.path == SIGN_OUT:
        given = request.form.get(CSRF_FIELD)
    if changes and not token_matches(given, session.csrf_token):
        return problem("error.csrf", 403)
    g.identity, g.csrf_token, g.session = session.identity, session.csrf_token, session
    return None


def _is_static() -> bool:
    # The route decides, not the path: /assets//x looks like a file and is answered by Dash's catch-all.
    return request.url_rule is not None and request.url_rule.rule.startswith(STATIC)


def _same_origin() -> bool:
    """Whether a changing request comes from our own pages, as far as the browser says where from.

    The host decides, not the scheme: behind a proxy that ends HTTPS we only see HTTP.
    """
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    if site is not None and site != "same-origin":
        return False
    try:
        return origin is None or urlsplit(origin).netloc == request.host
    except ValueError:
        return False


def _to_sign_in(*, ended: bool) -> Response:
    wants_page = request.accept_mimetypes.best_match(["application/json", "text/html"]) == "text/html"
    if request.method in ("GET", "HEAD") and wants_page and not request.path.startswith("/_dash"):
        back = quote(request.full_path.rstrip("?"), safe="")
        response = make_response(redirect(f"{SIGN_IN}?next={back}{'&ended=1' if ended else ''}"))
        response.headers["Vary"] = "Cookie, Accept"
        return response
    return problem("error.sign_in_required", 401)


def problem(key: str, status: int) -> Response:
    """A refusal as JSON: what happened and what to do, in the reader's language."""
    lang = current_lang()
    return _as_json(t(lang, key), t(lang, f"{key}.todo"), status)


def _user_error(error: TianfuError) -> Response:
    lang, what, todo = current_lang(), error.what, error.todo
    if error.key:
        what, todo = (t(lang, key, **error.values) for key in (error.key, f"{error.key}.todo"))
    return _as_json(what, todo, error.http_status)


def _bug(_error: Exception) -> Response:
    # Flask has logged the traceback; the browser gets none of it.
    lang = current_lang()
    return _as_json(t(lang, "error.bug"), t(lang, "error.retry"), 500)


def _as_json(what: str, todo: str, status: int) -> Response:
    response = jsonify({"error": what, "todo": todo})
    response.status_code = status
    return response
