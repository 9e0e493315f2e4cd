"""Every step of a policy change posted by hand: by nobody, by the wrong role, forged, twice, out of order."""

from __future__ import annotations

from typing import Any

import pytest

from dashboard.i18n.catalogue import t
from dashboard.publishing.history import list_envelopes
from dashboard.shell import board as boards
from dashboard.shell import policy_guard
from dashboard.shell.policy_ask import STEPS
from tests.pages.walk import Visitor, all_pages, cards_of, content, texts, with_class
from tests.policy_house import PolicyHouse, named

WHO = {  # the roles among those of the house that may try a step at all
    "open": {"editor"},
    "edit": {"editor"},
    "add_reason": {"editor"},
    "add_bounds": {"editor"},
    "add_override": {"editor"},
    "rebase": {"editor"},
    "discard": {"editor"},
    "ask_review": {"editor"},
    "withdraw": {"editor"},
    "reopen": {"editor"},
    "comment": {"editor", "commander", "commander2"},
    "approve": {"commander", "commander2"},
    "decline": {"commander", "commander2"},
    "publish": {"commander", "commander2"},
    "emergency": {"editor"},  # may author this change, but it is no emergency: another refusal
    "review": {"commander", "commander2"},
    "rollback": {"editor", "commander", "commander2"},
    "read": set(),
    "send_again": {"commander", "commander2"},
}
MORE: dict[str, dict[str, object]] = {
    "edit": {"edits": {"appeals.resolve_hours": "120"}},
    "add_reason": {"reason_code": "test_reason", "zh": "试", "en": "Test"},
    "add_bounds": {"path": "appeals.resolve_hours", "override_min": "48", "override_max": "96"},
    "add_override": {"area": "510100", "path": "appeals.resolve_hours", "value": "60"},
    "comment": {"text": "请说明依据"},
    "ask_review": {"reason": "理由"},
    "approve": {"draft_digest": "sha256:x", "impact_snapshot": "", "impact_digest": ""},
    "decline": {"reason": "依据不足"},
    "emergency": {"reason": "疫情突发，须立即收紧全省核酸检测有效期的规定", "hours": "2"},
    "review": {"reason": "已复核"},
    "rollback": {"version": "1", "reason": "恢复"},
    "read": {"alert": 10**6},
    "open": {"kind": "normal"},
}
FROM_ELSEWHERE: dict[str, dict[str, str | None]] = {
    "no token": {"X_CSRFToken": None},
    "empty token": {"X_CSRFToken": ""},
    "another origin": {"Origin": "https://evil.example"},
    "another site": {"Sec_Fetch_Site": "cross-site"},
}


@pytest.fixture(scope="module")
def policy_house(tmp_path_factory: pytest.TempPathFactory) -> PolicyHouse:
    return PolicyHouse(tmp_path_factory.mktemp("policy-home"))


@pytest.fixture
def desk(policy_house: PolicyHouse, quiet: None, monkeypatch: pytest.MonkeyPatch) -> PolicyHouse:
    monkeypatch.setitem(boards._BOARDS, "board", policy_house.board)
    monkeypatch.setattr(policy_guard, "EVERY_S", 0.0)
    return policy_house


def seqs(desk: PolicyHouse) -> list[int]:
    with desk.board.database.read() as connection:
        return [one.seq for one in list_envelopes(connection)]


def body(step: str, change: dict[str, Any]) -> dict[str, object]:
    return {**named(change), **MORE.get(step, {})}


def test_the_table_of_rights_names_every_step(desk: PolicyHouse) -> None:
    assert WHO.keys() == STEPS.keys()


def test_nobody_does_a_step(desk: PolicyHouse) -> None:
    change = desk.draft()
    for step in STEPS:
        answer = desk.send(Visitor(desk.app), step, body(step, change), X_CSRFToken="x" * 43)
        assert answer.status_code == 401, step
        assert set(answer.get_json()) == {"error", "todo"}
    assert desk.visitors["viewer"].get("/policy/pulse").status_code == 200
    assert Visitor(desk.app).get("/policy/pulse", Accept="application/json").status_code == 401
    newest = desk.audit()[0]
    assert (newest.action, newest.actor) == ("policy_refused", "-")
    assert '"status":401' in newest.detail


