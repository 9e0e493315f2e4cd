"""A board on a tiny snapshot with a signed baseline, for tests of the steps of a policy change."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from werkzeug.test import TestResponse

from dashboard.clock import china_now
from dashboard.envelope.keyring import ensure_demo_keys
from dashboard.publishing.publish import install_baseline
from dashboard.snapshot.publish import publish_snapshot
from dashboard.store.audit import AuditEntry, list_audit
from tests.pages.conftest import House
from tests.pages.walk import Visitor, all_pages, cards_of, components, content
from tests.tiny import BUILT_AT, build_tiny

Json = Any


class PolicyHouse(House):
    """The board, with a browser for each person who has a part in a change."""

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        root = self.settings.snapshots
        publish_snapshot(root, build_tiny(root).id, now=BUILT_AT)
        key = ensure_demo_keys(self.settings)
        with self.board.database.write() as connection:
            install_baseline(connection, key, china_now())
        self.visitors = {
            login: self.sign_in(login)
            for login in ("viewer", "editor", "commander", "commander2", "auditor", "admin", "wuhou")
        }

    def act(self, login: str, step: str, body: object, **headers: str | None) -> TestResponse:
        """Post a step as the browser of ``login`` does; headers given as None are left out."""
        return self.send(self.visitors[login], step, body, **headers)

    def send(self, visitor: Visitor, step: str, body: object, **headers: str | None) -> TestResponse:
        usual: dict[str, str | None] = {
            "X-CSRFToken": visitor.csrf,
            "Origin": "http://localhost",
            "Sec-Fetch-Site": "same-origin",
        }
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {name: value for name, value in (usual | named).items() if value is not None}
        return visitor.client.post(f"/policy/act/{step}", json=body, headers=sent)

    def done(self, login: str, step: str, body: Mapping[str, object]) -> dict[str, Json]:
        """A step that must succeed; its answer."""
        answer = self.act(login, step, body)
        assert answer.status_code == 200, (step, answer.get_json())
        return dict(answer.get_json())

    def draft(self, **edits: object) -> dict[str, Json]:
        """A fresh draft of the editor with ``edits`` (dots written as ``__``); an open one is given up."""
        found = self.done("editor", "open", {"kind": "normal"})
        if found["state"] != "draft" or found["changed"] or found["row_version"] > 1:
            self.done("editor", "discard", {"change": found["change"], "row_version": found["row_version"]})
            found = self.done("editor", "open", {"kind": "normal"})
        if not edits:
            return found
        typed = {path.replace("__", "."): value for path, value in edits.items()}
        return self.done("editor", "edit", named(found) | {"edits": typed})

    def reviewed(self, **edits: object) -> dict[str, Json]:
        """A draft under review."""
        found = self.draft(**(edits or {"appeals__resolve_hours": "96"}))
        return self.done("editor", "ask_review", named(found) | {"reason": "缩短办结时限"})

    def shown(self, change: str, login: str = "commander") -> dict[str, Json]:
        """What the approve button on the screen of ``login`` carries."""
        page = next(page for page in all_pages() if page.key == "policy")
        card = next(card for card in cards_of(self.app, page) if card.id == "policy-side.children")
        answer = content(self.visitors[login].card(card, page, {"change": change}))
        return next(
            dict(json.loads(part["data-tf-send"]))
            for part in components(answer)
            if part.get("data-tf-act") == "approve"
        )

    def audit(self) -> tuple[AuditEntry, ...]:
        with self.board.database.read() as connection:
            return list_audit(connection, limit=20)


def named(answer: Mapping[str, Json]) -> dict[str, Json]:
    """Which change, and the row version that was seen."""
    return {"change": answer["change"], "row_version": answer["row_version"]}
