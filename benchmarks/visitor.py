"""A signed-in reader of a board: over HTTP, or straight into the WSGI app of this process."""

from __future__ import annotations

import http.client
import io
import json
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import Protocol
from urllib.parse import urlencode, urlsplit

from dashboard.shell.security import CSRF_COOKIE, CSRF_HEADER

PASSWORD = "only-for-bench-7Qh2"
CALLBACK = "/_dash-update-component"
_FORM_TOKEN = re.compile(rb'name="csrf" value="([^"]+)"')


@dataclass(frozen=True)
class Answer:
    """One response: ``body`` as sent, compressed where the request allowed that."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


class Wire(Protocol):
    """How a request reaches the board."""

    def send(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer: ...


class Http:
    """One kept connection."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)

    def send(self, method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> Answer:
        self._connection.request(method, path, body=body or None, headers=dict(headers))
        answer = self._connection.getresponse()
        return Answer(answer.status, tuple(answer.getheaders()), answer.read())

    def close(self) -> None:
        self._connection.close()


class Wsgi:
    """The app itself, called with an environment as gunicorn makes one: no socket and no client library."""

    def __init__(self, app: Callable[..., Iterable[bytes]]) -> None:
        self._app = app

    def send(self, method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> Answer:
        started: list[tuple[int, tuple[tuple[str, str], ...]]] = []

        def start_response(status: str, sent: list[tuple[str, str]], _trouble: object = None) -> None:
            started.append((int(status[:3]), tuple(sent)))

        parts = self._app(environ(method, path, headers, body), start_response)
        try:
            whole = b"".join(parts)
        finally:
            close = getattr(parts, "close", None)
            if close:
                close()
        return Answer(*started[-1], whole)


def environ(method: str, path: str, headers: Mapping[str, str], body: bytes) -> dict[str, object]:
    """A WSGI environment of one request to 127.0.0.1."""
    where, _, query = path.partition("?")
    made: dict[str, object] = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": where,
        "QUERY_STRING": query,
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "127.0.0.1",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for name, value in headers.items():
        key = name.upper().replace("-", "_")
        made[key if key == "CONTENT_TYPE" else f"HTTP_{key}"] = value
    return made


@dataclass(frozen=True)
class Ask:
    """One callback of a page as the browser posts it; ``page`` is the key of the page."""

    name: str
    page: str
    body: bytes


@dataclass
class Reader:
    """Somebody signed in; ``lang`` and cookies as a browser would keep them."""

    wire: Wire
    cookies: dict[str, str] = field(default_factory=dict)
    encoding: str = "identity"

    def get(self, path: str) -> Answer:
        return self._send("GET", path, {"Accept": "text/html,*/*"})

    def post(self, path: str, body: bytes, kind: str) -> Answer:
        headers = {"Content-Type": kind, "Origin": "http://127.0.0.1"}
        if CSRF_COOKIE in self.cookies:
            headers[CSRF_HEADER] = self.cookies[CSRF_COOKIE]
        return self._send("POST", path, headers) if not body else self._send("POST", path, headers, body)

    def headers(self) -> dict[str, str]:
        """What a callback of this reader sends."""
        return {
            "Content-Type": "application/json",
            "Cookie": "; ".join(f"{k}={v}" for k, v in self.cookies.items()),
            CSRF_HEADER: self.cookies.get(CSRF_COOKIE, ""),
            "Accept-Encoding": self.encoding,
        }

    def ask(self, body: bytes) -> Answer:
        """Post one callback; raises ``RuntimeError`` when it is refused."""
        answer = self.wire.send("POST", CALLBACK, self.headers(), body)
        if answer.status not in (200, 204):
            raise RuntimeError(f"a callback was answered {answer.status}: {answer.body[:300]!r}")
        return answer

    def sign_in(self, login: str, password: str = PASSWORD) -> None:
        found = _FORM_TOKEN.search(self.get("/sign-in").body)
        if found is None:
            raise RuntimeError("the sign-in page has no form")
        form = {"csrf": found[1].decode(), "login": login, "password": password, "next": "/"}
        answer = self._send(
            "POST",
            "/sign-in",
            {"Content-Type": "application/x-www-form-urlencoded"},
            urlencode(form).encode(),
        )
        if answer.status != 303:
            raise RuntimeError(f"{login} could not sign in: {answer.status}")

    def _send(self, method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> Answer:
        cookie = {"Cookie": "; ".join(f"{k}={v}" for k, v in self.cookies.items())} if self.cookies else {}
        answer = self.wire.send(method, path, {**headers, **cookie, "Accept-Encoding": self.encoding}, body)
        for name, value in answer.headers:
            if name.lower() == "set-cookie":
                for key, morsel in SimpleCookie(value).items():
                    if morsel.value:
                        self.cookies[key] = morsel.value
                    else:
                        self.cookies.pop(key, None)
        return answer


def callback_list(reader: Reader) -> list[dict[str, object]]:
    """All callbacks of the board, as it tells the browser."""
    return list(json.loads(reader.get("/_dash-dependencies").body))


def open_page(reader: Reader, path: str, search: str = "") -> dict[str, object]:
    """The layout of a page, as the browser gets it when it navigates there."""
    spec = next(c for c in callback_list(reader) if "_pages_content" in str(c["output"]))
    inputs = [
        {"id": i["id"], "property": i["property"], "value": path if i["property"] == "pathname" else search}
        for i in spec["inputs"]  # type: ignore[attr-defined]
    ]
    return dict(json.loads(reader.ask(_body(str(spec["output"]), inputs)).body)["response"])


def find_store(layout: object, store_id: str) -> dict[str, str]:
    """The data of one ``dcc.Store`` in a layout."""
    if isinstance(layout, dict):
        props = layout.get("props", layout)
        if isinstance(props, dict) and props.get("id") == store_id:
            return dict(props["data"])
        for value in layout.values():
            found = find_store(value, store_id)
            if found:
                return found
    elif isinstance(layout, list):
        for value in layout:
            found = find_store(value, store_id)
            if found:
                return found
    return {}


def cards_of(reader: Reader, pages: Mapping[str, str], **changes: str) -> list[Ask]:
    """Every server callback of ``pages`` (key to path) that draws from the page's store, ready to post."""
    asks = []
    specs = callback_list(reader)
    for page, path in pages.items():
        words = find_store(open_page(reader, path), f"{page}-filters") | changes
        for spec in specs:
            inputs = spec["inputs"]
            if spec.get("clientside_function") or not isinstance(inputs, list) or len(inputs) != 1:
                continue
            if inputs[0]["id"] != f"{page}-filters" or spec.get("state"):
                continue
            output = str(spec["output"])
            name = output.strip(".").split("...")[0].rpartition(".")[0]
            asks.append(Ask(name, page, _body(output, [{**inputs[0], "value": words}])))
    return asks


def _body(output: str, inputs: list[dict[str, object]]) -> bytes:
    many = output.startswith("..")
    parts = [part.rpartition(".") for part in output.strip(".").split("...")]
    outputs = [{"id": part[0], "property": part[2]} for part in parts]
    request = {
        "output": output,
        "outputs": outputs if many else outputs[0],
        "inputs": inputs,
        "changedPropIds": [f"{i['id']}.{i['property']}" for i in inputs],
        "parsedChangedPropsIds": [f"{i['id']}.{i['property']}" for i in inputs],
    }
    return json.dumps(request).encode()
