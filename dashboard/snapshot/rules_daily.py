"""Rules about the daily tables: parts and wholes, levels and flows, the funnel, agreement with the codes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from dashboard.snapshot.contract import KEPT, NO_CODE, TABLE_BY_NAME
from dashboard.snapshot.report import Finding
from dashboard.snapshot.subject import Subject, judge

_C = pl.col
# table, part, whole, what is wrong; the columns that a sample shows are the key and those of both sides.
_PARTS: tuple[tuple[str, pl.Expr, pl.Expr, str], ...] = (
    ("code_release", _C("on_time"), _C("due"), "more released on time than due"),
    ("code_release", _C("median_hours"), _C("p90_hours"), "a median above the 90th percentile"),
    ("venue_daily", _C("active"), _C("registered"), "more active venues than venues"),
    ("venue_daily", _C("silent"), _C("registered"), "more silent venues than venues"),
    ("venue_daily", _C("new"), _C("registered"), "more new venues than venues"),
    ("arrival_daily", _C("scanned"), _C("arrivals"), "more scanned than arrived"),
    ("arrival_daily", _C("from_risk"), _C("arrivals"), "more from risk areas than arrived"),
    ("test_daily", _C("tested"), _C("sampled"), "more tested than sampled"),
    ("test_daily", _C("reported"), _C("tested"), "more reported than tested"),
    ("test_daily", _C("in_24h"), _C("reported"), "more reported within 24 hours than reported"),
    ("test_daily", _C("positive"), _C("reported"), "more positive than reported"),
    (
        "contact_daily",
        _C("followed_up") + _C("lost"),
        _C("close") + _C("secondary"),
        "more contacts reached and lost than found",
    ),
    (
        "pushed_list_daily",
        _C("returned_24h") + _C("overdue"),
        _C("pushed"),
        "more returned and overdue than pushed",
    ),
    ("service_daily", _C("failures"), _C("lookups"), "more failures than look-ups"),
    ("ticket_daily", _C("upheld"), _C("closed"), "more cases upheld than closed"),
    ("hotline_halfhour", _C("answered"), _C("offered"), "more calls answered than offered"),
    ("hotline_halfhour", _C("in_15s"), _C("answered"), "more calls answered within 15 seconds than answered"),
    ("load_minute", _C("errors"), _C("requests"), "more errors than requests"),
    ("load_minute", _C("peak_per_second"), _C("requests"), "more requests in a second than in its minute"),
)


@dataclass(frozen=True)
class _Level:
    """A level at the end of a day that the flows of the day explain: level = before + net."""

    table: str
    level: str
    net: pl.Expr
    words_zh: str
    words: str


_LEVELS: tuple[_Level, ...] = (
    _Level(
        "code_release",
        "open_overdue",
        _C("due") - _C("on_time") - _C("late"),
        "逾期未转绿人数与当日到期、转绿人数不符",
        "whose overdue codes do not follow from those due and released",
    ),
    _Level(
        "adoption_daily",
        "not_moved",
        -_C("moved"),
        "未迁移人数与当日迁移人数不符",
        "whose holders not yet moved do not follow from those who moved",
    ),
    _Level(
        "vaccination_daily",
        "cumulative",
        _C("doses"),
        "累计接种与当日接种不符",
        "whose cumulative doses do not grow by the doses of the day",
    ),
)


def parts_fit_their_wholes(subject: Subject) -> Iterator[Finding]:
    """No part of a count is larger than the whole."""
    for table, part, whole, wrong in _PARTS:
        rows = subject.scan(table)
        if rows is not None:
            shown = dict.fromkeys(
                (*TABLE_BY_NAME[table].key, *part.meta.root_names(), *whole.meta.root_names())
            )
            yield judge(
                rows.filter(part > whole).select(*shown),
                rule="parts_fit_their_wholes",
                table=table,
                sentence=f"{{rows}} with {wrong}.",
                sentence_zh=f"{{rows}}的 {' + '.join(part.meta.root_names())} 大于 "
                f"{' + '.join(whole.meta.root_names())}。",
            )


def levels_follow_from_their_flows(subject: Subject) -> Iterator[Finding]:
    """A level at the end of a day is that of the day before with what came and went in between.

    Only rows that were reported on both days are compared.
    """
    for level in _LEVELS:
        rows = subject.scan(level.table)
        if rows is None:
            continue
        key = TABLE_BY_NAME[level.table].key
        before = rows.select(*key, _C(level.level).alias("before")).with_columns(
            _C("date").dt.offset_by("1d")
        )
        off = rows.join(before, on=key).filter(_C(level.level) != _C("before") + level.net)
        yield judge(
            off.select(*key, "before", level.level, *level.net.meta.root_names()),
            rule="levels_follow_from_their_flows",
            table=level.table,
            outcome="warning",
            sentence=f"{{rows}} {level.words}.",
            sentence_zh=f"{{rows}}{level.words_zh}。",
        )


def funnels_reconcile(subject: Subject) -> Iterator[Finding]:
    """What enters a stage is kept or dropped, and what is kept is what enters the next one."""
    rows, rule = subject.scan("funnel"), "funnels_reconcile"
    if rows is None:
        return
    stays = _C("drop_reason") == KEPT
    torn = (
        (_C("entered") != _C("kept") + _C("dropped"))
        | (stays & (_C("dropped") > 0))
        | (~stays & (_C("kept") > 0))
    )
    yield judge(
        rows.filter(torn).select(*TABLE_BY_NAME["funnel"].key, "entered", "kept", "dropped"),
        rule=rule,
        table="funnel",
        sentence="{rows} where what entered was not either kept or dropped.",
        sentence_zh="{rows}：进入人数不等于保留与排除之和。",
    )
    names = rows.group_by("incident", "stage_no").agg(_C("stage").n_unique().alias("stages"))
    yield judge(
        names.filter(_C("stages") > 1).sort("incident", "stage_no"),
        rule=rule,
        table="funnel",
        sentence="{rows}: two stages in one place of the order.",
        sentence_zh="{rows}：同一序号有两个环节。",
    )
    by_stage = ["incident", "area", "stage_no"]
    totals = rows.group_by(by_stage).agg(_C("entered").sum(), _C("kept").sum())
    passed = totals.select("incident", "area", _C("stage_no") + 1, _C("kept").alias("kept_before"))
    last = rows.group_by("incident").agg(_C("stage_no").max().alias("last"))
    # An area with nobody left has no row in the next stage; the first stage has none before it.
    compared = (
        totals.join(passed, on=by_stage, how="full", coalesce=True)
        .join(last, on="incident")
        .filter((_C("stage_no") > 1) & (_C("stage_no") <= _C("last")))
        .with_columns(_C("entered", "kept_before").fill_null(0))
    )
    yield judge(
        compared.filter(_C("entered") != _C("kept_before"))
        .select(*by_stage, "kept_before", "entered")
        .sort(by_stage),
        rule=rule,
        table="funnel",
        sentence="{rows} where a stage takes in another number than the one before kept.",
        sentence_zh="{rows}：进入数与上一环节保留数不符。",
    )


def daily_tables_agree_with_codes(subject: Subject) -> Iterator[Finding]:
    """Channels, cohorts and the watch over changes count the same people as stocks and flows.

    Only days and areas that both tables report are compared.
    """
    rule = "daily_tables_agree_with_codes"
    stock, flow = subject.scan("code_stock"), subject.scan("code_flow")
    channel, cohort = subject.scan("code_channel"), subject.scan("code_cohort")
    integrity = subject.scan("integrity")
    place = ["date", "area"]
    if channel is not None and stock is not None:
        held = stock.group_by(place).agg(_C("holders").sum())
        active = channel.group_by(place).agg(_C("active").sum())
        yield judge(
            active.join(held, on=place).filter(_C("active") != _C("holders")).sort(place),
            rule=rule,
            table="code_channel",
            outcome="warning",
            sentence="{rows} whose channels do not add up to the holders.",
            sentence_zh="{rows}各持码方式之和与持码人数不符。",
        )
    if channel is not None and flow is not None:
        new = flow.filter(_C("from_colour") == NO_CODE).group_by(place).agg(_C("people").sum())
        issued = channel.group_by(place).agg(_C("issued").sum())
        both = issued.join(flow.select("date").unique(), on="date").join(new, on=place, how="left")
        yield judge(
            both.with_columns(_C("people").fill_null(0)).filter(_C("issued") != _C("people")).sort(place),
            rule=rule,
            table="code_channel",
            outcome="warning",
            sentence="{rows} whose channels do not add up to the newly issued codes.",
            sentence_zh="{rows}各方式新增之和与新领码人数不符。",
        )
    if cohort is not None and stock is not None:
        by_reason = ["date", "area", "reason"]
        counted = cohort.with_columns(_C("as_of").cast(pl.Date).alias("date"))
        held = stock.group_by(by_reason).agg(_C("holders").sum().alias("stock"))
        both = counted.group_by(by_reason).agg(_C("holders").sum()).join(held, on=by_reason)
        yield judge(
            both.filter(_C("holders") != _C("stock")).sort(by_reason),
            rule=rule,
            table="code_cohort",
            outcome="warning",
            sentence="{rows} whose cohorts do not add up to the holders of the reason.",
            sentence_zh="{rows}各时长人数之和与该原因持码人数不符。",
        )
    if integrity is not None and flow is not None:
        by_actor = ["date", "area", "reason", "actor"]
        made = flow.group_by(by_actor).agg(_C("changes").sum().alias("made"))
        found = integrity.join(flow.select("date").unique(), on="date").join(made, on=by_actor, how="left")
        yield judge(
            found.filter(_C("changes") > _C("made").fill_null(0)).sort(by_actor),
            rule=rule,
            table="integrity",
            outcome="warning",
            sentence="{rows} that find more changes than were made.",
            sentence_zh="{rows}：审计发现的变更多于实际变更。",
        )


def scans_agree_with_each_other(subject: Subject) -> Iterator[Finding]:
    """The map counts no scan that the hours do not, its zooms agree, and venues with scans are active."""
    rule = "scans_agree_with_each_other"
    hourly, pixel, pyramid = (subject.scan(n) for n in ("scan_hourly", "scan_pixel", "scan_pyramid"))
    venues = subject.scan("venue_daily")
    day = ["date"]
    if hourly is not None and pixel is not None:
        all_scans = hourly.group_by(day).agg(_C("scans").sum().alias("all_scans"))
        on_map = pixel.group_by(day).agg(_C("scans").sum())
        yield judge(
            on_map.join(all_scans, on=day).filter(_C("scans") > _C("all_scans")).sort(day),
            rule=rule,
            table="scan_pixel",
            outcome="warning",
            sentence="{rows} with more scans on the map than there were.",
            sentence_zh="{rows}：地图上的扫码量多于总量。",
        )
    if pixel is not None and pyramid is not None:
        on_map = pixel.group_by(day).agg(_C("scans").sum().alias("on_map"))
        by_zoom = pyramid.group_by("date", "zoom").agg(_C("scans").sum())
        yield judge(
            by_zoom.join(on_map, on=day).filter(_C("scans") != _C("on_map")).sort("date", "zoom"),
            rule=rule,
            table="scan_pyramid",
            outcome="warning",
            sentence="{rows}: a zoom of the map with other scans than its pixels.",
            sentence_zh="{rows}：地图某一级别的扫码量与像素不符。",
        )
    if hourly is not None and venues is not None:
        key = ["date", "area", "category"]
        busiest = hourly.group_by(key).agg(_C("active_venues").max().alias("in_an_hour"))
        yield judge(
            venues.join(busiest, on=key)
            .filter(_C("active") < _C("in_an_hour"))
            .select(*key, "active", "in_an_hour"),
            rule=rule,
            table="venue_daily",
            outcome="warning",
            sentence="{rows} with fewer active venues on the day than in one of its hours.",
            sentence_zh="{rows}：全日活跃场所少于一小时内的。",
        )


RULES = (
    parts_fit_their_wholes,
    levels_follow_from_their_flows,
    funnels_reconcile,
    daily_tables_agree_with_codes,
    scans_agree_with_each_other,
)
