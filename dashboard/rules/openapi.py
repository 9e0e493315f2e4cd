"""The OpenAPI document of the rules service, published as ``docs/rules-service.openapi.json``."""

from __future__ import annotations

import json
from collections.abc import Iterable

from dashboard.envelope.jws import CONTENT_TYPE, MAX_BYTES
from dashboard.envelope.schema import JsonObject
from dashboard.envelope.status import ServiceStatus
from dashboard.rules.refusal import REFUSALS

_DIGEST = r"^sha256:[0-9a-f]{64}$"
_TAG: JsonObject = {"description": "Digest of the envelope, in quotes.", "schema": {"type": "string"}}
_POLICY = {
    "name": "policy_id",
    "in": "path",
    "required": True,
    "description": "The policy; this service keeps one.",
    "schema": {"type": "string", "enum": ["epidemic"]},
}


def openapi_text() -> str:
    """The document as the text of its file."""
    return json.dumps(openapi(), ensure_ascii=False, indent=1) + "\n"


def openapi() -> JsonObject:
    """The document: every call, header, reply and its body."""
    status = ServiceStatus.model_json_schema(
        mode="serialization", ref_template="#/components/schemas/{model}"
    )
    parts = status.pop("$defs")
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Tianfu Command: rules service",
            "version": "1.0.0",
            "description": (
                "Takes signed policies, keeps the head durable, decides by the version in force. "
                "Correctness rests on the precondition, seq, prev and the digest; Idempotency-Key is only a "
                "label. How it is used: docs/rules-service.md."
            ),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "http://127.0.0.1:8060"}],
        "security": [{"token": []}],
        "paths": {
            "/v1/policies/{policy_id}/head": {"parameters": [_POLICY], "put": _put_head()},
            "/v1/policies/{policy_id}/status": {"parameters": [_POLICY], "get": _get_status()},
            "/v1/policies/{policy_id}/versions/{seq}": {"parameters": [_POLICY], "get": _get_version()},
            "/v1/data/tianfu/policy/answer": {"post": _post_answer()},
            "/v1/data/tianfu/thresholds": {"get": _get_thresholds()},
            "/openapi.json": {"get": _get_openapi()},
            "/health": {"get": _get_health()},
        },
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": {**parts, "ServiceStatus": status, "Problem": _problem()},
        },
    }


def _put_head() -> JsonObject:
    return {
        "operationId": "putHead",
        "summary": "Make a signed envelope the head",
        "parameters": [
            {
                "name": "dryRun",
                "in": "query",
                "description": "All: check everything, change nothing.",
                "schema": {"type": "string", "enum": ["All"]},
            },
            _header("Content-Digest", "SHA-256 of the body (RFC 9530).", required=True),
            _header("If-Match", "Digest of the head in quotes. This or If-None-Match is needed."),
            _header("If-None-Match", "*: there is no head yet.", enum=["*"]),
            _header("Idempotency-Key", "A label that is stored with the envelope."),
        ],
        "requestBody": {
            "required": True,
            "description": f"A compact JWS (ES256, typ tianfu-policy+jws), at most {MAX_BYTES} bytes; its "
            "payload keeps docs/policy-envelope.schema.json.",
            "content": {CONTENT_TYPE: {"schema": {"type": "string"}}},
        },
        "responses": {
            "201": _reply("Stored durably; it is the head now.", _taken(), ETag=_TAG),
            "200": _reply("It was the head already, or the dry run passed.", _taken(), ETag=_TAG),
            **_problems(400, 401, 403, 404, 408, 409, 412, 413, 415, 422, 428, 429, 500, 503),
        },
    }


def _get_status() -> JsonObject:
    return {
        "operationId": "getStatus",
        "summary": "What is stored and what decides, read from the evaluator itself",
        "responses": {
            "200": _reply("The status.", {"$ref": "#/components/schemas/ServiceStatus"}),
            **_problems(401, 404, 500),
        },
    }


def _get_version() -> JsonObject:
    seq = {"name": "seq", "in": "path", "required": True, "schema": {"type": "integer", "minimum": 1}}
    jose = {"schema": {"type": "string"}}
    return {
        "operationId": "getVersion",
        "summary": "A stored envelope, byte for byte",
        "parameters": [seq],
        "responses": {
            "200": {
                "description": "The envelope.",
                "headers": {"ETag": _TAG},
                "content": {CONTENT_TYPE: jose},
            },
            **_problems(401, 404, 500),
        },
    }


