"""Faults of delivery with a real rules service: what is lost, late, foreign, edited or wrong, one by one.

The sender's turns are made here, by a clock that is set, so that an hour passes in a second; killed senders
are in ``test_policy_delivery_kills.py``.
"""

from __future__ import annotations

import random
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from dashboard.clock import china_now, epoch_s
from dashboard.envelope.jws import digest, sign
from dashboard.envelope.keyring import ensure_demo_keys
from dashboard.envelope.keys import SigningKey
from dashboard.publishing.alerts import list_alerts
from dashboard.publishing.client import RulesClient
from dashboard.publishing.restore import NothingToSend, confirm_send
from dashboard.publishing.sender import STAND_BY_S, Sender
from dashboard.publishing.stand import POLICY_ID
from dashboard.publishing.standing import Standing, read_standing
from dashboard.store.engine import Database
from dashboard.store.policy_models import PolicyOutboxRow
from tests.delivery import Heard, SetClock, issue, problem, scripted
from tests.delivery_process import Service, a_service
from tests.envelopes import entry, envelope, home_settings


@dataclass
class Room:
    """One board's store, a sender that is turned by hand, the service it speaks with."""

    database: Database
    key: SigningKey
    clock: SetClock
    sender: Sender

    def issue(self, count: int = 1, **what: object) -> list[str]:
        with self.database.write() as connection:
            return [issue(connection, self.key, at=self.clock(), **what) for _ in range(count)]  # type: ignore[arg-type]

    def turns(self, count: int = 1, *, step_s: float = 0) -> None:
        for _ in range(count):
            self.sender.turn()
            self.clock.move(seconds=step_s)

    def poll(self) -> tuple[str, str]:
        """The verdict after one more poll."""
        self.clock.move(seconds=15)
        self.sender.turn()
        return self.verdict()

    def standing(self) -> Standing:
        with self.database.read() as connection:
            return read_standing(connection, POLICY_ID, self.clock())

    def verdict(self) -> tuple[str, str]:
        said = self.standing().judgement
        return said.verdict, said.reason

    def rows(self) -> list[PolicyOutboxRow]:
        with self.database.read() as connection:
            query = select(PolicyOutboxRow.__table__).order_by(PolicyOutboxRow.seq)
            return list(connection.execute(query))  # type: ignore[arg-type]

    def states(self) -> list[str]:
        return [row.state for row in self.rows()]

    def alerts(self) -> list[str]:
        with self.database.read() as connection:
            return sorted(alert.kind for alert in list_alerts(connection, POLICY_ID))

    def confirm(self) -> str:
        with self.database.write() as connection:
            return confirm_send(connection, POLICY_ID, actor="commander", at=self.clock())


@contextmanager
def a_room(
    home: Path, url: str, *, deadline_s: float = 5, token: str = "", clock: SetClock | None = None
) -> Iterator[Room]:
    settings = home_settings(home)
    key = ensure_demo_keys(settings)
    database = Database(settings)
    clock = clock or SetClock(china_now())
    client = RulesClient(url, token=token or read_token(home), policy_id=POLICY_ID, deadline_s=deadline_s)
    sender = Sender(database, client, POLICY_ID, clock=clock, dice=random.Random(7))
    try:
        yield Room(database, key, clock, sender)
    finally:
        client.close()
        database.close()


def read_token(home: Path) -> str:
    return (home / "rules-token").read_text().strip()


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with a_service(tmp_path) as made:
        made.start()
        yield made


@pytest.fixture
def room(tmp_path: Path, service: Service) -> Iterator[Room]:
    with a_room(tmp_path, service.url) as made:
        yield made


def test_published_accepted_active_verified_in_one_turn(room: Room, service: Service) -> None:
    assert room.verdict() == ("unknown", "nothing_issued")
    (name,) = room.issue()
    assert room.verdict() == ("unknown", "sender_silent")
    room.turns()
    assert room.verdict() == ("synced", "in_force")
    (row,) = room.rows()
    assert row.state == "accepted"
    assert row.accepted_at
    assert row.active_at
    assert row.verified_at
    accepted = service.status().accepted
    assert accepted
    assert accepted.digest == name
    # Three polls without a status and the verdict is unknown, whatever it was.
    room.clock.move(seconds=51)
    assert room.verdict() == ("unknown", "sender_silent")


