"""``POST /policy/act/<act>``: every step of a policy change; ``GET /policy/pulse``: whether anything moved.

The guard has asked for a session, the same origin and a CSRF token; rights, row version and state are
asked by the workflow itself, in the transaction of the act. A refusal is a sentence and an audit row.
"""

from __future__ import annotations

import logging
import re

from flask import Flask, Response, abort, jsonify
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from dashboard.components.policy_words import note_line
from dashboard.errors import TianfuError
from dashboard.i18n.catalogue import Lang, t
from dashboard.publishing.actors import attempt
from dashboard.publishing.changes import edited_document, get_change, list_notes
from dashboard.publishing.client import Outcome
from dashboard.publishing.errors import InvalidDraft, StaleChange
from dashboard.publishing.rehearse import check_rehearsal, rehearse
from dashboard.shell import policy_publishing, policy_steps
from dashboard.shell.board import Board
from dashboard.shell.desk import store_of_board
from dashboard.shell.identity import current_identity, current_lang
from dashboard.shell.policy_ask import STEPS, Ask, Done
from dashboard.shell.policy_body import read_body
from dashboard.shell.policy_impact import check_impact
from dashboard.shell.policy_pulse import read_pulse, sees_drafts
from dashboard.store.engine import Database

__all__ = ["install", "policy_publishing", "policy_steps"]

log = logging.getLogger("tianfu.policy")

CHANGE_ID = re.compile(r"[0-9a-f-]{36}")
REHEARSED = ("publish", "emergency")


def install(server: Flask, board: Board) -> None:
    """Add both routes."""

    @server.post("/policy/act/<name>")
    def act(name: str) -> tuple[Response, int]:
        if name not in STEPS:
            abort(404)
        database, clock = store_of_board()
        ask = Ask(read_body(), current_identity(), clock(), board.settings)
        # The service is asked outside of the transaction: no lock of the store waits for the network.
        tried = (
            rehearse(database, lambda connection: run(name, connection, board, ask), board.settings)
            if name in REHEARSED
            else None
        )
        try:
            done = attempt(
                database,
                lambda connection: run(name, connection, board, ask, tried),
                actor=ask.actor,
                at=ask.at,
                name=name,
                target=target_of(ask),
            )
        except TianfuError as error:
            return jsonify(refusal(error, database, ask)), error.http_status
        except OperationalError as error:
            # A full disk, a store that another process holds: the transaction is undone as a whole.
            log.warning("%s was not done, the store cannot be used: %s", name, error.orig)
            lang = current_lang()
            said = {"error": t(lang, "screen.error.store"), "todo": t(lang, "screen.error.store.todo")}
            return jsonify(said), 503
        return jsonify(answer(done, current_lang())), 200

    @server.get("/policy/pulse")
    def pulse() -> Response:
        return jsonify({"pulse": read_pulse(current_identity())})


def target_of(ask: Ask) -> str:
    """What the audit log names; of what was sent as an id only what can be one."""
    sent = str(ask.body.get("change", ""))
    return f"policy_change:{sent}" if CHANGE_ID.fullmatch(sent) else "policy:epidemic"


def run(name: str, connection: Connection, board: Board, ask: Ask, tried: Outcome | None = None) -> Done:
    """Do one step: an approval only on the impact that was shown, a publication the service would take."""
    check_rehearsal(tried)
    if name == "approve":
        check_impact(connection, board, ask)
    return STEPS[name](connection, ask)


def answer(done: Done, lang: Lang) -> dict[str, object]:
    """What the browser needs to go on: the new row version, what is wrong and changed, where to go."""
    body: dict[str, object] = {"go": dict(done.go), "dropped": done.dropped}
    if done.say:
        body["say"] = t(lang, done.say)
    if done.change is not None:
        change = done.change
        body |= {
            "change": change.id,
            "row_version": change.row_version,
            "state": change.state,
            "saved_at": f"{change.updated_at:%H:%M:%S}",
            "changed": sorted(change.edits),
            "problems": {p.path: p.text(lang) for p in edited_document(change).problems},
        }
    return body


def refusal(error: TianfuError, database: Database, ask: Ask) -> dict[str, object]:
    """The sentences of a refusal; one that came too late also names every step since, and the way on."""
    lang = current_lang()
    what, todo = error.what, error.todo
    if error.key:
        what = t(lang, error.key, **error.values)
        todo = t(lang, f"{error.key}.todo", **error.values)
    body: dict[str, object] = {"error": what, "todo": todo}
    if isinstance(error, InvalidDraft):
        body["problems"] = {p.path: p.text(lang) for p in error.problems}
    if isinstance(error, StaleChange):
        body["since"] = list(error.since)
        if sees_drafts(ask.identity):
            body |= _since(database, ask, lang)
    return body


def _since(database: Database, ask: Ask, lang: Lang) -> dict[str, object]:
    """What was done to the change after the row version that was sent, in the reader's language."""
    with database.read() as connection:
        try:
            change, seen = get_change(connection, ask.change), ask.row_version
        except TianfuError:
            return {}
        notes = [note for note in list_notes(connection, change.id) if note.row_version > seen]
    if not notes:
        return {"row_version": change.row_version}
    return {"row_version": change.row_version, "since": [note_line(lang, note) for note in notes]}
