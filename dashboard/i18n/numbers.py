"""Numbers, times and ages in words: 1.08 亿, 12.3 万, 01-19 07:30, 3 小时前."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from dashboard.cells import Cell
from dashboard.i18n.catalogue import Lang, t

_ZH_STEPS = ((10**8, "亿"), (10**4, "万"))
_EN_STEPS = ((10**9, "bn"), (10**6, "m"), (10**4, "k"))


def format_exact(value: float) -> str:
    """Every digit, grouped: ``108,000,000``; two decimals where there are any."""
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.2f}"


def format_compact(lang: Lang, value: float) -> str:
    """Three significant digits with the language's own unit: ``1.08 亿``, ``108 m``."""
    steps = _ZH_STEPS if lang == "zh-CN" else _EN_STEPS
    for size, unit in steps:
        if abs(value) >= size:
            scaled = value / (size if unit != "k" else 1000)
            return f"{_three(scaled)}\u2009{unit}"
    return format_exact(value)


def _three(value: float) -> str:
    digits = 2 if abs(value) < 10 else 1 if abs(value) < 100 else 0
    return f"{value:,.{digits}f}"


def format_change(lang: Lang, value: float) -> str:
    """A change with its sign: ``+1,024``, ``−12``, ``±0``."""
    if value == 0:
        return "±0"
    sign = "+" if value > 0 else "−"
    return sign + format_compact(lang, abs(value))


def format_rate(value: float) -> str:
    """A rate per 100,000 residents, one decimal below 100, two below 1."""
    digits = 2 if abs(value) < 1 else 1 if abs(value) < 100 else 0
    return f"{value:,.{digits}f}"


def format_cell(lang: Lang, figure: Cell, *, exact: bool = False) -> str:
    """A cell as text: its number, or the word of its state."""
    if figure.value is None:
        return t(lang, f"cell.{figure.state}")
    return format_exact(figure.value) if exact else format_compact(lang, figure.value)


def format_time(moment: datetime, *, near: datetime | None = None) -> str:
    """``01-19 07:30``; with its year where it lies more than half a year from ``near``."""
    far = near is not None and abs(near - moment) > timedelta(days=180)
    return moment.strftime("%Y-%m-%d %H:%M" if far else "%m-%d %H:%M")


def format_day(day: date) -> str:
    """``2021-01-19``."""
    return day.isoformat()


def format_age(lang: Lang, age: timedelta) -> str:
    """An age in its largest whole unit: minutes, hours or days."""
    minutes = max(0, int(age.total_seconds() // 60))
    if minutes < 120:
        return t(lang, "age.minutes", n=minutes)
    if minutes < 48 * 60:
        return t(lang, "age.hours", n=minutes // 60)
    return t(lang, "age.days", n=f"{minutes // 1440:,}")
