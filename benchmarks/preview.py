"""The impact preview: every single threshold changed once, on demo data and on cohorts without a gap.

python -m benchmarks.preview HOME
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import product
from pathlib import Path

import polars as pl
from pydantic import ValidationError

from dashboard.auth.scope import build_scope
from dashboard.policy.document import canonical_json
from dashboard.policy.model import Policy
from dashboard.policy.store import load_baseline
from dashboard.policy.thresholds import list_thresholds
from dashboard.snapshot.contract import TABLE_BY_NAME, TEST_BASES
from dashboard.snapshot.files import POLARS_TYPES
from dashboard.snapshot.publish import write_snapshot
from dashboard.snapshot.store import Store
from geo.areas import all_areas
from queries.preview import get_preview
from queries.run import View, clear_cache

PROVINCE = "510000"


@dataclass(frozen=True)
class Previews:
    """Milliseconds of the preview of each changed threshold: the better of two, nothing kept between them."""

    took: dict[str, float]

    @property
    def slowest(self) -> str:
        return max(self.took, key=self.took.__getitem__)

    @property
    def median(self) -> float:
        return sorted(self.took.values())[len(self.took) // 2]


def measure_preview(home: Path) -> Previews:
    """Every single threshold on the snapshot that ``home`` serves."""
    store = Store(home / "snapshots")
    return _measure(View(store, store.current_id(), build_scope((PROVINCE,))))


def measure_full() -> Previews:
    """Reason rows and test validity on cohorts with every county, reason, day and number of tests."""
    with tempfile.TemporaryDirectory(prefix="tianfu-bench-") as folder:
        root = Path(folder)
        view = View(Store(root), _write_full(root), build_scope((PROVINCE,)))
        return _measure(view, only=("health_code.", "nucleic_test."))


def changes() -> Iterator[tuple[str, Policy]]:
    """The baseline with one threshold changed, for every threshold that can be changed alone."""
    baseline = load_baseline()
    for threshold in list_thresholds(baseline):
        for value in _others(threshold.value, threshold.name):
            policy = _changed(threshold.path, value)
            if policy is not None:
                yield threshold.path, policy
                break
    for row in baseline.health_code.rows:
        if row.hold_days is not None:
            policy = _changed(f"health_code.rows.{row.reason_code}.hold_days", max(1, row.hold_days // 2))
            if policy is not None:
                yield f"health_code.rows.{row.reason_code}.hold_days", policy


def _measure(view: View, only: tuple[str, ...] = ("",)) -> Previews:
    baseline = load_baseline()
    get_preview(view, area=PROVINCE, before=baseline, after=baseline)  # opens the snapshot
    took: dict[str, float] = {}
    for _ in range(2):
        for path, policy in changes():
            if path.startswith(only):
                clear_cache()
                begun = time.perf_counter()
                get_preview(view, area=PROVINCE, before=baseline, after=policy)
                took[path] = min(took.get(path, 1e9), 1000 * (time.perf_counter() - begun))
    return Previews(took)


def _others(value: int | str | bool, name: str) -> tuple[int | str | bool, ...]:
    if isinstance(value, bool):
        return (not value,)
    if isinstance(value, int):
        return (max(1, value // 2), value + 1)
    return TEST_BASES[1:] if name == "basis" else ()


def _changed(path: str, value: int | str | bool) -> Policy | None:
    raw = json.loads(canonical_json(load_baseline()))
    at: dict[str, object] = raw
    *parts, last = path.split(".")
    for part in parts:
        if part == "rows":
            continue
        found = at[part] if part in at else next(r for r in at["rows"] if r["reason_code"] == part)  # type: ignore[attr-defined]
        at = found  # type: ignore[assignment]
    at[last] = value
    if path == "risk_area.window_days":  # the plan ties these three together
        at |= {"clear_days_high": value, "clear_days_medium": value}
    try:
        return Policy.model_validate_json(json.dumps(raw))
    except ValidationError:
        return None


def _write_full(root: Path) -> str:
    now = datetime(2021, 2, 3, 23, 59)
    counties = [area.code for area in all_areas(on=now.date()) if area.level == "county"]
    reasons = [row.reason_code for row in load_baseline().health_code.rows if row.release is not None]
    cohort = [(now, a, r, 24 * d, t, 25) for a, r, d, t in product(counties, reasons, range(45), range(4))]
    tests = [(now, a, b, 24 * d, 9000) for a, b, d in product(counties, TEST_BASES, range(8))]
    frames = {name: _frame(name, rows) for name, rows in (("code_cohort", cohort), ("test_validity", tests))}
    return write_snapshot(
        root, frames, data_time=now, built_at=now, policy_version=1, synthetic=True, feeds={}
    ).id


def _frame(table: str, rows: list[tuple[object, ...]]) -> pl.DataFrame:
    schema = {column.name: POLARS_TYPES[column.type] for column in TABLE_BY_NAME[table].columns}
    return pl.DataFrame(rows, schema=schema, orient="row")


def main(home: Path) -> None:
    """Print the slowest and the median of both."""
    for name, found in (("demo data", measure_preview(home)), ("full cohorts", measure_full())):
        print(
            f"{name}: {len(found.took)} thresholds, median {found.median:.0f} ms, "
            f"slowest {found.took[found.slowest]:.0f} ms ({found.slowest})"
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
