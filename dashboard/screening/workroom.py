"""The folder for temporary files, which hold keys of people: gone when the job ends, however it ends."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dashboard.snapshot.files import disk_trouble

PREFIX = "screening-"
LOCK = "lock"


@contextmanager
def hold_workroom(parent: Path) -> Iterator[Path]:
    """Give the block an empty folder below ``parent`` that only this user can read.

    A killed process cannot clean up behind itself, so a guard process in a session of its own waits
    for the end of a pipe, which the kernel closes with this process, and then removes the folder. After
    a power failure, which takes the guard along, the next job removes what its lock shows to be
    nobody's.
    """
    with disk_trouble(parent):
        parent.mkdir(parents=True, exist_ok=True)
        with _one_at_a_time(parent):
            _remove_left_behind(parent)
            room = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))  # mode 0700
            lock = _lock(room)
    guard = subprocess.Popen(  # noqa: S603 - a constant script; the folder is its argument
        ["/bin/sh", "-c", 'cat >/dev/null; rm -rf -- "$1"', "sh", str(room)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # ctrl-C and a kill of the whole process group pass it by
    )
    try:
        yield room
    finally:
        shutil.rmtree(room, ignore_errors=True)
        guard.communicate()
        if lock is not None:
            os.close(lock)


@contextmanager
def _one_at_a_time(parent: Path) -> Iterator[None]:
    """Between making a folder and locking it, another job would take it for one left behind."""
    gate = os.open(parent, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(gate, fcntl.LOCK_EX)
        yield
    finally:
        os.close(gate)


def _lock(room: Path) -> int | None:
    """The lock of a folder, held until closed or until this process dies; None when another has it."""
    handle = os.open(room / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    return handle


def _remove_left_behind(parent: Path) -> None:
    for room in parent.glob(f"{PREFIX}*"):
        try:
            lock = _lock(room)
        except FileNotFoundError:  # its own job removed it this moment
            continue
        if lock is not None:
            shutil.rmtree(room, ignore_errors=True)
            os.close(lock)
