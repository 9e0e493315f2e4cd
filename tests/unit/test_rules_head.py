"""The durable head and the live evaluator, without a server."""

from __future__ import annotations

import sqlite3
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from joserfc.jwk import ECKey

from dashboard.envelope.jws import CONTENT_TYPE, content_digest, digest, sign
from dashboard.envelope.keys import SigningKey, Trust, make_signing_key
from dashboard.envelope.model import Envelope
from dashboard.errors import SettingError, StorageError
from dashboard.policy.decide import decide
from dashboard.policy.document import digest_policy
from dashboard.rules.head import KEPT, HeadFile
from dashboard.rules.live import Live
from dashboard.rules.refusal import Refusal
from dashboard.rules.run import read_clock
from dashboard.rules.service import RulesService
from dashboard.rules.trustfile import TrustFile
from tests.envelopes import NOW, entry, envelope

KEY = make_signing_key()
CLOSE_DAYS = {"window_days": 7, "clear_days_high": 7, "clear_days_medium": 7}


class Clock:
    def __init__(self) -> None:
        self.now_s = NOW

    def __call__(self) -> int:
        return self.now_s


@pytest.fixture
def trust_file(tmp_path: Path) -> Path:
    path = tmp_path / "trust.json"
    path.write_text(Trust((KEY.public(),)).to_json())
    return path


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def start(tmp_path: Path, trust_file: Path, clock: Clock):
    """Open a service on one folder, closing the one before it, as a restart does."""
    running: list[RulesService] = []

    def open_service() -> RulesService:
        for service in running:
            service.close()
        running[:] = [
            RulesService(folder=tmp_path / "rules", trust=TrustFile(trust_file), decide=decide, clock_s=clock)
        ]
        return running[0]

    yield open_service
    for service in running:
        service.close()


Start = Callable[[], RulesService]


def offer(
    service: RulesService, body: bytes, *, prev: str | None = None, dry_run: bool = False, **more: str
) -> str:
    """Offer a body; "stored", "known", or the code of the refusal."""
    headers = {"content-type": CONTENT_TYPE, "content-digest": content_digest(body)}
    headers |= {"if-none-match": "*"} if prev is None else {"if-match": f'"{prev}"'}
    headers |= {name.replace("_", "-"): value for name, value in more.items()}
    headers = {name: value for name, value in headers.items() if value}
    try:
        return "stored" if service.take(body, headers, dry_run=dry_run).stored else "known"
    except Refusal as refusal:
        return refusal.code


def signed(made: Envelope, key: SigningKey = KEY) -> bytes:
    return sign(made, key)


def test_an_empty_service_decides_nothing_and_says_so(start: Start) -> None:
    service = start()
    status = service.status()
    assert (status.accepted, status.active, status.pending, status.stale) == (None, None, (), False)
    reply = service.decision({"ask": "test", "category": "hospital"}, provenance=True)
    assert reply["result"] == {
        "valid": None,
        "basis": None,
        "validity_hours": None,
        "reason": "no_active_version",
        "version": None,
    }
    assert service.payload() is None


def test_the_head_outlives_a_restart_and_the_instance_is_the_file(start: Start, tmp_path: Path) -> None:
    service = start()
    body = signed(envelope())
    assert offer(service, body) == "stored"
    before = service.status()
    again = start().status()
    assert again == before.model_copy(update={"started_at_s": again.started_at_s})
    assert start().stored(1).body == body
    assert oct(stat.S_IMODE((tmp_path / "rules" / "rules.sqlite3").stat().st_mode)) == "0o600"


def test_the_commit_is_synchronous(start: Start, tmp_path: Path) -> None:
    service = start()
    connection = service._file._connection
    assert connection.execute("PRAGMA synchronous").fetchone() == (3,)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)


def test_two_services_never_share_a_file(start: Start, tmp_path: Path) -> None:
    start()
    with pytest.raises(StorageError, match="Another rules service holds"):
        HeadFile(tmp_path / "rules")


def test_a_file_that_is_no_database_is_refused_at_the_start(start: Start, tmp_path: Path) -> None:
    folder = tmp_path / "rules"
    folder.mkdir()
    (folder / "rules.sqlite3").write_bytes(b"nothing of the kind" * 100)
    with pytest.raises(StorageError, match=r"rules\.sqlite3 cannot be used"):
        start()
    # The lock was given back.
    (folder / "rules.sqlite3").unlink()
    start()


