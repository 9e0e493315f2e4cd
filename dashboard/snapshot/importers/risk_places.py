"""A history of risk-feed publications to the table ``risk_place``: each place, its level, its days."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

import polars as pl

from dashboard.snapshot.contract import TABLE_BY_NAME
from dashboard.snapshot.importers.files import Found
from dashboard.snapshot.importers.result import Imported, polars_schema
from dashboard.snapshot.importers.risk_feed import FEED, Level, Place, Publication, read_publication
from dashboard.snapshot.quarantine import Reject

_TABLE = TABLE_BY_NAME["risk_place"]
_ONE_DAY = timedelta(days=1)
_LEVELS: tuple[Level, ...] = ("high", "medium", "low")


@dataclass(frozen=True)
class Spell:
    """One place at one level for consecutive days; ``listed_to`` is None while it is listed."""

    place: Place
    listed_from: date
    listed_to: date | None
    source_time: datetime


def import_risk_feed(files: Sequence[Found], *, now: datetime) -> Imported:
    """Read all publications and build the spells of every place.

    Tables: ``risk_place``, absent when no publication could be read. ``accepted`` counts places as
    published, over all publications.
    """
    publications: list[Publication] = []
    rejects: list[Reject] = []
    for file in files:
        try:
            read = read_publication(file.name, file.path.read_bytes(), now=now)
        except OSError as error:
            read = Reject(FEED, file.name, None, "unreadable_file", f"The file cannot be read: {error}.", "")
        if isinstance(read, Reject):
            rejects.append(read)
        else:
            publications.append(read)
            rejects.extend(read.rejects)
    # A correction delivered for the same moment comes later by its path.
    publications.sort(key=lambda p: p.time)
    publications = [p for p in publications if p.reported]
    if not publications:
        return Imported(rejects=tuple(rejects))
    newest = publications[-1]
    return Imported(
        tables={_TABLE.name: _to_frame(build_spells(publications))},
        rejects=tuple(rejects),
        accepted=sum(len(p.places) for p in publications),
        data_until=newest.time,
        notes=_notes(publications),
    )


def build_spells(publications: Sequence[Publication]) -> list[Spell]:
    """Spells of all places, from publications in the order of their time.

    A spell ends on the day before the first later publication of the same list that no longer names
    the place, and stays open until then. A publication without that list ends nothing. A place that
    comes back before a day without it has passed continues its spell, so no day counts it twice.
    """
    done: list[Spell] = []
    for level in _LEVELS:
        running: dict[tuple[str, str], Spell] = {}
        ended: dict[tuple[str, str], Spell] = {}
        for publication in publications:
            if level not in publication.reported:
                continue
            named = {(p.area, p.key): p for p in publication.places if p.level == level}
            for key in running.keys() - named.keys():
                spell = running.pop(key)
                # Listed and lifted on one day, it was listed that day.
                last = max(spell.listed_from, publication.day - _ONE_DAY)
                ended[key] = replace(spell, listed_to=last)
            for key, place in named.items():
                running[key] = _name(running.get(key), ended.pop(key, None), place, publication, done)
        done.extend(ended.values())
        done.extend(running.values())
    return done


def _name(
    running: Spell | None, ended: Spell | None, place: Place, publication: Publication, done: list[Spell]
) -> Spell:
    if running is None and ended is not None:
        if ended.listed_to is not None and publication.day <= ended.listed_to + _ONE_DAY:
            running = ended
        else:
            done.append(ended)
    if running is None:
        return Spell(place, publication.day, None, publication.time)
    # The rule set is that of the first listing; stated days are the newest stated.
    known = replace(
        place,
        rule_set=running.place.rule_set,
        since=place.since or running.place.since,
        last_case=place.last_case or running.place.last_case,
    )
    return replace(running, place=known, listed_to=None, source_time=publication.time)


def place_id(area: str, key: str) -> str:
    """Stable id of a place: it depends on its area and its text without loose spaces alone."""
    return hashlib.sha256(f"{area}\n{key}".encode()).hexdigest()[:16]


def _to_frame(spells: Sequence[Spell]) -> pl.DataFrame:
    rows = [
        (
            place_id(s.place.area, s.place.key),
            s.place.area,
            s.place.text,
            s.place.level,
            s.place.rule_set,
            s.listed_from,
            s.listed_to,
            s.place.since,
            s.place.last_case,
            s.source_time,
        )
        for s in spells
    ]
    return pl.DataFrame(rows, schema=polars_schema(_TABLE), orient="row").sort(
        "area", "listed_from", "level", "place_id"
    )


def _notes(publications: Sequence[Publication]) -> tuple[str, ...]:
    notes = []
    newest = publications[-1]
    missing = [level for level in _LEVELS if level not in newest.reported]
    if missing:
        names = ", ".join(missing)
        notes.append(f"最新一期未发布名单：{names} / The newest publication lacks the list: {names}")
    unread = sum(p.unread_days for p in publications)
    if unread:
        notes.append(
            f"{unread} 项起始日、末例日或规则不可读，地点照常计入 / "
            f"{unread} stated days or rule sets could not be read; the places count"
        )
    return tuple(notes)
