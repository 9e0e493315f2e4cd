"""Review: a second person, this very draft, the impact that was shown; whatever moves on clears it."""

from __future__ import annotations

import pytest

from dashboard.errors import InputError, TianfuError
from dashboard.publishing.actors import attempt
from dashboard.publishing.changes import get_change, list_notes
from dashboard.publishing.errors import NotAllowed, StaleChange, WrongState
from dashboard.publishing.review import approve, ask_review, comment, decline, reopen, withdraw
from dashboard.store.audit import list_audit
from tests.publishing_world import IMPACT, SHORTER, World


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path)
    yield world
    world.database.close()


def test_an_approval_binds_to_draft_base_and_impact(world: World) -> None:
    change = world.approved()
    assert (change.state, change.is_approved, change.approved_by) == ("approved", True, "commander")
    assert (change.approved_digest, change.approved_base) == (change.digest, change.base_digest)
    assert (change.impact_snapshot, change.impact_digest) == ("2022-01-19T060000Z-abc", IMPACT)


def test_an_edit_after_the_approval_clears_it(world: World) -> None:
    change = world.edit(world.approved(), {"appeals.resolve_hours": 48})
    assert (change.state, change.is_approved) == ("in_review", False)
    assert change.approver_id is change.approved_digest is change.impact_digest is None
    again = world.approve(change)
    assert again.is_approved


def test_an_approval_is_not_of_an_older_draft(world: World) -> None:
    seen = world.ask(world.draft())
    moved = world.edit(seen, {"appeals.resolve_hours": 48})
    with pytest.raises(StaleChange) as stale:
        world.approve(seen)
    assert "resolve_hours" in stale.value.since[0]
    with world.database.write() as connection, pytest.raises(StaleChange, match="not the one you looked at"):
        approve(
            connection,
            moved.id,
            moved.row_version,
            world.actor("commander"),
            world.tick(),
            draft_digest=seen.digest or "",
            impact_snapshot="s",
            impact_digest=IMPACT,
        )


@pytest.mark.parametrize(("snapshot", "impact"), [("", IMPACT), ("s", ""), ("s", "sha256:x")])
def test_an_approval_needs_the_impact(world: World, snapshot: str, impact: str) -> None:
    change = world.ask(world.draft())
    with world.database.write() as connection, pytest.raises(WrongState, match="impact"):
        approve(
            connection,
            change.id,
            change.row_version,
            world.actor("commander"),
            world.tick(),
            draft_digest=change.digest or "",
            impact_snapshot=snapshot,
            impact_digest=impact,
        )


@pytest.mark.parametrize("login", ["viewer", "editor2", "auditor", "admin", "chengdu", "wuhou"])
def test_only_a_commander_approves(world: World, login: str) -> None:
    with pytest.raises(NotAllowed, match="right to approve"):
        world.approve(world.ask(world.draft()), login=login)


def test_nobody_approves_what_they_drafted_whatever_they_become(world: World) -> None:
    change = world.ask(world.draft())
    world.set_role("editor", "commander")
    with pytest.raises(NotAllowed, match="of their own"):
        world.approve(change, login="editor")


def test_nobody_approves_what_they_edited(world: World) -> None:
    change = world.ask(world.edit(world.draft(), {"appeals.resolve_hours": 48}, login="editor2"))
    world.set_role("editor2", "commander")
    with pytest.raises(NotAllowed, match="of their own"):
        world.approve(change, login="editor2")


def test_a_second_account_of_the_same_name_is_the_same_person(world: World) -> None:
    with pytest.raises(NotAllowed, match="of their own"):
        world.approve(world.ask(world.draft()), login="twin")


def test_a_draft_that_changes_nothing_is_not_reviewed(world: World) -> None:
    with pytest.raises(WrongState, match="changes nothing"):
        world.ask(world.draft({}))


@pytest.mark.parametrize("reason", ["", "  \n", "x" * 2001, "<b>now</b>"])
def test_a_review_is_asked_for_with_a_reason_of_plain_text(world: World, reason: str) -> None:
    change = world.draft()
    with world.database.write() as connection, pytest.raises(InputError):
        ask_review(connection, change.id, change.row_version, world.actor("editor"), world.at, reason=reason)
    assert world.change(change.id) == change


def test_declining_says_why_and_the_author_may_try_again(world: World) -> None:
    change = world.approved()
    with world.database.write() as connection:
        with pytest.raises(InputError):
            decline(connection, change.id, change.row_version, world.actor("commander"), world.at, reason=" ")
        no = decline(
            connection, change.id, change.row_version, world.actor("commander2"), world.at, reason="太早"
        )
    assert (no.state, no.is_approved) == ("rejected", False)
    with world.database.write() as connection:
        back = reopen(connection, no.id, no.row_version, world.actor("editor"), world.tick())
    assert (back.state, dict(back.edits)) == ("draft", dict(SHORTER))


def test_a_declined_change_waits_while_its_author_has_another(world: World) -> None:
    change = world.ask(world.draft())
    with world.database.write() as connection:
        no = decline(
            connection, change.id, change.row_version, world.actor("commander"), world.at, reason="否"
        )
    world.draft({})
    with world.database.write() as connection, pytest.raises(WrongState, match="another open"):
        reopen(connection, no.id, no.row_version, world.actor("editor"), world.tick())


def test_the_author_takes_a_change_back(world: World) -> None:
    change = world.approved()
    with world.database.write() as connection:
        back = withdraw(connection, change.id, change.row_version, world.actor("editor"), world.tick())
    assert (back.state, back.is_approved) == ("draft", False)


def test_a_comment_makes_nobody_stale(world: World) -> None:
    change = world.ask(world.draft())
    with world.database.write() as connection:
        comment(connection, change.id, "请说明依据", world.actor("commander"), world.tick())
        comment(connection, change.id, "见附件", world.actor("editor"), world.tick())
    assert world.change(change.id) == change
    with world.database.read() as connection:
        said = [(n.actor, n.text) for n in list_notes(connection, change.id) if n.act == "comment"]
    assert said == [("commander", "请说明依据"), ("editor", "见附件")]


@pytest.mark.parametrize("login", ["viewer", "auditor", "admin"])
def test_who_does_not_take_part_does_not_comment(world: World, login: str) -> None:
    change = world.ask(world.draft())
    with world.database.write() as connection, pytest.raises(NotAllowed):
        comment(connection, change.id, "?", world.actor(login), world.at)


def test_a_refusal_is_an_audit_row_and_nothing_else(world: World) -> None:
    change = world.ask(world.draft())

    def act(connection):
        comment(connection, change.id, "half", world.actor("commander"), world.at)
        return approve(
            connection,
            change.id,
            change.row_version,
            world.actor("twin"),
            world.at,
            draft_digest=change.digest or "",
            impact_snapshot="s",
            impact_digest=IMPACT,
        )

    with pytest.raises(TianfuError, match="of their own"):
        attempt(world.database, act, actor=world.actor("twin"), at=world.at, name="approve", target=change.id)
    with world.database.read() as connection:
        last = list_audit(connection, limit=1)[0]
        assert get_change(connection, change.id) == change
        assert "half" not in [n.text for n in list_notes(connection, change.id)]
    assert (last.actor, last.action, last.object) == ("twin", "policy_refused", change.id)
    assert "NotAllowed" in last.detail
