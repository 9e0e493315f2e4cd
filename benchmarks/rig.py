"""The board with two handles for measuring, served as ``benchmarks.rig:serve()`` and never deployed.

A request with the header ``X-Bench: forget`` finds empty caches; its queries are noted and run again alone
after it. ``record`` and ``replay`` do the same in this process.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from flask import Flask

import queries.run
from dashboard.shell.drawn import forget_drawn
from dashboard.snapshot.reader import Reader
from queries.run import Param, Row, View, clear_cache

FORGET = "X-Bench"
SPENT, QUERIES = "X-Bench-Spent", "X-Bench-Queries"


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


class Meter:
    """Around a WSGI app: tells the processor time of a request in a header of its answer.

    Wall time says little on a shared machine. One request at a time: the time is that of the process.
    """

    def __init__(self, app: Callable[..., Iterable[bytes]], recorder: Recorder | None = None) -> None:
        self._app = app
        self._recorder = recorder

    def __call__(self, environ: dict[str, object], start_response: Callable[..., object]) -> Iterable[bytes]:
        recorder = self._recorder
        fresh = recorder is not None and environ.get("HTTP_X_BENCH") == "forget"
        if recorder is not None and fresh:
            forget()
            recorder.asked, recorder.on = [], True
        held: list[tuple[str, list[tuple[str, str]]]] = []
        began = time.process_time()
        body = list(self._app(environ, lambda status, headers, *_: held.append((status, headers))))
        spent = (time.process_time() - began) * 1e3
        queries_ = 0.0
        if recorder is not None and fresh:
            recorder.on = False
            queries_ = replay(recorder.asked)
        status, headers = held[-1]
        start_response(status, [*headers, (SPENT, f"{spent:.4f}"), (QUERIES, f"{queries_:.4f}")])
        return body


def serve() -> Callable[..., Iterable[bytes]]:
    """The board of ``app.py``, metered, for gunicorn."""
    return Meter(make_board().wsgi_app, Recorder())


def make_board() -> Flask:
    """The board of ``app.py`` in this process."""
    import app

    return app.server
