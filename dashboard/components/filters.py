"""Widgets of the filter bar. They carry the ids the page gives them and hold no state of their own."""

# ruff: noqa: A002 - id is the word Dash uses for the same thing
from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import dash_mantine_components as dmc
from dash import html
from dash.development.base_component import Component

from dashboard.components.icon import icon
from dashboard.i18n.catalogue import Lang, t
from dashboard.i18n.numbers import format_day


@dataclass(frozen=True)
class AreaChoice:
    """One area of the picker; ``name`` is shown, ``other`` (the other language) is found by typing too."""

    code: str
    name: str
    other: str


def area_select(
    *,
    id: str,
    areas: tuple[AreaChoice, ...],
    value: str,
    label: str,
    nothing_found: str,
) -> Component:
    """A searchable picker of areas, by the Chinese or the English name."""
    data = [{"value": a.code, "label": f"{a.name} {a.other}" if a.other != a.name else a.name} for a in areas]
    return dmc.Select(
        id=id,
        data=data,
        value=value,
        searchable=True,
        clearSearchOnFocus=True,
        allowDeselect=False,
        nothingFoundMessage=nothing_found,
        size="xs",
        w=210,
        maxDropdownHeight=320,
        leftSection=icon("risk"),
        comboboxProps={"width": 260, "position": "bottom-start"},
        className="tf-filter",
        **{"aria-label": label},
    )


def date_picker(
    *,
    id: str,
    value: date,
    first: date,
    last: date,
    label: str,
    lang: Lang,
) -> Component:
    """A day between ``first`` and ``last``; figures only, so no language file of a calendar is needed."""
    picker = dmc.DatePickerInput(
        id=id,
        value=format_day(value),
        minDate=format_day(first),
        maxDate=format_day(last),
        valueFormat="YYYY-MM-DD",
        monthLabelFormat="YYYY-MM",
        monthsListFormat="MM",
        size="xs",
        w=136,
        leftSection=icon("calendar"),
        className="tf-filter",
        **{"aria-label": label},
    )
    return dmc.DatesProvider(
        picker,
        settings={"locale": "zh-cn" if lang == "zh-CN" else "en", "firstDayOfWeek": 1, "weekendDays": [0, 6]},
    )


def view_switch(
    *, id: str, value: str, lang: Lang, options: tuple[str, ...] = ("count", "rate", "change")
) -> Component:
    """Show as a count, per 100,000 or as a change."""
    return dmc.SegmentedControl(
        id=id,
        value=value,
        data=[{"value": option, "label": t(lang, f"ui.view.{option}")} for option in options],
        size="xs",
        withItemsBorders=False,
        className="tf-segments",
        **{"aria-label": t(lang, "ui.view.label")},
    )


def day_slider(*, id: str, days: tuple[date, ...], value: date, lang: Lang) -> Component:
    """A slider over ``days`` (oldest first) with buttons for the day before, the day after and play.

    The value of ``id`` is the index of the day. The buttons are ``<id>-previous``, ``<id>-next`` and
    ``<id>-play``; ``command.js`` moves the slider for them (``window.tianfu.days``), so no callback is
    needed and playing stops at the last day.
    """
    last = len(days) - 1
    # Seven marks at most: more than that run into each other on a phone.
    step = max(1, -(-last // 6))
    marks = [
        {"value": i, "label": days[i].strftime("%m-%d")} for i in range(last + 1) if (last - i) % step == 0
    ]
    return html.Div(
        [
            _button(f"{id}-previous", "previous", t(lang, "ui.day.previous"), "previous"),
            _button(f"{id}-play", "play", t(lang, "ui.day.play"), "play", t(lang, "ui.day.pause")),
            _button(f"{id}-next", "next", t(lang, "ui.day.next"), "next"),
            dmc.Slider(
                id=id,
                min=0,
                max=max(1, last),
                step=1,
                value=days.index(value),
                marks=marks,
                label={"function": "tfDayLabel", "options": {"days": [format_day(d) for d in days]}},
                thumbLabel=t(lang, "ui.day.slider"),
                size=4,
                thumbSize=16,
                updatemode="mouseup",
                className="tf-days-slider",
            ),
        ],
        className="tf-days",
        **{"data-tf-days": id},
    )


def _button(button_id: str, icon_name: str, label: str, step: str, other: str = "") -> Component:
    extra = {"data-tf-other": other} if other else {}
    return html.Button(
        icon(icon_name),
        id=button_id,
        type="button",
        className="tf-icon-button",
        title=label,
        **{"aria-label": label, "data-tf-step": step, **extra},
    )
