"""The verdict as a table: what was issued, what the service said -> one verdict and its reason."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.clock import epoch_s
from dashboard.envelope.status import Accepted, Active, LastError, Pending, ServiceStatus
from dashboard.i18n.catalogue import LANGS
from dashboard.publishing.verdict import NEEDS_A_PERSON, VERDICTS, Issued, Judgement, Observed, judge

NOW = datetime(2021, 1, 11, 15, 0, 0)
D1, D2 = ("sha256:" + digit * 64 for digit in "12")
HELD = {
    "accepted_seq": 1,
    "accepted_at": NOW - timedelta(hours=1),
    "waiting_since": NOW - timedelta(seconds=5),
}


def issued(**changes: object) -> Issued:
    base = Issued(
        seq=2,
        version=17,
        accepted_seq=2,
        accepted_at=NOW - timedelta(hours=1),
        waiting_since=None,
        held="",
        expected=(17,),
        next_version=None,
        next_at=None,
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def accepted(seq: int = 2, digest: str = D2) -> Accepted:
    return Accepted(
        seq=seq, revision=f"epidemic:{seq}", digest=digest, kind="normal", version=15 + seq, since_s=1
    )


def active(seq: int = 2, version: int = 17, digest: str = D2) -> Active:
    return Active(seq=seq, digest=digest, version=version, policy_digest=D1, since_s=1)


def status(**changes: object) -> ServiceStatus:
    base = ServiceStatus(
        policy_id="epidemic",
        instance="i-1",
        service_version="1",
        started_at_s=1,
        clock="2021-01-11T07:00:00Z",
        clock_s=epoch_s(NOW - timedelta(seconds=3)),
        accepted=accepted(),
        active=active(),
        pending=(),
        fresh_until_s=None,
        stale=False,
        last_error=None,
    )
    return base.model_copy(update=changes)


def observed(said: ServiceStatus | None = None, **changes: object) -> Observed:
    base = Observed(
        polled_at=NOW - timedelta(seconds=3),
        read_at=NOW - timedelta(seconds=3),
        missed=0,
        error="",
        status=said or status(),
        head_seq=2,
        drift="",
        golden=True,
        golden_detail="",
    )
    return replace(base, **changes)  # type: ignore[arg-type]


EMPTY = status(accepted=None, active=None)
OLD = status(accepted=accepted(1, D1), active=active(1, 16, D1))
LONG_AGO = NOW - timedelta(seconds=51)
AHEAD = NOW + timedelta(minutes=10)
CASES = [
    ("all is well", issued(), observed(), "synced", "in_force"),
    ("nothing was ever issued or seen", None, None, "unknown", "nothing_issued"),
    ("issued, and no sender ever ran", issued(), None, "unknown", "sender_silent"),
    ("nothing issued, service empty", None, observed(EMPTY, head_seq=None), "unknown", "nothing_issued"),
    ("nothing issued, but the service has a head", None, observed(head_seq=None), "foreign", "foreign_head"),
    ("the sender died", issued(), observed(polled_at=LONG_AGO, read_at=LONG_AGO), "unknown", "sender_silent"),
    ("a clock was set back", issued(), observed(polled_at=AHEAD, read_at=AHEAD), "unknown", "sender_silent"),
    ("two polls missed", issued(), observed(missed=2, error="x"), "synced", "in_force"),
    ("three polls missed", issued(), observed(missed=3, error="x"), "unknown", "no_answer"),
    ("read too long ago", issued(), observed(read_at=LONG_AGO), "unknown", "no_answer"),
    ("never read", issued(), observed(status=None, read_at=None, missed=1), "unknown", "no_answer"),
    ("a head that is not ours", issued(), observed(head_seq=None), "foreign", "foreign_head"),
    (
        "delivery met another head",
        issued(held="foreign", **HELD),
        observed(OLD, head_seq=1),
        "foreign",
        "conflict",
    ),
    ("its thresholds were edited", issued(), observed(drift="d"), "foreign", "edited"),
    ("golden cases fail", issued(), observed(golden=False), "wrong_answers", "wrong"),
    (
        "wrong answers while the next one is on its way",
        issued(**HELD),
        observed(OLD, head_seq=1, golden=False),
        "wrong_answers",
        "wrong",
    ),
    (
        "acknowledged more since it was read",
        issued(accepted_at=NOW - timedelta(seconds=1)),
        observed(OLD, head_seq=1),
        "publishing",
        "unread",
    ),
    (
        "acknowledged the first one, not read since",
        issued(accepted_at=NOW - timedelta(seconds=1)),
        observed(EMPTY, head_seq=None),
        "publishing",
        "unread",
    ),
    ("golden cases not asked yet", issued(), observed(golden=None), "publishing", "verifying"),
    (
        "golden cases cannot be asked",
        issued(),
        observed(golden=None, golden_detail="reset"),
        "unknown",
        "unverified",
    ),
    (
        "golden cases failed once, just after the switch",
        issued(accepted_at=NOW - timedelta(seconds=3)),
        observed(golden=None, golden_detail="reset"),
        "publishing",
        "verifying",
    ),
    ("refused for good", issued(held="blocked", **HELD), observed(OLD, head_seq=1), "out_of_sync", "blocked"),
    ("wiped", issued(), observed(EMPTY, head_seq=None), "out_of_sync", "wiped"),
    ("wiped while a new one waits", issued(**HELD), observed(EMPTY, head_seq=None), "out_of_sync", "wiped"),
    ("restored from an old backup", issued(), observed(OLD, head_seq=1), "behind", "older_head"),
    (
        "the first one is on its way",
        issued(accepted_seq=0, waiting_since=NOW),
        observed(EMPTY, head_seq=None),
        "publishing",
        "sending",
    ),
    ("on its way", issued(**HELD), observed(OLD, head_seq=1), "publishing", "sending"),
    (
        "on its way for too long",
        issued(**HELD | {"waiting_since": NOW - timedelta(seconds=30)}),
        observed(OLD, head_seq=1),
        "behind",
        "late",
    ),
    (
        "stored a moment ago, not switched yet",
        issued(accepted_at=NOW - timedelta(seconds=3)),
        observed(status(active=active(1, 16, D1))),
        "publishing",
        "activating",
    ),
    (
        "stored, and it never switched",
        issued(),
        observed(status(active=active(1, 16, D1))),
        "out_of_sync",
        "not_active",
    ),
    (
        "the right envelope, another of its versions",
        issued(),
        observed(status(active=active(2, 16))),
        "out_of_sync",
        "not_active",
    ),
    ("stored, and nothing runs", issued(), observed(status(active=None)), "out_of_sync", "not_active"),
    ("not renewed", issued(), observed(status(stale=True)), "behind", "stale"),
    (
        "read in the second of a switch",
        issued(expected=(16, 17)),
        observed(status(active=active(2, 16))),
        "synced",
        "in_force",
    ),
    (
        "scheduled",
        issued(expected=(16,), next_version=17, next_at=AHEAD),
        observed(status(active=active(2, 16))),
        "pending",
        "scheduled",
    ),
    (
        "the first version of all is scheduled",
        issued(expected=(None,), next_version=17, next_at=AHEAD),
        observed(status(active=None), golden=None),
        "pending",
        "scheduled",
    ),
    (
        "nothing is to be in force, ever",
        issued(expected=(None,)),
        observed(status(active=None)),
        "out_of_sync",
        "not_active",
    ),
]


@pytest.mark.parametrize(("what", "meant", "seen", "verdict", "reason"), CASES, ids=[c[0] for c in CASES])
def test_verdict(what: str, meant: Issued | None, seen: Observed | None, verdict: str, reason: str) -> None:
    said = judge(meant, seen, NOW)
    assert (said.verdict, said.reason) == (verdict, reason)
    for lang in LANGS:
        assert said.word(lang)
        assert "{" not in said.sentence(lang)
        assert bool(said.advice(lang)) == (reason in NEEDS_A_PERSON)
        assert "{" not in said.advice(lang)


def test_every_verdict_stands_in_the_table() -> None:
    assert {case[3] for case in CASES} == set(VERDICTS)


@pytest.mark.parametrize(("off", "shown"), [(0, None), (59, None), (-59, None), (600, 600), (-600, -600)])
def test_a_clock_that_is_off_is_said_beside_the_verdict(off: int, shown: int | None) -> None:
    said = status(clock_s=epoch_s(NOW - timedelta(seconds=3)) + off)
    assert judge(issued(), observed(said), NOW) == Judgement(
        "synced", "in_force", {"version": 17}, skew_s=shown
    )


flags = st.booleans()
moments = st.integers(-3600, 3600).map(lambda s: NOW + timedelta(seconds=s))
said_statuses = st.builds(
    status,
    accepted=st.sampled_from([None, accepted(), accepted(1, D1)]),
    active=st.sampled_from([None, active(), active(2, 16), active(1, 16, D1)]),
    stale=flags,
    pending=st.sampled_from([(), (Pending(version=18, effective_at_s=5),)]),
    last_error=st.sampled_from([None, LastError(code="x", detail="y", at_s=1)]),
)
meanings = st.builds(
    issued,
    accepted_seq=st.integers(0, 2),
    accepted_at=st.none() | moments,
    waiting_since=st.none() | moments,
    held=st.sampled_from(["", "blocked", "foreign"]),
    expected=st.sampled_from([(None,), (16,), (17,), (16, 17)]),
    next_version=st.sampled_from([None, 18]),
    next_at=st.none() | moments,
)
sightings = st.builds(
    observed,
    st.none() | said_statuses,
    polled_at=moments,
    read_at=st.none() | moments,
    missed=st.integers(0, 5),
    head_seq=st.sampled_from([None, 1, 2]),
    drift=st.sampled_from(["", "d"]),
    golden=st.sampled_from([None, True, False]),
)


@given(st.none() | meanings, st.none() | sightings)
def test_synced_is_said_only_where_everything_agrees(meant: Issued | None, seen: Observed | None) -> None:
    said = judge(meant, seen, NOW)
    assert said.verdict in VERDICTS
    if said.verdict != "synced":
        return
    assert meant
    assert seen
    assert seen.status
    assert seen.status.active
    assert seen.golden is True
    assert seen.missed < 3
    assert abs(NOW - seen.polled_at) < timedelta(seconds=50)
    assert seen.read_at
    assert NOW - seen.read_at < timedelta(seconds=50)
    assert (meant.held, meant.waiting_since, seen.drift, seen.status.stale) == ("", None, "", False)
    assert seen.status.active.seq == meant.seq
    assert seen.status.active.version in meant.expected
