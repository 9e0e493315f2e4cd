"""Every id of the policy and of the contract has its text in both languages; the generated page is true."""

from __future__ import annotations

from pathlib import Path

import pytest

from dashboard.i18n.catalogue import LANGS, t
from dashboard.policy.evaluate import DERIVE_REASONS
from dashboard.policy.groups import ReasonRow
from dashboard.policy.model import GROUPS
from dashboard.policy.reference import HEAD, PAGE, policy_page
from dashboard.policy.store import colours, load_baseline, load_presets, reasons
from dashboard.policy.thresholds import list_declared
from dashboard.snapshot.contract import (
    ACTORS,
    AGE_BANDS,
    FEED_STATES,
    FEEDS,
    NO_CODE,
    RISK_LEVELS,
    TABLES,
    VENUE_CATEGORIES,
)

ROW_FIELDS = [name for name in ReasonRow.model_fields if name not in ("zh", "en", "source")]
NAMED = [
    *(f"policy.{group}" for group in (*GROUPS, "health_code")),
    *(f"policy.{path}" for path, _ in list_declared()),
    *(f"policy.health_code.{name}" for name in ROW_FIELDS),
    *(f"ruleset.{name}" for name in load_presets()),
]
LETTERED = [
    *(f"level.{level}" for level in (*RISK_LEVELS, "unknown")),
    *(f"colour.{colour.id}" for colour in colours()),
    f"colour.{NO_CODE}",
]
PLAIN = [
    "policy.yes",
    "policy.no",
    *(f"reason.{row.reason_code}" for row in reasons()),
    *(f"derive.{code}" for code in DERIVE_REASONS),
    *(f"category.{name}" for name in VENUE_CATEGORIES),
    *(f"actor.{name}" for name in ACTORS),
    *(f"ageband.{name}" for name in AGE_BANDS),
    *(f"feedstate.{name}" for name in FEED_STATES),
    *(f"feed.{feed.id}" for feed in FEEDS),
    *{f"{column.texts}{value}" for table in TABLES for column in table.columns for value in column.words},
    *(f"release.{name}" for name in ("time", "tests", "declared")),
    *(f"holdfrom.{name}" for name in ("event", "discharge")),
    *(f"basis.{name}" for name in ("sampled", "tested", "reported")),
    *(f"mark.{mark}" for mark in "spcu"),
    *{f"policy.unit.{spec.unit}" for _, spec in list_declared() if spec.unit},
    *{f"policy.unit.{spec.unit}" for spec in ReasonRow.specs().values() if spec.unit},
]
KEYS = [
    *(f"{key}{end}" for key in NAMED for end in ("", ".note")),
    *(f"{key}{end}" for key in LETTERED for end in ("", ".letter")),
    *PLAIN,
]


@pytest.mark.parametrize("key", sorted(KEYS))
def test_text_exists_in_both_languages(key):
    for lang in LANGS:
        assert t(lang, key).strip()


def test_no_text_of_the_policy_is_left_over():
    folder = Path(__file__).resolve().parents[2] / "dashboard" / "i18n" / "texts"
    stated = {
        line[2:-2]
        for line in (folder / "policy.toml").read_text(encoding="utf-8").splitlines()
        if line.startswith('["')
    }
    assert stated == set(KEYS)


def test_texts_say_what_the_policy_says():
    for colour in colours():
        assert (t("zh-CN", f"colour.{colour.id}"), t("en", f"colour.{colour.id}")) == (colour.zh, colour.en)
        letters = (t("zh-CN", f"colour.{colour.id}.letter"), t("en", f"colour.{colour.id}.letter"))
        assert letters == (colour.letter.zh, colour.letter.en)
    for row in reasons():
        code = row.reason_code
        assert (t("zh-CN", f"reason.{code}"), t("en", f"reason.{code}")) == (row.zh, row.en)
    for feed in FEEDS:
        assert (t("zh-CN", f"feed.{feed.id}"), t("en", f"feed.{feed.id}")) == (feed.name_zh, feed.name_en)


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("family", [LETTERED[:4], LETTERED[4:]])
def test_letters_tell_apart(lang, family):
    letters = [t(lang, f"{key}.letter") for key in family]
    assert len(set(letters)) == len(letters)


def test_generated_page_is_up_to_date():
    assert PAGE.read_text(encoding="utf-8") == HEAD + policy_page(), "run: make docs"


def test_generated_page_holds_every_threshold():
    page = policy_page()
    for path, _ in list_declared():
        group, name = path.split(".")
        if getattr(getattr(load_baseline(), group), name) is not None:
            assert f"`{path}" in page
