"""Signing an envelope and opening one: compact JWS, ES256 only, one key named by its thumbprint."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jws import JWSRegistry

from dashboard.envelope.errors import EnvelopeError
from dashboard.envelope.keys import SigningKey, Trust
from dashboard.envelope.model import Envelope, parse_payload, payload_bytes
from dashboard.strict_json import load_strict

ALG = "ES256"
TYP = "tianfu-policy+jws"
CONTENT_TYPE = "application/jose"
MAX_BYTES = 1_000_000

_REGISTRY = JWSRegistry(algorithms=[ALG])
_REGISTRY.max_payload_length = MAX_BYTES
_SEGMENTS = re.compile(rb"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)")


def sign(envelope: Envelope, key: SigningKey) -> bytes:
    """The signed bytes of ``envelope``. ES256 is randomised: sign once, keep and send these very bytes."""
    header = {"alg": ALG, "kid": key.kid, "typ": TYP}
    body = jws.serialize_compact(header, payload_bytes(envelope), key.key, registry=_REGISTRY).encode()
    check_size(body)
    return body


def open_envelope(body: bytes, trust: Trust, *, now_s: int) -> Envelope:
    """The envelope in ``body``, its signature checked with the keys ``trust`` holds at ``now_s``.

    Raises ``EnvelopeError`` with the code too_large, form, wrong_alg, wrong_typ, unknown_kid, bad_signature
    or schema; the payload is not looked at before the signature is found good.
    """
    check_size(body)
    header, payload, _signature = _split(body)
    kid = _check_header(header)
    key = trust.key_for(kid, now_s=now_s)
    if key is None:
        raise EnvelopeError(
            "unknown_kid",
            f"The envelope is signed with the key {kid}, which is not trusted now.",
            todo="Compare it with the keys of the trust file and the times they hold.",
        )
    try:
        jws.deserialize_compact(body, key, registry=_REGISTRY)
    except (JoseError, ValueError) as problem:
        raise EnvelopeError(
            "bad_signature", f"The signature of the envelope is wrong ({type(problem).__name__})."
        ) from None
    return parse_payload(payload)


def check_size(body: bytes) -> None:
    """Refuse a body above 1 MB (``too_large``)."""
    if len(body) > MAX_BYTES:
        raise EnvelopeError("too_large", f"The envelope has {len(body)} bytes, and at most {MAX_BYTES} fit.")


def digest(body: bytes) -> str:
    """``sha256:`` and the hash of the signed bytes: the name of an envelope."""
    return "sha256:" + hashlib.sha256(body).hexdigest()


def content_digest(body: bytes) -> str:
    """The value of the header ``Content-Digest`` of ``body`` (RFC 9530)."""
    return f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"


def check_content_digest(header: str | None, body: bytes) -> None:
    """Refuse (``digest``) a missing header, one without sha-256, or one that is not that of ``body``."""
    stated = [
        value
        for name, _, value in (part.strip().partition("=") for part in (header or "").split(","))
        if name == "sha-256"
    ]
    if not stated:
        raise EnvelopeError(
            "digest",
            f"Content-Digest is {header!r}, and a sha-256 is needed.",
            todo="Send Content-Digest: sha-256=:base64: of the body (RFC 9530).",
        )
    if stated != [content_digest(body).partition("=")[2]]:
        raise EnvelopeError("digest", "Content-Digest is not that of the body that arrived.")


def _split(body: bytes) -> tuple[bytes, bytes, bytes]:
    match = _SEGMENTS.fullmatch(body)
    if match is None:
        raise EnvelopeError("form", "The body is not a compact JWS: three base64url parts joined by dots.")
    header, payload, signature = (_decode(part) for part in match.groups())
    return header, payload, signature


def _decode(part: bytes) -> bytes:
    try:
        content = base64.urlsafe_b64decode(part + b"=" * (-len(part) % 4))
    except binascii.Error:
        raise EnvelopeError("form", "A part of the JWS is not base64url.") from None
    # The last character may carry bits that decode to nothing: two bodies, two digests, one signature.
    if base64.urlsafe_b64encode(content).rstrip(b"=") != part:
        raise EnvelopeError("form", "A part of the JWS is base64url with bits left over.")
    return content


def _check_header(raw: bytes) -> str:
    try:
        header = load_strict(raw)
    except ValueError:
        header = None
    if not isinstance(header, dict):
        raise EnvelopeError("form", "The header of the JWS is not one JSON object with each key once.")
    if header.get("alg") != ALG:
        raise EnvelopeError("wrong_alg", f"The alg of the JWS is {_said(header.get('alg'))}, must be {ALG}.")
    if header.get("typ") != TYP:
        raise EnvelopeError("wrong_typ", f"The typ of the JWS is {_said(header.get('typ'))}, must be {TYP}.")
    kid = header.get("kid")
    # A header that brings its own key (jwk, jku, x5c) or its own rules (crit, b64) is not ours.
    if not isinstance(kid, str) or set(header) != {"alg", "typ", "kid"}:
        raise EnvelopeError("form", "The header of the JWS must hold alg, typ and kid and nothing else.")
    return kid if len(kid) <= 100 else kid[:100] + "..."


def _said(value: object) -> str:
    return ascii(value)[:60]
