"""What the rules of the validation look at, and how they say what they found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from dashboard.snapshot.contract import TABLES, Table
from dashboard.snapshot.manifest import FileEntry, Manifest
from dashboard.snapshot.report import Finding, Outcome
from geo.areas import is_area

SAMPLE = 5


@dataclass(frozen=True)
class Subject:
    """A snapshot folder with its manifest, and the policy's colours, and what each reason gives.

    ``checked`` holds the SHA-256 of partitions whose keys an earlier build found unique.
    """

    folder: Path
    manifest: Manifest
    reasons: Mapping[str, tuple[str, ...]]
    colours: frozenset[str]
    checked: frozenset[str] = frozenset()

    def scan(self, name: str) -> pl.LazyFrame | None:
        """The rows of one table, or None when no feed delivered it."""
        files = self.manifest.table(name).files
        return self.rows(files) if files else None

    def rows(self, files: Sequence[FileEntry]) -> pl.LazyFrame:
        """The rows of some files of one table."""
        return pl.scan_parquet([self.folder / file.path for file in files], hive_partitioning=False)

    def files(self) -> Iterator[tuple[Table, tuple[FileEntry, ...]]]:
        """The files of the delivered tables, in the order of the contract."""
        for table in TABLES:
            files = self.manifest.table(table.name).files
            if files:
                yield table, files

    def reported(self) -> Iterator[tuple[Table, pl.LazyFrame]]:
        """The delivered tables in the order of the contract."""
        for table in TABLES:
            rows = self.scan(table.name)
            if rows is not None:
                yield table, rows


def places_of(rows: pl.DataFrame) -> tuple[str, ...]:
    """Up to five days and areas of ``rows``; values are left out, and so are texts that are no area."""
    known = [name for name in ("date", "area") if name in rows.columns]
    if not known:
        return ()
    said = rows.select(known).unique(maintain_order=True).head(SAMPLE)
    return tuple(
        " ".join(f"{name}={value if name != 'area' or is_area(str(value)) else '?'}" for name, value in row)
        for row in (zip(known, values, strict=True) for values in said.iter_rows())
    )


def judge(
    against: pl.LazyFrame,
    *,
    rule: str,
    table: str,
    sentence: str,
    outcome: Outcome = "error",
    sentence_zh: str = "",
) -> Finding:
    """A finding from the rows against a rule; ``{rows}`` in the sentences becomes their number."""
    rows = against.collect()
    if rows.is_empty():
        return Finding("ok", rule, table)
    count = rows.height
    return Finding(
        outcome=outcome,
        rule=rule,
        table=table,
        rows=count,
        sample=tuple(
            " ".join(f"{name}={value}" for name, value in row.items()) for row in rows.head(SAMPLE).to_dicts()
        ),
        where=places_of(rows),
        sentence=f"Table {table}: {sentence.format(rows=f'{count} row' + ('s' if count > 1 else ''))}",
        sentence_zh=f"表 {table}：{sentence_zh.format(rows=f'{count} 行')}" if sentence_zh else "",
    )