def test_many_waiting_go_in_order(room: Room, service: Service) -> None:
    names = room.issue(5)
    room.turns(5)
    assert room.states() == ["accepted"] * 5
    assert [service.digest_of(seq) for seq in range(1, 6)] == names
    assert room.verdict() == ("synced", "in_force")


def test_a_partition_of_an_hour(tmp_path: Path) -> None:
    """Nothing is dropped, the order is kept, all is caught up within one poll, each alert is raised once."""
    with a_service(tmp_path) as service, a_room(tmp_path, service.url) as room:
        service.start()
        first = room.issue()
        room.turns()
        assert room.verdict() == ("synced", "in_force")
        service.kill()
        names: list[str] = []
        seen: list[tuple[str, str]] = []
        for second in range(0, 3600, 30):
            if second % 720 == 0:
                names += room.issue()
            room.turns(step_s=30)
            if not seen or seen[-1] != room.verdict():
                seen.append(room.verdict())
        assert len(names) == 5
        assert seen[-1] == ("unknown", "no_answer")
        assert room.alerts() == ["late_30min", "late_30s", "late_5min", "no_answer"]
        attempts = room.rows()[1].attempts
        assert 20 < attempts < 80, "often at first, then once in five minutes"
        assert [row.attempts for row in room.rows()[2:]] == [0, 0, 0, 0]
        service.start()
        room.clock.move(seconds=15)
        room.turns(2, step_s=0.2)
        assert room.states() == ["accepted"] * 6
        assert [service.digest_of(seq) for seq in range(1, 7)] == first + names
        assert room.verdict() == ("synced", "in_force")
        # The clock is one: the service did not live through that hour.
        assert room.alerts() == ["clock", "late_30min", "late_30s", "late_5min", "no_answer"]
        with room.database.read() as connection:
            going_on = [a.kind for a in list_alerts(connection, POLICY_ID) if a.ended_at is None]
        assert going_on == ["clock"]


def test_the_reply_is_lost_and_nothing_is_published_twice(tmp_path: Path) -> None:
    with a_service(tmp_path) as service:
        service.start()
        lost: list[str] = []

        def lose(heard: Heard) -> tuple[int, dict[str, str], bytes] | None:
            reply = pass_on(service, heard)
            if heard.method == "PUT" and len(lost) < 3:
                lost.append(str(reply[0]))
                return None
            return reply

        with scripted(lose) as proxy, a_room(tmp_path, proxy.url) as room:
            room.issue(2)
            room.turns(12, step_s=10)
            assert room.states() == ["accepted", "accepted"]
            puts = [heard for heard in proxy.heard if heard.method == "PUT"]
            # The service had it: the status said so, and it was not even sent again.
            assert lost == ["201", "201"]
            assert len(puts) == 2


def pass_on(service: Service, heard: Heard) -> tuple[int, dict[str, str], bytes]:
    headers = {k: v for k, v in heard.headers.items() if k not in ("host", "content-length", "connection")}
    reply = service.client.request(heard.method, heard.path, headers=headers, content=heard.body)
    kept = {k: v for k, v in reply.headers.items() if k in ("etag", "content-type", "retry-after")}
    return reply.status_code, kept, reply.content


def test_a_request_that_never_arrived_is_sent_again_with_the_same_bytes(tmp_path: Path) -> None:
    with a_service(tmp_path) as service:
        service.start()
        puts: list[bytes] = []

        def drop_first(heard: Heard) -> tuple[int, dict[str, str], bytes] | None:
            if heard.method == "PUT":
                puts.append(heard.body)
                if len(puts) < 3:
                    return None
            return pass_on(service, heard)

        with scripted(drop_first) as proxy, a_room(tmp_path, proxy.url) as room:
            (name,) = room.issue()
            room.turns(12, step_s=5)
            assert room.states() == ["accepted"]
            assert len(puts) == 3
            assert {digest(body) for body in puts} == {name}
            paths = [(heard.method, heard.path.rpartition("/")[2]) for heard in proxy.heard]
            assert paths[0] == ("PUT", "head")
            before = [paths[i - 1] for i, call in enumerate(paths) if call == ("PUT", "head") and i]
            assert before == [("GET", "status")] * 2, "the status is read before anything is sent again"


