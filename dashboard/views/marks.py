"""Policy marks for time charts: a line on each day on which another version came into force."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from dashboard.components.chart_parts import Json, Mark, Series
from dashboard.components.charts import trend_lines
from dashboard.publishing.history import list_marks
from dashboard.shell.context import Context
from dashboard.shell.desk import store_of_board


def policy_marks(context: Context, days: Sequence[date]) -> tuple[Mark, ...]:
    """The marks between the first and the last of ``days``; several changes of one day stand in one mark.

    A drawing that was kept stays right: the version in force is part of its key, and only a change of that
    version makes a new mark.
    """
    if not days:
        return ()
    database, clock = store_of_board()
    with database.read() as connection:
        found = list_marks(connection, min(days), max(days), at=clock())
    texts: dict[date, list[str]] = {}
    for one in found:
        texts.setdefault(one.at.date(), []).append(context.t("screen.mark.version", version=one.version))
    return tuple(Mark(day, " → ".join(words)) for day, words in sorted(texts.items()))


def marked_lines(
    context: Context, days: Sequence[date], series: Sequence[Series], unit: str, *, height: int = 240
) -> Json:
    """Lines over days from zero, in the reader's language and theme, with the policy marks."""
    return trend_lines(
        days=days,
        marks=policy_marks(context, days),
        series=series,
        unit=unit,
        lang=context.lang,
        theme=context.theme,
        from_zero=True,
        height=height,
    )
