"""The rules service as a real process that is killed, cut off, filled up, lied to and edited by hand."""

from __future__ import annotations

import base64
import hmac
import json
import random
import shutil
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from dashboard.envelope.errors import EnvelopeError
from dashboard.envelope.jws import CONTENT_TYPE, content_digest, digest, open_envelope, sign
from dashboard.envelope.keyring import ensure_demo_keys, prepare_key, rotate_key
from dashboard.envelope.keys import Trust, load_trust
from dashboard.envelope.model import Envelope, VersionEntry
from dashboard.errors import StorageError
from dashboard.policy.decide import decide
from dashboard.rules.head import KEPT, HeadFile
from dashboard.rules.service import RulesService
from dashboard.rules.trustfile import TrustFile
from tests.envelopes import entry, envelope, home_settings, policy_at
from tests.processes import ROOT, environment, free_port
from tests.rules_process import HEAD, STATUS, problem, running_rules, stop_politely

SHORTER = {"window_days": 7, "clear_days_high": 7, "clear_days_medium": 7}


def now_s() -> int:
    return int(time.time())


def held(version: int, **more: int) -> VersionEntry:
    """A version in force for an hour already."""
    return entry(version, start_s=now_s() - 3600, **more)


def first() -> Envelope:
    return envelope(1, held(1), at_s=now_s())


def after(body: bytes, seq: int, *entries: VersionEntry) -> Envelope:
    return envelope(seq, *(entries or (held(seq),)), prev=digest(body), at_s=now_s())


