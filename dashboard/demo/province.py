"""One invented day of raw events at the size of the province, to build and measure with."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

from dashboard.demo.events import write_scans
from dashboard.demo.events_codes import write_code_events, write_test_events
from dashboard.demo.generate import DEFAULT_SEED, MARK, DemoSummary, check_folder
from dashboard.demo.story import DEFAULT_END
from dashboard.demo.venues import build_venues, write_venues
from dashboard.demo.world import build_world
from dashboard.errors import InputError, StorageError

DEFAULT_EVENTS = 300_000_000
# Changes of codes for each scan, and the register beside a smaller day.
_SCANS_PER_CHANGE = 300
_FULL_REGISTER = 10_000_000


def generate_province(
    out: Path,
    *,
    events: int = DEFAULT_EVENTS,
    seed: int = DEFAULT_SEED,
    end: date = DEFAULT_END,
    progress: Callable[[str, float], None] = lambda _part, _share: None,
) -> DemoSummary:
    """Write ``scans``, ``venues``, ``code_events`` and ``tests`` of the day ``end`` below ``out``.

    The same arguments give the same rows. Raises ``InputError`` for fewer than a thousand events and
    ``StorageError`` when ``out`` holds anything else or cannot be written.
    """
    if events < 1000 or seed < 0:
        raise InputError(
            f"{events} events with seed {seed} cannot be made.", todo="Ask for 1,000 or more, seed 0 or more."
        )
    try:
        check_folder(out)
        out.mkdir(parents=True, exist_ok=True)
        note = "演示数据：事件、人数、地点均为虚构 / Demo data: events, figures and places are invented"
        mark = {"synthetic": True, "note": note, "scale": "province", "seed": seed}
        (out / MARK).write_text(json.dumps(mark, ensure_ascii=False) + "\n", encoding="utf-8")
        for part in ("scans", "venues", "code_events", "tests"):
            shutil.rmtree(out / part, ignore_errors=True)
        progress("venues", 0.0)
        world = build_world(seed)
        venues = build_venues(world, seed=seed, share=min(1.0, max(0.02, events / _FULL_REGISTER)))
        registered = write_venues(out / "venues", end, world, venues, seed=seed)
        progress("code_events", 0.02)
        changes = max(300, events // _SCANS_PER_CHANGE)
        wrong = write_code_events(out / "code_events" / f"date={end}", end, world, events=changes, seed=seed)
        results = write_test_events(out / "tests" / f"date={end}", end, changes=changes, seed=seed)
        wrong += write_scans(
            out / "scans" / f"date={end}",
            end,
            world,
            venues,
            events=events,
            seed=seed,
            tell=lambda share: progress("scans", 0.03 + 0.97 * share),
        )
    except OSError as error:
        raise StorageError(
            f"The demo data cannot be written to {out}: {error}.",
            todo="Free some space, or choose another --out.",
        ) from error
    files = [path for path in out.rglob("*") if path.is_file()]
    return DemoSummary(
        out=out,
        scale="province",
        seed=seed,
        first_day=end,
        end=end,
        rows={"venues": registered, "code_events": changes, "tests": results, "scans": events},
        planted_rows=wrong,
        files=len(files),
        bytes=sum(path.stat().st_size for path in files),
    )
