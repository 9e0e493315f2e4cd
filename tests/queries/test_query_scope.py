"""Every typed function under every scope: its own area only, and nothing for others."""

from __future__ import annotations

import ast
import importlib
import inspect
from collections.abc import Callable
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any

import pytest

import queries
from dashboard.errors import BadFilter, OutOfScope
from queries.metrics import get_metric
from tests.policies import BASELINE, changed, with_row
from tests.queries.worlds import CHENGDU, SICHUAN, view_of
from tests.tiny import DAY1, DAY2, FUCHENG, GAOXIN, JINJIANG, WUHOU, build_tiny

# A draft that changes something in every part of an impact preview.
DRAFT = with_row(
    "time_space_overlap",
    hold_days=1,
    base=changed(
        risk_area={"window_days": 2, "clear_days_high": 2, "clear_days_medium": 2},
        nucleic_test={"validity_hours": dict.fromkeys(BASELINE.nucleic_test.validity_hours, 30)},
        scan_alarm={
            "max_scans_per_hour": dict.fromkeys(BASELINE.scan_alarm.max_scans_per_hour, 5),
            "silent_after_hours": 24,
            "red_scan_alarm": False,
        },
    ),
)
VALUES = {
    "before": BASELINE,
    "after": DRAFT,
    "date": DAY2,
    "compare": DAY1,
    "first": DAY1,
    "last": DAY2,
    "level": "county",
    "window_days": 2,
    "table": "case_daily",
    "feed": "cases",
    "measure": "confirmed_new",
    "incident": "wuhou-0829",
    "basis": "sampled",
    "limits": (48,),
}


# They ask nothing by themselves: run what is given, or choose the snapshot it is asked of.
NO_QUESTION = ("run", "decided")


def _typed_functions() -> dict[str, Callable[..., Any]]:
    """Public functions of ``queries`` whose first parameter is a view."""
    found = {}
    for path in sorted(Path(queries.__file__).parent.glob("*.py")):
        module = importlib.import_module(f"queries.{path.stem}")
        for name, function in inspect.getmembers(module, inspect.isfunction):
            if function.__module__ != module.__name__ or name.startswith("_") or path.stem in NO_QUESTION:
                continue
            if next(iter(inspect.signature(function).parameters), "") == "view":
                found[f"{path.stem}.{name}"] = function
    return found


FUNCTIONS = _typed_functions()
BY_AREA = {n: f for n, f in FUNCTIONS.items() if "area" in inspect.signature(f).parameters}
# Feeds have no area; the days of the list and its span come from the manifest and the feed state.
WITHOUT_AREA = {
    "feeds.get_feed_states",
    "feeds.get_feed_rejects",
    "metrics.metric_state",
    "risk.get_list_span",
    "risk.get_list_days",
    "risk.is_listed_day",
    # Calls come in for the whole province and say nothing of an area.
    "hotline.get_call_trend",
    "hotline.get_call_figures",
    "hotline.get_calls_by_halfhour",
    "preview_venues.full_day",
}


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    root = tmp_path_factory.mktemp("tiny")
    return root, build_tiny(root).id


def _ask(function: Callable[..., Any], tiny: tuple[Path, str], area: str, *roots: str) -> Any:
    names = inspect.signature(function).parameters
    given = {key: value for key, value in VALUES.items() if key in names}
    return function(view_of(*tiny, *roots), area=area, **given)


def _codes(value: object) -> set[str]:
    """Area codes anywhere inside an answer."""
    if is_dataclass(value) and not isinstance(value, type):
        return _codes(list(asdict(value).items()))
    if isinstance(value, dict):
        return _codes(list(value.items()))
    if isinstance(value, (tuple, list)):
        return set().union(*(_codes(part) for part in value)) if value else set()
    return {value} & {WUHOU, JINJIANG, FUCHENG, GAOXIN} if isinstance(value, str) else set()


