"""``GET /geo/<version>/<level>/<parent>.json``: boundary shapes, compressed once, cached for a year.

The version is a hash of the shapes, so a changed boundary file has another address.
"""

from __future__ import annotations

from flask import Flask, Response, abort, request

from dashboard.shell.board import Board
from geo.areas import UnknownArea

ENCODINGS = ("br", "gzip")


def install(server: Flask, board: Board) -> None:
    """Add the route; its addresses are made by ``BoundarySet.path``."""

    @server.get("/geo/<version>/<level>/<parent>.json")
    def shapes(version: str, level: str, parent: str) -> Response:
        if version != board.boundaries.version:
            abort(404)
        accepted = request.accept_encodings
        encoding = next((name for name in ENCODINGS if accepted[name]), "identity")
        try:
            body = board.boundaries.encoded(level, parent, encoding)
        except UnknownArea:
            abort(404)
        response = Response(body, mimetype="application/geo+json")
        if encoding != "identity":
            response.headers["Content-Encoding"] = encoding
        response.headers["Vary"] = "Accept-Encoding"
        response.headers["Cache-Control"] = "private, max-age=31536000, immutable"
        return response
