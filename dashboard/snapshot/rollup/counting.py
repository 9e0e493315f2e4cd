"""Which days have to be counted, and the counting of one: from event files to a day that can be kept."""

# ruff: noqa: S608
# Statements are put together from names of the code and quoted paths.
from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from pathlib import Path

import duckdb
import polars as pl

from dashboard.snapshot.contract import CONTRACT_VERSION
from dashboard.snapshot.files import hash_file
from dashboard.snapshot.quarantine import Reject, count_rows
from dashboard.snapshot.rollup import codes, negatives, scans, venue_days
from dashboard.snapshot.rollup.engine import open_engine, parquet_list
from dashboard.snapshot.rollup.eventfiles import EventDays, EventFile, find_event_days
from dashboard.snapshot.rollup.negatives import TestDay, digest_tests
from dashboard.snapshot.rollup.parts import make_part
from dashboard.snapshot.rollup.state import LEDGER, SEEN, DayState, is_whole, read_states, write_state
from dashboard.snapshot.rollup.venues import Venues, read_venues

# Part of every fingerprint: raise it when the same events give other rows.
VERSION = 2
_FEEDS = {scans.NAME: scans.FEED, codes.NAME: codes.FEED, negatives.NAME: negatives.FEED}
_COLUMNS = {scans.NAME: scans.COLUMNS, codes.NAME: codes.COLUMNS, negatives.NAME: negatives.COLUMNS}
_CARRIED = {scans.NAME: SEEN, codes.NAME: LEDGER}

_Rows = tuple[Mapping[str, pl.DataFrame], tuple[Reject, ...]]


@dataclass(frozen=True)
class Rules:
    """What the policy says: colour by reason, all colours, and when a venue counts as silent."""

    reasons: Mapping[str, tuple[str, ...]]
    colours: tuple[str, ...]
    silent_after_hours: int


@dataclass(frozen=True)
class Counted:
    """One day of ``name``, and whether it was counted in this build."""

    name: str
    state: DayState
    fresh: bool


@dataclass(frozen=True)
class _Past:
    """What a day of code changes begins with: the day before, and the test results reported since."""

    before: DayState | None
    tests: tuple[TestDay, ...] = ()


