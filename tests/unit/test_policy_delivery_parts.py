"""The parts of delivery one by one: pauses, lease, order, meaning of replies, golden cases, alerts."""

from __future__ import annotations

import json
import random
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, select

from dashboard.envelope.jws import content_digest
from dashboard.envelope.keys import make_signing_key
from dashboard.policy.decide import decide
from dashboard.policy.store import load_baseline
from dashboard.publishing import outbox
from dashboard.publishing.alerts import end_late, follow, list_alerts, raise_late
from dashboard.publishing.backoff import LARGEST_S, RETRY_AFTER_CAP_S, SLOW_S, delay_s, retry_after_s
from dashboard.publishing.client import NoReply, RulesClient
from dashboard.publishing.golden import ask_golden, golden_cases
from dashboard.publishing.lease import Lease, LeaseLost, acquire, check_fence, give_up, new_holder, renew
from dashboard.publishing.stand import POLICY_ID
from dashboard.publishing.verdict import Judgement
from dashboard.store.engine import Database
from dashboard.store.policy_models import PolicyOutboxRow
from tests.delivery import Heard, issue, problem, scripted
from tests.envelopes import home_settings

AT = datetime(2021, 1, 11, 15, 0, 0)
KEY = make_signing_key()
LENGTH = timedelta(seconds=15)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    store = Database(home_settings(tmp_path))
    yield store
    store.close()


# --- pauses ---------------------------------------------------------------------------------------------


@given(st.integers(0, 10_000), st.floats(0, 899), st.randoms())
def test_early_pauses_are_jittered_up_to_a_minute(attempts: int, since: float, dice: random.Random) -> None:
    pause = delay_s(attempts=attempts, trying_for=timedelta(seconds=since), dice=dice)
    assert 0.5 <= pause <= min(LARGEST_S, 2.0 ** min(max(attempts, 1), 6))


@given(st.integers(1, 10_000), st.integers(900, 10**8), st.randoms())
def test_after_a_quarter_of_an_hour_it_is_every_five_minutes_for_ever(
    attempts: int, since: int, dice: random.Random
) -> None:
    assert delay_s(attempts=attempts, trying_for=timedelta(seconds=since), dice=dice) == SLOW_S


@pytest.mark.parametrize(
    ("asked", "given_"), [(None, 7), (0, 0.5), (12, 12), (86_400, RETRY_AFTER_CAP_S), (-5, 0.5)]
)
def test_retry_after_is_honoured_up_to_five_minutes(asked: float | None, given_: float) -> None:
    assert retry_after_s(asked, otherwise=7) == given_


# --- lease ----------------------------------------------------------------------------------------------


def take(database: Database, holder: str, at: datetime) -> Lease | None:
    with database.write() as connection:
        return acquire(connection, name="epidemic", holder=holder, at=at, length=LENGTH)


def is_newest(database: Database, lease: Lease) -> bool:
    with database.write() as connection:
        try:
            check_fence(connection, lease)
        except LeaseLost:
            return False
    return True


def test_one_holds_the_lease_until_it_ends_and_the_next_gets_a_higher_fence(database: Database) -> None:
    first = take(database, "a", AT)
    assert first == Lease("epidemic", "a", 1, AT + LENGTH)
    assert take(database, "b", AT + LENGTH - timedelta(seconds=1)) is None
    again = take(database, "a", AT + timedelta(seconds=10))
    assert again == Lease("epidemic", "a", 1, AT + timedelta(seconds=25))
    second = take(database, "b", AT + timedelta(seconds=25))
    assert second == Lease("epidemic", "b", 2, AT + timedelta(seconds=40))
    assert (is_newest(database, again), is_newest(database, second)) == (False, True)
    with database.write() as connection, pytest.raises(LeaseLost):
        renew(connection, again, at=AT + timedelta(seconds=26), length=LENGTH)


def test_a_lease_given_up_is_free_at_once_but_only_its_holder_can_give_it_up(database: Database) -> None:
    first = take(database, "a", AT)
    assert first
    with database.write() as connection:
        give_up(connection, Lease("epidemic", "b", 1, AT), at=AT)
    assert take(database, "b", AT + timedelta(seconds=1)) is None
    with database.write() as connection:
        give_up(connection, first, at=AT + timedelta(seconds=1))
    second = take(database, "b", AT + timedelta(seconds=1))
    assert second
    assert second.fence == 2
    with database.write() as connection:
        give_up(connection, first, at=AT + timedelta(seconds=2))
    assert take(database, "a", AT + timedelta(seconds=3)) is None


