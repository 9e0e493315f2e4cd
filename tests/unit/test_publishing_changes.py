"""Drafts: one per author, saved as typed, every wrong field named, nobody's work overwritten."""

from __future__ import annotations

import pytest

from dashboard.errors import InputError
from dashboard.policy.diff import diff_policies
from dashboard.policy.store import load_baseline
from dashboard.publishing.changes import (
    discard,
    edited_document,
    list_changes,
    list_notes,
    open_draft,
    save_edits,
)
from dashboard.publishing.errors import InvalidDraft, NotAllowed, StaleChange, WrongState
from dashboard.store.audit import check_audit, list_audit
from tests.publishing_world import AT, SHORTER, World


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path)
    yield world
    world.database.close()


def kinds(change) -> dict[str, str]:
    return {problem.path: problem.kind for problem in edited_document(change).problems}


def test_a_draft_starts_from_the_baseline_where_nothing_was_published(world: World) -> None:
    change = world.draft({})
    assert (change.state, change.base, change.version) == ("draft", load_baseline(), 2)


def test_an_author_has_one_open_draft_and_another_author_their_own(world: World) -> None:
    first = world.draft()
    again = world.draft({})
    other = world.draft({}, login="editor2")
    assert (again.id, dict(again.edits)) == (first.id, dict(SHORTER))
    assert other.id != first.id


def test_what_was_typed_is_kept_and_makes_a_new_version(world: World) -> None:
    change = world.draft()
    policy = edited_document(world.change(change.id)).policy
    assert policy is not None
    assert policy.version == 2
    paths = {d.path: d.after for d in diff_policies(load_baseline(), policy)}
    assert paths.pop("health_code.rows.near_risk_area.hold_days") == 7
    assert set(paths) == {"version", "title.zh", "title.en", "notes.zh", "notes.en"}


def test_saving_the_same_again_moves_nothing(world: World) -> None:
    change = world.draft()
    assert world.edit(change, SHORTER) == change


@pytest.mark.parametrize("back", [None, 14])
def test_an_edit_is_taken_back_by_none_and_by_the_value_of_the_base(world: World, back: int | None) -> None:
    change = world.edit(world.draft(), {"health_code.rows.near_risk_area.hold_days": back})
    assert dict(change.edits) == {}