@dataclass(frozen=True)
class Counting:
    """The days of one delivery. Made files lie below ``work``, those of earlier builds below ``kept``."""

    delivery: Path
    work: Path
    kept: Path
    rules: Rules
    now: datetime
    synthetic: bool
    memory: str
    begin: Callable[[str], None]

    def find(self, name: str) -> EventDays:
        """The event files of ``name`` by day."""
        return find_event_days(self.delivery, name, feed=_FEEDS[name], columns=_COLUMNS[name], now=self.now)

    @cached_property
    def venues(self) -> Venues:
        return read_venues(self.delivery, now=self.now)

    @cached_property
    def tests(self) -> EventDays:
        return self.find(negatives.NAME)

    def count(self, name: str, found: EventDays) -> Iterator[Counted]:
        """Every day of ``name`` in order: delivered now, or kept from an earlier build."""
        known = self._known(name)
        before: DayState | None = None
        for day in sorted({*known, *found.days}):
            files, state = found.days.get(day), known.get(day)
            fresh = False
            if files:
                past = self._past(name, before, day)
                # Results that are gone were counted; that nobody delivers them again changes nothing.
                tests = digest_tests(past.tests) or (state.tests if state else "")
                if state is None or state.fingerprint != self._fingerprint(name, day, files, past, tests):
                    self.begin(f"rolling up {name} of {day}")
                    state, fresh = self._count_day(name, day, files, past), True
            if state is not None:
                before = state
                yield Counted(name, state, fresh)

    def count_venues(self, days: Sequence[Counted]) -> Iterator[Counted]:
        """The register beside the scans of each day: cheap, so it is made again whenever they change."""
        states = {one.state.day: one.state for one in days}
        known = self._known(venue_days.NAME) if days else {}
        hours = self.rules.silent_after_hours
        for day, scanned in states.items():
            parts = [f"{VERSION} {CONTRACT_VERSION} {hours}"]
            window = venue_days.days_of_window(scanned, hours)
            parts += [f"{d} {states[d].fingerprint if d in states else ''}" for d in window]
            fingerprint = _digest(parts)
            state = known.get(day)
            fresh = state is None or state.fingerprint != fingerprint
            if state is None or fresh:
                folder = self._folder(venue_days.NAME, day)
                rows = venue_days.count_venue_days(scanned, self.venues.on(day), states, hours=hours)
                entry = make_part(folder, venue_days.TABLE, day, rows).entry
                state = DayState(
                    day=day,
                    fingerprint=fingerprint,
                    synthetic=self.synthetic,
                    files={venue_days.TABLE: entry},
                    folder=folder,
                    made=self.now.isoformat(),
                )
                write_state(state)
            yield Counted(venue_days.NAME, state, fresh)

    def _known(self, name: str) -> dict[date, DayState]:
        """The whole days of earlier builds; invented ones count only among invented ones."""
        kept = read_states(self.kept, name)
        return {d: s for d, s in kept.items() if s.synthetic == self.synthetic and is_whole(s)}

    def _past(self, name: str, before: DayState | None, day: date) -> _Past:
        if name != codes.NAME:
            return _Past(None)
        first = before.day + timedelta(days=1) if before else day
        given = self.tests.days
        return _Past(before, tuple(TestDay(d, given[d]) for d in given if first <= d <= day))

    def _fingerprint(self, name: str, day: date, files: Sequence[EventFile], past: _Past, tests: str) -> str:
        """Everything the rows of a day follow from: its files, and the register or what the past left."""
        parts = [f"{VERSION} {CONTRACT_VERSION} {sorted(self.rules.colours)}"]
        parts += [f"{file.name} {file.fingerprint}" for file in files]
        if name == scans.NAME:
            parts.append(self.venues.digest(day))
        else:
            before = past.before
            carried = f"{before.carried[LEDGER]} {before.tests_from}" if before else ""
            parts += [str(sorted(self.rules.reasons.items())), carried, tests]
        if day >= self.now.date():
            parts.append(str(self.now))  # rows that are of the future now will not be later
        return _digest(parts)

    def _count_day(self, name: str, day: date, files: Sequence[EventFile], past: _Past) -> DayState:
        folder = self._folder(name, day)
        tests = digest_tests(past.tests)
        fingerprint = self._fingerprint(name, day, files, past, tests)
        torn: tuple[Reject, ...] = ()
        try:
            rows, bad = self._read(name, day, files, past, folder)
        except (duckdb.Error, UnicodeDecodeError):
            files, past, torn = self._without_torn(name, files, past)
            if not torn:
                raise
            rows, bad = self._read(name, day, files, past, folder)
        read = {_FEEDS[name]: files, negatives.FEED: [file for one in past.tests for file in one.files]}
        accepted = {
            feed: sum(file.rows for file in given) - count_rows(r for r in bad if r.feed == feed)
            for feed, given in read.items()
            if given
        }
        hour = rows["scan_hourly"]["hour"].max() if "scan_hourly" in rows else None
        carried = folder / _CARRIED[name]
        state = DayState(
            day=day,
            fingerprint=fingerprint,
            synthetic=self.synthetic,
            files={table: make_part(folder, table, day, frame).entry for table, frame in rows.items()},
            folder=folder,
            carried={carried.name: hash_file(carried)} if carried.is_file() else {},
            accepted=accepted,
            rejects=(*torn, *bad),
            last_hour=hour if isinstance(hour, int) else None,
            tests=tests,
            tests_from=_unbroken(day, past),
            made=self.now.isoformat(),
        )
        write_state(state)
        return state

    def _folder(self, name: str, day: date) -> Path:
        folder = self.work / name / f"date={day}"
        folder.mkdir(parents=True)
        return folder

    def _read(self, name: str, day: date, files: Sequence[EventFile], past: _Past, folder: Path) -> _Rows:
        with open_engine(self.work / "spill", memory=self.memory) as connection:
            if name == scans.NAME:
                return scans.roll_up_scans(
                    connection,
                    day,
                    files,
                    self.venues.on(day),
                    colours=self.rules.colours,
                    now=self.now,
                    seen=folder / SEEN,
                )
            return codes.roll_up_codes(
                connection,
                day,
                files,
                past.before.folder / LEDGER if past.before else None,
                tests=past.tests,
                tests_from=_unbroken(day, past),
                reasons=self.rules.reasons,
                colours=self.rules.colours,
                now=self.now,
                after=folder / LEDGER,
            )

    def _without_torn(
        self, name: str, files: Sequence[EventFile], past: _Past
    ) -> tuple[tuple[EventFile, ...], _Past, tuple[Reject, ...]]:
        """The files whose pages can be read to the end; a torn one is refused as a whole."""
        good, torn = self._sift(name, files)
        tests = []
        for one in past.tests:
            whole, more = self._sift(negatives.NAME, one.files)
            torn += more
            tests += [TestDay(one.day, whole)] if whole else []
        return good, _Past(past.before, tuple(tests)), torn

    def _sift(
        self, name: str, files: Sequence[EventFile]
    ) -> tuple[tuple[EventFile, ...], tuple[Reject, ...]]:
        good, torn = [], []
        wanted = ", ".join(f"max({column})" for column in _COLUMNS[name])
        for file in files:
            with open_engine(self.work / "spill", memory=self.memory) as connection:
                try:
                    connection.execute(f"SELECT {wanted} FROM {parquet_list([file.path])}").fetchall()
                except (duckdb.Error, UnicodeDecodeError) as error:
                    said = f"No readable Parquet file: {(str(error).splitlines() or [''])[0]}."
                    lost = max(1, file.rows)
                    torn.append(Reject(_FEEDS[name], file.name, None, "unreadable_file", said, "", lost))
                else:
                    good.append(file)
        return tuple(good), tuple(torn)


def _unbroken(day: date, past: _Past) -> date | None:
    """The first day from which test results were delivered for every day up to ``day``."""
    tested = {one.day for one in past.tests}
    first = day
    while first in tested:
        first -= timedelta(days=1)
    if past.before and past.before.tests_from and first == past.before.day:
        return past.before.tests_from
    return first + timedelta(days=1) if day in tested else None


def _digest(parts: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
