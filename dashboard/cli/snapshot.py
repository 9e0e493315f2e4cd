"""``tianfu snapshot``: build, validate, publish, roll back, list, pin and prune."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from dashboard.cli.policy_source import read_in_force
from dashboard.cli.progress import show_progress
from dashboard.clock import china_now
from dashboard.errors import SnapshotNotFound
from dashboard.settings import Settings, read_settings
from dashboard.snapshot.build import BuildResult, Step, build_snapshot, validate_stored
from dashboard.snapshot.history import clock_warning
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
from dashboard.snapshot.storage import ObjectStore, open_store
from dashboard.snapshot.storage_pins import read_pins, read_store_pins, set_pin, set_store_pin
from dashboard.snapshot.storage_publish import (
    list_store,
    prune_store,
    publish_to_store,
    roll_back_in_store,
    store_pointer_id,
)
from dashboard.snapshot.transfer_unpack import open_delivery

app = typer.Typer(help="Snapshots: the data the board shows.", no_args_is_help=True)

Out = Annotated[
    Path | None,
    typer.Option(
        "--out",
        help="Folder of the snapshots; by default the place TIANFU_SNAPSHOTS names.",
        show_default=False,
    ),
]
Id = Annotated[
    str | None,
    typer.Argument(metavar="[ID]", help="Snapshot id; by default the newest one.", show_default=False),
]
GivenId = Annotated[str, typer.Argument(metavar="ID", help="Snapshot id.")]


@dataclass(frozen=True)
class Target:
    """Where a command works: the folder of snapshots, and the object store behind it, if there is one."""

    root: Path
    store: ObjectStore | None
    settings: Settings
    named: bool

    @property
    def quarantine(self) -> Path | None:
        """Folder of rejected rows: beside a folder that was named, else below TIANFU_HOME.

        Never beside a shared folder: rejected rows may speak of a person.
        """
        return None if self.named else self.settings.home / "quarantine"


@app.command()
def build(
    delivery: Annotated[
        Path,
        typer.Option(
            "--input",
            metavar="DIR|FILE",
            help="Folder the departments deliver into, or a .zip or .tar.gz of it.",
        ),
    ],
    out: Out = None,
    publish: Annotated[bool, typer.Option(help="Let the board serve it when it is valid.")] = False,
    memory: Annotated[
        str, typer.Option("--memory", metavar="SIZE", help="Memory the roll-up of events may use, like 3GB.")
    ] = DEFAULT_MEMORY,
) -> None:
    """Build a snapshot from a delivery, validate it, and publish it if asked."""
    build_from(delivery, out=out, publish=publish, memory=memory)


def build_from(
    delivery: Path, *, out: Path | None = None, publish: bool, memory: str = DEFAULT_MEMORY
) -> None:
    """What ``tianfu snapshot build`` does."""
    target = _target(out)
    _warn_of_clock(target.root)
    with (
        open_delivery(delivery, scratch=target.settings.home) as folder,
        show_progress("build") as report,
    ):

        def progress(step: Step) -> None:
            report(step.number, step.of, step.words)

        try:
            result = build_snapshot(
                input_dir=folder,
                out=target.root,
                home_quarantine=target.quarantine,
                progress=progress,
                publish=publish and target.store is None,
                memory=memory,
                policy=read_in_force(target.settings).policy,
            )
        except Refused as refused:
            print(render_text(refused.report))
            raise
    print(render_text(result.report))
    print(f"{'Already built' if result.already else 'Built'}: {result.manifest.id}")
    if publish and _publish_built(target, result):
        print(f"The board serves {result.manifest.id}.")
    elif publish:
        print(f"The board served {result.manifest.id} before.")


def _publish_built(target: Target, result: BuildResult) -> bool:
    """Publish what was just built, if it is not yet; a folder was switched within the build."""
    if target.store is None:
        return result.published
    if store_pointer_id(target.store) == result.manifest.id:
        return False
    publish_to_store(target.store, target.root, result.manifest.id, now=china_now())
    return True


@app.command()
def validate(
    snapshot_id: Id = None,
    out: Out = None,
    as_json: Annotated[bool, typer.Option("--json", help="Every rule on every table, as JSON.")] = False,
) -> None:
    """Check a stored snapshot again: files, columns and every rule."""
    root = _target(out).root
    report = validate_stored(root, _named(root, snapshot_id), policy=read_in_force(read_settings()).policy)
    print(render_json(report) if as_json else render_text(report))
    check_report(report)


@app.command()
def publish(snapshot_id: Id = None, out: Out = None) -> None:
    """Let the board serve a stored snapshot; its files are hashed first."""
    target = _target(out)
    _warn_of_clock(target.root)
    name = _named(target.root, snapshot_id)
    if target.store is None:
        manifest = publish_snapshot(target.root, name, now=china_now())
    else:
        manifest = publish_to_store(target.store, target.root, name, now=china_now())
    print(f"The board serves {manifest.id}.")


@app.command()
def rollback(
    to: Annotated[
        str | None, typer.Option("--to", metavar="ID", help="Serve this one instead.", show_default=False)
    ] = None,
    out: Out = None,
) -> None:
    """Serve the snapshot that was published before the current one."""
    target = _target(out)
    _warn_of_clock(target.root)
    if target.store is None:
        manifest = roll_back(target.root, to=to, now=china_now())
    else:
        manifest = roll_back_in_store(target.store, target.root, to=to, now=china_now())
    print(f"The board serves {manifest.id} again.")


@app.command("list")
def list_all(out: Out = None) -> None:
    """List the stored snapshots, newest first; an arrow marks the one the board serves."""
    target = _target(out)
    found = list_store(target.store) if target.store else list_snapshots(target.root)
    pins = read_store_pins(target.store) if target.store else read_pins(target.root)
    for one in found:
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
        if one.id in pins:
            marks.append(f"pinned: {pins[one.id].reason}")
        print(f"{arrow} {one.id}  {'  '.join(marks)}")


@app.command()
def pin(
    snapshot_id: GivenId,
    reason: Annotated[
        str, typer.Option("--reason", help="Why it must stay, such as the meeting it was shown in.")
    ],
    out: Out = None,
) -> None:
    """Keep a snapshot whatever is pruned."""
    _set_pin(_target(out), snapshot_id, reason)
    print(f"{snapshot_id} stays.")


@app.command()
def unpin(snapshot_id: GivenId, out: Out = None) -> None:
    """Let pruning remove a pinned snapshot again."""
    _set_pin(_target(out), snapshot_id, None)
    print(f"{snapshot_id} may be pruned.")


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
    """Remove old snapshots; the current one, the way back from it and pinned ones always stay."""
    target = _target(out)
    gone = prune_snapshots(target.root, keep=keep, pinned=pin or (), now=china_now())
    if target.store is not None:
        gone = prune_store(target.store, keep=keep, pinned=pin or ())
    print("\n".join(f"Removed {snapshot_id}." for snapshot_id in gone) or "Nothing to remove.")


def snapshots_folder(out: Path | None) -> Path:
    """The folder of snapshots that a command works on."""
    return _target(out).root


def _target(out: Path | None) -> Target:
    settings = read_settings()
    if out is not None:
        return Target(out.resolve(), None, settings, named=True)
    store = open_store(settings) if settings.object_store else None
    return Target(settings.snapshots, store, settings, named=False)


def _set_pin(target: Target, snapshot_id: str, reason: str | None) -> None:
    if target.store is None:
        set_pin(target.root, snapshot_id, reason=reason, now=china_now())
    else:
        set_store_pin(target.store, snapshot_id, reason=reason, now=china_now())


def _warn_of_clock(root: Path) -> None:
    said = clock_warning(root, china_now())
    if said:
        print(f"tianfu: {said}", file=sys.stderr)


def _named(root: Path, snapshot_id: str | None) -> str:
    ids = snapshot_ids(root)
    if snapshot_id:
        return snapshot_id
    if not ids:
        raise SnapshotNotFound(
            f"There is no snapshot in {root}.", todo="Build one: tianfu snapshot build --input DIR"
        )
    return ids[0]
