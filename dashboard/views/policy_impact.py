"""What a draft would change, on the snapshot on screen: in a few lines beside the draft."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dash import html
from dash.development.base_component import Component

from dashboard.cells import NOT_REPORTED, Cell
from dashboard.components.policy_words import path_words
from dashboard.components.states import cell_text
from dashboard.i18n.numbers import format_cell, format_exact
from dashboard.shell.context import Context
from dashboard.shell.policy_impact import province_impact
from dashboard.views.policy_desk import Desk
from queries.preview import ImpactPreview
from queries.preview_model import AlarmTurn, CodeTurn, LevelTurn, Span

Line = tuple[str, Component | str]


def impact_shown(context: Context, desk: Desk) -> ImpactPreview | None:
    """The impact of exactly this draft in the province; None where there is no valid draft or no right."""
    if desk.draft is None:
        return None
    return province_impact(
        context.board,
        context.identity,
        context.view.snapshot_id,
        before=desk.in_force.policy,
        after=desk.draft,
    )


def impact_brief(context: Context, desk: Desk) -> Component | None:
    """The few lines beside a draft, with a link to the whole."""
    preview = impact_shown(context, desk)
    if preview is None:
        return None
    return html.Div(
        [
            html.Dl(
                [html.Div([html.Dt(n), html.Dd(w)]) for n, w in brief(context, preview)],
                className="tf-pol-brief",
            ),
            html.A(context.t("screen.impact.more"), href=context.filters.query(view="impact")),
        ],
        **{"data-tf-impact": preview.digest},
    )


def brief(context: Context, preview: ImpactPreview) -> list[Line]:
    """One line for each kind of change; what does not change is left out, what is not known is said."""
    t = context.t
    lines: list[Line] = []
    if preview.levels:
        lines.append((t("screen.impact.levels"), level_words(context, preview.levels)))
    if preview.places:
        lines.append((t("screen.impact.places"), t("screen.impact.places.n", n=f"{len(preview.places):,}")))
    lines += [
        (t("screen.impact.codes"), code_words(context, total))
        for total in preview.code_totals
        if total.before != total.after
    ]
    unsure = add(row.people for row in preview.codes_unsure)
    if preview.codes_unsure:
        lines.append((t("screen.impact.unsure"), cell_text(unsure, context.lang, exact=False)))
    for test in preview.tests:
        if test.area == preview.area:
            name = t(f"category.{test.category}")
            lines += [
                (t(f"screen.impact.tests.{kind}", category=name), span_words(context, span))
                for kind, span in (("stops", test.stops), ("begins", test.begins))
                if span.most.value != 0
            ]
    lines += [
        (t(f"screen.impact.alarm.{alarm}"), f"{span_words(context, old)} → {span_words(context, new)}")
        for alarm, old, new in alarms_by_kind(preview.alarms)
    ]
    lines += work_lines(context, preview)
    lines += [
        (
            t("screen.impact.feeds"),
            t(f"feed.{f.feed}") + " " + t("screen.impact.late" if f.late_after else "screen.impact.on_time"),
        )
        for f in preview.feeds
    ]
    if not lines:
        lines.append((t("screen.impact"), t("screen.impact.none")))
    return lines + blind_lines(context, preview)


def blind_lines(context: Context, preview: ImpactPreview) -> list[Line]:
    """What the snapshot does not tell: said as such, never as no change."""
    t = context.t
    lines: list[Line] = []
    if preview.not_measured:
        names = "、".join(dict.fromkeys(path_words(context.lang, path) for path in preview.not_measured))
        lines.append((t("screen.impact.not_measured"), names))
    if preview.not_reported:
        lines.append((t("screen.impact.not_reported"), "、".join(preview.not_reported)))
    return lines


def work_lines(context: Context, preview: ImpactPreview) -> list[Line]:
    """Appeals a day, people at the desk, overdue cases; only what differs or is not known."""
    t, work = context.t, preview.workload
    lines: list[Line] = []
    if work.appeals_before is None or work.appeals_after is None:
        if work.appeals_before != work.appeals_after:
            lines.append((t("screen.impact.appeals"), t("cell.not_reported")))
    elif round(work.appeals_before) != round(work.appeals_after):
        lines.append(
            (
                t("screen.impact.appeals"),
                f"{format_exact(round(work.appeals_before))} → {format_exact(round(work.appeals_after))}",
            )
        )
    if work.seats_before != work.seats_after:
        lines.append(
            (
                t("screen.impact.seats"),
                f"{_number(context, work.seats_before)} → {_number(context, work.seats_after)}",
            )
        )
    if work.overdue_before != work.overdue_after:
        old, new = span_words(context, work.overdue_before), span_words(context, work.overdue_after)
        lines.append((t("screen.impact.overdue"), f"{old} → {new}"))
    return lines


def _number(context: Context, value: int | None) -> str:
    return context.t("cell.not_reported") if value is None else f"{value:,}"


def level_words(context: Context, turns: Sequence[LevelTurn]) -> str:
    """How many counties rise, fall, and of how many it cannot be told."""
    rank = {"low": 0, "medium": 1, "high": 2}
    known = [(rank[t.before], rank[t.after]) for t in turns if t.before in rank and t.after in rank]
    return context.t(
        "screen.impact.levels.n",
        up=sum(after > before for before, after in known),
        down=sum(after < before for before, after in known),
        unknown=len(turns) - len(known),
    )


def code_words(context: Context, turn: CodeTurn) -> Component:
    """Yellow to green, so many people."""
    return html.Span(
        [
            context.t(f"colour.{turn.before}"),
            " → ",
            context.t(f"colour.{turn.after}"),
            " ",
            cell_text(turn.people, context.lang, exact=False),
        ]
    )


def span_words(context: Context, span: Span) -> str:
    """A figure, or the two bounds between which it lies."""
    least = format_cell(context.lang, span.least)
    return least if span.exact else f"{least}–{format_cell(context.lang, span.most)}"


def add(cells: Iterable[Cell]) -> Cell:
    """The sum of what is known; a hidden or missing part makes the whole unknown."""
    known = list(cells)
    lost = next((cell for cell in known if cell.value is None), None)
    return lost or Cell("value", sum(cell.value or 0 for cell in known)) if known else NOT_REPORTED


def alarms_by_kind(turns: Sequence[AlarmTurn]) -> list[tuple[str, Span, Span]]:
    """All categories of an alarm on the newest day together."""
    found = []
    for alarm in dict.fromkeys(turn.alarm for turn in turns):
        last = max(turn.date for turn in turns if turn.alarm == alarm)
        rows = [turn for turn in turns if turn.alarm == alarm and turn.date == last]
        old, new = _span(row.before for row in rows), _span(row.after for row in rows)
        if old != new:
            found.append((alarm, old, new))
    return found


def _span(spans: Iterable[Span]) -> Span:
    parts = list(spans)
    return Span(add(part.least for part in parts), add(part.most for part in parts))
