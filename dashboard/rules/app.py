"""The HTTP of the rules service: routes, bearer token, sizes, and every error as a problem."""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from dashboard.envelope.jws import CONTENT_TYPE, MAX_BYTES
from dashboard.rules.openapi import openapi_text
from dashboard.rules.refusal import Refusal
from dashboard.rules.service import POLICY_ID, RulesService
from dashboard.strict_json import load_strict

Endpoint = Callable[[Request], Awaitable[Response]]
MAX_QUESTION = 64_000
# A client that is still sending never reads a refusal, so what is too large is read on and forgotten.
_MAX_FORGOTTEN = 32_000_000
_BODY_SECONDS = 30.0
_MOST_AT_ONCE = 8
_NO_STORE = {"Cache-Control": "no-store"}
log = logging.getLogger("tianfu.rules")


class _Api:
    """The endpoints of one service."""

    def __init__(self, service: RulesService) -> None:
        self._service = service
        self._taking = 0

    async def put_head(self, request: Request) -> Response:
        _check_policy(request)
        dry_run = _read_dry_run(request)
        if self._taking >= _MOST_AT_ONCE:
            raise Refusal("busy", f"{self._taking} publications are being taken.")
        self._taking += 1
        try:
            body = await _read_body(request, MAX_BYTES)
            # Checking and the fsync take milliseconds, in which decisions must not wait.
            taken = await run_in_threadpool(self._service.take, body, _one_by_name(request), dry_run=dry_run)
        finally:
            self._taking -= 1
        tag = {} if dry_run else {"ETag": f'"{taken.digest}"'}
        return _json({"digest": taken.digest, "stored": taken.stored}, 201 if taken.stored else 200, tag)

    async def get_status(self, request: Request) -> Response:
        _check_policy(request)
        status = await run_in_threadpool(self._service.status)
        return Response(status.model_dump_json(), headers=_NO_STORE, media_type="application/json")

    async def get_version(self, request: Request) -> Response:
        _check_policy(request)
        seq = request.path_params["seq"]
        if not 1 <= seq < 2**53:
            raise Refusal("not_found", f"No envelope has the seq {seq}.")
        stored = await run_in_threadpool(self._service.stored, seq)
        return Response(stored.body, headers={"ETag": f'"{stored.digest}"'}, media_type=CONTENT_TYPE)

    async def post_answer(self, request: Request) -> Response:
        provenance = request.query_params.get("provenance", "false")
        if provenance not in ("true", "false"):
            raise Refusal("form", "provenance must be true or false.")
        try:
            asked = load_strict(await _read_body(request, MAX_QUESTION))
        except ValueError as problem:
            raise Refusal("form", f"The body is not JSON that can be read: {problem}.") from None
        if not isinstance(asked, dict):
            raise Refusal("form", 'The body must be a JSON object such as {"input": {...}}.')
        reply = self._service.decision(asked.get("input"), provenance=provenance == "true")
        return _json(reply, headers=_NO_STORE)

    async def get_thresholds(self, _request: Request) -> Response:
        found = self._service.payload()
        if found is None:
            return _json({}, headers=_NO_STORE)
        name, payload = found
        return Response(
            b'{"result":' + payload + b"}",
            headers={"ETag": f'"{name}"'} | _NO_STORE,
            media_type="application/json",
        )


def create_app(service: RulesService, *, token: str) -> Starlette:
    """The application of ``service``; every call but ``/health`` needs the bearer ``token``."""
    api = _Api(service)

    def guarded(path: str, endpoint: Endpoint, method: str) -> Route:
        return Route(path, _guard(endpoint, token.encode()), methods=[method])

    app = Starlette(
        routes=[
            guarded("/v1/data/tianfu/policy/answer", api.post_answer, "POST"),
            guarded("/v1/policies/{policy_id}/head", api.put_head, "PUT"),
            guarded("/v1/policies/{policy_id}/status", api.get_status, "GET"),
            guarded("/v1/policies/{policy_id}/versions/{seq:int}", api.get_version, "GET"),
            guarded("/v1/data/tianfu/thresholds", api.get_thresholds, "GET"),
            guarded("/openapi.json", _get_openapi, "GET"),
            Route("/health", _get_health, methods=["GET"]),
        ],
        exception_handlers={
            Refusal: _answer_refusal,
            HTTPException: _answer_http,
        },
    )
    # A path with one slash too many is unknown, not elsewhere: senders never follow a redirect.
    app.router.redirect_slashes = False
    return app


def _guard(endpoint: Endpoint, token: bytes) -> Endpoint:
    async def guarded(request: Request) -> Response:
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not given:
            raise Refusal("no_token", "Send Authorization: Bearer with the token of this service.")
        if not hmac.compare_digest(given.strip().encode("latin-1"), token):
            raise Refusal("bad_token", "Compare TIANFU_RULES_TOKEN on both sides.")
        try:
            return await endpoint(request)
        except (Refusal, HTTPException):
            raise
        except Exception:
            log.exception("%s %s failed", request.method, request.url.path)
            raise Refusal("bug", "The service failed on this request; its log says where.") from None

    return guarded


async def _get_health(_request: Request) -> Response:
    return _json({"alive": True}, headers=_NO_STORE)


async def _get_openapi(_request: Request) -> Response:
    return Response(openapi_text(), media_type="application/json")


async def _read_body(request: Request, limit: int) -> bytes:
    """The body up to ``limit`` bytes; raises ``Refusal`` 413, or 408 when it does not come."""
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(_BODY_SECONDS):
            async for part in request.stream():
                size += len(part)
                if size > _MAX_FORGOTTEN:
                    break
                if size <= limit:
                    parts.append(part)
    except TimeoutError:
        raise Refusal("slow", f"The body did not arrive within {_BODY_SECONDS:.0f} s.") from None
    except ClientDisconnect:
        raise Refusal("form", "The caller hung up before the body was complete.") from None
    if size > limit:
        raise Refusal("too_large", f"The body has more than {limit} bytes.")
    return b"".join(parts)


def _one_by_name(request: Request) -> dict[str, str]:
    """The headers by lower-case name; one that came twice is joined, as HTTP means it."""
    headers: dict[str, str] = {}
    for name, value in request.headers.items():
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def _check_policy(request: Request) -> None:
    policy_id = request.path_params["policy_id"]
    if policy_id != POLICY_ID:
        raise Refusal("not_found", f"This service keeps the policy {POLICY_ID} only.")


def _read_dry_run(request: Request) -> bool:
    value = request.query_params.get("dryRun")
    if value not in (None, "All"):
        raise Refusal("form", "dryRun must be All, or be left out.")
    return value == "All"


def _json(content: object, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    body = json.dumps(content, separators=(",", ":")).encode()
    return Response(body, status, headers, media_type="application/json")


async def _answer_refusal(_request: Request, problem: Exception) -> Response:
    assert isinstance(problem, Refusal)
    return problem.response()


async def _answer_http(request: Request, problem: Exception) -> Response:
    assert isinstance(problem, HTTPException)
    code = {404: "not_found", 405: "method"}.get(problem.status_code, "form")
    return Refusal(code, f"{request.method} {request.url.path}").response(problem.headers)