@pytest.mark.parametrize("case", FROM_ELSEWHERE)
def test_no_step_from_elsewhere(desk: PolicyHouse, case: str) -> None:
    change = desk.draft()
    for step in STEPS:
        answer = desk.act("editor", step, body(step, change), **FROM_ELSEWHERE[case])
        assert answer.status_code == 403, step
    other = {"X_CSRFToken": desk.visitors["commander"].csrf}
    assert desk.act("editor", "discard", named(change), **other).status_code == 403
    assert any(row.action == "policy_refused" and '"status":403' in row.detail for row in desk.audit())
    assert desk.done("editor", "open", {})["change"] == change["change"], "it was not touched"


@pytest.mark.parametrize("step", WHO)
def test_a_step_of_somebody_else_is_refused_and_noted(desk: PolicyHouse, step: str) -> None:
    change = desk.draft()
    for login in desk.visitors.keys() - WHO[step]:
        if step == "open" and login.startswith("commander"):
            continue  # shown below: a commander drafts emergencies only
        answer = desk.act(login, step, body(step, change))
        assert answer.status_code == 403, (step, login, answer.get_json())
        newest = desk.audit()[0]
        assert (newest.action, newest.actor) == ("policy_refused", login), step
        assert f'"act":"{step}"' in newest.detail
    assert desk.done("editor", "open", {})["row_version"] == change["row_version"]


def test_a_commander_drafts_no_normal_change(desk: PolicyHouse) -> None:
    assert desk.act("commander", "open", {"kind": "normal"}).status_code == 403
    assert desk.act("commander", "open", {"kind": "rollback"}).status_code == 400


STALE = ("edit", "add_reason", "add_bounds", "add_override", "ask_review", "discard")
STALE_IN_REVIEW = ("approve", "decline", "withdraw")


@pytest.mark.parametrize("step", [*STALE, *STALE_IN_REVIEW])
def test_a_forged_row_version_is_refused(desk: PolicyHouse, step: str) -> None:
    if step in STALE:
        change = desk.draft(appeals__resolve_hours="96")
        login = "editor"
    else:
        change = desk.reviewed()
        login = "editor" if step == "withdraw" else "commander"
    for forged in (change["row_version"] - 1, change["row_version"] + 1, 0, 10**11):
        answer = desk.act(login, step, body(step, change) | {"row_version": forged})
        assert answer.status_code == 409, (step, forged, answer.get_json())
        assert answer.get_json()["row_version"] == change["row_version"]
        assert desk.audit()[0].action == "policy_refused"
    for unreadable in ("x", None, 1.5, -1, True, [1], "9" * 400):
        answer = desk.act(login, step, body(step, change) | {"row_version": unreadable})
        assert answer.status_code == 400, (step, unreadable)
    assert desk.done("editor", "open", {})["row_version"] == change["row_version"]


def test_refusals_of_the_guard_do_not_fill_the_log(
    desk: PolicyHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policy_guard, "EVERY_S", 3600.0)
    nobody, before = Visitor(desk.app), len(desk.audit())
    newest = desk.audit()[0].id
    for _ in range(20):
        assert desk.send(nobody, "publish", {}, X_CSRFToken="x").status_code == 401
    assert before
    assert desk.audit()[0].id <= newest + 1


def test_a_body_that_is_no_object_is_refused(desk: PolicyHouse) -> None:
    for step in STEPS:
        for given in ([], "x", 7, None, [[]]):
            assert desk.act("editor", step, given).status_code == 400, (step, given)
    visitor = desk.visitors["editor"]
    headers = {"X-CSRFToken": visitor.csrf, "Content-Type": "application/json"}
    for raw in (b"", b"{", b"\xff", b"[" * 100_000):
        assert visitor.client.post("/policy/act/edit", data=raw, headers=headers).status_code == 400
    assert desk.act("editor", "nothing", {}).status_code == 404
    assert desk.act("editor", "edit", {"change": "x" * 5000, "row_version": 1}).status_code == 400
    assert desk.act("editor", "discard", {"change": "\ud800", "row_version": 1}).status_code == 400
    assert desk.act("editor", "discard", {"change": "no-such", "row_version": 1}).status_code == 404


