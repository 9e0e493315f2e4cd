"""``GET /geo/<version>/<level>/<parent>.json``: boundary shapes, compressed once, cached for a year.

The version is a hash of the shapes, so a changed boundary file has another address.
"""

from __future__ import annotations

from flask import Flask, Response, abort, request

from dashboard.shell.board import Board

ENCODINGS = ("br", "gzip")


def shapes_url(board: Board, level: str, parent: str | None = None) -> str:
    """The address of the shapes of one level, below ``parent`` or of the whole province."""
    return f"/geo/{board.boundaries.version}/{level}/{parent or 'all'}.json"


def install(server: Flask, board: Board) -> None:
    """Add the route."""

    @server.get("/geo/<version>/<level>/<parent>.json")
    def shapes(version: str, level: str, parent: str) -> Response:
        if version != board.boundaries.version:
            abort(404)
        accepted = request.accept_encodings
        encoding = next((name for name in ENCODINGS if name in accepted), "identity")
        try:
            body = board.boundaries.encoded(level, None if parent == "all" else parent, encoding)
        except (KeyError, ValueError):
            abort(404)
        response = Response(body, mimetype="application/geo+json")
        if encoding != "identity":
            response.headers["Content-Encoding"] = encoding
        response.headers["Vary"] = "Accept-Encoding"
        response.headers["Cache-Control"] = "private, max-age=31536000, immutable"
        return response
