"""The seat planner: people, cases an hour and shifts against a backlog and a date.

All of it is arithmetic on what a person types, so it runs in the browser (``tianfu.seat_plan`` in
``command.js``) and needs no callback on the server; the fields begin with the figures of the area on screen.
"""

from __future__ import annotations

from datetime import date, timedelta

import dash_mantine_components as dmc
from dash import ClientsideFunction, Input, Output, clientside_callback, html
from dash.development.base_component import Component

from dashboard.components.filters import date_picker
from dashboard.shell.context import Context

# Sixty people who close ten cases an hour in three shifts: 4,800 a day, as the desk has worked.
PEOPLE, PACE, SHIFTS = 60, 10, 3
EXAMPLE_CASES = 400_000
DAYS_AHEAD = 14
_MOST = 100_000_000
FIELDS = ("waiting", "batch", "inflow", "people", "pace", "shifts")
ANSWERS = ("capacity", "clear", "done", "needed", "seats")


def seat_planner(context: Context, *, prefix: str, waiting: int, inflow: int, day: date) -> Component:
    """Fields and answers; ``waiting`` and ``inflow`` are cases, the reckoning begins after ``day``."""
    t = context.t
    values = {
        "waiting": waiting,
        "batch": 0,
        "inflow": inflow,
        "people": PEOPLE,
        "pace": PACE,
        "shifts": SHIFTS,
    }
    limits = {"people": (1, 100_000), "pace": (0.1, 1_000), "shifts": (1, 8)}
    fields = [
        dmc.NumberInput(
            id=f"{prefix}-{name}",
            label=t(f"appeals.plan.{name}"),
            value=values[name],
            min=limits.get(name, (0, _MOST))[0],
            max=limits.get(name, (0, _MOST))[1],
            allowNegative=False,
            decimalScale=1 if name == "pace" else 0,
            thousandSeparator=",",
            size="xs",
        )
        for name in FIELDS
    ]
    until = html.Div(
        [
            html.Label(t("appeals.plan.until"), htmlFor=f"{prefix}-until", className="tf-seats-label"),
            date_picker(
                id=f"{prefix}-until",
                value=day + timedelta(days=DAYS_AHEAD),
                first=day + timedelta(days=1),
                last=day + timedelta(days=730),
                label=t("appeals.plan.until"),
                lang=context.lang,
            ),
        ]
    )
    answers = html.Dl(
        [html.Div([html.Dt(t(f"appeals.plan.{name}")), html.Dd(id=f"{prefix}-{name}")]) for name in ANSWERS],
        className="tf-seats-answers",
    )
    example = html.Button(
        t("appeals.plan.example"),
        id=f"{prefix}-example",
        type="button",
        n_clicks=0,
        className="tf-button tf-button-quiet",
        **{"data-cases": str(EXAMPLE_CASES), "data-people": str(PEOPLE)},
    )
    words = {
        "data-day": day.isoformat(),
        "data-never": t("appeals.plan.never"),
        "data-days": t("appeals.plan.days"),
    }
    return html.Div(
        [html.Div([*fields, until, example], className="tf-seats-fields"), answers],
        id=f"{prefix}-box",
        className="tf-seats",
        **words,
    )


def register_seat_planner(prefix: str) -> None:
    """Tie fields and answers of the planner ``prefix`` together in the browser."""
    clientside_callback(
        ClientsideFunction("tianfu", "seat_plan"),
        [Output(f"{prefix}-{name}", "children") for name in ANSWERS],
        [
            *(Input(f"{prefix}-{name}", "value") for name in FIELDS),
            Input(f"{prefix}-until", "value"),
            Input(f"{prefix}-box", "id"),
        ],
    )
    clientside_callback(
        ClientsideFunction("tianfu", "seat_example"),
        [Output(f"{prefix}-{name}", "value") for name in FIELDS],
        Input(f"{prefix}-example", "n_clicks"),
        Input(f"{prefix}-example", "id"),
        prevent_initial_call=True,
    )
