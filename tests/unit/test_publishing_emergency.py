"""Break-glass: hard to reach, short, seen by everybody it passed by, and reviewed before the next one."""

from __future__ import annotations

from datetime import timedelta

import pytest

from dashboard.errors import InputError
from dashboard.publishing.emergency import list_due_reviews, list_told, note_read, review_emergency
from dashboard.publishing.errors import NotAllowed, StaleChange, WrongState
from dashboard.publishing.publish import publish
from dashboard.publishing.review import ask_review
from tests.publishing_world import REASON, SHORTER, World

OTHER = {"appeals.resolve_hours": 48}
HOURS = timedelta(hours=1)


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path)
    world.install()
    yield world
    world.database.close()


def review(world: World, change, login: str = "commander2", text: str = "同意"):
    with world.database.write() as connection:
        return review_emergency(connection, change.id, world.actor(login), world.tick(), text=text)


def test_it_is_in_force_at_once_and_ends_inside_the_signed_text(world: World) -> None:
    done = world.emergency(lasts=6 * HOURS)
    envelope = world.envelopes()[-1]
    assert (envelope.kind, done.change.state) == ("emergency", "publishing")
    assert envelope.newest.expires_at_s == envelope.newest.effective_at_s + 6 * 3600
    assert envelope.approval is not None
    assert (envelope.approval.approved_by, envelope.approval.reason) == ((), REASON)
    end = world.at + 6 * HOURS
    assert [world.running(t) for t in (world.at, end - timedelta(seconds=1), end)] == [2, 2, 1]


def test_everybody_who_was_passed_by_is_told(world: World) -> None:
    world.emergency()
    with world.database.write() as connection:
        told = list_told(connection, world.actor("commander2"))
        assert [(m.kind, REASON in m.detail) for m in told] == [("emergency", True)]
        assert list_told(connection, world.actor("commander")) == ()
        assert list_told(connection, world.actor("editor")) == ()
        with pytest.raises(NotAllowed):
            note_read(connection, told[0].id, world.actor("commander"), world.tick())
        note_read(connection, told[0].id, world.actor("commander2"), world.tick())
        assert list_told(connection, world.actor("commander2")) == ()


@pytest.mark.parametrize("login", ["editor", "viewer", "admin", "auditor", "wuhou"])
def test_it_takes_a_right_of_its_own(world: World, login: str) -> None:
    with pytest.raises(NotAllowed, match="right to emergency"):
        world.emergency(login=login)


@pytest.mark.parametrize("ago", [timedelta(minutes=15), timedelta(hours=5), timedelta(seconds=-1)])
def test_it_takes_a_fresh_sign_in(world: World, ago: timedelta) -> None:
    with pytest.raises(NotAllowed, match="fresh sign-in"):
        world.emergency(signed_in=ago)
    assert world.outbox() == [1]


@pytest.mark.parametrize("reason", ["", "急", "x" * 19, " " * 40, "<b>" + "x" * 40])
def test_it_takes_a_reason(world: World, reason: str) -> None:
    with pytest.raises(InputError):
        world.emergency(reason=reason)
    assert world.outbox() == [1]


@pytest.mark.parametrize(
    "lasts", [timedelta(0), -HOURS, timedelta(minutes=14), 24 * HOURS + timedelta(seconds=1)]
)
def test_it_lasts_a_day_at_most(world: World, lasts: timedelta) -> None:
    with pytest.raises(InputError, match="cannot last"):
        world.emergency(lasts=lasts)
    assert world.emergency(lasts=24 * HOURS).issued.seq == 2


def test_a_normal_draft_never_goes_this_way_nor_an_emergency_the_other(world: World) -> None:
    emergency = world.draft(SHORTER, login="commander", kind="emergency")
    with world.database.write() as connection:
        with pytest.raises(WrongState, match="reviewed afterwards"):
            ask_review(
                connection,
                emergency.id,
                emergency.row_version,
                world.actor("commander"),
                world.at,
                reason="x",
            )
        with pytest.raises(WrongState, match="no act publish"):
            publish(
                connection,
                emergency.id,
                emergency.row_version,
                world.actor("commander2"),
                world.at,
                key=world.key,
            )


def test_another_commander_cannot_use_the_draft_of_one(world: World) -> None:
    draft = world.draft(SHORTER, login="commander", kind="emergency")
    with pytest.raises(NotAllowed, match="Only commander"):
        world.edit(draft, OTHER, login="commander2")


def test_a_second_one_waits_for_an_overdue_review(world: World) -> None:
    first = world.emergency(lasts=2 * HOURS).change
    world.tick(hours=23)
    second = world.emergency(OTHER).change
    world.tick(hours=2)
    with pytest.raises(WrongState, match="overdue"):
        world.emergency({"disclosure.min_cell": 12}, login="commander2")
    with pytest.raises(NotAllowed, match="of their own"):
        review(world, first, login="commander")
    with pytest.raises(NotAllowed):
        review(world, first, login="editor")
    done = review(world, first)
    assert (done.reviewed_by, done.state) == ("commander2", first.state)
    with pytest.raises(WrongState, match="Nothing is to be reviewed"):
        review(world, first)
    assert world.emergency({"disclosure.min_cell": 12}, login="commander2").issued.seq == 4
    with world.database.read() as connection:
        due = {change.id for change in list_due_reviews(connection)}
    assert second.id in due
    assert first.id not in due


def test_it_starts_from_what_is_in_force_not_from_what_is_scheduled(world: World) -> None:
    later = world.at + 5 * HOURS
    world.published(OTHER, effective_at=later)
    done = world.emergency({"disclosure.min_cell": 12}, lasts=2 * HOURS)
    assert (done.change.base.version, done.issued.version) == (1, 3)
    assert [world.running(world.at + h * HOURS) for h in (0, 1, 2, 4, 6)] == [3, 3, 1, 1, 2]


def test_a_schedule_that_came_due_meanwhile_makes_it_stale(world: World) -> None:
    world.published(OTHER, effective_at=world.at + HOURS)
    draft = world.draft({"disclosure.min_cell": 12}, login="commander", kind="emergency")
    world.tick(hours=2)
    assert draft.base.version == 1
    with pytest.raises(StaleChange, match="moved on"):
        world.emergency({"disclosure.min_cell": 12})


def test_a_lasting_version_ends_it_and_a_rollback_too(world: World) -> None:
    world.emergency(lasts=24 * HOURS)
    world.published(OTHER)
    assert world.running() == 3
    assert world.envelopes()[-1].newest.policy().appeals.resolve_hours == 48
    world.emergency({"disclosure.min_cell": 12}, lasts=24 * HOURS)
    assert world.running() == 4
    world.rolled_back(3)
    assert world.running() == 3
