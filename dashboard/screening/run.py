"""The screening job: events of people in, a funnel of counts out.

The scans of each day are read once (twice where index persons have to be found first), and only four of
their columns. The set of index venues goes into the Parquet scan, so that all but a few thousandths of
the rows end there; what is left lives in temporary tables, which spill into the workroom when memory is
short. Only counts by county leave the connection.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from dashboard.clock import china_now
from dashboard.screening.exposed import (
    check_days,
    count_unseen,
    find_presences,
    gather_persons,
    load_index_persons,
    load_windows,
    locate,
    read_scans,
)
from dashboard.screening.feeds import Feeds
from dashboard.screening.funnel import FINAL_LIST, Funnel, Stage
from dashboard.screening.incident import Incident, StepRule
from dashboard.screening.places import counties_now, load_county_codes, load_homes, load_venues
from dashboard.screening.steps import DROP_REASON, ask, feed_of_step, held_colours
from dashboard.screening.windows import Presence, Window, build_windows, days_touched
from dashboard.screening.workroom import hold_workroom
from dashboard.snapshot.contract import CO_PRESENT, PERSONS
from dashboard.snapshot.job_connection import (
    BuildConnection,
    enough_room,
    open_build_connection,
    plain_errors,
)

Progress = Callable[[int, int, str], None]


def run_screening(
    incident: Incident,
    *,
    input_dir: Path,
    workroom: Path,
    memory: str = "6GB",
    threads: int | None = None,
    progress: Progress = lambda _step, _of, _words: None,
    clock: Callable[[], datetime] = china_now,
) -> Funnel:
    """Answer one incident from the feeds in ``input_dir``; nothing stays on disk.

    Temporary files lie below ``workroom`` while the job runs; ``memory`` bounds DuckDB. ``progress``
    hears the number of the step that begins, how many there are, and words. Raises ``InputError`` for
    days, venues or columns that are missing and ``StorageError`` when memory or disk are too small.
    """
    with (
        hold_workroom(workroom) as temp,
        open_build_connection(memory=memory, threads=threads, temp=temp, reads=(input_dir,)) as con,
        enough_room("The screening"),
    ):
        job = _Job(con, incident, Feeds(con, input_dir), progress, clock)
        windows = job.find_windows()
        job.co_present(windows)
        job.persons()
        for step in incident.steps:
            job.follow_up(step)
        job.final_list()
        funnel = job.funnel()
    funnel.check()
    return funnel


@dataclass
class _Job:
    """One run: its connection, the stages so far, notes for the clerk."""

    con: BuildConnection
    incident: Incident
    feeds: Feeds
    progress: Progress
    clock: Callable[[], datetime]
    notes: list[str] = field(default_factory=list)
    stages: list[Stage] = field(default_factory=list)
    steps_done: int = 0
    steps_of: int = 0
    began: float = field(default_factory=time.monotonic)

    def find_windows(self) -> tuple[Window, ...]:
        """The windows of index venues and of every place an index person scanned."""
        days = self.incident.days.each()
        persons = bool(self.incident.index_persons)
        # How many days the windows touch is known only after they are found.
        self.steps_of = len(days) * (2 if persons else 1) + len(self.incident.steps) + 3
        load_index_persons(self.con, self.incident, self.feeds)
        check_days(self.incident, self.feeds, days if persons else ())
        presences = [Presence(v.venue_id, *v.span()) for v in self.incident.index_venues]
        presences += find_presences(
            self.con,
            self.incident,
            self.feeds,
            on_day=lambda day: self._begin(f"index persons on {day}"),
        )
        if unseen := count_unseen(self.con):
            self.notes.append(f"{unseen} of {len(self.incident.index_persons)} index persons have no scan.")
        return build_windows(presences, self.incident.window)

    def co_present(self, windows: tuple[Window, ...]) -> None:
        """Stage 1: scans at index venues on the days of the windows, and those inside a window."""
        load_county_codes(self.con)
        load_venues(self.con, self.feeds, tuple(sorted({w.venue_id for w in windows})))
        load_windows(self.con, windows, self.feeds)
        days = days_touched(windows)
        check_days(self.incident, self.feeds, days)
        self.steps_of = self.steps_done + len(days) + len(self.incident.steps) + 3
        for day in days:
            self._begin(f"scans of {day}")
            scans = self.feeds.scans(day)
            if scans is None:
                self.notes.append(
                    f"No scans of {day} were delivered; who was there on that day is not counted."
                )
            else:
                read_scans(self.con, day, scans, colours=held_colours(self.incident.steps))
        self._begin("counties of the people")
        if not load_homes(self.con, self.feeds):
            self.notes.append("holders: feed not reported; people are booked on the county of the venue.")
        locate(self.con)
        entered, kept = self._counts(
            "SELECT area, sum(scans), coalesce(sum(scans) FILTER (WHERE number IS NOT NULL), 0) "
            "FROM located GROUP BY area",
            2,
        )
        self._add(CO_PRESENT, entered, kept, {"outside_window": _less(entered, kept)})

    def persons(self) -> None:
        """Stage 2: from scans to people, each counted once; index persons are not their own contacts."""
        self._begin("people")
        gather_persons(self.con)
        scans, nobody, index = self._counts(
            """
            SELECT
                area, sum(scans), coalesce(sum(scans) FILTER (WHERE l.holder_key IS NULL), 0),
                coalesce(sum(scans) FILTER (WHERE i.holder_key IS NOT NULL), 0)
            FROM located l LEFT JOIN index_person i USING (holder_key)
            WHERE number IS NOT NULL
            GROUP BY area
            """,
            3,
        )
        self.con.execute("DROP TABLE located")
        people = self._people()
        again = _less(scans, nobody, index, people)
        drops = {"index_person": index, "no_holder_key": nobody, "repeated_scan": again}
        self._add(PERSONS, scans, people, drops)

    def follow_up(self, step: StepRule) -> None:
        """One follow-up step: who is dropped leaves ``person``."""
        feed = feed_of_step(step)
        self._begin(step.kind.replace("_", " "))
        entered = self._people()
        relation = self.feeds.find(feed) if feed else ""
        if relation is None:
            self.notes.append(f"{step.kind}: not run, feed not reported: {feed}.")
            self._add(step.kind, entered, entered, {}, feed=feed, run=False)
            return
        question = ask(step, incident=self.incident, now=self.clock())
        with plain_errors(feed or "scans"):
            self.con.execute(
                f"CREATE TEMP TABLE gone AS {question.sql.format(feed=relation)}", dict(question.params)
            )
        (gone,) = self._counts(
            "SELECT area, count(*) FROM person SEMI JOIN gone USING (holder_key) GROUP BY area", 1
        )
        self.con.execute("DELETE FROM person WHERE holder_key IN (SELECT holder_key FROM gone)")
        self.con.execute("DROP TABLE gone")
        self._add(step.kind, entered, self._people(), {DROP_REASON[step.kind]: gone}, feed=feed or "scans")

    def final_list(self) -> None:
        """The last stage: the people who are still there, counted anew."""
        self._begin("final list")
        people = self._people()
        self._add(FINAL_LIST, people, people, {})

    def funnel(self) -> Funnel:
        about = self.incident
        return Funnel(
            incident=about.incident,
            name_zh=about.name_zh,
            name_en=about.name_en,
            area=about.area,
            began=about.began,
            ended=about.ended,
            stages=tuple(self.stages),
            counties=counties_now(),
            notes=tuple(self.notes),
        )

    def _begin(self, words: str) -> None:
        self.steps_done += 1
        self.progress(self.steps_done, self.steps_of, words)

    def _people(self) -> Counter[str]:
        (people,) = self._counts("SELECT area, count(*) FROM person GROUP BY area", 1)
        return people

    def _counts(self, sql: str, columns: int) -> tuple[Counter[str], ...]:
        rows = self.con.execute(sql).fetchall()
        return tuple(Counter({row[0]: int(row[n + 1]) for row in rows}) for n in range(columns))

    def _add(
        self,
        name: str,
        entered: Mapping[str, int],
        kept: Mapping[str, int],
        dropped: Mapping[str, Mapping[str, int]],
        *,
        feed: str = "scans",
        run: bool = True,
    ) -> None:
        now = time.monotonic()
        stage = Stage(
            number=len(self.stages) + 1,
            name=name,
            entered=entered,
            kept=kept,
            dropped=dropped,
            computed_at=self.clock().replace(microsecond=0),
            seconds=round(now - self.began, 3),
            feed=feed,
            run=run,
        )
        self.stages.append(stage)
        self.began = now


def _less(counts: Mapping[str, int], *others: Mapping[str, int]) -> Counter[str]:
    """``counts`` minus all ``others``, zeros and what is below zero included."""
    return Counter({area: n - sum(other.get(area, 0) for other in others) for area, n in counts.items()})
