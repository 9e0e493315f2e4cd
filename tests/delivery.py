"""What the tests of delivery share: envelopes put into a store, a scripted HTTP server, a set clock."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from sqlalchemy import Connection, insert, select

from dashboard.clock import epoch_s
from dashboard.envelope.jws import digest, sign
from dashboard.envelope.keys import SigningKey
from dashboard.envelope.model import VersionEntry
from dashboard.policy.document import canonical_json
from dashboard.publishing.stand import POLICY_ID
from dashboard.store.policy_models import PolicyEnvelopeRow, PolicyOutboxRow
from tests.envelopes import entry, envelope


@dataclass
class SetClock:
    """A clock that stands still until it is moved."""

    now: datetime

    def __call__(self) -> datetime:
        return self.now

    def move(self, **by: float) -> datetime:
        self.now += timedelta(**by)
        return self.now


def issue(
    connection: Connection,
    key: SigningKey,
    *,
    at: datetime,
    entries: tuple[VersionEntry, ...] = (),
    prev: str | None = "",
    fresh_s: int = 7200,
) -> str:
    """Put the next envelope into the outbox, as publishing does; its digest. ``prev`` "": the newest."""
    newest = connection.execute(
        select(PolicyEnvelopeRow.seq, PolicyEnvelopeRow.digest)
        .order_by(PolicyEnvelopeRow.seq.desc())
        .limit(1)
    ).one_or_none()
    seq = newest.seq + 1 if newest else 1
    if prev == "":
        prev = newest.digest if newest else None
    at_s = epoch_s(at)
    # The service has a clock of its own, which no test moves.
    versions = entries or (entry(seq, start_s=min(at_s, int(time.time())) - 60),)
    body = sign(envelope(seq, *versions, prev=prev, at_s=at_s, fresh_s=fresh_s), key)
    brought = versions[-1]
    connection.execute(
        insert(PolicyEnvelopeRow).values(
            policy_id=POLICY_ID,
            seq=seq,
            kind="normal",
            version=brought.version,
            digest=digest(body),
            prev=prev,
            body=body,
            document=canonical_json(brought.thresholds),
            entries=[[v.version, v.effective_at_s, v.expires_at_s] for v in versions],
            issued_at=at,
            effective_at_s=brought.effective_at_s,
            expires_at_s=brought.expires_at_s,
        )
    )
    connection.execute(
        insert(PolicyOutboxRow).values(
            policy_id=POLICY_ID,
            seq=seq,
            state="waiting",
            attempts=0,
            created_at=at,
            next_try_at=at,
            last_error="",
        )
    )
    return digest(body)


@dataclass(frozen=True)
class Heard:
    """One request as a server got it."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Scripted:
    """A small HTTP server that answers what ``reply`` says and remembers what it heard."""

    reply: Callable[[Heard], tuple[int, dict[str, str], bytes] | None]
    heard: list[Heard] = field(default_factory=list)
    url: str = ""


@contextmanager
def scripted(reply: Callable[[Heard], tuple[int, dict[str, str], bytes] | None]) -> Iterator[Scripted]:
    """Serve ``reply`` on loopback; a reply of None closes the connection without a word."""
    script = Scripted(reply)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Head and body go out together: apart, each reply would wait 40 ms for a delayed acknowledgement.
        wbufsize = -1
        disable_nagle_algorithm = True

        def answer(self) -> None:
            size = int(self.headers.get("Content-Length") or 0)
            headers = {name.lower(): value for name, value in self.headers.items()}
            heard = Heard(self.command, self.path, headers, self.rfile.read(size))
            script.heard.append(heard)
            said = script.reply(heard)
            if said is None:
                self.close_connection = True
                return
            status, extra, body = said
            self.send_response(status)
            for name, value in ({"Content-Length": str(len(body))} | extra).items():
                self.send_header(name, value)
            self.end_headers()
            with suppress(OSError):  # who asked may have hung up
                self.wfile.write(body)
                self.wfile.flush()

        do_GET = do_PUT = do_POST = answer  # noqa: N815 - the names the library asks for

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    script.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield script
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def problem(status: int, detail: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    """A reply with a problem document."""
    body = json.dumps({"title": "x", "detail": detail, "status": status}).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return status, {"Content-Type": "application/problem+json"} | named, body


def wait_for(
    condition: Callable[[], object], *, within: float = 10, why: Callable[[], str] | None = None
) -> None:
    """Wait until ``condition`` holds, or fail with what ``why`` says then."""
    deadline = time.monotonic() + within
    while not condition():
        if time.monotonic() > deadline:
            said = why()[-3000:] if why else ""
            raise AssertionError(f"not within {within} s: {condition}\n{said}")
        time.sleep(0.02)
