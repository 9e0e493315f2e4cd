"""Rules that the contract alone gives: columns, keys, nulls, values, bounds, areas, dates."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import polars as pl

from dashboard.snapshot.contract import FEED_BY_ID, FEEDS, Column, Table
from dashboard.snapshot.files import POLARS_TYPES
from dashboard.snapshot.report import Finding
from dashboard.snapshot.subject import Subject, judge

# Words of the feed about a place, not days of data: a slip there must not stop the province's figures.
STATED_DAYS = ("since", "last_case")


def columns_are_those_of_the_contract(subject: Subject) -> Iterator[Finding]:
    """Every table has exactly the columns and types of the contract."""
    rule = "columns_are_those_of_the_contract"
    for table, rows in subject.reported():
        have = rows.collect_schema()
        want = {c.name: POLARS_TYPES[c.type] for c in table.columns}
        said = [f"{name} is missing" for name in want if name not in have]
        said += [f"{name} is unknown" for name in have if name not in want]
        said += [f"{n} is {have[n]} instead of {t}" for n, t in want.items() if n in have and have[n] != t]
        wrong = sorted({name for name in (*want, *have) if want.get(name) != have.get(name)})
        if said:
            yield Finding(
                "error",
                rule,
                table.name,
                sentence=f"Table {table.name}: {'; '.join(said)}.",
                sentence_zh=f"表 {table.name}：列 {'、'.join(wrong)} 缺失、多余或类型不符。",
            )
        else:
            yield Finding("ok", rule, table.name)


def nothing_required_is_missing(subject: Subject) -> Iterator[Finding]:
    """Columns that must have a value have one."""
    for table, rows in subject.reported():
        required = [pl.col(c.name).is_null() for c in table.columns if not c.nullable]
        yield judge(
            rows.filter(pl.any_horizontal(required)),
            rule="nothing_required_is_missing",
            table=table.name,
            sentence="{rows} without a required value.",
            sentence_zh="{rows}缺少必填项。",
        )


def values_are_allowed(subject: Subject) -> Iterator[Finding]:
    """Columns with a list of values hold nothing else."""
    for table, rows in subject.reported():
        for column in (c for c in table.columns if c.allowed):
            bad = rows.filter(~pl.col(column.name).is_in(list(column.allowed)))
            yield judge(
                bad.select(_shown(table, column)),
                rule="values_are_allowed",
                table=table.name,
                sentence=f"{{rows}} whose {column.name} is none of {', '.join(column.allowed)}.",
                sentence_zh=f"{{rows}}的 {column.name} 不在约定取值之内（{'、'.join(column.allowed)}）。",
            )


def numbers_lie_within_bounds(subject: Subject) -> Iterator[Finding]:
    """No number is below its least or above its largest value."""
    for table, rows in subject.reported():
        for column in (c for c in table.columns if c.low is not None):
            value, high = pl.col(column.name), column.high
            outside = value < column.low if high is None else ~value.is_between(column.low, high)
            span = f"{column.low} and above" if high is None else f"{column.low} to {high}"
            span_zh = f"不小于 {column.low}" if high is None else f"{column.low} 至 {high}"
            yield judge(
                rows.filter(outside).select(_shown(table, column)),
                rule="numbers_lie_within_bounds",
                table=table.name,
                sentence=f"{{rows}} whose {column.name} is not {span}.",
                sentence_zh=f"{{rows}}的 {column.name} 超出范围（{span_zh}）。",
            )


def areas_are_known(subject: Subject) -> Iterator[Finding]:
    """Every area is in the area table, and tables of counties hold counties and functional areas only."""
    rule = "areas_are_known"
    areas = subject.scan("area")
    if areas is None:
        yield Finding(
            "error",
            rule,
            "area",
            sentence="Table area is missing: no area has a name.",
            sentence_zh="缺少区划表 area。",
        )
        return
    levels = areas.select(pl.col("code").alias("area"), pl.col("level").alias("is"))
    for table, rows in subject.reported():
        if not any(c.area for c in table.columns):
            continue
        met = rows.group_by("area").len("times").join(levels, on="area", how="left").sort("area")
        strange = met.filter(pl.col("is").is_null()).drop("is")
        yield judge(
            strange,
            rule=rule,
            table=table.name,
            sentence="{rows}: an area that no list knows.",
            sentence_zh="{rows}的区划代码不存在。",
        )
        if table.by_county:
            yield judge(
                met.filter(pl.col("is").is_in(["province", "city"])),
                rule=rule,
                table=table.name,
                sentence="{rows}: a city or the province where a county is expected; it would count twice.",
                sentence_zh="{rows}应为区县却为市（州）或全省，会重复计算。",
            )


def areas_form_a_tree(subject: Subject) -> Iterator[Finding]:
    """Every parent, city and successor is an area, and only the province has no parent."""
    rule = "areas_form_a_tree"
    areas = subject.scan("area")
    if areas is None:
        return
    codes = areas.select("code")
    for column in ("parent", "city", "successor"):
        named = areas.filter(pl.col(column).is_not_null()).select("code", column)
        yield judge(
            named.join(codes, left_on=column, right_on="code", how="anti"),
            rule=rule,
            table="area",
            sentence=f"{{rows}} whose {column} is no area.",
            sentence_zh=f"{{rows}}的 {column} 不是区划代码。",
        )
    yield judge(
        areas.filter(pl.col("parent").is_null() != (pl.col("level") == "province")).select("code", "level"),
        rule=rule,
        table="area",
        sentence="{rows}: exactly the province has no parent.",
        sentence_zh="{rows}：只有全省没有上级。",
    )


def no_row_is_from_the_future(subject: Subject) -> Iterator[Finding]:
    """No day of data lies after the data time, and neither that nor what was computed after the build."""
    manifest = subject.manifest
    rule = "no_row_is_from_the_future"
    if manifest.data_time > manifest.built_at + timedelta(days=1):
        said = (
            f"The data speak of {manifest.data_time:%Y-%m-%d %H:%M}, more than a day after the build "
            f"at {manifest.built_at:%Y-%m-%d %H:%M}."
        )
        said_zh = (
            f"数据时间 {manifest.data_time:%Y-%m-%d %H:%M} 晚于构建时间 "
            f"{manifest.built_at:%Y-%m-%d %H:%M} 一日以上。"
        )
        yield Finding("error", rule, "", sentence=said, sentence_zh=said_zh)
    for table, rows in subject.reported():
        derived = table.feed in FEED_BY_ID and FEED_BY_ID[table.feed].derived
        last = (manifest.built_at if derived else manifest.data_time).date()
        end = "the day of the build" if derived else "the day of the data"
        end_zh = "生成日" if derived else "数据日"
        # The build's own tables speak of codes to come and of arrivals after the data.
        moments = [c for c in table.columns if c.type in ("DATE", "TIMESTAMP") and table.feed]
        for column in moments:
            yield judge(
                rows.filter(pl.col(column.name).cast(pl.Date) > last).select(_shown(table, column)),
                rule=rule,
                table=table.name,
                outcome="warning" if column.name in STATED_DAYS else "error",
                sentence=f"{{rows}} whose {column.name} lies after {last}, {end}.",
                sentence_zh=f"{{rows}}的 {column.name} 晚于{end_zh} {last}。",
            )


def every_feed_has_a_state(subject: Subject) -> Iterator[Finding]:
    """The feed table names every feed of the contract."""
    rows = subject.scan("feed_state")
    known = set() if rows is None else set(rows.select("feed").collect()["feed"].to_list())
    missing = [feed.id for feed in FEEDS if feed.id not in known]
    if missing:
        said = f"Table feed_state: no row for {', '.join(missing)}."
        yield Finding(
            "error",
            "every_feed_has_a_state",
            "feed_state",
            len(missing),
            sentence=said,
            sentence_zh=f"表 feed_state 缺少来源 {'、'.join(missing)}。",
        )
    else:
        yield Finding("ok", "every_feed_has_a_state", "feed_state")


def _shown(table: Table, column: Column) -> list[str]:
    return list(dict.fromkeys((*table.key, column.name)))


RULES = (
    nothing_required_is_missing,
    values_are_allowed,
    numbers_lie_within_bounds,
    areas_are_known,
    areas_form_a_tree,
    no_row_is_from_the_future,
    every_feed_has_a_state,
)
