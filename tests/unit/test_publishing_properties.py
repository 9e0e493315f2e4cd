"""Whatever people do, in whatever order: the record stays whole and nothing is published by one person."""

from __future__ import annotations

import threading
from collections import Counter
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from sqlalchemy import select

from dashboard.clock import epoch_s
from dashboard.envelope.keys import Trust
from dashboard.envelope.model import active_entry
from dashboard.errors import TianfuError
from dashboard.publishing.changes import discard, list_changes, list_notes, rebase, save_edits
from dashboard.publishing.errors import StaleChange
from dashboard.publishing.model import Change
from dashboard.publishing.review import decline, reopen, withdraw
from dashboard.publishing.stand import read_head
from dashboard.publishing.states import STATES, TRANSITIONS, WORKING, acts_from, read_state
from dashboard.publishing.verify import verify_records
from dashboard.store.policy_models import PolicyNoteRow
from tests.publishing_world import World

PEOPLE = st.sampled_from(["editor", "editor2", "commander", "commander2", "twin", "admin", "viewer"])
EDITORS = st.sampled_from(["editor", "editor2", "commander"])
EDITS = st.dictionaries(
    st.sampled_from(
        ["appeals.resolve_hours", "disclosure.min_cell", "health_code.rows.close_contact.hold_days"]
    ),
    st.one_of(st.none(), st.integers(0, 40), st.just("soon")),
    min_size=1,
    max_size=2,
)
GOOD_EDITS = st.dictionaries(
    st.sampled_from(["appeals.resolve_hours", "disclosure.min_cell"]), st.integers(25, 60), min_size=1
)
PICK = st.sampled_from([0, 0, 0, 1, 2])


