"""The hotline of the province: how many calls came in, were connected, were answered within 15 seconds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date as Date  # noqa: N812 - `date` is the name of a parameter everywhere

from dashboard.cells import Cell
from queries.appeals import share
from queries.overview import TREND_DAYS, Figure, build_figure, day_window
from queries.run import View, read


@dataclass(frozen=True, slots=True)
class DayCalls:
    """One day of calls: that came in, that a person answered, that were answered within 15 seconds."""

    date: Date
    offered: int
    answered: int
    in_15s: int

    @property
    def connected(self) -> Cell:
        """Per cent of the calls that came in which a person answered."""
        return share(self.answered, self.offered)

    @property
    def quick(self) -> Cell:
        """Per cent of the calls that came in which were answered within 15 seconds."""
        return share(self.in_15s, self.offered)


@dataclass(frozen=True, slots=True)
class HalfHour:
    """One half-hour, 0 to 47; the mean wait is None where nothing was answered."""

    half_hour: int
    offered: int
    answered: int
    in_15s: int
    mean_wait_seconds: int | None
    seats: int


def get_call_trend(view: View, *, first: Date, last: Date) -> tuple[DayCalls, ...]:
    """Calls of the whole province on each day that was reported. Raises ``OutOfScope`` for an empty scope."""
    return read(view, "hotline_daily", DayCalls, first=first, last=last)


def get_call_figures(view: View, *, date: Date, days: int = TREND_DAYS) -> tuple[Figure, ...]:
    """``calls_connected`` and ``calls_in_15s`` of the day, in per cent of the calls that came in.

    Raises ``OutOfScope`` for an empty scope.
    """
    window = day_window(date, days)
    rows = get_call_trend(view, first=window[0], last=date)
    columns = {
        "calls_connected": {row.date: row.connected for row in rows},
        "calls_in_15s": {row.date: row.quick for row in rows},
    }
    return tuple(build_figure(name, column, window, None) for name, column in columns.items())


def get_calls_by_halfhour(view: View, *, date: Date) -> tuple[HalfHour, ...]:
    """Calls in each half-hour of a day that was reported. Raises ``OutOfScope`` for an empty scope."""
    return read(view, "hotline_halfhours", HalfHour, date=date)
