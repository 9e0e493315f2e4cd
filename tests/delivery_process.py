"""Real processes of delivery for the tests: a service on a port of its own, a sender, a proxy with faults."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from dashboard.envelope.keyring import ensure_demo_keys
from dashboard.envelope.keys import load_token
from dashboard.envelope.status import ServiceStatus
from tests.envelopes import home_settings
from tests.processes import ROOT, environment, free_port


@dataclass
class Process:
    """A child that can be killed and started again; its output is kept in one log."""

    words: list[str]
    env: dict[str, str]
    log: Path
    process: subprocess.Popen[bytes] | None = None
    starts: int = 0

    def start(self) -> None:
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(
                [sys.executable, *self.words],
                cwd=ROOT,
                env=self.env | {"PYTHONPATH": str(ROOT)},
                stdout=out,
                stderr=subprocess.STDOUT,
            )
        self.starts += 1

    def kill(self) -> None:
        """End it without a chance to clean up."""
        assert self.process is not None
        self.process.kill()
        assert self.process.wait(10) == -signal.SIGKILL, self.text()

    def stop(self) -> int:
        """End it politely; its exit code."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.terminate()
        return self.process.wait(15)

    def pause(self) -> None:
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGSTOP)

    def resume(self) -> None:
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGCONT)

    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def text(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace") if self.log.exists() else ""

    def end(self) -> None:
        """However it ended: no child is left."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)


@dataclass
class Service(Process):
    """The packaged rules service on one port, which keeps it over restarts."""

    url: str = ""
    token: str = ""
    home: Path = field(default_factory=Path)
    client: httpx.Client = field(default_factory=httpx.Client, repr=False)

    def start(self, *, wait: bool = True) -> None:
        super().start()
        deadline = time.monotonic() + 30
        while wait:
            try:
                self.client.get("/health")
                return
            except httpx.TransportError:
                if not self.running() or time.monotonic() > deadline:
                    raise AssertionError(f"no rules service:\n{self.text()[-3000:]}") from None
                time.sleep(0.03)

    def status(self) -> ServiceStatus:
        return ServiceStatus.model_validate_json(self.get("/v1/policies/epidemic/status").content)

    def get(self, path: str) -> httpx.Response:
        reply = self.client.get(path)
        assert reply.status_code == 200, reply.text
        return reply

    def digest_of(self, seq: int) -> str:
        """The digest under which the service keeps envelope ``seq``."""
        return self.get(f"/v1/policies/epidemic/versions/{seq}").headers["ETag"].strip('"')

    def wipe(self) -> None:
        """Lose the file, as a lost disk does; the service must not run meanwhile."""
        assert not self.running()
        for file in (self.home / "rules").iterdir():
            file.unlink()


@contextmanager
def a_service(home: Path, *, code: str = "", **env: str) -> Iterator[Service]:
    """A rules service of ``home``, not started yet. ``code`` runs instead of the command line."""
    settings = home_settings(home)
    ensure_demo_keys(settings)
    port = free_port()
    words = ["-c", code] if code else ["-m", "dashboard.rules"]
    url, token = f"http://127.0.0.1:{port}", load_token(settings)
    client = httpx.Client(
        base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=10, trust_env=False
    )
    service = Service(
        words,
        environment(home, RULES_PORT=str(port), **env),
        home / f"rules-{port}.log",
        url=url,
        token=token,
        home=home,
        client=client,
    )
    try:
        yield service
    finally:
        service.end()
        client.close()


@contextmanager
def a_sender(home: Path, *, url: str, lease_s: int = 15, code: str = "") -> Iterator[Process]:
    """A sender of ``home`` that speaks with ``url``, not started yet."""
    words = ["-c", code] if code else ["-m", "dashboard.publishing", "--lease", str(lease_s)]
    log = home / f"sender-{free_port()}.log"
    process = Process(words, environment(home, TIANFU_RULES_URL=url), log)
    try:
        yield process
    finally:
        process.end()


_PROXY = """
import http.client, random, sys, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
port, target, rate, seed = int(sys.argv[1]), sys.argv[2], float(sys.argv[3]), int(sys.argv[4])
dice = random.Random(seed)
FAULTS = ["refuse", "lose", "half", "busy", "broken", "slow", "garbage"]

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True

    def pass_on(self):
        size = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(size)
        faulty = "/v1/policies/" in self.path and dice.random() < rate
        fault = dice.choice(FAULTS) if faulty else ""
        if fault == "refuse":
            return self.hang_up()
        if fault in ("busy", "broken"):
            return self.say(503 if fault == "busy" else 500, [("Retry-After", "1")], b"{}")
        if fault == "half":
            body = body[: len(body) // 2]
        upstream = http.client.HTTPConnection(target, timeout=30)
        try:
            upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                upstream.putheader(name, value)
            upstream.endheaders()
            upstream.send(body)
            if fault == "half":
                return self.hang_up()
            reply = upstream.getresponse()
            content = reply.read()
        except (OSError, http.client.HTTPException):
            return self.hang_up()
        finally:
            upstream.close()
        if fault == "lose":
            return self.hang_up()
        if fault == "garbage":
            self.wfile.write(b"no http at all")
            return self.hang_up()
        if fault == "slow":
            time.sleep(1.5)
        kept = [(n, v) for n, v in reply.getheaders() if n.lower() in ("etag", "content-type", "retry-after")]
        self.say(reply.status, kept, content)

    def say(self, status, headers, content):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def hang_up(self):
        self.close_connection = True

    do_GET = do_PUT = do_POST = pass_on

    def log_message(self, *args):
        pass

    def handle(self):
        try:
            super().handle()
        except OSError:
            pass

ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()
"""


@contextmanager
def a_proxy(home: Path, *, target: str, rate: float, seed: int = 1) -> Iterator[tuple[Process, str]]:
    """A proxy before ``target`` that spoils ``rate`` of the calls about policies, started; its address.

    It refuses, loses the reply, cuts the request in half, says 503 or 500, answers late or with garbage.
    """
    port = free_port()
    words = ["-c", _PROXY, str(port), target.removeprefix("http://"), str(rate), str(seed)]
    process = Process(words, dict(os.environ), home / f"proxy-{port}.log")
    process.start()
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 15
        while True:
            try:
                httpx.get(f"{url}/health", timeout=2, trust_env=False)
                break
            except httpx.ConnectError:
                assert time.monotonic() < deadline, process.text()
                time.sleep(0.03)
            except httpx.TransportError:
                break
        yield process, url
    finally:
        process.end()
