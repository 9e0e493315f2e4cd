"""The incident file: what is accepted, and every sentence over what is not."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from dashboard.errors import InputError
from dashboard.screening.incident import Incident, parse_incident, read_incident
from dashboard.screening.windows import Presence, build_windows, days_touched
from tests.screening_twin import ALL_STEPS, D1, D2, PIDU, incident

DOCS = Path(__file__).resolve().parents[2] / "docs" / "screening.md"
GOOD: dict[str, Any] = {
    "incident": "pidu-1",
    "name_zh": "郫都区疫情",
    "name_en": "Pidu outbreak",
    "area": PIDU,
    "began": "2021-01-08",
    "days": {"first": "2021-01-08", "last": "2021-01-09"},
    "window": {"before_minutes": 30, "after_minutes": 120},
    "index_venues": [{"venue_id": "V1", "day": "2021-01-08", "from": "18:30", "to": "20:00"}],
}


def parse(changes: dict[str, Any]) -> Incident:
    return parse_incident(json.dumps(GOOD | changes), name="outbreak.json", kind="json")


def test_example_of_the_manual_is_valid(tmp_path: Path) -> None:
    toml = DOCS.read_text(encoding="utf-8").split("```toml\n")[1].split("```")[0]
    path = tmp_path / "outbreak.toml"
    path.write_text(toml, encoding="utf-8")
    asked = read_incident(path)
    assert {step.kind for step in asked.steps} == {str(step["kind"]) for step in ALL_STEPS}
    assert asked.index_persons
    assert asked.index_venues


def test_manual_names_every_field() -> None:
    text = DOCS.read_text(encoding="utf-8")
    models = [Incident, *{type(step) for step in incident(steps=ALL_STEPS).steps}]
    fields = {name for model in models for name in model.model_fields if name != "kind"}
    assert [name for name in sorted(fields) if f"{name} =" not in text and f"[{name}]" not in text] == []


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"incident": "../up"}, "incident is"),
        ({"incident": ""}, "incident is"),
        ({"name_zh": 7}, "name_zh is 7"),
        ({"area": "510100"}, "area is '510100': must be the code of a county"),
        ({"area": "110101"}, "area is '110101': must be the code of a county"),
        ({"began": "8 January"}, "began is"),
        ({"ended": "2021-01-07"}, "ended is 2021-01-07: must not lie before began"),
        ({"colour": "red"}, "colour is .*no such field"),
        ({"days": {"first": "2021-01-09", "last": "2021-01-08"}}, "must not lie before first"),
        ({"days": {"first": "2021-01-01", "last": "2021-03-31"}}, "at most 60 days"),
        ({"days": GOOD["days"] | {"missing": ["2021-02-01"]}}, "missing is 2021-02-01: must lie from"),
        ({"days": GOOD["days"] | {"missing": ["2021-01-08"]}}, "which days.missing names too"),
        ({"days": {"first": "2021-01-08"}}, "days.last is missing"),
        ({"window": {"before_minutes": -1, "after_minutes": 0}}, "window.before_minutes is -1"),
        ({"window": {"before_minutes": 0, "after_minutes": 1441}}, "window.after_minutes is 1441"),
        ({"window": {"before_minutes": "30", "after_minutes": 0}}, "before_minutes is .*whole number"),
        ({"window": {"before_minutes": 1.5, "after_minutes": 0}}, "before_minutes is 1.5"),
        ({"window": GOOD["window"] | {"min_overlap_minutes": 5}}, "must not exceed stay_minutes"),
        ({"index_venues": []}, "name index persons, index venues, or both"),
        ({"index_persons": ["k", "k"]}, "names somebody twice"),
        (
            {"index_venues": [GOOD["index_venues"][0] | {"day": "2021-01-10"}]},
            "index_venues.0.day is 2021-01-10: must lie from 2021-01-08 to 2021-01-09",
        ),
        ({"index_venues": [GOOD["index_venues"][0] | {"to": "25:00"}]}, "to is '25:00': must be a time"),
        ({"index_venues": [GOOD["index_venues"][0] | {"from": "9:00"}]}, "from is '9:00': must be a time"),
        ({"index_venues": [GOOD["index_venues"][0] | {"to": "18:30"}]}, "must differ from 'from'"),
        ({"steps": [{"kind": "magic"}]}, "steps.0"),
        ({"steps": [{"kind": "in_province"}]}, "feed is missing"),
        ({"steps": [{"kind": "in_province", "feed": "rumour"}]}, "feed is .rumour.*left_province"),
        ({"steps": [{"kind": "co_presences", "at_least": 1}]}, "at_least is 1"),
        ({"steps": [{"kind": "not_under_control", "colours": []}]}, "colours is"),
        ({"steps": [{"kind": "dwell", "at_least_minutes": 5}] * 2}, "dwell 2 times"),
    ],
)
def test_bad_incident_is_named(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError, match=says) as raised:
        parse(changes)
    assert "outbreak.json" in str(raised.value)


def test_every_problem_is_said_at_once() -> None:
    with pytest.raises(InputError) as raised:
        parse({"area": "1", "ended": "2020-01-01", "index_venues": []})
    assert [word in str(raised.value) for word in ("area", "ended", "index_venues")] == [True] * 3


@pytest.mark.parametrize(
    ("text", "kind", "says"),
    [
        ("incident = ", "toml", "not readable TOML"),
        ("{", "json", "not readable JSON"),
        ('{"incident": "a", "incident": "b"}', "json", "stated twice"),
        ("a = 2021-01-08T10:00:00", "toml", "write days as"),
        ("a = 10:00:00", "toml", "write days as"),
        ('["secret-key"]', "json", "must hold named fields"),
    ],
)
def test_unreadable_text(text: str, kind: str, says: str) -> None:
    with pytest.raises(InputError, match=says) as raised:
        parse_incident(text, name="outbreak", kind=kind)
    assert "secret-key" not in str(raised.value)


@pytest.mark.parametrize(
    "keys", [["secret-key", 7], ["secret-key", ["secret-key"]], "secret-key", [""], {"a": "secret-key"}]
)
def test_keys_of_index_persons_are_never_repeated(keys: Any) -> None:
    with pytest.raises(InputError, match="index_persons") as raised:
        parse({"index_persons": keys})
    assert "secret-key" not in str(raised.value)


@pytest.mark.parametrize("name", ["outbreak.yaml", "absent.toml"])
def test_files_that_cannot_be_read(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=name):
        read_incident(tmp_path / name)


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_bytes("name_zh = '成都'".encode("gb18030"))
    with pytest.raises(InputError, match="cannot be read"):
        read_incident(path)


def moment(text: str) -> datetime:
    return datetime.fromisoformat(f"2021-01-{text}")


def test_windows_of_one_venue_that_touch_are_one() -> None:
    rule = incident(window={"before_minutes": 10, "after_minutes": 10}).window
    spans = [("V1", "08 10:00", "08 10:30"), ("V1", "08 10:50", "08 11:00"), ("V1", "08 11:21", "08 11:30")]
    windows = build_windows(
        [Presence(v, moment(a), moment(b)) for v, a, b in [*spans, ("V2", "08 10:00", "08 10:30")]], rule
    )
    assert [(w.number, w.venue_id, w.low, w.high) for w in windows] == [
        (0, "V1", moment("08 09:50"), moment("08 11:10")),
        (1, "V1", moment("08 11:11"), moment("08 11:40")),
        (2, "V2", moment("08 09:50"), moment("08 10:40")),
    ]
    late = build_windows([Presence("V1", moment("08 23:50"), moment("08 23:55"))], rule)
    assert days_touched(late) == (D1, D2)


def test_index_venue_too_short_for_the_overlap_is_named() -> None:
    rule = incident(
        window={"before_minutes": 0, "after_minutes": 0, "stay_minutes": 60, "min_overlap_minutes": 30}
    ).window
    with pytest.raises(InputError, match=r"V1 .* shorter than the least overlap of 30"):
        build_windows([Presence("V1", moment("08 10:00"), moment("08 10:29"))], rule)
