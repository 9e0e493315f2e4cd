"""A store with the people of the demo, and short words for the steps of publishing; for tests only."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import Connection, select, update

from dashboard.auth.accounts import NewAccount, add_account, list_accounts
from dashboard.auth.demo import DEMO_ACCOUNTS
from dashboard.clock import epoch_s
from dashboard.envelope.jws import open_envelope
from dashboard.envelope.keys import SigningKey, Trust, make_signing_key
from dashboard.envelope.model import Envelope, active_entry
from dashboard.publishing.actors import Actor
from dashboard.publishing.changes import get_change, open_draft, save_edits
from dashboard.publishing.emergency import publish_emergency
from dashboard.publishing.fields import Typed
from dashboard.publishing.issue import Issued
from dashboard.publishing.model import Change, Kind
from dashboard.publishing.publish import Published, install_baseline, publish
from dashboard.publishing.review import approve, ask_review
from dashboard.publishing.rollback import open_rollback
from dashboard.settings import read_settings
from dashboard.store.engine import FILE, Database
from dashboard.store.models import AccountRow
from dashboard.store.policy_models import PolicyEnvelopeRow, PolicyOutboxRow

AT = datetime(2022, 1, 19, 7, 30)
MORE = (
    NewAccount("editor2", "另一编辑", "Second editor", "policy_editor", ("510000",)),
    NewAccount("twin", "策略编辑", "Somebody else", "commander", ("510000",)),
)
REASON = "风险突然上升，须立即收紧，来不及等待第二人批准。"
IMPACT = "sha256:" + "5a" * 32
SHORTER: Mapping[str, Typed] = {"health_code.rows.near_risk_area.hold_days": 7}


@cache
def _store_with_people() -> bytes:
    """The file of a store with the accounts; made once, since the tables take most of the time."""
    with TemporaryDirectory() as folder:
        database = Database(read_settings({"TIANFU_HOME": folder}))
        with database.write() as connection:
            for account in (*DEMO_ACCOUNTS, *MORE):
                add_account(connection, account, password_hash="x", actor="test", at=AT)
        database.close()
        return (Path(folder) / FILE).read_bytes()


class World:
    """One store with every demo account, a second editor, and a commander who bears the editor's name."""

    def __init__(self, home: Path) -> None:
        self.settings = read_settings({"TIANFU_HOME": str(home)})
        home.mkdir(parents=True, exist_ok=True)
        (home / FILE).write_bytes(_store_with_people())
        self.database = Database(self.settings)
        self.key: SigningKey = make_signing_key()
        self.at = AT
        with self.database.read() as connection:
            self._actors = {
                one.login: Actor(one.id, one.login, one.role) for one in list_accounts(connection)
            }

    def actor(self, login: str) -> Actor:
        return self._actors[login]

    def tick(self, **span: float) -> datetime:
        """Let time pass, a second by default."""
        self.at += timedelta(**(span or {"seconds": 1}))
        return self.at

    def set_role(self, login: str, role: str) -> None:
        with self.database.write() as connection:
            connection.execute(update(AccountRow).where(AccountRow.login == login).values(role=role))

    def disable(self, login: str) -> None:
        with self.database.write() as connection:
            connection.execute(
                update(AccountRow).where(AccountRow.login == login).values(disabled_at=self.at)
            )

    def change(self, change_id: str) -> Change:
        with self.database.read() as connection:
            return get_change(connection, change_id)

    def draft(
        self, edits: Mapping[str, Typed | None] = SHORTER, *, login: str = "editor", kind: Kind = "normal"
    ) -> Change:
        with self.database.write() as connection:
            change = open_draft(connection, self.actor(login), self.tick(), kind=kind)
            return self.edit(change, edits, login=login, connection=connection)

    def edit(
        self,
        change: Change,
        edits: Mapping[str, Typed | None],
        *,
        login: str = "editor",
        connection: Connection | None = None,
    ) -> Change:
        if connection is None:
            with self.database.write() as own:
                return self.edit(change, edits, login=login, connection=own)
        return save_edits(connection, change.id, edits, change.row_version, self.actor(login), self.tick())

    def ask(self, change: Change, *, login: str = "editor") -> Change:
        with self.database.write() as connection:
            return ask_review(
                connection, change.id, change.row_version, self.actor(login), self.tick(), reason="试行缩短"
            )

    def approve(self, change: Change, *, login: str = "commander") -> Change:
        with self.database.write() as connection:
            return approve(
                connection,
                change.id,
                change.row_version,
                self.actor(login),
                self.tick(),
                draft_digest=change.digest or "",
                impact_snapshot="2022-01-19T060000Z-abc",
                impact_digest=IMPACT,
            )

    def install(self) -> Issued:
        with self.database.write() as connection:
            issued = install_baseline(connection, self.key, self.tick())
        assert issued is not None
        return issued

    def publish(
        self, change: Change, *, login: str = "commander2", effective_at: datetime | None = None
    ) -> Published:
        with self.database.write() as connection:
            return publish(
                connection,
                change.id,
                change.row_version,
                self.actor(login),
                self.tick(),
                key=self.key,
                effective_at=effective_at,
            )

    def published(
        self, edits: Mapping[str, Typed | None] = SHORTER, *, effective_at: datetime | None = None
    ) -> Published:
        return self.publish(self.approved(edits), effective_at=effective_at)

    def roll_back(self, version: int, *, login: str = "commander") -> Change:
        with self.database.write() as connection:
            return open_rollback(connection, version, self.actor(login), self.tick(), reason="退回")

    def rolled_back(self, version: int) -> Published:
        return self.publish(self.approve(self.roll_back(version), login="commander2"), login="commander2")

    def emergency(
        self,
        edits: Mapping[str, Typed | None] = SHORTER,
        *,
        login: str = "commander",
        reason: str = REASON,
        lasts: timedelta = timedelta(hours=6),
        signed_in: timedelta = timedelta(minutes=2),
    ) -> Published:
        change = self.draft(edits, login=login, kind="emergency")
        with self.database.write() as connection:
            return publish_emergency(
                connection,
                change.id,
                change.row_version,
                self.actor(login),
                self.tick(),
                key=self.key,
                reason=reason,
                lasts=lasts,
                signed_in_at=self.at - signed_in,
            )

    def envelopes(self) -> list[Envelope]:
        """Every envelope as the rules service would open it, in order."""
        trust = Trust((self.key.public(),))
        with self.database.read() as connection:
            bodies = connection.execute(
                select(PolicyEnvelopeRow.body).order_by(PolicyEnvelopeRow.seq)
            ).scalars()
            return [open_envelope(body, trust, now_s=epoch_s(self.at)) for body in bodies]

    def outbox(self) -> list[int]:
        with self.database.read() as connection:
            return list(
                connection.execute(select(PolicyOutboxRow.seq).order_by(PolicyOutboxRow.id)).scalars()
            )

    def running(self, at: datetime | None = None) -> int | None:
        """The version a rules service that holds the newest envelope has in force."""
        entry = active_entry(self.envelopes()[-1], epoch_s(at or self.at))
        return entry.version if entry else None

    def approved(self, edits: Mapping[str, Typed | None] = SHORTER) -> Change:
        return self.approve(self.ask(self.draft(edits)))
