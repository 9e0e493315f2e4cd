"""Policy documents: the baseline is sound, every wrong field is named, both forms are one."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.errors import PolicyError
from dashboard.policy import store
from dashboard.policy.diff import Change, diff_policies
from dashboard.policy.document import (
    build_policy,
    canonical_json,
    digest_policy,
    parse_policy,
    read_policy,
)
from dashboard.policy.model import GROUPS
from dashboard.policy.store import (
    colours,
    colours_by_reason,
    load_baseline,
    load_presets,
    reasons,
)
from dashboard.policy.thresholds import list_declared, list_thresholds
from dashboard.snapshot.contract import FEEDS, RULE_SETS, VENUE_CATEGORIES

TOML = files("dashboard.policy").joinpath("defaults", "epidemic.toml").read_text(encoding="utf-8")
RED = [
    "test_positive",
    "confirmed",
    "asymptomatic",
    "suspected",
    "close_contact",
    "contact_of_contact",
    "abroad_staying",
    "abroad_transit",
    "same_flight",
    "same_coach",
    "same_train",
    "risk_area_stay",
    "emergency_red",
]
YELLOW = ["near_risk_area", "time_space_overlap", "symptoms_declared", "emergency_yellow"]


def content() -> dict:
    return json.loads(canonical_json(load_baseline()))


def put(path: str, value: object) -> str:
    """The baseline as JSON with one field set; None removes it."""
    whole = content()
    place = whole
    *parents, last = path.split(".")
    for name in parents:
        place = place[int(name)] if isinstance(place, list) else place[name]
    key = int(last) if isinstance(place, list) else last
    if value is None:
        del place[key]
    else:
        place[key] = value
    return json.dumps(whole)


def refuse(raw: str) -> str:
    with pytest.raises(PolicyError) as caught:
        build_policy(raw, name="draft")
    assert caught.value.todo
    return caught.value.what


def test_baseline_reasons_and_colours():
    expected = dict.fromkeys(RED, ("red",)) | dict.fromkeys(YELLOW, ("yellow",)) | {"no_risk": ("green",)}
    assert dict(colours_by_reason(load_baseline())) == expected
    assert [row.clause for row in reasons()] == list(range(1, 19))
    assert [(c.id, c.letter.zh, c.letter.en, c.shape) for c in colours()] == [
        ("red", "红", "R", "■"),
        ("yellow", "黄", "Y", "▲"),
        ("popup", "弹", "P", "▼"),
        ("grey", "灰", "–", "◆"),
        ("green", "绿", "G", "●"),
    ]


@pytest.mark.parametrize(
    ("reason", "days", "start", "release", "tests"),
    [
        ("confirmed", 28, "discharge", "time", None),
        ("suspected", None, "event", "declared", None),
        ("close_contact", 21, "event", "time", None),
        ("contact_of_contact", 7, "event", "time", None),
        ("abroad_staying", 21, "event", "time", None),
        ("abroad_transit", 14, "event", "time", None),
        ("same_train", 21, "event", "time", None),
        ("risk_area_stay", 14, "event", "time", None),
        ("near_risk_area", 14, "event", "tests", 1),
        ("symptoms_declared", 14, "event", "declared", None),
        ("emergency_yellow", 14, "event", "tests", 1),
        ("no_risk", None, "event", None, None),
    ],
)
def test_baseline_holds_the_provincial_table(reason, days, start, release, tests):
    row = next(row for row in reasons() if row.reason_code == reason)
    assert (row.hold_days, row.hold_from, row.release, row.tests_required) == (days, start, release, tests)


def test_baseline_covers_what_the_snapshot_contract_names():
    policy = load_baseline()
    assert set(policy.nucleic_test.validity_hours) == set(VENUE_CATEGORIES)
    assert set(policy.scan_alarm.max_scans_per_hour) == set(VENUE_CATEGORIES)
    assert set(policy.feeds.late_after_minutes) == {feed.id for feed in FEEDS}
    assert set(load_presets()) == set(RULE_SETS)


def test_baseline_rule_is_its_preset():
    assert load_presets()["county-14d"].risk_area == load_baseline().risk_area
    assert {name: preset.risk_area.rule_set for name, preset in load_presets().items()} == {
        name: name for name in RULE_SETS
    }


def test_baseline_allows_no_city_its_own_rule():
    assert load_baseline().overrides == ()
    assert not load_baseline().override_bounds


def test_every_threshold_has_unit_bounds_and_source():
    for item in list_thresholds(load_baseline()):
        assert item.source.zh, item.path
        if type(item.value) is int:
            assert item.unit, item.path
            assert item.low <= item.value <= item.high, item.path


def test_baseline_is_read_once(monkeypatch):
    first = load_baseline()
    monkeypatch.setattr(store, "parse_policy", lambda *args, **named: pytest.fail("read again"))
    assert load_baseline() is first


def test_reading_a_policy_needs_no_web_server():
    code = (
        "import sys, dashboard.policy.store as s, dashboard.policy.evaluate, dashboard.policy.reference\n"
        "s.load_baseline(); s.load_presets()\n"
        "print([m for m in ('dash', 'flask', 'plotly', 'duckdb') if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_toml_and_canonical_json_are_one_policy(tmp_path):
    policy = load_baseline()
    file = tmp_path / "policy.json"
    file.write_text(canonical_json(policy), encoding="utf-8")
    assert read_policy(file) == policy
    assert digest_policy(read_policy(file)) == digest_policy(policy)
    assert parse_policy(TOML, name="toml", kind="toml") == policy


def test_canonical_text_has_one_form():
    text = canonical_json(load_baseline())
    assert json.dumps(json.loads(text), ensure_ascii=False, sort_keys=True, separators=(",", ":")) == text
    assert "null" not in text


def test_policy_cannot_be_changed():
    policy = load_baseline()
    with pytest.raises(ValueError, match="frozen"):
        policy.version = 2
    with pytest.raises(TypeError):
        policy.feeds.late_after_minutes["cases"] = 1


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        ("risk_area.window_days", 0, "risk_area.window_days is 0: must be 1 to 60 days"),
        ("risk_area.window_days", 61, "risk_area.window_days is 61: must be 1 to 60 days"),
        ("risk_area.window_days", True, "risk_area.window_days is true: must be a whole number"),
        ("risk_area.window_days", "14", 'risk_area.window_days is "14": must be a whole number'),
        ("risk_area.window_days", 14.0, "risk_area.window_days is 14.0: must be a whole number"),
        ("risk_area.window_days", None, "risk_area.window_days is missing"),
        ("risk_area.window_days", 13, "risk_area.clear_days_high is 14: must equal window_days (13)"),
        ("risk_area.high_requires_cluster", 1, "risk_area.high_requires_cluster is 1: must be true or false"),
        (
            "risk_area.medium_min_new_cases",
            52,
            "medium_min_new_cases is 52: must be at most high_min_cumulative",
        ),
        ("risk_area.medium_min_new_cases", None, "risk_area.medium_min_new_cases is missing: state it"),
        ("risk_area.step_down_days", 3, "risk_area.step_down_days is 3: remove it, the rule set county-14d"),
        ("risk_area.rule_set", "county-7d", 'risk_area.rule_set is "county-7d": must be '),
        ("risk_area.colour", "red", 'risk_area.colour is "red": no such field'),
        ("nucleic_test.validity_hours.mall", 0, "nucleic_test.validity_hours.mall is 0: must be 1 to 720 h"),
        ("nucleic_test.validity_hours.mall", None, "differ in mall: state every venue category in both"),
        ("feeds.late_after_minutes.cases", "60", 'feeds.late_after_minutes.cases is "60": must be a whole'),
        (
            "appeals.first_reply_hours",
            73,
            "appeals.first_reply_hours is 73: must be at most resolve_hours (72)",
        ),
        ("disclosure.min_cell", 1, "disclosure.min_cell is 1: must be 2 to 100 people"),
        (
            "health_code.rows.0.colour",
            "blue",
            "rows.test_positive.colour is blue: must be one of red, yellow",
        ),
        ("health_code.rows.0.release", None, "health_code.rows.0.hold_days is 28: remove it or state"),
        ("health_code.rows.0.hold_days", None, "hold_days is missing: state it, the colour ends by time"),
        ("health_code.rows.13.tests_required", None, "tests_required is None: state it exactly when"),
        ("health_code.rows.13.tests_required", 2, "tests_min_gap_hours is None: state it exactly when two"),
        ("health_code.rows.17.release", "declared", "rows.no_risk.release is declared: state how the colour"),
        ("health_code.rows.1.reason_code", "test_positive", "health_code.rows holds test_positive 2 times"),
        ("health_code.rows.0.source", "hearsay", "rows.test_positive.source is hearsay: must be the id"),
        ("colours.0.severity", 3, "colours severity holds 3 2 times: keep one of them"),
        ("colours.4.severity", 9, "colours has no colour of severity 0"),
        ("provenance", {}, "provenance.risk_area.window_days is missing: name its source"),
        ("version", 0, "version is 0: "),
        ("effective_from", "soon", 'effective_from is "soon": '),
        ("effective_from", "2021-02-30", 'effective_from is "2021-02-30": '),
        ("policy_id", "traffic", 'policy_id is "traffic": must be'),
    ],
)
def test_refusal_names_field_value_and_remedy(path, value, says):
    assert says in refuse(put(path, value))


def test_refusal_names_every_wrong_field():
    whole = content()
    whole["risk_area"]["window_days"] = "x"
    whole["appeals"]["resolve_hours"] = 0
    what = refuse(json.dumps(whole))
    assert 'risk_area.window_days is "x"' in what
    assert "appeals.resolve_hours is 0" in what


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        ("provenance.risk_area.step_down_days", "working_default", "names no threshold of this policy"),
        (
            "provenance.feeds.late_after_minutes.weather",
            "working_default",
            "names no threshold of this policy",
        ),
    ],
)
def test_source_of_nothing_is_refused(path, value, says):
    whole = content()
    whole["provenance"][path.removeprefix("provenance.")] = value
    assert says in refuse(json.dumps(whole))


@pytest.mark.parametrize("preset", RULE_SETS)
def test_every_preset_makes_a_valid_policy(preset):
    whole = content()
    whole["risk_area"] = load_presets()[preset].risk_area.model_dump(exclude_none=True)
    whole["provenance"] = {k: v for k, v in whole["provenance"].items() if not k.startswith("risk_area")} | {
        f"risk_area.{name}": "working_default" for name in whole["risk_area"]
    }
    assert build_policy(json.dumps(whole), name="draft").risk_area == load_presets()[preset].risk_area


def test_window_of_a_place_rule_covers_the_days_until_low():
    whole = content()
    whole["risk_area"] = load_presets()["compound-7+3"].risk_area.model_dump(exclude_none=True) | {
        "window_days": 9
    }
    assert "risk_area.window_days is 9: must be at least 10" in refuse(json.dumps(whole))


@pytest.mark.parametrize(
    ("text", "kind"),
    [("version = ", "toml"), ("{", "json"), ('{"version": NaN}', "json"), ('{"a": 1, "a": 2}', "json")],
)
def test_unreadable_text_is_refused(text, kind):
    with pytest.raises(PolicyError, match="draft is not readable"):
        parse_policy(text, name="draft", kind=kind)


def test_time_of_day_is_refused():
    text = TOML.replace("effective_from = 2021-01-01", "effective_from = 2021-01-01T07:00:00")
    with pytest.raises(PolicyError, match="a policy holds whole days only"):
        parse_policy(text, name="draft", kind="toml")


@pytest.mark.parametrize("name", ["absent.toml", "policy.yaml", "binary.json"])
def test_unreadable_file_is_refused(tmp_path, name):
    (tmp_path / "policy.yaml").write_text("version: 1", encoding="utf-8")
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe")
    with pytest.raises(PolicyError) as caught:
        read_policy(tmp_path / name)
    assert name in caught.value.what


junk = st.one_of(
    st.none(), st.booleans(), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=4)
)
integer_paths = st.sampled_from(
    [
        f"{group}.{name}"
        for group, kind in GROUPS.items()
        for name, spec in kind.specs().items()
        if spec.low is not None
    ]
).filter(lambda path: type(getattr(getattr(load_baseline(), path.split(".")[0]), path.split(".")[1])) is int)


@given(integer_paths, junk)
def test_only_whole_numbers_are_numbers(path, value):
    whole = content()
    group, name = path.split(".")
    whole[group][name] = value
    assert f"{path} is" in refuse(json.dumps(whole))


@given(integer_paths, st.sampled_from([-1, 0, 1]))
def test_bounds_are_inclusive(path, step):
    spec = dict(list_declared())[path]
    for edge, outside in ((spec.low, step < 0), (spec.high, step > 0)):
        raw = put(path, edge + step)
        says = f"{path} is {edge + step}: must be {spec.low} to {spec.high}"
        try:
            build_policy(raw, name="draft")
            refused = ""
        except PolicyError as problem:
            refused = problem.what
        assert (says in refused) == outside


def with_overrides(*overrides: dict, bounds: dict) -> str:
    return json.dumps(content() | {"override_bounds": bounds, "overrides": list(overrides)})


BOUNDS = {"disclosure.min_cell": {"override_min": 10, "override_max": 20}}


@pytest.mark.parametrize(
    ("area", "path", "value", "says"),
    [
        ("510100", "disclosure.min_cell", 9, "overrides 510100 disclosure.min_cell is 9: must be 10 to 20"),
        ("510100", "disclosure.min_cell", 21, "overrides 510100 disclosure.min_cell is 21: must be 10 to 20"),
        ("510100", "capacity.surge_factor", 9, "overrides 510100 capacity.surge_factor is not allowed"),
        ("510104", "disclosure.min_cell", 15, 'overrides.0.area is "510104"'),
        ("510000", "disclosure.min_cell", 15, 'overrides.0.area is "510000"'),
    ],
)
def test_override_outside_its_bounds_is_refused(area, path, value, says):
    assert says in refuse(with_overrides({"area": area, "path": path, "value": value}, bounds=BOUNDS))


@pytest.mark.parametrize("value", [10, 11, 19, 20])
def test_override_holds_in_its_city_only(value):
    raw = with_overrides({"area": "510100", "path": "disclosure.min_cell", "value": value}, bounds=BOUNDS)
    policy = build_policy(raw, name="draft")
    assert policy.for_city("510100").disclosure.min_cell == value
    assert policy.for_city("510300").disclosure.min_cell == 10


@pytest.mark.parametrize(
    ("path", "low", "high", "says"),
    [
        ("disclosure.min_cell", 1, 20, "must lie in order inside 2 to 100"),
        ("disclosure.min_cell", 20, 10, "must lie in order inside 2 to 100"),
        ("risk_area.rule_set", 1, 2, "names no integer threshold"),
        ("risk_area.high_requires_cluster", 0, 1, "names no integer threshold"),
        ("nowhere.at_all", 1, 2, "names no integer threshold"),
    ],
)
def test_bounds_of_overrides_are_checked(path, low, high, says):
    assert says in refuse(with_overrides(bounds={path: {"override_min": low, "override_max": high}}))


def test_override_that_contradicts_the_rest_of_the_city_is_refused():
    bounds = {"risk_area.window_days": {"override_min": 7, "override_max": 21}}
    raw = with_overrides({"area": "510100", "path": "risk_area.window_days", "value": 7}, bounds=bounds)
    assert "overrides 510100 clear_days_high is 14: must equal window_days (7)" in refuse(raw)


def test_diff_names_each_field_once():
    changed = content()
    changed["version"] = 2
    changed["risk_area"]["high_min_cumulative_cases"] = 60
    changed["colours"].reverse()
    changed["health_code"]["rows"] = [
        row for row in changed["health_code"]["rows"] if row["reason_code"] != "emergency_yellow"
    ]
    near = next(row for row in changed["health_code"]["rows"] if row["reason_code"] == "near_risk_area")
    near |= {"tests_required": 2, "tests_min_gap_hours": 24}
    after = build_policy(json.dumps(changed), name="draft")
    changes = diff_policies(load_baseline(), after)
    assert [c for c in changes if "emergency_yellow" not in c.path] == [
        Change("version", 1, 2),
        Change("risk_area.high_min_cumulative_cases", 51, 60),
        Change("health_code.rows.near_risk_area.tests_required", 1, 2),
        Change("health_code.rows.near_risk_area.tests_min_gap_hours", None, 24),
    ]
    assert {c.kind for c in changes if "emergency_yellow" in c.path} == {"removed"}
    assert {c.kind for c in diff_policies(after, load_baseline()) if "emergency_yellow" in c.path} == {
        "added"
    }


def test_diff_of_a_policy_with_itself_is_empty():
    assert diff_policies(load_baseline(), build_policy(json.dumps(copy.deepcopy(content())), name="x")) == ()
