"""Progress of a long command: a bar on a terminal, one line for each step otherwise."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

Report = Callable[[int, int, str], None]


@contextmanager
def show_progress(title: str) -> Iterator[Report]:
    """Give the block a function of (step from 1, number of steps, words); all output goes to stderr."""
    if not sys.stderr.isatty():
        yield lambda step, of, words: print(f"{title} {step}/{of}: {words}", file=sys.stderr, flush=True)
        return
    columns = (
        TextColumn(title),
        BarColumn(),
        TextColumn("{task.completed}/{task.total}"),
        TimeElapsedColumn(),
        TextColumn("{task.description}"),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("", total=1)

        def report(step: int, of: int, words: str) -> None:
            bar.update(task, completed=step, total=of, description=words)

        yield report
