"""The roll-up of a delivery: new and corrected days are counted, all others come from earlier builds."""

# ruff: noqa: S608
# Statements are put together from names of the code and quoted paths.
from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property
from pathlib import Path

import duckdb
import polars as pl

from dashboard.snapshot.contract import CONTRACT_VERSION
from dashboard.snapshot.files import disk_trouble, hash_file
from dashboard.snapshot.importers.result import Imported, end_of_day
from dashboard.snapshot.quarantine import Reject, count_rows
from dashboard.snapshot.rollup import codes, scans
from dashboard.snapshot.rollup.engine import DEFAULT_MEMORY, open_engine, parquet_list
from dashboard.snapshot.rollup.eventfiles import EventDays, EventFile, find_event_days
from dashboard.snapshot.rollup.parts import Part, make_part
from dashboard.snapshot.rollup.state import (
    LEDGER,
    DayState,
    forget_before,
    is_whole,
    keep_state,
    read_states,
    write_state,
)
from dashboard.snapshot.rollup.venues import FEED as VENUE_FEED
from dashboard.snapshot.rollup.venues import Venues, read_venues

# A snapshot carries this many days, so that a page never needs two; older ones are forgotten.
KEEP_DAYS = 90
# Part of every fingerprint: raise it when the same events give other rows.
VERSION = 1


@dataclass(frozen=True)
class Rules:
    """What the policy says: the colours a reason gives or gave, and all colours."""

    reasons: Mapping[str, tuple[str, ...]]
    colours: tuple[str, ...]


@dataclass(frozen=True)
class RolledUp:
    """Partitions of day tables, how each feed arrived, and the days that were counted in this build."""

    parts: tuple[Part, ...] = ()
    feeds: Mapping[str, Imported] = field(default_factory=dict)
    rebuilt: tuple[tuple[str, date], ...] = ()
    _fresh: tuple[tuple[str, DayState], ...] = ()
    _first: date = date.min

    def keep(self, root: Path) -> None:
        """Remember the days of this build below ``root``, for the next one."""
        for name, state in self._fresh:
            keep_state(root, name, state)
        for name in (scans.NAME, codes.NAME):
            forget_before(root, name, self._first)


@contextmanager
def roll_up(
    delivery: Path,
    *,
    work: Path,
    kept: Path,
    rules: Rules,
    now: datetime,
    synthetic: bool,
    memory: str = DEFAULT_MEMORY,
    begin: Callable[[str], None] = lambda _words: None,
) -> Iterator[RolledUp]:
    """Roll up the events below ``delivery``; files made by it live in ``work`` until the block ends.

    A day whose events are as they were comes from ``kept``, so does one whose events were delivered
    before and are gone. ``synthetic`` days never enter a snapshot of real ones. ``begin`` hears the words
    of each day that is counted. Raises ``StorageError`` for a full disk.
    """
    job = _Job(delivery, work, kept, rules, now, synthetic, memory, begin)
    try:
        with disk_trouble(work.parent):
            rolled = job.run()
        yield rolled
    finally:
        shutil.rmtree(work, ignore_errors=True)


