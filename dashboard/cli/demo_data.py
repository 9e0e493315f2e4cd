"""``tianfu demo-data``: write a folder of invented deliveries, to build a first snapshot from."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from dashboard.demo.eve import write_eve
from dashboard.demo.generate import DEFAULT_SEED, DemoSummary, Scale, generate
from dashboard.demo.province import DEFAULT_EVENTS, generate_province
from dashboard.demo.story import DEFAULT_END
from dashboard.errors import InputError
from dashboard.settings import read_settings

FOLDER = "demo-input"


class ScaleName(StrEnum):
    """Sizes of the demo data."""

    tiny = "tiny"
    demo = "demo"
    province = "province"


def demo_data(
    scale: Annotated[
        ScaleName,
        typer.Option(
            help="tiny: 14 days, for tests. demo: 90 days, all reasons and hours. "
            "province: raw events of one day."
        ),
    ] = ScaleName.demo,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same rows.")] = DEFAULT_SEED,
    out: Annotated[
        Path | None, typer.Option(help="Folder to write; without it, demo-input inside TIANFU_HOME.")
    ] = None,
    events: Annotated[
        int | None,
        typer.Option(
            min=1000,
            metavar="N",
            help=f"Scans of --scale province, {DEFAULT_EVENTS:,} without it (about 15 bytes each).",
            show_default=False,
        ),
    ] = None,
    eve: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Also write what was known on the evening before, to build first: days reported late and "
            "corrected.",
            show_default=False,
        ),
    ] = None,
    end: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Last day of the data; the story moves with it."),
    ] = None,
) -> None:
    """Write an input folder of invented deliveries: risk list, cases, codes, scans, log of deliveries."""
    folder = out if out is not None else read_settings().home / FOLDER
    last_day = end.date() if end is not None else DEFAULT_END
    if events is not None and scale is not ScaleName.province:
        raise InputError(
            "--events belongs to --scale province.", todo="Add --scale province, or leave it out."
        )
    if eve is not None and scale is ScaleName.province:
        raise InputError("--eve is not for --scale province.", todo="Use --scale demo or tiny.")
    summary = _run(folder, scale=scale.value, events=events or DEFAULT_EVENTS, seed=seed, end=last_day)
    _print(summary, eve=write_eve(folder, eve, end=last_day) if eve is not None else None)


def _run(folder: Path, *, scale: Scale, events: int, seed: int, end: date) -> DemoSummary:
    def write(tell: Callable[[str, float], None]) -> DemoSummary:
        if scale == "province":
            return generate_province(folder, events=events, seed=seed, end=end, progress=tell)
        return generate(folder, scale=scale, seed=seed, end=end, progress=tell)

    if not sys.stderr.isatty():
        return write(_log)
    columns = (
        TextColumn("{task.description:12}"),
        BarColumn(),
        TextColumn("{task.percentage:3.0f} %"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=1.0)
        return write(lambda part, share: bar.update(task, description=part, completed=share))


def _log(part: str, share: float) -> None:
    print(f"{share:4.0%} {part}", file=sys.stderr)


def _print(summary: DemoSummary, *, eve: Path | None) -> None:
    print(
        f"{summary.out}: {summary.first_day} to {summary.end}, "
        f"{summary.files} files, {summary.bytes / 1e6:.1f} MB, all of it invented."
    )
    for table, rows in summary.rows.items():
        print(f"  {table:12} {rows:>10,}")
    print(f"  {summary.planted_rows} rows are wrong on purpose; the build will quarantine them.")
    if eve is not None:
        print(f"  {eve}: the same on the evening before.")
    for folder in (eve, summary.out):
        if folder is not None:
            print(f"Next: tianfu snapshot build --input {folder} --publish")