def test_a_service_that_answers_after_20_s_gets_one_version(tmp_path: Path) -> None:
    """Shortened twentyfold: the deadline is 0.3 s, the answer takes 1 s."""
    with a_service(tmp_path) as service:
        service.start()

        def slow(heard: Heard) -> tuple[int, dict[str, str], bytes]:
            reply = pass_on(service, heard)
            if heard.method == "PUT":
                time.sleep(1)
            return reply

        with scripted(slow) as proxy, a_room(tmp_path, proxy.url, deadline_s=0.3) as room:
            (name,) = room.issue()
            began = time.monotonic()
            room.sender.turn()
            assert time.monotonic() - began < 5
            room.turns(3, step_s=5)
            assert room.states() == ["accepted"]
            assert len([heard for heard in proxy.heard if heard.method == "PUT"]) == 1
            assert service.digest_of(1) == name


@pytest.mark.parametrize(("asked", "waits"), [("30", 30), ("86400", 300)])
def test_retry_after_is_honoured_up_to_five_minutes(tmp_path: Path, asked: str, waits: int) -> None:
    with a_service(tmp_path) as service:
        service.start()
        busy = [True]

        def reply(heard: Heard) -> tuple[int, dict[str, str], bytes]:
            if heard.method == "PUT" and busy[0]:
                return problem(503, "restarting", Retry_After=asked)
            return pass_on(service, heard)

        with scripted(reply) as proxy, a_room(tmp_path, proxy.url) as room:
            room.issue()
            sent = room.clock()
            room.turns()
            assert room.rows()[0].next_try_at == sent + timedelta(seconds=waits)
            assert "restarting" in room.rows()[0].last_error
            busy[0] = False
            # The service answers its status meanwhile, which is no reason to come back early.
            room.turns(5, step_s=(waits - 1) / 5)
            assert room.states() == ["waiting"]
            room.turns(3, step_s=1)
            assert room.states() == ["accepted"]


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(tmp_path: Path, status: int) -> None:
    with (
        a_service(tmp_path) as service,
        scripted(
            lambda _heard: (status, {"Location": f"{service.url}/v1/policies/epidemic/head"}, b"")
        ) as liar,
        a_room(tmp_path, liar.url) as room,
    ):
        service.start()
        room.issue()
        room.turns(4, step_s=20)
        assert room.states() == ["waiting"]
        assert "redirect" in room.rows()[0].last_error
        assert service.status().accepted is None


def test_a_foreign_head_is_shown_and_nothing_is_sent_over_it(room: Room, service: Service) -> None:
    """Somebody with a trusted key published from elsewhere."""
    (first,) = room.issue()
    room.turns()
    theirs = sign(envelope(2, entry(9, start_s=epoch_s(room.clock()) - 5), prev=first), room.key)
    client = room.sender.client
    assert client.put(theirs, digest=digest(theirs), head=first, seq=2).meaning == "accepted"
    assert room.poll() == ("foreign", "foreign_head")
    assert room.standing().judgement.values == {"seq": 2}
    room.issue()
    room.turns(3, step_s=20)
    assert room.states() == ["accepted", "foreign"]
    assert service.digest_of(2) == digest(theirs)
    assert room.rows()[1].attempts == 1
    assert room.alerts() == ["foreign_head", "late_30s"]
    # A person sends it again without the cause mended: it meets the same head and stops again.
    assert room.confirm() == "foreign"
    room.turns(2)
    assert room.states() == ["accepted", "foreign"]


def test_a_refusal_for_good_blocks_and_what_follows_is_not_sent(tmp_path: Path, service: Service) -> None:
    with a_room(tmp_path, service.url, token="another-token-of-20-characters") as room:
        room.issue(2)
        room.turns(5, step_s=20)
        assert room.states() == ["blocked", "blocked"]
        assert "401" in room.rows()[0].last_error or "403" in room.rows()[0].last_error
        assert room.rows()[0].attempts == 1
        assert service.status().accepted is None
    with a_room(tmp_path, service.url) as room:
        # The token is mended; nothing goes by itself, until a person says so.
        assert room.poll() == ("out_of_sync", "blocked")
        assert room.states() == ["blocked", "blocked"]
        assert room.alerts() == ["blocked", "no_answer"]
        assert room.confirm() == "blocked"
        room.turns(3)
        assert room.states() == ["accepted", "accepted"]
        assert room.verdict() == ("synced", "in_force")
        with pytest.raises(NothingToSend):
            room.confirm()


