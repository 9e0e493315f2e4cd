"""Write an input folder as the departments would deliver it, invented from beginning to end."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal

import polars as pl

from dashboard.demo.cases import cases_frame
from dashboard.demo.codes import build_codes, flow_frame, stock_frames
from dashboard.demo.daily import DAILY_TABLES, daily_tables
from dashboard.demo.feedlog import feed_log
from dashboard.demo.outbreak import build_outbreak
from dashboard.demo.planted import future_date, negative_count, unknown_area
from dashboard.demo.reasons import REASONS, TINY_REASONS
from dashboard.demo.reds import build_cohorts
from dashboard.demo.risk import count_places, publications
from dashboard.demo.scans import scan_frames
from dashboard.demo.story import DEFAULT_END, Calendar
from dashboard.demo.world import build_world
from dashboard.errors import InputError, StorageError
from dashboard.snapshot.contract import TABLE_BY_NAME

Scale = Literal["tiny", "demo", "province"]
Progress = Callable[[str, float], None]
MARK = "synthetic.json"
PARTS = ("risk_feed", "cases", "code_stock", "code_flow", "scan_hourly", *DAILY_TABLES)
PLANTED_ROWS = 3
DEFAULT_SEED = 20210101
FEW_DAYS = 14  # a calendar as short as this keeps the load of two days only


@dataclass(frozen=True)
class _Size:
    days: int
    reasons: tuple[str, ...]
    hours: tuple[int, ...]


_SIZES: Mapping[str, _Size] = {
    "tiny": _Size(14, TINY_REASONS, (3, 7, 8, 9, 12, 14, 18, 21)),
    "demo": _Size(90, tuple(reason.id for reason in REASONS), tuple(range(24))),
}


@dataclass(frozen=True)
class DemoSummary:
    """What was written: folder, size, first and last day, rows per table (planted ones included), bytes."""

    out: Path
    scale: Scale
    seed: int
    first_day: date
    end: date
    rows: Mapping[str, int]
    planted_rows: int
    files: int
    bytes: int


def generate(
    out: Path,
    *,
    scale: Scale,
    seed: int = DEFAULT_SEED,
    end: date = DEFAULT_END,
    progress: Progress | None = None,
) -> DemoSummary:
    """Write the demo input folder to ``out`` and say what it holds. The same arguments give the same rows.

    ``progress`` is told the part and the share done, 0 to 1. An earlier demo folder in ``out`` is replaced.
    Raises ``InputError`` for an unknown scale or a negative seed, and ``StorageError`` when ``out`` holds
    anything else or cannot be written.
    """
    if scale not in _SIZES:
        raise InputError(f"{scale!r} is no scale of the demo data.", todo=f"Use one of: {', '.join(_SIZES)}.")
    if seed < 0:
        raise InputError(f"The seed is {seed}.", todo="Use zero or a positive whole number.")
    tell = progress or _quiet
    try:
        _prepare(out, scale=scale, seed=seed)
        rows = _write(out, Calendar(end=end, days=_SIZES[scale].days), _SIZES[scale], seed=seed, tell=tell)
    except OSError as error:
        raise StorageError(
            f"The demo data cannot be written to {out}: {error}.",
            todo="Free some space, or choose another --out.",
        ) from error
    files = [path for path in out.rglob("*") if path.is_file()]
    tell("done", 1.0)
    return DemoSummary(
        out=out,
        scale=scale,
        seed=seed,
        first_day=Calendar(end=end, days=_SIZES[scale].days).first,
        end=end,
        rows=rows,
        planted_rows=PLANTED_ROWS,
        files=len(files),
        bytes=sum(path.stat().st_size for path in files),
    )


def _quiet(_part: str, _share: float) -> None:
    return None


def check_folder(out: Path) -> None:
    """Raise ``StorageError`` when ``out`` holds anything but demo data."""
    if out.exists() and (not out.is_dir() or (any(out.iterdir()) and not (out / MARK).is_file())):
        raise StorageError(
            f"{out} is not empty and holds no demo data.", todo="Choose an empty or new folder with --out."
        )


def _prepare(out: Path, *, scale: str, seed: int) -> None:
    """Empty folders for every part, under a mark that is written first: a killed run can be run again."""
    check_folder(out)
    out.mkdir(parents=True, exist_ok=True)
    note = "演示数据：事件、人数、地点均为虚构 / Demo data: events, figures and places are invented"
    mark = {"synthetic": True, "note": note, "scale": scale, "seed": seed}
    (out / MARK).write_text(json.dumps(mark, ensure_ascii=False) + "\n", encoding="utf-8")
    for part in PARTS:
        shutil.rmtree(out / part, ignore_errors=True)
        (out / part).mkdir()


def _write(out: Path, calendar: Calendar, size: _Size, *, seed: int, tell: Progress) -> dict[str, int]:
    tell("people", 0.0)
    world = build_world(seed)
    outbreak = build_outbreak(world, calendar, seed)
    cohorts = build_cohorts(world, calendar, outbreak, seed=seed, reasons=size.reasons)
    history = build_codes(world, calendar, cohorts, seed=seed)
    deliveries: dict[str, Counter[int]] = {}

    tell("risk_feed", 0.1)
    deliveries["risk_feed"] = Counter()
    for offset, text in publications(calendar):
        (out / "risk_feed" / f"{calendar.day(offset).isoformat()}.json").write_text(text, encoding="utf-8")
        deliveries["risk_feed"][offset] = count_places(offset)

    tell("cases", 0.12)
    cases = cases_frame(world, calendar, outbreak, seed=seed)
    cases.write_csv(out / "cases" / "cases.csv")
    deliveries["cases"] = _by_day(cases.filter(pl.col("date") >= calendar.first), calendar)

    tell("code_stock", 0.15)
    stock = pl.concat(stock_frames(history, world, calendar)).sort(
        "date", "area", "colour", "reason", "age_band"
    )
    deliveries["codes"] = _by_day(stock, calendar)
    stock = unknown_area(stock)
    _write_months(stock, out / "code_stock", last=calendar.end)

    tell("code_flow", 0.35)
    flow = flow_frame(history, world, calendar, seed=seed)
    deliveries["codes"] += _by_day(flow, calendar)
    deliveries["codes"][0] += 2  # the planted rows were delivered too
    _write_months(future_date(flow), out / "code_flow", last=calendar.end)

    deliveries["scans"] = Counter()
    scan_rows, share = 0, 0.45
    scans_of_days = []
    for month, frame in scan_frames(world, calendar, history, seed=seed, hours=size.hours):
        tell("scan_hourly", share)
        deliveries["scans"] += _by_day(frame, calendar)
        scans_of_days.append(frame.group_by("date", "area", "category").agg(pl.col("scans").sum()))
        newest = month == calendar.end.strftime("%Y-%m")
        _write_parquet(negative_count(frame) if newest else frame, out / "scan_hourly" / f"{month}.parquet")
        scan_rows, share = scan_rows + frame.height, share + (0.8 - share) / 3

    daily_rows: dict[str, int] = {}
    daily = daily_tables(
        world,
        calendar,
        outbreak,
        cohorts,
        history,
        flow=flow,
        scans=pl.concat(scans_of_days),
        seed=seed,
        short=size.days <= FEW_DAYS,
    )
    for number, (name, frame) in enumerate(daily):
        tell(name, 0.8 + 0.18 * number / len(DAILY_TABLES))
        feed = TABLE_BY_NAME[name].feed
        deliveries.setdefault(feed, Counter()).update(_by_day(frame, calendar))
        _write_parquet(frame, out / name / "all.parquet")
        daily_rows[name] = frame.height

    deliveries["audit"].setdefault(0, 0)  # the watch reports every day, also when it finds nothing
    tell("feed_log", 0.98)
    log = feed_log(calendar, deliveries)
    (out / "feed_log.jsonl").write_text(log, encoding="utf-8")
    return {
        "risk_feed": len(deliveries["risk_feed"]),
        "cases": cases.height,
        "code_stock": stock.height,
        "code_flow": flow.height + 1,
        "scan_hourly": scan_rows,
        **daily_rows,
        "feed_log": log.count("\n"),
    }


def _by_day(frame: pl.DataFrame, calendar: Calendar) -> Counter[int]:
    """Rows per offset of the day."""
    if "date" not in frame.columns:  # of one moment, or of minutes: one delivery on the last day
        return Counter({0: frame.height})
    counts = frame.group_by("date").len().rows()
    return Counter({(day - calendar.end).days: rows for day, rows in counts})


def _write_months(frame: pl.DataFrame, folder: Path, *, last: date) -> None:
    """One file per month; rows of days after ``last`` come in the newest one."""
    months = frame.select(pl.min_horizontal(pl.col("date"), pl.lit(last)).dt.strftime("%Y-%m")).to_series()
    for month in months.unique(maintain_order=True):
        _write_parquet(frame.filter(months == month), folder / f"{month}.parquet")


def _write_parquet(frame: pl.DataFrame, path: Path) -> None:
    frame.write_parquet(path, compression="zstd", statistics=True)
