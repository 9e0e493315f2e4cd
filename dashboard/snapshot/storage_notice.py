"""What a reader must know about the snapshot on screen besides its data: words, and a key into the texts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from dashboard.errors import SnapshotNotFound, TianfuError
from dashboard.snapshot.storage_follow import Known


@dataclass(frozen=True)
class Notice:
    """One notice: ``what`` for terminals and logs, ``key`` with ``values`` for a screen.

    ``as_of`` is the moment up to which the board knows what was published, "" when it is now.
    """

    key: str
    what: str
    values: Mapping[str, object] = field(default_factory=dict)
    as_of: str = ""


@dataclass(frozen=True)
class Served:
    """The snapshot to show, with a notice when it may not be the newest one."""

    id: str
    notice: Notice | None = None


def store_notice(known: Known | None, now: datetime) -> Notice | None:
    """What is wrong with the object store behind the copy, None when nothing is known to be."""
    if known is None or not known.trouble:
        return None
    if known.as_of == known.asked_at and known.pointer:
        return _unusable(known.pointer, known.trouble)
    as_of = f"{known.as_of:%Y-%m-%d %H:%M}" if known.as_of else "—"
    # A clock that was set back gives no age below zero.
    minutes = max(0, int((now - known.as_of).total_seconds() // 60)) if known.as_of else "—"
    return Notice(
        "notice.store_away",
        f"The newest snapshot known at {as_of} is shown: {known.trouble}",
        {"as_of": as_of, "minutes": minutes},
        known.as_of.isoformat(timespec="seconds") if known.as_of else "",
    )


def unusable_notice(snapshot_id: str, error: TianfuError) -> Notice:
    """The notice that a published snapshot is passed over, and why."""
    return _unusable(snapshot_id, str(error))


def nothing_yet(known: Known | None) -> SnapshotNotFound:
    """Why the copy of an object store is empty."""
    if known is not None and known.trouble:
        return SnapshotNotFound(
            f"There is no copy of a snapshot here. {known.trouble}",
            todo="Mend the store; the board takes the snapshot by itself.",
            key="error.store_unreadable",
        )
    return SnapshotNotFound(
        "The first snapshot is being brought from the snapshot store.",
        todo="Load the page again in a moment.",
        key="error.snapshot_coming",
    )


def being_brought(snapshot_id: str) -> SnapshotNotFound:
    """A snapshot that is not in the copy was asked for and may be in the store."""
    return SnapshotNotFound(
        f"Snapshot {snapshot_id} is being brought from the snapshot store.",
        todo="Load the page again in a moment.",
        key="error.snapshot_coming",
    )


def _unusable(snapshot_id: str, why: str) -> Notice:
    return Notice(
        "notice.unusable",
        f"The newest publication {snapshot_id} cannot be used, an earlier one is shown: {why}",
        {"id": snapshot_id},
    )
