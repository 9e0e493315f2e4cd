"""Sudden jumps: the newest day of a table against the same weekday of the four weeks before.

A jump is no error: an outbreak is one. It is shown so that somebody asks whether the delivery is right.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from dashboard.snapshot.report import Finding
from dashboard.snapshot.subject import SAMPLE, Subject
from geo.areas import PROVINCE, get_area, is_area

WEEKS = 4
LEAST_WEEKS = 3  # of the same weekday, or there is no history to judge by
DEVIATIONS = 5.0  # robust standard deviations: 1.4826 x the median distance from the weekday's median
LEAST_SHARE = 0.5  # of the usual value: a smaller change is no jump however steady the history
LEAST_COUNT = 200
_ROBUST = 1.4826

_C = pl.col
_TO = pl.col("to_colour")


@dataclass(frozen=True)
class Series:
    """One count that is watched: its table, an expression that is summed, which rows, names for a sentence.

    ``sparse`` says that a row is absent where nothing happened; elsewhere it was not reported.
    """

    table: str
    count: pl.Expr
    name_zh: str
    name: str
    rows: pl.Expr | None = None
    sparse: bool = False


SERIES: tuple[Series, ...] = (
    Series("code_flow", _C("people"), "转红码人数", "turned red", _TO == "red", sparse=True),
    Series("code_flow", _C("people"), "转黄码人数", "turned yellow", _TO == "yellow", sparse=True),
    Series("code_flow", _C("people"), "转绿码人数", "turned green", _TO == "green", sparse=True),
    Series("scan_hourly", _C("shows"), "亮码次数", "codes shown"),
    Series("arrival_daily", _C("arrivals"), "入川人数", "arrivals"),
    Series("test_daily", _C("sampled"), "采样数", "samples"),
    Series("vaccination_daily", _C("doses"), "接种剂次", "doses"),
    Series("pushed_list_daily", _C("pushed"), "推送核查人数", "people pushed"),
    Series("contact_daily", _C("close") + _C("secondary"), "新增密接与次密接", "contacts found"),
    Series("service_daily", _C("lookups"), "查询次数", "look-ups"),
    Series("ticket_daily", _C("opened"), "新增申诉与咨询", "cases opened", sparse=True),
    Series("hotline_halfhour", _C("offered"), "来电数", "calls offered"),
)


@dataclass(frozen=True)
class Jump:
    """One count that jumped: day, city ("" for the province), the value and the usual one."""

    day: date
    city: str
    value: int
    usual: float


def newest_days_are_no_jump(subject: Subject) -> Iterator[Finding]:
    """The newest day of each watched count is not far from the same weekday of the four weeks before."""
    for series in SERIES:
        rows = subject.scan(series.table)
        if rows is None:
            continue
        daily = daily_counts(rows, series)
        newest = daily["date"].max()
        jumps = find_jumps(daily, newest) if isinstance(newest, date) else ()
        if not jumps:
            yield Finding("ok", "newest_days_are_no_jump", series.table)
            continue
        worst = jumps[0]
        yield Finding(
            outcome="warning",
            rule="newest_days_are_no_jump",
            table=series.table,
            rows=len(jumps),
            sample=tuple(
                f"date={j.day} city={j.city or 'province'} value={j.value} usual={j.usual:.0f}"
                for j in jumps[:SAMPLE]
            ),
            where=tuple(f"date={j.day} area={j.city or PROVINCE}" for j in jumps[:SAMPLE]),
            sentence=f"Table {series.table}: {series.name} on {worst.day} far from the usual in {len(jumps)} "
            f"place{'s' if len(jumps) > 1 else ''}; most {worst.value} instead of about {worst.usual:.0f}.",
            sentence_zh=f"表 {series.table}：{worst.day} {series.name_zh}在 {len(jumps)} 处明显偏离常态，"
            f"最大为 {worst.value}，常态约 {worst.usual:.0f}。",
        )


def daily_counts(rows: pl.LazyFrame, series: Series) -> pl.DataFrame:
    """The count by ``date`` and ``city`` as column ``value``; hours the newest day lacks are left out of all.

    Of a sparse table a city without a row on a day of the table has zero.
    """
    columns = rows.collect_schema().names()
    for part in (name for name in ("hour", "half_hour") if name in columns):
        last = rows.filter(_C("date") == _C("date").max()).select(_C(part).max()).collect().item()
        rows = rows.filter(_C(part) <= last)
    days = rows.select("date").unique().collect()
    if series.rows is not None:
        rows = rows.filter(series.rows)
    where = "area" if "area" in columns else pl.lit("").alias("area")
    by_area = rows.group_by("date", where).agg(series.count.sum().alias("value")).collect()
    cities = {area: get_area(area).city for area in by_area["area"].unique() if area and is_area(area)}
    daily = (
        by_area.with_columns(_C("area").replace(cities).alias("city"))
        .group_by("date", "city")
        .agg(_C("value").sum())
    )
    if series.sparse:
        every = days.join(daily.select("city").unique(), how="cross")
        daily = every.join(daily, on=["date", "city"], how="left").with_columns(_C("value").fill_null(0))
    return daily.sort("city", "date")


def find_jumps(daily: pl.DataFrame, day: date) -> tuple[Jump, ...]:
    """Cities whose count on ``day`` is a jump against the four weeks before, the largest first."""
    past = daily.filter(_C("date").is_between(day - timedelta(days=7 * WEEKS), day - timedelta(days=1)))
    past = past.with_columns(_C("date").dt.weekday().alias("weekday"))
    usual = past.group_by("city", "weekday").agg(_C("value").median().alias("usual"), pl.len().alias("weeks"))
    spread = (
        past.join(usual, on=["city", "weekday"])
        .group_by("city")
        .agg((_ROBUST * (_C("value") - _C("usual")).abs().median()).alias("deviation"))
    )
    found = (
        daily.filter(_C("date") == day)
        .join(usual.filter((_C("weekday") == day.isoweekday()) & (_C("weeks") >= LEAST_WEEKS)), on="city")
        .join(spread, on="city")
        .with_columns((_C("value") - _C("usual")).abs().alias("distance"))
        .filter(
            (_C("distance") > DEVIATIONS * _C("deviation"))
            & (_C("distance") > LEAST_SHARE * _C("usual"))
            & (_C("distance") > LEAST_COUNT)
        )
        .sort("distance", "city", descending=[True, False])
    )
    return tuple(
        Jump(day, str(city), int(value), float(expected))
        for city, value, expected in found.select("city", "value", "usual").iter_rows()
    )


RULES = (newest_days_are_no_jump,)