def test_old_envelopes_are_let_go(tmp_path: Path) -> None:
    file = HeadFile(tmp_path)
    for seq in (1, 2, KEPT + 1, KEPT + 2):
        file.append(seq=seq, body=str(seq).encode(), accepted_at_s=NOW, label="")
    assert [stored.seq for stored in file.newest_first()] == [KEPT + 2, KEPT + 1]
    file.close()


FIRST = signed(envelope(1))
SECOND = signed(envelope(2, prev=digest(FIRST)))
OTHER = ECKey.generate_key("P-256")


@pytest.mark.parametrize(
    ("body", "prev", "headers", "outcome"),
    [
        (SECOND, digest(FIRST), {}, "stored"),
        (FIRST, None, {}, "known"),
        (FIRST, "sha256:whatever", {}, "known"),
        (signed(envelope(1)), digest(FIRST), {}, "replayed"),
        (SECOND, None, {}, "not_head"),
        (SECOND, digest(b"other"), {}, "not_head"),
        (signed(envelope(2, prev=digest(b"other"))), digest(FIRST), {}, "prev_not_head"),
        (signed(envelope(9, prev=digest(FIRST))), digest(FIRST), {}, "stored"),
        (SECOND, digest(FIRST), {"if_match": ""}, "no_precondition"),
        (SECOND, digest(FIRST), {"if_none_match": "*"}, "form"),
        (SECOND, digest(FIRST), {"if_match": "*"}, "form"),
        (SECOND, digest(FIRST), {"if_match": f'W/"{digest(FIRST)}"'}, "form"),
        (SECOND, digest(FIRST), {"if_match": digest(FIRST)}, "form"),
        (SECOND, digest(FIRST), {"if_match": f'"{digest(FIRST)}", "x"'}, "form"),
        (SECOND, digest(FIRST), {"if_match": "", "if_none_match": '"x"'}, "form"),
        (SECOND, digest(FIRST), {"content_type": "application/json"}, "wrong_type"),
        (SECOND, digest(FIRST), {"content_type": "application/jose; charset=utf-8"}, "stored"),
        (SECOND, digest(FIRST), {"content_digest": ""}, "digest"),
        (SECOND, digest(FIRST), {"content_digest": content_digest(FIRST)}, "digest"),
        (b"no.jws.here", digest(FIRST), {}, "form"),
        (signed(envelope(2, prev=digest(FIRST)), make_signing_key()), digest(FIRST), {}, "unknown_kid"),
        (
            signed(envelope(2, prev=digest(FIRST)), SigningKey(KEY.kid, OTHER)),
            digest(FIRST),
            {},
            "bad_signature",
        ),
    ],
)
def test_what_may_follow_the_head(
    start: Start, body: bytes, prev: str | None, headers: dict[str, str], outcome: str
) -> None:
    service = start()
    assert offer(service, FIRST) == "stored"
    assert offer(service, body, prev=prev, dry_run=True, **headers) == outcome.replace("stored", "known")
    assert service.status().accepted.digest == digest(FIRST)
    assert service.status().last_error is None
    assert offer(service, body, prev=prev, **headers) == outcome
    status = service.status()
    assert status.accepted.digest == status.active.digest == digest(body if outcome == "stored" else FIRST)
    quiet = {"stored", "known", "no_precondition", "wrong_type"}
    assert (status.last_error.code if status.last_error else None) == (None if outcome in quiet else outcome)
    assert start().status().accepted.digest == status.accepted.digest


def test_a_refusal_names_the_head(start: Start) -> None:
    service = start()
    offer(service, FIRST)
    headers = {
        "content-type": CONTENT_TYPE,
        "content-digest": content_digest(SECOND),
        "if-match": '"sha256:x"',
    }
    with pytest.raises(Refusal) as caught:
        service.take(SECOND, headers, dry_run=False)
    assert caught.value.content()["head"] == {"seq": 1, "digest": digest(FIRST)}


def test_a_service_joins_a_board_that_has_published_before(start: Start) -> None:
    service = start()
    body = signed(envelope(41, prev=digest(b"of long ago")))
    assert offer(service, body, prev=digest(b"of long ago")) == "not_head"
    assert offer(service, body) == "stored"


