"""Pins: snapshots that no pruning removes, each with its reason, in an append-only text file ``PINS``.

A line is time, ``pin`` or ``unpin``, snapshot id, reason, with tabs between. The last line of an id holds.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from dashboard.errors import BuildBusy, SnapshotInvalid, SnapshotNotFound
from dashboard.snapshot.files import disk_trouble
from dashboard.snapshot.history import append_line
from dashboard.snapshot.lock import hold_lock
from dashboard.snapshot.manifest import SNAPSHOT_ID
from dashboard.snapshot.storage import ObjectStore, Overtaken

PINS = "PINS"
LONGEST_REASON = 200


@dataclass(frozen=True)
class Pin:
    """One pinned snapshot: since when, and why."""

    id: str
    since: datetime
    reason: str


def read_pins(root: Path) -> dict[str, Pin]:
    """The pins of a snapshots folder by id."""
    try:
        return parse_pins((root / PINS).read_text(encoding="utf-8", errors="replace").splitlines())
    except FileNotFoundError:
        return {}


def read_store_pins(store: ObjectStore) -> dict[str, Pin]:
    """The pins of an object store by id."""
    read = store.read_text(PINS)
    return parse_pins(read.text.splitlines()) if read else {}


def set_pin(root: Path, snapshot_id: str, *, reason: str | None, now: datetime) -> None:
    """Pin a stored snapshot for ``reason``; None takes the pin away.

    Raises ``SnapshotNotFound`` for one that is not stored, or not pinned; ``SnapshotInvalid`` for a reason
    that is empty or too long; ``BuildBusy``.
    """
    with hold_lock(root, since=now):
        line = _line(snapshot_id, (root / snapshot_id).is_dir(), read_pins(root), reason, now)
        with disk_trouble(root):
            append_line(root / PINS, line)


def set_store_pin(store: ObjectStore, snapshot_id: str, *, reason: str | None, now: datetime) -> None:
    """Like ``set_pin`` for an object store, by a conditional write: of two at once, one is refused."""
    read = store.read_text(PINS)
    text = read.text if read else ""
    pins = parse_pins(text.splitlines())
    line = _line(snapshot_id, snapshot_id in store.folders(), pins, reason, now)
    try:
        store.write_text(PINS, text + line + "\n", over=read)
    except Overtaken:
        raise BuildBusy(
            f"Another machine changed the pins of {store.address} at the same moment.",
            todo="Run the command again.",
        ) from None


def parse_pins(lines: Iterable[str]) -> dict[str, Pin]:
    """The pins that ``lines`` leave; a torn or foreign line is passed over."""
    pins: dict[str, Pin] = {}
    for line in lines:
        parts = line.split("\t", 3)
        if len(parts) != 4 or not SNAPSHOT_ID.match(parts[2]):
            continue
        try:
            since = datetime.fromisoformat(parts[0])
        except ValueError:
            continue
        if parts[1] == "pin":
            pins[parts[2]] = Pin(parts[2], since, parts[3])
        elif parts[1] == "unpin":
            pins.pop(parts[2], None)
    return pins


def _line(snapshot_id: str, stored: bool, pins: dict[str, Pin], reason: str | None, now: datetime) -> str:
    known = stored and SNAPSHOT_ID.match(snapshot_id)
    if reason is None and snapshot_id not in pins:
        raise SnapshotNotFound(
            f"{snapshot_id[:40]!r} is not pinned.", todo="See the pins with: tianfu snapshot list"
        )
    if reason is not None and not known:
        raise SnapshotNotFound(
            f"{snapshot_id[:40]!r} is not stored.", todo="List the snapshots with: tianfu snapshot list"
        )
    words = " ".join((reason or "").split())
    if reason is not None and not 0 < len(words) <= LONGEST_REASON:
        raise SnapshotInvalid(
            f"The reason of a pin has {len(words)} characters.",
            todo=f"Say in 1 to {LONGEST_REASON} characters why it must stay.",
        )
    action = "unpin" if reason is None else "pin"
    return f"{now.isoformat(' ', 'seconds')}\t{action}\t{snapshot_id}\t{words}"
