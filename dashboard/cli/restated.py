"""``tianfu snapshot restated``: which days were reported late or corrected, and what they had said before."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Annotated

import polars as pl
import typer

from dashboard.cli.snapshot import Out, snapshots_folder
from dashboard.errors import InputError, SnapshotNotFound
from dashboard.policy.store import load_baseline
from dashboard.snapshot.contract import MEASURES, RESTATED
from dashboard.snapshot.history import current_at, read_current
from dashboard.snapshot.manifest import SNAPSHOT_ID, read_manifest
from dashboard.snapshot.restated import Stored, find_changes, stored
from geo.areas import PROVINCE, is_area

_PEOPLE = pl.concat_str("table_name", pl.lit("."), "measure").is_in(
    [f"{m.table}.{m.column}" for m in MEASURES if m.people]
)
_SHOWN = ("date", "area", "table_name", "measure", "part", "before", "after", "kind")


def restated(
    earlier: Annotated[
        str | None, typer.Option("--from", metavar="ID", help="The earlier snapshot.", show_default=False)
    ] = None,
    later: Annotated[
        str | None,
        typer.Option(
            "--to", metavar="ID", help="The later one; by default the one in service.", show_default=False
        ),
    ] = None,
    at: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M"],
            help="Instead of --from: the snapshot that was in service at this moment (China Standard Time).",
            show_default=False,
        ),
    ] = None,
    area: Annotated[str, typer.Option(metavar="CODE", help="The area; it stands for its sum.")] = PROVINCE,
    out: Out = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, one object a line.")] = False,
) -> None:
    """List days that were reported late or corrected: what they said, what they say now.

    Without --from and --at the list that the snapshot carries: against each snapshot published before it.
    Small counts of people are left out, as on the board.
    """
    if earlier and at:
        raise InputError("--from and --at name the earlier snapshot twice.", todo="Leave one of them out.")
    if not is_area(area):
        raise InputError(f"{area!r} is no area.", todo="Name a code such as 510100.")
    root = snapshots_folder(out)
    new = _open(root, later or read_current(root))
    if at and (earlier := current_at(root, at)) is None:
        raise SnapshotNotFound(f"Nothing was published at {at:%Y-%m-%d %H:%M}.", todo="Name a later moment.")
    if earlier:
        rows = find_changes(_open(root, earlier), new)
    else:
        table = new.rows(RESTATED)
        if table is None:
            raise SnapshotNotFound(
                f"Snapshot {new.id} does not say what was restated: an earlier version built it.",
                todo="Compare two snapshots with --from.",
            )
        rows = table.collect()
    _print(rows.filter(pl.col("area") == area), as_json=as_json)


def _open(root: Path, snapshot_id: str | None) -> Stored:
    if snapshot_id is None:
        raise SnapshotNotFound("No snapshot is in service.", todo="Publish one: tianfu snapshot publish")
    if not SNAPSHOT_ID.match(snapshot_id):
        raise SnapshotNotFound(
            f"{snapshot_id[:40]!r} is no snapshot id.", todo="List them with: tianfu snapshot list"
        )
    folder = root / snapshot_id
    return stored(folder, read_manifest(folder))


def _print(rows: pl.DataFrame, *, as_json: bool) -> None:
    least = load_baseline().disclosure.min_cell
    small = pl.any_horizontal(pl.col("before", "after").is_between(1, least - 1)).fill_null(value=False)
    kept = rows.filter(~(_PEOPLE & small)).sort("date", "table_name", "measure", "part", descending=True)
    shown = [*_SHOWN, *(name for name in ("snapshot_before", "known_at") if name in kept.columns)]
    for row in kept.select(shown).iter_rows(named=True):
        if as_json:
            print(json.dumps(row, ensure_ascii=False, default=str))
            continue
        part = f".{row['part']}" if row["part"] else ""
        said = f"  (said by {row['snapshot_before']})" if "snapshot_before" in row else ""
        print(
            f"{row['date']}  {row['kind']:9}  {row['table_name']}.{row['measure']}{part}: "
            f"{_value(row['before'])} -> {_value(row['after'])}{said}"
        )
    if not as_json:
        hidden = rows.height - kept.height
        left_out = f" {hidden} small counts of people are left out." if hidden else ""
        print(f"{kept.height} figure{'' if kept.height == 1 else 's'} restated.{left_out}")


def _value(value: int | None) -> str:
    return "not reported" if value is None else f"{value:,}"
