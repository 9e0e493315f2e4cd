"""``GET /healthz``: alive, which snapshot, which policy, its verdict. Open to everyone, says no more."""

from __future__ import annotations

from flask import Flask, Response, jsonify

from dashboard.errors import TianfuError
from dashboard.shell.board import Board


def install(server: Flask, board: Board) -> None:
    """Add the route. Without a readable snapshot it answers 503: the board is up but has nothing to show.

    The verdict on the rules service changes nothing of that: a board that shows *unknown* is a healthy board.
    """

    @server.get("/healthz")
    def healthz() -> tuple[Response, int]:
        found = board.in_force
        body: dict[str, object] = {
            "policy_version": found.version,
            "policy": {"verdict": found.verdict, "reason": found.judgement.reason},
        }
        try:
            served = board.store.served()
            manifest = board.store.manifest(served.id)
        except TianfuError as error:
            return jsonify(body | {"status": "no snapshot", "snapshot_id": None, "reason": error.what}), 503
        body |= {"status": "ok", "snapshot_id": manifest.id, "data_time": manifest.data_time.isoformat()}
        if served.notice:
            # Still 200: the board shows a good snapshot, only not the newest one for sure.
            body |= {"notice": served.notice.what, "known_as_of": served.notice.as_of}
        return jsonify(body), 200
