"""The dictionary of states: complete, without dead ends, and the diagram of the manual is drawn from it."""

from __future__ import annotations

import pytest

from dashboard.publishing.errors import WrongState
from dashboard.publishing.states import (
    ACTS,
    OPEN,
    RIGHT_OF,
    STATES,
    TRANSITIONS,
    acts_from,
    draw_states,
    find_step,
)

ENDS = {"cancelled"}


def test_every_state_is_reached_and_every_act_used() -> None:
    assert {step.to for step in TRANSITIONS.values()} == set(STATES)
    assert {act for _, act in TRANSITIONS} == set(ACTS)


@pytest.mark.parametrize("state", STATES)
def test_a_state_leads_on_or_is_an_end(state) -> None:
    onward = {TRANSITIONS[state, act].to for act in acts_from(state)} - {state}
    assert bool(onward) is (state not in ENDS)


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("act", ACTS)
def test_an_act_that_is_not_in_the_dictionary_is_refused(state, act) -> None:
    if (state, act) in TRANSITIONS:
        assert find_step(state, act) is TRANSITIONS[state, act]
    else:
        with pytest.raises(WrongState, match=state):
            find_step(state, act)


def test_only_approved_or_emergency_drafts_are_published() -> None:
    ways = {key for key, step in TRANSITIONS.items() if step.to == "publishing" and key[0] != "publishing"}
    assert ways == {("approved", "publish"), ("draft", "emergency"), ("publish_blocked", "retry")}


def test_an_edit_never_keeps_the_state_approved() -> None:
    assert {step.to for (_, act), step in TRANSITIONS.items() if act == "edit"} == {"draft", "in_review"}
    assert [key for key, step in TRANSITIONS.items() if step.to == "approved" and key[1] != "comment"] == [
        ("in_review", "approve")
    ]


def test_no_act_of_a_person_is_free_of_rights() -> None:
    by_itself = {act for (_, act), step in TRANSITIONS.items() if not step.rights}
    assert by_itself == {"suspend", "activate", "supersede", "block"}


def test_an_act_takes_the_same_right_wherever_it_exists() -> None:
    assert all(RIGHT_OF[act] == step.rights for (_, act), step in TRANSITIONS.items())


def test_open_states_are_those_before_publishing() -> None:
    assert {"draft", "in_review", "approved", "suspended"} == OPEN


def test_the_diagram_names_every_state() -> None:
    drawn = draw_states()
    assert all(state in drawn for state in STATES)
