"""Cursors that are used again: for the same snapshot and scope, when nothing could have changed."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from dashboard.auth.scope import build_scope
from dashboard.snapshot.manifest import Manifest
from dashboard.snapshot.store import Store
from tests.tiny import CHENGDU, MIANYANG, SICHUAN, build_tiny

PROVINCE, CITY, OTHER = build_scope([SICHUAN]), build_scope([CHENGDU]), build_scope([MIANYANG])
AREAS = "SELECT DISTINCT area FROM code_stock ORDER BY area"


@pytest.fixture
def opened(tmp_path: Path) -> tuple[Store, Manifest]:
    manifest = build_tiny(tmp_path)
    return Store(tmp_path), manifest


def used(store: Store, manifest: Manifest, how: str) -> duckdb.DuckDBPyConnection | None:
    with store.cursor(PROVINCE, manifest.id) as reader:
        cursor = reader._cursor
        if how == "relation":
            reader.sql(AREAS).fetchall()
        elif how == "row":
            reader.execute(AREAS).fetchone()
        else:
            reader.execute(AREAS).fetchall()
    return cursor


@pytest.mark.parametrize(("how", "again"), [("all", True), ("row", False), ("relation", False)])
def test_a_cursor_is_used_again_only_when_its_answers_were_read(
    opened: tuple[Store, Manifest], how: str, again: bool
) -> None:
    store, manifest = opened
    first = used(store, manifest, how)
    assert (used(store, manifest, "all") is first) == again


def test_a_failed_cursor_is_not_used_again(opened: tuple[Store, Manifest]) -> None:
    store, manifest = opened
    first = used(store, manifest, "all")
    with pytest.raises(duckdb.Error), store.cursor(PROVINCE, manifest.id) as reader:
        reader.execute("SELECT nothing_of_that_name FROM code_stock")
    assert used(store, manifest, "all") is not first


def test_each_scope_has_cursors_of_its_own(opened: tuple[Store, Manifest]) -> None:
    store, manifest = opened
    for _ in range(3):
        for scope in (PROVINCE, CITY, OTHER):
            with store.cursor(scope, manifest.id) as reader:
                seen = {str(area) for (area,) in reader.execute(AREAS).fetchall()}
            assert seen
            assert seen <= scope.codes


def test_nothing_is_read_after_the_block(opened: tuple[Store, Manifest]) -> None:
    store, manifest = opened
    with store.cursor(PROVINCE, manifest.id) as reader:
        rows = reader.execute(AREAS)
        rows.fetchall()
    for read in (rows.fetchall, rows.fetchone, lambda: reader.execute(AREAS)):
        with pytest.raises(duckdb.ConnectionException):
            read()


def test_few_cursors_are_kept(opened: tuple[Store, Manifest], monkeypatch: pytest.MonkeyPatch) -> None:
    store, manifest = opened
    monkeypatch.setattr("dashboard.snapshot.store.KEPT_AT_MOST", 2)
    for scope in (PROVINCE, CITY, OTHER, PROVINCE, CITY):
        with store.cursor(scope, manifest.id) as reader:
            reader.execute(AREAS).fetchall()
        assert sum(map(len, store._kept.values())) <= 2
