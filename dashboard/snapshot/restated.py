"""Late and corrected data: what a day said in an earlier snapshot, and what it says now.

Every build compares its days with those of the snapshot published before it and carries on what earlier
builds found. So the newest snapshot alone can tell which of its days were restated, when, and from what.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl

from dashboard.snapshot.contract import MEASURED_TABLES, MEASURES, RESTATED, TABLE_BY_NAME
from dashboard.snapshot.files import POLARS_TYPES
from dashboard.snapshot.manifest import Manifest, TableEntry
from geo.areas import PROVINCE, ancestors, is_area

# 100,000 rows are below one megabyte of Parquet; a normal day restates some hundred.
MOST_ROWS = 100_000
# A newest day that was completed is worth a note for a while; a correction as long as its day is kept.
LATE_DAYS = 14

_C = pl.col
_KEY = ["date", "area", "part", "measure"]
_COLUMNS = TABLE_BY_NAME[RESTATED].columns
_SCHEMA = {c.name: POLARS_TYPES[c.type] for c in _COLUMNS}


@dataclass(frozen=True)
class Stored:
    """The tables of one snapshot folder, or of a candidate: ``id`` is "" while it has none."""

    id: str
    folder: Path
    entries: Mapping[str, TableEntry]

    def files(self, table: str) -> dict[str, str]:
        """Paths and hashes of the files of one table; empty when it was not reported."""
        entry = self.entries.get(table)
        return {file.path: file.sha256 for file in entry.files} if entry else {}

    def rows(self, table: str, *, without: frozenset[str] = frozenset()) -> pl.LazyFrame | None:
        """The rows of one table outside the files ``without``; None when there are none."""
        paths = [self.folder / path for path in self.files(table) if path not in without]
        return pl.scan_parquet(paths, hive_partitioning=False) if paths else None


@dataclass(frozen=True)
class Restated:
    """Rows of the table ``restated``, and how many did not fit into it."""

    rows: pl.DataFrame
    left_out: int = 0


def stored(folder: Path, manifest: Manifest) -> Stored:
    """A stored snapshot, to be compared."""
    return Stored(manifest.id, folder, {entry.name: entry for entry in manifest.tables})


def no_restatements() -> pl.DataFrame:
    """The table without a row: nothing was restated, or there is no earlier snapshot."""
    return pl.DataFrame(schema=_SCHEMA)


def restate(
    earlier: Stored,
    later: Stored,
    *,
    known_at: Mapping[str, datetime],
    data_time: datetime,
    most: int = MOST_ROWS,
) -> Restated:
    """What ``later`` changed against ``earlier``, with what ``earlier`` itself carries on.

    ``known_at`` is the arrival of the newest delivery by feed, ``data_time`` that of ``later``, which stands
    in for an arrival nobody noted. Days before the first one of a table are forgotten with the table. At most
    ``most`` rows are kept: corrections before late days, large areas before small ones, newest first.
    """
    frames = [no_restatements()]
    carried = earlier.rows(RESTATED)
    if carried is not None:
        frames.append(carried.collect().select(list(_SCHEMA)))
    found = find_changes(earlier, later)
    if found.height:
        moments = {
            table: known_at.get(TABLE_BY_NAME[table].feed) or data_time
            for table in found["table_name"].unique()
        }
        when = _C("table_name").replace_strict(moments, return_dtype=pl.Datetime("us"))
        frames.append(
            found.with_columns(pl.lit(earlier.id).alias("snapshot_before"), when.alias("known_at")).select(
                pl.col(name).cast(kind) for name, kind in _SCHEMA.items()
            )
        )
    rows = pl.concat(frames).filter(_is_kept(later, data_time.date()))
    if rows.height <= most:
        return Restated(rows)
    rank = _C("area").replace_strict({a: _depth(a) for a in rows["area"].unique()}, return_dtype=pl.Int32)
    kept = (
        rows.with_columns((_C("kind") == "late").alias("_late"), rank.alias("_depth"))
        .sort("_late", "_depth", "date", *_KEY[1:], descending=[False, False, True, False, False, False])
        .head(most)
        .select(list(_SCHEMA))
    )
    return Restated(kept, rows.height - most)


def find_changes(earlier: Stored, later: Stored) -> pl.DataFrame:
    """Every measure of a day both snapshots speak of and disagree about, by area at any level.

    Columns: ``date, area, table_name, measure, part, before, after, kind``. A table that one of the two does
    not report is not compared: its absence is the news of the feed, not a correction.
    """
    frames = [_empty_changes()]
    frames += [changes for table in MEASURED_TABLES if (changes := _compare(table, earlier, later)).height]
    return pl.concat(frames)


def _compare(table: str, earlier: Stored, later: Stored) -> pl.DataFrame:
    same = frozenset(earlier.files(table).items()) & frozenset(later.files(table).items())
    # Days that were linked from the snapshot before are equal; only whole-day files may be left out.
    shared = frozenset(path for path, _ in same if "/date=" in path)
    if len(same) == len(earlier.files(table)) == len(later.files(table)):
        return _empty_changes()  # equal, or reported by neither
    before = _daily(table, earlier, shared)
    after = _daily(table, later, shared)
    if before is None or after is None:
        return _empty_changes()
    first = max(before.first, after.first)
    last = min(before.last, after.last)
    frames = [
        _differences(old, new, sparse=sparse, first=first, last=last, open_day=before.last)
        for (_, sparse, old), (_, _, new) in zip(before.groups, after.groups, strict=True)
    ]
    return pl.concat(frames).with_columns(pl.lit(table).alias("table_name")).select(_empty_changes().columns)


@dataclass(frozen=True)
class _Daily:
    """Sums by day, area and part of one table; a group for each column of parts."""

    first: date
    last: date
    groups: Sequence[tuple[str, bool, pl.DataFrame]]


def _daily(table: str, side: Stored, shared: frozenset[str]) -> _Daily | None:
    every = side.rows(table)
    if every is None:
        return None
    rows = side.rows(table, without=shared)
    if rows is None:
        rows = every.head(0)
    if table == "risk_place":
        rows = every = _listed(rows)
    elif "area" not in rows.collect_schema():
        rows = rows.with_columns(pl.lit(PROVINCE).alias("area"))
    first, last = (
        every.select(_C("date").min().alias("first"), _C("date").max().alias("last")).collect().row(0)
    )
    if not isinstance(first, date) or not isinstance(last, date):
        return None
    groups = []
    for part, sparse, columns in _groups(table):
        by = ["date", "area", *([part] if part else [])]
        # A sum of nothing is not zero: a measure nobody reported stays empty.
        sums = [pl.when(_C(c).count() > 0).then(_C(c).sum()).cast(pl.Int64).alias(c) for c in columns]
        leaves = rows.group_by(by).agg(sums).collect()
        rolled = leaves.join(_lines(leaves["area"].unique()), on="area").drop("area")
        named = _C(part).alias("part") if part else pl.lit("").alias("part")
        long = (
            rolled.rename({"up": "area"})
            .group_by(by)
            .agg(sums)
            .with_columns(named)
            .select("date", "area", "part", *columns)
            .unpivot(on=columns, index=["date", "area", "part"], variable_name="measure", value_name="value")
        )
        groups.append((part, sparse, long))
    return _Daily(first, last, groups)


def _groups(table: str) -> Iterator[tuple[str, bool, list[str]]]:
    found: dict[tuple[str, bool], list[str]] = {}
    for measure in MEASURES:
        if measure.table == table:
            found.setdefault((measure.part, measure.sparse), []).append(measure.column)
    for (part, sparse), columns in found.items():
        yield part, sparse, columns


def _differences(
    old: pl.DataFrame, new: pl.DataFrame, *, sparse: bool, first: date, last: date, open_day: date
) -> pl.DataFrame:
    both = _C("date").is_between(first, last)
    old, new = old.filter(both), new.filter(both)
    joined = old.rename({"value": "before"}).join(
        new.rename({"value": "after"}), on=_KEY, how="full", coalesce=True
    )
    by = ["date"] if sparse else ["date", "area"]
    for side, column in ((old, "before"), (new, "after")):
        said = side.select([*by, "measure"]).unique().with_columns(pl.lit(True).alias("_said"))
        here = side.select(*_KEY, pl.lit(True).alias("_row"))
        joined = (
            joined.join(said, on=[*by, "measure"], how="left")
            .join(here, on=_KEY, how="left")
            # Of an area that reported, a part without a row is zero; a row without a value is not.
            .with_columns(
                pl.when(_C("_row").is_null() & _C("_said").is_not_null())
                .then(pl.lit(0, dtype=pl.Int64))
                .otherwise(_C(column))
                .alias(column)
            )
            .drop("_said", "_row")
        )
    late = _C("before").is_null() | (_C("date") == open_day)
    return joined.filter(~_C("before").eq_missing(_C("after"))).with_columns(
        pl.when(late).then(pl.lit("late")).otherwise(pl.lit("corrected")).alias("kind")
    )


def _listed(places: pl.LazyFrame) -> pl.LazyFrame:
    """Places by day and level, from the first day of the list to the newest publication."""
    last = pl.coalesce(_C("listed_to"), _C("source_time").max().cast(pl.Date))
    return (
        places.with_columns(last.alias("_last"))
        .filter(_C("_last") >= _C("listed_from"))
        .with_columns(pl.date_ranges("listed_from", "_last").alias("date"))
        .explode("date")
        # A place that changed level during the day is in both lists; the day ends with the newer one.
        .sort("listed_from", "source_time", "level", descending=[False, False, True])
        .unique(["date", "place_id"], keep="last", maintain_order=True)
        .select("date", "area", "level", pl.lit(1, dtype=pl.Int64).alias("places"))
    )


def _lines(areas: pl.Series) -> pl.DataFrame:
    """Each area with every area it counts for: itself, its city, the province."""
    pairs = [(a, up) for a in areas for up in (a, *_above(a))]
    return pl.DataFrame(pairs, schema={"area": pl.String, "up": pl.String}, orient="row")


def _above(area: str) -> tuple[str, ...]:
    return tuple(one.code for one in ancestors(area)) if is_area(area) else ()


def _depth(area: str) -> int:
    return len(_above(area))


def _is_kept(later: Stored, newest: date) -> pl.Expr:
    """A day is kept while its table reaches back to it, a late day for two weeks."""
    firsts = {
        name: entry.first_day
        for name, entry in later.entries.items()
        if name in MEASURED_TABLES and entry.reported and entry.first_day
    }
    first = _C("table_name").replace_strict(firsts, default=None, return_dtype=pl.Date)
    fresh = _C("date") > newest - timedelta(days=LATE_DAYS)
    return (_C("date") >= first).fill_null(value=False) & ((_C("kind") == "corrected") | fresh)


def _empty_changes() -> pl.DataFrame:
    names = ("date", "area", "table_name", "measure", "part", "before", "after", "kind")
    return pl.DataFrame(schema={name: _SCHEMA[name] for name in names})