def test_a_lease_from_a_clock_that_was_set_back_does_not_last_for_years(database: Database) -> None:
    assert take(database, "a", AT + timedelta(days=900))
    assert take(database, "b", AT)


def test_of_many_who_try_at_once_one_gets_it(tmp_path: Path) -> None:
    """Eight threads with eight connections to one file, as eight processes would."""
    stores = [Database(home_settings(tmp_path)) for _ in range(8)]
    with stores[0].write():
        pass
    got: list[Lease | None] = []
    barrier = threading.Barrier(8)

    def run(store: Database, number: int) -> None:
        barrier.wait()
        got.append(take(store, f"holder-{number}", AT))
        store.close()

    threads = [threading.Thread(target=run, args=(store, n)) for n, store in enumerate(stores)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 8
    assert len([lease for lease in got if lease]) == 1


def test_holders_have_names_of_their_own() -> None:
    assert new_holder() != new_holder()
    assert len(new_holder()) <= 80


# --- order ----------------------------------------------------------------------------------------------


@pytest.fixture
def lease(database: Database) -> Lease:
    got = take(database, "a", AT)
    assert got
    return got


def states(database: Database) -> list[str]:
    with database.read() as connection:
        rows = connection.execute(select(PolicyOutboxRow.state).order_by(PolicyOutboxRow.seq))
        return list(rows.scalars())


def issue_many(database: Database, count: int) -> list[str]:
    with database.write() as connection:
        return [issue(connection, KEY, at=AT) for _ in range(count)]


def head_of(database: Database) -> outbox.Parcel:
    with database.read() as connection:
        parcel = outbox.oldest(connection, POLICY_ID)
    assert parcel
    return parcel


def test_the_oldest_goes_first_and_a_later_acknowledgement_covers_its_ancestors(
    database: Database, lease: Lease
) -> None:
    digests = issue_many(database, 3)
    assert head_of(database).seq == 1
    assert head_of(database).digest == digests[0]
    with database.write() as connection:
        assert outbox.mark_accepted(connection, POLICY_ID, digests[1], lease=lease, at=AT) == (2, 1)
    assert states(database) == ["accepted", "accepted", "waiting"]
    assert (head_of(database).seq, head_of(database).prev) == (3, digests[1])
    with database.write() as connection:
        assert outbox.mark_accepted(connection, POLICY_ID, "sha256:" + "0" * 64, lease=lease, at=AT) == ()
        assert outbox.mark_accepted(connection, POLICY_ID, digests[2], lease=lease, at=AT) == (3,)
        assert outbox.oldest(connection, POLICY_ID) is None


def test_a_foreign_head_stops_everything_behind_it(database: Database, lease: Lease) -> None:
    issue_many(database, 2)
    with database.write() as connection:
        outbox.mark_foreign(connection, head_of(database), lease=lease, error="x")
    assert (head_of(database).seq, head_of(database).state) == (1, "foreign")
    with database.write() as connection:
        assert outbox.release(connection, POLICY_ID, at=AT) == (1,)
    assert (head_of(database).seq, head_of(database).state) == (1, "waiting")


def test_a_refused_one_takes_its_followers_along_and_is_passed_by(database: Database, lease: Lease) -> None:
    digests = issue_many(database, 3)
    with database.write() as connection:
        outbox.mark_accepted(connection, POLICY_ID, digests[0], lease=lease, at=AT)
    with database.write() as connection:
        blocked = outbox.mark_blocked(connection, head_of(database), lease=lease, error="422")
    assert blocked == (2, 3)
    assert states(database) == ["accepted", "blocked", "blocked"]
    with database.write() as connection:
        # What is published next continues from the last one that was not refused.
        after = issue(connection, KEY, at=AT, prev=digests[0])
    assert head_of(database).seq == 4
    with database.write() as connection:
        assert outbox.mark_accepted(connection, POLICY_ID, after, lease=lease, at=AT) == (4,)
        assert outbox.release(connection, POLICY_ID, at=AT) == ()
    assert states(database) == ["accepted", "blocked", "blocked", "accepted"]


def test_a_refused_one_that_nothing_passed_can_be_released(database: Database, lease: Lease) -> None:
    issue_many(database, 2)
    with database.write() as connection:
        outbox.mark_blocked(connection, head_of(database), lease=lease, error="401")
    with database.write() as connection:
        assert outbox.release(connection, POLICY_ID, at=AT + timedelta(hours=1)) == (1, 2)
    parcel = head_of(database)
    assert (parcel.seq, parcel.state, parcel.created_at) == (1, "waiting", AT + timedelta(hours=1))


WRITES: dict[str, Callable[[Connection, outbox.Parcel, Lease], object]] = {
    "note_try": lambda c, parcel, lease: outbox.note_try(c, parcel, lease=lease, at=AT),
    "accepted": lambda c, parcel, lease: outbox.mark_accepted(
        c, POLICY_ID, parcel.digest, lease=lease, at=AT
    ),
    "waiting": lambda c, parcel, lease: outbox.mark_waiting(
        c, parcel, lease=lease, next_try_at=AT, error="x"
    ),
    "foreign": lambda c, parcel, lease: outbox.mark_foreign(c, parcel, lease=lease, error="x"),
    "blocked": lambda c, parcel, lease: outbox.mark_blocked(c, parcel, lease=lease, error="x"),
    "wake": lambda c, parcel, lease: outbox.wake(c, POLICY_ID, lease=lease, at=AT),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_a_sender_that_lost_its_lease_writes_nothing(
    database: Database, lease: Lease, write: Callable[[Connection, outbox.Parcel, Lease], object]
) -> None:
    issue_many(database, 1)
    parcel = head_of(database)
    assert take(database, "b", AT + LENGTH)
    with database.write() as connection, pytest.raises(LeaseLost):
        write(connection, parcel, lease)
    assert head_of(database) == parcel


def test_a_service_that_answers_again_ends_a_long_pause_but_not_the_one_it_asked_for(
    database: Database, lease: Lease
) -> None:
    issue_many(database, 1)
    later = AT + timedelta(minutes=5)
    for error, woken in (("no reply", True), ("busy: 503", False)):
        with database.write() as connection:
            outbox.mark_waiting(connection, head_of(database), lease=lease, next_try_at=later, error=error)
            outbox.wake(connection, POLICY_ID, lease=lease, at=AT)
        assert (head_of(database).next_try_at == AT) == woken


# --- what a reply means -----------------------------------------------------------------------------------

DIGEST = "sha256:" + "a" * 64
OK = {"ETag": f'"{DIGEST}"'}


def put(url: str, *, deadline_s: float = 2.0, head: str | None = None) -> tuple[str, str, float | None]:
    client = RulesClient(url, token="t" * 20, policy_id="epidemic", deadline_s=deadline_s)
    try:
        outcome = client.put(b"a.b.c", digest=DIGEST, head=head, seq=7)
    finally:
        client.close()
    return outcome.meaning, outcome.detail, outcome.retry_after_s


SOON = format_datetime(datetime.now(UTC) + timedelta(days=1), usegmt=True)
REPLIES = [
    ((201, OK, b"{}"), "accepted", ""),
    ((200, OK, b"{}"), "accepted", ""),
    ((200, {}, b"<html>Welcome to the hotel</html>"), "unknown", "without the digest"),
    ((200, {"ETag": '"sha256:bbbb"'}, b"{}"), "unknown", "without the digest"),
    ((204, OK, b""), "unknown", "204"),
    ((301, {"Location": "http://127.0.0.1:1/"}, b""), "unknown", "redirect"),
    ((302, {"Location": "/elsewhere"}, b""), "unknown", "redirect"),
    ((307, {"Location": "/elsewhere"}, b""), "unknown", "redirect"),
    (problem(400, "digest"), "refused", "400: digest"),
    (problem(401, "token"), "refused", "401: token"),
    (problem(403, "unknown kid"), "refused", "403: unknown kid"),
    (problem(404, "no such policy"), "refused", "404"),
    (problem(408, "slow"), "unknown", "408"),
    (problem(409, "seq"), "conflict", "409: seq"),
    (problem(412, "head"), "conflict", "412: head"),
    (problem(413, "big"), "refused", "413"),
    (problem(422, "schema"), "refused", "422: schema"),
    (problem(428, "condition"), "refused", "428"),
    (problem(429, "later", Retry_After="12"), "busy", "429: later"),
    (problem(503, "later", Retry_After=SOON), "busy", "503: later"),
    (problem(503, "later", Retry_After="soon"), "busy", "503: later"),
    (problem(500, "bug"), "unknown", "500: bug"),
    ((502, {}, b"<html>"), "unknown", "502"),
    ((507, {}, b"[1]"), "unknown", "507"),
]


@pytest.mark.parametrize(("reply", "meaning", "said"), REPLIES, ids=lambda v: str(v)[:40])
def test_a_reply_has_one_meaning(reply: tuple[int, dict[str, str], bytes], meaning: str, said: str) -> None:
    with scripted(lambda _heard: reply) as server:
        got, detail, retry_after = put(server.url)
        assert got == meaning
        assert said in detail
        assert len(server.heard) == 1, "a redirect was followed, or a call repeated"
        if reply[1].get("Retry-After") == "12":
            assert retry_after == 12
        elif reply[1].get("Retry-After") == SOON:
            assert retry_after
            assert 86_000 < retry_after <= 86_400
        else:
            assert retry_after is None


@pytest.mark.parametrize("head", [None, "sha256:" + "b" * 64])
def test_a_delivery_names_the_head_it_follows_its_digest_and_the_token(head: str | None) -> None:
    with scripted(lambda _heard: (201, OK, b"{}")) as server:
        put(server.url, head=head)
    (heard,) = server.heard
    assert (heard.method, heard.path, heard.body) == ("PUT", "/v1/policies/epidemic/head", b"a.b.c")
    assert heard.headers["content-type"] == "application/jose"
    assert heard.headers["content-digest"] == content_digest(b"a.b.c")
    assert heard.headers["authorization"] == "Bearer " + "t" * 20
    assert heard.headers["idempotency-key"] == '"epidemic:7"'
    if head:
        assert heard.headers["if-match"] == f'"{head}"'
        assert "if-none-match" not in heard.headers
    else:
        assert heard.headers["if-none-match"] == "*"
        assert "if-match" not in heard.headers


def test_no_reply_is_unknown() -> None:
    with scripted(lambda _heard: None) as server:
        assert put(server.url)[0] == "unknown"
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        assert put(f"http://127.0.0.1:{closed.getsockname()[1]}")[0] == "unknown"


def slow_server(answer: Callable[[socket.socket], None]) -> tuple[socket.socket, str]:
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        try:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65_536)
                answer(connection)
        except OSError:
            pass

    threading.Thread(target=serve, daemon=True).start()
    return listener, f"http://127.0.0.1:{listener.getsockname()[1]}"


def drip(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 201 Created\r\nContent-Length: 1000\r\n\r\n")
    for _ in range(60):
        connection.sendall(b".")
        time.sleep(0.05)


def flood(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 201 Created\r\nContent-Length: 99999999\r\n\r\n")
    while True:
        connection.sendall(b"." * 65_536)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lambda _connection: time.sleep(3), "no reply within 0.3 s"),
        (drip, "not complete after 0.3 s"),
        (flood, "longer than"),
        (lambda connection: connection.sendall(b"SSH-2.0-OpenSSH\r\n"), "RemoteProtocolError"),
    ],
    ids=["silent", "drip", "flood", "no http"],
)
def test_every_call_ends_in_time(answer: Callable[[socket.socket], None], said: str) -> None:
    listener, url = slow_server(answer)
    with listener:
        began = time.monotonic()
        meaning, detail, _ = put(url, deadline_s=0.3)
        assert time.monotonic() - began < 1.5
    assert meaning == "unknown"
    assert said in detail