BAD_INPUT: tuple[tuple[str, object, str], ...] = (
    ("appeals.resolve_hours", "0", "bounds"),
    ("appeals.resolve_hours", "721", "bounds"),
    ("appeals.resolve_hours", "7.5", "integer"),
    ("appeals.resolve_hours", "七天", "integer"),
    ("appeals.first_reply_hours", "100", "crossed"),
    ("risk_area.medium_min_new_cases", "60", "crossed"),
    ("note.appeals.resolve_hours", "<script>alert(1)</script>", "markup"),
    ("overrides.512900.appeals.resolve_hours", "48", "area"),
    ("health_code.rows.no_such_reason.hold_days", "7", "reason"),
    ("health_code.rows.close_contact.colour", "blue", "choice"),
)


@pytest.mark.parametrize(("path", "value", "kind"), BAD_INPUT)
def test_bad_input_is_kept_and_answered_at_the_field(
    desk: PolicyHouse, path: str, value: object, kind: str
) -> None:
    change = desk.draft()
    answer = desk.done("editor", "edit", named(change) | {"edits": {path: value}})
    assert answer["problems"], path
    said = answer["problems"].get(path) or " ".join(answer["problems"].values())
    beginning = t("zh-CN", f"publishing.problem.{kind}").partition("{")[0]
    assert said.startswith(beginning), said
    assert path in answer["changed"], "what was typed is not thrown away"
    refused = desk.act("editor", "ask_review", named(answer) | {"reason": "理由"})
    assert refused.status_code == 422
    assert refused.get_json()["problems"]


def test_what_no_editor_would_send_changes_nothing(desk: PolicyHouse) -> None:
    change = desk.draft(appeals__resolve_hours="96")
    thousand = {f"overrides.51{n:04d}.appeals.resolve_hours": 48 for n in range(1000)}
    for edits in ({"risk_area.nonsense": 1}, {"__class__": 1}, thousand, {"a" * 5000: 1}):
        mixed = {"appeals.resolve_hours": "48", **edits}
        answer = desk.act("editor", "edit", named(change) | {"edits": mixed})
        assert answer.status_code == 400
    for value in ([1], {"a": 1}):
        answer = desk.act("editor", "edit", named(change) | {"edits": {"appeals.resolve_hours": value}})
        assert answer.status_code == 400
    again = desk.done("editor", "open", {})
    assert (again["row_version"], again["changed"]) == (change["row_version"], ["appeals.resolve_hours"])


def test_two_tabs_are_told_who_what_and_when_and_may_go_on(desk: PolicyHouse) -> None:
    change = desk.draft(appeals__resolve_hours="96")
    first = desk.done("editor", "edit", named(change) | {"edits": {"appeals.backlog_days_warn": "10"}})
    # The same once more from the older tab is acknowledged: it was left in the middle of saving.
    same = desk.done("editor", "edit", named(change) | {"edits": {"appeals.backlog_days_warn": "10"}})
    assert same["row_version"] == first["row_version"]
    refused = desk.act("editor", "edit", named(change) | {"edits": {"appeals.resolve_hours": "80"}})
    said = refused.get_json()
    assert refused.status_code == 409
    assert len(said["since"]) == 1
    assert "editor" in said["since"][0]
    assert t("zh-CN", "policy.appeals.backlog_days_warn") in said["since"][0]
    mine = named(change) | {"row_version": said["row_version"], "edits": {"appeals.resolve_hours": "80"}}
    answer = desk.done("editor", "edit", mine)
    assert answer["changed"] == ["appeals.backlog_days_warn", "appeals.resolve_hours"]


def test_an_edit_to_the_value_in_force_is_no_edit(desk: PolicyHouse) -> None:
    change = desk.draft(appeals__resolve_hours="96")
    answer = desk.done("editor", "edit", named(change) | {"edits": {"appeals.resolve_hours": "72"}})
    assert answer["changed"] == []


def test_an_approval_is_of_the_impact_on_screen(desk: PolicyHouse) -> None:
    change = desk.reviewed()
    shown = desk.shown(change["change"])
    assert shown["row_version"] == change["row_version"]
    for name in ("draft_digest", "impact_digest"):
        answer = desk.act("commander", "approve", shown | {name: "sha256:" + "0" * 64})
        assert answer.status_code == 409, name
    assert desk.act("commander", "approve", shown | {"impact_snapshot": "../.."}).status_code in (400, 404)
    assert desk.act("commander", "approve", shown | {"impact_digest": ""}).status_code == 409
    assert desk.act("editor", "approve", shown).status_code == 403
    approved = desk.done("commander", "approve", shown)
    assert approved["state"] == "approved"
    # An edit clears it.
    edit = named(approved) | {"edits": {"appeals.resolve_hours": "90"}}
    edited = desk.done("editor", "edit", edit)
    assert edited["state"] == "in_review"
    assert desk.act("commander2", "publish", named(edited)).status_code == 409


