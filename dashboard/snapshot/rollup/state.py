"""What earlier builds rolled up, day by day: rows, counts, and the fingerprint of the events they came from.

It lies beside the snapshots, not among them: the ledger of open codes names people by pseudonym, and
the board must never be able to read it. Losing it costs time, and the days whose events are gone.

Beside the tables of the day lies what later days are counted from: the ledger of codes open at its end, or
the venues that had a scan.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path

from dashboard.snapshot.files import hash_file, sync
from dashboard.snapshot.manifest import FileEntry
from dashboard.snapshot.quarantine import Reject

_DAY = "day.json"
_FORM = 2  # of a kept day; days kept in another form are counted anew
LEDGER = "ledger.parquet"
SEEN = "seen.parquet"


@dataclass(frozen=True)
class DayState:
    """One day that was counted.

    ``files`` has one entry for each table, by the table's name; ``carried`` the SHA-256 of files for later
    days, by their names. ``accepted`` counts rows by feed. ``last_hour`` is the last with a scan. Of code
    changes, ``tests`` is a digest of the test results read with them ("" for none), and ``tests_from`` the
    first day from which they were delivered without a gap up to this one.
    """

    day: date
    fingerprint: str
    synthetic: bool
    files: Mapping[str, FileEntry]
    folder: Path = field(compare=False)
    carried: Mapping[str, str] = field(default_factory=dict)
    accepted: Mapping[str, int] = field(default_factory=dict)
    rejects: tuple[Reject, ...] = ()
    last_hour: int | None = None
    tests: str = ""
    tests_from: date | None = None
    made: str = ""

    def path(self, table: str) -> Path:
        return self.folder / f"{table}.parquet"


def write_state(state: DayState) -> None:
    """Write ``day.json`` beside the day's files, which are there already."""
    raw = asdict(state)
    raw.pop("folder")
    raw["form"] = _FORM
    path = state.folder / _DAY
    path.write_text(json.dumps(raw, ensure_ascii=False, default=str), encoding="utf-8")
    sync(path)


def read_states(root: Path, name: str) -> dict[date, DayState]:
    """The kept days of one feed; of two for a day (a killed build) the newer. Damaged ones are left out."""
    found: dict[date, DayState] = {}
    base = root / name
    for folder in sorted(base.iterdir()) if base.is_dir() else ():
        state = _read(folder)
        if state and (state.day not in found or found[state.day].made < state.made):
            found[state.day] = state
    return found


def is_whole(state: DayState) -> bool:
    """Whether every file still is what was written; an edited byte must not enter another snapshot."""
    try:
        return all(
            state.path(table).stat().st_size == entry.bytes and hash_file(state.path(table)) == entry.sha256
            for table, entry in state.files.items()
        ) and all(hash_file(state.folder / name) == digest for name, digest in state.carried.items())
    except OSError:
        return False


def keep_state(root: Path, name: str, state: DayState) -> None:
    """Move a day from the work folder to its place: the new one is there before the old one goes."""
    base = root / name
    base.mkdir(parents=True, exist_ok=True)
    root.chmod(0o700)
    target = base / f"date={state.day}.{state.fingerprint[:16]}"
    shutil.rmtree(target, ignore_errors=True)
    try:
        os.rename(state.folder, target)
    except OSError:  # another file system: complete beside its place first, then one rename
        beside = base / f".new-{state.day}"
        shutil.rmtree(beside, ignore_errors=True)
        shutil.copytree(state.folder, beside)
        os.rename(beside, target)
    sync(base)
    for other in base.glob(f"date={state.day}.*"):
        if other != target:
            shutil.rmtree(other, ignore_errors=True)


def forget_before(root: Path, name: str, first: date) -> None:
    """Remove days that no snapshot carries any more."""
    for day, state in read_states(root, name).items():
        if day < first:
            shutil.rmtree(state.folder, ignore_errors=True)


def _read(folder: Path) -> DayState | None:
    try:
        raw = json.loads((folder / _DAY).read_text(encoding="utf-8"))
        if raw["form"] != _FORM:
            return None
        return DayState(
            day=date.fromisoformat(raw["day"]),
            fingerprint=str(raw["fingerprint"]),
            synthetic=bool(raw["synthetic"]),
            files={table: FileEntry(**entry) for table, entry in raw["files"].items()},
            folder=folder,
            carried=dict(raw["carried"]),
            accepted=dict(raw["accepted"]),
            rejects=tuple(Reject(**reject) for reject in raw["rejects"]),
            last_hour=raw["last_hour"],
            tests=str(raw["tests"]),
            tests_from=date.fromisoformat(raw["tests_from"]) if raw["tests_from"] else None,
            made=str(raw["made"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None
