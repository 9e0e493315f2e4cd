"""``tianfu policy``: read the thresholds in force, compare two documents, export one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from dashboard.errors import StorageError
from dashboard.i18n.catalogue import Lang, read_lang, t
from dashboard.policy.diff import diff_policies
from dashboard.policy.document import canonical_json, digest_policy, read_policy
from dashboard.policy.model import Policy, ReasonRow
from dashboard.policy.store import load_baseline
from dashboard.policy.thresholds import Threshold, list_thresholds

app = typer.Typer(help="The thresholds in force: show, compare, export.", no_args_is_help=True)

Document = Annotated[str, typer.Argument(help="A .toml or .json policy document, or 'baseline'.")]
Language = Annotated[str, typer.Option("--lang", help="Language of names: zh-CN or en.")]


@app.command()
def show(
    as_json: Annotated[bool, typer.Option("--json", help="Print the canonical JSON instead.")] = False,
    lang: Language = "zh-CN",
) -> None:
    """Show every threshold with its unit and source, and every reason for a colour."""
    policy = load_baseline()
    if as_json:
        typer.echo(canonical_json(policy))
        return
    spoken = read_lang(lang)
    console = Console()
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
    changes = diff_policies(_load(before), _load(after))
    if not changes:
        typer.echo("No field differs.")
        return
    table = Table("field", "", "before", "after")
    for change in changes:
        table.add_row(change.path, change.kind, _text(change.before), _text(change.after))
    Console().print(table)
    typer.echo(f"{len(changes)} fields differ." if len(changes) > 1 else "1 field differs.")


@app.command()
def export(
    out: Annotated[
        Path | None, typer.Option("--out", help="File to write; standard output by default.")
    ] = None,
) -> None:
    """Write the policy in force as canonical JSON; its SHA-256 is the policy's digest."""
    policy = load_baseline()
    if out is None:
        typer.echo(canonical_json(policy))
        return
    try:
        out.write_bytes(canonical_json(policy).encode())
    except OSError as problem:
        raise StorageError(f"{out} cannot be written: {problem}.", todo="Choose another file.") from None
    typer.echo(f"{out}  {digest_policy(policy)}")


def _load(name: str) -> Policy:
    return load_baseline() if name == "baseline" else read_policy(Path(name))


def _threshold_table(thresholds: tuple[Threshold, ...], lang: Lang) -> Table:
    table = Table("threshold", "name", "", "unit", "bounds", "", "source")
    table.columns[2].justify = "right"
    for item in thresholds:
        name = t(lang, item.text_key)
        if item.key:
            kind = "feed" if item.group == "feeds" else "category"
            name += f" · {t(lang, f'{kind}.{item.key}')}"
        table.add_row(
            item.path,
            name,
            _text(item.value),
            t(lang, f"policy.unit.{item.unit}") if item.unit else "",
            f"{item.low:,}–{item.high:,}" if item.low is not None and item.high is not None else "",
            item.source.mark,
            item.source.zh if lang == "zh-CN" else item.source.en,
        )
    return table


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