WRONG = [
    ({"appeals.resolve_hours": "72"}, {"appeals.resolve_hours": "integer"}),
    ({"appeals.resolve_hours": 72.0}, {"appeals.resolve_hours": "integer"}),
    ({"appeals.resolve_hours": True}, {"appeals.resolve_hours": "integer"}),
    ({"appeals.resolve_hours": ""}, {"appeals.resolve_hours": "integer"}),
    ({"appeals.resolve_hours": 0}, {"appeals.resolve_hours": "bounds"}),
    ({"appeals.resolve_hours": 721}, {"appeals.resolve_hours": "bounds"}),
    ({"appeals.first_reply_hours": 73}, {"appeals.first_reply_hours": "crossed"}),
    ({"risk_area.medium_min_new_cases": 52}, {"risk_area.medium_min_new_cases": "crossed"}),
    ({"risk_area.clear_days_high": 7}, {"risk_area.clear_days_high": "unequal"}),
    ({"risk_area.step_down_days": 3}, {"risk_area.step_down_days": "rule_without"}),
    ({"risk_area.high_requires_cluster": ""}, {"risk_area.high_requires_cluster": "rule_needs"}),
    ({"risk_area.high_requires_cluster": 1}, {"risk_area.high_requires_cluster": "boolean"}),
    ({"preset": "no-such-plan"}, {"preset": "choice"}),
    ({"preset": "compound-7+3", "risk_area.window_days": 9}, {"risk_area.window_days": "window_short"}),
    ({"nucleic_test.basis": "guessed"}, {"nucleic_test.basis": "choice"}),
    ({"feeds.late_after_minutes.cases": 20161}, {"feeds.late_after_minutes.cases": "bounds"}),
    ({"health_code.rows.confirmed.hold_days": ""}, {"health_code.rows.confirmed.hold_days": "hold_needed"}),
    (
        {"health_code.rows.no_risk.hold_days": 3},
        {"health_code.rows.no_risk.hold_days": "hold_without_release"},
    ),
    (
        {"health_code.rows.near_risk_area.release": "time"},
        {"health_code.rows.near_risk_area.tests_required": "tests_with_release"},
    ),
    (
        {"health_code.rows.near_risk_area.tests_required": 2},
        {"health_code.rows.near_risk_area.tests_min_gap_hours": "gap_with_tests"},
    ),
    ({"health_code.rows.confirmed.colour": "blue"}, {"health_code.rows.confirmed.colour": "choice"}),
    (
        {"health_code.rows.confirmed.colour": "green"},
        {"health_code.rows.confirmed.release": "release_with_colour"},
    ),
    ({"health_code.rows.rumour.hold_days": 3}, {"health_code.rows.rumour.hold_days": "reason"}),
    ({"health_code.rows.confirmed": "add"}, {"health_code.rows.confirmed": "reason_twice"}),
    (
        {"overrides.510100.appeals.resolve_hours": 48},
        {"overrides.510100.appeals.resolve_hours": "override_not_allowed"},
    ),
    ({"overrides.513425.appeals.resolve_hours": 48}, {"overrides.513425.appeals.resolve_hours": "area"}),
    (
        {
            "override_bounds.appeals.resolve_hours.override_min": 48,
            "override_bounds.appeals.resolve_hours.override_max": 96,
            "overrides.510100.appeals.resolve_hours": 24,
        },
        {"overrides.510100.appeals.resolve_hours": "override_outside"},
    ),
    (
        {
            "override_bounds.appeals.resolve_hours.override_min": 96,
            "override_bounds.appeals.resolve_hours.override_max": 48,
        },
        {"override_bounds.appeals.resolve_hours": "override_bounds"},
    ),
    (
        {
            "override_bounds.risk_area.step_down_days.override_min": 3,
            "override_bounds.risk_area.step_down_days.override_max": 4,
        },
        {"override_bounds.risk_area.step_down_days": "override_no_number"},
    ),
    (
        {
            "override_bounds.risk_area.window_days.override_min": 7,
            "override_bounds.risk_area.window_days.override_max": 14,
            "overrides.510100.risk_area.window_days": 7,
        },
        {
            "overrides.510100.risk_area.clear_days_high": "unequal",
            "overrides.510100.risk_area.clear_days_medium": "unequal",
        },
    ),
    ({"note.appeals.resolve_hours": "<script>alert(1)</script>"}, {"note.appeals.resolve_hours": "markup"}),
    ({"note.appeals.resolve_hours": "a\x00b"}, {"note.appeals.resolve_hours": "markup"}),
    ({"note.appeals.resolve_hours": "长" * 501}, {"note.appeals.resolve_hours": "too_long"}),
    ({"provenance.appeals.resolve_hours": 5}, {"provenance.appeals.resolve_hours": "text"}),
    ({"mark.appeals.resolve_hours": "x"}, {"mark.appeals.resolve_hours": "choice"}),
    (
        {"appeals.resolve_hours": "soon", "disclosure.min_cell": 1},
        {"appeals.resolve_hours": "integer", "disclosure.min_cell": "bounds"},
    ),
]


@pytest.mark.parametrize(("edits", "expected"), WRONG, ids=lambda value: next(iter(value)))
def test_a_wrong_field_is_kept_and_named_in_both_languages(world: World, edits, expected) -> None:
    change = world.draft(edits)
    assert dict(change.edits) == edits
    assert change.digest is None
    assert kinds(change) == expected
    for problem in edited_document(change).problems:
        assert "{" not in problem.text("zh-CN") + problem.text("en")
        assert problem.kind != "other"
    with pytest.raises(InvalidDraft) as refused:
        world.ask(change)
    assert {p.path for p in refused.value.problems} == set(expected)
    assert world.change(change.id).state == "draft"