def wait_until(true: Callable[[], bool], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


KILL = """
    from dashboard.rules.head import KEPT, HeadFile
    plain = HeadFile.append
    def append(self, **words):
        if words["seq"] < 2:
            return plain(self, **words)
        if {before}:
            self._connection.set_trace_callback(
                lambda sql: sql == "COMMIT" and os.kill(os.getpid(), signal.SIGKILL)
            )
        plain(self, **words)
        os.kill(os.getpid(), signal.SIGKILL)
    HeadFile.append = append
"""


@pytest.mark.parametrize("before", [True, False], ids=["before the commit", "after it, before the reply"])
def test_killed_around_its_commit(tmp_path: Path, before: bool) -> None:
    with running_rules(tmp_path, planted=KILL.format(before=before)) as rules:
        one = rules.publish(first())
        two = sign(after(one, 2, held(2, **SHORTER)), rules.key)
        with pytest.raises(httpx.TransportError):
            rules.put(two, prev=digest(one))
        assert rules.process.wait(30) == -9
    with running_rules(tmp_path) as rules:
        status = rules.status()
        assert status.last_error is None
        assert status.accepted.digest == status.active.digest == digest(one if before else two)
        assert rules.window() == (14 if before else 7)
        # The sender does not know what happened and sends the same bytes again.
        assert rules.put(two, prev=digest(one)).status_code == (201 if before else 200)
        assert rules.window() == 7
        assert rules.client.get("/v1/policies/epidemic/versions/2").content == two


@pytest.mark.parametrize("kills", [6, pytest.param(60, marks=pytest.mark.soak)])
def test_killed_at_any_moment_it_holds_exactly_what_it_confirmed_or_one_more(
    tmp_path: Path, kills: int
) -> None:
    settings = home_settings(tmp_path)
    key = ensure_demo_keys(settings)
    moments = random.Random(20210111)
    bodies: list[bytes] = []
    confirmed = 0
    for _ in range(kills):
        with running_rules(tmp_path) as rules:
            status = rules.status()
            assert status.last_error is None
            stored = status.accepted.seq if status.accepted else 0
            assert confirmed <= stored <= len(bodies)
            if stored:
                assert status.accepted.digest == status.active.digest == digest(bodies[stored - 1])
            killer = threading.Timer(moments.uniform(0.0, 0.25), rules.process.kill)
            killer.start()
            try:
                for seq in range(stored + 1, stored + 500):
                    if seq > len(bodies):
                        made = after(bodies[-1], seq) if bodies else first()
                        bodies.append(sign(made, key))
                    reply = rules.put(bodies[seq - 1], prev=digest(bodies[seq - 2]) if seq > 1 else None)
                    assert reply.status_code == 201, reply.text
                    confirmed = seq
            except httpx.TransportError:
                killer.join()
                rules.process.wait(30)
    with running_rules(tmp_path) as rules:
        for seq in range(max(1, confirmed - KEPT + 1), confirmed + 1):
            assert rules.client.get(f"/v1/policies/epidemic/versions/{seq}").content == bodies[seq - 1]
    assert confirmed >= kills, "the kills came too early to prove anything"


def test_the_reply_is_lost(tmp_path: Path) -> None:
    with running_rules(tmp_path) as rules:
        body = sign(first(), rules.key)
        request = (
            f"PUT {HEAD} HTTP/1.1\r\nHost: rules\r\nAuthorization: Bearer {rules.token}\r\n"
            f"Content-Type: {CONTENT_TYPE}\r\nContent-Digest: {content_digest(body)}\r\n"
            f"If-None-Match: *\r\nContent-Length: {len(body)}\r\n\r\n"
        ).encode()
        address = ("127.0.0.1", urlsplit(rules.url).port)
        # Half a body: the caller is gone before there is anything to store.
        with socket.create_connection(address) as caller:
            caller.sendall(request + body[: len(body) // 2])
        with socket.create_connection(address) as caller:
            caller.sendall(request + body)
            caller.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
            wait_until(lambda: rules.status().accepted is not None)
        assert rules.put(body, prev=None).status_code == 200
        status = rules.status()
        assert (status.accepted.seq, status.active.digest) == (1, digest(body))
        rows = sqlite3.connect(rules.file).execute("SELECT count(*) FROM envelope").fetchone()
        assert rows == (1,)


def test_a_body_that_never_comes_is_given_up(tmp_path: Path) -> None:
    planted = """
        import dashboard.rules.app
        dashboard.rules.app._BODY_SECONDS = 0.3
    """
    with running_rules(tmp_path, planted=planted) as rules:
        with socket.create_connection(("127.0.0.1", urlsplit(rules.url).port)) as caller:
            caller.sendall(
                f"PUT {HEAD} HTTP/1.1\r\nHost: rules\r\nAuthorization: Bearer {rules.token}\r\n"
                "Content-Length: 100\r\n\r\nabc".encode()
            )
            caller.settimeout(30)
            assert caller.recv(100).startswith(b"HTTP/1.1 408 ")
        assert rules.publish(first())


FULL = """
    import resource
    resource.setrlimit(resource.RLIMIT_FSIZE, (120_000, 120_000))
"""


def test_a_full_disk_refuses_and_changes_nothing(tmp_path: Path) -> None:
    """The kernel refuses to let files grow, which fails the same calls as a full disk, without a mount."""
    with running_rules(tmp_path, planted=FULL) as rules:
        bodies = [rules.publish(first())]
        while True:
            assert len(bodies) < 50, "the disk was never full"
            body = sign(after(bodies[-1], len(bodies) + 1), rules.key)
            reply = rules.put(body, prev=digest(bodies[-1]))
            if reply.status_code != 201:
                break
            bodies.append(body)
        for _ in range(3):
            reply = rules.put(body, prev=digest(bodies[-1]))
            assert problem(reply) == (503, "storage")
            assert int(reply.headers["Retry-After"]) > 0
            status = rules.status()
            assert status.accepted.digest == status.active.digest == digest(bodies[-1])
            assert status.last_error.code == "storage"
        assert rules.window() == 14
        rules.kill()
    with running_rules(tmp_path) as rules:
        assert rules.status().accepted.digest == digest(bodies[-1])
        assert rules.put(body, prev=digest(bodies[-1])).status_code == 201
        assert rules.status().last_error is None


def encode(content: dict[str, str]) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()


def test_no_forged_body_gets_past_the_signature_and_the_last_good_one_decides(tmp_path: Path) -> None:
    with running_rules(tmp_path) as rules:
        one = rules.publish(first())
        two = sign(after(one, 2, held(2, **SHORTER)), rules.key)
        _head, payload, signature = two.decode().split(".")
        names = {"alg": "ES256", "typ": "tianfu-policy+jws", "kid": rules.key.kid}
        mac_part = f"{encode(names | {'alg': 'HS256'})}.{payload}"
        mac = hmac.digest(rules.key.key.as_pem(private=False), mac_part.encode(), "sha256")
        mac_text = base64.urlsafe_b64encode(mac).rstrip(b"=").decode()
        forged = {
            f"{encode(names | {'alg': 'none'})}.{payload}.{signature}": (403, "wrong_alg"),
            f"{encode(names | {'alg': 'none'})}.{payload}.": (400, "form"),
            f"{mac_part}.{mac_text}": (403, "wrong_alg"),
            f"{encode(names | {'kid': 'another'})}.{payload}.{signature}": (403, "unknown_kid"),
            f"{encode(names | {'typ': 'JWT'})}.{payload}.{signature}": (415, "wrong_typ"),
            f"{encode(names | {'cty': 'x'})}.{payload}.{signature}": (400, "form"),
        }
        for text, expected in forged.items():
            assert problem(rules.put(text.encode(), prev=digest(one))) == expected
            assert rules.status().last_error.code == expected[1]
        flips = random.Random(8)
        for _ in range(60):
            damaged = bytearray(two)
            damaged[flips.randrange(len(two))] ^= 1 << flips.randrange(8)
            # On the way (the digest is of the true bytes), and by one who also mended the digest.
            assert (
                rules.put(bytes(damaged), prev=digest(one), Content_Digest=content_digest(two)).status_code
                == 400
            )
            assert rules.put(bytes(damaged), prev=digest(one)).status_code in (400, 403, 415)
        status = rules.status()
        assert status.accepted.digest == status.active.digest == digest(one)
        assert rules.window() == 14
        assert rules.put(two, prev=digest(one)).status_code == 201
        assert problem(rules.put(one, prev=digest(two))) == (409, "replayed")
        assert rules.window() == 7


def test_a_rotation_of_keys_needs_no_restart(tmp_path: Path) -> None:
    settings = home_settings(tmp_path)
    with running_rules(tmp_path) as rules:
        old, one = rules.key, rules.publish(first())
        new = prepare_key(settings)
        two = sign(after(one, 2), old)
        assert rules.put(two, prev=digest(one)).status_code == 201, "prepared: the old key still signs"
        assert rotate_key(settings, now_s=now_s(), overlap_s=3600).kid == new.kid
        three = sign(after(two, 3), new)
        assert rules.put(three, prev=digest(two)).status_code == 201
        four = sign(after(three, 4), old)
        assert rules.put(four, prev=digest(three)).status_code == 201, "both are trusted while they overlap"
    with running_rules(tmp_path, TIANFU_RULES_CLOCK_OFFSET_S="3700") as rules:
        status = rules.status()
        assert (status.active.digest, status.last_error) == (digest(four), None)
        assert problem(rules.put(sign(after(four, 5), old), prev=digest(four))) == (403, "unknown_kid")
        assert rules.put(sign(after(four, 5), new), prev=digest(four)).status_code == 201


@pytest.mark.parametrize("offset", [600, -600])
def test_a_wrong_clock_is_in_the_status(tmp_path: Path, offset: int) -> None:
    soon = entry(2, start_s=now_s() + 300, **SHORTER)
    with running_rules(tmp_path, TIANFU_RULES_CLOCK_OFFSET_S=str(offset)) as rules:
        rules.publish(envelope(1, held(1), soon, at_s=now_s()))
        status = rules.status()
        assert abs(status.clock_s - now_s() - offset) <= 2
        # It decides by its own clock, whatever that says; the board sees the difference.
        assert (status.active.version, rules.window()) == ((2, 7) if offset > 0 else (1, 14))


def test_a_schedule_and_an_emergency_need_nobody(tmp_path: Path) -> None:
    """Nothing but the service runs; it is even killed in between."""
    with running_rules(tmp_path) as rules:
        start = now_s() + 3
        end = start + 5
        rules.publish(
            envelope(
                1, held(1), entry(2, start_s=start, end_s=end, **SHORTER), kind="emergency", at_s=now_s()
            )
        )
        waiting = rules.status()
        if waiting.clock_s < start:
            assert (waiting.active.version, waiting.pending[0].version) == (1, 2)
        wait_until(lambda: rules.window() == 7)
        assert now_s() >= start, "not a second too early"
        status = rules.status()
        assert (status.active.version, status.active.since_s, status.active.expires_at_s) == (2, start, end)
        assert status.clock_s >= start
        rules.kill()
    time.sleep(max(0.0, end - time.time()))
    with running_rules(tmp_path) as rules:
        assert (rules.window(), rules.status().active.version) == (14, 1)
        assert rules.status().active.since_s == end


def test_a_wiped_service_is_another_instance_and_decides_nothing(tmp_path: Path) -> None:
    with running_rules(tmp_path) as rules:
        one = rules.publish(first())
        two = rules.publish(after(one, 2))
        before = rules.status().instance
        assert stop_politely(rules) == 0
    shutil.rmtree(tmp_path / "rules")
    with running_rules(tmp_path) as rules:
        status = rules.status()
        assert status.instance != before
        assert (status.accepted, status.active) == (None, None)
        assert rules.window() is None
        assert problem(rules.put(two, prev=digest(one))) == (412, "not_head")
        assert rules.put(two, prev=None).status_code == 201, "sent again by somebody who means it"
        assert rules.window() == 14


def test_a_file_removed_under_the_service_takes_nothing_more(tmp_path: Path) -> None:
    with running_rules(tmp_path) as rules:
        one = rules.publish(first())
        rules.file.unlink()
        status = rules.status()
        assert (status.accepted, status.active.digest) == (None, digest(one))
        assert status.last_error.code == "head_damaged"
        two = sign(after(one, 2), rules.key)
        assert problem(rules.put(two, prev=digest(one))) == (503, "storage")
        assert rules.window() == 14


def test_a_head_edited_by_hand_is_shown_and_not_healed(tmp_path: Path) -> None:
    with running_rules(tmp_path) as rules:
        one = rules.publish(first())
        two = rules.publish(after(one, 2))
        forged = two[:-4] + b"AAAA"
        with sqlite3.connect(rules.file) as connection:
            connection.execute(
                "UPDATE envelope SET body = ?, digest = ? WHERE seq = 2", (forged, digest(forged))
            )
            connection.execute("UPDATE head SET digest = ?", (digest(forged),))
        connection.close()
        status = rules.status()
        assert (status.accepted.digest, status.active.digest) == (digest(forged), digest(two))
        assert status.last_error.code == "head_damaged"
        rules.kill()
    for _ in range(2):
        with running_rules(tmp_path) as rules:
            status = rules.status()
            assert (status.accepted.digest, status.active.digest) == (digest(forged), digest(one))
            assert status.last_error.code == "head_damaged"
    with running_rules(tmp_path) as rules:
        assert rules.put(two, prev=digest(forged)).status_code == 201
        status = rules.status()
        assert (status.accepted.digest, status.active.digest, status.last_error) == (
            digest(two),
            digest(two),
            None,
        )


@pytest.mark.parametrize("flips", [150, pytest.param(3000, marks=pytest.mark.soak)])
def test_a_flipped_bit_anywhere_in_the_file_never_decides(tmp_path: Path, flips: int) -> None:
    """The service opens, or says that it cannot; whatever it decides by was signed and accepted."""
    settings = home_settings(tmp_path)
    key = ensure_demo_keys(settings)
    trust_path = tmp_path / "keys" / "policy-trust.json"
    file = HeadFile(tmp_path / "rules")
    bodies = [sign(first(), key)]
    bodies += [sign(after(bodies[0], 2, held(2, **SHORTER)), key)]
    for seq, body in enumerate(bodies, 1):
        file.append(seq=seq, body=body, accepted_at_s=now_s(), label="")
    file.close()
    good = {digest(body) for body in bodies}
    whole = file.path.read_bytes()
    chance = random.Random(57)
    told = 0
    for _ in range(flips):
        damaged = bytearray(whole)
        damaged[chance.randrange(len(whole))] ^= 1 << chance.randrange(8)
        file.path.write_bytes(damaged)
        try:
            service = RulesService(folder=file.path.parent, trust=TrustFile(trust_path), decide=decide)
        except StorageError:
            told += 1
            continue
        status = service.status()
        service.close()
        if status.active is None or status.active.digest != digest(bodies[1]):
            assert status.last_error is not None or status.accepted.digest == status.active.digest
            told += 1
        assert status.active is None or status.active.digest in good
    assert told > flips // 4, "the flips hit nothing"


WRONG = """
    from dashboard.policy.decide import decide
    def wrong(policy, question):
        answer = decide(policy, question)
        return {**answer, "level": "low"} if "level" in answer else answer
"""


def test_a_wrong_evaluator_is_seen_only_by_asking(tmp_path: Path) -> None:
    question = {
        "ask": "area_level",
        "new_cases_in_window": 3,
        "cumulative_cases": 3,
        "has_cluster": False,
        "days_since_last_case": 1,
    }
    with running_rules(tmp_path, planted=WRONG, argument=", decide=wrong") as rules:
        body = rules.publish(first())
        status = rules.status()
        assert status.accepted.digest == status.active.digest == digest(body)
        assert status.last_error is None
        true = decide(policy_at(1), question)
        assert true["level"] == "medium"
        assert rules.ask(**question) == true | {"level": "low"}
        assert rules.status().active.version == rules.ask(**question)["version"]


def test_a_second_service_on_the_same_file_ends_with_a_sentence(tmp_path: Path) -> None:
    with running_rules(tmp_path) as rules:
        one = rules.publish(first())
        done = subprocess.run(
            [sys.executable, "-m", "dashboard.cli.main", "rules-service"],
            cwd=ROOT,
            env=environment(tmp_path, RULES_PORT=str(free_port())),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == StorageError.exit_code
        assert "Another rules service holds" in done.stderr
        assert "Traceback" not in done.stderr
        assert rules.publish(after(one, 2))


def test_a_port_that_is_taken_and_a_home_without_keys_end_with_a_sentence(tmp_path: Path) -> None:
    def start(home: Path, port: int) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "dashboard.rules"],
            cwd=ROOT,
            env=environment(home, RULES_PORT=str(port)),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 10
        assert "Traceback" not in done.stderr
        return done.stderr

    assert "There is no token of the rules service" in start(tmp_path / "empty", free_port())
    ensure_demo_keys(home_settings(tmp_path))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert f"Port {port} on 127.0.0.1 cannot be used" in start(tmp_path, port)


def test_of_many_that_publish_at_once_one_becomes_the_head(tmp_path: Path) -> None:
    with running_rules(tmp_path) as rules:
        one = rules.publish(first())
        rivals = [sign(after(one, 2, held(2, window_days=14)), rules.key) for _ in range(6)]

        def send(body: bytes) -> int:
            headers = {
                "Authorization": f"Bearer {rules.token}",
                "Content-Type": CONTENT_TYPE,
                "Content-Digest": content_digest(body),
                "If-Match": f'"{digest(one)}"',
            }
            return httpx.put(rules.url + HEAD, content=body, headers=headers, timeout=60).status_code

        with ThreadPoolExecutor(6) as pool:
            replies = list(pool.map(send, rivals))
        assert sorted(replies) == [201, 409, 409, 409, 409, 409]
        assert rules.status().accepted.digest == digest(rivals[replies.index(201)])


def test_more_publications_than_it_takes_at_once_are_asked_to_come_again(tmp_path: Path) -> None:
    planted = """
        import dashboard.rules.app
        dashboard.rules.app._MOST_AT_ONCE = 1
        dashboard.rules.app._BODY_SECONDS = 120
    """
    with running_rules(tmp_path, planted=planted) as rules:
        body = sign(first(), rules.key)
        with socket.create_connection(("127.0.0.1", urlsplit(rules.url).port)) as slow:
            slow.sendall(
                f"PUT {HEAD} HTTP/1.1\r\nHost: rules\r\nAuthorization: Bearer {rules.token}\r\n"
                "Content-Length: 100\r\n\r\nabc".encode()
            )
            wait_until(lambda: rules.put(body, prev=None, dry_run=True).status_code == 429)
            reply = rules.put(body, prev=None)
            assert problem(reply) == (429, "busy")
            assert reply.headers["Retry-After"] == "1"
            # Neither status nor decisions wait for publications.
            assert rules.client.get(STATUS).status_code == 200
            assert rules.window() is None
        wait_until(lambda: rules.put(body, prev=None).status_code in (200, 201))


def test_what_it_holds_opens_with_the_published_keys_alone(tmp_path: Path) -> None:
    """Another program with the trust file checks the stored envelope by itself."""
    with running_rules(tmp_path) as rules:
        rules.publish(first())
        stored = rules.client.get("/v1/policies/epidemic/versions/1").content
    trust = load_trust(home_settings(tmp_path))
    assert open_envelope(stored, trust, now_s=now_s()).seq == 1
    with pytest.raises(EnvelopeError):
        open_envelope(stored, Trust(()), now_s=now_s())


def test_it_stops_when_told_to(tmp_path: Path) -> None:
    with running_rules(tmp_path) as rules:
        rules.publish(first())
        began = time.monotonic()
        assert stop_politely(rules) == 0
        assert time.monotonic() - began < 15
        assert "Traceback" not in rules.log.read_text()