def test_a_schedule_an_end_and_staleness_follow_the_clock_alone(start: Start, clock: Clock) -> None:
    service = start()
    made = envelope(
        1,
        entry(1),
        entry(2, start_s=NOW + 100, end_s=NOW + 200, **CLOSE_DAYS),
        entry(3, start_s=NOW + 300),
        fresh_s=250,
    )
    offer(service, signed(made))
    seen = []
    for at_s in (0, 99, 100, 199, 200, 250, 300):
        clock.now_s = NOW + at_s
        status = service.status()
        answer = service.decision(
            {"ask": "area_level", "new_cases_in_window": 0, "cumulative_cases": 0}, provenance=False
        )["result"]
        assert isinstance(answer, dict)
        assert answer["version"] == status.active.version
        assert status.active.policy_digest == digest_policy(made.versions[status.active.version - 1].policy())
        seen.append(
            (
                at_s,
                status.active.version,
                answer["window_days"],
                status.active.since_s - NOW,
                [pending.version for pending in status.pending],
                status.stale,
            )
        )
    assert seen == [
        (0, 1, 14, -100, [2, 3], False),
        (99, 1, 14, -100, [2, 3], False),
        (100, 2, 7, 100, [3], False),
        (199, 2, 7, 100, [3], False),
        (200, 1, 14, 200, [3], False),
        (250, 1, 14, 200, [3], True),
        (300, 3, 14, 300, [], True),
    ]


def test_before_any_version_holds_there_is_no_decision(start: Start) -> None:
    service = start()
    offer(service, signed(envelope(1, entry(1, start_s=NOW + 50))))
    reply = service.decision({"ask": "test"}, provenance=True)
    assert isinstance(reply["result"], dict)
    assert reply["result"]["reason"] == "no_active_version"
    status = service.status()
    assert (status.active, [p.version for p in status.pending]) == (None, [1])
    assert status.accepted.version == 1


def test_provenance_names_the_revision(start: Start) -> None:
    service = start()
    offer(service, FIRST)
    reply = service.decision({"ask": "test"}, provenance=True)
    assert reply["provenance"]["bundles"] == {"tianfu": {"revision": "epidemic:1"}}  # type: ignore[index]
    assert "provenance" not in service.decision({"ask": "test"}, provenance=False)
    ids = {service.decision({}, provenance=False)["decision_id"] for _ in range(20)}
    assert len(ids) == 20


def test_a_key_that_ran_out_since_does_not_undo_what_it_signed(
    start: Start, trust_file: Path, clock: Clock
) -> None:
    service = start()
    offer(service, FIRST)
    trust_file.write_text(Trust((KEY.public(not_after_s=NOW + 10),)).to_json())
    clock.now_s = NOW + 20
    assert offer(service, SECOND, prev=digest(FIRST)) == "unknown_kid"
    status = start().status()
    assert (status.active.seq, status.last_error) == (1, None)


def test_a_key_that_was_taken_away_does(start: Start, trust_file: Path) -> None:
    """A key is removed when it was stolen: nothing it signed may decide after the next start."""
    service = start()
    offer(service, FIRST)
    trust_file.write_text(Trust((make_signing_key().public(),)).to_json())
    status = start().status()
    assert status.active is None
    assert status.accepted.digest == digest(FIRST)
    assert status.last_error.code == "head_damaged"


def test_a_trust_file_that_breaks_leaves_the_keys_and_is_told(start: Start, trust_file: Path) -> None:
    service = start()
    offer(service, FIRST)
    good = trust_file.read_text()
    trust_file.write_text("{")
    assert service.status().last_error.code == "trust_unreadable"
    assert offer(service, SECOND, prev=digest(FIRST)) == "stored"
    trust_file.write_text(good)
    assert service.status().last_error is None


def edit(tmp_path: Path, sql: str, *values: object) -> None:
    connection = sqlite3.connect(tmp_path / "rules" / "rules.sqlite3")
    with connection:
        assert connection.execute(sql, values).rowcount == 1
    connection.close()


FORGED = signed(envelope(2, entry(2, **CLOSE_DAYS), prev=digest(FIRST)), make_signing_key())


@pytest.mark.parametrize(
    ("sql", "values", "shown"),
    [
        ("UPDATE envelope SET body = ? WHERE seq = 2", (FORGED,), digest(FORGED)),
        (
            "UPDATE envelope SET body = ?, digest = ? WHERE seq = 2",
            (FORGED, digest(FORGED)),
            digest(FORGED),
        ),
        ("UPDATE envelope SET body = ? WHERE seq = 2", (SECOND[:-1],), digest(SECOND[:-1])),
        ("DELETE FROM envelope WHERE seq = 2", (), digest(b"")),
        ("UPDATE head SET digest = ?", (digest(b"x"),), digest(SECOND)),
        ("UPDATE head SET seq = 1", (), digest(FIRST)),
        ("DELETE FROM head", (), None),
    ],
    ids=["body", "body and digest", "torn", "row gone", "name", "older", "head gone"],
)
def test_a_head_edited_by_hand_is_shown_and_never_decides(
    start: Start, tmp_path: Path, sql: str, values: tuple[object, ...], shown: str | None
) -> None:
    service = start()
    offer(service, FIRST)
    offer(service, SECOND, prev=digest(FIRST))
    edit(tmp_path, sql, *values)
    status = service.status()
    assert status.last_error.code == "head_damaged"
    assert (status.accepted.digest if status.accepted else None) == shown
    assert status.active.digest == digest(SECOND), "what decides is in memory and was checked"
    # Looking at it does not mend it.
    assert service.status().last_error.code == "head_damaged"
    # The same bytes again do, because somebody chose to send them.
    assert offer(service, SECOND, prev=digest(FIRST)) == "stored"
    mended = service.status()
    assert (mended.last_error, mended.accepted.digest) == (None, digest(SECOND))
    assert start().status().active.digest == digest(SECOND)


