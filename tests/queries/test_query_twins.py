"""Every question against its slow plain twin, on the tiny snapshot and on random ones, by scope."""

from __future__ import annotations

from pathlib import Path

import pytest

from dashboard.auth.scope import build_scope
from geo.areas import subtree
from queries.catalog import load_questions
from queries.run import View, run
from tests.queries.preview_worlds import PREVIEW_RULES
from tests.queries.twins import TWINS, Files
from tests.queries.worlds import CHENGDU, DAYS, MIANYANG, SICHUAN, random_tables, view_of, write_world
from tests.tiny import DAY1, DAY2, build_tiny

SEEDS = range(6)
# Scope and area asked: the second is inside the first. The last one asks beyond its scope on purpose:
# the views keep the rest away also from a caller that forgot to check.
ASKED = [
    ((SICHUAN,), SICHUAN),
    ((SICHUAN,), CHENGDU),
    ((CHENGDU,), CHENGDU),
    ((MIANYANG, "510107"), "510703"),
    (("5101F1",), "5101F1"),
    (("510107", "510703"), SICHUAN),
]


@pytest.fixture(scope="session")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, str]]:
    root = tmp_path_factory.mktemp("worlds")
    found = {"tiny": (root, build_tiny(root).id)}
    for seed in SEEDS:
        found[f"random{seed}"] = (root, write_world(root, random_tables(seed)))
    return found


def _params(name: str, members: tuple[str, ...], world: str, area: str = SICHUAN) -> list[dict[str, object]]:
    pairs = (
        [(DAY1, DAY2)] if world == "tiny" else [(DAYS[2], DAYS[5]), (DAYS[6], DAYS[7]), (DAYS[0], DAYS[-1])]
    )
    values = [
        {
            "area": area,
            "members": members,
            "date": last,
            "compare": first,
            "first": first,
            "last": last,
            "window_days": window,
            "rules": rules,
        }
        for first, last in pairs
        for window in (2, 5)
        for rules in PREVIEW_RULES.get(name, ((),))
    ]
    wanted = load_questions()[name].params
    if name in PREVIEW_RULES:
        # Deciding takes DuckDB longer than counting: each set of rules is asked of one day.
        values = values[:: len(values) - 1]
    # Without a day or a window the same question would be asked again and again.
    return list({repr(v): v for v in ({key: value[key] for key in wanted} for value in values)}.values())


@pytest.mark.parametrize("asked", ASKED, ids=lambda a: f"{'+'.join(a[0])}-{a[1]}")
@pytest.mark.parametrize("world", ["tiny", *(f"random{seed}" for seed in SEEDS)])
@pytest.mark.parametrize("name", sorted(load_questions()))
def test_sql_and_its_plain_twin_agree(
    worlds: dict[str, tuple[Path, str]], name: str, world: str, asked: tuple[tuple[str, ...], str]
) -> None:
    (root, snapshot_id), (roots, area) = worlds[world], asked
    view = view_of(root, snapshot_id, *roots)
    files = Files(root / snapshot_id, build_scope(roots).codes)
    for params in _params(name, tuple(sorted(subtree(area))), world, area):
        assert list(run(view, name, **params)) == TWINS[name](files, **params)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", sorted(load_questions()))
def test_the_random_snapshots_give_every_question_rows(
    worlds: dict[str, tuple[Path, str]], name: str
) -> None:
    """An empty answer agrees with anything, so agreement is worth nothing without rows."""
    members = tuple(sorted(subtree(SICHUAN)))
    for world in ("random0", "random1"):
        view: View = view_of(*worlds[world])
        assert any(run(view, name, **params) for params in _params(name, members, world))  # type: ignore[arg-type]
