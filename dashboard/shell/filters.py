"""Filters of a page: parsed from a URL or a browser store, both of which are user input.

A filter is read on the first line of every callback into a frozen dataclass; what cannot be read is
refused with a sentence, what lies outside the scope as well. The same words stand in the URL.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from urllib.parse import urlencode

from dashboard.auth.scope import Scope, check_area
from dashboard.errors import BadFilter
from dashboard.snapshot.manifest import Manifest
from geo.areas import PROVINCE, get_area, is_area

# A page's own filters: name -> allowed values, the first being the default. A pattern allows nothing (the
# default) and whatever matches it as a whole: the id of a change, the number of a version.
Options = Mapping[str, "tuple[str, ...] | re.Pattern[str]"]


@dataclass(frozen=True)
class Filters:
    """One state of a page: snapshot id, area code, day, the day compared with, the page's options."""

    snapshot: str
    area: str
    day: date
    compare: date
    options: Mapping[str, str] = field(default_factory=dict)
    pinned: bool = False

    def as_dict(self) -> dict[str, str]:
        """The filters as plain text, for the browser store (well below 2 kB)."""
        return {
            "snapshot": self.snapshot,
            "area": self.area,
            "date": self.day.isoformat(),
            "compare": self.compare.isoformat(),
            "pinned": "1" if self.pinned else "",
            **self.options,
        }

    def query(self, **changes: str) -> str:
        """A query string that restores these filters, with ``changes`` made."""
        words = {key: value for key, value in {**self.as_dict(), **changes}.items() if value}
        if not self.pinned and "snapshot" not in changes:
            # An unpinned page follows the newest snapshot; only a pinned link names one.
            words.pop("snapshot", None)
        # Says only that the page was drawn anew; a link is not about that.
        words.pop("touched", None)
        return "?" + urlencode(words)


def parse_filters(
    raw: Mapping[str, str], *, scope: Scope, manifest: Manifest, options: Options, first_day: date | None
) -> Filters:
    """Parse untrusted ``raw`` for a page. Missing words get defaults; wrong ones raise ``BadFilter``.

    The default area is the widest the scope holds; the default day the snapshot's newest.
    """
    area = raw.get("area") or default_area(scope)
    if not is_area(area):
        # The same refusal as outside the scope: an unknown code tells nothing about known ones.
        check_area(Scope(roots=(), codes=frozenset()), area)
    check_area(scope, area)
    day = _day(raw, "date", manifest.data_day)
    if day > manifest.data_day:
        raise BadFilter(
            f"There are no data of {day.isoformat()} yet; the newest day is {manifest.data_day.isoformat()}.",
            todo="Choose an earlier day.",
            key="error.day_late",
            day=day,
            newest=manifest.data_day,
        )
    if first_day is not None and day < first_day:
        raise BadFilter(
            f"There are no data of {day.isoformat()}; the first day is {first_day.isoformat()}.",
            todo="Choose a later day.",
            key="error.day_early",
            day=day,
            first=first_day,
        )
    compare = _day(raw, "compare", day - timedelta(days=1))
    if compare >= day:
        compare = day - timedelta(days=1)
    return Filters(
        snapshot=manifest.id,
        area=area,
        day=day,
        compare=compare,
        options={name: _option(raw, name, allowed) for name, allowed in options.items()},
        pinned=raw.get("pinned") == "1",
    )


def default_area(scope: Scope) -> str:
    """The widest area a scope holds: the province, else the first granted root."""
    if scope.allows(PROVINCE):
        return PROVINCE
    ranked = sorted(scope.roots, key=lambda code: (get_area(code).level != "city", code))
    return ranked[0] if ranked else PROVINCE


def _day(raw: Mapping[str, str], name: str, default: date) -> date:
    text = raw.get(name, "")
    if not text:
        return default
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        raise BadFilter(
            f"{name} is {text[:20]!r}.",
            todo="Write it as 2021-01-19.",
            key="error.bad_day",
            value=text[:20],
        ) from None


def _option(raw: Mapping[str, str], name: str, allowed: tuple[str, ...] | re.Pattern[str]) -> str:
    if isinstance(allowed, re.Pattern):
        value = raw.get(name, "")
        if value and not allowed.fullmatch(value):
            raise BadFilter(
                f"{name} is {value[:20]!r}.",
                todo="Follow a link of the page instead of writing the address by hand.",
                key="error.bad_word",
                name=name,
                value=value[:20],
            )
        return value
    value = raw.get(name) or allowed[0]
    if value not in allowed:
        raise BadFilter(
            f"{name} is {value[:20]!r}.",
            todo=f"Choose one of: {', '.join(allowed)}.",
            key="error.bad_option",
            name=name,
            value=value[:20],
            allowed=", ".join(allowed),
        )
    return value
