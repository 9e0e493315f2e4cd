"""Refusals of the rules service, said as ``application/problem+json`` (RFC 9457)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType

from starlette.responses import Response

from dashboard.envelope.errors import STATUS_OF, EnvelopeError

# Every code with its status and its title; a program reads the code, a person the detail.
REFUSALS: Mapping[str, tuple[int, str]] = MappingProxyType(
    {
        "form": (400, "The request cannot be read"),
        "digest": (400, "The body is not what its digest says"),
        "no_token": (401, "A bearer token is needed"),
        "bad_token": (401, "The bearer token is wrong"),
        "wrong_alg": (403, "Only ES256 is accepted"),
        "unknown_kid": (403, "The key is not trusted"),
        "bad_signature": (403, "The signature is wrong"),
        "not_found": (404, "There is no such thing here"),
        "method": (405, "This method is not offered here"),
        "slow": (408, "The body did not arrive in time"),
        "replayed": (409, "The number is not above that of the head"),
        "not_head": (412, "The precondition does not name the head"),
        "prev_not_head": (412, "The envelope does not follow the head"),
        "too_large": (413, "The body is too large"),
        "wrong_type": (415, "The content type is not accepted"),
        "wrong_typ": (415, "The type of the signed text is not accepted"),
        "schema": (422, "The envelope does not keep its schema"),
        "no_precondition": (428, "If-Match or If-None-Match is needed"),
        "busy": (429, "Too many publications at once"),
        "bug": (500, "The service failed"),
        "damaged": (500, "What is stored is damaged"),
        "storage": (503, "The envelope could not be stored"),
    }
)
_RETRY_AFTER_S = MappingProxyType({"busy": 1, "storage": 5})


class Refusal(Exception):
    """A refusal by ``code``; ``more`` are further members such as the head the caller did not know."""

    def __init__(self, code: str, detail: str, **more: object) -> None:
        super().__init__(detail)
        self.code = code
        self.status = REFUSALS[code][0]
        self.detail = detail
        self.more = more

    @classmethod
    def of_envelope(cls, error: EnvelopeError) -> Refusal:
        """The refusal of an envelope that cannot be accepted."""
        return cls(error.code, str(error))

    def content(self) -> dict[str, object]:
        """The members of the problem."""
        return {
            "type": f"urn:tianfu:rules:{self.code}",
            "title": REFUSALS[self.code][1],
            "status": self.status,
            "code": self.code,
            "detail": self.detail,
            **self.more,
        }

    def response(self, headers: Mapping[str, str] | None = None) -> Response:
        """The reply."""
        said = dict(headers or {})
        if self.code in _RETRY_AFTER_S:
            said["Retry-After"] = str(_RETRY_AFTER_S[self.code])
        if self.status == 401:
            said["WWW-Authenticate"] = "Bearer" + (
                ' error="invalid_token"' if self.code == "bad_token" else ""
            )
        body = json.dumps(self.content(), separators=(",", ":")).encode()
        return Response(body, self.status, said, media_type="application/problem+json")


assert all(REFUSALS[code][0] == status for code, status in STATUS_OF.items())
