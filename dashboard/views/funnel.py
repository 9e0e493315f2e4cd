"""The funnel on screen: which incident, its stages as bars with reasons and times, whether they reconcile."""

from __future__ import annotations

from collections.abc import Sequence

from dash import html
from dash.development.base_component import Component

from dashboard.cells import Cell
from dashboard.components.states import cell_text
from dashboard.i18n.numbers import format_exact, format_time
from dashboard.shell.context import Context
from dashboard.shell.filters import default_area
from dashboard.views.words import worded
from queries.screening import Funnel, Incident, Stage, get_funnels, get_incidents

NOT_RUN = "feed_not_reported"  # the reason of a stage whose feed was not delivered; it dropped nobody


def incidents_of(context: Context) -> tuple[Incident, ...]:
    """Every incident of the person's scope, so that one that began elsewhere has its name here too."""
    return get_incidents(context.view, area=default_area(context.scope))


def funnel_of(context: Context) -> Funnel | None:
    """The funnel on screen: of the newest incident begun by the day chosen; None where there is none."""
    found = get_funnels(context.view, area=context.filters.area, min_cell=context.policy.disclosure.min_cell)
    began = {incident.incident: incident.began for incident in incidents_of(context)}
    day = context.filters.day
    by_then = [f for f in found if began.get(f.incident, day) <= day]
    return max(by_then, key=lambda f: (began.get(f.incident, day), f.incident), default=None)


def incident_name(context: Context, incident: str) -> str:
    """The name of an incident, or its id where that was not reported or lies outside the scope."""
    names = {row.incident: row.name(context.lang) for row in incidents_of(context)}
    return names.get(incident) or context.t("screening.unnamed", incident=incident)


def stage_name(context: Context, stage: str) -> str:
    return worded(context, "stage.", stage)


def funnel_list(context: Context, funnel: Funnel) -> Component:
    """One item for each stage: who entered, who stays (the bar), who dropped out and why, when."""
    whole = funnel.stages[0].entered
    return html.Div(
        [
            html.Ol([_stage(context, stage, whole) for stage in funnel.stages], className="tf-funnel"),
            html.Div(
                [html.P(words) for words in reconciled(context, funnel.stages)],
                className="tf-funnel-check tf-dim",
            ),
        ]
    )


def reconciled(context: Context, stages: Sequence[Stage]) -> list[str]:
    """Whether the stages add up and continue one another, or where and by how much they do not."""
    said: list[str] = []
    for stage in stages:
        checks = [("gap", stage.gap), ("loose", stage.loose)]
        if any(figure is not None and figure.value is None for _, figure in checks):
            said.append(context.t("screening.gap.hidden", n=stage.number))
            continue
        for kind, figure in checks:
            amount = 0 if figure is None else figure.value or 0
            if amount:
                key = {
                    ("gap", True): "screening.gap.more",
                    ("gap", False): "screening.gap.fewer",
                    ("loose", True): "screening.gap.loose",
                    ("loose", False): "screening.gap.over",
                }[kind, amount > 0]
                said.append(context.t(key, n=stage.number, count=format_exact(abs(amount))))
    return said or [context.t("screening.reconciled")]


def _stage(context: Context, stage: Stage, whole: Cell) -> Component:
    t, lang = context.t, context.lang
    not_run = any(reason == NOT_RUN for reason, _ in stage.drops)
    drops = [
        html.Li(
            [
                html.Span(worded(context, "dropreason.", reason)),
                html.Span(["−", cell_text(figure, lang)], className="tf-funnel-count"),
                _bar(figure, whole, "tf-funnel-out"),
            ]
        )
        for reason, figure in stage.drops
        if reason != NOT_RUN
    ]
    return html.Li(
        [
            html.Div(
                [
                    html.Strong(f"{stage.number} {stage_name(context, stage.stage)}"),
                    html.Span([t("screening.funnel.of"), cell_text(stage.entered, lang)], className="tf-dim"),
                    html.Span(
                        t("screening.funnel.at", time=format_time(stage.computed_at)), className="tf-dim"
                    ),
                ],
                className="tf-funnel-head",
            ),
            html.Div(
                [
                    html.Span(t("screening.funnel.kept")),
                    html.Span(cell_text(stage.kept, lang), className="tf-funnel-count tf-funnel-kept"),
                    _bar(stage.kept, whole, "tf-funnel-in"),
                ],
                className="tf-funnel-line",
            ),
            html.P(t("screening.funnel.not_run"), className="tf-dim") if not_run else None,
            html.Ul(drops, className="tf-funnel-drops") if drops else None,
        ]
    )


def _bar(part: Cell, whole: Cell, kind: str) -> Component:
    share = part.value / whole.value if part.value is not None and whole.value else 0.0
    return html.Span(
        html.Span(className=kind, style={"width": f"{min(1.0, share) * 100:.2f}%"}),
        className="tf-funnel-track",
    )
