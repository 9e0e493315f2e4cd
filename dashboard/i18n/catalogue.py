"""The catalogue of texts: every word a person reads, in every language, side by side.

``texts/<room>.toml`` holds one table per key, ``["risk.title"]`` with one entry per language. A key
that lacks a language fails at load, so a half-translated screen cannot start.
"""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Literal

Lang = Literal["zh-CN", "en"]
LANGS: tuple[Lang, ...] = ("zh-CN", "en")
DEFAULT_LANG: Lang = "zh-CN"


class MissingText(KeyError):
    """A key that the catalogue does not hold: a bug, found by the walker over all texts."""


@cache
def load_texts() -> dict[str, dict[Lang, str]]:
    """All texts by key; raises ``MissingText`` for a key without one of the languages or stated twice."""
    texts: dict[str, dict[Lang, str]] = {}
    for file in sorted(files("dashboard.i18n").joinpath("texts").iterdir(), key=lambda f: f.name):
        if not file.name.endswith(".toml"):
            continue
        for key, entry in tomllib.loads(file.read_text(encoding="utf-8")).items():
            if key in texts:
                raise MissingText(f"{key} is stated twice ({file.name})")
            missing = [lang for lang in LANGS if not entry.get(lang)]
            if missing:
                raise MissingText(f"{key} in {file.name} lacks {', '.join(missing)}")
            texts[key] = {lang: entry[lang] for lang in LANGS}
    return texts


def t(lang: Lang, key: str, **values: object) -> str:
    """The text of ``key`` in ``lang`` with ``{name}`` filled from ``values``."""
    texts = load_texts()  # outside of the try: what it raises is no missing key
    try:
        text = texts[key][lang]
    except KeyError:
        raise MissingText(key) from None
    return text.format(**values) if values else text


def read_lang(value: str | None) -> Lang:
    """The language a cookie asks for, or the default for anything else."""
    return "en" if value == "en" else DEFAULT_LANG
