"""What is in force is what the rules service runs: not what was sent, and not what was hoped for."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import delete, insert, update

from dashboard.clock import epoch_s
from dashboard.envelope.model import active_entry, write_stamp
from dashboard.policy.document import digest_policy
from dashboard.policy.store import load_baseline
from dashboard.publishing.history import list_envelopes
from dashboard.publishing.in_force import InForce, in_force
from dashboard.publishing.stand import POLICY_ID
from dashboard.store.policy_models import PolicyOutboxRow, PolicyStatusRow
from tests.publishing_world import World

HOURS = timedelta(hours=1)


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path)
    yield world
    world.database.close()


def reply(world: World, *, upto: int | None = None, digest: str = "", at: datetime | None = None) -> dict:
    """The status of a service that holds our envelopes up to ``upto``."""
    envelopes = world.envelopes()[:upto]
    head, now_s = envelopes[-1], epoch_s(at or world.at)
    with world.database.read() as connection:
        row = next(e for e in list_envelopes(connection, refreshes=True) if e.seq == head.seq)
    active = active_entry(head, now_s)
    assert active is not None
    return {
        "policy_id": POLICY_ID,
        "instance": "one",
        "service_version": "1",
        "started_at_s": now_s,
        "clock": write_stamp(now_s),
        "clock_s": now_s,
        "accepted": {
            "seq": head.seq,
            "revision": head.revision,
            "digest": row.digest,
            "kind": head.kind,
            "version": head.newest.version,
            "since_s": now_s,
        },
        "active": {
            "seq": head.seq,
            "digest": row.digest,
            "version": active.version,
            "policy_digest": digest or digest_policy(active.policy()),
            "since_s": now_s,
            "expires_at_s": active.expires_at_s,
        },
        "pending": [],
        "fresh_until_s": now_s + 3600,
        "stale": False,
        "last_error": None,
    }


def poll(world: World, said: dict) -> None:
    with world.database.write() as connection:
        connection.execute(delete(PolicyStatusRow))
        connection.execute(
            insert(PolicyStatusRow).values(
                policy_id=POLICY_ID,
                polled_at=world.at,
                read_at=world.at,
                missed=0,
                reply=said,
                error="",
                drift="",
                golden_ok=True,
                golden_detail="",
            )
        )


def acknowledge(world: World, upto: int) -> None:
    with world.database.write() as connection:
        connection.execute(
            update(PolicyOutboxRow)
            .where(PolicyOutboxRow.seq <= upto)
            .values(state="accepted", accepted_at=world.at)
        )


def now(world: World, later: timedelta = timedelta(0)) -> InForce:
    with world.database.read() as connection:
        return in_force(connection, world.at + later)


def test_without_any_publication_it_is_the_baseline_and_unknown(world: World) -> None:
    found = now(world)
    assert (found.policy, found.source, found.seq, found.verdict) == (
        load_baseline(),
        "baseline",
        None,
        "unknown",
    )


def test_sent_is_not_in_force(world: World) -> None:
    world.install()
    acknowledge(world, 1)
    world.published()
    poll(world, reply(world, upto=1))
    found = now(world)
    assert (found.version, found.seq, found.source, found.verdict) == (1, 1, "service", "publishing")


def test_what_the_service_runs_is_in_force(world: World) -> None:
    world.install()
    done = world.published()
    acknowledge(world, 2)
    poll(world, reply(world))
    found = now(world)
    assert (found.version, found.seq, found.digest) == (2, 2, done.issued.digest)
    assert (found.source, found.verdict, found.effective_since) == (
        "service",
        "synced",
        world.at.replace(microsecond=0),
    )
    assert digest_policy(found.policy) == found.policy_digest


def test_a_silent_service_goes_by_the_envelope_it_acknowledged(world: World) -> None:
    world.install()
    world.published(effective_at=world.at + HOURS)
    acknowledge(world, 2)
    poll(world, reply(world))
    assert (now(world).version, now(world).verdict) == (1, "pending")
    assert [entry.version for entry in now(world).pending] == [2]
    silent = now(world, 2 * HOURS)
    assert (silent.version, silent.source, silent.verdict) == (2, "accepted", "unknown")


def test_what_was_never_acknowledged_is_not_in_force_even_when_due(world: World) -> None:
    world.install()
    acknowledge(world, 1)
    world.published()
    assert (now(world, HOURS).version, now(world, HOURS).source) == (1, "accepted")


def test_foreign_thresholds_are_never_shown_as_ours(world: World) -> None:
    world.install()
    world.published()
    acknowledge(world, 2)
    poll(world, reply(world, digest="sha256:" + "0" * 64))
    found = now(world)
    assert (found.version, found.source) == (2, "accepted")
    assert found.policy_digest != "sha256:" + "0" * 64


def test_an_emergency_says_when_it_ends(world: World) -> None:
    world.install()
    world.emergency(lasts=2 * HOURS)
    acknowledge(world, 2)
    poll(world, reply(world))
    found = now(world)
    assert found.is_emergency
    assert found.expires_at == (world.at + 2 * HOURS).replace(microsecond=0)
    assert not now(world, 3 * HOURS).is_emergency
