"""Fields of the policy screen: what stands in an input, what a browser's text means, paths in words."""

from __future__ import annotations

import pytest

from dashboard.components.policy_words import edit_words, path_words, unit_of, value_words
from dashboard.i18n.catalogue import LANGS, load_texts
from dashboard.policy.diff import flatten_policy
from dashboard.policy.groups import RULES
from dashboard.policy.store import load_baseline, load_presets
from dashboard.policy.thresholds import list_thresholds
from dashboard.publishing.edits import apply_edits
from dashboard.publishing.states import ACTS, STATES
from dashboard.publishing.typed import Scalar, base_value, read_typed
from dashboard.publishing.verdict import VERDICTS
from dashboard.views.policy_body import WORDS
from dashboard.views.policy_cities import bounded_paths, list_bounds, list_overrides
from dashboard.views.policy_diff import differences
from dashboard.views.policy_fields import EDIT_GROUPS, count_by_group, group_of, list_fields
from dashboard.views.policy_rows import list_rows
from queries.preview_model import UNSURE

BASE = load_baseline()


def fields(group: str, **edits: Scalar) -> dict[str, tuple[object, bool]]:
    typed = {path.replace("__", "."): value for path, value in edits.items()}
    found = list_fields(group, in_force=BASE, base=BASE, edits=typed, problems={})
    return {field.path: (field.edited, field.changed) for field in found}


def test_every_threshold_of_the_policy_is_a_field() -> None:
    shown = [path for group in EDIT_GROUPS if group != "health_code" for path in fields(group)]
    assert shown == [threshold.path for threshold in list_thresholds(BASE)]


@pytest.mark.parametrize("rule_set", RULES)
def test_a_preset_shows_the_fields_of_its_rule_with_its_values(rule_set: str) -> None:
    shown = fields("risk_area", preset=rule_set)
    plan = load_presets()[rule_set].risk_area.model_dump(exclude_none=True)
    assert {path.partition(".")[2]: value for path, (value, _) in shown.items()} == plan
    assert shown["risk_area.rule_set"][1] == (rule_set != BASE.risk_area.rule_set)


def test_what_was_typed_wins_and_is_shown_as_it_was_typed() -> None:
    assert fields("risk_area", preset="high-low-5d", risk_area__window_days=7)["risk_area.window_days"] == (
        7,
        True,
    )
    assert fields("appeals", appeals__resolve_hours="七天")["appeals.resolve_hours"] == ("七天", True)


@pytest.mark.parametrize(
    ("path", "text", "value"),
    [
        ("appeals.resolve_hours", " 96 ", 96),
        ("appeals.resolve_hours", "72", None),  # the base holds it already
        ("appeals.resolve_hours", "1,000", 1000),
        ("appeals.resolve_hours", "7.5", "7.5"),
        ("appeals.resolve_hours", "７", "７"),  # a full-width digit is told, not guessed
        ("appeals.resolve_hours", "-7", -7),
        ("appeals.resolve_hours", "9" * 40, "9" * 40),
        ("appeals.resolve_hours", "", ""),
        ("appeals.resolve_hours", True, True),
        ("appeals.resolve_hours", None, None),
        ("appeals.resolve_hours", 7.5, "7.5"),
        ("scan_alarm.red_scan_alarm", "false", False),
        ("scan_alarm.red_scan_alarm", "true", None),
        ("scan_alarm.red_scan_alarm", "1", "1"),
        ("risk_area.step_down_days", "", None),  # it has none, and none was typed
        ("health_code.rows.suspected.hold_days", "9", 9),
        ("health_code.rows.test_positive.hold_days", "", ""),
        ("health_code.rows.close_contact.colour", "red", None),
        ("health_code.rows.close_contact", "", ""),
        ("provenance.appeals.resolve_hours", "工作默认值，未核实", None),
        ("provenance.appeals.resolve_hours", "Draft hotline standard of Beijing: answered within 15 s, "
         "connect rate 95 %", "hotline_draft"),
        ("provenance.appeals.resolve_hours", "省政府令第 1 号", "省政府令第 1 号"),
        ("note.appeals.resolve_hours", "  春节期间  ", "春节期间"),
        ("overrides.510100.appeals.resolve_hours", "60", 60),
        ("override_bounds.appeals.resolve_hours.override_min", "48", 48),
        ("preset", "high-low-5d", "high-low-5d"),
    ],
)  # fmt: skip
def test_what_a_browser_sends(path: str, text: object, value: object) -> None:
    found = read_typed(path, text, BASE)
    assert (type(found), found) == (type(value), value)


