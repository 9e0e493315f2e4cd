"""Publication: which snapshot the board serves, and the way there and back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import polars as pl

from dashboard.snapshot.lock import hold_lock
from dashboard.snapshot.manifest import Manifest
from dashboard.snapshot.stage import commit, stage_snapshot


def write_snapshot(
    root: Path,
    tables: Mapping[str, pl.DataFrame | pl.LazyFrame],
    *,
    data_time: datetime,
    built_at: datetime,
    policy_version: int,
    synthetic: bool,
    feeds: Mapping[str, str],
    warnings: tuple[str, ...] = (),
) -> Manifest:
    """Write tables as one snapshot below ``root`` without judging their rows, and return its manifest.

    Tables that are not given are marked as not reported. Nothing is published.
    """
    with (
        hold_lock(root, since=built_at),
        stage_snapshot(
            root,
            tables,
            data_time=data_time,
            built_at=built_at,
            policy_version=policy_version,
            synthetic=synthetic,
            feeds=feeds,
            warnings=warnings,
        ) as candidate,
    ):
        return commit(root, candidate)
