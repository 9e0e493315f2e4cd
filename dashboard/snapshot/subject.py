"""What the rules of the validation look at, and how they say what they found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from dashboard.snapshot.contract import TABLES, Table
from dashboard.snapshot.manifest import Manifest
from dashboard.snapshot.report import Finding, Outcome

SAMPLE = 5


@dataclass(frozen=True)
class Subject:
    """A snapshot folder with its manifest, and the policy's colours, and what each reason gives."""

    folder: Path
    manifest: Manifest
    reasons: Mapping[str, tuple[str, ...]]
    colours: frozenset[str]

    def scan(self, name: str) -> pl.LazyFrame | None:
        """The rows of one table, or None when no feed delivered it."""
        files = [self.folder / file.path for file in self.manifest.table(name).files]
        return pl.scan_parquet(files, hive_partitioning=False) if files else None

    def reported(self) -> Iterator[tuple[Table, pl.LazyFrame]]:
        """The delivered tables in the order of the contract."""
        for table in TABLES:
            rows = self.scan(table.name)
            if rows is not None:
                yield table, rows


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
        sentence=f"Table {table}: {sentence.format(rows=f'{count} row' + ('s' if count > 1 else ''))}",
        sentence_zh=f"表 {table}：{sentence_zh.format(rows=f'{count} 行')}" if sentence_zh else "",
    )
