"""Every reason of rejection has a golden case, a text in both languages, a line in the data contract."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import polars as pl
import pytest

from dashboard.i18n.catalogue import LANGS, t
from dashboard.snapshot.importers.files import MAX_TEXT_BYTES
from dashboard.snapshot.inputs import read_delivery
from dashboard.snapshot.quarantine import REASONS, Reject, count_reasons, count_rows, write_quarantine

GOLDEN = Path(__file__).parents[1] / "golden" / "import"
NOW = datetime(2022, 9, 6, 8)
HEADER = "date,province,provinceCode,city,cityCode,confirmed,suspected,cured,dead"
STOCK = {
    "date": date(2022, 9, 5),
    "area": "510107",
    "colour": "green",
    "reason": "no_risk",
    "age_band": "15-59",
    "holders": 10,
}
SCAN = {
    "date": date(2022, 9, 5),
    "hour": 8,
    "area": "510107",
    "category": "school",
    "shows": 5,
    "scans": 4,
    "yellow": 1,
    "red": 0,
    "refused": 1,
    "active_venues": 2,
}
Build = Callable[[Path], object]


def text(name: str, content: str) -> Build:
    return lambda folder: (folder / name).write_text(content, encoding="utf-8")


def raw(name: str, content: bytes) -> Build:
    def build(folder: Path) -> None:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)

    return build


def golden(name: str) -> Build:
    return lambda folder: (folder / name).write_bytes((GOLDEN / name).read_bytes())


def parquet(name: str, *rows: dict[str, object]) -> Build:
    def build(folder: Path) -> None:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pl.DataFrame(list(rows)).write_parquet(path)

    return build


def both(*builds: Build) -> Build:
    return lambda folder: [build(folder) for build in builds]


def link(folder: Path) -> None:
    outside = folder.parent / "outside.csv"
    outside.write_text(f"{HEADER}\n2022-09-05,四川省,510000,,,1,0,0,0\n", encoding="utf-8")
    (folder / "cases.csv").symlink_to(outside)


def sparse(folder: Path) -> None:
    with (folder / "cases.csv").open("wb") as stream:
        stream.write(HEADER.encode() + b"\n")
        os.truncate(stream.fileno(), MAX_TEXT_BYTES + 1)


def without(row: dict[str, object], name: str) -> dict[str, object]:
    return {key: value for key, value in row.items() if key != name}


def no_rows(folder: Path) -> None:
    path = folder / "scan_hourly" / "a.parquet"
    path.parent.mkdir()
    pl.DataFrame([SCAN]).clear().write_parquet(path)


def torn(folder: Path) -> None:
    parquet("code_stock/a.parquet", STOCK)(folder)
    path = folder / "code_stock" / "a.parquet"
    path.write_bytes(path.read_bytes()[:-40])


RISK = '{"end_update_time": "2022-09-05 18时", "highlist": []}'
LATIN = f"{HEADER}\n2022-09-05,Sichuan,510000,,,1,0,0,0\n".replace("Sichuan", "S\xedchuan").encode("latin-1")

# reason: how to deliver it, the feed it is booked on, the row named (None: the file)
CASES: dict[str, tuple[Build, str, int | None]] = {
    "unrecognised_file": (text("note.txt", "hello"), "unknown", None),
    "screening_input": (raw("telecom/day.csv", b"holder_key,area_code,day\n"), "screening", None),
    "empty_file": (no_rows, "scans", None),
    "unreadable_file": (torn, "codes", None),
    "too_large": (sparse, "unknown", None),
    "link_outside": (link, "unknown", None),
    "malformed_file": (text("risk.json", RISK[:-4]), "risk_feed", None),
    "bad_publication_time": (text("risk.json", RISK.replace("18时", "25时")), "risk_feed", None),
    "bad_list": (golden("risk_reasons.json"), "risk_feed", None),
    "wrong_header": (text("c.csv", HEADER.replace("dead", "died") + "\n2022-09-05,,,,,,,,\n"), "cases", None),
    "missing_column": (parquet("code_stock/a.parquet", without(STOCK, "holders")), "codes", None),
    "wrong_type": (parquet("code_stock/a.parquet", STOCK | {"holders": "10"}), "codes", None),
    "long_text": (parquet("code_stock/a.parquet", STOCK | {"reason": "x" * 1001}), "codes", None),
    "duplicate_delivery": (both(text("a.json", RISK), text("b.json", RISK)), "risk_feed", None),
    "bad_log_line": (text("feed_log.jsonl", '\n{"feed": "weather"}\n'), "unknown", 2),
    "bad_encoding": (raw("cases.csv", LATIN), "cases", 2),
    "torn_line": (golden("cases_reasons.csv"), "cases", 22),
    "wrong_width": (golden("cases_reasons.csv"), "cases", 20),
    "bad_date": (golden("cases_reasons.csv"), "cases", 9),
    "future_date": (golden("cases_reasons.csv"), "cases", 10),
    "wrong_folder_day": (parquet("code_stock/date=2022-09-04/a.parquet", STOCK), "codes", 1),
    "bad_number": (golden("cases_reasons.csv"), "cases", 11),
    "negative_count": (golden("cases_reasons.csv"), "cases", 12),
    "missing_value": (golden("cases_reasons.csv"), "cases", 13),
    "out_of_range": (golden("cases_reasons.csv"), "cases", 14),
    "unknown_category": (parquet("scan_hourly/a.parquet", SCAN, SCAN | {"category": "zoo"}), "scans", 2),
    "unknown_area": (golden("cases_reasons.csv"), "cases", 15),
    "wrong_level": (parquet("code_stock/a.parquet", STOCK, STOCK | {"area": "510100"}), "codes", 2),
    "name_code_mismatch": (golden("cases_reasons.csv"), "cases", 17),
    "outside_province": (golden("cases_reasons.csv"), "cases", 19),
    "malformed_item": (golden("risk_reasons.json"), "risk_feed", 11),
    "bad_text": (golden("risk_reasons.json"), "risk_feed", 5),
    "duplicate_row": (golden("cases_reasons.csv"), "cases", 6),
    "conflicting_row": (golden("cases_reasons.csv"), "cases", 7),
    "duplicate_place": (golden("risk_reasons.json"), "risk_feed", 2),
    "place_at_two_levels": (golden("risk_reasons.json"), "risk_feed", 12),
}


# Reasons only events can have; test_rollup_events.py delivers them.
OF_EVENTS = {"unknown_colour", "unknown_reason", "unknown_venue"}


def test_every_reason_has_a_case() -> None:
    assert set(CASES) | OF_EVENTS == set(REASONS)


@pytest.mark.parametrize("reason", CASES)
def test_reason(reason: str, tmp_path: Path) -> None:
    build, feed, row = CASES[reason]
    folder = tmp_path / "in"
    folder.mkdir()
    build(folder)
    delivery = read_delivery(folder, now=NOW)
    found = [r for r in delivery.rejects if r.reason == reason]
    assert (feed, row) in [(r.feed, r.row) for r in found]
    assert all(r.detail and r.file for r in found)
    assert all(r.raw for r in found if r.row is not None and reason not in ("bad_text", "bad_encoding"))


@pytest.mark.parametrize("reason", REASONS)
def test_reason_is_explained(reason: str) -> None:
    for lang in LANGS:
        assert len(t(lang, f"reject.{reason}")) > 8
    contract = Path(__file__).parents[2] / "docs" / "data-contract.md"
    assert f"| `{reason}` |" in contract.read_text(encoding="utf-8")


def test_all_rejects_of_the_golden_csv(tmp_path: Path) -> None:
    golden("cases_reasons.csv")(tmp_path)
    delivery = read_delivery(tmp_path, now=NOW)
    assert {r.row: r.reason for r in delivery.rejects} == {
        6: "duplicate_row",
        7: "conflicting_row",
        9: "bad_date",
        10: "future_date",
        11: "bad_number",
        12: "negative_count",
        13: "missing_value",
        14: "out_of_range",
        15: "unknown_area",
        16: "unknown_area",
        17: "name_code_mismatch",
        18: "name_code_mismatch",
        19: "outside_province",
        20: "wrong_width",
        22: "torn_line",
    }
    cases = next(f for f in delivery.feeds if f.feed == "cases")
    assert (cases.accepted, cases.rejected, cases.state) == (6, 15, "partial")


def test_all_rejects_of_the_golden_json(tmp_path: Path) -> None:
    golden("risk_reasons.json")(tmp_path)
    delivery = read_delivery(tmp_path, now=NOW)
    assert [(r.row, r.reason, r.rows) for r in delivery.rejects] == [
        (2, "duplicate_place", 1),
        (5, "bad_text", 1),
        (6, "bad_text", 1),
        (8, "outside_province", 2),
        (10, "unknown_area", 1),
        (11, "malformed_item", 1),
        (12, "place_at_two_levels", 1),
        (None, "bad_list", 1),
    ]
    assert "无此区" in next(r.detail for r in delivery.rejects if r.reason == "unknown_area")
    risk = next(f for f in delivery.feeds if f.feed == "risk_feed")
    assert risk.accepted == 6
    assert risk.rejected == count_rows(delivery.rejects) == 9
    places = delivery.tables["risk_place"].lazy().collect()
    assert sorted(places.select("area", "text", "level").rows()) == [
        ("510107", "示例街道1 2栋", "high"),
        ("510107", "示例街道1-3栋", "high"),
        ("510107", "示例街道12栋", "high"),
        ("510107", "示例街道1~3栋", "medium"),
        ("5101F1", "示例街道1-3栋", "high"),
        ("510402", "四川省 攀枝花市 东区", "medium"),
    ]


def test_rejects_are_plain_json(tmp_path: Path) -> None:
    rejects = [
        Reject("cases", "a\udcff.csv", 2, "bad_date", "date is '\ud800'.", "x" * 5000),
        Reject("cases", "a.csv", None, "bad_date", "more", "", 7),
        Reject("unknown", "b", None, "empty_file", "b has no content", ""),
    ]
    assert count_reasons(rejects) == [("cases", "bad_date", 8), ("unknown", "empty_file", 1)]
    paths = write_quarantine(tmp_path / "q", rejects)
    assert [p.name for p in paths] == ["cases.jsonl", "unknown.jsonl"]
    lines = [json.loads(line) for line in paths[0].read_text(encoding="utf-8").splitlines()]
    assert lines[0]["file"] == "a\\udcff.csv"
    assert len(lines[0]["raw"]) == 2000
    assert lines[1]["rows"] == 7
