"""Names and codes of a delivery to areas of today's list, each asked once."""

from __future__ import annotations

from functools import lru_cache

from dashboard.snapshot.importers.text import normalise
from geo.areas import Area, current_code, find_area, get_area, is_area

PROVINCE_NAMES = frozenset({"四川省", "四川"})


@lru_cache(maxsize=65536)
def area_by_code(code: str) -> Area | None:
    """The area that a code means today: one of an earlier year is answered by its successor."""
    return get_area(current_code(code)) if is_area(code) else None


@lru_cache(maxsize=65536)
def area_by_name(name: str, city: str | None = None) -> Area | None:
    """The area that a name means today, inside ``city`` (code or name) when given."""
    plain = normalise(name)
    return find_area(plain, city=city) if plain else None


def is_province(name: str) -> bool:
    """Whether a name means this province."""
    return normalise(name) in PROVINCE_NAMES
