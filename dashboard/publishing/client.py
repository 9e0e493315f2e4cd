"""The rules service as the sender sees it: every call ends in time, and every ending has one meaning.

Redirects are never followed: the signed bytes and the token go to the configured address or nowhere. Proxies
of the environment are not used. A reply is read up to a limit and up to a moment, so that a service that
answers one byte a second holds nobody up.
"""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Literal

import httpx
from pydantic import ValidationError

from dashboard.envelope.jws import CONTENT_TYPE, content_digest
from dashboard.envelope.status import ServiceStatus

CONNECT_S = 2.0
DEADLINE_S = 10.0
REPLY_LIMIT = 2_000_000

Meaning = Literal["accepted", "unknown", "busy", "conflict", "refused"]


@dataclass(frozen=True)
class Outcome:
    """What one delivery came to.

    ``accepted``: the service says that this very envelope is its head. ``unknown``: it may have arrived or
    not (no reply, 408, 5xx, a redirect, a reply that does not name the envelope). ``busy``: come back after
    ``retry_after_s`` (429, 503). ``conflict``: another head (409, 412). ``refused``: any other 4xx, for good.
    """

    meaning: Meaning
    detail: str
    status: int | None = None
    retry_after_s: float | None = None


@dataclass(frozen=True)
class Reply:
    """One reply, read completely."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class NoReply(Exception):
    """The call brought no reply that can be used; the text says why."""


class RulesClient:
    """Calls to one rules service for one policy. Not for two threads at once."""

    def __init__(
        self,
        address: str,
        *,
        token: str,
        policy_id: str,
        deadline_s: float = DEADLINE_S,
    ) -> None:
        self.address = address
        self.policy_id = policy_id
        self.deadline_s = deadline_s
        self._http = httpx.Client(
            base_url=address,
            headers={"Authorization": f"Bearer {token}", "User-Agent": "tianfu-sender"},
            timeout=httpx.Timeout(deadline_s, connect=min(CONNECT_S, deadline_s)),
            follow_redirects=False,
            trust_env=False,
            limits=httpx.Limits(max_connections=2, keepalive_expiry=30),
            verify=ssl.create_default_context() if address.startswith("https:") else False,
        )

    def put(self, body: bytes, *, digest: str, head: str | None, seq: int) -> Outcome:
        """Offer the signed ``body`` as the head after ``head`` (a digest; None: the service holds none)."""
        condition = {"If-Match": f'"{head}"'} if head else {"If-None-Match": "*"}
        try:
            reply = self._call(
                "PUT",
                f"/v1/policies/{self.policy_id}/head",
                content=body,
                headers={
                    "Content-Type": CONTENT_TYPE,
                    "Content-Digest": content_digest(body),
                    "Idempotency-Key": f'"{self.policy_id}:{seq}"',
                    **condition,
                },
            )
        except NoReply as problem:
            return Outcome("unknown", str(problem))
        return weigh(reply, digest=digest)

    def try_out(self, body: bytes, *, head: str | None) -> Outcome:
        """Ask whether the service would take ``body`` after ``head``; it stores nothing."""
        condition = {"If-Match": f'"{head}"'} if head else {"If-None-Match": "*"}
        try:
            reply = self._call(
                "PUT",
                f"/v1/policies/{self.policy_id}/head?dryRun=All",
                content=body,
                headers={
                    "Content-Type": CONTENT_TYPE,
                    "Content-Digest": content_digest(body),
                    **condition,
                },
            )
        except NoReply as problem:
            return Outcome("unknown", str(problem))
        if reply.status == 200:
            return Outcome("accepted", "", 200)
        return weigh(reply, digest="")

    def status(self) -> ServiceStatus:
        """The status; raises ``NoReply`` when there is none that can be read."""
        reply = self._get(f"/v1/policies/{self.policy_id}/status")
        try:
            status = ServiceStatus.model_validate_json(reply.body)
        except ValidationError as problem:
            first = problem.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(part) for part in first["loc"]) or "the reply"
            raise NoReply(f"the status cannot be read: {where}: {first['msg'].lower()}") from None
        if status.policy_id != self.policy_id:
            raise NoReply(f"the status is that of the policy {status.policy_id!r}")
        return status

    def stored(self, seq: int) -> bytes:
        """The envelope the service holds under ``seq``, byte for byte; raises ``NoReply``."""
        return self._get(f"/v1/policies/{self.policy_id}/versions/{seq}").body

    def thresholds(self) -> bytes:
        """The payload the service decides by, as it gives it; raises ``NoReply``."""
        return self._get("/v1/data/tianfu/thresholds").body

    def answer(self, question: Mapping[str, object]) -> dict[str, object]:
        """The whole reply to one question, in OPA's form; raises ``NoReply``."""
        reply = self._call(
            "POST",
            "/v1/data/tianfu/policy/answer?provenance=true",
            content=json.dumps({"input": question}, ensure_ascii=False).encode(),
            headers={"Content-Type": "application/json"},
        )
        if reply.status != 200:
            raise NoReply(_said(reply))
        try:
            content = json.loads(reply.body)
        except ValueError:
            raise NoReply("the answer is no JSON") from None
        if not isinstance(content, dict):
            raise NoReply("the answer is no JSON object")
        return content

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _get(self, path: str) -> Reply:
        reply = self._call("GET", path)
        if reply.status != 200:
            raise NoReply(_said(reply))
        return reply

    def _call(
        self,
        method: str,
        path: str,
        *,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        deadline = time.monotonic() + self.deadline_s
        body = bytearray()
        try:
            with self._http.stream(method, path, content=content, headers=dict(headers or {})) as response:
                # The timeouts of the library are for one read each; a reply that drips would last for ever.
                for piece in response.iter_bytes():
                    body += piece
                    if len(body) > REPLY_LIMIT:
                        raise NoReply(f"the reply is longer than {REPLY_LIMIT} bytes")
                    if time.monotonic() > deadline:
                        raise NoReply(f"the reply was not complete after {self.deadline_s:g} s")
                return Reply(response.status_code, response.headers, bytes(body))
        except httpx.TimeoutException as problem:
            raise NoReply(f"no reply within {self.deadline_s:g} s ({type(problem).__name__})") from None
        except httpx.HTTPError as problem:
            raise NoReply(f"{type(problem).__name__}: {problem}"[:300]) from None


def weigh(reply: Reply, *, digest: str) -> Outcome:
    """What a reply to a delivery means."""
    code = reply.status
    if code in (200, 201):
        # A portal or a wrong address answers 200 as well; only the service names the envelope.
        if reply.headers.get("etag", "") == f'"{digest}"':
            return Outcome("accepted", "", code)
        return Outcome("unknown", f"{code} without the digest of the envelope in ETag", code)
    if code in (429, 503):
        return Outcome("busy", _said(reply), code, _retry_after(reply.headers.get("retry-after")))
    if code in (409, 412):
        return Outcome("conflict", _said(reply), code)
    if 400 <= code < 500 and code != 408:
        return Outcome("refused", _said(reply), code)
    return Outcome("unknown", _said(reply), code)


def _said(reply: Reply) -> str:
    """Status and the words of a problem document, short enough for a screen."""
    if 300 <= reply.status < 400:
        return f"{reply.status}: a redirect, which is not followed"
    try:
        problem = json.loads(reply.body)
    except ValueError:
        problem = None
    words = problem.get("detail") or problem.get("title") if isinstance(problem, dict) else None
    return f"{reply.status}: {words}"[:500] if words else str(reply.status)


def _retry_after(value: str | None) -> float | None:
    """Seconds of a ``Retry-After``, given as a number or a date; None for anything else."""
    if value is None:
        return None
    if value.strip().isdecimal():
        return float(value.strip()[:9])
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    if moment.tzinfo is None:
        return None
    return max((moment - datetime.now(UTC)).total_seconds(), 0.0)
