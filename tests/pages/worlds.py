"""The snapshots the walkers walk over: whole, with one table missing, with planted figures, with formulas.

The planted ones answer one question: does anything a person gets depend on rows outside the scope?
``planted`` gives every area outside 武侯区 figures beyond a thousand million and every area outside
成都市 figures beyond a million million; ``planted-wuhou`` and ``planted-chengdu`` differ from it in
rows outside that area alone. Whatever is equal on both cannot tell what stands in those rows.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from dashboard.demo.generate import generate
from dashboard.snapshot.build import build_snapshot
from dashboard.snapshot.contract import TABLE_BY_NAME, TABLES
from dashboard.snapshot.publish import write_snapshot
from geo.areas import subtree
from queries.catalog import load_questions
from tests.tiny import BUILT_AT, CHENGDU, DATA_TIME, JINJIANG, SICHUAN, WUHOU, build_tiny, tiny_tables

COUNTY_MARK, CITY_MARK = 10**9, 10**12
FORMULAS = (
    "=cmd|'/C calc'!A0",
    "+1+1",
    "-2+3",
    "@SUM(1)",
    "\t=1+1",
    "\r=1+1",
    '=HYPERLINK("http://example.org","看")',
    "＝1+1",
)
# Tables that some question of a page reads; what no page shows yet cannot be missed on a page.
# The impact preview asks of a draft, and here nobody drafts.
READ = {name for q in load_questions().values() if not q.name.startswith("preview_") for name in q.reads}
TABLE_NAMES = tuple(table.name for table in TABLES if table.name != "area" and table.name in READ)

Tables = dict[str, pl.DataFrame]


def build_worlds(root: Path, demo_input: Path) -> dict[str, str]:
    """Write all of them below ``root``; returns their ids by name."""
    ids = {"full": build_tiny(root).id}
    for name in TABLE_NAMES:
        rest = {key: table for key, table in tiny_tables().items() if key != name}
        ids[f"without-{name}"] = _write(root, rest if name == "feed_state" else tiny_tables(without=[name]))
    ids["planted"] = _write(root, planted())
    ids["planted-wuhou"] = _write(root, changed_outside(planted(), WUHOU))
    ids["planted-chengdu"] = _write(root, changed_outside(planted(), CHENGDU))
    ids["formulas"] = _write(root, with_formulas())
    generate(demo_input / "input", scale="tiny")
    ids["demo"] = build_snapshot(input_dir=demo_input / "input", out=root).manifest.id
    return ids


def planted() -> Tables:
    """The tiny tables with figures that tell from which area they come."""
    return {
        name: _marked(_marked(table, name, WUHOU, 7 * COUNTY_MARK), name, CHENGDU, 9 * CITY_MARK)
        for name, table in tiny_tables().items()
    }


def changed_outside(tables: Tables, area: str) -> Tables:
    """The same tables, changed in every row outside ``area``: figures, places, which areas have none."""
    return {name: _shuffled(table, name, area) for name, table in tables.items()}


def with_formulas() -> Tables:
    """Places and notes whose text a spreadsheet would run."""
    tables = tiny_tables()
    one = tables["risk_place"].filter(pl.col("area") == WUHOU).head(1)
    places = [
        one.with_columns(pl.lit(f"p-formula-{n}").alias("place_id"), pl.lit(text).alias("text"))
        for n, text in enumerate(FORMULAS)
    ]
    tables["risk_place"] = pl.concat([tables["risk_place"], *places])
    feeds = tables["feed_state"].with_columns(
        pl.lit(FORMULAS[0]).alias("note"), pl.lit(FORMULAS[3]).alias("department")
    )
    return tables | {"feed_state": feeds}


def _counts(name: str) -> list[str]:
    spec = TABLE_BY_NAME[name]
    return [c.name for c in spec.columns if c.type == "BIGINT" and c.name not in spec.key]


def _where(name: str, area: str) -> pl.Expr | None:
    """The rows outside ``area``, or None for a table that is not by area."""
    columns = [c.name for c in TABLE_BY_NAME[name].columns]
    code = "code" if name == "area" else "area"
    if name not in ("area",) and "area" not in columns:
        return None
    return ~pl.col(code).is_in(sorted(subtree(area)))


def _marked(table: pl.DataFrame, name: str, area: str, mark: int) -> pl.DataFrame:
    outside = _where(name, area)
    if outside is None:
        return table
    changes = [
        pl.when(outside).then(pl.col(c) % 1000 + mark).otherwise(pl.col(c)).alias(c) for c in _counts(name)
    ]
    if name == "risk_place":
        secret = pl.concat_str(pl.lit("㊙"), pl.col("area"), pl.lit("-"), pl.col("place_id"))
        changes.append(pl.when(outside).then(secret).otherwise(pl.col("text")).alias("text"))
    return table.with_columns(changes)


def _shuffled(table: pl.DataFrame, name: str, area: str) -> pl.DataFrame:
    """As many rows on the same days, since the size of a table is no secret; all else is different."""
    outside = _where(name, area)
    if outside is None:
        return table
    columns = [pl.when(outside).then(pl.col(c) * 3 + 11).otherwise(pl.col(c)).alias(c) for c in _counts(name)]
    if name != "area" and JINJIANG not in subtree(area):
        # Rows of one county become rows of an area that had none, so that reported and not reported swap.
        columns.append(
            pl.when(outside & (pl.col("area") == JINJIANG))
            .then(pl.lit("510105"))
            .otherwise(pl.col("area"))
            .alias("area")
        )
    elif name != "area":
        columns.append(
            pl.when(outside & (pl.col("area") != SICHUAN))
            .then(pl.lit("510704"))
            .otherwise(pl.col("area"))
            .alias("area")
        )
    if name == "risk_place":
        worse = pl.col("level").replace_strict({"high": "low", "medium": "high", "low": "medium"})
        columns += [
            pl.when(outside).then(worse).otherwise(pl.col("level")).alias("level"),
            pl.when(outside)
            .then(pl.concat_str(pl.lit("㊙乙"), pl.col("place_id")))
            .otherwise(pl.col("text"))
            .alias("text"),
        ]
    return table.with_columns(columns)


def _write(root: Path, tables: Tables) -> str:
    states = tables["feed_state"].select("feed", "state").iter_rows() if "feed_state" in tables else ()
    return write_snapshot(
        root,
        tables,
        data_time=DATA_TIME,
        built_at=BUILT_AT,
        policy_version=1,
        synthetic=True,
        feeds=dict(states),
    ).id
