"""Inputs of the policy editor. The browser reads them by ``data-tf-path`` or ``data-tf-name`` (policy.js).

They are not bound to callbacks: what is typed is saved by ``POST /policy/act/edit`` after a pause, and
nothing that the server draws meanwhile takes it away.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

import dash_mantine_components as dmc
from dash import html
from dash.development.base_component import Component

Choice = tuple[str, str]


def number_input(path: str, value: object, *, label: str, width: int = 92) -> Component:
    """A short input for a whole number; other text may be typed and is answered with a sentence."""
    return html.Span(
        dmc.TextInput(
            value="" if value is None else str(value),
            size="xs",
            w=width,
            autoComplete="off",
            attributes={"input": {"inputMode": "numeric", "maxLength": 40}},
            **{"aria-label": label},
        ),
        key=f"{path}={value}",
        className="tf-pol-input",
        **{"data-tf-path": path},
    )


def choice_input(path: str, value: object, *, choices: Sequence[Choice], label: str) -> Component:
    """A native list of choices; a value that is none of them is shown as it is, first."""
    text = "" if value is None else _as_word(value)
    known = list(choices) if text in {word for word, _ in choices} else [(text, text or "—"), *choices]
    return html.Span(
        html.Select(
            [html.Option(name, value=word, selected=word == text) for word, name in known],
            className="tf-pol-select",
            **{"aria-label": label},
        ),
        key=f"{path}={text}",
        className="tf-pol-input",
        **{"data-tf-path": path},
    )


def words_input(path: str, value: str, *, label: str, placeholder: str = "", rows: int = 1) -> Component:
    """A text that is saved like a value: a note beside a threshold."""
    return html.Span(
        html.Textarea(
            value,
            className="tf-pol-text",
            rows=rows,
            maxLength=500,
            placeholder=placeholder or None,
            **{"aria-label": label},
        ),
        key=f"{path}={value}",
        className="tf-pol-input tf-pol-input-wide",
        **{"data-tf-path": path},
    )


def reason_input(name: str, *, label: str, placeholder: str = "", least: int = 0) -> Component:
    """A text that goes with an act; it keeps what was typed when its panel is drawn again."""
    return html.Label(
        [
            html.Span(label, className="tf-pol-label"),
            html.Textarea(
                className="tf-pol-text",
                rows=2,
                maxLength=2000,
                minLength=least or None,
                placeholder=placeholder or None,
                key=f"act-{name}",
                **{"data-tf-name": name},
            ),
        ],
        className="tf-pol-reason",
    )


def pick_input(name: str, *, choices: Sequence[Choice], label: str, value: str = "") -> Component:
    """A choice that goes with an act, such as the city of a new override."""
    return html.Label(
        [
            html.Span(label, className="tf-pol-label"),
            html.Select(
                [html.Option(words, value=word, selected=word == value) for word, words in choices],
                className="tf-pol-select",
                key=f"pick-{name}",
                **{"data-tf-name": name},
            ),
        ],
        className="tf-pol-reason",
    )


def short_input(name: str, *, label: str, width: int = 110, value: str = "") -> Component:
    """A short text or number that goes with an act."""
    return html.Label(
        [
            html.Span(label, className="tf-pol-label"),
            html.Span(
                dmc.TextInput(
                    value=value,
                    size="xs",
                    w=width,
                    autoComplete="off",
                    attributes={"input": {"maxLength": 80}},
                ),
                **{"data-tf-name": name},
            ),
        ],
        className="tf-pol-reason",
    )


def moment_input(name: str, *, label: str, earliest: datetime) -> Component:
    """A day and a time of day, not before ``earliest``; the browser's own picker."""
    least = earliest.strftime("%Y-%m-%dT%H:%M")
    return html.Label(
        [
            html.Span(label, className="tf-pol-label"),
            html.Span(
                dmc.TextInput(
                    size="xs", w=190, attributes={"input": {"type": "datetime-local", "min": least}}
                ),
                **{"data-tf-name": name},
            ),
        ],
        className="tf-pol-reason",
    )


def act_button(
    act: str, words: str, *, send: dict[str, object], primary: bool = False, sure: str = "", name: str = ""
) -> Component:
    """A button that posts ``send`` and the fields of its panel to ``/policy/act/<act>``.

    ``sure`` is a sentence that is asked back first. ``name`` tells two buttons of one act apart.
    """
    return html.Button(
        words,
        type="button",
        className=f"tf-button {'tf-button-primary' if primary else ''}".strip(),
        **{
            "data-tf-act": act,
            "data-tf-send": json.dumps(send, ensure_ascii=False),
            **({"data-tf-sure": sure} if sure else {}),
            **({"data-tf-button": name} if name else {}),
        },
    )


def act_panel(*parts: Component | None, title: str = "", folded: bool = False) -> Component:
    """Fields and buttons that belong together, and the place where a refusal is said."""
    inside = [*parts, html.P(className="tf-pol-answer", role="alert", **{"data-tf-answer": "1"})]
    if folded:
        return html.Details(
            [html.Summary(title), *inside], className="tf-pol-panel", **{"data-tf-panel": "1"}
        )
    return html.Div(inside, className="tf-pol-panel", **{"data-tf-panel": "1"})


def _as_word(value: object) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)
