"""One line of the table that ``make bench`` prints, and how a child process is measured."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Line:
    """One target: what was measured, and the most (``at_least``: the least) it may be.

    Without a target the line only tells; a measurement of None did not come to its end.
    """

    what: str
    target: float | None
    measured: float | None
    unit: str = ""
    at_least: bool = False
    note: str = ""

    @property
    def met(self) -> bool:
        if self.target is None:
            return True
        if self.measured is None:
            return False
        return self.measured >= self.target if self.at_least else self.measured <= self.target

    def __str__(self) -> str:
        sign = "" if self.target is None else ">=" if self.at_least else "<="
        verdict = "" if self.target is None else "met" if self.met else "MISSED"
        target = "" if self.target is None else f"{self.target:.4g}"
        measured = "failed" if self.measured is None else f"{self.measured:.4g}"
        return f"{self.what:58}{sign:>3}{target:>8} {measured:>9} {self.unit:5} {verdict:7} {self.note}"


def header() -> str:
    return f"{'target':58}{'':3}{'target':>8} {'measured':>9}"


def run_child(module: str, *words: str) -> dict[str, float] | None:
    """What a benchmark module prints as JSON when run as a process of its own; None when that failed."""
    command = [sys.executable, "-m", module, *words]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        said = (done.stderr.splitlines() or ["nothing said"])[-1]
        print(f"{module} {' '.join(words)} ended with {done.returncode}: {said}", file=sys.stderr)
        return None
    found: dict[str, float] = json.loads(done.stdout)
    return found


def peak_mb() -> float:
    """Most memory this process had, in megabytes; that of its parent before it began does not count."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("/proc/self/status has no VmHWM")
