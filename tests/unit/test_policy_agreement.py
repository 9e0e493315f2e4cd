"""One rule, three engines: Python, DuckDB and the packaged Rego answer alike on random policies and facts."""

from __future__ import annotations

import json
import time
from itertools import product

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from regopy import Interpreter

from dashboard.envelope.rego_module import packaged_rego, rego_text
from dashboard.policy.decide import area_limits, code_limits, decide, silent_limits
from dashboard.policy.decide_sql import columns, emit_case, emit_usable, expand
from dashboard.policy.decision import Value, apply
from dashboard.policy.document import canonical_json
from dashboard.policy.model import Policy
from dashboard.policy.store import load_baseline, load_presets
from dashboard.policy.tables import TABLES
from tests.policies import changed, with_row

REGO = packaged_rego()
POLICY_ASKS = 12  # questions for each random policy: making the engine costs more than asking it


# --- random policies and questions ---------------------------------------------------------------


def _document(draw: st.DrawFn) -> dict:
    """A whole valid policy document with every threshold that decides drawn anew."""
    raw = json.loads(canonical_json(load_baseline()))
    rule = draw(st.sampled_from(sorted(load_presets())))
    risk = load_presets()[rule].risk_area.model_dump(exclude_none=True)
    if rule == "county-14d":
        window, medium = draw(st.integers(1, 20)), draw(st.integers(1, 5))
        risk |= {
            "window_days": window,
            "clear_days_high": window,
            "clear_days_medium": window,
            "medium_min_new_cases": medium,
            "high_min_cumulative_cases": medium + draw(st.integers(0, 5)),
            "high_requires_cluster": draw(st.booleans()),
        }
    else:
        risk["window_days"] += draw(st.integers(0, 3))
    raw["risk_area"] = risk
    for row in raw["health_code"]["rows"]:
        if row["reason_code"] == "no_risk":
            continue
        release = draw(st.sampled_from(("time", "tests", "declared")))
        for name in ("hold_days", "tests_required", "tests_min_gap_hours"):
            row.pop(name, None)
        row["release"] = release
        row["hold_from"] = draw(st.sampled_from(("event", "discharge")))
        if release == "time" or draw(st.booleans()):
            row["hold_days"] = draw(st.integers(1, 4))
        if release == "tests":
            row["tests_required"] = draw(st.integers(1, 3))
            if row["tests_required"] > 1:
                row["tests_min_gap_hours"] = draw(st.integers(1, 48))
    raw["nucleic_test"]["basis"] = draw(st.sampled_from(("sampled", "tested", "reported")))
    raw["nucleic_test"]["validity_hours"]["school"] = draw(st.integers(1, 60))
    raw["scan_alarm"]["max_scans_per_hour"]["school"] = draw(st.integers(1, 60))
    raw["scan_alarm"]["silent_after_hours"] = draw(st.integers(24, 48))
    raw["scan_alarm"]["red_scan_alarm"] = draw(st.booleans())
    bounds, overrides = {}, []
    paths = {"scan_alarm.silent_after_hours": (24, 48)}
    if rule == "county-14d":
        paths |= {"risk_area.medium_min_new_cases": (1, raw["risk_area"]["high_min_cumulative_cases"])}
    else:
        paths |= {"risk_area.window_days": (risk["window_days"], 30)}
    for path, (low, high) in paths.items():
        bounds[path] = {"override_min": low, "override_max": high}
        if draw(st.booleans()):
            overrides.append({"area": "510100", "path": path, "value": draw(st.integers(low, high))})
    raw |= {"override_bounds": bounds, "overrides": overrides, "version": draw(st.integers(1, 99))}
    raw["provenance"] = {
        path: source
        for path, source in raw["provenance"].items()
        if not path.startswith("risk_area.") or path.removeprefix("risk_area.") in risk
    } | {f"risk_area.{name}": "working_default" for name in risk}
    return raw


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    return Policy.model_validate_json(json.dumps(_document(draw)))


def _near(*edges: int) -> st.SearchStrategy[int]:
    return st.sampled_from(sorted({max(0, edge + step) for edge in edges for step in (-1, 0, 1)}))


STRANGE = st.sampled_from([None, True, False, "", "14", "绿", -1, 10**9, 10**30, 1.0, 0.5, [], {}, [3]])