def test_a_wiped_service_is_found_and_sent_the_head_only_after_confirmation(
    room: Room, service: Service
) -> None:
    names = room.issue(3)
    room.turns(3)
    before = service.status().instance
    service.kill()
    service.wipe()
    service.start()
    assert service.status().instance != before
    for _ in range(3):
        assert room.poll() == ("out_of_sync", "wiped")
    assert service.status().accepted is None
    assert room.alerts() == ["wiped"]
    assert room.confirm() == "wiped"
    room.poll()
    accepted = service.status().accepted
    assert accepted
    assert (accepted.seq, accepted.digest) == (3, names[2])
    room.turns()
    assert room.verdict() == ("synced", "in_force")
    # The word was for that loss and no other.
    service.kill()
    service.wipe()
    service.start()
    assert room.poll() == ("out_of_sync", "wiped")
    assert room.poll() == ("out_of_sync", "wiped")


def test_a_wiped_service_gets_no_new_version_before_confirmation(room: Room, service: Service) -> None:
    room.issue(2)
    room.turns(2)
    service.kill()
    service.wipe()
    service.start()
    (third,) = room.issue()
    room.turns(4, step_s=20)
    assert room.states() == ["accepted", "accepted", "waiting"]
    assert service.status().accepted is None
    assert room.verdict() == ("out_of_sync", "wiped")
    room.confirm()
    room.turns(8, step_s=20)
    assert room.states() == ["accepted"] * 3
    assert service.digest_of(3) == third
    assert room.poll() == ("synced", "in_force")


def test_a_service_restored_from_an_old_backup_is_sent_what_it_lost_in_order(
    room: Room, service: Service
) -> None:
    names = room.issue(2)
    room.turns(2)
    service.kill()
    backup = {file.name: file.read_bytes() for file in (service.home / "rules").iterdir()}
    service.start()
    names += room.issue(2)
    room.turns(3)
    assert room.states() == ["accepted"] * 4
    service.kill()
    service.wipe()
    for name, content in backup.items():
        (service.home / "rules" / name).write_bytes(content)
    service.start()
    assert room.poll() == ("behind", "older_head")
    assert room.poll() == ("behind", "older_head")
    assert room.confirm() == "older_head"
    room.poll()
    assert [service.digest_of(seq) for seq in (1, 2, 3, 4)] == names
    room.turns()
    assert room.verdict() == ("synced", "in_force")


def test_a_head_edited_by_hand_is_shown_and_not_healed(room: Room, service: Service) -> None:
    room.issue(2)
    room.turns(2)
    service.stop()
    with sqlite3.connect(service.home / "rules" / "rules.sqlite3") as file:
        (body,) = file.execute("SELECT body FROM envelope WHERE seq = 2").fetchone()
        edited = body[:200] + (b"A" if body[200:201] != b"A" else b"B") + body[201:]
        file.execute("UPDATE envelope SET body = ? WHERE seq = 2", (edited,))
    file.close()
    service.start()
    for _ in range(3):
        verdict, _reason = room.poll()
        assert verdict == "foreign"
    with sqlite3.connect(service.home / "rules" / "rules.sqlite3") as file:
        assert file.execute("SELECT body FROM envelope WHERE seq = 2").fetchone() == (edited,)
    file.close()
    assert room.alerts() == ["foreign_head"]


WRONG = """
from dashboard.policy.decide import decide
from dashboard.rules.run import run_rules_service
from dashboard.settings import read_settings

def wrong(policy, question):
    answer = decide(policy, question)
    if answer.get("level") == "medium":
        return answer | {"level": "low"}
    return answer

run_rules_service(read_settings(), decide=wrong)
"""


def test_a_wrong_evaluator_with_the_right_revision_is_found_by_its_answers(tmp_path: Path) -> None:
    with a_service(tmp_path, code=WRONG) as service, a_room(tmp_path, service.url) as room:
        service.start()
        room.issue()
        room.turns()
        active = service.status().active
        assert active
        assert active.seq == 1
        assert room.verdict() == ("wrong_answers", "wrong")
        assert '"medium"' in str(room.standing().judgement.values["detail"])
        (row,) = room.rows()
        assert row.active_at
        assert row.verified_at is None
        assert room.alerts() == ["wrong"]


DRIFTED = """
from dashboard.rules.live import Live
from dashboard.rules.run import run_rules_service
from dashboard.settings import read_settings

honest = Live.payload.func
Live.payload = property(lambda live: honest(live).replace(b'"window_days":14', b'"window_days":7'))
run_rules_service(read_settings())
"""


