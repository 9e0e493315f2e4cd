"""How the last build ended, for the page of the feeds: also a refused one, which leaves no snapshot.

The file ``LAST_BUILD.json`` lies beside the snapshots and holds no row of a delivery: outcome, findings with
days and areas, rejected rows counted by reason.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from dashboard.snapshot.files import write_durably
from dashboard.snapshot.manifest import SNAPSHOT_ID, Validation, parse_validation

LAST_BUILD = "LAST_BUILD.json"


@dataclass(frozen=True)
class LastBuild:
    """One build: when it began, the id of its candidate ("" where it did not come that far), how it ended.

    ``outcome`` is ``publish``, ``publish_with_warnings`` or ``refuse``; ``trouble`` says in English why
    nothing could be judged at all. ``rejects`` counts rows by feed and reason.
    """

    at: datetime
    id: str
    outcome: str
    validation: Validation | None = None
    rejects: tuple[tuple[str, str, int], ...] = ()
    trouble: str = ""


def write_last_build(root: Path, build: LastBuild) -> None:
    """Note how a build ended; the caller holds the lock. Trouble of the disk raises ``OSError``."""
    raw = asdict(build) | {"at": build.at.isoformat(timespec="seconds")}
    write_durably(root / LAST_BUILD, json.dumps(raw, ensure_ascii=False, indent=1) + "\n")


def read_last_build(root: Path) -> LastBuild | None:
    """How the last build ended; None where none is noted, or the note cannot be read."""
    try:
        raw = json.loads((root / LAST_BUILD).read_text(encoding="utf-8"))
        build = LastBuild(
            at=datetime.fromisoformat(raw["at"]),
            id=str(raw["id"]),
            outcome=str(raw["outcome"]),
            validation=parse_validation(raw["validation"]),
            rejects=_rejects(raw["rejects"]),
            trouble=str(raw["trouble"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return build if not build.id or SNAPSHOT_ID.match(build.id) else None


def read_refused(root: Path, *, served: datetime | None) -> LastBuild | None:
    """The last build, where it was refused after the snapshot in service was built at ``served``."""
    build = read_last_build(root)
    if build is None or build.outcome != "refuse" or (served is not None and build.at <= served):
        return None
    return build


def _rejects(raw: Sequence[Sequence[object]]) -> tuple[tuple[str, str, int], ...]:
    return tuple((str(feed), str(reason), int(str(rows))) for feed, reason, rows in raw)
