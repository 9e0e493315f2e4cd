"""What a question gets in its hand: a cursor that runs SELECT statements and nothing else."""

from __future__ import annotations

from collections.abc import Mapping

import duckdb

# Questions are a few dozen files of SQL; parsing each once saves 0.08 ms a call.
_SELECTS: set[str] = set()
_SELECTS_KNOWN = 1000


class Rows:
    """The answer to one SELECT; it can be read as long as the block of its cursor lasts."""

    def __init__(self, reader: Reader, cursor: duckdb.DuckDBPyConnection) -> None:
        self._reader = reader
        self.description: list[tuple[object, ...]] = cursor.description

    def fetchall(self) -> list[tuple[object, ...]]:
        """All rows that were not fetched yet."""
        rows: list[tuple[object, ...]] = self._reader._open_cursor().fetchall()
        self._reader._unread = False
        return rows

    def fetchone(self) -> tuple[object, ...] | None:
        """The next row, or None after the last."""
        row: tuple[object, ...] | None = self._reader._open_cursor().fetchone()
        return row


class Reader:
    """A cursor on one snapshot through one scope, for SELECT statements only."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection) -> None:
        self._cursor: duckdb.DuckDBPyConnection | None = cursor
        self._unread = False
        self._handed_out = False

    def execute(self, sql: str, params: Mapping[str, object] | None = None) -> Rows:
        """Run one SELECT; the answer has ``fetchall()`` and ``description``.

        Raises ``PermissionError`` for anything else: such a statement could loosen the scope, or write
        a file into the snapshots folder, which DuckDB's own lock-down allows.
        """
        cursor = self._open_cursor()
        self._check_select(cursor, sql)
        self._unread = True
        return Rows(self, cursor.execute(sql, params) if params else cursor.execute(sql))

    def sql(self, sql: str, params: Mapping[str, object] | None = None) -> duckdb.DuckDBPyRelation:
        """Run one SELECT as a relation, which has ``pl()`` and ``arrow()``; slower, it binds twice."""
        cursor = self._open_cursor()
        self._check_select(cursor, sql)
        self._handed_out = True
        return cursor.sql(sql, params=params)

    @property
    def untouched(self) -> bool:
        """Whether the cursor can be used again: every answer was read and nothing else left this object.

        A relation can run any statement; a cursor that gave one away is not trusted with a scope again.
        """
        return not self._unread and not self._handed_out

    def close(self) -> None:
        """End this use; what is read afterwards raises, even if the cursor lives on for somebody else."""
        self._cursor = None

    def _open_cursor(self) -> duckdb.DuckDBPyConnection:
        if self._cursor is None:
            raise duckdb.ConnectionException("The cursor was closed at the end of its block.")
        return self._cursor

    def _check_select(self, cursor: duckdb.DuckDBPyConnection, sql: str) -> None:
        if sql in _SELECTS:
            return
        # The cursor's own parser: duckdb.extract_statements() would open a second, hidden connection.
        kinds = [statement.type.name for statement in cursor.extract_statements(sql)]
        if kinds != ["SELECT"]:
            raise PermissionError(
                f"Only one SELECT may run on a snapshot, not {', '.join(kinds) or 'nothing'}."
            )
        if len(_SELECTS) < _SELECTS_KNOWN:
            _SELECTS.add(sql)