RIGHT = [
    (
        {"preset": "compound-7+3"},
        {"risk_area.window_days": 10, "provenance.risk_area.step_down_days": "plan_compound_7_3"},
    ),
    (
        {"risk_area.window_days": 10, "risk_area.clear_days_high": 10, "risk_area.clear_days_medium": 10},
        {"risk_area.window_days": 10},
    ),
    (
        {
            "health_code.rows.visited_market": "add",
            "health_code.rows.visited_market.colour": "yellow",
            "health_code.rows.visited_market.release": "tests",
            "health_code.rows.visited_market.tests_required": 2,
            "health_code.rows.visited_market.tests_min_gap_hours": 24,
            "health_code.rows.visited_market.zh": "到过市场",
            "health_code.rows.visited_market.en": "Visited the market",
        },
        {"health_code.rows.visited_market.clause": 19, "health_code.rows.visited_market.tests_required": 2},
    ),
    ({"health_code.rows.same_coach": ""}, {"health_code.rows.same_coach.colour": None}),
    (
        {
            "override_bounds.appeals.resolve_hours.override_min": 48,
            "override_bounds.appeals.resolve_hours.override_max": 96,
            "overrides.510100.appeals.resolve_hours": 48,
        },
        {"overrides.510100.appeals.resolve_hours.value": 48},
    ),
    (
        {
            "appeals.resolve_hours": 48,
            "provenance.appeals.resolve_hours": "川疫指发〔2022〕3 号",
            "mark.appeals.resolve_hours": "p",
            "note.appeals.resolve_hours": "试行一个月，a < b",
        },
        {"appeals.resolve_hours": 48, "remarks.appeals.resolve_hours": "试行一个月，a < b"},
    ),
    (
        {"provenance.appeals.resolve_hours": "hotline_draft"},
        {"provenance.appeals.resolve_hours": "hotline_draft"},
    ),
]


@pytest.mark.parametrize(("edits", "expected"), RIGHT, ids=lambda value: next(iter(value)))
def test_right_edits_make_the_document_they_say(world: World, edits, expected) -> None:
    change = world.draft(edits)
    policy = edited_document(change).policy
    assert kinds(change) == {}
    assert policy is not None
    found = {d.path: d.after for d in diff_policies(load_baseline(), policy)}
    assert {path: found[path] for path in expected} == expected


def test_a_typed_source_is_stated_with_its_mark(world: World) -> None:
    words = "川疫指发〔2022〕3 号"
    change = world.draft({"provenance.appeals.resolve_hours": words, "mark.appeals.resolve_hours": "p"})
    policy = edited_document(change).policy
    assert policy is not None
    source = policy.source_of("appeals.resolve_hours")
    assert (source.zh, source.mark) == (words, "p")


@pytest.mark.parametrize(
    "edits",
    [
        {"risk_area.no_such": 1},
        {"risk_area": 1},
        {"__class__": 1},
        {"version": 9},
        {"sources": "x"},
        {"feeds.late_after_minutes.gossip": 5},
        {"note.version": "x"},
        {"x" * 200: 1},
        {"appeals.resolve_hours": [1]},
        {"appeals.resolve_hours": {"a": 1}},
    ],
    ids=lambda edits: next(iter(edits))[:30],
)
def test_what_is_no_edit_of_a_policy_is_refused_as_a_whole(world: World, edits) -> None:
    change = world.draft()
    with pytest.raises(InputError):
        world.edit(change, {"appeals.resolve_hours": 48, **edits})
    assert world.change(change.id) == change


