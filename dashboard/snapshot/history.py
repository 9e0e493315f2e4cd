"""What was published before: an append-only file of lines, and the pointer ``CURRENT``.

A crash between the switch and the line leaves ``CURRENT`` ahead of the file; the next switch writes
the missing line first, so the way back is never lost.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from dashboard.snapshot.files import sync, write_durably
from dashboard.snapshot.manifest import SNAPSHOT_ID

CURRENT = "CURRENT"
HISTORY = "HISTORY"
ACTIONS = ("publish", "rollback", "found")


@dataclass(frozen=True)
class Switch:
    """One line: when, what was done (``publish``, ``rollback``, ``found``), and to which snapshot."""

    at: datetime
    action: str
    id: str

    def line(self) -> str:
        """The switch as one line of text, without its end."""
        return f"{self.at.isoformat(' ', 'seconds')}\t{self.action}\t{self.id}"


def read_current(root: Path) -> str | None:
    """The id that ``CURRENT`` names, or None where it is absent or names no id."""
    try:
        text = (root / CURRENT).read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return None
    return text if SNAPSHOT_ID.match(text) else None


def read_history(root: Path) -> tuple[Switch, ...]:
    """All switches, oldest first; a torn last line is left out."""
    try:
        lines = (root / HISTORY).read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return ()
    return tuple(switch for line in lines if (switch := parse_switch(line)))


def current_at(root: Path, at: datetime) -> str | None:
    """The id that the board served at ``at``; None before the first publication.

    Lines count in the order of writing: after a clock was set back, the last one not later than ``at`` holds.
    """
    served = [switch.id for switch in read_history(root) if switch.at <= at]
    return served[-1] if served else None


def way_back(root: Path) -> list[str]:
    """Ids from the first published one to the current one, as a stack: a rollback takes ids off it."""
    return stack_of(read_history(root), current=read_current(root))


def stack_of(switches: Iterable[Switch], *, current: str | None) -> list[str]:
    """The way back that ``switches`` leave, ending in ``current``."""
    stack: list[str] = []
    for switch in switches:
        _apply(stack, switch.action, switch.id)
    if current and (not stack or stack[-1] != current):
        stack.append(current)
    return stack


def clock_warning(root: Path, now: datetime) -> str:
    """A sentence when the clock stands before the newest publication, else "".

    Publications keep their order whatever the clock says, since the file is in the order of writing.
    """
    return late_clock(read_history(root), now)


def late_clock(switches: Sequence[Switch], now: datetime) -> str:
    """Like ``clock_warning``, for switches already read."""
    newest = max((switch.at for switch in switches), default=None)
    # The file holds whole seconds.
    if newest is None or newest <= now:
        return ""
    return (
        f"The clock of this machine says {now:%Y-%m-%d %H:%M:%S}, but a snapshot was published at "
        f"{newest:%Y-%m-%d %H:%M:%S}: it was set back. Publications keep their order; check the clock, "
        "because rows that seem to lie in the future are rejected."
    )


def switch_current(root: Path, snapshot_id: str, *, action: str, now: datetime) -> None:
    """Point ``CURRENT`` at a snapshot in one step, durably, and write the line."""
    before = read_current(root)
    known = read_history(root)
    if before and (not known or known[-1].id != before):
        append_line(root / HISTORY, Switch(at=now, action="found", id=before).line())
    write_durably(root / CURRENT, snapshot_id + "\n")
    append_line(root / HISTORY, Switch(at=now, action=action, id=snapshot_id).line())


def _apply(stack: list[str], action: str, snapshot_id: str) -> None:
    if action == "rollback" and snapshot_id in stack:
        while stack[-1] != snapshot_id:
            stack.pop()
    elif not stack or stack[-1] != snapshot_id:
        stack.append(snapshot_id)


def append_line(path: Path, line: str) -> None:
    """Add one line to a small text file, durably; a torn last line before it stays apart."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        size = os.fstat(handle).st_size
        torn = size > 0 and os.pread(handle, 1, size - 1) != b"\n"
        os.write(handle, (("\n" if torn else "") + line + "\n").encode())
        os.fsync(handle)
    finally:
        os.close(handle)
    sync(path.parent)


def parse_switch(line: str) -> Switch | None:
    """One line as written by ``Switch.line``; None for a torn or foreign one."""
    parts = line.split("\t")
    if len(parts) != 3 or parts[1] not in ACTIONS or not SNAPSHOT_ID.match(parts[2]):
        return None
    try:
        return Switch(at=datetime.fromisoformat(parts[0]), action=parts[1], id=parts[2])
    except ValueError:
        return None
