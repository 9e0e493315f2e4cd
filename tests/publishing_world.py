"""A store with the people of the demo, and short words for the steps of publishing; for tests only."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection, update

from dashboard.auth.accounts import NewAccount, add_account, list_accounts
from dashboard.auth.demo import DEMO_ACCOUNTS
from dashboard.publishing.actors import Actor
from dashboard.publishing.changes import get_change, open_draft, save_edits
from dashboard.publishing.fields import Typed
from dashboard.publishing.model import Change, Kind
from dashboard.publishing.review import approve, ask_review
from dashboard.settings import read_settings
from dashboard.store.engine import Database
from dashboard.store.models import AccountRow

AT = datetime(2022, 1, 19, 7, 30)
MORE = (
    NewAccount("editor2", "另一编辑", "Second editor", "policy_editor", ("510000",)),
    NewAccount("twin", "策略编辑", "Somebody else", "commander", ("510000",)),
)
SHORTER: Mapping[str, Typed] = {"health_code.rows.near_risk_area.hold_days": 7}


class World:
    """One store with every demo account, a second editor, and a commander who bears the editor's name."""

    def __init__(self, home: Path) -> None:
        self.settings = read_settings({"TIANFU_HOME": str(home)})
        self.database = Database(self.settings)
        self.at = AT
        with self.database.write() as connection:
            for account in (*DEMO_ACCOUNTS, *MORE):
                add_account(connection, account, password_hash="x", actor="test", at=AT)
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
                impact_digest="sha256:impact",
            )

    def approved(self, edits: Mapping[str, Typed | None] = SHORTER) -> Change:
        return self.approve(self.ask(self.draft(edits)))
