"""The board shows the policy in force: soon after it changed, and honest when it cannot be read."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from dashboard.policy.store import load_baseline
from dashboard.shell import board as boards
from dashboard.shell.policy_watch import KEPT_S, PolicyWatch
from tests.publishing_world import World
from tests.unit.test_publishing_in_force import acknowledge, poll, reply


class Clock:
    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def world(tmp_path: Path):
    world = World(tmp_path)
    world.install()
    acknowledge(world, 1)
    poll(world, reply(world))
    yield world
    world.database.close()


def test_a_new_version_is_seen_within_seconds(world: World) -> None:
    clock = Clock()
    watch = PolicyWatch(world.database, clock=lambda: world.at, monotonic=clock)
    assert (watch.read().version, watch.read().verdict) == (1, "synced")
    world.published()
    acknowledge(world, 2)
    poll(world, reply(world))
    assert watch.read().version == 1, "kept for a moment"
    clock.seconds += KEPT_S
    assert watch.read().version == 2


def test_a_publication_of_this_process_is_seen_at_once(world: World) -> None:
    watch = PolicyWatch(world.database, clock=lambda: world.at, monotonic=Clock())
    watch.read()
    world.published()
    acknowledge(world, 2)
    poll(world, reply(world))
    watch.forget()
    assert watch.read().version == 2


def test_a_store_that_cannot_be_read_keeps_the_policy_and_says_unknown(
    world: World, monkeypatch, caplog
) -> None:
    clock = Clock()
    watch = PolicyWatch(world.database, clock=lambda: world.at, monotonic=clock)
    before = watch.read()

    def broken():
        raise OperationalError("select", {}, Exception("disk I/O error"))

    monkeypatch.setattr(world.database, "read", broken)
    clock.seconds += KEPT_S
    after = watch.read()
    assert (after.policy, after.verdict, after.verdict_detail) == (before.policy, "unknown", "no_store")
    assert after.judgement.sentence("en").startswith("The store cannot be read")
    blind = PolicyWatch(world.database).read()
    assert (blind.policy, blind.verdict) == (load_baseline(), "unknown")


def test_one_thread_asks_for_all(world: World, monkeypatch) -> None:
    asked, real = [], world.database.read
    monkeypatch.setattr(world.database, "read", lambda: (asked.append(1), real())[1])
    watch = PolicyWatch(world.database, clock=lambda: world.at, monotonic=Clock())
    found: list[int] = []
    threads = [threading.Thread(target=lambda: found.append(watch.read().version)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert (found, len(asked)) == ([1] * 8, 1)


def test_the_board_works_with_what_is_in_force(world: World, monkeypatch) -> None:
    monkeypatch.setattr(boards, "_BOARDS", {})
    board = boards.configure(world.settings)
    assert boards.find_board(world.settings) is board
    world.published()
    acknowledge(world, 2)
    try:
        assert (board.policy.version, board.in_force.source) == (2, "accepted")
    finally:
        board.database.close()
