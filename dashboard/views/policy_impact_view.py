"""The whole impact of a draft: every line of the brief, the map, then what changes where, in tables."""

from __future__ import annotations

from collections.abc import Sequence

from dash import html
from dash.development.base_component import Component

from dashboard.cells import Cell
from dashboard.components.badges import colour_badge, level_badge
from dashboard.components.policy_words import path_words
from dashboard.components.states import cell_text, empty_state
from dashboard.i18n.numbers import format_cell, format_compact
from dashboard.policy.evaluate import DERIVE_REASONS
from dashboard.shell.context import Context
from dashboard.shell.filterbar import crumbs
from dashboard.views.areamap import Draw, Drawn, fill_legend, fill_style, map_body
from dashboard.views.policy_desk import Desk
from dashboard.views.policy_impact import add, brief, level_words, span_words
from geo.areas import all_areas, get_area, name_of
from geo.layers import AreaMark
from queries.preview import ImpactPreview, get_preview
from queries.preview_model import CodeTurn, LevelTurn

ROWS = 12


def impact_view(context: Context, desk: Desk) -> Component:
    """The whole preview: every line, the map, then counties, people, tests and venues in tables."""
    t = context.t
    if desk.draft is None:
        why = "screen.impact.no_change" if desk.change is None else "screen.impact.invalid"
        return html.Section(empty_state(why=t(why), todo=t(f"{why}.todo")), className="tf-card")
    preview = get_preview(
        context.view, area=context.filters.area, before=desk.in_force.policy, after=desk.draft
    )
    draw = drawer(preview)
    return html.Div(
        [
            _section(
                t("screen.impact.title", version=desk.in_force.version),
                html.Dl(
                    [html.Div([html.Dt(n), html.Dd(w)]) for n, w in brief(context, preview)],
                    className="tf-pol-brief",
                ),
                unit=t(
                    "screen.impact.on", snapshot=preview.snapshot_id, at=f"{preview.data_time:%Y-%m-%d %H:%M}"
                ),
            ),
            _section(
                t("screen.impact.map"),
                html.Div(
                    [crumbs(context), map_body(context, prefix="policy", draw=draw)], className="tf-pol-map"
                ),
                unit=t("screen.impact.map.unit"),
            ),
            *(
                part
                for part in (
                    _levels(context, preview),
                    _codes(context, preview),
                    _tests(context, preview),
                    _alarms(context, preview),
                )
                if part
            ),
        ],
        className="tf-stack tf-pol-wide",
    )


def _section(title: str, body: Component, *, unit: str = "") -> Component:
    return html.Section(
        [
            html.Header(
                html.Div(
                    [
                        html.H2(title, className="tf-card-title"),
                        html.P(unit, className="tf-card-unit") if unit else None,
                    ],
                    className="tf-card-heading",
                ),
                className="tf-card-head",
            ),
            html.Div(body, className="tf-card-body"),
        ],
        className="tf-card",
    )


def drawer(preview: ImpactPreview) -> Draw:
    """A map of people who change colour by area; where none do, of counties that change level."""

    def draw(context: Context) -> Drawn:
        people: dict[str, list[CodeTurn]] = {}
        for turn in preview.codes:
            if turn.before != turn.after:
                people.setdefault(turn.area, []).append(turn)
        turns: dict[str, list[LevelTurn]] = {}
        for level in preview.levels:
            turns.setdefault(_on_map(context, level.area), []).append(level)
        by_people = bool(people) or not turns
        table = "code_cohort" if by_people else "case_daily"
        # Where the table was reported and nothing is listed, nothing changes; that is a zero, not a gap.
        values = {} if table in preview.not_reported else dict.fromkeys(_parts(context), Cell("value", 0))
        if by_people:
            values |= {area: add(turn.people for turn in found) for area, found in people.items()}
        else:
            values |= {area: Cell("value", len(found)) for area, found in turns.items()}
        known = [cell.value for cell in values.values() if cell.value is not None]
        marks = [
            AreaMark(
                code=area,
                style=fill_style(value, "count", known),
                label=format_compact(context.lang, value.value) if value.value else "",
                hover=_hover(context, people.get(area, []), turns.get(area, [])),
            )
            for area, value in sorted(values.items())
        ]
        return marks, fill_legend(context, list(values.values()), "count")

    return draw


def _hover(context: Context, people: Sequence[CodeTurn], levels: Sequence[LevelTurn]) -> tuple[str, ...]:
    t = context.t
    lines = [
        f"{t(f'colour.{row.before}')} → {t(f'colour.{row.after}')} {_reason(context, row.reason)} "
        f"{format_cell(context.lang, row.people)}"
        for row in people[:6]
    ]
    return (*lines, *([level_words(context, levels)] if levels else []))


def _parts(context: Context) -> list[str]:
    """The areas that the map draws."""
    area = get_area(context.filters.area)
    if area.level == "province":
        return [one.code for one in all_areas() if one.level == "city"]
    return [one.code for one in all_areas() if one.city == area.city and one.level == "county"]


