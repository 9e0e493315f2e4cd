"""The sign-in page and sign-out: plain forms that work without any script."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from importlib.resources import files
from urllib.parse import urlencode, urlsplit

from flask import Flask, Response, g, make_response, redirect, request
from jinja2 import Environment, StrictUndefined, Template

from dashboard.auth.desk import Desk, Refused
from dashboard.auth.sessions import TOKEN, LiveSession, NewSession
from dashboard.clock import Clock, china_now
from dashboard.i18n.catalogue import LANGS, Lang, t
from dashboard.settings import Settings
from dashboard.shell.identity import (
    LANG_COOKIE,
    THEME_COOKIE,
    Theme,
    current_lang,
    current_theme,
)
from dashboard.shell.security import (
    CSRF_COOKIE,
    CSRF_FIELD,
    SESSION_COOKIE,
    SIGN_IN,
    SIGN_OUT,
    desk_of,
    set_csrf_cookie,
    token_matches,
    visitor,
)

FORM_COOKIE = "tianfu_sign_in"
YEAR = timedelta(days=365)
_CONTROL = re.compile(r"[\x00-\x20\x7f\\]")
# Places that are no page to come back to: these themselves, and downloads, after which the page would stay.
_NO_RETURN = (SIGN_IN, SIGN_OUT, "/export/", "/_dash", "/assets/", "/healthz")


@dataclass(frozen=True)
class Form:
    """What one showing of the page says: the sentence above the fields and what was typed before."""

    notice: str = ""
    error: str = ""
    login: str = ""
    status: int = 200


def install(server: Flask, settings: Settings, *, clock: Clock = china_now) -> None:
    """Add ``/sign-in`` and ``/sign-out``."""
    desk = desk_of(server, settings, clock=clock)

    @server.get(SIGN_IN)
    def show_sign_in() -> Response:
        back = local_path(request.args.get("next"))
        choice = _chosen(back)
        if choice is not None:
            return choice
        if desk.sessions.find(request.cookies.get(SESSION_COOKIE)):
            return make_response(redirect(back, 303))
        return _page(desk, settings, back, Form(notice=_notice(current_lang())))

    @server.post(SIGN_IN)
    def sign_in() -> Response:
        back, lang = local_path(request.form.get("next")), current_lang()
        login, password = request.form.get("login", "")[:200], request.form.get("password", "")
        if not token_matches(request.form.get(CSRF_FIELD), request.cookies.get(FORM_COOKIE, "")):
            stale = Form(error=t(lang, "signin.stale_form"), login=login, status=403)
            return _page(desk, settings, back, stale)
        outcome = desk.sign_in(
            login=login,
            password=password,
            visitor=visitor(),
            old_token=request.cookies.get(SESSION_COOKIE),
        )
        if isinstance(outcome, Refused):
            error = _why(outcome, lang, desk.clock())
            status = 401 if outcome.weighed else 429
            return _page(desk, settings, back, Form(error=error, login=login, status=status))
        return _welcome(outcome, back, settings)

    @server.post(SIGN_OUT)
    def sign_out() -> Response:
        session = g.get("session")
        if isinstance(session, LiveSession):
            desk.sign_out(session, token=request.cookies.get(SESSION_COOKIE, ""))
        response = make_response(redirect(f"{SIGN_IN}?out=1", 303))
        response.delete_cookie(SESSION_COOKIE, secure=settings.secure_cookies, httponly=True, samesite="Lax")
        response.delete_cookie(CSRF_COOKIE, secure=settings.secure_cookies, samesite="Strict")
        # The seal must not hand the ended session's token out again.
        g.pop("csrf_token", None)
        return response


def local_path(value: str | None) -> str:
    """``value`` when it is a page of this board, ``/`` for anything else.

    A browser reads ``//evil`` and ``/\\evil`` as another host, and drops tabs and line breaks before
    it looks; so anything but a plain path is refused instead of repaired.
    """
    if not value or len(value) > 2000 or not value.startswith("/") or value.startswith("//"):
        return "/"
    if _CONTROL.search(value) or value.startswith(_NO_RETURN):
        return "/"
    try:
        parts = urlsplit(value)
    except ValueError:
        return "/"
    return "/" if parts.scheme or parts.netloc else value


def _chosen(back: str) -> Response | None:
    """The answer to a click on a language or a theme: note it in a cookie, show the page again."""
    lang, theme = request.args.get("lang"), request.args.get("theme")
    if lang not in LANGS and theme not in ("light", "dark"):
        return None
    kept = [(name, "1") for name in ("ended", "out") if request.args.get(name) == "1"]
    response = make_response(redirect(f"{SIGN_IN}?{urlencode([('next', back), *kept])}", 303))
    if lang in LANGS:
        response.set_cookie(LANG_COOKIE, lang, max_age=YEAR, samesite="Lax")
    if theme in ("light", "dark"):
        response.set_cookie(THEME_COOKIE, theme, max_age=YEAR, samesite="Lax")
    return response


def _notice(lang: Lang) -> str:
    if request.args.get("ended") == "1":
        return t(lang, "signin.ended")
    return t(lang, "signin.out") if request.args.get("out") == "1" else ""


def _why(refused: Refused, lang: Lang, at: datetime) -> str:
    """The sentence for a failed sign-in; the same whether or not the login exists."""
    if refused.until is None:
        return t(lang, "signin.wrong")
    seconds = max(1, round((refused.until - at).total_seconds()))
    if seconds <= 60:
        wait = t(lang, "signin.wait", seconds=seconds)
    else:
        # Rounded up: at the minute shown, the next try is surely weighed.
        shown = refused.until + timedelta(seconds=59)
        wait = t(lang, "signin.locked", time=shown.strftime("%H:%M"))
    between = " " if lang == "en" else ""
    return f"{t(lang, 'signin.wrong')}{between}{wait}" if refused.weighed else wait


def _welcome(new: NewSession, back: str, settings: Settings) -> Response:
    response = make_response(redirect(back, 303))
    response.set_cookie(
        SESSION_COOKIE, new.token, httponly=True, secure=settings.secure_cookies, samesite="Lax"
    )
    set_csrf_cookie(response, new.csrf_token, settings)
    response.delete_cookie(
        FORM_COOKIE, path=SIGN_IN, secure=settings.secure_cookies, httponly=True, samesite="Strict"
    )
    return response


def _page(desk: Desk, settings: Settings, back: str, form: Form) -> Response:
    lang, theme = current_lang(), current_theme()
    # Kept over reloads, so that two tabs with the page open can both be used.
    token = request.cookies.get(FORM_COOKIE, "")
    if not TOKEN.fullmatch(token):
        token = secrets.token_urlsafe(32)
    words = _words(lang, theme, desk.demo_logins(), back)
    response = make_response(_template().render(**words, form=form, token=token, back=back), form.status)
    response.headers["Cache-Control"] = "no-store"
    response.set_cookie(
        FORM_COOKIE, token, path=SIGN_IN, httponly=True, secure=settings.secure_cookies, samesite="Strict"
    )
    return response


def _words(lang: Lang, theme: Theme, demo: tuple[str, ...], back: str) -> dict[str, object]:
    other_lang: Lang = "en" if lang == "zh-CN" else "zh-CN"
    other_theme: Theme = "light" if theme == "dark" else "dark"
    kept = [(name, "1") for name in ("ended", "out") if request.args.get(name) == "1"]

    def switch(name: str, value: str) -> str:
        return f"{SIGN_IN}?{urlencode([(name, value), ('next', back), *kept])}"

    return {
        "lang": lang,
        "theme": theme,
        "text": lambda key, **values: t(lang, key, **values),
        "name_zh": t("zh-CN", "app.name"),
        "name_en": t("en", "app.name"),
        "other_lang": other_lang,
        "lang_href": switch("lang", other_lang),
        "theme_href": switch("theme", other_theme),
        "theme_word": t(lang, f"signin.theme.{other_theme}"),
        "demo": demo,
        "action": SIGN_IN,
    }


@cache
def _template() -> Template:
    text = files("dashboard.shell").joinpath("signin.html").read_text(encoding="utf-8")
    return Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True).from_string(text)