@dataclass(frozen=True)
class _Job:
    delivery: Path
    work: Path
    kept: Path
    rules: Rules
    now: datetime
    synthetic: bool
    memory: str
    begin: Callable[[str], None]

    def run(self) -> RolledUp:
        present = [name for name in (scans.NAME, codes.NAME) if (self.delivery / name).is_dir()]
        if not present:
            return RolledUp()
        days = {name: self._find(name) for name in present}
        states: list[tuple[str, DayState, bool]] = []
        for name in present:
            states += [(name, *one) for one in self._days(name, days[name])]
        newest = max((state.day for _, state, _ in states), default=self.now.date())
        first = newest - timedelta(days=KEEP_DAYS - 1)
        used = [s for s in states if s[1].day >= first]
        return RolledUp(
            parts=tuple(
                Part(table, state.day, state.path(table), entry)
                for _, state, _ in used
                for table, entry in state.files.items()
                if entry.rows
            ),
            feeds=self._feeds(days, used),
            rebuilt=tuple((name, state.day) for name, state, fresh in used if fresh),
            _fresh=tuple((name, state) for name, state, fresh in used if fresh),
            _first=first,
        )

    def _find(self, name: str) -> EventDays:
        return find_event_days(self.delivery, name, feed=_FEEDS[name], columns=_COLUMNS[name], now=self.now)

    def _days(self, name: str, found: EventDays) -> Iterator[tuple[DayState, bool]]:
        """Every day in order with whether it was counted anew."""
        known = {d: s for d, s in read_states(self.kept, name).items() if s.synthetic == self.synthetic}
        before: Path | None = None
        for day in sorted({*known, *found.days}):
            files = found.days.get(day)
            state = known.get(day)
            if state is not None and not is_whole(state):
                state = None
            fresh = False
            if files:
                fingerprint = self._fingerprint(name, day, files, before)
                if state is None or state.fingerprint != fingerprint:
                    self.begin(f"rolling up {name} of {day}")
                    state, fresh = self._count(name, day, files, fingerprint, before), True
            if state is not None:
                before = state.ledger or before
                yield state, fresh

    def _count(
        self, name: str, day: date, files: Sequence[EventFile], fingerprint: str, before: Path | None
    ) -> DayState:
        folder = self.work / name / f"date={day}"
        folder.mkdir(parents=True)
        torn: tuple[Reject, ...] = ()
        try:
            rows, bad = self._read(name, day, files, before, folder)
        except (duckdb.Error, UnicodeDecodeError):
            files, torn = self._without_torn(name, files)
            if not torn:
                raise
            rows, bad = self._read(name, day, files, before, folder) if files else ({}, ())
        made = {table: make_part(folder, table, day, frame).entry for table, frame in rows.items()}
        hour = rows["scan_hourly"]["hour"].max() if "scan_hourly" in rows else None
        state = DayState(
            day=day,
            fingerprint=fingerprint,
            synthetic=self.synthetic,
            accepted=sum(file.rows for file in files) - count_rows(bad),
            last_hour=hour if isinstance(hour, int) else None,
            rejects=(*torn, *bad),
            files=made,
            folder=folder,
            made=self.now.isoformat(),
        )
        write_state(state)
        return state

    def _read(
        self, name: str, day: date, files: Sequence[EventFile], before: Path | None, folder: Path
    ) -> tuple[Mapping[str, pl.DataFrame], tuple[Reject, ...]]:
        with open_engine(self.work / "spill", memory=self.memory) as connection:
            if name == scans.NAME:
                venues = self.venues.on(day)
                colours = self.rules.colours
                return scans.roll_up_scans(connection, day, files, venues, colours=colours, now=self.now)
            return codes.roll_up_codes(
                connection,
                day,
                files,
                before,
                reasons=self.rules.reasons,
                colours=self.rules.colours,
                now=self.now,
                after=folder / LEDGER,
            )

    def _without_torn(
        self, name: str, files: Sequence[EventFile]
    ) -> tuple[tuple[EventFile, ...], tuple[Reject, ...]]:
        """The files whose pages can be read to the end; a torn one is refused as a whole."""
        good, torn = [], []
        wanted = ", ".join(f"max({column})" for column in _COLUMNS[name])
        for file in files:
            with open_engine(self.work / "spill", memory=self.memory) as connection:
                try:
                    connection.execute(f"SELECT {wanted} FROM {parquet_list([file.path])}").fetchall()
                except (duckdb.Error, UnicodeDecodeError) as error:
                    said = (str(error).splitlines() or [""])[0]
                    detail = f"No readable Parquet file: {said}."
                    torn.append(
                        Reject(
                            _FEEDS[name], file.name, None, "unreadable_file", detail, "", max(1, file.rows)
                        )
                    )
                else:
                    good.append(file)
        return tuple(good), tuple(torn)

    @cached_property
    def venues(self) -> Venues:
        return read_venues(self.delivery, now=self.now)

    def _fingerprint(self, name: str, day: date, files: Sequence[EventFile], before: Path | None) -> str:
        """Everything the rows of a day follow from: its files, and the register or the ledger before it."""
        parts = [f"{VERSION} {CONTRACT_VERSION} {sorted(self.rules.colours)}"]
        parts += [f"{file.name} {file.fingerprint}" for file in files]
        if name == scans.NAME:
            parts.append(self.venues.digest(day))
        else:
            parts += [str(sorted(self.rules.reasons.items())), hash_file(before) if before else ""]
        if day >= self.now.date():
            parts.append(str(self.now))  # rows that are of the future now will not be later
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def _feeds(
        self, days: Mapping[str, EventDays], used: Sequence[tuple[str, DayState, bool]]
    ) -> dict[str, Imported]:
        feeds = {
            _FEEDS[name]: self._imported(found, [s for n, s, _ in used if n == name])
            for name, found in days.items()
        }
        if scans.NAME in days:
            # What is said of venues reaches as far as their scans.
            feeds[VENUE_FEED] = Imported(
                rejects=self.venues.rejects,
                accepted=self.venues.accepted,
                data_until=feeds[scans.FEED].data_until if self.venues.accepted else None,
                notes=self.venues.notes,
            )
        return feeds

    def _imported(self, found: EventDays, states: Sequence[DayState]) -> Imported:
        """How the feed arrived: days that came from earlier builds were not delivered and count nothing."""
        delivered = [state for state in states if state.day in found.days]
        return Imported(
            rejects=(*found.rejects, *(reject for state in delivered for reject in state.rejects)),
            accepted=sum(state.accepted for state in delivered),
            data_until=max((self._until(state) for state in states), default=None),
        )

    def _until(self, state: DayState) -> datetime:
        start = datetime(state.day.year, state.day.month, state.day.day)
        if state.last_hour is None:
            return end_of_day(start, self.now)
        return min(start + timedelta(hours=state.last_hour, minutes=59), self.now)


_FEEDS = {scans.NAME: scans.FEED, codes.NAME: codes.FEED}
_COLUMNS = {scans.NAME: scans.COLUMNS, codes.NAME: codes.COLUMNS}
