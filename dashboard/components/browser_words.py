"""Words and the keyboard list that ``assets/command.js`` needs in the page; placed once by the frame."""

from __future__ import annotations

from dash import html
from dash.development.base_component import Component

from dashboard.i18n.catalogue import Lang, t

SHORTCUTS: tuple[tuple[str, str], ...] = (
    ("Ctrl /", "ui.keys.help"),
    ("Alt A", "ui.keys.area"),
    ("Alt T", "ui.keys.theme"),
    ("Alt L", "ui.keys.language"),
    ("Alt C", "ui.keys.link"),
    ("← →", "ui.keys.days"),
    ("Esc", "ui.keys.escape"),
)


def browser_words(lang: Lang) -> Component:
    """The hidden words for ages and notices, and the dialog that ``Ctrl /`` opens."""
    rows = [
        part
        for keys, key in SHORTCUTS
        for part in (
            html.Dt([html.Kbd(word) for word in keys.split()]),
            html.Dd(t(lang, key)),
        )
    ]
    data = {
        "data-minutes": t(lang, "age.minutes"),
        "data-hours": t(lang, "age.hours"),
        "data-days": t(lang, "age.days"),
        "data-copied": t(lang, "ui.link.done"),
    }
    close = html.Button(
        t(lang, "ui.keys.close"), type="button", className="tf-button", **{"data-tf-action": "keys"}
    )
    return html.Div(
        [
            html.Div(id="tf-words", hidden=True, **data),
            html.Dialog(
                [html.H2(t(lang, "ui.keys.title"), id="tf-keys-title"), html.Dl(rows), close],
                id="tf-keys",
                className="tf-keys",
                **{"aria-labelledby": "tf-keys-title"},
            ),
        ]
    )
