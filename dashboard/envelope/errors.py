"""Why an envelope is refused: a code for programs, a status for HTTP, a sentence for people."""

from __future__ import annotations

from types import MappingProxyType
from typing import Literal

from dashboard.errors import PolicyError

EnvelopeFault = Literal[
    "too_large",
    "form",
    "digest",
    "wrong_alg",
    "wrong_typ",
    "unknown_kid",
    "bad_signature",
    "schema",
]
# The status with which a rules service answers; who signed is a question of rights, hence 403.
STATUS_OF: MappingProxyType[EnvelopeFault, int] = MappingProxyType(
    {
        "too_large": 413,
        "form": 400,
        "digest": 400,
        "wrong_alg": 403,
        "wrong_typ": 415,
        "unknown_kid": 403,
        "bad_signature": 403,
        "schema": 422,
    }
)


class EnvelopeError(PolicyError):
    """An envelope that is not accepted; ``code`` is one of ``EnvelopeFault``."""

    def __init__(self, code: EnvelopeFault, what: str, *, todo: str = "") -> None:
        super().__init__(what, todo=todo)
        self.code: EnvelopeFault = code
        self.http_status = STATUS_OF[code]
