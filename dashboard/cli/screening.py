"""``tianfu screening``: how many people an outbreak concerns, stage by stage."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from dashboard.cli.progress import show_progress
from dashboard.errors import SettingError
from dashboard.i18n.catalogue import Lang, read_lang, t
from dashboard.screening.funnel import Funnel, Stage, rows_of, write_funnel
from dashboard.screening.incident import read_incident
from dashboard.screening.run import run_screening
from dashboard.settings import read_settings
from geo.areas import get_area, name_of

app = typer.Typer(
    help="Outbreak screening on the build side: counts only, never a person.", no_args_is_help=True
)

INPUT = "input"
WORKROOM = "screening"
_SIZE = re.compile(r"(\d{1,4}(?:\.\d)?)\s*([MG]B)", re.IGNORECASE)
_LEAST_MB = 256


@app.callback()
def _screening() -> None:
    """A group with one command so far keeps its name on the command line."""


@app.command()
def run(
    incident: Annotated[
        Path, typer.Option("--incident", metavar="FILE", help="Incident file, .toml or .json.")
    ],
    input_dir: Annotated[
        Path | None,
        typer.Option(
            "--input",
            metavar="DIR",
            help=f"Folder with the events; by default '{INPUT}' below TIANFU_HOME.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="DIR",
            help="Input folder of 'tianfu snapshot build' that gets the counts; by default that of --input.",
            show_default=False,
        ),
    ] = None,
    memory: Annotated[str, typer.Option(help="Most memory for the database, such as 6GB.")] = "6GB",
    as_json: Annotated[bool, typer.Option("--json", help="Print every row as JSON instead.")] = False,
    lang: Annotated[str, typer.Option("--lang", help="Language of names: zh-CN or en.")] = "zh-CN",
) -> None:
    """Screen one outbreak and write its funnel for the next snapshot."""
    asked = read_incident(incident)
    home = read_settings().home
    source = input_dir or home / INPUT
    with show_progress("screening") as progress:
        funnel = run_screening(
            asked, input_dir=source, workroom=home / WORKROOM, memory=_memory(memory), progress=progress
        )
    written = write_funnel(funnel, out or source)
    if as_json:
        typer.echo(render_json(funnel))
        return
    print_report(funnel, read_lang(lang), Console())
    for path in written:
        typer.echo(f"Wrote {path}")


def _memory(text: str) -> str:
    match = _SIZE.fullmatch(text.strip())
    size = float(match[1]) * (1000 if match[2].upper() == "GB" else 1) if match else 0
    if not match or size < _LEAST_MB:
        raise SettingError(
            f"--memory is {text!r}, no size of at least {_LEAST_MB} MB.", todo="Write it like 6GB or 800MB."
        )
    return f"{match[1]}{match[2].upper()}"


def print_report(funnel: Funnel, lang: Lang, console: Console) -> None:
    """The stages in total, the final list by city, and notes. For the build side: small counts are shown."""
    name = funnel.name_en if lang == "en" else funnel.name_zh
    console.print(f"{name}  {funnel.incident}", markup=False)
    console.print(_stage_table(funnel, lang))
    console.print(_city_table(funnel.stages[-1], lang))
    for note in funnel.notes:
        console.print(note, style="yellow", markup=False)
    console.print(t(lang, "screening.build_side"), style="dim")


def _stage_table(funnel: Funnel, lang: Lang) -> Table:
    table = Table("#", t(lang, "screening.stage"), t(lang, "screening.entered"), t(lang, "screening.kept"))
    table.add_column(t(lang, "screening.dropped"))
    table.add_column(t(lang, "screening.seconds"))
    for column in (2, 3, 5):
        table.columns[column].justify = "right"
    for stage in funnel.stages:
        reasons = [
            f"{t(lang, f'dropreason.{reason}')} {stage.total(counts):,}"
            for reason, counts in stage.dropped.items()
        ]
        table.add_row(
            str(stage.number),
            t(lang, f"stage.{stage.name}"),
            f"{stage.total(stage.entered):,}",
            f"{stage.total(stage.kept):,}",
            "\n".join(reasons) if stage.run else f"{t(lang, 'dropreason.feed_not_reported')} ({stage.feed})",
            f"{stage.seconds:.1f}",
        )
    return table


def _city_table(last: Stage, lang: Lang) -> Table:
    table = Table(t(lang, "screening.city"), t(lang, "screening.final_size"))
    table.columns[1].justify = "right"
    for city, people in sorted(by_city(last.kept).items(), key=lambda pair: (-pair[1], pair[0])):
        if people:
            table.add_row(name_of(city, lang), f"{people:,}")
    table.add_row(t(lang, "screening.total"), f"{last.total(last.kept):,}")
    return table


def by_city(counts: Mapping[str, int]) -> Counter[str]:
    """Counts by county as counts by city."""
    cities: Counter[str] = Counter()
    for county, people in counts.items():
        cities[get_area(county).city] += people
    return cities


def render_json(funnel: Funnel) -> str:
    """Incident, stages with totals and cities, notes, and every row of the table, as JSON."""
    stages = [
        {
            "stage_no": stage.number,
            "stage": stage.name,
            "run": stage.run,
            "feed": stage.feed,
            "entered": stage.total(stage.entered),
            "kept": stage.total(stage.kept),
            "dropped": {reason: stage.total(counts) for reason, counts in stage.dropped.items()},
            "kept_by_city": {city: n for city, n in sorted(by_city(stage.kept).items()) if n},
            "seconds": stage.seconds,
        }
        for stage in funnel.stages
    ]
    content = {
        "incident": funnel.incident,
        "name_zh": funnel.name_zh,
        "name_en": funnel.name_en,
        "stages": stages,
        "notes": funnel.notes,
        "rows": list(rows_of(funnel)),
    }
    return json.dumps(content, ensure_ascii=False, indent=1, default=str)
