"""Raw code changes of one day, codes that turn yellow or red and codes that turn green, and test results."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

from dashboard.demo.reasons import REASONS
from dashboard.demo.story import Ints, stream
from dashboard.demo.world import World

_BEGIN = 0.45  # share of changes that begin a colour
_MANUAL, _BATCH = 0.002, 0.30
_PLANTED = 3  # changes of a colour nobody knows
_TESTS = 2  # results for each change
_NEGATIVE = 0.998
_MICROS = 1_000_000
_DAY = 86_400


def write_code_events(folder: Path, day: date, world: World, *, events: int, seed: int) -> int:
    """Write ``events`` changes of ``day`` below ``folder`` and return how many of them are wrong.

    Columns: ts, holder_key, area_code, from_colour, to_colour, reason_code, rule_version, actor, due_at.
    """
    folder.mkdir(parents=True, exist_ok=True)
    random = stream(seed, "code events")
    midnight = (day - date(1970, 1, 1)).days * _DAY
    seconds = np.sort(random.integers(0, _DAY, events))
    begins = random.random(events) < _BEGIN
    # The wide net of overlap codes is most of what happens; red reasons are rare.
    weights = np.array(
        [40.0 if r.id == "time_space_overlap" else 8.0 if r.colour == "yellow" else 1.0 for r in REASONS]
    )
    reason = random.choice(len(REASONS), events, p=weights / weights.sum())
    colour = np.array([0 if r.colour == "yellow" else 1 for r in REASONS])[reason]
    hold = np.array([max(days for days, _ in r.hold[:2]) for r in REASONS])[reason]
    # Due on the day itself, in time, or up to four days ago.
    late = np.where(random.random(events) < 0.12, random.integers(1, 5, events), 0)
    due_back = np.maximum(seconds - random.integers(0, 6 * 3600, events), 0) - late * _DAY
    due = midnight + np.where(begins, seconds + hold * _DAY, due_back)
    colours = pl.Series(["yellow", "red", "green"])
    actor = np.where(random.random(events) < _MANUAL, 1, np.where(random.random(events) < _BATCH, 2, 0))
    county = random.choice(len(world.codes), events, p=world.by_residents)
    person = random.permutation(_person(np.arange(events, dtype=np.int64)))
    frame = pl.DataFrame(
        {
            "ts": pl.Series((midnight + seconds) * _MICROS).cast(pl.Datetime("us")),
            "holder_key": person,
            "area_code": pl.Series(world.codes).gather(county),
            "from_colour": colours.gather(np.where(begins, 2, colour)),
            "to_colour": colours.gather(np.where(begins, colour, 2)),
            "reason_code": pl.Series([r.id for r in REASONS]).gather(reason),
            "rule_version": pl.Series([1]).new_from_index(0, events).cast(pl.Int32),
            "actor": pl.Series(["rule", "manual", "batch"]).gather(actor),
            "due_at": pl.Series(due * _MICROS).cast(pl.Datetime("us")),
        }
    )
    wrong = min(_PLANTED, events)
    frame = frame.with_columns(
        pl.when(pl.int_range(pl.len()) >= events - wrong)
        .then(pl.lit("violet"))
        .otherwise(pl.col("to_colour"))
        .alias("to_colour")
    )
    frame.write_parquet(folder / "part-0000.parquet", compression="zstd", statistics=True)
    return wrong


def write_test_events(folder: Path, day: date, *, changes: int, seed: int) -> int:
    """Write the results reported on ``day`` below ``folder`` and return their number.

    Columns: holder_key, sampled_at, result. Samples are of the day and the evening before, three in four from
    people whose code changed on the day.
    """
    folder.mkdir(parents=True, exist_ok=True)
    random = stream(seed, "test events")
    rows = changes * _TESTS
    midnight = (day - date(1970, 1, 1)).days * _DAY
    sampled = np.sort(random.integers(midnight - 6 * 3600, midnight + _DAY, rows))
    frame = pl.DataFrame(
        {
            "holder_key": _person(random.integers(0, changes * 4 // 3, rows)),
            "sampled_at": pl.Series(sampled * _MICROS).cast(pl.Datetime("us")),
            "result": pl.Series(["positive", "negative"]).gather(
                (random.random(rows) < _NEGATIVE).astype(int)
            ),
        }
    )
    frame.write_parquet(folder / "part-0000.parquet", compression="zstd", statistics=True)
    return rows


def _person(number: Ints) -> Ints:
    """The pseudonym of a person whose code may change."""
    return number * 83 + 11
