"""The story the demo data tells: which invented event happens where, on which day.

Days are offsets from the last day (0), so that the whole story moves with ``--end``. With the default
end, 2021-02-03, offset -26 is 2021-01-08. Places carry real names of counties and streets; the events
are invented and every place text contains 示例 (example).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

DEFAULT_END = date(2021, 2, 3)
FESTIVAL = 9  # spring festival, 2021-02-12 with the default end
OUTBREAK = -26  # first case, 2021-01-08
WAVE = ((-25, 0.45), (-24, 0.40), (-23, 0.15))  # days on which the wide net turns codes yellow
WAVE_PEOPLE = 400_000
TRACED_PEOPLE = 7_700  # of them, found to be contacts two days later
SCHOOL_RUSH = (-16, -15, -14)  # pupils are asked for codes, 2021-01-18 to 01-20
FAMILY_CODES = ((-13, 0.35), (-12, 0.28), (-11, 0.18), (-10, 0.11), (-9, 0.08))  # from 2021-01-21
HOLIDAYS = -10  # schools close
MASS_TEST = -9  # 2021-01-25, a Monday
MASS_TEST_CITY = "510100"
MASS_TEST_HOURS = (7, 8, 9)
NEAR_PEOPLE = 800_000  # whom telecom data place near the cases
CALLS_TIMES = 3.0  # calls to the hotline on the days of the school rush
LATE_CITY = "511400"  # 眉山市 answers its lists late
LATE_CITY_DAYS = 10
FORMER_CODES = (
    "510100",
    "510300",
    "510500",
    "510700",
    "511000",
    "511100",
    "511300",
    "511500",
    "511700",
    "513400",
)  # cities that had a code of their own; the first FORMER_IN_USE are still in use
FORMER_IN_USE = 6
ANOMALY = -7  # 2021-01-27: red codes by hand
ANOMALY_COUNTY = "510921"  # 遂宁市蓬溪县
ANOMALY_PEOPLE = 1_307
CORRECTION = -5  # 2021-01-29: two cases are taken back
CORRECTION_COUNTY = "510681"  # 德阳市广汉市
CORRECTION_CASES = 2
SILENT_COUNTY = "513338"  # 甘孜州得荣县: no scans delivered on the last two days
SILENT_DAYS = 2
SCANS_STOP_HOUR = 15  # scans of the last day end here
AIRPORT_COUNTY = "510116"  # 成都市双流区, where travellers from abroad arrive
OVERLAP_COUNTIES = {
    "510117": 0.46,
    "510106": 0.17,
    "510107": 0.15,
    "510108": 0.09,
    "510681": 0.09,
    "511421": 0.04,
}

# Share of a city's residents who come home for the festival; cities not named: 0.02.
HOMECOMING = {
    "511700": 0.14, "511300": 0.13, "511900": 0.14, "511600": 0.13, "512000": 0.11, "510900": 0.10,
    "511000": 0.09, "510500": 0.08, "511500": 0.08, "510300": 0.08, "510800": 0.08, "511400": 0.06,
}  # fmt: skip
DEPARTING = {"510100": 0.05}  # share of the city's holders who leave before the festival

# Days simulated before the first delivered one: longer than the longest hold, so stocks start settled.
WARM_UP = 60


@dataclass(frozen=True)
class Calendar:
    """The simulated days: ``days`` delivered ones that end on ``end``, after ``WARM_UP`` hidden ones."""

    end: date
    days: int

    @cached_property
    def offsets(self) -> Ints:
        """Offsets from the last day, hidden days included: ..., -1, 0."""
        return np.arange(-(self.days + WARM_UP) + 1, 1, dtype=np.int64)

    @property
    def first(self) -> date:
        return self.day(1 - self.days)

    def day(self, offset: int) -> date:
        return self.end + timedelta(days=offset)

    @cached_property
    def dates(self) -> tuple[date, ...]:
        """The delivered days."""
        return tuple(self.day(offset) for offset in range(1 - self.days, 1))

    def pulse(self, *steps: tuple[int, float]) -> Floats:
        """A series over all simulated days: the given value at each offset, 0 elsewhere."""
        series = np.zeros(len(self.offsets))
        for offset, value in steps:
            series[self.offsets == offset] += value
        return series

    def between(self, first: int, last: int) -> NDArray[np.bool_]:
        return np.asarray((self.offsets >= first) & (self.offsets <= last))

    @cached_property
    def homecoming(self) -> Floats:
        """Share of the festival travel that has happened by the end of each simulated day."""
        return np.asarray(1 / (1 + np.exp(-(self.offsets - (FESTIVAL - 11)) / 4.0)))


@dataclass(frozen=True)
class Place:
    """One risk place: area, text, days of its first and last case, cases, and its levels from a day on.

    A level of "" takes it off the list. ``area`` may be a functional area; its cases are reported by
    ``county``.
    """

    area: str
    county: str
    text: str
    first_case: int
    last_case: int
    cases: int
    levels: tuple[tuple[int, str], ...]

    def level(self, offset: int) -> tuple[str, int]:
        """Level on a day and the day it began; ("", offset) when not listed."""
        reached = [step for step in self.levels if step[0] <= offset]
        return (reached[-1][1], reached[-1][0]) if reached else ("", offset)

    def last_known(self, offset: int) -> int:
        """Day of the last case as a publication of that day can state it."""
        return min(self.last_case, offset)


PIDU, JINNIU, WUHOU, GUANGHAN, RENSHOU = "510117", "510106", "510107", "510681", "511421"
HIGH_TECH = "5101F1"
MEDIUM, HIGH, OFF = "medium", "high", ""
PLACES: tuple[Place, ...] = (
    Place(PIDU, PIDU, "红光街道示例社区A 3栋", -26, -13, 34, ((-25, MEDIUM), (-21, HIGH), (0, MEDIUM))),
    Place(PIDU, PIDU, "郫筒街道示例小区B 1至6栋", -25, -14, 18, ((-24, MEDIUM), (-19, HIGH), (-4, MEDIUM))),
    Place(PIDU, PIDU, "犀浦街道示例花园C 二期", -24, -16, 9, ((-23, MEDIUM), (-1, OFF))),
    Place(PIDU, PIDU, "红光街道示例院D", -24, -15, 12, ((-23, MEDIUM), (-18, HIGH), (-3, MEDIUM), (0, OFF))),
    Place(PIDU, PIDU, "合作街道示例公寓E 2单元", -4, -1, 4, ((-3, MEDIUM), (0, HIGH))),
    Place(PIDU, PIDU, "安靖街道示例村F 1组", -22, -14, 5, ((-21, MEDIUM),)),
    Place(HIGH_TECH, WUHOU, "桂溪街道示例大厦G", -21, -15, 5, ((-20, MEDIUM), (0, OFF))),
    Place(HIGH_TECH, WUHOU, "中和街道示例小区H 5栋", -20, -14, 3, ((-19, MEDIUM),)),
    Place(JINNIU, JINNIU, "茶店子街道示例苑I", -22, -16, 8, ((-21, MEDIUM), (-1, OFF))),
    Place(JINNIU, JINNIU, "沙河源街道示例小区J 7栋", -20, -15, 6, ((-19, MEDIUM), (0, OFF))),
    Place(GUANGHAN, GUANGHAN, "金雁街道示例小区K", -21, -16, 9, ((-20, MEDIUM), (-1, OFF))),
    Place(GUANGHAN, GUANGHAN, "三水镇示例村L 4组", -1, -1, 1, ((0, MEDIUM),)),
    Place(RENSHOU, RENSHOU, "文林街道示例社区M", -19, -17, 3, ((-18, MEDIUM), (-2, OFF))),
)  # fmt: skip


def stream(seed: int, name: str) -> np.random.Generator:
    """A random stream of its own for each part, so that a change in one leaves the others as they were."""
    return np.random.default_rng([seed, crc32(name.encode())])