def _questions(policy: Policy) -> st.SearchStrategy[object]:
    rows = {row.reason_code: row for row in policy.health_code.rows}

    def facts(**usual: st.SearchStrategy) -> st.SearchStrategy[dict]:
        # Mostly all facts are usual or missing, else nothing but refusals would be compared.
        whole = st.fixed_dictionaries(usual)
        holes = st.fixed_dictionaries({}, optional=usual)
        strange = st.fixed_dictionaries({}, optional={n: st.one_of(v, v, STRANGE) for n, v in usual.items()})
        return st.one_of(whole, whole, holes, strange)

    risk, hours = policy.risk_area, policy.nucleic_test.validity_hours["school"]
    holds = [row.hold_days * 24 for row in rows.values() if row.hold_days]
    gaps = [row.tests_min_gap_hours for row in rows.values() if row.tests_min_gap_hours]
    area = st.sampled_from(["510104", "510100", "5101F1", "510302", "510000", "5101", "51010x"])
    category = st.sampled_from(["school", "school", "temple"])
    since = _near(hours)
    asks = {
        "area_level": facts(
            area=area,
            new_cases_in_window=_near(0, risk.medium_min_new_cases or 0),
            cumulative_cases=_near(0, risk.high_min_cumulative_cases or 3),
            has_cluster=st.booleans(),
            days_since_last_case=_near(risk.window_days, risk.days_to_low),
            window_days=st.just(risk.window_days),
        ),
        "code": facts(
            reason_code=st.sampled_from([*rows, "sneezed"]),
            hours_since_start=_near(*holds, 0),
            hours_since_discharge=_near(*holds, 0),
            negative_tests=st.integers(0, 4),
            gap_hours=_near(*gaps, 24),
            declared=st.booleans(),
        ),
        "test": facts(
            category=category,
            hours_since_sampled=since,
            hours_since_tested=since,
            hours_since_reported=since,
        ),
        "venue": facts(
            category=category,
            area=area,
            scans_in_hour=_near(policy.scan_alarm.max_scans_per_hour["school"]),
            silent_hours=_near(policy.scan_alarm.silent_after_hours, 24),
            red_scan=st.booleans(),
        ),
    }
    usual = st.one_of(*(made.map(lambda f, ask=ask: {"ask": ask, **f}) for ask, made in asks.items()))
    return st.one_of(usual, usual, usual, usual, usual, STRANGE, st.builds(lambda x: {"ask": x}, STRANGE))


# --- Python and Rego -----------------------------------------------------------------------------


def rego_engine(*versions: dict) -> tuple[Interpreter, object]:
    engine = Interpreter()
    engine.add_module("policy.rego", REGO)
    engine.add_data_json(json.dumps({"tianfu": {"thresholds": {"versions": list(versions)}}}))
    return engine, engine.build(None, ["tianfu/policy/answer"])


def ask_rego(engine: tuple[Interpreter, object], asked: object) -> object:
    interpreter, bundle = engine
    # As text: only so does 1.0 reach the engine as it would reach a service.
    interpreter.set_input_term(json.dumps(asked, ensure_ascii=False))
    answers = json.loads(str(interpreter.query_bundle_entrypoint(bundle, "tianfu/policy/answer")))
    (answer,) = answers["expressions"]
    return answer


def entry(policy: Policy, *, begins: int = -60, ends: int | None = None) -> dict:
    now = int(time.time())
    return {
        "version": policy.version,
        "effective_at_s": now + begins,
        "expires_at_s": None if ends is None else now + ends,
        "thresholds": json.loads(canonical_json(policy)),
    }


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_python_and_rego_answer_alike(data):
    policy = data.draw(policies())
    engine = rego_engine(entry(policy))
    for asked in data.draw(st.lists(_questions(policy), min_size=POLICY_ASKS, max_size=POLICY_ASKS)):
        heard = json.loads(json.dumps(asked))
        assert ask_rego(engine, asked) == decide(policy, heard), asked


