"""Rules about what the rows mean: colours and reasons, parts and wholes, flows and stocks, places."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import polars as pl

from dashboard.snapshot.contract import NO_CODE, NO_REASON, TABLE_BY_NAME
from dashboard.snapshot.report import Finding
from dashboard.snapshot.subject import SAMPLE, Subject, judge, places_of

_STOCK_KEY = ["date", "area", "colour"]


def reasons_match_their_colours(subject: Subject) -> Iterator[Finding]:
    """Every colour and reason is the policy's, and a reason gives the colour it stands beside.

    In flows the reason may be the one that began a colour or the one that ended it.
    """
    rule = "reasons_match_their_colours"
    known_reason = pl.col("reason").is_in(list(subject.reasons)).fill_null(False)
    known = list(subject.colours)
    stock = subject.scan("code_stock")
    if stock is not None:
        bad = stock.filter(~pl.col("colour").is_in(known) | ~_gives(subject, "colour"))
        yield judge(
            bad.select("date", "area", "colour", "reason"),
            rule=rule,
            table="code_stock",
            sentence="{rows} with a colour or reason that the policy does not know, or that do not match.",
            sentence_zh="{rows}的码色或原因不在政策之内，或两者不符。",
        )
    flow = subject.scan("code_flow")
    if flow is not None:
        ends = pl.col("from_colour", "to_colour").is_in([*known, NO_CODE])
        meant = _gives(subject, "from_colour") | _gives(subject, "to_colour")
        yield judge(
            flow.filter(~pl.all_horizontal(ends) | ~meant).select(
                "date", "area", "from_colour", "to_colour", "reason"
            ),
            rule=rule,
            table="code_flow",
            sentence="{rows} with a colour or reason that the policy does not know, or that do not match.",
            sentence_zh="{rows}的码色或原因不在政策之内，或两者不符。",
        )
    for name in ("code_release", "code_cohort", "ticket_daily", "integrity"):
        rows = subject.scan(name)
        if rows is not None:
            free = [NO_REASON] if name in ("ticket_daily", "integrity") else []
            yield judge(
                rows.filter(~known_reason & ~pl.col("reason").is_in(free)).select(TABLE_BY_NAME[name].key),
                rule=rule,
                table=name,
                sentence="{rows} with a reason that the policy does not know.",
                sentence_zh="{rows}的原因不在政策之内。",
            )


def _gives(subject: Subject, colour: str) -> pl.Expr:
    """Whether the reason of a row gives the colour in that column, or gave it before the policy changed."""
    pairs = [f"{reason} {given}" for reason, colours in subject.reasons.items() for given in colours]
    return pl.concat_str("reason", pl.lit(" "), colour, ignore_nulls=True).is_in(pairs)


def changes_cover_people(subject: Subject) -> Iterator[Finding]:
    """Nobody changes without a change: changes are at least as many as people."""
    flow = subject.scan("code_flow")
    if flow is not None:
        bad = flow.filter(pl.col("changes") < pl.col("people"))
        yield judge(
            bad,
            rule="changes_cover_people",
            table="code_flow",
            sentence="{rows} with more people than changes.",
            sentence_zh="{rows}的人数多于变更次数。",
        )


def parts_of_scans_fit(subject: Subject) -> Iterator[Finding]:
    """Scans by yellow and red codes together, and refused ones, are no more than all scans."""
    rule = "parts_of_scans_fit"
    scans = subject.scan("scan_hourly")
    if scans is not None:
        yield judge(
            scans.filter(pl.col("yellow") + pl.col("red") > pl.col("scans")),
            rule=rule,
            table="scan_hourly",
            sentence="{rows} with more yellow and red scans than scans.",
            sentence_zh="{rows}的黄码与红码扫码次数多于扫码次数。",
        )
        yield judge(
            scans.filter(pl.col("refused") > pl.col("scans")),
            rule=rule,
            table="scan_hourly",
            sentence="{rows} with more refusals than scans.",
            sentence_zh="{rows}的拒绝次数多于扫码次数。",
        )


def flows_explain_stocks(subject: Subject) -> Iterator[Finding]:
    """Holders of a colour today less yesterday are those who came in less those who went out.

    Only areas that reported stock on both days are compared.
    """
    stock, flow = subject.scan("code_stock"), subject.scan("code_flow")
    if stock is None or flow is None:
        return
    holders = stock.group_by(_STOCK_KEY).agg(pl.col("holders").sum())
    days = stock.select("date", "area").unique()
    pairs = days.join(days.select(pl.col("date").dt.offset_by("1d"), "area"), on=["date", "area"])
    colours = pl.LazyFrame({"colour": sorted(subject.colours)})
    moves = pl.concat(
        [
            flow.select("date", "area", pl.col("to_colour").alias("colour"), pl.col("people").alias("net")),
            flow.select(
                "date", "area", pl.col("from_colour").alias("colour"), -pl.col("people").alias("net")
            ),
        ]
    )
    net = moves.group_by(_STOCK_KEY).agg(pl.col("net").sum())
    before = holders.select(
        pl.col("date").dt.offset_by("1d"), "area", "colour", pl.col("holders").alias("before")
    )
    compared = (
        pairs.join(colours, how="cross")
        .join(holders, on=_STOCK_KEY, how="left")
        .join(before, on=_STOCK_KEY, how="left")
        .join(net, on=_STOCK_KEY, how="left")
        .fill_null(0)
        .with_columns((pl.col("holders") - pl.col("before") - pl.col("net")).alias("unexplained"))
    )
    off = compared.filter(pl.col("unexplained") != 0).collect()
    if off.is_empty():
        yield Finding("ok", "flows_explain_stocks", "code_stock")
        return
    worst = off.sort(pl.col("unexplained").abs(), *_STOCK_KEY, descending=[True, False, False, False])
    areas, most = off["area"].n_unique(), abs(worst["unexplained"][0])
    yield Finding(
        outcome="warning",
        rule="flows_explain_stocks",
        table="code_stock",
        rows=off.height,
        sample=tuple(
            f"date={d} area={a} colour={c} today={h} yesterday={b} in-out={n}"
            for d, a, c, h, b, n, _ in worst.head(SAMPLE).iter_rows()
        ),
        where=places_of(worst),
        sentence=f"Code changes do not explain the change of holders in {areas} "
        f"area{'s' if areas > 1 else ''}; the largest difference is {most} people.",
        sentence_zh=f"{areas} 个地区的转码流量与码量变化不符，最大相差 {most} 人。",
    )


def cases_add_up(subject: Subject) -> Iterator[Finding]:
    """Cases since the start grow by the new ones, and a figure taken back is marked as a correction."""
    cases = subject.scan("case_daily")
    if cases is None:
        return
    unmarked = cases.filter((pl.col("confirmed_new") < 0) & ~pl.col("correction"))
    yield judge(
        unmarked.select("date", "area", "origin", "confirmed_new"),
        rule="cases_add_up",
        table="case_daily",
        sentence="{rows} below zero that are not marked as a correction.",
        sentence_zh="{rows}新增为负而未标为更正。",
    )
    before = cases.select(
        pl.col("date").dt.offset_by("1d"), "area", "origin", pl.col("confirmed_total").alias("total_before")
    )
    off = cases.join(before, on=["date", "area", "origin"]).filter(
        pl.col("confirmed_total") - pl.col("total_before") != pl.col("confirmed_new")
    )
    yield judge(
        off.select("date", "area", "origin", "confirmed_new", "confirmed_total", "total_before"),
        rule="cases_add_up",
        table="case_daily",
        outcome="warning",
        sentence="{rows} whose new cases are not the growth of the total.",
        sentence_zh="{rows}的新增与累计之差不符。",
    )


def places_are_listed_once(subject: Subject) -> Iterator[Finding]:
    """A place is on the list once at a level on one day, from a day that is not after its last."""
    rule = "places_are_listed_once"
    places = subject.scan("risk_place")
    if places is None:
        return
    # An open listing lasts to the end of time, so that it meets every later one.
    spans = places.select(
        "place_id", "level", "listed_from", pl.col("listed_to").fill_null(date.max).alias("last")
    )
    yield judge(
        spans.filter(pl.col("last") < pl.col("listed_from")),
        rule=rule,
        table="risk_place",
        sentence="{rows} that leave the list before they enter it.",
        sentence_zh="{rows}移出名单早于列入。",
    )
    ahead = pl.col("last").cum_max().shift(1).over("place_id", "level", order_by="listed_from")
    yield judge(
        spans.filter(ahead >= pl.col("listed_from")),
        rule=rule,
        table="risk_place",
        sentence="{rows} listed again while still listed at the same level.",
        sentence_zh="{rows}在列期间以同一等级重复列入。",
    )
    both = spans.join(spans, on="place_id", suffix="_other").filter(
        (pl.col("level") < pl.col("level_other"))
        & (pl.col("listed_from") <= pl.col("last_other"))
        & (pl.col("listed_from_other") <= pl.col("last"))
    )
    yield judge(
        both.select(
            "place_id",
            "level",
            "level_other",
            pl.max_horizontal("listed_from", "listed_from_other").alias("first_day"),
        ),
        rule=rule,
        table="risk_place",
        outcome="warning",
        sentence="{rows}: a place at two levels on one day.",
        sentence_zh="{rows}：同一地点同日列入两个等级。",
    )


RULES = (
    reasons_match_their_colours,
    changes_cover_people,
    parts_of_scans_fit,
    flows_explain_stocks,
    cases_add_up,
    places_are_listed_once,
)
