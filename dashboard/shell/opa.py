"""What a stock policy engine (OPA) pulls from the board and tells it: bundle, status, decision logs.

Each engine has a bearer token of its own (``tianfu policy opa add``). The routes are outside the session
guard, so the token is checked here before anything else. Settings: ``docs/rules-service-opa.md``.
"""

from __future__ import annotations

import json
import logging
import zlib
from collections.abc import Mapping

from flask import Flask, Response, jsonify, request

from dashboard.auth.desk import Desk
from dashboard.envelope.bundle import CONTENT_TYPE, etag_of
from dashboard.envelope.keys import load_signing_key
from dashboard.publishing import opa
from dashboard.settings import Settings
from dashboard.shell.security import desk_of

log = logging.getLogger("tianfu.opa")

BUNDLE = "tianfu"
UNPACKED_LIMIT = 16_000_000


class _Refused(Exception):
    def __init__(self, status: int, what: str) -> None:
        super().__init__(what)
        self.status, self.what = status, what


def install(server: Flask, settings: Settings) -> None:
    """Add the three routes. Nothing is opened before the first request."""

    def desk() -> Desk:
        return desk_of(server, settings)

    @server.get("/opa/v1/bundles/tianfu")
    def opa_bundle() -> Response:
        database, clock = desk().database, desk().clock
        with database.read() as connection:
            name = _caller(opa.find_instance(connection, _token()))
            newest = opa.head(connection)
        if newest is None:
            raise _Refused(404, "Nothing was published yet.")
        bundle = opa.bundle_of(newest, load_signing_key(settings))
        with database.write() as connection:
            if not opa.hand_out(connection, name, newest.seq, at=clock()):
                log.error("engine %s was handed a newer envelope than %s", name, newest.revision)
                raise _Refused(503, f"This engine was handed a newer revision than {newest.revision}.")
        etag = etag_of(bundle)
        if etag in request.headers.get("If-None-Match", ""):
            # Without the content type of bundles: an engine takes it for a promise to hold requests, and
            # asks again at once. We answer at once, so it shall wait its own time.
            return Response(status=304, headers={"ETag": etag})
        return Response(bundle, content_type=CONTENT_TYPE, headers={"ETag": etag})

    @server.post("/opa/v1/status")
    def opa_status() -> Response:
        database, clock = desk().database, desk().clock
        with database.read() as connection:
            name = _caller(opa.find_instance(connection, _token()))
        revision, problem = _status(_json_body())
        with database.write() as connection:
            opa.note_report(connection, name, revision=revision, problem=problem, at=clock())
        return Response(status=204)

    @server.post("/opa/v1/logs")
    def opa_logs() -> Response:
        database, clock = desk().database, desk().clock
        with database.read() as connection:
            name = _caller(opa.find_instance(connection, _token()))
        decisions = _decisions(_json_body())
        with database.write() as connection:
            opa.keep_decisions(connection, name, decisions, at=clock())
        # Only now, after the commit: an engine forgets what was answered with 2xx.
        return Response(status=204)

    @server.errorhandler(_Refused)
    def refuse(refused: _Refused) -> Response:
        answer = jsonify({"error": refused.what})
        answer.status_code = refused.status
        if refused.status == 401:
            answer.headers["WWW-Authenticate"] = 'Bearer realm="opa"'
        return answer


def _token() -> str:
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "bearer" or not token.strip():
        raise _Refused(401, "A bearer token is needed.")
    return token.strip()


def _caller(name: str | None) -> str:
    if name is None:
        raise _Refused(401, "The bearer token is unknown or was revoked.")
    return name


def _json_body() -> object:
    raw = request.get_data(cache=False)
    if request.headers.get("Content-Encoding", "").lower() == "gzip":
        raw = _unpack(raw)
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        raise _Refused(400, "The body is not JSON.") from None


def _unpack(raw: bytes) -> bytes:
    unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)
    try:
        content = unpacker.decompress(raw, UNPACKED_LIMIT)
    except zlib.error:
        raise _Refused(400, "The body is not gzip.") from None
    if unpacker.unconsumed_tail or not unpacker.eof:
        too_large = bool(unpacker.unconsumed_tail)
        raise _Refused(413 if too_large else 400, "The body is too large or ends in the middle.")
    return content


def _status(body: object) -> tuple[str | None, str]:
    """(active revision, what is wrong) of the one bundle the board speaks of."""
    if not isinstance(body, Mapping):
        raise _Refused(400, "A status is an object.")
    bundles = body.get("bundles")
    bundle = bundles.get(BUNDLE) if isinstance(bundles, Mapping) else None
    if not isinstance(bundle, Mapping):
        return None, f"The engine reports no bundle called {BUNDLE}."
    revision = bundle.get("active_revision")
    problem = bundle.get("message") or bundle.get("code") or ""
    return (_storable(revision) if isinstance(revision, str) and revision else None), _storable(str(problem))


def _decisions(body: object) -> list[opa.Decision]:
    if not isinstance(body, list):
        raise _Refused(400, "Decision logs are a list.")
    found = []
    for event in body:
        number = event.get("decision_id") if isinstance(event, Mapping) else None
        if not isinstance(number, str) or not 0 < len(number) <= 64 or number != _storable(number):
            raise _Refused(400, "A decision has no decision_id of at most 64 characters.")
        asked, result = event.get("input"), event.get("result")
        found.append(
            opa.Decision(
                decision_id=number,
                revision=_revision(event),
                ask=_word(asked, "ask"),
                reason=_word(result, "reason"),
            )
        )
    return found


def _revision(event: Mapping[str, object]) -> str:
    bundles = event.get("bundles")
    bundle = bundles.get(BUNDLE) if isinstance(bundles, Mapping) else None
    return _word(bundle, "revision")


def _word(holder: object, name: str) -> str:
    value = holder.get(name) if isinstance(holder, Mapping) else None
    return _storable(value) if isinstance(value, str) else ""


def _storable(text: str) -> str:
    """``text`` with a question mark for every half of a character: JSON can name one, no store keeps it.

    An engine sends again what was answered with an error, so one odd word would hold up all of its logs.
    """
    return text.encode(errors="replace").decode()
