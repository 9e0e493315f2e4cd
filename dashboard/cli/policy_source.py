"""Which policy a command means: in force, a published version, the baseline, a file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dashboard.clock import china_now
from dashboard.policy.document import read_policy
from dashboard.policy.model import Policy
from dashboard.policy.store import load_baseline
from dashboard.publishing.in_force import InForce, baseline_in_force, in_force
from dashboard.publishing.stand import read_version
from dashboard.publishing.verdict import Judgement
from dashboard.settings import Settings, read_settings
from dashboard.store.engine import FILE, Database


def has_store(settings: Settings) -> bool:
    """Whether there is a store to ask; a command that only reads does not make one."""
    return bool(settings.database_url) or (settings.home / FILE).exists()


@contextmanager
def open_database(settings: Settings | None = None) -> Iterator[Database]:
    """The store of the settings, closed afterwards."""
    database = Database(settings or read_settings())
    try:
        yield database
    finally:
        database.close()


def read_in_force(settings: Settings | None = None) -> InForce:
    """What is in force by the store, the baseline where there is none."""
    known = settings or read_settings()
    if not has_store(known):
        return baseline_in_force(Judgement("unknown", "nothing_issued"))
    with open_database(known) as database, database.read() as connection:
        return in_force(connection, china_now())


def load_policy(name: str) -> Policy:
    """The policy of that name: ``in-force``, ``baseline``, the number of a published version, or a file."""
    if name == "baseline":
        return load_baseline()
    if name == "in-force":
        return read_in_force().policy
    if name.removeprefix("v").isdigit() and not Path(name).exists():
        with open_database() as database, database.read() as connection:
            return read_version(connection, int(name.removeprefix("v")))
    return read_policy(Path(name))
