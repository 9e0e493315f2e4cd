"""The roll-up of a delivery: new and corrected days are counted, all others come from earlier builds."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path

from dashboard.snapshot.contract import TABLE_BY_NAME
from dashboard.snapshot.files import disk_trouble
from dashboard.snapshot.importers.result import Imported, end_of_day
from dashboard.snapshot.rollup import codes, negatives, scans, venue_days
from dashboard.snapshot.rollup.counting import Counted, Counting, Rules
from dashboard.snapshot.rollup.engine import DEFAULT_MEMORY
from dashboard.snapshot.rollup.eventfiles import EventDays
from dashboard.snapshot.rollup.parts import Part
from dashboard.snapshot.rollup.state import DayState, forget_before, keep_state
from dashboard.snapshot.rollup.venues import FEED as VENUE_FEED

__all__ = ["KEEP_DAYS", "RolledUp", "Rules", "roll_up"]

# A snapshot carries this many days, so that a page never needs two; older ones are forgotten.
KEEP_DAYS = 90
_EVENTS = {scans.NAME: scans.FEED, codes.NAME: codes.FEED}


@dataclass(frozen=True)
class RolledUp:
    """Partitions of tables, how each feed arrived; what the next build needs stays inside.

    ``checked`` holds the SHA-256 of the partitions that come from earlier builds, which validated them.
    """

    parts: tuple[Part, ...] = ()
    feeds: Mapping[str, Imported] = field(default_factory=dict)
    checked: frozenset[str] = frozenset()
    _fresh: tuple[Counted, ...] = ()
    _first: date = date.min

    def keep(self, root: Path) -> None:
        """Remember the days of this build below ``root``, for the next one."""
        for one in self._fresh:
            keep_state(root, one.name, one.state)
        for name in (scans.NAME, codes.NAME, venue_days.NAME):
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
    counting = Counting(delivery, work, kept, rules, now, synthetic, memory, begin)
    try:
        with disk_trouble(work.parent):
            rolled = _run(counting)
        yield rolled
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _run(counting: Counting) -> RolledUp:
    found = {name: counting.find(name) for name in _EVENTS if (counting.delivery / name).is_dir()}
    if not found:
        return RolledUp()
    counted = [one for name in found for one in counting.count(name, found[name])]
    counted += counting.count_venues([one for one in counted if one.name == scans.NAME])
    newest = max((one.state.day for one in counted), default=counting.now.date())
    first = newest - timedelta(days=KEEP_DAYS - 1)
    used = [one for one in counted if one.state.day >= first]
    return RolledUp(
        parts=tuple(_parts(used)),
        feeds=_feeds(counting, found, used),
        checked=frozenset(e.sha256 for one in used if not one.fresh for e in one.state.files.values()),
        _fresh=tuple(one for one in used if one.fresh),
        _first=first,
    )


def _parts(used: Sequence[Counted]) -> Iterator[Part]:
    """The rows of each day; of a table that speaks of one moment, those of the newest day alone."""
    newest = {one.name: one.state.day for one in used}
    for one in used:
        for table, entry in one.state.files.items():
            dated = any(column.name == "date" for column in TABLE_BY_NAME[table].columns)
            if entry.rows and (dated or one.state.day == newest[one.name]):
                yield Part(table, one.state.day, one.state.path(table), entry)


def _feeds(
    counting: Counting, found: Mapping[str, EventDays], used: Sequence[Counted]
) -> dict[str, Imported]:
    """How each feed arrived: days that come from earlier builds were not delivered and count nothing."""
    feeds = {}
    for name, days in found.items():
        states = [one.state for one in used if one.name == name]
        delivered = [state for state in states if state.day in days.days]
        until = max((_until(state, counting.now) for state in states), default=None)
        feeds[_EVENTS[name]] = _imported(_EVENTS[name], days, delivered, until)
    if codes.NAME in found and (counting.tests.days or counting.tests.rejects):
        delivered = [one.state for one in used if one.name == codes.NAME]
        feeds[negatives.FEED] = _tests(counting, [s for s in delivered if s.day in found[codes.NAME].days])
    if scans.NAME in found:
        # What is said of venues reaches as far as their scans.
        venues = counting.venues
        feeds[VENUE_FEED] = Imported(
            rejects=venues.rejects,
            accepted=venues.accepted,
            data_until=feeds[scans.FEED].data_until if venues.accepted else None,
            notes=venues.notes,
        )
    return feeds


def _imported(feed: str, days: EventDays, states: Sequence[DayState], until: datetime | None) -> Imported:
    rejects = (reject for state in states for reject in state.rejects if reject.feed == feed)
    return Imported(
        rejects=(*days.rejects, *rejects),
        accepted=sum(state.accepted.get(feed, 0) for state in states),
        data_until=until,
    )


def _tests(counting: Counting, states: Sequence[DayState]) -> Imported:
    """The results read beside the code changes, and a note on days of results that go with none of them."""
    tests = counting.tests
    last = max((state.day for state in states if state.tests), default=None)
    until = end_of_day(datetime(last.year, last.month, last.day), counting.now) if last else None
    arrived = _imported(negatives.FEED, tests, states, until)
    unused = len([day for day in tests.days if last is None or day > last])
    note = (
        f"{unused} 天的检测结果没有对应的转码数据，未使用 / "
        f"Test results of {unused} days go with no code changes and were not used"
    )
    return Imported(
        rejects=arrived.rejects,
        accepted=arrived.accepted,
        data_until=arrived.data_until,
        notes=(note,) if unused else (),
    )


def _until(state: DayState, now: datetime) -> datetime:
    start = datetime(state.day.year, state.day.month, state.day.day)
    if state.last_hour is None:
        return end_of_day(start, now)
    return min(start + timedelta(hours=state.last_hour, minutes=59), now)