def _post_answer() -> JsonObject:
    return {
        "operationId": "postAnswer",
        "summary": "One decision by the version in force, in the shape of an OPA",
        "parameters": [
            {
                "name": "provenance",
                "in": "query",
                "description": "true: also say which revision decided.",
                "schema": {"type": "string", "enum": ["true", "false"]},
            }
        ],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {
                        "type": "object",
                        "properties": {"input": {"description": "The question; see docs/rules-service.md."}},
                    },
                    "example": {"input": {"ask": "test", "category": "hospital", "hours_since_sampled": 30}},
                }
            },
        },
        "responses": {
            "200": _reply(
                "The decision. What cannot be decided is null and has a reason.",
                _object(
                    {
                        "result": _object(
                            {"version": _nullable("integer"), "reason": {"type": "string"}},
                            needed=("version", "reason"),
                            closed=False,
                        ),
                        "provenance": _object(
                            {"version": {"type": "string"}, "bundles": {"type": "object"}},
                            needed=("version", "bundles"),
                        ),
                        "decision_id": {"type": "string", "format": "uuid"},
                    },
                    needed=("result", "decision_id"),
                ),
            ),
            **_problems(400, 401, 408, 413, 500),
        },
    }


def _get_thresholds() -> JsonObject:
    return {
        "operationId": "getThresholds",
        "summary": "The payload of the envelope in force; an empty object while there is none",
        "responses": {
            "200": _reply("The payload.", _object({"result": {"type": "object"}}), ETag=_TAG),
            **_problems(401, 500),
        },
    }


def _get_openapi() -> JsonObject:
    return {
        "operationId": "getOpenapi",
        "summary": "This document",
        "responses": {"200": _reply("The document.", {"type": "object"}), **_problems(401, 500)},
    }


def _get_health() -> JsonObject:
    alive = _object({"alive": {"const": True}}, needed=("alive",))
    return {
        "operationId": "getHealth",
        "summary": "Liveness only: nothing about the policy",
        "security": [],
        "responses": {"200": _reply("The process answers.", alive), **_problems(500)},
    }


def _header(
    name: str, description: str, *, required: bool = False, enum: list[str] | None = None
) -> JsonObject:
    schema: JsonObject = {"type": "string"}
    return {
        "name": name,
        "in": "header",
        "required": required,
        "description": description,
        "schema": schema | ({"enum": enum} if enum else {}),
    }


def _taken() -> JsonObject:
    return _object(
        {"digest": {"type": "string", "pattern": _DIGEST}, "stored": {"type": "boolean"}},
        needed=("digest", "stored"),
    )


def _problem() -> JsonObject:
    fields: JsonObject = {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string", "enum": list(REFUSALS)},
        "detail": {"type": "string"},
        "head": {
            "description": "The head, where the request did not follow it.",
            "anyOf": [
                _object({"seq": {"type": "integer"}, "digest": {"type": "string"}}, needed=("seq", "digest")),
                {"type": "null"},
            ],
        },
    }
    needed = ("type", "title", "status", "code", "detail")
    return {"description": "An error (RFC 9457).", **_object(fields, needed=needed)}


def _problems(*statuses: int) -> JsonObject:
    return {str(status): _refusal(status) for status in statuses}


def _refusal(status: int) -> JsonObject:
    codes = [f"{code}: {title}" for code, (number, title) in REFUSALS.items() if number == status]
    headers: JsonObject = {}
    if status in (429, 503):
        headers["Retry-After"] = {"schema": {"type": "integer"}, "required": True}
    if status == 401:
        headers["WWW-Authenticate"] = {"schema": {"type": "string"}, "required": True}
    return {
        "description": "; ".join(codes) + ".",
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
        **({"headers": headers} if headers else {}),
    }


def _reply(description: str, schema: JsonObject, **headers: JsonObject) -> JsonObject:
    content = {"application/json": {"schema": schema}}
    return {
        "description": description,
        "content": content,
        **({"headers": headers} if headers else {}),
    }


def _object(properties: JsonObject, *, needed: Iterable[str] = (), closed: bool = True) -> JsonObject:
    schema: JsonObject = {"type": "object", "properties": properties}
    if required := list(needed):
        schema["required"] = required
    return schema | ({"additionalProperties": False} if closed else {})


def _nullable(kind: str) -> JsonObject:
    return {"type": [kind, "null"]}
