"""Whether an envelope may become the head: the conditions of a publication, without any HTTP server.

Correctness rests on the precondition, ``seq``, ``prev`` and the digest. The same bytes are accepted twice
without harm, so a sender that lost the reply sends them again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from dashboard.envelope.errors import EnvelopeError
from dashboard.envelope.jws import CONTENT_TYPE, check_content_digest, check_size, digest, open_envelope
from dashboard.envelope.keys import Trust
from dashboard.envelope.model import Envelope
from dashboard.rules.refusal import Refusal

_STRONG_TAG = re.compile(r'"([\x21\x23-\x7e]*)"')


@dataclass(frozen=True)
class Head:
    """The head as conditions see it: what decides, and what the file holds where that was damaged.

    A caller may name either in its precondition: the status shows both. ``digest`` is None where nothing
    decides, because nothing in the file could be used.
    """

    seq: int
    digest: str | None
    stored_digest: str
    intact: bool


@dataclass(frozen=True)
class Accepted:
    """An envelope that may become the head; ``known`` when it is the head already."""

    envelope: Envelope
    digest: str
    known: bool


@dataclass(frozen=True)
class Precondition:
    """What the caller believes the head to be: a digest, or nothing there yet (None)."""

    expected: str | None


def read_precondition(headers: Mapping[str, str]) -> Precondition:
    """The precondition in ``headers`` (lower case). Raises ``Refusal`` 400 or 428."""
    match, none_match = headers.get("if-match"), headers.get("if-none-match")
    if match is None and none_match is None:
        raise Refusal(
            "no_precondition",
            "Send If-Match with the digest of the head in quotes, or If-None-Match: * where there is none.",
        )
    if match is not None and none_match is not None:
        raise Refusal("form", "If-Match and If-None-Match exclude each other.")
    if none_match is not None:
        if none_match.strip() != "*":
            raise Refusal("form", "If-None-Match must be * here.")
        return Precondition(None)
    tag = _STRONG_TAG.fullmatch((match or "").strip())
    if tag is None:
        raise Refusal("form", "If-Match must hold one strong entity tag: the digest of the head in quotes.")
    return Precondition(tag.group(1))


def check_envelope(
    body: bytes, headers: Mapping[str, str], *, head: Head | None, trust: Trust, now_s: int
) -> Accepted:
    """The envelope in ``body`` when it may follow ``head``; otherwise raises ``Refusal``."""
    if headers.get("content-type", "").partition(";")[0].strip().lower() != CONTENT_TYPE:
        raise Refusal("wrong_type", f"The content type must be {CONTENT_TYPE}.")
    precondition = read_precondition(headers)
    try:
        check_size(body)
        check_content_digest(headers.get("content-digest"), body)
        envelope = open_envelope(body, trust, now_s=now_s)
    except EnvelopeError as error:
        raise Refusal.of_envelope(error) from None
    name = digest(body)
    if head is not None and name == head.digest:
        return Accepted(envelope, name, known=True)
    _check_follows(envelope, precondition, head)
    return Accepted(envelope, name, known=False)


def _check_follows(envelope: Envelope, precondition: Precondition, head: Head | None) -> None:
    if head is None or head.digest is None:
        # The first envelope a service sees may be any: a new or wiped service joins a board that has
        # published before. It is the signature that says who may do that.
        if precondition.expected not in (None, head.stored_digest if head else None):
            raise Refusal("not_head", "If-Match names a head, and there is none.", head=None)
        return
    told: dict[str, object] = {"head": {"seq": head.seq, "digest": head.digest}}
    if envelope.seq <= head.seq:
        raise Refusal("replayed", f"seq is {envelope.seq}, and the head has {head.seq}.", **told)
    if precondition.expected not in (head.digest, head.stored_digest):
        raise Refusal("not_head", f"The head is {head.digest}, with seq {head.seq}.", **told)
    if envelope.prev != head.digest:
        raise Refusal("prev_not_head", f"prev is {envelope.prev}, and the head is {head.digest}.", **told)
