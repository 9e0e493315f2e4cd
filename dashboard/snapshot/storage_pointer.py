"""The pointer of an object store: one object ``CURRENT`` with the current id and what was published before.

Both stand in one object, so one conditional write changes them together: nobody ever sees a pointer
whose history is missing, and of two publishers the slower one is refused instead of overwriting.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from dashboard.errors import BuildBusy, SnapshotInvalid
from dashboard.snapshot.history import CURRENT, Switch, parse_switch, stack_of
from dashboard.snapshot.manifest import SNAPSHOT_ID
from dashboard.snapshot.storage import ObjectStore, Overtaken, Text

KEEP_SWITCHES = 1000


@dataclass(frozen=True)
class Pointer:
    """The current id, all switches oldest first, and the object as it was read."""

    id: str
    switches: tuple[Switch, ...]
    read: Text

    def way_back(self) -> list[str]:
        """Ids from the first published one to the current one."""
        return stack_of(self.switches, current=self.id)


def read_pointer(store: ObjectStore) -> Pointer | None:
    """The pointer as it is now, None where nothing was ever published.

    Raises ``SnapshotInvalid`` when its first line is no snapshot id, ``StorageError`` when the store is away.
    """
    read = store.read_text(CURRENT)
    if read is None:
        return None
    first, *lines = read.text.splitlines() or [""]
    if not SNAPSHOT_ID.match(first):
        raise SnapshotInvalid(
            f"{CURRENT} in {store.address} names {first[:40]!r}, which is no snapshot id.",
            todo="Publish one again: tianfu snapshot publish ID",
        )
    return Pointer(first, tuple(s for line in lines if (s := parse_switch(line))), read)


def switch_pointer(
    store: ObjectStore, before: Pointer | None, snapshot_id: str, *, action: str, now: datetime
) -> Pointer:
    """Replace the pointer that was read as ``before``, in one conditional write.

    Raises ``BuildBusy`` when another machine switched it meanwhile; then nothing was changed.
    """
    switches = (*(before.switches if before else ()), Switch(at=now, action=action, id=snapshot_id))
    text = "\n".join([snapshot_id, *(s.line() for s in switches[-KEEP_SWITCHES:])]) + "\n"
    try:
        store.write_text(CURRENT, text, over=before.read if before else None)
    except Overtaken:
        raise BuildBusy(
            f"Another machine published to {store.address} at the same moment.",
            todo="See what the board serves with: tianfu snapshot list. Then run the command again.",
        ) from None
    return Pointer(snapshot_id, switches, Text(text, ""))