@pytest.mark.parametrize(
    ("entries", "version"),
    [
        ([], None),
        ([(3, -60, None)], 3),
        ([(3, 60, None)], None),
        ([(3, -60, None), (4, -30, None)], 4),
        ([(3, -60, None), (4, 60, None)], 3),  # scheduled
        ([(3, -60, None), (4, -30, -10)], 3),  # an emergency that ended
        ([(3, -60, None), (4, -30, 60)], 4),  # an emergency that has not
        ([(3, -60, -10), (4, 60, None)], None),
    ],
)
def test_rego_takes_the_version_the_clock_says(entries, version):
    made = [
        entry(load_baseline().model_copy(update={"version": number}), begins=begins, ends=ends)
        for number, begins, ends in entries
    ]
    engine = rego_engine(*made)
    policy = load_baseline().model_copy(update={"version": version}) if version else None
    for asked in ({"ask": "code", "reason_code": "no_risk"}, {"ask": "venue"}, {"ask": None}):
        assert ask_rego(engine, asked) == decide(policy, asked)


def test_rego_as_packaged_is_what_the_tables_say():
    assert rego_text() == REGO


# --- Python and SQL ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def duck() -> duckdb.DuckDBPyConnection:
    return duckdb.connect(":memory:")


def ask_sql(duck, name: str, stated: dict, limits: dict[str, Value]) -> dict[str, Value]:
    """The same table by SQL, each fact and limit bound as the type it has."""
    facts, bounds = columns(TABLES[name])
    fields = TABLES[name].gives
    select = ", ".join(f"{emit_case(name, field, 'f', 'l')} AS {field}" for field in fields)
    f = ", ".join(f"$fact_{fact} AS {fact}" for fact in facts)
    m = ", ".join(f"$limit_{limit} AS {limit}" for limit in bounds)
    row = duck.execute(
        f"SELECT {select} FROM (SELECT {emit_usable(name, 'r')} FROM (SELECT {f}) r) f, (SELECT {m}) l",
        {f"fact_{fact}": stated.get(fact) for fact in facts}
        | {f"limit_{limit}": limits[limit] for limit in bounds},
    ).fetchone()
    return dict(zip(fields, row, strict=True))


def _tables_of(policy: Policy, asked: dict) -> dict[str, tuple[dict, dict[str, Value]]]:
    """Facts and limits of every table for one question, as ``decide`` prepares them."""
    category, basis = asked.get("category"), policy.nucleic_test.basis
    of = lambda values: values.get(category) if isinstance(category, str) else None  # noqa: E731
    validity, scans = of(policy.nucleic_test.validity_hours), of(policy.scan_alarm.max_scans_per_hour)
    code = code_limits(policy, asked.get("reason_code"))
    since = "hours_since_discharge" if code["hold_from"] == "discharge" else "hours_since_start"
    return {
        "area_level": (asked, area_limits(policy, asked.get("area"))),
        "code": ({**asked, "hours": asked.get(since)}, code),
        "validity": (
            {**asked, "hours": asked.get(f"hours_since_{basis}")},
            {"category_known": validity is not None, "validity_hours": validity},
        ),
        "crowded": (asked, {"category_known": scans is not None, "max_scans_per_hour": scans}),
        "silent": (asked, silent_limits(policy, asked.get("area"))),
        "red_scan": (asked, {"red_scan_alarm": policy.scan_alarm.red_scan_alarm}),
    }


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_python_and_sql_answer_alike(duck, data):
    policy = data.draw(policies())
    for asked in data.draw(st.lists(_questions(policy), min_size=3, max_size=3)):
        stated = asked if isinstance(asked, dict) else {}
        for name, (facts, limits) in _tables_of(policy, stated).items():
            # DuckDB has no empty list or object without a type; nothing else is left out.
            facts = {k: v for k, v in facts.items() if v not in ([], {})}
            assert ask_sql(duck, name, facts, limits) == apply(TABLES[name], facts, limits), (name, asked)


# --- every reason of every table -----------------------------------------------------------------

LEAST = {"medium_min_new_cases": 3, "high_min_cumulative_cases": 9}
COMPOUND = load_baseline().model_copy(update={"risk_area": load_presets()["compound-7+3"].risk_area})
ROWS = {
    "two_tests": {"release": "tests", "hold_days": 2, "tests_required": 2, "tests_min_gap_hours": 24},
    "doctor": {"release": "declared"},
}


def _with_rows() -> Policy:
    changed_rows = with_row("emergency_yellow", **ROWS["two_tests"])
    return changed(base=with_row("suspected", base=changed_rows, **ROWS["doctor"]), risk_area=LEAST)