def test_a_thousand_overrides_are_refused_and_nothing_is_kept(world: World) -> None:
    change = world.draft()
    many = {f"overrides.{510000 + n}.appeals.resolve_hours": 48 for n in range(1000)}
    with pytest.raises(InputError, match="at most 500"):
        world.edit(change, many)
    half = dict.fromkeys(list(many)[:400], 48)
    change = world.edit(change, half)
    with pytest.raises(InputError, match="at most 500"):
        world.edit(change, dict.fromkeys(list(many)[500:700], 48))
    assert world.change(change.id) == change


def test_the_second_tab_is_told_who_changed_what(world: World) -> None:
    seen = world.draft()
    world.edit(seen, {"appeals.resolve_hours": 48})
    with pytest.raises(StaleChange) as stale:
        world.edit(seen, {"appeals.resolve_hours": 24})
    assert stale.value.http_status == 409
    assert len(stale.value.since) == 1
    assert "editor: edit (appeals.resolve_hours: - -> 48)" in stale.value.since[0]
    assert world.change(seen.id).edits["appeals.resolve_hours"] == 48


@pytest.mark.parametrize("login", ["viewer", "commander", "auditor", "admin", "chengdu"])
def test_only_a_policy_editor_drafts(world: World, login: str) -> None:
    with pytest.raises(NotAllowed):
        world.draft({}, login=login)
    change = world.draft()
    with pytest.raises(NotAllowed):
        world.edit(change, {"appeals.resolve_hours": 48}, login=login)


def test_another_editor_may_edit_but_not_discard(world: World) -> None:
    change = world.edit(world.draft(), {"appeals.resolve_hours": 48}, login="editor2")
    assert set(change.editors) == {world.actor("editor").account_id, world.actor("editor2").account_id}
    with world.database.write() as connection, pytest.raises(NotAllowed, match="Only editor"):
        discard(connection, change.id, change.row_version, world.actor("editor2"), AT)


def test_the_right_is_that_of_the_store_not_of_the_session(world: World) -> None:
    change = world.draft()
    world.set_role("editor", "viewer")
    with pytest.raises(NotAllowed):
        world.edit(change, {"appeals.resolve_hours": 48})
    world.set_role("editor", "policy_editor")
    world.disable("editor")
    with pytest.raises(NotAllowed):
        world.edit(change, {"appeals.resolve_hours": 48})


def test_a_discarded_draft_is_over_and_a_new_one_begins(world: World) -> None:
    change = world.draft()
    with world.database.write() as connection:
        gone = discard(connection, change.id, change.row_version, world.actor("editor"), world.tick())
    assert gone.state == "cancelled"
    with pytest.raises(WrongState):
        world.edit(gone, {"appeals.resolve_hours": 48})
    assert world.draft({}).id != change.id
    with world.database.read() as connection:
        assert [c.state for c in list_changes(connection)] == ["draft", "cancelled"]


def test_every_step_is_a_note_and_an_audit_row(world: World) -> None:
    change = world.edit(world.draft(), {"appeals.resolve_hours": 48})
    with world.database.read() as connection:
        assert [n.act for n in list_notes(connection, change.id)] == ["open", "edit", "edit"]
        rows = [e.action for e in list_audit(connection) if e.object == f"policy_change:{change.id}"]
        check_audit(connection)
    assert rows == ["policy_edit", "policy_edit", "policy_open"]


def test_a_rollback_is_not_drafted(world: World) -> None:
    with world.database.write() as connection, pytest.raises(WrongState):
        open_draft(connection, world.actor("editor"), AT, kind="rollback")


def test_a_kept_text_is_bounded(world: World) -> None:
    change = world.draft({"note.appeals.resolve_hours": "x" * 100_000})
    assert len(str(change.edits["note.appeals.resolve_hours"])) == 2000
    assert kinds(change) == {"note.appeals.resolve_hours": "too_long"}


def test_an_edit_of_an_unknown_change_is_refused(world: World) -> None:
    with world.database.write() as connection, pytest.raises(Exception, match="no policy change"):
        save_edits(connection, "nothing", SHORTER, 1, world.actor("editor"), AT)