STATUS = {
    "policy_id": "epidemic",
    "instance": "i",
    "service_version": "1",
    "started_at_s": 1,
    "clock": "2021-01-11T07:00:00Z",
    "clock_s": 1,
    "accepted": None,
    "active": None,
    "pending": [],
    "fresh_until_s": None,
    "stale": False,
    "last_error": None,
}


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        ((200, {}, b"alive"), "cannot be read"),
        ((200, {}, b"[]"), "cannot be read"),
        ((200, {}, json.dumps(STATUS | {"clock_s": "1"}).encode()), "clock_s"),
        ((200, {}, json.dumps(STATUS | {"accepted": {"seq": 1}}).encode()), "accepted"),
        ((200, {}, json.dumps(STATUS | {"policy_id": "other"}).encode()), "'other'"),
        (problem(401, "token"), "401: token"),
        (problem(500, "bug"), "500: bug"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_status_that_cannot_be_read_is_none(reply: tuple[int, dict[str, str], bytes], said: str) -> None:
    with scripted(lambda _heard: reply) as server:
        client = RulesClient(server.url, token="t" * 20, policy_id="epidemic", deadline_s=2)
        with pytest.raises(NoReply, match=said):
            client.status()
        client.close()


def test_the_environment_sends_nothing_through_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with scripted(lambda _heard: (201, OK, b"{}")) as server:
        assert put(server.url)[0] == "accepted"


# --- golden cases -----------------------------------------------------------------------------------------

BASELINE = load_baseline()


def honest(question: Mapping[str, object]) -> dict[str, object]:
    return {
        "result": decide(BASELINE, question),
        "provenance": {"bundles": {"tianfu": {"revision": "epidemic:3"}}},
    }


def test_an_honest_service_answers_right() -> None:
    golden = ask_golden(honest, BASELINE, revision="epidemic:3")
    assert (golden.right, golden.asked, golden.detail) == (True, len(golden_cases(BASELINE)), "")


def test_the_questions_reach_every_kind_of_answer() -> None:
    answers = [(q.get("ask"), decide(BASELINE, q)) for q in golden_cases(BASELINE)]
    assert {a["level"] for ask, a in answers if ask == "area_level"} == {"high", "medium", "low", None}
    assert {a["colour"] for ask, a in answers if ask == "code"} >= {"red", "yellow", "green", None}
    assert {a["valid"] for ask, a in answers if ask == "test"} == {True, False, None}
    assert {a["alarm"] for ask, a in answers if ask == "venue"} == {True, False, None}
    assert len({json.dumps(q, sort_keys=True) for q in golden_cases(BASELINE)}) == len(answers)


RULES = BASELINE.risk_area
OTHERS = {
    "one more case for medium": {"medium_min_new_cases": (RULES.medium_min_new_cases or 0) + 1},
    "one more case for high": {"high_min_cumulative_cases": (RULES.high_min_cumulative_cases or 0) + 1},
    "one more day": {
        "window_days": RULES.window_days + 1,
        "clear_days_high": RULES.clear_days_high + 1,
        "clear_days_medium": (RULES.clear_days_medium or 0) + 1,
    },
    "no cluster needed": {"high_requires_cluster": False},
}


@pytest.mark.parametrize("changed", OTHERS.values(), ids=OTHERS)
def test_an_evaluator_off_by_one_is_found(changed: dict[str, int]) -> None:
    other = BASELINE.model_copy(update={"risk_area": RULES.model_copy(update=changed)})

    def wrong(question: Mapping[str, object]) -> dict[str, object]:
        return honest(question) | {"result": decide(other, question)}

    golden = ask_golden(wrong, BASELINE, revision="epidemic:3")
    assert golden.right is False
    assert " instead of " in golden.detail


@pytest.mark.parametrize("index", range(len(BASELINE.health_code.rows)))
def test_a_wrong_row_of_reasons_is_found(index: int) -> None:
    rows = list(BASELINE.health_code.rows)
    row = rows[index]
    colour = "green" if row.colour != "green" else "red"
    rows[index] = row.model_copy(update={"colour": colour})
    other = BASELINE.model_copy(
        update={"health_code": BASELINE.health_code.model_copy(update={"rows": tuple(rows)})}
    )

    def wrong(question: Mapping[str, object]) -> dict[str, object]:
        return honest(question) | {"result": decide(other, question)}

    assert ask_golden(wrong, BASELINE, revision="epidemic:3").right is False


@pytest.mark.parametrize(
    "answer",
    [{}, {"result": None}, {"result": []}, {"result": {"level": "low"}}],
    ids=["nothing", "null", "a list", "another form"],
)
def test_an_answer_of_another_form_is_wrong(answer: dict[str, object]) -> None:
    provenance = honest({})["provenance"]
    assert (
        ask_golden(lambda _q: {"provenance": provenance} | answer, BASELINE, revision="epidemic:3").right
        is False
    )


def test_a_head_that_moves_between_two_questions_tells_nothing() -> None:
    assert ask_golden(honest, BASELINE, revision="epidemic:4").right is None
    assert ask_golden(lambda _q: {"result": {}}, BASELINE, revision="epidemic:4").right is None


def test_a_service_that_stops_answering_tells_nothing() -> None:
    calls = iter(range(100))

    def stops(question: Mapping[str, object]) -> dict[str, object]:
        if next(calls) == 5:
            raise NoReply("gone")
        return honest(question)

    golden = ask_golden(stops, BASELINE, revision="epidemic:3")
    assert (golden.right, golden.asked, golden.detail) == (None, 5, "gone")


def test_slow_answers_do_not_hold_the_sender_up() -> None:
    def slow(question: Mapping[str, object]) -> dict[str, object]:
        time.sleep(0.02)
        return honest(question)

    golden = ask_golden(slow, BASELINE, revision="epidemic:3", within_s=0.1)
    assert golden.right is None
    assert golden.asked < 8


# --- alerts -----------------------------------------------------------------------------------------------


def test_a_late_delivery_is_told_at_30_s_5_min_and_30_min_once_each(database: Database) -> None:
    told: list[tuple[int, str]] = []
    for second in range(0, 3 * 3600, 5):
        at = AT + timedelta(seconds=second)
        with database.write() as connection:
            kinds = raise_late(connection, POLICY_ID, seq=4, since=AT, at=at, error="no reply")
        told += [(second, kind) for kind in kinds]
    assert told == [(30, "late_30s"), (300, "late_5min"), (1800, "late_30min")]
    with database.write() as connection:
        end_late(connection, POLICY_ID, before_seq=4, at=AT)
        assert [alert.ended_at for alert in list_alerts(connection, POLICY_ID)] == [None] * 3
        end_late(connection, POLICY_ID, before_seq=5, at=AT)
        assert [alert.ended_at for alert in list_alerts(connection, POLICY_ID)] == [AT] * 3


def test_a_trouble_is_told_once_while_it_lasts_and_again_when_it_comes_back(database: Database) -> None:
    gone = Judgement("unknown", "no_answer", {"error": "x"})
    well = Judgement("synced", "in_force", {"version": 1})
    skewed = Judgement("synced", "in_force", {"version": 1}, skew_s=-600)
    raised = []
    for minute, said in enumerate([well, gone, gone, well, gone, skewed, skewed, well]):
        with database.write() as connection:
            raised.append(follow(connection, POLICY_ID, said, at=AT + timedelta(minutes=minute)))
    assert raised == [None, "no_answer", None, None, "no_answer", "clock", None, None]
    with database.read() as connection:
        alerts = list_alerts(connection, POLICY_ID)
        assert list_alerts(connection, "other") == ()
    assert [(a.kind, a.at.minute, a.ended_at and a.ended_at.minute) for a in alerts] == [
        ("clock", 5, 7),
        ("no_answer", 4, 5),
        ("no_answer", 1, 3),
    ]
    assert "-600 s" in alerts[0].detail
    assert alerts[0].sentence("zh-CN") == "规则服务时钟偏差"


def test_what_a_server_heard_is_kept() -> None:
    """The scripted server itself: a test that trusts it must be able to."""
    with scripted(lambda heard: (200, {}, heard.body)) as server:
        client = RulesClient(server.url, token="t" * 20, policy_id="epidemic", deadline_s=2)
        assert client.answer({"ask": "x"}) == {"input": {"ask": "x"}}
        client.close()
    assert [h.path for h in server.heard] == ["/v1/data/tianfu/policy/answer?provenance=true"]
    assert isinstance(server.heard[0], Heard)