@pytest.mark.parametrize("damage", [FORGED, SECOND[:-1], b""], ids=["forged", "torn", "empty"])
def test_after_a_restart_the_last_good_one_decides(start: Start, tmp_path: Path, damage: bytes) -> None:
    service = start()
    offer(service, FIRST)
    offer(service, SECOND, prev=digest(FIRST))
    edit(tmp_path, "UPDATE envelope SET body = ?, digest = ? WHERE seq = 2", damage, digest(damage))
    edit(tmp_path, "UPDATE head SET digest = ?", digest(damage))
    service = start()
    status = service.status()
    assert (status.active.digest, status.active.version) == (digest(FIRST), 1)
    assert status.accepted.digest == digest(damage)
    assert (status.accepted.kind, status.accepted.version) == (None, None)
    assert status.last_error.code == "head_damaged"
    assert offer(service, SECOND, prev=digest(damage)) == "stored"
    assert start().status().active.digest == digest(SECOND)


def test_where_nothing_can_be_used_nothing_decides_and_the_head_can_be_sent_again(
    start: Start, tmp_path: Path
) -> None:
    service = start()
    offer(service, SECOND)
    edit(tmp_path, "UPDATE envelope SET body = ?", FORGED)
    service = start()
    status = service.status()
    assert (status.active, status.accepted.digest) == (None, digest(FORGED))
    assert status.last_error.code == "head_damaged"
    assert offer(service, SECOND, prev=digest(FIRST)) == "not_head"
    assert offer(service, SECOND, prev=digest(FORGED)) == "stored"
    assert start().status().active.digest == digest(SECOND)


def test_after_a_restart_without_a_head_the_newest_decides_and_it_is_told(
    start: Start, tmp_path: Path
) -> None:
    service = start()
    offer(service, FIRST)
    edit(tmp_path, "DELETE FROM head")
    status = start().status()
    assert (status.accepted, status.active.digest) == (None, digest(FIRST))
    assert status.last_error.code == "head_damaged"


def test_a_stored_envelope_that_changed_is_not_handed_out(start: Start, tmp_path: Path) -> None:
    service = start()
    offer(service, FIRST)
    edit(tmp_path, "UPDATE envelope SET body = ?", FIRST + b"A")
    for seq, code in ((1, "damaged"), (2, "not_found")):
        with pytest.raises(Refusal) as caught:
            service.stored(seq)
        assert caught.value.code == code


def test_a_label_is_kept_and_decides_nothing(start: Start, tmp_path: Path) -> None:
    service = start()
    assert offer(service, FIRST, idempotency_key="one") == "stored"
    assert offer(service, SECOND, prev=digest(FIRST), idempotency_key="one") == "stored"
    connection = sqlite3.connect(tmp_path / "rules" / "rules.sqlite3")
    assert connection.execute("SELECT seq, label FROM envelope").fetchall() == [(1, "one"), (2, "one")]
    connection.close()


def test_the_evaluator_is_one_of_the_envelope_it_was_made_of() -> None:
    live = Live(envelope(), "sha256:x", NOW, lambda policy, asked: {"version": policy and policy.version})
    assert live.answer({}, now_s=NOW) == {"version": 1}
    assert live.answer({}, now_s=0) == {"version": None}


@pytest.mark.parametrize("text", ["1.5", "soon", "0x10"])
def test_a_clock_offset_that_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(SettingError, match="TIANFU_RULES_CLOCK_OFFSET_S"):
        read_clock({"TIANFU_RULES_CLOCK_OFFSET_S": text})


def test_a_clock_offset_moves_the_clock() -> None:
    plain, ahead = read_clock({}), read_clock({"TIANFU_RULES_CLOCK_OFFSET_S": "600"})
    assert 599 <= ahead() - plain() <= 601
