"""Bring the tables of the store up to date, also when several workers start at once."""

from __future__ import annotations

import threading
from pathlib import Path

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext, RevisionStep
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection

from dashboard.errors import StorageError

MIGRATIONS = Path(__file__).parent / "migrations"
# alembic.op is one per process, so two threads must not migrate two stores at the same moment.
_ONE_AT_A_TIME = threading.Lock()


def upgrade(connection: Connection) -> None:
    """Run the missing migrations inside the transaction of ``connection``.

    The transaction must hold the store's write lock: a second worker then waits, finds the tables
    up to date and does nothing; a worker that is killed half-way leaves the old tables. Raises
    ``StorageError`` for tables made by a newer release.
    """
    config = Config()
    # The parser of the configuration reads % as its own sign.
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    scripts = ScriptDirectory.from_config(config)
    current = MigrationContext.configure(connection).get_current_revision()
    if current == scripts.get_current_head():
        return

    def missing(revision: tuple[str, ...], _context: MigrationContext) -> list[RevisionStep]:
        steps: list[RevisionStep] = list(scripts._upgrade_revs("head", revision))  # type: ignore[arg-type]
        return steps

    try:
        with _ONE_AT_A_TIME, EnvironmentContext(config, scripts, fn=missing) as environment:
            environment.configure(connection=connection)
            environment.run_migrations()
    except CommandError as error:
        raise StorageError(
            f"The store is at revision {current!r}, which this release does not know.",
            todo="Run the release that made it, or a newer one.",
        ) from error
