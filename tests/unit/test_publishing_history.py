"""What was in force when, reckoned from the envelopes."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest

from dashboard.errors import PolicyError
from dashboard.publishing.history import compare_versions, list_envelopes, list_marks, list_spells
from tests.publishing_world import AT, SHORTER, World

HOURS = timedelta(hours=1)


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path)
    world.install()
    yield world
    world.database.close()


def spells(world: World) -> list[tuple[int, str]]:
    with world.database.read() as connection:
        return [(spell.version, spell.kind) for spell in list_spells(connection, world.at)]


def test_the_baseline_held_before_it_was_installed(world: World) -> None:
    with world.database.read() as connection:
        (spell,) = list_spells(connection, world.at)
    assert (spell.version, spell.since, spell.until) == (1, datetime(2021, 1, 1), None)


def test_spells_follow_schedules_emergencies_and_rollbacks(world: World) -> None:
    world.published()
    published_at = world.at
    world.tick(hours=1)
    world.emergency({"disclosure.min_cell": 12}, lasts=2 * HOURS)
    emergency_at = world.at
    world.tick(hours=5)
    world.published({"appeals.resolve_hours": 48}, effective_at=world.at + HOURS)
    world.tick(hours=3)
    world.rolled_back(1)
    rolled_at = world.at
    assert spells(world) == [
        (1, "normal"),
        (2, "normal"),
        (3, "emergency"),
        (2, "end"),
        (4, "normal"),
        (1, "rollback"),
    ]
    with world.database.read() as connection:
        found = list_spells(connection, world.at)
        marks = list_marks(connection, AT.date(), AT.date(), at=world.at)
        assert list_marks(connection, date(2022, 1, 21), date(2022, 1, 22), at=world.at) == ()
    assert (found[1].since, found[1].until) == (published_at, emergency_at)
    assert found[2].until == found[3].since == emergency_at + 2 * HOURS
    assert found[-1].since == rolled_at
    assert [(m.before, m.version, m.kind) for m in marks] == [
        (1, 2, "normal"),
        (2, 3, "emergency"),
        (3, 2, "end"),
        (2, 4, "normal"),
        (4, 1, "rollback"),
    ]


def test_a_schedule_that_was_taken_back_was_never_in_force(world: World) -> None:
    world.published(effective_at=world.at + 5 * HOURS)
    world.rolled_back(1)
    world.tick(hours=9)
    assert spells(world) == [(1, "normal")]


def test_what_is_to_come_is_named_too(world: World) -> None:
    world.published(effective_at=world.at + 5 * HOURS)
    assert spells(world) == [(1, "normal"), (2, "normal")]


def test_envelopes_tell_who_and_why(world: World) -> None:
    done = world.published()
    with world.database.read() as connection:
        newest, first = list_envelopes(connection)
    assert (newest.seq, newest.drafted_by, newest.approved_by, newest.reason) == (
        2,
        "editor",
        "commander",
        "试行缩短",
    )
    assert (newest.delivery, newest.change_id, newest.prev) == ("waiting", done.change.id, first.digest)
    assert (first.drafted_by, first.kind, first.effective_at) == (None, "normal", datetime(2021, 1, 1))


def test_any_two_versions_are_compared(world: World) -> None:
    world.published()
    world.published({"appeals.resolve_hours": 48})
    with world.database.read() as connection:
        paths = {d.path: (d.before, d.after) for d in compare_versions(connection, 3, 1)}
        with pytest.raises(PolicyError, match="never published"):
            compare_versions(connection, 1, 9)
    assert paths["appeals.resolve_hours"] == (48, 72)
    assert paths[next(iter(SHORTER))] == (7, 14)