def test_published_once_however_often_it_is_clicked(desk: PolicyHouse) -> None:
    before = seqs(desk)
    change = desk.reviewed(appeals__answer_within_seconds="20")
    approved = desk.done("commander", "approve", desk.shown(change["change"]))
    assert desk.act("editor", "publish", named(approved)).status_code == 403
    published = desk.done("commander2", "publish", named(approved) | {"effective_at": ""})
    assert published["state"] == "publishing"
    for login in ("commander", "commander2"):
        assert desk.act(login, "publish", named(approved)).status_code == 409
        assert desk.act(login, "publish", named(published)).status_code == 409
    assert len(seqs(desk)) == len(before) + 1


def test_a_time_gone_by_is_refused(desk: PolicyHouse) -> None:
    change = desk.reviewed(appeals__answer_within_seconds="25")
    approved = desk.done("commander", "approve", desk.shown(change["change"]))
    for moment, status in (
        ("2020-01-01T00:00", 409),
        ("yesterday", 400),
        ("2099-01-01T00:00", 409),
        ("2026-01-01T00:00+08:00", 400),
    ):
        answer = desk.act("commander", "publish", named(approved) | {"effective_at": moment})
        assert answer.status_code == status, (moment, answer.get_json())
    assert desk.done("editor", "open", {})["state"] == "approved"


def test_a_page_is_drawn_with_the_pulse_it_knows(desk: PolicyHouse) -> None:
    """What moves between the drawing and the first question after it must be noticed as moved."""
    page = next(page for page in all_pages() if page.key == "policy")

    def drawn() -> str:
        return desk.visitors["editor"].open(page.path).get_data(as_text=True)

    def pulse() -> str:
        return str(desk.visitors["editor"].get("/policy/pulse").get_json()["pulse"])

    before = pulse()
    assert f'"data-tf-pulse":"{before}"' in drawn()
    desk.draft(appeals__resolve_hours="96")
    assert pulse() != before
    assert before not in drawn()
    assert pulse() in drawn()


def test_drafts_are_no_business_of_a_viewer(desk: PolicyHouse) -> None:
    change = desk.draft(appeals__resolve_hours="97")
    pulse = desk.visitors["viewer"].get("/policy/pulse").get_json()
    desk.done("editor", "edit", named(change) | {"edits": {"appeals.resolve_hours": "98"}})
    assert desk.visitors["viewer"].get("/policy/pulse").get_json() == pulse
    page = next(page for page in all_pages() if page.key == "policy")
    for card in cards_of(desk.app, page):
        for words in ({}, {"view": "impact"}, {"view": "history"}):
            assert change["change"] not in desk.visitors["viewer"].card(card, page, words).get_data(
                as_text=True
            )
        asked = content(desk.visitors["viewer"].card(card, page, {"change": change["change"]}))
        assert with_class(asked, "tf-state-error") or not list(texts(asked)), card.id
    assert change["change"] not in desk.visitors["viewer"].open("/policy").get_data(as_text=True)
    answer = desk.act("viewer", "edit", named(change) | {"edits": {"appeals.resolve_hours": "98"}})
    assert answer.status_code == 403
    assert "since" not in answer.get_json()


def test_an_emergency_needs_its_own_right_reason_and_time(desk: PolicyHouse) -> None:
    opened = desk.done("commander", "open", {"kind": "emergency"})
    edits = {"edits": {"nucleic_test.validity_hours.transport": "24"}}
    draft = desk.done("commander", "edit", named(opened) | edits)
    ask = named(draft) | MORE["emergency"]
    for changed in ({"reason": "急"}, {"hours": "0"}, {"hours": "25"}, {"hours": "x"}):
        assert desk.act("commander", "emergency", ask | changed).status_code == 400, changed
    assert desk.act("commander2", "emergency", ask).status_code == 403
    published = desk.done("commander", "emergency", ask)
    assert published["state"] == "publishing"
    # The author does not review it; the other one does, once.
    assert desk.act("commander", "review", named(published) | {"reason": "好"}).status_code == 403
    reviewed = desk.done("commander2", "review", named(published) | {"reason": "必要且适度"})
    assert desk.act("commander2", "review", named(reviewed) | {"reason": "再"}).status_code == 409
