"""The build: what the feeds delivered becomes a validated snapshot, or nothing at all."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import polars as pl

from dashboard.clock import china_now
from dashboard.errors import InputError, SnapshotNotFound, TianfuError
from dashboard.policy.model import Policy
from dashboard.policy.store import colours_by_reason, load_baseline
from dashboard.snapshot.areas_table import build_area_table
from dashboard.snapshot.contract import FEED_BY_ID, FEEDS, RESTATED, TABLE_BY_NAME, TABLES
from dashboard.snapshot.files import POLARS_TYPES, disk_trouble
from dashboard.snapshot.history import read_current
from dashboard.snapshot.importers.files import MARKER, is_synthetic
from dashboard.snapshot.inputs import Delivery, FeedArrival, read_delivery
from dashboard.snapshot.last_build import LastBuild, write_last_build
from dashboard.snapshot.lock import hold_lock
from dashboard.snapshot.manifest import SNAPSHOT_ID, Manifest, read_manifest
from dashboard.snapshot.publish import publish_locked, read_checked
from dashboard.snapshot.quarantine import Reject, count_reasons, write_quarantine
from dashboard.snapshot.report import Report, check_report, render_json
from dashboard.snapshot.restating import Restating
from dashboard.snapshot.rollup.engine import DEFAULT_MEMORY
from dashboard.snapshot.rollup.run import RolledUp, Rules, roll_up
from dashboard.snapshot.stage import STAGING, Candidate, clean_stale, commit, discard, stage_snapshot
from dashboard.snapshot.validate import RULE_COUNT, validate_snapshot

STEPS = 2 + len(TABLES) + RULE_COUNT  # reading, one for each table and rule, taking its place


@dataclass(frozen=True)
class Step:
    """One step of a build that begins: its number from 1, how many there are, and words for it."""

    number: int
    of: int
    words: str


Progress = Callable[[Step], None]


@dataclass(frozen=True)
class BuildResult:
    """What came out: the manifest, the report, whether the board serves it now.

    ``already`` says that the same rows had been built before, so nothing new was stored.
    """

    manifest: Manifest
    report: Report
    published: bool
    already: bool


def build_snapshot(
    *,
    input_dir: Path,
    out: Path,
    home_quarantine: Path | None = None,
    progress: Progress = lambda _step: None,
    clock: Callable[[], datetime] = china_now,
    publish: bool = False,
    memory: str = DEFAULT_MEMORY,
    policy: Policy | None = None,
) -> BuildResult:
    """Build one snapshot below ``out`` from the delivery in ``input_dir``, and publish it if asked.

    Rejected rows go to ``home_quarantine/<id>/<feed>.jsonl`` (beside ``out`` by default) with the report of
    the validation; the board never reads them. Events are rolled up within ``memory``; days that earlier
    builds counted are kept in ``rollup`` beside ``out``. ``policy`` is the one in force, the baseline by
    default: its colours and reasons, and after how many minutes a feed is late. Raises ``BuildBusy``,
    ``InputError`` when nothing usable was delivered, ``SnapshotInvalid`` when a rule refuses the rows,
    ``StorageError`` when the disk is full. After any of these no candidate is left and ``CURRENT`` is as
    before.
    """
    began, rules = clock(), policy or load_baseline()
    steps = _Steps(progress)
    kept = out.parent / "rollup"
    with hold_lock(out, since=began), _noting_trouble(out, began):
        clean_stale(out)
        with roll_up(
            input_dir,
            work=out / f"{STAGING}rollup-{os.getpid()}",
            kept=kept,
            rules=_rules(rules),
            now=began,
            synthetic=is_synthetic(input_dir / MARKER) if (input_dir / MARKER).is_file() else False,
            memory=memory,
            begin=steps.begin_more,
        ) as rolled:
            steps.begin(f"reading {input_dir.name}")
            delivery = read_delivery(
                input_dir,
                now=began,
                late_after=rules.feeds.late_after_minutes,
                rolled=rolled,
            )
            tables = add_derived(delivery)
            data_time = _data_time(delivery, input_dir, rolled)
            restating = Restating(
                out, data_time=data_time, synthetic=delivery.synthetic, arrivals=_arrivals(delivery)
            )
            with stage_snapshot(
                out,
                tables,
                data_time=data_time,
                built_at=began,
                policy_version=rules.version,
                synthetic=delivery.synthetic,
                feeds=_states(delivery),
                warnings=delivery.notes,
                parts=rolled.parts,
                derived={RESTATED: restating.derive},
                on_table=lambda name: steps.begin(f"writing {name}"),
            ) as candidate:
                report = _validate(
                    candidate.folder,
                    candidate.manifest,
                    policy=rules,
                    checked=rolled.checked,
                    on_rule=lambda name: steps.begin(name.replace("_", " ")),
                )
                _keep_rejects(
                    (home_quarantine or out.parent / "quarantine") / candidate.manifest.id,
                    delivery.rejects,
                    report,
                )
                _note_end(out, candidate.manifest.id, report, delivery.rejects, began)
                check_report(report)
                steps.begin("taking its place")
                manifest, already = _settle(out, candidate, report, notes=restating.notes)
                rolled.keep(kept)
        published = publish and read_current(out) != manifest.id
        if published:
            publish_locked(out, manifest.id, now=clock())
    return BuildResult(manifest=manifest, report=report, published=published, already=already)


def validate_stored(out: Path, snapshot_id: str, *, policy: Policy | None = None) -> Report:
    """Run every rule again on a stored snapshot, with the colours and reasons of the policy in force."""
    if not SNAPSHOT_ID.match(snapshot_id):
        raise SnapshotNotFound(
            f"{snapshot_id[:40]!r} is no snapshot id.", todo="List them with: tianfu snapshot list"
        )
    folder = out / snapshot_id
    rules = policy or load_baseline()
    return _validate(folder, read_manifest(folder), policy=rules, checked=(), on_rule=lambda _name: None)


def _rules(policy: Policy) -> Rules:
    return Rules(
        reasons=colours_by_reason(policy),
        colours=tuple(colour.id for colour in policy.colours),
        silent_after_hours=policy.scan_alarm.silent_after_hours,
    )


def _validate(
    folder: Path,
    manifest: Manifest,
    *,
    policy: Policy,
    checked: Collection[str],
    on_rule: Callable[[str], None],
) -> Report:
    return validate_snapshot(
        folder,
        manifest,
        reasons=colours_by_reason(policy),
        colours=[colour.id for colour in policy.colours],
        checked=checked,
        on_rule=on_rule,
    )


def add_derived(delivery: Delivery) -> dict[str, pl.DataFrame | pl.LazyFrame]:
    """The delivered tables with those the build makes: ``area``, ``feed_state``, ``feed_reject``."""
    arrivals = {arrival.feed: arrival for arrival in delivery.feeds}
    return {
        **delivery.tables,
        "area": build_area_table(),
        "feed_state": _frame(
            "feed_state", [_feed_row(f.id, f.department, arrivals.get(f.id)) for f in FEEDS]
        ),
        "feed_reject": _frame("feed_reject", count_reasons(delivery.rejects)),
    }


def _feed_row(feed: str, department: str, arrival: FeedArrival | None) -> tuple[object, ...]:
    if arrival is None:
        return (feed, department, "not_reported", None, None, None, None, None, None)
    return (
        feed,
        arrival.department or department,
        arrival.state,
        arrival.data_until,
        arrival.arrived_at,
        arrival.accepted,
        arrival.rejected,
        arrival.usual,
        arrival.note or None,
    )


def _frame(name: str, rows: list[tuple[object, ...]] | list[tuple[str, str, int]]) -> pl.DataFrame:
    schema = {c.name: POLARS_TYPES[c.type] for c in TABLE_BY_NAME[name].columns}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _arrivals(delivery: Delivery) -> dict[str, datetime]:
    return {arrival.feed: arrival.arrived_at for arrival in delivery.feeds if arrival.arrived_at}


def _states(delivery: Delivery) -> Mapping[str, str]:
    said = {arrival.feed: arrival.state for arrival in delivery.feeds}
    return {feed.id: said.get(feed.id, "not_reported") for feed in FEEDS}


def _data_time(delivery: Delivery, input_dir: Path, rolled: RolledUp) -> datetime:
    arrivals = [(arrival.data_until, FEED_BY_ID[arrival.feed].derived) for arrival in delivery.feeds]
    moments = [until for until, derived in arrivals if until and not derived]
    # A delivery of derived rows alone has no other date than theirs.
    moments = moments or [until for until, _ in arrivals if until]
    if not moments or not (delivery.tables or rolled.parts):
        raise InputError(
            f"{input_dir} holds nothing that can be used ({len(delivery.rejects)} entries rejected).",
            todo="Name the folder of the delivery, and see its formats in docs/data-contract.md.",
        )
    return max(moments)


def _keep_rejects(folder: Path, rejects: tuple[Reject, ...], report: Report) -> None:
    with disk_trouble(folder.parent):
        write_quarantine(folder, rejects)
        (folder / "report.json").write_text(render_json(report) + "\n", encoding="utf-8")


def _note_end(
    out: Path, snapshot_id: str, report: Report, rejects: tuple[Reject, ...], began: datetime
) -> None:
    with disk_trouble(out):
        write_last_build(
            out,
            LastBuild(
                at=began,
                id=snapshot_id,
                outcome=report.outcome,
                validation=report.summary(),
                rejects=tuple(count_reasons(rejects)),
            ),
        )


@contextmanager
def _noting_trouble(out: Path, began: datetime) -> Iterator[None]:
    """A delivery of which nothing can be used is noted too; what a rule refuses was noted before."""
    try:
        yield
    except InputError as error:
        with disk_trouble(out):
            write_last_build(out, LastBuild(at=began, id="", outcome="refuse", trouble=str(error)))
        raise


def _settle(
    out: Path, candidate: Candidate, report: Report, *, notes: tuple[str, ...]
) -> tuple[Manifest, bool]:
    """Take the place of the id, or keep the snapshot that already has it and is whole."""
    snapshot_id = candidate.manifest.id
    if (out / snapshot_id).exists():
        try:
            return read_checked(out, snapshot_id), True
        except TianfuError:
            discard(out, snapshot_id)  # torn or edited since; the same rows are at hand again
    warnings = (*notes, *report.board_warnings())
    return commit(out, candidate, warnings=warnings, validation=report.summary()), False


class _Steps:
    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._number = 0
        self._of = STEPS

    def begin(self, words: str) -> None:
        self._number += 1
        self._progress(Step(self._number, self._of, words))

    def begin_more(self, words: str) -> None:
        """One step nobody counted on: a day of events that is new or was corrected."""
        self._of += 1
        self.begin(words)
