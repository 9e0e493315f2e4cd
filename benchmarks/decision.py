"""One decision of the rules service beside an empty endpoint of the same server, over one connection.

    python -m benchmarks.decision

Both are POST calls with the same body and token to the same process, asked in turn. What is told is the time
a caller waits, so it includes the server, the loopback and the caller's own work.
"""

from __future__ import annotations

import http.client
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from benchmarks.home import environment, free_port, started, wait_for
from dashboard.envelope.jws import CONTENT_TYPE, content_digest, sign
from dashboard.envelope.keyring import ensure_demo_keys
from dashboard.envelope.keys import load_token, trust_path
from dashboard.envelope.model import Envelope, VersionEntry, write_stamp
from dashboard.policy.decide import decide
from dashboard.policy.store import load_baseline
from dashboard.rules.app import create_app
from dashboard.rules.run import listen, serve
from dashboard.rules.service import RulesService
from dashboard.rules.trustfile import TrustFile
from dashboard.settings import read_settings

ANSWER = "/v1/data/tianfu/policy/answer"
EMPTY = "/empty"
QUESTIONS: dict[str, dict[str, object]] = {
    "area_level": {
        "ask": "area_level",
        "new_cases_in_window": 3,
        "cumulative_cases": 12,
        "has_cluster": False,
        "days_since_last_case": 2,
    },
    "code": {"ask": "code", "reason_code": "close_contact", "hours_since_start": 100, "negative_tests": 1},
    "test": {"ask": "test", "category": "hospital", "hours_since_sampled": 30},
    "venue": {
        "ask": "venue",
        "category": "hospital",
        "scans_in_hour": 90,
        "silent_hours": 0,
        "red_scan": False,
    },
}
_WARM, _EACH = 200, 1000


@dataclass(frozen=True)
class Decision:
    """Milliseconds of the median call: each kind of question, and the empty endpoint asked with it."""

    kinds: dict[str, tuple[float, float]]

    @property
    def slowest(self) -> str:
        return max(self.kinds, key=lambda kind: self.kinds[kind][0])


def measure_decision(home: Path) -> Decision:
    """Start a service in ``home``, publish the baseline, ask every kind of question."""
    settings = read_settings({"TIANFU_HOME": str(home)})
    key = ensure_demo_keys(settings)
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.decision", "--serve"]
    env = environment(home, RULES_PORT=str(port))
    with started(command, env, home / "decision.log") as process:
        wait_for(f"http://127.0.0.1:{port}/health", process)
        caller = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        headers = {"Authorization": f"Bearer {load_token(settings)}"}
        body = sign(_baseline(), key)
        told = headers | {
            "Content-Type": CONTENT_TYPE,
            "Content-Digest": content_digest(body),
            "If-None-Match": "*",
        }
        caller.request("PUT", "/v1/policies/epidemic/head", body, told)
        reply = caller.getresponse()
        reply.read()
        if reply.status != 201:
            raise RuntimeError(f"the baseline was answered with {reply.status}")
        return Decision({kind: _measure(caller, headers, asked) for kind, asked in QUESTIONS.items()})


def lines(found: Decision) -> Iterator[str]:
    """One line for each kind of question."""
    yield "rules service, loopback, milliseconds of the median call: decision, empty endpoint, ratio"
    for kind, (decision, empty) in found.kinds.items():
        yield f"  {kind:20}{decision:>8.3f} {empty:>8.3f} {decision / empty:>8.2f}"


def _measure(
    caller: http.client.HTTPConnection, headers: dict[str, str], asked: dict[str, object]
) -> tuple[float, float]:
    body = json.dumps({"input": asked}).encode()
    told = headers | {"Content-Type": "application/json"}
    times: dict[str, list[float]] = {ANSWER: [], EMPTY: []}
    for turn in range(_WARM + _EACH):
        for path, spent in times.items():
            began = time.perf_counter()
            caller.request("POST", path, body, told)
            reply = caller.getresponse()
            content = reply.read()
            took = time.perf_counter() - began
            if reply.status != 200 or (path == ANSWER and b'"version":1' not in content):
                raise RuntimeError(f"{path} was answered with {reply.status}: {content[:200]!r}")
            if turn >= _WARM:
                spent.append(took * 1e3)
    return median(times[ANSWER]), median(times[EMPTY])


def _baseline() -> Envelope:
    now_s, policy = int(time.time()), load_baseline()
    return Envelope(
        policy_id="epidemic",
        seq=1,
        revision="epidemic:1",
        prev=None,
        kind="normal",
        issued_at=write_stamp(now_s),
        fresh_until_s=now_s + 7200,
        versions=(VersionEntry(version=policy.version, effective_at_s=now_s - 1, thresholds=policy),),
    )


def _serve() -> None:
    """The service as it is, with one more endpoint that reads its body and answers nothing."""
    settings = read_settings()
    service = RulesService(
        folder=settings.home / "rules", trust=TrustFile(trust_path(settings)), decide=decide
    )
    app = create_app(service, token=load_token(settings))

    async def empty(request: Request) -> Response:
        await request.body()
        return Response(b"{}", media_type="application/json")

    # At the same place in the list of routes: the first is looked at first.
    app.router.routes.insert(0, Route(EMPTY, empty, methods=["POST"]))
    serve(app, listen(settings))


def main(words: list[str]) -> None:
    if "--serve" in words:
        _serve()
        return
    with tempfile.TemporaryDirectory(prefix="tianfu-bench-") as folder:
        print("\n".join(lines(measure_decision(Path(folder)))))


if __name__ == "__main__":
    main(sys.argv[1:])