def test_thresholds_changed_behind_the_signature_are_found(tmp_path: Path) -> None:
    with a_service(tmp_path, code=DRIFTED) as service, a_room(tmp_path, service.url) as room:
        service.start()
        room.issue()
        room.turns()
        assert room.verdict() == ("foreign", "edited")
        assert "window_days: 7 instead of 14" in str(room.standing().judgement.values["detail"])


@pytest.mark.parametrize("offset", [600, -600])
def test_a_clock_that_is_off_is_shown(tmp_path: Path, offset: int) -> None:
    with (
        a_service(tmp_path, TIANFU_RULES_CLOCK_OFFSET_S=str(offset)) as service,
        a_room(tmp_path, service.url) as room,
    ):
        service.start()
        now = epoch_s(room.clock())
        room.issue(entries=(entry(1, start_s=now - 3600),))
        room.turns()
        assert room.verdict() == ("synced", "in_force")
        skew = room.standing().judgement.skew_s
        assert skew is not None
        assert abs(skew - offset) <= 30
        assert room.alerts() == ["clock"]


def test_a_schedule_switches_with_no_sender_and_is_seen_afterwards(tmp_path: Path) -> None:
    with a_service(tmp_path) as service, a_room(tmp_path, service.url) as room:
        service.start()
        now = epoch_s(room.clock())
        room.issue(entries=(entry(1, start_s=now - 60),))
        room.issue(entries=(entry(1, start_s=now - 60), entry(2, start_s=now + 7200)))
        room.turns()
        assert room.verdict() == ("pending", "scheduled")
        row = room.rows()[1]
        assert (row.state, row.active_at) == ("accepted", None)
        # Nobody polls for two hours; the service has a clock of its own.
        service.stop()
        service.env["TIANFU_RULES_CLOCK_OFFSET_S"] = "7230"
        service.start()
        active = service.status().active
        assert active
        assert active.version == 2
        room.clock.move(seconds=7230)
        assert room.verdict() == ("unknown", "sender_silent")
        room.turns()
        row = room.rows()[1]
        assert row.active_at
        assert row.verified_at
        # It outlived the two hours it calls itself fresh; with a key at hand the sender renews it.
        assert room.verdict() == ("behind", "stale")


def test_a_dead_service_is_unknown_after_three_polls_and_known_again_after_one(
    room: Room, service: Service
) -> None:
    room.issue()
    room.turns()
    service.kill()
    assert [room.poll() for _ in range(4)] == [
        ("synced", "in_force"),
        ("synced", "in_force"),
        ("unknown", "no_answer"),
        ("unknown", "no_answer"),
    ]
    service.start()
    assert room.poll() == ("synced", "in_force")


def test_health_alone_never_makes_synced(tmp_path: Path) -> None:
    def healthy(heard: Heard) -> tuple[int, dict[str, str], bytes]:
        return (200, {}, b'{"alive":true}') if heard.path == "/health" else (200, {}, b"{}")

    with scripted(healthy) as server, a_room_with_keys(tmp_path, server.url) as room:
        room.issue()
        for _ in range(4):
            room.poll()
        assert room.verdict() == ("unknown", "no_answer")
        assert room.states() == ["waiting"]


@contextmanager
def a_room_with_keys(home: Path, url: str) -> Iterator[Room]:
    ensure_demo_keys(home_settings(home))
    with a_room(home, url) as room:
        yield room


def test_two_senders_never_both_send(tmp_path: Path, service: Service) -> None:
    clock = SetClock(china_now())
    with (
        a_room(tmp_path, service.url, clock=clock) as one,
        a_room(tmp_path, service.url, clock=clock) as two,
    ):
        one.issue(4)
        for _ in range(4):
            one.sender.turn()
            two.sender.turn()
        assert one.states() == ["accepted"] * 4
        assert [row.attempts for row in one.rows()] == [1] * 4
        # The first one dies; the second waits the lease out and goes on.
        one.issue(1)
        two.sender.turn()
        assert one.states()[-1] == "waiting"
        clock.move(seconds=15.1)
        two.sender.turn()
        assert one.states()[-1] == "accepted"
        # The first one comes back from its pause: it has lost, writes nothing, and says so.
        one.issue(1)
        assert one.sender.turn() == STAND_BY_S
        assert one.states()[-1] == "waiting"
        two.sender.turn()
        assert one.states()[-1] == "accepted"
        assert {row.attempts for row in one.rows()} == {1}
