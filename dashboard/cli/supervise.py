"""A few child processes that live and end together: started, watched, started again when one dies.

A child that dies is started again after a pause that grows while it keeps dying. A child that dies before
it was ever ready is not: something is wrong that a restart does not mend, and everything is stopped.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from dashboard.errors import TianfuError

READY_WITHIN_S = 60.0
STOP_WITHIN_S = 15.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.2, 30.0
# Whoever has run this long is well again, and its next death is a new one.
WELL_AFTER_S = 60.0
_LOOK_EVERY_S = 0.1
_PR_SET_PDEATHSIG = 1
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass
class Child:
    """One child: its name, its command, and how to tell that it is ready (None: as soon as it runs)."""

    name: str
    command: Sequence[str]
    folder: Path
    ready: Callable[[], bool] | None = None
    env: Mapping[str, str] | None = None
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    deaths: int = 0
    again_at: float = field(default=0.0)

    def start(self) -> None:
        """Start it, away from the terminal's signals: it ends when its parent says so, or dies."""
        self.process = subprocess.Popen(  # noqa: S603 - our own commands
            self.command,
            cwd=self.folder,
            env=dict(self.env) if self.env is not None else None,
            process_group=0,
            preexec_fn=_end_with_parent(os.getpid()),
        )
        self.started_at = time.monotonic()
        self.again_at = 0.0

    def is_dead(self) -> bool:
        return self.process is not None and self.process.poll() is not None

    def clear(self) -> None:
        """End what a dead child has left behind: its own children are of its process group."""
        if self.process is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)


class Supervisor:
    """Runs ``children`` until told to stop; starts them in their order, stops them the other way round."""

    def __init__(self, children: Sequence[Child], *, say: Callable[[str], None]) -> None:
        self._children = tuple(children)
        self._say = say
        self._stopping = False

    def start(self) -> None:
        """Start all, wait until all are ready. Raises ``TianfuError`` for one that ends or stays silent."""
        for number in _SIGNALS:
            signal.signal(number, self._end)
        try:
            for child in self._children:
                child.start()
            for child in self._children:
                self._wait(child)
        except BaseException:
            self.stop()
            raise

    def watch(self) -> None:
        """Start again whoever dies, until a signal ends this."""
        while not self._stopping:
            for child in self._children:
                self._look_after(child)
            time.sleep(_LOOK_EVERY_S)

    def stop(self) -> None:
        """End all, the last started first: politely, and after 15 s by force."""
        self._stopping = True
        for child in reversed(self._children):
            process = child.process
            if process is None:
                continue
            process.terminate()
            try:
                process.wait(STOP_WITHIN_S)
            except subprocess.TimeoutExpired:
                self._say(f"{child.name} did not end by itself and was killed.")
                process.kill()
                process.wait()
            child.clear()

    @property
    def stopping(self) -> bool:
        """Whether it was told to stop."""
        return self._stopping

    def _wait(self, child: Child) -> None:
        deadline = time.monotonic() + READY_WITHIN_S
        while not self._stopping:
            if child.is_dead():
                raise TianfuError(f"{child.name} did not start.", todo="Its last lines above say why.")
            if child.ready is None or child.ready():
                return
            if time.monotonic() > deadline:
                raise TianfuError(
                    f"{child.name} was not ready within {READY_WITHIN_S:g} s.",
                    todo="Its last lines above say why.",
                )
            time.sleep(_LOOK_EVERY_S)

    def _look_after(self, child: Child) -> None:
        now = time.monotonic()
        if not child.is_dead() or self._stopping:
            return
        if not child.again_at:
            if now - child.started_at > WELL_AFTER_S:
                child.deaths = 0
            child.deaths += 1
            pause = min(FIRST_PAUSE_S * 2 ** min(child.deaths - 1, 10), LONGEST_PAUSE_S)
            child.again_at = now + pause
            code = child.process.returncode if child.process else None
            child.clear()
            self._say(f"{child.name} ended ({_how(code)}); it is started again in {pause:g} s.")
        if now >= child.again_at:
            child.start()

    def _end(self, _signal: int, _frame: FrameType | None) -> None:
        self._stopping = True


def _how(code: int | None) -> str:
    if code is not None and code < 0:
        return signal.Signals(-code).name
    return f"exit code {code}"


def _end_with_parent(parent: int) -> Callable[[], None] | None:
    """On Linux: the child is told to end when this process dies, however it dies; no port stays taken."""
    if sys.platform != "linux":
        return None
    # Loaded before the fork: afterwards only the call itself is safe.
    prctl = ctypes.CDLL(None, use_errno=True).prctl

    def prepare() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it died in between
            os._exit(1)

    return prepare
