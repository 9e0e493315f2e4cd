"""The board's own copy of an object store: a thread that follows the pointer and brings what is new.

The board reads its copy only, so DuckDB stays locked to a local folder and a store that is away stops
nobody. What is known of the store, and since when, stands in ``.store.json`` beside the snapshots, for
all worker processes; a lock lets one of them ask at a time.
"""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path

from dashboard.clock import Clock, china_now
from dashboard.errors import BuildBusy, SnapshotInvalid, SnapshotNotFound, StorageError, TianfuError
from dashboard.settings import Settings
from dashboard.snapshot.history import read_current, switch_current
from dashboard.snapshot.lock import hold_lock
from dashboard.snapshot.publish import remove_old
from dashboard.snapshot.storage import ObjectStore, open_store
from dashboard.snapshot.storage_pins import read_store_pins
from dashboard.snapshot.storage_pointer import read_pointer
from dashboard.snapshot.transfer import fetch_snapshot

log = logging.getLogger("tianfu.storage")

STATE = ".store.json"
EVERY_SECONDS = 2.0
# Pages stay open for a shift; with a snapshot every hour they find their own in the copy for that long.
KEEP_COPIES = 12
WANTED_AT_MOST = 8
# A snapshot that cannot be used is not brought again every few seconds.
TRY_AGAIN = timedelta(minutes=1)


@dataclass(frozen=True)
class Known:
    """What is known of the store.

    ``as_of`` is when its pointer was last read (None: never), ``pointer`` what it named then,
    ``trouble`` what is wrong now ("" when nothing is), ``asked_at`` when it was last tried.
    """

    asked_at: datetime
    as_of: datetime | None
    pointer: str
    trouble: str


class Follower:
    """Follows one store into the folder ``root``. Does nothing until ``nudge`` is first called."""

    def __init__(self, root: Path, connect: Callable[[], ObjectStore], *, clock: Clock = china_now) -> None:
        self._root = root
        self._connect = connect
        self._clock = clock
        self._pid = 0
        self._store: ObjectStore | None = None
        self._wanted: dict[str, None] = {}
        self._given_up: dict[str, tuple[datetime, str]] = {}

    def nudge(self) -> None:
        """Make sure that the thread of this process runs; a fork leaves the parent's behind."""
        if self._pid == os.getpid():
            return
        self._pid = os.getpid()
        self._store = None
        threading.Thread(target=self._run, name="snapshot-store", daemon=True).start()

    def want(self, snapshot_id: str) -> bool:
        """Ask for an older snapshot, for a page pinned to it; False when it is known to be nowhere."""
        if self._rests(snapshot_id):
            return False
        if len(self._wanted) < WANTED_AT_MOST:
            self._wanted[snapshot_id] = None
        self.nudge()
        return True

    def known(self) -> Known | None:
        """What all processes of the board know of the store; None before the first try."""
        try:
            raw = json.loads((self._root / STATE).read_text(encoding="utf-8"))
            return Known(
                asked_at=datetime.fromisoformat(raw["asked_at"]),
                as_of=datetime.fromisoformat(raw["as_of"]) if raw["as_of"] else None,
                pointer=str(raw["pointer"]),
                trouble=str(raw["trouble"]),
            )
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def follow_once(self) -> Known | None:
        """One round: read the pointer, bring what it names, switch, tidy up; None when another process does.

        Never raises for the user's kind of trouble: that stands in the answer, and the copy is as before.
        """
        now = self._clock()
        try:
            with hold_lock(self._root, since=now):
                return self._round(now)
        except BuildBusy:
            return None
        except StorageError as error:  # the disk of the copy
            return self._note(Known(now, *self._last_seen(), str(error)))

    def _run(self) -> None:
        while True:
            try:
                if self._wanted or not self._asked_lately():
                    self.follow_once()
            except Exception:
                log.exception("following the snapshot store failed")
            time.sleep(EVERY_SECONDS)

    def _asked_lately(self) -> bool:
        """Whether another process of this board asked a moment ago."""
        known = self.known()
        return known is not None and 0 <= (self._clock() - known.asked_at).total_seconds() < EVERY_SECONDS

    def _round(self, now: datetime) -> Known:
        try:
            if self._store is None:
                self._store = self._connect()
            pointer = read_pointer(self._store)
            if pointer is None:
                trouble = f"Nothing is published in {self._store.address} yet."
                return self._note(Known(now, now, "", trouble))
            trouble = self._take(self._store, pointer.id, now)
            if not trouble and read_current(self._root) != pointer.id:
                switch_current(self._root, pointer.id, action="publish", now=now)
                self._tidy(self._store)
            self._bring_wanted(self._store, now)
            return self._note(Known(now, now, pointer.id, trouble))
        except TianfuError as error:
            return self._note(Known(now, *self._last_seen(), str(error)))

    def _take(self, store: ObjectStore, snapshot_id: str, now: datetime) -> str:
        """Have one snapshot in the copy; answers what is wrong with it, "" when nothing is."""
        if self._rests(snapshot_id):
            return self._given_up[snapshot_id][1]
        try:
            fetch_snapshot(store, self._root, snapshot_id)
        except (SnapshotInvalid, SnapshotNotFound) as error:
            self._given_up[snapshot_id] = (now, str(error))
            return str(error)
        self._given_up.pop(snapshot_id, None)
        return ""

    def _bring_wanted(self, store: ObjectStore, now: datetime) -> None:
        for snapshot_id in list(self._wanted):
            self._take(store, snapshot_id, now)
            self._wanted.pop(snapshot_id, None)

    def _rests(self, snapshot_id: str) -> bool:
        given_up = self._given_up.get(snapshot_id)
        return given_up is not None and timedelta(0) <= self._clock() - given_up[0] < TRY_AGAIN

    def _tidy(self, store: ObjectStore) -> None:
        remove_old(self._root, keep=KEEP_COPIES, pinned=read_store_pins(store))

    def _last_seen(self) -> tuple[datetime | None, str]:
        known = self.known()
        return (known.as_of, known.pointer) if known else (None, "")

    def _note(self, known: Known) -> Known:
        raw = {k: v.isoformat() if isinstance(v, datetime) else v for k, v in asdict(known).items()}
        beside = self._root / f"{STATE}.{os.getpid()}"
        # Not forced to the disk: it is written every few seconds. On a full disk the old one stays, and ages.
        with suppress(OSError):
            beside.write_text(json.dumps(raw), encoding="utf-8")
            os.replace(beside, self._root / STATE)
        return known


def follow(settings: Settings) -> Follower | None:
    """The follower of a board whose snapshots lie in an object store; None for a folder."""
    if not settings.object_store:
        return None
    return Follower(settings.board_snapshots, lambda: open_store(settings))
