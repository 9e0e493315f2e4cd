"""The verdict on the rules service as a badge: sign, word and frame, so that it is seen in grey print too."""

from __future__ import annotations

from dash import html
from dash.development.base_component import Component

from dashboard.components.icon import icon
from dashboard.i18n.catalogue import Lang, t
from dashboard.publishing.verdict import Judgement, Verdict

# Unknown is never drawn as good.
_SIGNS: dict[Verdict, tuple[str, str]] = {
    "synced": ("on-time", "good"),
    "pending": ("calendar", "good"),
    "publishing": ("up", "moving"),
    "out_of_sync": ("alert", "bad"),
    "foreign": ("alert", "bad"),
    "behind": ("late", "late"),
    "wrong_answers": ("alert", "bad"),
    "unknown": ("unknown", "unknown"),
}


def verdict_badge(judgement: Judgement, lang: Lang) -> Component:
    """The verdict, with its reason for the pointer."""
    return _badge(judgement.verdict, lang, title=judgement.sentence(lang), hidden=False)


def verdict_switch(verdict: Verdict, lang: Lang) -> Component:
    """All verdicts, of which one is shown; ``shell.js`` shows another when ``/healthz`` says so."""
    return html.Span(
        [_badge(one, lang, title="", hidden=one != verdict) for one in _SIGNS], id="shell-verdict"
    )


def _badge(verdict: Verdict, lang: Lang, *, title: str, hidden: bool) -> Component:
    name, kind = _SIGNS[verdict]
    return html.Span(
        [icon(name), html.Span(t(lang, f"verdict.{verdict}"))],
        className=f"tf-verdict tf-verdict-{kind}",
        title=title or None,
        hidden=hidden,
        **{"data-tf-verdict": verdict},
    )
