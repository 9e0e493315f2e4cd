"""Validation: every rule, one function each, on a candidate or a stored snapshot.

An error refuses the snapshot. A warning is published with it and shown on the board.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from itertools import chain
from pathlib import Path

from dashboard.snapshot import rules_contract, rules_daily, rules_jumps, rules_keys, rules_sense
from dashboard.snapshot.contract import TABLES
from dashboard.snapshot.manifest import Manifest
from dashboard.snapshot.report import Finding, Report
from dashboard.snapshot.subject import Subject
from dashboard.snapshot.verify import find_broken

Rule = Callable[[Subject], Iterator[Finding]]


def files_are_as_built(subject: Subject) -> Iterator[Finding]:
    """The manifest names every table once, and every file is there with its size and SHA-256."""
    rule = "files_are_as_built"
    names = [table.name for table in subject.manifest.tables]
    if sorted(names) != sorted(table.name for table in TABLES):
        yield Finding(
            "error",
            rule,
            "",
            sentence="The manifest does not name every table of the contract once.",
            sentence_zh="清单未逐一列出数据约定中的各表。",
        )
        return
    broken = find_broken(subject.folder, subject.manifest)
    for one in broken:
        yield Finding(
            "error",
            rule,
            one.table,
            sentence=f"{one.path} {one.what}.",
            sentence_zh=f"文件 {one.path} 缺失或已被改动。",
        )
    if not broken:
        yield Finding("ok", rule, "")


# Each group needs the one before: rows of a torn file, or of other columns, cannot be judged.
GROUPS: tuple[tuple[Rule, ...], ...] = (
    (files_are_as_built,),
    (rules_contract.columns_are_those_of_the_contract,),
    (
        rules_keys.keys_are_unique,
        *rules_contract.RULES,
        *rules_sense.RULES,
        *rules_daily.RULES,
        *rules_jumps.RULES,
    ),
)
RULE_COUNT = sum(len(group) for group in GROUPS)


def validate_snapshot(
    folder: Path,
    manifest: Manifest,
    *,
    reasons: Mapping[str, tuple[str, ...]],
    colours: Collection[str] = (),
    checked: Collection[str] = (),
    on_rule: Callable[[str], None] = lambda _name: None,
) -> Report:
    """Run all rules on the snapshot in ``folder`` and report every finding.

    ``reasons`` maps each reason of the policy to the colours it gives or gave; ``colours`` adds colours
    without a reason. Keys within the partitions ``checked``, by SHA-256, are taken for unique. ``on_rule``
    hears the name of each rule before it runs.
    """
    known = frozenset((*colours, *chain.from_iterable(reasons.values())))
    subject = Subject(folder, manifest, reasons, known, frozenset(checked))
    findings: list[Finding] = []
    for group in GROUPS:
        for rule in group:
            on_rule(rule.__name__)
            findings += rule(subject)
        if any(f.outcome == "error" for f in findings):
            break
    return Report(snapshot_id=manifest.id, findings=tuple(findings))
