"""``POST /snapshots/serve``: an administrator makes the board serve another stored snapshot.

The body is ``{"snapshot": "<id>"}``; the guard has looked at session, origin and CSRF token before.
"""

from __future__ import annotations

from flask import Flask, Response, current_app, jsonify, request

from dashboard.auth.rights import check
from dashboard.errors import NotPermitted, SnapshotInvalid
from dashboard.i18n.catalogue import t
from dashboard.shell.board import get_board
from dashboard.shell.identity import current_identity, current_lang
from dashboard.shell.security import current_desk
from dashboard.snapshot.files import disk_trouble
from dashboard.snapshot.history import read_current, switch_current
from dashboard.snapshot.lock import hold_lock
from dashboard.snapshot.manifest import SNAPSHOT_ID, Manifest
from dashboard.snapshot.publish import read_checked
from dashboard.store.audit import append_audit


def install(server: Flask) -> None:
    """Add the route; every refusal is answered with what happened and what to do."""

    @server.post("/snapshots/serve")
    def serve() -> Response:
        body = request.get_json(silent=True)
        asked = body.get("snapshot") if isinstance(body, dict) else None
        snapshot_id = asked if isinstance(asked, str) else ""
        manifest = serve_snapshot(snapshot_id)
        key = "feeds.snapshots.done" if manifest else "feeds.snapshots.same"
        return jsonify({"said": t(current_lang(), key, id=snapshot_id), "snapshot": snapshot_id})


def serve_snapshot(snapshot_id: str) -> Manifest | None:
    """Serve ``snapshot_id`` from now on and return its manifest; None when it is served already.

    All its files are hashed first. The audit row is written in a transaction that ends with the switch, so
    neither is there without the other. Raises ``NotPermitted``, which is written down too,
    ``SnapshotNotFound``, ``SnapshotInvalid`` (also for a board on an object store), ``BuildBusy`` while a
    build runs, and ``StorageError`` for a folder this process may not write.
    """
    identity, board = current_identity(), get_board()
    desk, target = current_desk(current_app), f"snapshot:{_named(snapshot_id)}"
    try:
        check(identity, "administer")
    except NotPermitted:
        with desk.database.write() as connection:
            append_audit(
                connection,
                at=desk.clock(),
                actor=identity.login,
                action="snapshot_serve_refused",
                target=target,
            )
        raise
    if board.settings.object_store:
        raise SnapshotInvalid(
            "The snapshots lie in an object store.",
            todo="Roll back on the build machine: tianfu snapshot rollback",
            key="error.served_elsewhere",
        )
    root = board.store.root
    manifest = read_checked(root, snapshot_id)
    with hold_lock(root, since=desk.clock()):
        before = read_current(root)
        if before == snapshot_id:
            return None
        with desk.database.write() as connection, disk_trouble(root):
            append_audit(
                connection,
                at=desk.clock(),
                actor=identity.login,
                action="snapshot_served",
                target=target,
                detail={"before": before},
            )
            switch_current(root, snapshot_id, action="rollback", now=desk.clock())
    return manifest


def _named(snapshot_id: str) -> str:
    # What a browser sent may be anything; only an id is written down.
    return snapshot_id if SNAPSHOT_ID.match(snapshot_id) else "unknown"
