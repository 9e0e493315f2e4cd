"""What a person with a session and a script meets: forged versions, a race, a lost right, a full disk."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count
from typing import Any

import pytest
from sqlalchemy import Engine, event, update

from dashboard.i18n.catalogue import t
from dashboard.publishing.history import list_envelopes
from dashboard.publishing.verify import verify_records
from dashboard.shell import board as boards
from dashboard.shell import policy_guard
from dashboard.store.models import AccountRow
from tests.policy_house import PolicyHouse, named

EMERGENCY = {"reason": "疫情突发，须立即收紧全省核酸检测有效期的规定", "hours": "2"}
# The house keeps what a test before this one published; each draft has to change something.
HOURS = count(100)


@pytest.fixture(scope="module")
def policy_house(tmp_path_factory: pytest.TempPathFactory) -> PolicyHouse:
    return PolicyHouse(tmp_path_factory.mktemp("attacked-home"))


@pytest.fixture
def desk(policy_house: PolicyHouse, quiet: None, monkeypatch: pytest.MonkeyPatch) -> PolicyHouse:
    monkeypatch.setitem(boards._BOARDS, "board", policy_house.board)
    monkeypatch.setattr(policy_guard, "EVERY_S", 0.0)
    return policy_house


def seqs(desk: PolicyHouse) -> list[int]:
    with desk.board.database.read() as connection:
        return [one.seq for one in list_envelopes(connection)]


def reviewed(desk: PolicyHouse) -> dict[str, Any]:
    return desk.reviewed(appeals__resolve_hours=str(next(HOURS)))


def approved(desk: PolicyHouse) -> dict[str, Any]:
    change = reviewed(desk)
    return desk.done("commander", "approve", desk.shown(change["change"]))


def emergency_draft(desk: PolicyHouse) -> dict[str, Any]:
    opened = desk.done("commander", "open", {"kind": "emergency"})
    if opened["changed"]:  # of a test before this one, and published past since
        desk.done("commander", "discard", named(opened))
        opened = desk.done("commander", "open", {"kind": "emergency"})
    edit = {"edits": {"nucleic_test.validity_hours.transport": "24"}}
    return desk.done("commander", "edit", named(opened) | edit)


@contextmanager
def role(desk: PolicyHouse, login: str, taken: str, given: str) -> Iterator[None]:
    def become(name: str) -> None:
        with desk.board.database.write() as connection:
            connection.execute(update(AccountRow).where(AccountRow.login == login).values(role=name))

    become(taken)
    try:
        yield
    finally:
        become(given)


@pytest.mark.parametrize("step", ["publish", "rebase", "emergency", "reopen", "review"])
def test_a_forged_row_version_is_refused_by_the_late_steps_too(desk: PolicyHouse, step: str) -> None:
    login, more = "commander", {}
    if step in ("publish", "rebase"):
        change, login = approved(desk), "commander2" if step == "publish" else "editor"
    elif step == "reopen":
        change = desk.done("commander", "decline", named(reviewed(desk)) | {"reason": "不足"})
        login = "editor"
    else:
        change, more = emergency_draft(desk), dict(EMERGENCY)
        if step == "review":
            change, login = desk.done("commander", "emergency", named(change) | more), "commander2"
    before = seqs(desk)
    for forged in (change["row_version"] - 1, change["row_version"] + 1, 0, 10**11):
        answer = desk.act(login, step, named(change) | more | {"reason": "x" * 20, "row_version": forged})
        assert answer.status_code == 409, (forged, answer.get_json())
        assert (desk.audit()[0].action, desk.audit()[0].actor) == ("policy_refused", login)
    assert seqs(desk) == before


def test_of_many_who_publish_at_once_one_does(desk: PolicyHouse) -> None:
    change, before = approved(desk), seqs(desk)
    with ThreadPoolExecutor(6) as hands:
        both = ["commander", "commander2"] * 3
        answers = list(hands.map(lambda login: desk.act(login, "publish", named(change)).status_code, both))
    assert sorted(answers) == [200, *[409] * 5]
    assert len(seqs(desk)) == len(before) + 1


@pytest.mark.parametrize("whose", ["commander", "commander2"], ids=["who approved", "who publishes"])
def test_a_right_that_was_taken_meanwhile_is_gone_at_once(desk: PolicyHouse, whose: str) -> None:
    """The session lives on; the right is read from the store in the transaction that publishes."""
    change, before = approved(desk), seqs(desk)
    with role(desk, whose, "viewer", "commander"):
        assert desk.act("commander2", "publish", named(change)).status_code == 403
        newest = desk.audit()[0]
        assert (newest.action, newest.actor) == ("policy_refused", "commander2")
    assert seqs(desk) == before
    assert desk.done("commander2", "publish", named(change))["state"] == "publishing"


def test_a_full_disk_publishes_nothing_and_says_so(desk: PolicyHouse) -> None:
    change, before = approved(desk), seqs(desk)
    engine: Engine = desk.board.database.engine

    def fill(connection: Any) -> None:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")

    event.listen(engine, "begin", fill)
    try:
        answer = desk.act("commander2", "publish", named(change))
    finally:
        event.remove(engine, "begin", fill)
        desk.board.database.close()  # the limit is one of the connections, and they go with it
    assert answer.status_code == 503
    assert answer.get_json()["error"] == t("zh-CN", "screen.error.store")
    assert answer.get_json()["todo"] == t("zh-CN", "screen.error.store.todo")
    assert seqs(desk) == before
    with desk.board.database.read() as connection:
        verify_records(connection, trust=None)
    assert desk.done("commander2", "publish", named(change))["state"] == "publishing"
