"""One writer at a time: a lock that the operating system releases when its holder dies."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from dashboard.errors import BuildBusy
from dashboard.snapshot.files import disk_trouble

LOCK = ".lock"


@contextmanager
def hold_lock(root: Path, *, since: datetime) -> Iterator[None]:
    """Hold the lock of the snapshots folder ``root``, which is made when absent.

    Raises ``BuildBusy`` at once, naming process and time of the holder, when another one has it. The
    lock is the kernel's (``flock``), so a killed build leaves none behind; the text inside only names
    the holder.
    """
    with disk_trouble(root):
        root.mkdir(parents=True, exist_ok=True)
        handle = os.open(root / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _busy(os.pread(handle, 200, 0)) from None
        with disk_trouble(root):
            os.ftruncate(handle, 0)
            os.pwrite(
                handle, json.dumps({"pid": os.getpid(), "since": since.isoformat(" ", "seconds")}).encode(), 0
            )
        yield
    finally:
        os.close(handle)


def _busy(text: bytes) -> BuildBusy:
    try:
        holder = json.loads(text)
        who = f"process {int(holder['pid'])} since {holder['since']}"
    except (ValueError, KeyError, TypeError):
        who = "another process"  # it took the lock this very moment and has not signed yet
    return BuildBusy(
        f"Another build or publication is running: {who}.",
        todo="Wait until it ends and run the command again.",
    )