def _on_map(context: Context, area: str) -> str:
    """A county as the map of the province shows it: as its city."""
    if get_area(context.filters.area).level == "province":
        return get_area(area).city or area
    return area


def _reason(context: Context, reason: str) -> str:
    return path_words(context.lang, f"health_code.rows.{reason}")


def _table(heads: Sequence[str], rows: Sequence[Sequence[Component | str]], *, more: str = "") -> Component:
    """A short table of what changes; the last columns are figures."""
    return html.Div(
        [
            html.Table(
                [
                    html.Thead(html.Tr([html.Th(head) for head in heads])),
                    html.Tbody([html.Tr([html.Td(part) for part in row]) for row in rows]),
                ],
                className="tf-pol-table",
            ),
            html.P(more, className="tf-dim") if more else None,
        ]
    )


def _more(context: Context, total: int, shown: int) -> str:
    return context.t("screen.impact.rest", n=f"{total - shown:,}") if total > shown else ""


def _levels(context: Context, preview: ImpactPreview) -> Component | None:
    t = context.t
    if not preview.levels and not preview.places:
        return None
    parts: list[Component] = []
    if preview.levels:
        rows = [
            [
                name_of(turn.area, context.lang),
                html.Span(
                    [
                        level_badge(turn.before or "unknown", context.lang),
                        " → ",
                        level_badge(turn.after or "unknown", context.lang),
                    ]
                ),
                t(f"derive.{turn.reason_after}") if turn.reason_after in DERIVE_REASONS else "",
            ]
            for turn in preview.levels[:ROWS]
        ]
        heads = (t("screen.impact.area"), t("screen.impact.level"), t("screen.impact.why"))
        parts.append(_table(heads, rows, more=_more(context, len(preview.levels), ROWS)))
    if preview.places:
        places = [
            [
                f"{name_of(place.area, context.lang)} {place.text}",
                level_badge(place.level, context.lang),
                f"{place.release_before or '?'} → {place.release_after or '?'}",
            ]
            for place in preview.places[:ROWS]
        ]
        heads = (t("screen.impact.place"), t("screen.impact.level"), t("screen.impact.release"))
        parts.append(_table(heads, places, more=_more(context, len(preview.places), ROWS)))
    return _section(t("screen.impact.levels"), html.Div(parts))


def _codes(context: Context, preview: ImpactPreview) -> Component | None:
    t = context.t
    turns = [turn for turn in preview.codes if turn.before != turn.after]
    if not turns and not preview.codes_unsure:
        return None
    turns.sort(key=lambda turn: -(turn.people.value or 0))
    rows: list[list[Component | str]] = [
        [
            name_of(turn.area, context.lang),
            _reason(context, turn.reason),
            html.Span(
                [colour_badge(turn.before, context.lang), " → ", colour_badge(turn.after, context.lang)]
            ),
            cell_text(turn.people, context.lang),
        ]
        for turn in turns[: 2 * ROWS]
    ]
    heads = (
        t("screen.impact.area"),
        t("codes.column.reason"),
        t("screen.impact.colour"),
        t("screen.impact.people"),
    )
    parts: list[Component] = [_table(heads, rows, more=_more(context, len(turns), 2 * ROWS))] if turns else []
    if preview.codes_unsure:
        whys = dict.fromkeys(row.why for row in preview.codes_unsure)
        parts += [
            html.P(
                [
                    t(f"screen.impact.unsure.{why}"),
                    " ",
                    cell_text(add(r.people for r in preview.codes_unsure if r.why == why), context.lang),
                ],
                className="tf-dim",
            )
            for why in whys
        ]
    return _section(t("screen.impact.codes.by"), html.Div(parts))


def _tests(context: Context, preview: ImpactPreview) -> Component | None:
    t = context.t
    if not preview.tests:
        return None
    rows = [
        [
            name_of(turn.area, context.lang),
            t(f"category.{turn.category}"),
            span_words(context, turn.stops),
            span_words(context, turn.begins),
        ]
        for turn in sorted(
            preview.tests, key=lambda turn: (turn.area != preview.area, turn.category, turn.area)
        )[: 2 * ROWS]
    ]
    heads = (
        t("screen.impact.area"),
        t("screen.impact.venue"),
        t("screen.impact.stops"),
        t("screen.impact.begins"),
    )
    return _section(
        t("screen.impact.tests"), _table(heads, rows, more=_more(context, len(preview.tests), 2 * ROWS))
    )


def _alarms(context: Context, preview: ImpactPreview) -> Component | None:
    t = context.t
    if not preview.alarms:
        return None
    rows = [
        [
            t(f"screen.impact.alarm.{turn.alarm}"),
            t(f"category.{turn.category}"),
            turn.date.isoformat(),
            f"{span_words(context, turn.before)} → {span_words(context, turn.after)}",
        ]
        for turn in preview.alarms[-2 * ROWS :]
    ]
    heads = (t("screen.impact.alarms"), t("screen.impact.venue"), t("filter.date"), t("screen.impact.number"))
    return _section(t("screen.impact.alarms"), _table(heads, rows))
