"""Keys are unique: at the size of the province the one rule that cannot look at ninety days at once.

Grouping a hundred million pixels takes gigabytes and minutes. A table that lies in partitions by day needs
it only within a partition, once each holds the rows of its own day alone, and only in those that are new.
"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from dashboard.snapshot.contract import Table
from dashboard.snapshot.importers.parquet import folder_day
from dashboard.snapshot.manifest import FileEntry
from dashboard.snapshot.report import Finding
from dashboard.snapshot.subject import Subject, judge

_RULE = "keys_are_unique"


def keys_are_unique(subject: Subject) -> Iterator[Finding]:
    """No two rows of a table have the same key, and a partition holds no other day than its own."""
    for table, files in subject.files():
        dated = any(c.name == "date" for c in table.columns)
        parts = [file for file in files if dated and folder_day(file.path)]
        rest = [file for file in files if file not in parts]
        bad = [*_strangers(subject, table, parts, rest), *_twins(subject, table, parts, rest)]
        yield from bad or [Finding("ok", _RULE, table.name)]


def _strangers(
    subject: Subject, table: Table, parts: list[FileEntry], rest: list[FileEntry]
) -> Iterator[Finding]:
    """Rows that stand in the partition of another day, or beside the partition of their own."""
    for file in _unchecked(subject, parts):
        others = subject.rows([file]).filter(pl.col("date") != folder_day(file.path)).select(table.key)
        yield from _found(
            others,
            table,
            f"{{rows}} of another day in {file.path}.",
            f"{file.path} 中有{{rows}}属于其他日期。",
        )
    if rest and parts:
        days = [folder_day(file.path) for file in parts]
        beside = subject.rows(rest).filter(pl.col("date").is_in(days)).select(table.key)
        yield from _found(
            beside,
            table,
            "{rows} of a day that has a partition of its own.",
            "{rows}所属日期另有自己的分区。",
        )


def _twins(
    subject: Subject, table: Table, parts: list[FileEntry], rest: list[FileEntry]
) -> Iterator[Finding]:
    said = f"{{rows}}: the key ({', '.join(table.key)}) occurs more than once."
    said_zh = f"{{rows}}主键（{', '.join(table.key)}）重复。"
    for group in [*([file] for file in _unchecked(subject, parts)), rest]:
        if group:
            rows = subject.rows(group)
            twice = rows.group_by(table.key).len("times").filter(pl.col("times") > 1).sort(table.key)
            yield from _found(twice, table, said, said_zh)


def _unchecked(subject: Subject, parts: list[FileEntry]) -> Iterator[FileEntry]:
    return (file for file in parts if file.sha256 not in subject.checked)


def _found(bad: pl.LazyFrame, table: Table, sentence: str, sentence_zh: str) -> Iterator[Finding]:
    finding = judge(bad, rule=_RULE, table=table.name, sentence=sentence, sentence_zh=sentence_zh)
    if finding.outcome != "ok":
        yield finding