class Workflow(RuleBasedStateMachine):
    """People draft, approve, publish and err; after every step the record is checked as a whole."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        self.world = World(Path(self.folder.name))
        self.world.install()

    def teardown(self) -> None:
        self.world.database.close()
        self.folder.cleanup()

    def pick(self, number: int) -> Change | None:
        with self.world.database.read() as connection:
            changes = list_changes(connection)
        return changes[number % len(changes)] if changes else None

    def try_to(self, act) -> None:
        with suppress(TianfuError):  # that a refusal leaves nothing behind is what the invariants show
            act()

    @rule(login=EDITORS, edits=EDITS)
    def draft(self, login: str, edits) -> None:
        kind = "emergency" if login == "commander" else "normal"
        self.try_to(lambda: self.world.draft(edits, login=login, kind=kind))

    @rule(number=PICK, login=PEOPLE, edits=EDITS, what=st.sampled_from(["edit", "ask", "approve", "publish"]))
    def meddle(self, number: int, login: str, edits, what: str) -> None:
        """A step by anybody, at any moment: mostly refused."""
        change = self.pick(number)
        if change is None:
            return
        if what == "edit":
            self.try_to(lambda: self.world.edit(change, edits, login=login))
        else:
            self.try_to(lambda: getattr(self.world, what)(change, login=login))

    @rule(
        number=PICK,
        edits=GOOD_EDITS,
        second=st.sampled_from(["commander", "commander2"]),
        steps=st.sampled_from([3, 3, 3, 2, 1]),
        hours=st.sampled_from([None, None, 1, 30]),
    )
    def carry_on(self, number: int, edits, second: str, steps: int, hours: int | None) -> None:
        """The next steps of a change as its people would do them: walks get far only this way."""
        later = None if hours is None else self.world.at + timedelta(hours=hours)
        self.try_to(lambda: self.world.draft(edits))
        for _ in range(steps):
            change = self.pick(number)
            assert change is not None
            if change.state == "draft":
                self.try_to(lambda c=change: self.world.ask(c, login=c.author))
            elif change.state == "in_review":
                self.try_to(lambda c=change: self.world.approve(c, login=second))
            elif change.state == "approved":
                self.try_to(lambda c=change: self.world.publish(c, login=second, effective_at=later))

    @rule(login=PEOPLE, version=st.integers(1, 4))
    def roll_back(self, login: str, version: int) -> None:
        self.try_to(lambda: self.world.roll_back(version, login=login))

    @rule(login=PEOPLE, edits=EDITS)
    def emergency(self, login: str, edits) -> None:
        self.try_to(lambda: self.world.emergency(edits, login=login))

    @rule(number=PICK, login=PEOPLE, act=st.sampled_from([discard, rebase, reopen, withdraw, decline]))
    def other(self, number: int, login: str, act) -> None:
        change = self.pick(number)
        if change is None:
            return
        more = {"reason": "否"} if act is decline else {}

        def do() -> None:
            with self.world.database.write() as connection:
                act(
                    connection,
                    change.id,
                    change.row_version,
                    self.world.actor(login),
                    self.world.tick(),
                    **more,
                )

        self.try_to(do)

    @rule(
        login=st.sampled_from(["editor2", "commander2", "twin"]),
        role=st.sampled_from(["policy_editor", "commander", "viewer"]),
    )
    def change_role(self, login: str, role: str) -> None:
        self.world.set_role(login, role)

    @rule(hours=st.integers(1, 30))
    def wait(self, hours: int) -> None:
        self.world.tick(hours=hours)

    @invariant()
    def the_record_is_whole(self) -> None:
        with self.world.database.read() as connection:
            verify_records(connection, trust=Trust((self.world.key.public(),)))
            outbox = self.world.outbox()
            assert outbox == list(range(1, len(outbox) + 1))

    @invariant()
    def two_people_stand_behind_every_envelope_but_an_emergency(self) -> None:
        with self.world.database.read() as connection:
            changes = {change.id: change for change in list_changes(connection, limit=1000)}
        for envelope in self.world.envelopes()[1:]:
            assert envelope.approval is not None
            change = changes[envelope.approval.change_id]
            if envelope.kind == "emergency":
                assert envelope.approval.approved_by == ()
                assert change.review_due_at is not None
            else:
                assert change.approver_id not in (None, change.author_id, *change.editors)
                # The twin bears the editor's name: to the software they are one person.
                assert (
                    change.approved_by != "twin"
                    or self.world.actor("editor").account_id not in change.editors
                )

    @invariant()
    def something_is_in_force_at_any_time(self) -> None:
        newest = self.world.envelopes()[-1]
        for hours in (0, 1, 12, 48):
            assert active_entry(newest, epoch_s(self.world.at + timedelta(hours=hours))) is not None

    @invariant()
    def states_and_approvals_agree(self) -> None:
        with self.world.database.read() as connection:
            changes = list_changes(connection, limit=1000)
            head = read_head(connection)
            states = set(connection.execute(select(PolicyNoteRow.act)).scalars())
        assert head is not None
        for change in changes:
            assert (change.state == "approved") <= change.is_approved
            assert (change.state in ("in_review", "approved")) <= (change.base_digest == head.deciding)
        open_ones = Counter((c.author_id, c.kind) for c in changes if c.state in WORKING)
        assert max(open_ones.values(), default=0) <= 1
        assert states <= {"open", *(act for _, act in TRANSITIONS)}

    @invariant()
    def notes_walk_along_the_dictionary(self) -> None:
        with self.world.database.read() as connection:
            for change in list_changes(connection, limit=1000):
                state = read_state("draft")
                for note in list_notes(connection, change.id)[1:]:
                    assert note.act in acts_from(state), (state, note)
                    state = TRANSITIONS[state, note.act].to  # type: ignore[index]
                assert state == change.state
                assert state in STATES


TestWorkflow = Workflow.TestCase
TestWorkflow.settings = settings(
    max_examples=6,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


def test_of_two_tabs_one_saves(tmp_path) -> None:
    world = World(tmp_path)
    change, at, barrier = world.draft(), world.tick(), threading.Barrier(6)
    ends: list[str] = []

    def save(hours: int) -> None:
        barrier.wait()
        try:
            with world.database.write() as connection:
                save_edits(
                    connection,
                    change.id,
                    {"appeals.resolve_hours": hours},
                    change.row_version,
                    world.actor("editor"),
                    at,
                )
            ends.append("saved")
        except StaleChange as stale:
            ends.append("told" if "resolve_hours" in stale.since[0] else "stale")

    threads = [threading.Thread(target=save, args=(hours,)) for hours in range(40, 46)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert Counter(ends) == {"saved": 1, "told": 5}
    world.database.close()
