"""The door and its cache: exact params, one key for each reader, one computation at a time, bounds."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from dashboard.errors import OutOfScope
from queries.cache import ResultCache
from queries.catalog import QuestionError
from queries.codes import get_colours_by_area
from queries.run import View, cache_info, clear_cache, remember, run
from tests.queries.worlds import MIANYANG, SICHUAN, view_of
from tests.tiny import DAY1, DAY2, FUCHENG, WUHOU, build_tiny


@pytest.fixture
def tiny(tmp_path: Path) -> tuple[Path, str]:
    clear_cache()
    return tmp_path, build_tiny(tmp_path).id


def _cache(*, entries: int = 10, size: int = 1000) -> ResultCache[str]:
    return ResultCache(max_entries=entries, max_bytes=size, weigh=len)


@pytest.mark.parametrize("params", [{}, {"date": DAY1}, {"date": DAY1, "members": (), "more": 1}])
def test_params_must_be_those_of_the_header(tiny: tuple[Path, str], params: dict[str, object]) -> None:
    with pytest.raises(QuestionError, match="takes"):
        run(view_of(*tiny), "codes_by_area", **params)  # type: ignore[arg-type]


def test_a_param_is_a_value_and_never_sql(tiny: tuple[Path, str]) -> None:
    evil = "510107') OR true --"
    assert run(view_of(*tiny), "codes_by_area", members=(evil,), date=DAY1) == ()


def test_same_question_is_answered_from_the_cache(tiny: tuple[Path, str]) -> None:
    first = run(view_of(*tiny), "codes_by_area", members=(WUHOU,), date=DAY1)
    again = run(view_of(*tiny), "codes_by_area", members=(WUHOU,), date=DAY1)
    info = cache_info()
    assert again is first
    assert (info.hits, info.misses, info.entries) == (1, 1, 1)
    assert info.bytes > 0


def test_nobody_is_served_the_rows_of_another_scope(tiny: tuple[Path, str]) -> None:
    members = (WUHOU, FUCHENG)
    seen = {
        root: {row[0] for row in run(view_of(*tiny, root), "codes_by_area", members=members, date=DAY1)}
        for root in (SICHUAN, WUHOU, MIANYANG, SICHUAN)
    }
    assert seen == {SICHUAN: {WUHOU, FUCHENG}, WUHOU: {WUHOU}, MIANYANG: {FUCHENG}}


def test_another_day_snapshot_or_folder_is_another_question(tiny: tuple[Path, str], tmp_path: Path) -> None:
    other = tmp_path / "other"
    ids = [build_tiny(other).id, build_tiny(other, without=("scan_hourly",)).id]
    for view in (view_of(*tiny), view_of(other, ids[0]), view_of(other, ids[1])):
        for day in (DAY1, DAY2):
            run(view, "codes_by_area", members=(WUHOU,), date=day)
    assert (cache_info().hits, cache_info().misses) == (0, 6)


@pytest.mark.parametrize("name", ["codes_by_area", "feed_states", "areas"])
def test_an_empty_scope_gets_nothing_not_even_tables_without_areas(tiny: tuple[Path, str], name: str) -> None:
    view = view_of(*tiny, "999999")
    params = {"members": (WUHOU,), "date": DAY1} if name == "codes_by_area" else {}
    with pytest.raises(OutOfScope):
        run(view, name, **params)  # type: ignore[arg-type]


def test_without_the_check_the_views_still_give_an_empty_scope_no_row(tiny: tuple[Path, str]) -> None:
    view: View = view_of(*tiny, "999999")
    with view.store.cursor(view.scope, view.snapshot_id) as cursor:
        assert cursor.execute("SELECT count(*) FROM code_stock").fetchone() == (0,)


def test_many_who_ask_at_once_share_one_computation() -> None:
    cache, calls, answers = _cache(), [], []

    def compute() -> str:
        calls.append(1)
        time.sleep(0.05)
        return "rows"

    threads = [threading.Thread(target=lambda: answers.append(cache.get("k", compute))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    assert answers == ["rows"] * 8
    assert len(calls) == 1
    assert (cache.info().hits, cache.info().misses) == (7, 1)


def test_a_failure_is_not_kept_and_everyone_gets_his_own() -> None:
    cache, started = _cache(), threading.Event()
    errors: list[str] = []

    def fail() -> str:
        started.set()
        time.sleep(0.02)
        raise OSError("disk")

    def ask() -> None:
        try:
            cache.get("k", fail)
        except OSError as error:
            errors.append(str(error))

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    assert started.is_set()
    assert errors == ["disk"] * 3
    assert cache.get("k", lambda: "mended") == "mended"


def test_an_empty_answer_is_an_answer() -> None:
    cache: ResultCache[tuple[int, ...]] = ResultCache(max_entries=2, max_bytes=100, weigh=len)
    cache.get("k", tuple)
    assert cache.get("k", lambda: (1,)) == ()


def test_the_least_recently_used_goes_first() -> None:
    cache = _cache(entries=2)
    for key in ("a", "b", "a", "c"):
        cache.get(key, lambda: "x")
    assert cache.get("a", lambda: "new") == "x"
    assert cache.get("b", lambda: "new") == "new"
    assert cache.info().entries == 2


def test_bytes_are_bounded_and_a_giant_is_not_kept() -> None:
    cache = _cache(size=100)
    for n in range(20):
        cache.get(n, lambda: "x" * 20)
    assert cache.info().bytes <= 100
    assert cache.info().evicted == 15
    assert cache.get("giant", lambda: "x" * 60) == "x" * 60
    assert cache.info().entries == 5


def test_a_forked_child_does_not_wait_for_a_thread_it_has_not() -> None:
    cache, inside, leave = _cache(), threading.Event(), threading.Event()

    def slow() -> str:
        inside.set()
        leave.wait(5)
        return "parent"

    thread = threading.Thread(target=lambda: cache.get("k", slow))
    thread.start()
    assert inside.wait(5)
    cache.restart()  # what a child does after the fork, here beside the thread under way
    assert cache.get("k", lambda: "child") == "child"
    leave.set()
    thread.join(5)


def test_a_kept_answer_is_one_readers_alone(tiny: tuple[Path, str]) -> None:
    made = {
        (root, cells): remember(view_of(*tiny, root), "n", lambda r=root, c=cells: ((r, c),), min_cell=cells)
        for _ in range(2)
        for root in (SICHUAN, MIANYANG)
        for cells in (5, 10)
    }
    assert all(answer == (key,) for key, answer in made.items())


def test_changing_min_cell_changes_the_answer(tiny: tuple[Path, str]) -> None:
    shown = [
        get_colours_by_area(view_of(*tiny), area=WUHOU, date=DAY2, level="county", min_cell=cells)[0].colours
        for cells in (10, 100, 10)
    ]
    assert shown[0] == shown[2] != shown[1]
