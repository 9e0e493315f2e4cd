"""The views of one snapshot: its Parquet files, the contract's columns, rows of the scope only."""

from __future__ import annotations

import os
from pathlib import Path

from dashboard.errors import SnapshotInvalid
from dashboard.snapshot.contract import TABLES, Table
from dashboard.snapshot.manifest import Manifest, TableEntry


def view_sql(folder: Path, manifest: Manifest) -> list[str]:
    """Statements that make a schema named after the snapshot, with a view for each table.

    Raises ``SnapshotInvalid`` when a file leads outside ``folder`` by a link.
    """
    _check_inside(folder, manifest)
    statements = [f'CREATE SCHEMA "{manifest.id}"']
    for table in TABLES:
        rows = _view(table, folder, manifest.table(table.name))
        statements.append(f'CREATE VIEW "{manifest.id}"."{table.name}" AS {rows}')
    return statements


def _view(table: Table, folder: Path, entry: TableEntry) -> str:
    if not entry.files:
        columns = ", ".join(f'CAST(NULL AS {c.type}) AS "{c.name}"' for c in table.columns)
        return f"SELECT {columns} WHERE false"
    # Names come from a checked manifest and the folder from the settings; quotes are doubled all the same.
    files = ", ".join("'" + str(folder / file.path).replace("'", "''") + "'" for file in entry.files)
    columns = ", ".join(f't."{c.name}"' for c in table.columns)
    select = f"SELECT {columns} FROM read_parquet([{files}], hive_partitioning = false) t"  # noqa: S608
    if not table.scoped:
        return select
    # A semi-join beats list_contains() by half: DuckDB pushes the codes into the scan.
    return f"{select} WHERE t.\"{table.scoped}\" IN (SELECT unnest(getvariable('scope')))"


def _check_inside(folder: Path, manifest: Manifest) -> None:
    inside = os.path.realpath(folder) + os.sep
    for file in (file for table in manifest.tables for file in table.files):
        if not os.path.realpath(folder / file.path).startswith(inside):
            raise SnapshotInvalid(f"{file.path} of snapshot {manifest.id} leads outside its folder.")
