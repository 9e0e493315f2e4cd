"""The board with two handles for measuring, served as ``benchmarks.rig:serve()`` and never deployed.

A request with the header ``X-Bench: forget`` finds an empty cache. In this process, ``record`` notes the
queries of a card while it is drawn and ``replay`` runs them alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from flask import Flask, request

import queries.run
from dashboard.shell.drawn import forget_drawn
from dashboard.snapshot.store import Reader
from queries.run import Param, Row, View, clear_cache

FORGET = "X-Bench"


@dataclass(frozen=True)
class Asked:
    """One query as it reached DuckDB."""

    view: View
    sql: str
    params: dict[str, object]


class Recorder:
    """Notes every query that runs while it is switched on."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.on = False
        self._execute: Callable[[View, str, dict[str, Param]], tuple[Row, ...]] = queries.run._execute
        queries.run._execute = self._note

    def _note(self, view: View, sql: str, params: dict[str, Param]) -> tuple[Row, ...]:
        if self.on:
            bound = {k: list(v) if isinstance(v, tuple) else v for k, v in params.items()}
            self.asked.append(Asked(view, sql, bound))
        return self._execute(view, sql, params)


def forget() -> None:
    """Empty every cache of answers."""
    clear_cache()
    forget_drawn()


def record(recorder: Recorder, draw: Callable[[], object]) -> list[Asked]:
    """The queries that ``draw`` runs on empty caches."""
    forget()
    recorder.asked, recorder.on = [], True
    draw()
    recorder.on = False
    return recorder.asked


def replay(asked: Iterable[Asked]) -> float:
    """Processor milliseconds of the queries alone, on one cursor.

    The cursor has its scope already; a callback pays for that, so it counts against the callback.
    """
    queries_ = list(asked)
    if not queries_:
        return 0.0
    view = queries_[0].view
    with view.store.cursor(view.scope, view.snapshot_id) as cursor:
        began = time.process_time()
        for query in queries_:
            run_one(cursor, query)
        return (time.process_time() - began) * 1e3


def run_one(cursor: Reader, query: Asked) -> None:
    cursor.execute(query.sql, query.params).fetchall()


def install(server: Flask) -> None:
    """Add the first handle to ``server``."""

    @server.before_request
    def forget_first() -> None:
        if request.headers.get(FORGET) == "forget":
            forget()


def serve() -> Flask:
    """The board of ``app.py`` with its handle."""
    import app

    install(app.server)
    return app.server
