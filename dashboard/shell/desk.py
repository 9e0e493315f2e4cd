"""The store and the clock of the running board, as routes and cards reach them."""

from __future__ import annotations

from flask import current_app

from dashboard.clock import Clock
from dashboard.shell.board import get_board
from dashboard.shell.security import desk_of
from dashboard.store.engine import Database


def store_of_board() -> tuple[Database, Clock]:
    """The database that the sign-in desk uses, and its clock; both of this app."""
    desk = desk_of(current_app, get_board().settings)
    return desk.database, desk.clock
