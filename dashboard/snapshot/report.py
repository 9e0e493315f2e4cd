"""The report of a validation: what was checked, what was found, in words and as data."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Literal

from dashboard.errors import SnapshotInvalid
from dashboard.snapshot.manifest import Checked, Validation

Outcome = Literal["error", "warning", "ok"]
Verdict = Literal["publish", "publish_with_warnings", "refuse"]


@dataclass(frozen=True)
class Finding:
    """One rule on one table: outcome, number of rows against it, up to five of them, a sentence.

    An ``error`` refuses the snapshot; a ``warning`` is published with it and shown on the board; both
    have their sentence in Chinese too. ``where`` names days and areas of the rows and nothing else of them.
    """

    outcome: Outcome
    rule: str
    table: str
    rows: int = 0
    sample: tuple[str, ...] = ()
    sentence: str = ""
    sentence_zh: str = ""
    where: tuple[str, ...] = ()


@dataclass(frozen=True)
class Report:
    """All findings for one snapshot, in the order of the rules."""

    snapshot_id: str
    findings: tuple[Finding, ...]

    @property
    def errors(self) -> tuple[Finding, ...]:
        return tuple(f for f in self.findings if f.outcome == "error")

    @property
    def warnings(self) -> tuple[Finding, ...]:
        return tuple(f for f in self.findings if f.outcome == "warning")

    @property
    def outcome(self) -> Verdict:
        """``refuse`` with any error, ``publish_with_warnings`` with any warning, ``publish`` otherwise."""
        if self.errors:
            return "refuse"
        return "publish_with_warnings" if self.warnings else "publish"

    def summary(self) -> Validation:
        """The report as the board may show it: no row of the data, only where they stand."""
        found = (*self.errors, *self.warnings)
        return Validation(
            passed=len(self.findings) - len(found),
            findings=tuple(
                Checked(f.outcome, f.rule, f.table, f.rows, f.where, f.sentence, f.sentence_zh) for f in found
            ),
        )

    def board_warnings(self) -> tuple[str, ...]:
        """The warnings as the manifest carries them: Chinese, a slash, English."""
        return tuple(f"{f.sentence_zh} / {f.sentence}" for f in self.warnings)


class Refused(SnapshotInvalid):
    """A snapshot that a rule refuses, with the whole ``report``."""

    def __init__(self, report: Report) -> None:
        first, others = report.errors[0], len(report.errors) - 1
        more = f" ({others} more in the report)" if others else ""
        super().__init__(
            f"{first.sentence}{more}", todo="The published snapshot stays. Mend the delivery and build again."
        )
        self.report = report


def check_report(report: Report) -> None:
    """Raise ``Refused`` when there is an error: it names the first and counts the others."""
    if report.errors:
        raise Refused(report)


def render_text(report: Report) -> str:
    """The report for a terminal: one line for each finding, samples below, a last line with the sum."""
    lines = [f"Validation of {report.snapshot_id}"]
    for finding in (*report.errors, *report.warnings):
        lines.append(f"  {finding.outcome.upper():7}  {finding.sentence}")
        lines += [f"             {row}" for row in finding.sample]
    passed = len(report.findings) - len(report.errors) - len(report.warnings)
    lines.append(f"{passed} checks passed, {len(report.warnings)} warnings, {len(report.errors)} errors.")
    lines.append(f"Outcome: {report.outcome.replace('_', ' ')}.")
    return "\n".join(lines)


def render_json(report: Report) -> str:
    """The report as JSON, with the outcome of every rule on every table; docs/validation-report.md."""
    return json.dumps({"outcome": report.outcome, **asdict(report)}, ensure_ascii=False, indent=1)
