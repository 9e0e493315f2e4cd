"""``tianfu snapshot``: build, validate, publish, roll back, list and prune."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dashboard.cli.progress import show_progress
from dashboard.clock import china_now
from dashboard.errors import SnapshotNotFound
from dashboard.settings import read_settings
from dashboard.snapshot.build import Step, build_snapshot, validate_stored
from dashboard.snapshot.publish import (
    KEEP_LEAST,
    list_snapshots,
    prune_snapshots,
    publish_snapshot,
    roll_back,
    snapshot_ids,
)
from dashboard.snapshot.report import Refused, check_report, render_json, render_text
from dashboard.snapshot.rollup.engine import DEFAULT_MEMORY

app = typer.Typer(help="Snapshots: the data the board shows.", no_args_is_help=True)

Out = Annotated[
    Path | None,
    typer.Option(
        "--out", help="Folder of the snapshots; by default 'snapshots' below TIANFU_HOME.", show_default=False
    ),
]
Id = Annotated[
    str | None,
    typer.Argument(metavar="[ID]", help="Snapshot id; by default the newest one.", show_default=False),
]


@app.command()
def build(
    input_dir: Annotated[
        Path, typer.Option("--input", metavar="DIR", help="Folder the departments deliver into.")
    ],
    out: Out = None,
    publish: Annotated[bool, typer.Option(help="Let the board serve it when it is valid.")] = False,
    memory: Annotated[
        str, typer.Option("--memory", metavar="SIZE", help="Memory the roll-up of events may use, like 3GB.")
    ] = DEFAULT_MEMORY,
) -> None:
    """Build a snapshot from a delivery, validate it, and publish it if asked."""
    with show_progress("build") as report:

        def progress(step: Step) -> None:
            report(step.number, step.of, step.words)

        try:
            result = build_snapshot(
                input_dir=input_dir, out=_root(out), progress=progress, publish=publish, memory=memory
            )
        except Refused as refused:
            print(render_text(refused.report))
            raise
    print(render_text(result.report))
    print(f"{'Already built' if result.already else 'Built'}: {result.manifest.id}")
    if result.published:
        print(f"The board serves {result.manifest.id}.")
    elif publish:
        print(f"The board served {result.manifest.id} before.")


@app.command()
def validate(
    snapshot_id: Id = None,
    out: Out = None,
    as_json: Annotated[bool, typer.Option("--json", help="Every rule on every table, as JSON.")] = False,
) -> None:
    """Check a stored snapshot again: files, columns and every rule."""
    root = _root(out)
    report = validate_stored(root, _named(root, snapshot_id))
    print(render_json(report) if as_json else render_text(report))
    check_report(report)


@app.command()
def publish(snapshot_id: Id = None, out: Out = None) -> None:
    """Let the board serve a stored snapshot; its files are hashed first."""
    root = _root(out)
    manifest = publish_snapshot(root, _named(root, snapshot_id), now=china_now())
    print(f"The board serves {manifest.id}.")


@app.command()
def rollback(
    to: Annotated[
        str | None, typer.Option("--to", metavar="ID", help="Serve this one instead.", show_default=False)
    ] = None,
    out: Out = None,
) -> None:
    """Serve the snapshot that was published before the current one."""
    manifest = roll_back(_root(out), to=to, now=china_now())
    print(f"The board serves {manifest.id} again.")


@app.command("list")
def list_all(out: Out = None) -> None:
    """List the stored snapshots, newest first; an arrow marks the one the board serves."""
    for one in list_snapshots(_root(out)):
        arrow = "->" if one.current else "  "
        if one.manifest is None:
            print(f"{arrow} {one.id}  {one.trouble}")
            continue
        m = one.manifest
        marks = [f"data {m.data_time:%Y-%m-%d %H:%M}", f"built {m.built_at:%Y-%m-%d %H:%M}"]
        marks.append(f"{sum(table.rows for table in m.tables)} rows")
        if m.warnings:
            marks.append(f"{len(m.warnings)} warnings")
        if m.synthetic:
            marks.append("synthetic")
        print(f"{arrow} {one.id}  {'  '.join(marks)}")


@app.command()
def prune(
    keep: Annotated[
        int, typer.Option("--keep", metavar="N", help=f"How many of the newest stay, {KEEP_LEAST} or more.")
    ],
    out: Out = None,
    pin: Annotated[
        list[str] | None, typer.Option("--pin", metavar="ID", help="Stays in any case.", show_default=False)
    ] = None,
) -> None:
    """Remove old snapshots; the current one and the way back from it always stay."""
    gone = prune_snapshots(_root(out), keep=keep, pinned=pin or (), now=china_now())
    print("\n".join(f"Removed {snapshot_id}." for snapshot_id in gone) or "Nothing to remove.")


def _root(out: Path | None) -> Path:
    return out.resolve() if out else read_settings().snapshots


def _named(root: Path, snapshot_id: str | None) -> str:
    ids = snapshot_ids(root)
    if snapshot_id:
        return snapshot_id
    if not ids:
        raise SnapshotNotFound(
            f"There is no snapshot in {root}.", todo="Build one: tianfu snapshot build --input DIR"
        )
    return ids[0]
