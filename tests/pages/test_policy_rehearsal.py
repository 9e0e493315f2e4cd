"""Before a publication is issued the rules service, a real one, is asked whether it would take it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from dashboard.i18n.catalogue import t
from dashboard.publishing.client import Outcome
from dashboard.publishing.history import list_envelopes
from dashboard.publishing.rehearse import rehearse
from dashboard.shell import board as boards
from dashboard.shell import policy_acts
from dashboard.store.policy_models import PolicyEnvelopeRow
from tests.policy_house import PolicyHouse, named
from tests.processes import free_port
from tests.rules_process import running_rules

HOURS = count(100)


@pytest.fixture(scope="module")
def policy_house(tmp_path_factory: pytest.TempPathFactory) -> PolicyHouse:
    return PolicyHouse(tmp_path_factory.mktemp("rehearsing-home"))


@pytest.fixture
def desk(policy_house: PolicyHouse, quiet: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[PolicyHouse]:
    monkeypatch.setitem(boards._BOARDS, "board", policy_house.board)
    before = policy_house.board.settings
    yield policy_house
    policy_house.board.settings = before


def seqs(desk: PolicyHouse) -> list[int]:
    with desk.board.database.read() as connection:
        return [one.seq for one in list_envelopes(connection)]


def ask_at(desk: PolicyHouse, url: str, token: str) -> None:
    desk.board.settings = replace(desk.board.settings, rules_url=url, rules_token=token)


def approved(desk: PolicyHouse) -> dict[str, object]:
    change = desk.reviewed(appeals__resolve_hours=str(next(HOURS)))
    return desk.done("commander", "approve", desk.shown(change["change"]))


def newest(desk: PolicyHouse) -> bytes:
    with desk.board.database.read() as connection:
        query = PolicyEnvelopeRow.__table__.select().order_by(PolicyEnvelopeRow.seq.desc())
        return bytes(connection.execute(query).first().body)


def test_a_service_that_would_take_it_is_asked_and_stores_nothing(
    desk: PolicyHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, said = seqs(desk), []

    def listen(*words: Any) -> Outcome | None:
        said.append(rehearse(*words))
        assert seqs(desk) == before  # the rehearsal left nothing behind
        return said[-1]

    monkeypatch.setattr(policy_acts, "rehearse", listen)
    with running_rules(desk.settings.home) as rules:
        assert rules.put(newest(desk), prev=None).status_code == 201
        ask_at(desk, rules.url, rules.token)
        desk.done("commander", "publish", named(approved(desk)))
        assert rules.status().accepted.seq == max(before)  # only the sender delivers
    assert said == [Outcome("accepted", "", 200)]
    assert seqs(desk) == [max(before) + 1, *before]


def test_what_the_service_would_refuse_is_not_published(desk: PolicyHouse, tmp_path: Path) -> None:
    change, before = approved(desk), seqs(desk)
    with running_rules(tmp_path / "stranger") as rules:  # it trusts keys of its own
        ask_at(desk, rules.url, rules.token)
        answer = desk.act("commander", "publish", named(change))
    assert answer.status_code == 409
    assert answer.get_json()["todo"] == t("zh-CN", "publishing.error.rehearsal.todo")
    assert "403" in answer.get_json()["error"]
    assert seqs(desk) == before
    assert desk.audit()[0].action == "policy_refused"
    # Nothing of the change was lost: with the right service it goes.
    ask_at(desk, f"http://127.0.0.1:{free_port()}", rules.token)
    desk.done("commander", "publish", named(change))


def test_a_service_that_is_away_holds_nobody_up(desk: PolicyHouse) -> None:
    change, before = approved(desk), seqs(desk)
    ask_at(desk, f"http://127.0.0.1:{free_port()}", "any-token")
    desk.done("commander", "publish", named(change))
    assert len(seqs(desk)) == len(before) + 1