def test_the_value_of_the_base_is_no_edit() -> None:
    """Every leaf of the policy that can be edited, sent back as text, says that nothing was edited."""
    for threshold in list_thresholds(BASE):
        text = str(threshold.value).lower() if isinstance(threshold.value, bool) else str(threshold.value)
        assert base_value(BASE, threshold.path) == threshold.value
        assert read_typed(threshold.path, text, BASE) is None, threshold.path


def test_groups_are_counted_by_what_an_edit_speaks_of() -> None:
    paths = {
        "appeals.resolve_hours": "appeals",
        "note.appeals.resolve_hours": "appeals",
        "mark.feeds.late_after_minutes.cases": "feeds",
        "provenance.health_code.rows.confirmed": "health_code",
        "preset": "risk_area",
        "overrides.510100.risk_area.window_days": "overrides",
        "override_bounds.risk_area.window_days.override_min": "overrides",
    }
    assert {path: group_of(path) for path in paths} == paths
    assert count_by_group(paths)["appeals"] == 2


def test_rows_added_removed_and_changed() -> None:
    edits: dict[str, Scalar | None] = {
        "health_code.rows.new_reason": "add",
        "health_code.rows.new_reason.colour": "yellow",
        "health_code.rows.suspected": "",
        "health_code.rows.confirmed.hold_days": 21,
    }
    rows = {row.code: row for row in list_rows(in_force=BASE, base=BASE, edits=edits, problems={})}
    assert list(rows)[-1] == "new_reason"
    assert (rows["new_reason"].added, rows["new_reason"].now) == (True, None)
    assert rows["suspected"].removed
    assert (rows["confirmed"].values["hold_days"], rows["confirmed"].changed) == (21, True)
    assert sum(row.changed for row in rows.values()) == 3


def test_bounds_and_overrides_of_cities() -> None:
    edits: dict[str, Scalar | None] = {
        "override_bounds.appeals.resolve_hours.override_min": 48,
        "override_bounds.appeals.resolve_hours.override_max": 96,
        "overrides.510100.appeals.resolve_hours": 60,
    }
    policy = apply_edits(BASE, {k: v for k, v in edits.items() if v is not None}, version=2).policy
    assert policy is not None
    for known, typed in ((BASE, edits), (policy, {})):
        bounds = list_bounds(known, typed)
        assert [(b.path, b.low, b.high) for b in bounds] == [("appeals.resolve_hours", 48, 96)]
        overrides = list_overrides(known, BASE, typed)
        assert [(o.area, o.path, o.value, o.in_force) for o in overrides] == [
            ("510100", "appeals.resolve_hours", 60, None)
        ]
    assert "risk_area.window_days" in bounded_paths(BASE)
    assert not [path for path in bounded_paths(BASE) if "validity" in path or "red_scan" in path]
    words = [path_words("zh-CN", d.path) for d in differences(BASE, policy)]
    assert "办结时限 · 最小" in words
    assert path_words("zh-CN", "overrides.510100.appeals.resolve_hours") == "成都市 · 办结时限"


@pytest.mark.parametrize("lang", LANGS)
def test_every_path_and_value_has_words(lang: str) -> None:
    for path, value in flatten_policy(BASE).items():
        if path.startswith(("sources.", "colours.", "policy_id")):
            continue
        words = path_words(lang, path)  # type: ignore[arg-type]
        assert words
        assert words != path, path
        assert value_words(lang, path, value)  # type: ignore[arg-type]
    assert value_words(lang, "appeals.resolve_hours", None)  # type: ignore[arg-type]


def test_units_and_edits_in_words() -> None:
    assert unit_of("overrides.510100.risk_area.window_days") == "days"
    assert unit_of("override_bounds.appeals.resolve_hours.override_min") == "h"
    assert unit_of("health_code.rows.confirmed.tests_min_gap_hours") == "h"
    assert unit_of("title.zh") == ""
    text = "appeals.resolve_hours: - -> 96; note.appeals.resolve_hours: a -> b"
    assert edit_words("en", text) == "Resolved within 96; Resolved within · Note a → b"


@pytest.mark.parametrize(
    ("prefix", "ids"),
    [
        ("screen.state.", STATES),
        ("screen.act.", (*ACTS, "open")),
        ("screen.kind.", ("normal", "rollback", "emergency", "refresh")),
        ("screen.js.", WORDS),
        ("screen.impact.unsure.", UNSURE),
        ("verdict.", VERDICTS),
    ],
)
def test_whatever_is_named_by_an_id_has_a_text(prefix: str, ids: tuple[str, ...]) -> None:
    assert [one for one in ids if f"{prefix}{one}" not in load_texts()] == []
