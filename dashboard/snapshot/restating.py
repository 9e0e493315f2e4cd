"""The step of a build that compares its days with the snapshot published before it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import polars as pl

from dashboard.errors import TianfuError
from dashboard.snapshot.history import way_back
from dashboard.snapshot.manifest import Manifest, TableEntry, read_manifest
from dashboard.snapshot.restated import Stored, no_restatements, restate, stored
from dashboard.snapshot.verify import check_files


class Restating:
    """Makes the table ``restated`` of one build; ``notes`` says afterwards what could not be told.

    The earlier snapshot is the newest one on the way back from ``CURRENT`` that speaks of no later moment: an
    old delivery that is built again corrects nothing. Invented and real days are never compared.
    """

    def __init__(
        self, root: Path, *, data_time: datetime, synthetic: bool, arrivals: Mapping[str, datetime]
    ) -> None:
        self._data_time = data_time
        self._arrivals = arrivals
        self.notes: tuple[str, ...] = ()
        self._earlier = self._find(root, synthetic=synthetic)

    def derive(self, folder: Path, entries: Mapping[str, TableEntry]) -> pl.DataFrame:
        """The rows of ``restated`` for the candidate in ``folder``."""
        if self._earlier is None:
            return no_restatements()
        later = Stored("", folder, entries)
        found = restate(self._earlier, later, known_at=self._arrivals, data_time=self._data_time)
        if found.left_out:
            self.notes += (
                f"更正过多，另有 {found.left_out} 项未列出。 / "
                f"Too many corrections: {found.left_out} more are not listed.",
            )
        return found.rows

    def _find(self, root: Path, *, synthetic: bool) -> Stored | None:
        for snapshot_id in reversed(way_back(root)):
            folder = root / snapshot_id
            if not folder.is_dir():
                continue  # pruned
            manifest = self._read(folder)
            if manifest is None:
                return None
            if manifest.data_time <= self._data_time:
                return stored(folder, manifest) if manifest.synthetic == synthetic else None
        return None

    def _read(self, folder: Path) -> Manifest | None:
        """The manifest of a whole snapshot; a torn one must not stop the build, and is told."""
        try:
            manifest = read_manifest(folder)
            check_files(folder, manifest)
        except TianfuError:
            self.notes += (
                f"上一快照 {folder.name} 无法读取，本次未能比对更正。 / "
                f"The earlier snapshot {folder.name} cannot be read: corrections against it are not known.",
            )
            return None
        return manifest
