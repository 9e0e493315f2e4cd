"""The incident file: what an outbreak screening asks for, strictly checked.

``docs/screening.md`` shows one and explains every field.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from dashboard.errors import InputError
from dashboard.policy.document import describe_problems
from dashboard.strict_json import load_strict
from geo.areas import get_area, is_area

DAY_MINUTES = 24 * 60
MOST_DAYS = 60

Minutes = Annotated[int, Field(ge=0, le=DAY_MINUTES)]
Key = Annotated[str, Field(min_length=1, max_length=200)]
Words = Annotated[str, Field(min_length=1, max_length=200)]


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")


class Days(_Strict):
    """The days looked at, both included; ``missing`` are those known not to have been delivered."""

    first: date
    last: date
    missing: tuple[date, ...] = ()

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.last < self.first:
            raise ValueError(f"last is {self.last}: must not lie before first, {self.first}")
        if (self.last - self.first).days >= MOST_DAYS:
            raise ValueError(f"last is {self.last}: at most {MOST_DAYS} days can be looked at")
        if outside := [day for day in self.missing if day not in self]:
            raise ValueError(f"missing is {outside[0]}: must lie from {self.first} to {self.last}")
        return self

    def __contains__(self, day: date) -> bool:
        return self.first <= day <= self.last

    def each(self) -> tuple[date, ...]:
        return tuple(self.first + timedelta(n) for n in range((self.last - self.first).days + 1))


class WindowRule(_Strict):
    """When somebody counts as co-present, in minutes.

    A scan says when somebody came, not when they left: ``stay_minutes`` is how long each scan is taken to
    last. ``before_minutes`` and ``after_minutes`` widen the presence of the index person or the hours of
    the index venue. Two presences must share ``min_overlap_minutes``; exactly that is enough.
    """

    before_minutes: Minutes
    after_minutes: Minutes
    stay_minutes: Minutes = 0
    min_overlap_minutes: Minutes = 0

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.min_overlap_minutes > self.stay_minutes:
            raise ValueError(
                f"min_overlap_minutes is {self.min_overlap_minutes}: must not exceed stay_minutes, "
                f"{self.stay_minutes}, or nobody could ever be co-present"
            )
        return self


class IndexVenue(_Strict):
    """A venue that was infectious on ``day`` from ``opens`` to ``closes``, on the next day if earlier."""

    venue_id: Key
    day: date
    opens: str = Field(alias="from")
    closes: str = Field(alias="to")

    @model_validator(mode="after")
    def _check(self) -> Self:
        for name, text in (("from", self.opens), ("to", self.closes)):
            if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", text):
                raise ValueError(f"{name} is {text!r}: must be a time such as 18:30")
        if self.opens == self.closes:
            raise ValueError(f"to is {self.closes}: must differ from 'from'")
        return self

    def span(self) -> tuple[datetime, datetime]:
        start = datetime.combine(self.day, time.fromisoformat(self.opens))
        end = datetime.combine(self.day, time.fromisoformat(self.closes))
        return start, end if end > start else end + timedelta(days=1)


class InProvince(_Strict):
    """Drops who left the province after the last co-presence."""

    kind: Literal["in_province"]
    feed: Literal["left_province", "telecom"]


class NotUnderControl(_Strict):
    """Drops who has one of ``colours`` already: at the last co-present scan, or by a later change."""

    kind: Literal["not_under_control"]
    feed: Literal["scans", "code_events"] = "scans"
    colours: tuple[Key, ...] = Field(default=("red",), min_length=1)


class CoPresences(_Strict):
    """Drops who was co-present fewer than ``at_least`` times (in different windows)."""

    kind: Literal["co_presences"]
    at_least: int = Field(ge=2, le=1000)


class Dwell(_Strict):
    """Drops whose longest stay, from first to last scan in one window and ``stay_minutes``, is shorter."""

    kind: Literal["dwell"]
    at_least_minutes: int = Field(ge=1, le=DAY_MINUTES)


class NoNegativeTest(_Strict):
    """Drops who tested negative ``negatives`` times, sampled more than ``hours_after`` the last co-presence.

    A positive sample after the last co-presence keeps a person in any case.
    """

    kind: Literal["no_negative_test"]
    feed: Literal["tests"] = "tests"
    negatives: int = Field(default=1, ge=1, le=20)
    hours_after: int = Field(default=0, ge=0, le=30 * 24)


class NotVaccinated(_Strict):
    """Drops who had ``doses``, the last at least ``days_before`` the first co-presence."""

    kind: Literal["not_vaccinated"]
    feed: Literal["vaccination"] = "vaccination"
    doses: int = Field(ge=1, le=9)
    days_before: int = Field(default=14, ge=0, le=1000)


StepRule = InProvince | NotUnderControl | CoPresences | Dwell | NoNegativeTest | NotVaccinated


class Incident(_Strict):
    """One outbreak and the questions asked about it; building one checks it completely."""

    incident: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,59}$")
    name_zh: Words
    name_en: Words
    area: str
    began: date
    ended: date | None = None
    days: Days
    window: WindowRule
    index_persons: tuple[Key, ...] = Field(default=(), max_length=10_000)
    index_venues: tuple[IndexVenue, ...] = Field(default=(), max_length=10_000)
    steps: tuple[Annotated[StepRule, Field(discriminator="kind")], ...] = ()

    @model_validator(mode="after")
    def _check(self) -> Self:
        if problems := list(self._problems()):
            raise ValueError("\n".join(problems))
        return self

    def _problems(self) -> Iterator[str]:
        if not is_area(self.area) or get_area(self.area).level not in ("county", "functional"):
            yield f"area is {self.area!r}: must be the code of a county or functional area, such as 510117"
        if self.ended is not None and self.ended < self.began:
            yield f"ended is {self.ended}: must not lie before began, {self.began}"
        if not self.index_persons and not self.index_venues:
            yield "index_venues is empty: name index persons, index venues, or both"
        if len(set(self.index_persons)) < len(self.index_persons):
            yield "index_persons names somebody twice"  # which one is not said: it is the key of a person
        for number, venue in enumerate(self.index_venues):
            if venue.day not in self.days:
                yield (
                    f"index_venues.{number}.day is {venue.day}: must lie from {self.days.first} "
                    f"to {self.days.last}"
                )
            elif venue.day in self.days.missing:
                yield f"index_venues.{number}.day is {venue.day}, which days.missing names too"
        for kind, times in Counter(step.kind for step in self.steps).items():
            if times > 1:
                yield f"steps has {kind} {times} times: each kind may stand once"


def read_incident(path: Path) -> Incident:
    """The incident in a ``.toml`` or ``.json`` file.

    Raises ``InputError`` that names every wrong field, its value and what it must be. Values of
    ``index_persons`` are never repeated.
    """
    kind = path.suffix.lower().lstrip(".")
    if kind not in ("toml", "json"):
        raise InputError(f"{path} is neither a .toml nor a .json file.", todo="Name an incident file.")
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise InputError(
            f"{path} cannot be read: {_plain(problem)}.", todo="Check the name and that it is UTF-8."
        ) from None
    return parse_incident(text, name=path.name, kind=kind)


def parse_incident(text: str, *, name: str, kind: str) -> Incident:
    """A checked incident from ``text`` of ``kind`` ``toml`` or ``json``; raises like ``read_incident``."""
    try:
        # Both forms meet the same strict rules by way of JSON, where text may stand for a day.
        raw = json.dumps(tomllib.loads(text), default=_day) if kind == "toml" else text
        load_strict(raw)
    except (ValueError, TypeError, RecursionError) as problem:
        raise InputError(
            f"{name} is not readable {kind.upper()}: {_plain(problem)}.", todo="Correct the file."
        ) from None
    try:
        return Incident.model_validate_json(raw)
    except ValidationError as problem:
        said = "; ".join(_without_keys(sentence) for sentence in describe_problems(problem))
        raise InputError(
            f"{name} is not a valid incident: {said}.",
            todo="Correct the file; docs/screening.md explains every field.",
        ) from None


def _without_keys(sentence: str) -> str:
    """The problem, but of ``index_persons``, or of a file that is no table at all, without its value."""
    sentence = re.sub(
        r"^(index_persons[.\d]*) is .*$", r"\1 cannot be used: must be a list of different texts", sentence
    )
    return re.sub(r"^ is .*$", "it must hold named fields", sentence)


def _plain(problem: BaseException) -> str:
    return problem.reason if isinstance(problem, UnicodeDecodeError) else str(problem).splitlines()[0]


def _day(value: object) -> str:
    if type(value) is date:
        return value.isoformat()
    raise TypeError(f"{value} is not understood: write days as 2021-01-08 and times as text, '18:30'")