NUMBERS = (None, 0, 2, 3, 9, -1)
OVERRIDE = {
    "override_bounds": {"risk_area.medium_min_new_cases": {"override_min": 1, "override_max": 3}},
    "overrides": [{"area": "510100", "path": "risk_area.medium_min_new_cases", "value": 2}],
}
GRID: list[tuple[Policy, str, dict[str, tuple[object, ...]]]] = [
    *(
        (
            policy,
            "area_level",
            {
                "new_cases_in_window": NUMBERS,
                "cumulative_cases": NUMBERS,
                "has_cluster": (None, True, False, 1),
                "days_since_last_case": (None, 0, 9, 10, 13, 14, "x"),
            },
        )
        for policy in (
            _with_rows(),
            changed(risk_area=LEAST | {"high_requires_cluster": False}),
            COMPOUND,
        )
    ),
    (
        changed(**OVERRIDE),
        "area_level",
        {
            "new_cases_in_window": (1, 2),
            "cumulative_cases": (9,),
            "window_days": (None, 14, 13, 15, True),
            "area": (None, "510104", "510302", "x"),
        },
    ),
    (
        _with_rows(),
        "code",
        {
            "reason_code": ("emergency_yellow", "suspected", "close_contact", "no_risk", "sneezed", None, 5),
            "hours_since_start": (None, 47, 48, 49, "48"),
            "negative_tests": (None, 0, 1, 2, True),
            "gap_hours": (None, 23, 24, 1.0),
            "declared": (None, True, False, "yes"),
        },
    ),
    (
        load_baseline(),
        "test",
        {
            "category": ("hospital", "temple", None, 5),
            "hours_since_sampled": (None, 47, 48, False),
            "hours_since_tested": (None, 46, 50),
            "hours_since_reported": (None, 45, "45"),
        },
    ),
    *(
        (
            policy,
            "venue",
            {
                "category": ("school", "temple", None, 5),
                "scans_in_hour": (None, 3000, 3001, "many"),
                "silent_hours": (None, 71, 72, -1),
                "red_scan": (None, True, False, 0),
                "area": (None, "510104", 510104),
            },
        )
        for policy in (
            load_baseline(),
            changed(
                scan_alarm={"red_scan_alarm": False},
                override_bounds={"scan_alarm.silent_after_hours": {"override_min": 24, "override_max": 96}},
                overrides=[{"area": "510100", "path": "scan_alarm.silent_after_hours", "value": 24}],
            ),
        )
    ),
]
BY_ASK = {
    "area_level": ("area_level",),
    "code": ("code",),
    "test": ("validity",),
    "venue": ("red_scan", "crowded", "silent"),
}


def test_every_reason_of_every_table_is_given_alike_by_all_three(duck):
    seen: dict[str, set[str]] = {name: set() for name in TABLES}
    for policy, ask, facts in GRID:
        chosen: dict[tuple[str, str], dict] = {}
        for values in product(*facts.values()):
            asked = {"ask": ask, **dict(zip(facts, values, strict=True))}
            tables = _tables_of(policy, asked)
            for name in BY_ASK[ask]:
                answer = apply(TABLES[name], *tables[name])
                chosen.setdefault((name, str(answer["reason"])), asked)
        engine = rego_engine(entry(policy))
        for (name, reason), asked in chosen.items():
            stated, limits = _tables_of(policy, asked)[name]
            assert ask_rego(engine, asked) == decide(policy, asked)
            assert ask_sql(duck, name, stated, limits) == apply(TABLES[name], stated, limits)
            seen[name].add(reason)
    assert {name: seen[name] for name in TABLES} == {n: set(t.reasons) for n, t in TABLES.items()}


def test_a_question_names_a_decision_by_table_and_field():
    sql = expand("SELECT @decide(red_scan.alarm, f, l) FROM (SELECT @usable(red_scan, r) FROM r) f, l")
    usable, case = emit_usable("red_scan", "r"), emit_case("red_scan", "alarm", "f", "l")
    assert sql == f"SELECT {case} FROM (SELECT {usable} FROM r) f, l"
    with pytest.raises(KeyError):
        expand("@decide(nothing.alarm, f, l)")
