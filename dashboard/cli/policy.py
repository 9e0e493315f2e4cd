"""``tianfu policy``: read the thresholds in force or any published version, compare two, export one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from dashboard.cli.policy_source import load_policy
from dashboard.errors import StorageError
from dashboard.i18n.catalogue import Lang, read_lang, t
from dashboard.policy.diff import diff_policies
from dashboard.policy.document import canonical_json, digest_policy
from dashboard.policy.model import Policy, ReasonRow
from dashboard.policy.thresholds import Threshold, list_thresholds

app = typer.Typer(
    help="The thresholds: show, compare, export, draft from a file, publish.", no_args_is_help=True
)

Document = Annotated[
    str,
    typer.Argument(help="'in-force', 'baseline', the number of a version, or a .toml or .json document."),
]
Which = Annotated[
    str,
    typer.Option(
        "--version",
        metavar="VERSION",
        help="Number of a published version, or 'baseline'; in force by default.",
    ),
]
Language = Annotated[str, typer.Option("--lang", help="Language of names: zh-CN or en.")]


@app.command()
def show(
    as_json: Annotated[bool, typer.Option("--json", help="Print the canonical JSON instead.")] = False,
    lang: Language = "zh-CN",
    version: Which = "in-force",
) -> None:
    """Show every threshold with its unit and source, and every reason for a colour."""
    policy = load_policy(version)
    if as_json:
        typer.echo(canonical_json(policy))
        return
    spoken = read_lang(lang)
    console = _console()
    title = policy.title.zh if spoken == "zh-CN" else policy.title.en
    console.print(f"{title}  {policy.policy_id}:{policy.version}  {policy.effective_from}")
    console.print(digest_policy(policy), style="dim")
    console.print(_threshold_table(list_thresholds(policy), spoken))
    console.print(_reason_table(policy, spoken))
    marks = "  ".join(f"{mark}: {t(spoken, f'mark.{mark}')}" for mark in "spcu")
    console.print(marks, style="dim")


@app.command()
def diff(before: Document, after: Document) -> None:
    """Compare two policies field by field."""
    changes = diff_policies(load_policy(before), load_policy(after))
    if not changes:
        typer.echo("No field differs.")
        return
    table = Table("field", "", "before", "after")
    for change in changes:
        table.add_row(change.path, change.kind, _text(change.before), _text(change.after))
    _console().print(table)
    typer.echo(f"{len(changes)} fields differ." if len(changes) > 1 else "1 field differs.")


@app.command()
def export(
    out: Annotated[
        Path | None, typer.Option("--out", help="File to write; standard output by default.")
    ] = None,
    version: Which = "in-force",
) -> None:
    """Write a policy as canonical JSON; its SHA-256 is the policy's digest."""
    policy = load_policy(version)
    if out is None:
        typer.echo(canonical_json(policy))
        return
    try:
        out.write_bytes(canonical_json(policy).encode())
    except OSError as problem:
        raise StorageError(f"{out} cannot be written: {problem}.", todo="Choose another file.") from None
    typer.echo(f"{out}  {digest_policy(policy)}")


def _console() -> Console:
    # Titles, sources and notes are typed by people: square brackets in them are no markup.
    return Console(markup=False, highlight=False)


def _threshold_table(thresholds: tuple[Threshold, ...], lang: Lang) -> Table:
    table = Table("threshold", "name", "", "unit", "bounds", "", "source")
    table.columns[2].justify = "right"
    for item in thresholds:
        name = t(lang, item.text_key)
        if item.key:
            key = f"feed.{item.key}" if item.group == "feeds" else f"category.{item.key}"
            name += f" · {t(lang, key)}"
        table.add_row(
            item.path,
            name,
            _value(item, lang),
            t(lang, f"policy.unit.{item.unit}") if item.unit else "",
            f"{item.low:,}–{item.high:,}" if item.low is not None and item.high is not None else "",
            item.source.mark,
            item.source.zh if lang == "zh-CN" else item.source.en,
        )
    return table


def _value(item: Threshold, lang: Lang) -> str:
    if isinstance(item.value, bool):
        return t(lang, "policy.yes" if item.value else "policy.no")
    if isinstance(item.value, str):
        return t(lang, f"ruleset.{item.value}" if item.name == "rule_set" else f"basis.{item.value}")
    return f"{item.value:,}"


def _reason_table(policy: Policy, lang: Lang) -> Table:
    table = Table("#", "reason", "name", "colour", "days", "from", "ends", "")
    for row in policy.health_code.rows:
        table.add_row(
            str(row.clause),
            row.reason_code,
            row.zh if lang == "zh-CN" else row.en,
            t(lang, f"colour.{row.colour}"),
            _text(row.hold_days),
            t(lang, f"holdfrom.{row.hold_from}") if row.hold_days else "",
            _ending(row, lang),
            policy.source(row.source).mark,
        )
    return table


def _ending(row: ReasonRow, lang: Lang) -> str:
    if row.release is None:
        return ""
    words = t(lang, f"release.{row.release}")
    return f"{words} × {row.tests_required}" if row.tests_required else words


def _text(value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:,}" if isinstance(value, int) else str(value)
