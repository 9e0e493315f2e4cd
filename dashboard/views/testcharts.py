"""Two charts of the screen of testing whose bars are stages and steps, and so stay in their order."""

from __future__ import annotations

from dashboard.cells import NOT_REPORTED, cell
from dashboard.components.chart_parts import Json
from dashboard.components.charts import RankRow, ranked_bars
from dashboard.shell.context import Context
from queries.testing import LONGEST, STEP, Clock, DayTests

STAGES = ("sampled", "delivered", "tested", "reported", "in_24h")
STEPS = LONGEST // STEP + 1


def stages_chart(context: Context, row: DayTests) -> Json:
    """The samples of one day by stage; the feed knows no delivery to a laboratory, which is no zero."""
    counts = {stage: cell(getattr(row, stage)) for stage in STAGES if stage != "delivered"}
    rows = [RankRow(context.t(f"teststage.{stage}"), counts.get(stage, NOT_REPORTED)) for stage in STAGES]
    return ranked_bars(
        rows=rows,
        unit=context.t("metric.unit.samples"),
        lang=context.lang,
        theme=context.theme,
        in_order=True,
    )


def clock_chart(context: Context, clock: Clock) -> Json:
    """Holders by the time since their last test, in steps of a day."""
    rows = [
        RankRow(
            context.t("testing.clock.more", low=start)
            if start == LONGEST
            else context.t("testing.clock.step", low=start, high=start + STEP),
            holders,
        )
        for start, holders in clock.steps.items()
    ]
    return ranked_bars(
        rows=rows, unit=context.t("unit.people"), lang=context.lang, theme=context.theme, in_order=True
    )
