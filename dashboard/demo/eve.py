"""The delivery of the evening before: what was known a day earlier, some of it not yet or not rightly.

Built before the demo delivery, it gives the board an earlier snapshot: one batch of yellow codes that came
two days late, a case credited to the wrong day, results of tests still on their way.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl

from dashboard.demo.generate import MARK, check_folder
from dashboard.demo.story import PIDU
from dashboard.errors import InputError

BATCH = -4  # offset of the day whose yellow codes came late; the stocks of the days after it follow
BATCH_SHARE = 0.7  # of that day's largest group of new yellow codes
CASE_COUNTY = PIDU  # a case of the newest closed day with one was first counted on the day after
TESTED_SHARE = 0.7  # of the samples of the last day had been tested by its evening

_C = pl.col
_Change = Callable[[pl.DataFrame, date], pl.DataFrame]


def write_eve(delivery: Path, out: Path, *, end: date) -> Path:
    """Write to ``out`` what was known at the end of the day before ``end``, and return it.

    ``delivery`` is a demo folder whose last day is ``end``. Raises ``InputError`` when it is none, and
    ``StorageError`` when ``out`` holds anything but demo data.
    """
    if not (delivery / MARK).is_file():
        raise InputError(f"{delivery} holds no demo data.", todo="Make it with: tianfu demo-data")
    check_folder(out)
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    shutil.copy(delivery / MARK, out / MARK)
    for path in sorted(delivery.rglob("*.parquet")):
        frame = _known(pl.read_parquet(path), end)
        target = out / path.relative_to(delivery)
        if frame.height:
            target.parent.mkdir(parents=True, exist_ok=True)
            frame.write_parquet(target, compression="zstd", statistics=True)
    _unbatch(out, end)
    _change(out / "test_daily", lambda frame: _unfinished(frame, end - timedelta(days=1)))
    _risk_lists(delivery, out, end)
    _cases(delivery, out, end)
    _log(delivery, out, end)
    return out


def _known(frame: pl.DataFrame, end: date) -> pl.DataFrame:
    """Rows of the days before ``end``; what a table of one moment said then is kept by nobody."""
    if "date" in frame.columns:
        return frame.filter(_C("date") < end)
    if "minute" in frame.columns:
        return frame.filter(_C("minute").dt.date() < end)
    if "as_of" in frame.columns:
        return frame.clear()
    if "updated" in frame.columns:
        return frame.with_columns(pl.min_horizontal("updated", pl.lit(end - timedelta(days=1))))
    return frame


def _unbatch(out: Path, end: date) -> None:
    """Take the late batch out of the flows and stocks of its county, so that they still agree."""
    day = end + timedelta(days=BATCH)
    flows = pl.concat([pl.read_parquet(path) for path in sorted((out / "code_flow").glob("*.parquet"))])
    batch = flows.filter(
        (_C("date") == day) & (_C("from_colour") == "green") & (_C("to_colour") == "yellow")
    ).sort("people", "area", "reason", descending=[True, False, False])
    if batch.is_empty():
        return
    row = batch.row(0, named=True)
    stocks = pl.concat([pl.read_parquet(path) for path in sorted((out / "code_stock").glob("*.parquet"))])
    here = (_C("area") == row["area"]) & (_C("date") >= day) & (_C("age_band") == "15-59")
    yellow = here & (_C("colour") == "yellow") & (_C("reason") == row["reason"])
    room = stocks.filter(yellow)["holders"].min()
    people = min(int(row["people"] * BATCH_SHARE), int(room or 0))  # type: ignore[arg-type]
    green = here & (_C("colour") == "green")
    moved = (
        pl.when(yellow)
        .then(_C("holders") - people)
        .when(green)
        .then(_C("holders") + people)
        .otherwise(_C("holders"))
    )
    _change(out / "code_stock", lambda frame: frame.with_columns(moved.alias("holders")))
    same = pl.all_horizontal(
        _C(name) == row[name] for name in ("date", "area", "from_colour", "to_colour", "reason", "actor")
    )
    fewer = [
        pl.when(same).then(_C(name) - people).otherwise(_C(name)).alias(name)
        for name in ("people", "changes")
    ]
    _change(out / "code_flow", lambda frame: frame.with_columns(fewer))


def _unfinished(frame: pl.DataFrame, day: date) -> pl.DataFrame:
    """Results of the samples of ``day`` that had come by its evening."""
    share = [
        (_C(name) * TESTED_SHARE).cast(pl.Int64) for name in ("tested", "reported", "in_24h", "positive")
    ]
    return frame.with_columns(
        pl.when(_C("date") == day)
        .then(part)
        .otherwise(_C(part.meta.output_name()))
        .alias(part.meta.output_name())
        for part in share
    )


def _change(folder: Path, change: Callable[[pl.DataFrame], pl.DataFrame]) -> None:
    for path in sorted(folder.glob("*.parquet")):
        change(pl.read_parquet(path)).write_parquet(path, compression="zstd", statistics=True)


def _risk_lists(delivery: Path, out: Path, end: date) -> None:
    (out / "risk_feed").mkdir()
    for path in sorted((delivery / "risk_feed").glob("*.json")):
        if path.stem < end.isoformat():
            shutil.copy(path, out / "risk_feed" / path.name)


def _cases(delivery: Path, out: Path, end: date) -> None:
    """The totals of one day without a case that was counted on the next one, for county, city, province."""
    frame = pl.read_csv(delivery / "cases" / "cases.csv", infer_schema=False)
    county = _C("countyCode") == CASE_COUNTY
    closed = frame.filter(county & (_C("date") < (end - timedelta(days=1)).isoformat())).sort("date")
    day = closed.filter(_C("confirmed").cast(pl.Int64).diff() > 0)["date"].max()
    city = _C("countyCode").fill_null("").eq("") & (_C("cityCode") == CASE_COUNTY[:4] + "00")
    province = _C("countyCode").fill_null("").eq("") & _C("city").fill_null("").eq("")
    counted = (_C("confirmed").cast(pl.Int64) - 1).cast(pl.String)
    known = frame.filter(_C("date") < end.isoformat()).with_columns(
        pl.when((_C("date") == day) & (county | city | province))
        .then(counted)
        .otherwise(_C("confirmed"))
        .alias("confirmed")
    )
    (out / "cases").mkdir()
    known.write_csv(out / "cases" / "cases.csv")


def _log(delivery: Path, out: Path, end: date) -> None:
    """Lines about earlier days; what arrived that night is all there was."""
    kept = []
    for line in (delivery / "feed_log.jsonl").read_text(encoding="utf-8").splitlines():
        until = datetime.fromisoformat(json.loads(line)["data_until"])
        if until.date() < end:
            kept.append(line)
    (out / "feed_log.jsonl").write_text("\n".join(kept) + "\n", encoding="utf-8")
