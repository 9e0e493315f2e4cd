"""DuckDB for jobs that read event-level rows on the build side: bounded, locked down, plain errors.

The board never opens such a connection; its own door is ``dashboard.snapshot.store``.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import duckdb

from dashboard.errors import InputError, StorageError

__all__ = ["BuildConnection", "columns_of", "enough_room", "open_build_connection", "plain_errors", "quote"]


class BuildConnection(Protocol):
    """What jobs outside this room may do with a connection: run SQL and fetch rows."""

    def execute(self, query: str, parameters: Mapping[str, object] | None = None) -> BuildConnection: ...

    def fetchall(self) -> list[tuple[Any, ...]]: ...

    def fetchone(self) -> tuple[Any, ...] | None: ...


_FULL = "No space left on device"


@contextmanager
def open_build_connection(
    *, memory: str, threads: int | None = None, temp: Path, reads: Sequence[Path] = ()
) -> Iterator[BuildConnection]:
    """Give the block an in-memory DuckDB that uses at most ``memory`` and spills into ``temp``.

    ``memory`` is a size as DuckDB writes it, ``"6GB"``; ``threads`` is every core the process may use by
    default. ``temp`` exists already and belongs to the caller: what is spilled there holds rows of people.
    Only the folders ``reads`` can be read; nothing else of the file system or the network is in reach.
    """
    con = duckdb.connect(
        config={
            "memory_limit": memory,
            "threads": threads or len(os.sched_getaffinity(0)),
            "temp_directory": str(temp),
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            # Groups and joins need no order of rows, and keeping it costs memory.
            "preserve_insertion_order": False,
        }
    )
    try:
        con.execute(
            f"SET allowed_directories = [{', '.join(quote(f'{p.resolve()}/') for p in (*reads, temp))}]"
        )
        con.execute("SET enable_external_access = false")
        con.execute("SET lock_configuration = true")
        yield con
    finally:
        con.close()


@contextmanager
def enough_room(what: str) -> Iterator[None]:
    """Turn too little memory, or a full disk below ``temp``, into ``StorageError``."""
    try:
        yield
    except duckdb.OutOfMemoryException:
        said = "more memory or room for temporary files is needed than allowed"
    except duckdb.IOException as error:
        if _FULL not in str(error):
            raise
        said = "the disk for temporary files is full"
    else:
        return
    raise StorageError(
        f"{what}: {said}.", todo="Raise --memory or free disk space, then run the command again."
    )


@contextmanager
def plain_errors(what: str) -> Iterator[None]:
    """Turn DuckDB's errors over what was delivered into sentences that name ``what`` and show no value.

    Its own text of a failed conversion quotes the cell, which may be the key of a person.
    """
    try:
        yield
    except (duckdb.ConversionException, duckdb.OutOfRangeException):
        raise InputError(
            f"{what}: a cell cannot be read as the type of its column.", todo="Deliver the file again."
        ) from None
    except (duckdb.IOException, duckdb.InvalidInputException, duckdb.SerializationException) as error:
        if _FULL in str(error):
            raise
        raise InputError(
            f"{what}: a file cannot be read; it may have arrived in part.", todo="Transfer the files again."
        ) from None
    except duckdb.BinderException:
        raise InputError(
            f"{what}: the files do not have the same columns.", todo="Deliver all files in one form."
        ) from None


def columns_of(con: BuildConnection, relation: str) -> dict[str, str]:
    """The columns of a relation in SQL, with their DuckDB types."""
    return {str(name): str(kind) for name, kind, *_ in con.execute(f"DESCRIBE FROM {relation}").fetchall()}


def quote(text: str) -> str:
    """``text`` as a literal of SQL."""
    return "'" + text.replace("'", "''") + "'"
