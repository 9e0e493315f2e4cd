"""A real rules service for the tests: its own process and home, a caller, planted faults."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from dashboard.envelope.jws import CONTENT_TYPE, content_digest, sign
from dashboard.envelope.keyring import ensure_demo_keys
from dashboard.envelope.keys import SigningKey, load_token
from dashboard.envelope.model import Envelope
from dashboard.envelope.status import ServiceStatus
from tests.envelopes import home_settings
from tests.processes import ROOT, environment, free_port

HEAD = "/v1/policies/epidemic/head"
STATUS = "/v1/policies/epidemic/status"
ANSWER = "/v1/data/tianfu/policy/answer"

_SERVE = """
    import os, signal
    from dashboard.rules.run import run_rules_service
    from dashboard.settings import read_settings
    {planted}
    run_rules_service(read_settings(){argument})
"""


@dataclass
class Rules:
    """A running service and how to speak with it."""

    home: Path
    url: str
    token: str
    key: SigningKey
    process: subprocess.Popen[bytes]
    log: Path
    client: httpx.Client = field(repr=False)

    @property
    def file(self) -> Path:
        return self.home / "rules" / "rules.sqlite3"

    def put(self, body: bytes, *, prev: str | None, dry_run: bool = False, **headers: str) -> httpx.Response:
        """Offer a body under the head ``prev``; a header given as "" is left out."""
        condition = {"If-None-Match": "*"} if prev is None else {"If-Match": f'"{prev}"'}
        sent = {
            "Content-Type": CONTENT_TYPE,
            "Content-Digest": content_digest(body),
            **condition,
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        params = {"dryRun": "All"} if dry_run else {}
        sent = {name: value for name, value in sent.items() if value}
        return self.client.put(HEAD, content=body, headers=sent, params=params)

    def publish(self, made: Envelope) -> bytes:
        """Sign an envelope and have it accepted; its bytes."""
        body = sign(made, self.key)
        reply = self.put(body, prev=made.prev)
        assert reply.status_code == 201, reply.text
        return body

    def status(self) -> ServiceStatus:
        reply = self.client.get(STATUS)
        assert reply.status_code == 200, reply.text
        return ServiceStatus.model_validate_json(reply.content)

    def ask(self, **question: object) -> dict[str, Any]:
        """One decision."""
        reply = self.client.post(ANSWER, json={"input": question})
        assert reply.status_code == 200, reply.text
        result: dict[str, Any] = reply.json()["result"]
        return result

    def window(self) -> int | None:
        """``risk_area.window_days`` of the version that decides, as an answer gives it."""
        answer = self.ask(
            ask="area_level",
            new_cases_in_window=0,
            cumulative_cases=0,
            has_cluster=False,
            days_since_last_case=None,
        )
        days = answer.get("window_days")
        assert days is None or isinstance(days, int)
        return days

    def kill(self) -> None:
        self.process.kill()
        assert self.process.wait(30) == -signal.SIGKILL


@contextmanager
def running_rules(
    home: Path,
    *,
    key: SigningKey | None = None,
    planted: str = "",
    argument: str = "",
    timeout: float = 30,
    **env: str,
) -> Iterator[Rules]:
    """A service in ``home`` on a free port; stopped (this process only) at the end.

    Demo keys are made, unless ``key`` is given and ``env`` names its trust file and a token.

    ``planted`` is code that runs in the child before it serves, ``argument`` a further argument such as
    ``", decide=wrong"``.
    """
    settings = home_settings(home, **env)
    home.mkdir(parents=True, exist_ok=True)
    key = key or ensure_demo_keys(settings)
    port = free_port()
    # Both parts are indented alike before the one dedent.
    code = textwrap.dedent(_SERVE).format(planted=textwrap.dedent(planted), argument=argument)
    log = home / f"rules-{port}.log"
    command = ["-c", code] if planted or argument else ["-m", "dashboard.rules"]
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, *command],
            cwd=ROOT,
            env=environment(home, RULES_PORT=str(port), **env) | {"PYTHONPATH": str(ROOT)},
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    token = load_token(settings)
    client = httpx.Client(
        base_url=f"http://127.0.0.1:{port}", headers={"Authorization": f"Bearer {token}"}, timeout=timeout
    )
    try:
        _wait(process, client, log)
        yield Rules(home, str(client.base_url), token, key, process, log, client)
    finally:
        client.close()
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(5)


def _wait(process: subprocess.Popen[bytes], client: httpx.Client, log: Path) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            client.get("/health")
            return
        except httpx.TransportError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"the rules service did not start:\n{log.read_text()[-3000:]}") from None
            time.sleep(0.05)


def stop_politely(rules: Rules) -> int:
    """End the service as an operator would; its exit code."""
    os.kill(rules.process.pid, signal.SIGTERM)
    return rules.process.wait(30)


def problem(reply: httpx.Response) -> tuple[int, str]:
    """Status and code of a refusal, whose form is checked on the way."""
    assert reply.headers["Content-Type"] == "application/problem+json"
    content = json.loads(reply.content)
    assert content["status"] == reply.status_code
    assert content["type"] == f"urn:tianfu:rules:{content['code']}"
    assert content["detail"]
    assert content["title"]
    return reply.status_code, content["code"]
