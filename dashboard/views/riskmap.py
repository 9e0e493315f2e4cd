"""The risk map that overview and risk page share."""

from __future__ import annotations

from datetime import date

from dashboard.cells import NOT_REPORTED, Cell
from dashboard.shell.context import Context
from dashboard.views.areamap import Drawn, fill_legend, fill_style, fill_text, map_area
from dashboard.views.figures import grain_of
from geo.layers import AreaMark, LegendItem
from queries.disclosure import rate
from queries.levels import AreaLevel, get_levels
from queries.risk import AreaPlaces, get_risk_by_area

SERIOUS = ("high", "medium")


def draw_risk_map(context: Context) -> Drawn:
    """Marks and legend: places at high and medium level (count, rate, change), or the most severe level."""
    fill = context.filters.options.get("fill", "places")
    rows = levels_on(context, context.filters.day)
    before = places_before(context) if fill == "change" else {}
    values = {row.area: _value(row, fill, before) for row in rows}
    known = [cell.value for cell in values.values() if cell.value is not None]
    marks = [
        AreaMark(
            code=row.area,
            style=(row.level or "unknown") if fill == "level" else fill_style(values[row.area], fill, known),
            label=_label(context, row),
            hover=_hover(context, row, fill, values[row.area]),
        )
        for row in rows
    ]
    if fill == "level":
        return marks, _level_legend(context, rows)
    return marks, fill_legend(context, list(values.values()), fill)


def levels_on(context: Context, day: date) -> tuple[AreaLevel, ...]:
    """The levels of the areas on the map on one day."""
    area = map_area(context)
    return get_levels(
        context.view, area=area, date=day, level=grain_of(area), thresholds=context.policy.risk_area
    )


def places_before(context: Context) -> dict[str, AreaPlaces]:
    """The places of the day compared with, also of a functional area that had none then."""
    area, day = map_area(context), context.filters.compare
    return {
        row.area: row for row in get_risk_by_area(context.view, area=area, date=day, level=grain_of(area))
    }


def serious_places(places: AreaPlaces) -> Cell:
    """Places at high and medium level: what the colour of the map counts."""
    parts = [places.levels[level] for level in SERIOUS]
    if any(part.value is None for part in parts):
        return NOT_REPORTED
    return Cell("value", sum(part.value or 0 for part in parts))


def why_text(context: Context, row: AreaLevel) -> str:
    """Who says the level: the list, or the rule in force and how."""
    return context.t("risk.by_list") if row.source == "list" else context.t(f"derive.{row.reason}")


def _value(row: AreaLevel, fill: str, before: dict[str, AreaPlaces]) -> Cell:
    now = serious_places(row.places)
    if fill == "rate":
        return rate(now, row.places.residents)
    if fill == "change":
        was = serious_places(before[row.area]) if row.area in before else NOT_REPORTED
        if now.value is None or was.value is None:
            return NOT_REPORTED
        return Cell("value", now.value - was.value)
    return now


def _label(context: Context, row: AreaLevel) -> str:
    """``高2 中5``: letters and counts of what is listed; nothing where nothing is."""
    return " ".join(
        f"{context.t(f'level.{level}.letter')}{row.places.levels[level].value:.0f}"
        for level in SERIOUS
        if row.places.levels[level].value
    )


def _hover(context: Context, row: AreaLevel, fill: str, value: Cell) -> tuple[str, ...]:
    t = context.t
    words = t(f"level.{row.level or 'unknown'}")
    lines = [t("risk.map.level", level=words, why=why_text(context, row))]
    if row.places.places.value is None:
        lines.append(t("risk.map.not_reported"))
    else:
        lines += [
            f"{t(f'level.{level}')} {row.places.levels[level].value:,.0f}" for level in (*SERIOUS, "low")
        ]
    if fill in ("rate", "change") and value.value is not None:
        words = fill_text(context, value.value, fill)
        lines.append(t(f"risk.map.{fill}", value=words, day=context.filters.compare))
    return tuple(lines)


def _level_legend(context: Context, rows: tuple[AreaLevel, ...]) -> list[LegendItem]:
    return [
        LegendItem(
            level,
            context.t(f"level.{level}.letter"),
            context.t(f"level.{level}"),
            sum((row.level or "unknown") == level for row in rows),
        )
        for level in (*SERIOUS, "low", "unknown")
    ]
