"""The transaction of publishing: what it checks once more, what it writes, what it refuses."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import update

from dashboard.clock import epoch_s
from dashboard.envelope.model import write_stamp
from dashboard.policy.document import canonical_json
from dashboard.policy.store import load_baseline
from dashboard.publishing.changes import edited_document, rebase
from dashboard.publishing.edits import draft_digest
from dashboard.publishing.errors import NotAllowed, StaleChange, WrongState
from dashboard.publishing.issue import follow
from dashboard.publishing.publish import install_baseline, issue_refresh, publish
from dashboard.publishing.settle import block_change, unblock_changes
from dashboard.publishing.stand import POLICY_ID, Entry, active_of, read_head, read_version
from dashboard.store.audit import check_audit, list_audit
from dashboard.store.policy_models import PolicyChangeRow, PolicyOutboxRow
from tests.publishing_world import IMPACT, SHORTER, World

OTHER = {"appeals.resolve_hours": 48}


@pytest.fixture
def empty(tmp_path):
    world = World(tmp_path)
    yield world
    world.database.close()


@pytest.fixture
def world(empty):
    empty.install()
    return empty


def test_the_baseline_is_the_first_envelope_and_only_once(empty: World) -> None:
    issued = empty.install()
    with empty.database.write() as connection:
        assert install_baseline(connection, empty.key, empty.tick()) is None
    (envelope,) = empty.envelopes()
    assert (issued.seq, issued.version, envelope.prev, envelope.approval) == (1, 1, None, None)
    assert canonical_json(envelope.versions[0].policy()) == canonical_json(load_baseline())
    assert empty.outbox() == [1]


def test_nothing_is_published_before_the_baseline(empty: World) -> None:
    with pytest.raises(WrongState, match="No policy was published"):
        empty.publish(empty.approved())
    assert empty.outbox() == []


def test_a_published_change_is_a_signed_envelope_on_its_way(world: World) -> None:
    change = world.approved()
    done = world.publish(change)
    baseline, envelope = world.envelopes()
    assert (done.change.state, done.change.version, done.issued.seq) == ("publishing", 2, 2)
    assert (envelope.kind, envelope.revision, envelope.rollback_of) == ("normal", "epidemic:2", None)
    assert [entry.version for entry in envelope.versions] == [1, 2]
    assert envelope.newest.effective_at_s == epoch_s(world.at)
    assert world.running() == 2
    policy = envelope.newest.policy()
    rows = {row.reason_code: row.hold_days for row in policy.health_code.rows}
    assert rows["near_risk_area"] == 7
    assert policy.effective_from == world.at.date()
    assert envelope.fresh_until_s > epoch_s(world.at)
    assert envelope.prev is not None
    assert baseline.prev is None
    approval, impact = envelope.approval, envelope.impact
    assert approval is not None
    assert impact is not None
    assert (approval.change_id, approval.drafted_by, approval.approved_by) == (
        change.id,
        "editor",
        ("commander",),
    )
    assert approval.draft_digest == change.digest == draft_digest(policy)
    assert change.approved_at is not None
    assert approval.approved_at == write_stamp(epoch_s(change.approved_at))
    assert (impact.snapshot_id, impact.digest) == ("2022-01-19T060000Z-abc", IMPACT)
    assert world.outbox() == [1, 2]


def test_publishing_is_an_audit_row_with_seq_and_digest(world: World) -> None:
    done = world.published()
    with world.database.read() as connection:
        row = next(e for e in list_audit(connection) if e.action == "policy_publish")
        check_audit(connection)
    assert (row.actor, row.object) == ("commander2", f"policy_change:{done.change.id}")
    assert done.issued.digest in row.detail


def test_the_document_that_travels_is_the_one_that_is_kept(world: World) -> None:
    world.published()
    with world.database.read() as connection:
        kept = read_version(connection, 2)
    assert canonical_json(kept) == canonical_json(world.envelopes()[-1].newest.policy())


@pytest.mark.parametrize("login", ["editor", "viewer", "auditor", "admin", "chengdu"])
def test_only_a_commander_publishes(world: World, login: str) -> None:
    with pytest.raises(NotAllowed):
        world.publish(world.approved(), login=login)
    assert world.outbox() == [1]


def test_the_approver_may_publish_the_author_may_not(world: World) -> None:
    change = world.approved()
    world.set_role("editor", "commander")
    with pytest.raises(NotAllowed, match="of their own"):
        world.publish(change, login="editor")
    with pytest.raises(NotAllowed, match="of their own"):
        world.publish(change, login="twin")
    assert world.publish(change, login="commander").issued.seq == 2


def _edit(world: World, change) -> None:
    world.edit(change, OTHER)


def _revoke(world: World, change) -> None:
    world.set_role("commander", "viewer")


def _disable(world: World, change) -> None:
    world.disable("commander")


def _revoke_publisher(world: World, change) -> None:
    world.set_role("commander2", "auditor")


def _move_head(world: World, change) -> None:
    world.emergency(OTHER)


def _tamper_edits(world: World, change) -> None:
    with world.database.write() as connection:
        connection.execute(
            update(PolicyChangeRow)
            .where(PolicyChangeRow.id == change.id)
            .values(edits={"health_code.rows.near_risk_area.hold_days": 1})
        )


def _tamper_approver(world: World, change) -> None:
    with world.database.write() as connection:
        connection.execute(
            update(PolicyChangeRow)
            .where(PolicyChangeRow.id == change.id)
            .values(approver_id=world.actor("editor").account_id)
        )
    world.set_role("editor", "commander")


BETWEEN = [
    (_edit, StaleChange, "editor at"),
    (_revoke, NotAllowed, "approve any more"),
    (_disable, NotAllowed, "approve any more"),
    (_revoke_publisher, NotAllowed, "right to publish"),
    (_move_head, StaleChange, "system at"),
    (_tamper_edits, StaleChange, "was approved"),
    (_tamper_approver, NotAllowed, "of their own"),
]


@pytest.mark.parametrize(("meanwhile", "error", "words"), BETWEEN, ids=lambda v: getattr(v, "__name__", ""))
@pytest.mark.parametrize("later", [None, timedelta(hours=2)], ids=["now", "scheduled"])
def test_what_happens_between_approval_and_publishing_refuses(
    world: World, meanwhile, error, words: str, later: timedelta | None
) -> None:
    change = world.approved()
    meanwhile(world, change)
    before = world.outbox()
    with pytest.raises(error, match=words):
        world.publish(change, effective_at=later and world.at + later)
    assert world.outbox() == before
    assert world.change(change.id).state != "publishing"


def test_a_head_that_moved_refuses_also_with_a_forged_row_version(world: World) -> None:
    change = world.approved()
    world.emergency(OTHER)
    now = world.change(change.id)
    assert now.state == "suspended"
    with world.database.write() as connection:
        connection.execute(
            update(PolicyChangeRow).where(PolicyChangeRow.id == change.id).values(state="approved")
        )
    with pytest.raises(StaleChange, match="moved on") as stale:
        world.publish(world.change(change.id))
    assert "emergency: version 3" in stale.value.since[0] or "emergency: version 2" in stale.value.since[0]


def test_two_editors_the_second_rebases(world: World) -> None:
    mine = world.draft(SHORTER)
    theirs = world.ask(
        world.draft({**OTHER, "appeals.first_reply_hours": 12}, login="editor2"), login="editor2"
    )
    world.publish(world.approve(world.ask(mine)))
    assert world.change(theirs.id).state == "suspended"
    with world.database.write() as connection:
        done = rebase(
            connection, theirs.id, world.change(theirs.id).row_version, world.actor("editor2"), world.tick()
        )
    assert (done.change.state, done.change.version, done.change.base.version) == ("draft", 3, 2)
    assert done.conflicts == ()
    world.publish(world.approve(world.ask(done.change, login="editor2")))
    policy = world.envelopes()[-1].newest.policy()
    assert policy.appeals.resolve_hours == 48
    assert next(r.hold_days for r in policy.health_code.rows if r.reason_code == "near_risk_area") == 7


def test_a_rebase_names_what_both_changed_and_drops_what_is_there_already(world: World) -> None:
    mine = world.draft({"appeals.resolve_hours": 48, "appeals.first_reply_hours": 12})
    theirs = world.draft({"appeals.resolve_hours": 60, "appeals.first_reply_hours": 12}, login="editor2")
    world.publish(world.approve(world.ask(mine)))
    with pytest.raises(StaleChange, match="moved on"):
        world.ask(world.change(theirs.id), login="editor2")
    with world.database.write() as connection:
        done = rebase(
            connection, theirs.id, world.change(theirs.id).row_version, world.actor("editor2"), world.tick()
        )
    assert {d.path: (d.before, d.after) for d in done.conflicts} == {
        "appeals.resolve_hours": (72, 48),
        "appeals.first_reply_hours": (24, 12),
    }
    assert dict(done.change.edits) == {"appeals.resolve_hours": 60}


def test_a_double_click_publishes_once(world: World) -> None:
    change = world.approved()
    at, barrier = world.tick(), threading.Barrier(8)
    ends: list[str] = []

    def click(login: str) -> None:
        barrier.wait()
        try:
            with world.database.write() as connection:
                publish(connection, change.id, change.row_version, world.actor(login), at, key=world.key)
            ends.append("published")
        except StaleChange:
            ends.append("stale")

    threads = [threading.Thread(target=click, args=(login,)) for login in ["commander", "commander2"] * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert Counter(ends) == {"published": 1, "stale": 7}
    assert world.outbox() == [1, 2]
    with world.database.read() as connection:
        check_audit(connection)


def test_a_schedule_travels_at_once_and_the_service_switches_by_itself(world: World) -> None:
    later = world.at + timedelta(hours=3)
    done = world.published(effective_at=later)
    assert done.change.effective_at == later
    assert [entry.version for entry in world.envelopes()[-1].versions] == [1, 2]
    assert (world.running(), world.running(later - timedelta(seconds=1)), world.running(later)) == (1, 1, 2)
    assert world.envelopes()[-1].newest.policy().effective_from == later.date()


@pytest.mark.parametrize("shift", [timedelta(seconds=-1), timedelta(days=-1), timedelta(days=367)])
def test_a_time_gone_by_or_too_far_is_refused(world: World, shift: timedelta) -> None:
    change = world.approved()
    with pytest.raises(WrongState, match="cannot be the time"):
        world.publish(change, effective_at=world.at + timedelta(seconds=1) + shift)
    assert world.change(change.id).state == "approved"


def test_nothing_overtakes_a_schedule_that_it_contains(world: World) -> None:
    later = world.at + timedelta(hours=3)
    world.published(effective_at=later)
    change = world.approved(OTHER)
    assert change.base.version == 2
    with pytest.raises(WrongState, match="scheduled for"):
        world.publish(change)
    with pytest.raises(WrongState, match="scheduled for"):
        world.publish(change, effective_at=later - timedelta(minutes=1))
    world.publish(change, effective_at=later + timedelta(hours=1))
    assert [entry.version for entry in world.envelopes()[-1].versions] == [1, 2, 3]
    assert [world.running(later + timedelta(minutes=m)) for m in (-1, 0, 60)] == [1, 2, 3]


def test_what_was_outranked_leaves_the_envelope_after_a_day(world: World) -> None:
    world.published()
    world.published(OTHER)
    assert [e.version for e in world.envelopes()[-1].versions] == [1, 2, 3]
    world.tick(hours=25)
    world.published({"disclosure.min_cell": 12})
    assert [e.version for e in world.envelopes()[-1].versions] == [3, 4]


def test_an_envelope_does_not_grow_with_every_publication() -> None:
    entries = [Entry(1, 0, None)]
    for version in range(2, 301):
        now_s = 10 * 24 * 3600 + version
        entries = list(follow((*entries, Entry(version, now_s, None)), now_s=now_s))
        assert active_of(entries, now_s - 24 * 3600) == Entry(1, 0, None)
        assert active_of(entries, now_s - 1) == entries[-2]
    assert [entry.version for entry in entries] == [1, *range(296, 301)]
    later = follow(entries, now_s=now_s + 24 * 3600 + 1)
    assert [entry.version for entry in later] == [300]


def test_what_an_emergency_covers_stays_in_the_envelope() -> None:
    day = 24 * 3600
    entries = [
        Entry(1, 0, None),
        Entry(2, 5 * day, None),
        Entry(3, 9 * day, 9 * day + 3600),
        Entry(4, 20 * day, None),
    ]
    assert [e.version for e in follow(entries, now_s=9 * day + 60)] == [2, 3, 4]
    assert [e.version for e in follow(entries, now_s=10 * day)] == [2, 4]


def test_a_hundred_schedules_are_too_many(world: World, monkeypatch) -> None:
    monkeypatch.setattr("dashboard.publishing.publish.MOST_SCHEDULED", 2)
    for hours in (1, 2):
        world.published({"appeals.resolve_hours": 40 + hours}, effective_at=world.at + timedelta(hours=hours))
    change = world.approved({"appeals.resolve_hours": 60})
    with pytest.raises(WrongState, match="scheduled already"):
        world.publish(change, effective_at=world.at + timedelta(hours=3))


def test_a_service_whose_clock_is_behind_never_has_nothing_in_force(world: World) -> None:
    world.published()
    for seq in range(3):
        assert world.running(world.at - timedelta(minutes=10 * seq)) is not None
    world.rolled_back(1)
    assert world.running(world.at - timedelta(minutes=10)) == 1


def test_a_refresh_says_the_same_again_every_hour(world: World) -> None:
    world.published()
    with world.database.write() as connection:
        connection.execute(update(PolicyOutboxRow).values(state="accepted"))
        assert issue_refresh(connection, world.key, world.tick(minutes=59)) is None
        done = issue_refresh(connection, world.key, world.tick(minutes=2))
        assert done is not None
        assert issue_refresh(connection, world.key, world.tick(hours=3)) is None, "one is on its way"
    before, after = world.envelopes()[-2:]
    assert (done.seq, done.version, after.kind) == (3, 2, "refresh")
    assert after.versions == before.versions
    assert after.fresh_until_s > before.fresh_until_s


def test_a_refresh_takes_no_approval_away(world: World) -> None:
    change = world.approved()
    with world.database.write() as connection:
        connection.execute(update(PolicyOutboxRow).values(state="accepted"))
        assert issue_refresh(connection, world.key, world.tick(hours=2)) is not None
    assert world.publish(change).issued.seq == 3


def test_a_refused_envelope_is_passed_by_with_its_number(world: World) -> None:
    refused = world.published()
    with world.database.write() as connection:
        connection.execute(update(PolicyOutboxRow).where(PolicyOutboxRow.seq == 2).values(state="blocked"))
        head = read_head(connection)
    assert head is not None
    assert head.seq == 1
    done = world.published(OTHER)
    first, second, third = world.envelopes()
    assert (done.issued.seq, done.issued.version) == (3, 3)
    assert third.prev == second.prev != refused.issued.digest
    assert [entry.version for entry in third.versions] == [1, 3]
    assert first.seq == 1


def test_a_refused_change_is_overtaken_and_can_be_rebased(world: World) -> None:
    refused = world.published()
    with world.database.write() as connection:
        connection.execute(update(PolicyOutboxRow).where(PolicyOutboxRow.seq == 2).values(state="blocked"))
        block_change(connection, POLICY_ID, 2, error="422", at=world.tick())
    assert world.change(refused.change.id).state == "publish_blocked"
    world.published(OTHER)
    overtaken = world.change(refused.change.id)
    assert overtaken.state == "suspended"
    with world.database.write() as connection:
        back = rebase(
            connection, overtaken.id, overtaken.row_version, world.actor("editor"), world.tick()
        ).change
    assert (back.version, back.base.version, dict(back.edits)) == (4, 3, dict(SHORTER))


def test_a_refused_change_goes_on_when_it_is_sent_again(world: World) -> None:
    refused = world.published()
    with world.database.write() as connection:
        connection.execute(update(PolicyOutboxRow).where(PolicyOutboxRow.seq == 2).values(state="blocked"))
        block_change(connection, POLICY_ID, 2, error="422", at=world.tick())
        unblock_changes(connection, POLICY_ID, [2], actor="commander", at=world.tick())
    assert world.change(refused.change.id).state == "publishing"


def test_an_author_does_not_rebase_into_a_second_draft(world: World) -> None:
    later = world.published(OTHER, effective_at=world.at + timedelta(hours=5)).change
    mine = world.draft(SHORTER)
    world.rolled_back(1)
    suspended = world.change(later.id)
    assert suspended.state == "suspended"
    with world.database.write() as connection, pytest.raises(WrongState, match="another open change"):
        rebase(connection, suspended.id, suspended.row_version, world.actor("editor"), world.tick())
    assert world.draft({}).id == mine.id


def test_a_refused_first_envelope_is_not_passed_by(world: World) -> None:
    with world.database.write() as connection:
        connection.execute(update(PolicyOutboxRow).values(state="blocked"))
        with pytest.raises(WrongState, match="first envelope was refused"):
            install_baseline(connection, world.key, world.tick())


@pytest.fixture
def two(world: World) -> World:
    world.published()
    world.tick(hours=1)
    return world


def test_a_rollback_brings_the_old_text_back_under_a_new_seq(two: World) -> None:
    done = two.rolled_back(1)
    envelope = two.envelopes()[-1]
    assert (envelope.kind, envelope.rollback_of, envelope.seq) == ("rollback", 1, 3)
    assert [entry.version for entry in envelope.versions] == [1]
    assert canonical_json(envelope.newest.policy()) == canonical_json(load_baseline())
    assert done.change.effective_at == two.at
    assert two.running() == 1
    assert two.published(OTHER).issued.version == 3


def test_a_rollback_needs_a_second_person_too(two: World) -> None:
    change = two.roll_back(1)
    assert change.state == "in_review"
    with pytest.raises(NotAllowed, match="of their own"):
        two.approve(change, login="commander")
    approved = two.approve(change, login="commander2")
    with pytest.raises(NotAllowed, match="of their own"):
        two.publish(approved, login="commander")
    assert two.publish(approved, login="commander2").issued.kind == "rollback"


def test_a_rollback_takes_schedules_back_and_says_so(two: World) -> None:
    later = two.at + timedelta(hours=5)
    scheduled = two.published(OTHER, effective_at=later)
    two.rolled_back(2)
    assert two.change(scheduled.change.id).state == "suspended"
    assert two.running(later + timedelta(hours=1)) == 2
    with two.database.write() as connection:
        again = rebase(
            connection,
            scheduled.change.id,
            two.change(scheduled.change.id).row_version,
            two.actor("editor"),
            two.tick(),
        ).change
    assert (again.version, dict(again.edits)) == (4, OTHER)


@pytest.mark.parametrize(("version", "words"), [(2, "nothing else is scheduled"), (9, "never in force")])
def test_a_rollback_to_nowhere_is_refused(two: World, version: int, words: str) -> None:
    with pytest.raises(WrongState, match=words):
        two.roll_back(version)


def test_a_schedule_that_never_came_is_no_place_to_go_back_to(two: World) -> None:
    two.published(OTHER, effective_at=two.at + timedelta(hours=5))
    two.rolled_back(1)
    with pytest.raises(WrongState, match="never in force"):
        two.roll_back(3)


def test_a_rollback_takes_no_edit_and_no_time(two: World) -> None:
    change = two.roll_back(1)
    assert edited_document(change).policy == load_baseline()
    with pytest.raises(WrongState, match="cannot be edited"):
        two.edit(change, OTHER, login="commander")
    with pytest.raises(WrongState, match="at once"):
        two.publish(two.approve(change, login="commander2"), effective_at=two.at + timedelta(hours=1))


def test_a_day_of_many_publications_makes_no_envelope_that_is_too_large(world: World) -> None:
    for number in range(12):
        world.published({"health_code.rows.near_risk_area.hold_days": 3 + number})
    versions = [entry.version for entry in world.envelopes()[-1].versions]
    # The oldest, which holds for a clock far behind, the newest before this one, and this one.
    assert versions == [1, 9, 10, 11, 12, 13]
    assert world.running() == 13
    assert world.running(world.at - timedelta(hours=20)) == 1
