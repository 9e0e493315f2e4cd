"""The funnel: aggregates by stage, county and reason, their reconciliation, and how they are written.

Nothing here knows a person. Rows have the columns of the snapshot's table ``funnel`` and, beside them,
``seconds``, so that ``tianfu snapshot build`` takes them as a delivery.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path

import polars as pl

from dashboard.errors import TianfuError
from dashboard.snapshot.contract import KEPT
from dashboard.snapshot.files import disk_trouble, sync

FINAL_LIST = "final_list"
NOT_RUN = "feed_not_reported"


class NotReconciled(TianfuError):
    """The stages contradict each other: a bug, or rows that changed while they were read."""

    exit_code = 4


@dataclass(frozen=True)
class Stage:
    """One stage: counts by county. ``entered`` = ``kept`` + the sum of ``dropped`` by reason, everywhere.

    Stages 1 and 2 take in scans, stage 2 lets out people, all later ones count people. ``run`` is False
    where the feed of the stage was not delivered: everybody passes, and the reason says so.
    """

    number: int
    name: str
    entered: Mapping[str, int]
    kept: Mapping[str, int]
    dropped: Mapping[str, Mapping[str, int]]
    computed_at: datetime
    seconds: float
    feed: str = ""
    run: bool = True

    def total(self, counts: Mapping[str, int]) -> int:
        return sum(counts.values())


@dataclass(frozen=True)
class Funnel:
    """The whole answer to one incident; ``notes`` are for the clerk, in English."""

    incident: str
    name_zh: str
    name_en: str
    area: str
    began: date
    ended: date | None
    stages: tuple[Stage, ...]
    counties: tuple[str, ...]
    notes: tuple[str, ...] = field(default_factory=tuple)

    def check(self) -> None:
        """Raise ``NotReconciled`` unless every stage adds up and continues the one before, by county."""
        before: Mapping[str, int] | None = None
        for stage in self.stages:
            for area in self.counties:
                entered, kept = stage.entered.get(area, 0), stage.kept.get(area, 0)
                gone = [counts.get(area, 0) for counts in stage.dropped.values()]
                if entered != kept + sum(gone) or min(entered, kept, *gone) < 0:
                    raise NotReconciled(f"Stage {stage.number} {stage.name} does not add up in {area}.")
                if before is not None and entered != before.get(area, 0):
                    raise NotReconciled(f"Stage {stage.number} {stage.name} loses people in {area}.")
            strange = {*stage.entered, *stage.kept} - set(self.counties)
            if strange:
                raise NotReconciled(f"Stage {stage.number} counts people in {min(strange)}, no county.")
            before = stage.kept


def rows_of(funnel: Funnel) -> Iterator[dict[str, object]]:
    """The rows of the table: by stage and county, one for those who stay and one for each reason.

    Every county has its rows, with zeros where nobody was. In a stage that was not run everybody stays,
    and its only reason is ``feed_not_reported``, which dropped nobody.
    """
    for stage in funnel.stages:
        for area in funnel.counties:
            common: dict[str, object] = {"incident": funnel.incident, "stage": stage.name}
            common |= {"stage_no": stage.number, "area": area}
            stayed = stage.kept.get(area, 0)
            counts = [(KEPT, stayed, stayed, 0)]
            for reason, by_area in (stage.dropped if stage.run else {NOT_RUN: {}}).items():
                gone = by_area.get(area, 0)
                counts.append((reason, gone, 0, gone))
            for reason, entered, kept, dropped in counts:
                yield common | {
                    "drop_reason": reason,
                    "entered": entered,
                    "kept": kept,
                    "dropped": dropped,
                    "computed_at": stage.computed_at,
                    "seconds": stage.seconds,
                }


_FUNNEL_TYPES = {
    "incident": pl.String(),
    "stage": pl.String(),
    "stage_no": pl.Int32(),
    "area": pl.String(),
    "drop_reason": pl.String(),
    "entered": pl.Int64(),
    "kept": pl.Int64(),
    "dropped": pl.Int64(),
    "computed_at": pl.Datetime("us"),
    "seconds": pl.Float64(),
}


def write_funnel(funnel: Funnel, out: Path) -> tuple[Path, ...]:
    """Write ``out/funnel/<incident>.parquet`` and ``out/incident/<incident>.parquet``; return both paths.

    Each takes the place of an earlier one in one step. Raises ``StorageError`` when
    ``out`` cannot be written.
    """
    about = pl.DataFrame(
        {
            "incident": [funnel.incident],
            "area": [funnel.area],
            "name_zh": [funnel.name_zh],
            "name_en": [funnel.name_en],
            "began": [funnel.began],
            "ended": [funnel.ended],
        },
        schema_overrides={"began": pl.Date(), "ended": pl.Date()},
    )
    rows = pl.DataFrame(list(rows_of(funnel)), schema=_FUNNEL_TYPES)
    with disk_trouble(out):
        return tuple(
            _replace(out / table / f"{funnel.incident}.parquet", frame)
            for table, frame in (("incident", about), ("funnel", rows))
        )


def _replace(path: Path, frame: pl.DataFrame) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.new")  # hidden: no part of a delivery
    with beside.open("wb") as stream:
        frame.write_parquet(stream)
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(beside, path)
    sync(path.parent)
    return path