def test_every_function_takes_an_area_or_is_known_to_need_none() -> None:
    assert len(BY_AREA) >= 20
    assert FUNCTIONS.keys() - BY_AREA.keys() == WITHOUT_AREA


@pytest.mark.parametrize("name", sorted(BY_AREA))
@pytest.mark.parametrize("area", [FUCHENG, GAOXIN, CHENGDU, SICHUAN, "510900", "nowhere", ""])
def test_an_area_outside_the_scope_is_refused(tiny: tuple[Path, str], name: str, area: str) -> None:
    with pytest.raises(OutOfScope):
        _ask(BY_AREA[name], tiny, area, WUHOU)


@pytest.mark.parametrize("name", sorted(BY_AREA))
def test_an_empty_scope_is_refused(tiny: tuple[Path, str], name: str) -> None:
    with pytest.raises(OutOfScope):
        _ask(BY_AREA[name], tiny, WUHOU, "nowhere")


@pytest.mark.parametrize("name", sorted(BY_AREA))
def test_a_county_scope_names_its_county_only(tiny: tuple[Path, str], name: str) -> None:
    assert _codes(_ask(BY_AREA[name], tiny, WUHOU, WUHOU)) <= {WUHOU}


@pytest.mark.parametrize("name", sorted(BY_AREA))
def test_a_county_is_told_the_same_by_every_scope_that_holds_it(tiny: tuple[Path, str], name: str) -> None:
    own = _ask(BY_AREA[name], tiny, WUHOU, WUHOU)
    assert own == _ask(BY_AREA[name], tiny, WUHOU, CHENGDU) == _ask(BY_AREA[name], tiny, WUHOU, SICHUAN)
    assert own == _ask(BY_AREA[name], tiny, WUHOU, WUHOU, FUCHENG)


@pytest.mark.parametrize(
    "name", sorted(n for n, f in BY_AREA.items() if "level" in inspect.signature(f).parameters)
)
def test_a_county_has_no_cities_and_never_stands_for_its_own(tiny: tuple[Path, str], name: str) -> None:
    names = inspect.signature(BY_AREA[name]).parameters
    given = {key: value for key, value in VALUES.items() if key in names} | {"level": "city"}
    with pytest.raises(BadFilter, match="inside a city"):
        BY_AREA[name](view_of(*tiny, SICHUAN), area=WUHOU, **given)


@pytest.mark.parametrize("name", sorted(WITHOUT_AREA))
def test_what_has_no_area_is_still_kept_from_an_empty_scope(tiny: tuple[Path, str], name: str) -> None:
    extra = {"metric": get_metric("holders")} if name == "metrics.metric_state" else {}
    extra |= {key: VALUES[key] for key in inspect.signature(FUNCTIONS[name]).parameters if key in VALUES}
    FUNCTIONS[name](view_of(*tiny, WUHOU), **extra)
    with pytest.raises(OutOfScope):
        FUNCTIONS[name](view_of(*tiny, "nowhere"), **extra)


ROOT = Path(queries.__file__).parents[1]
OUTSIDE = sorted(p for room in ("dashboard", "pages", "geo") for p in (ROOT / room).rglob("*.py"))


@pytest.mark.parametrize("path", OUTSIDE, ids=lambda p: str(p.relative_to(ROOT)))
def test_nobody_outside_asks_past_disclosure_control(path: Path) -> None:
    """``run`` and ``read`` give counts as stored; only this layer may hold them."""
    taken = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module == "queries.run":
            taken |= {name.name for name in node.names}
        elif isinstance(node, ast.Import):
            taken |= {name.name for name in node.names if name.name == "queries.run"}
        elif isinstance(node, ast.ImportFrom) and node.module == "queries":
            taken |= {name.name for name in node.names if name.name == "run"}
        if isinstance(node, ast.ImportFrom) and node.module == "queries.codes":
            assert "get_colour_counts" not in {name.name for name in node.names}
    assert taken <= {"View", "cache_info", "clear_cache"}
