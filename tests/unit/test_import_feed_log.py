"""The log of deliveries and the state of each feed; files that are no part of a delivery."""

from __future__ import annotations

import json
import os
from datetime import datetime
from pathlib import Path

import pytest

from dashboard.errors import InputError
from dashboard.snapshot.contract import FEED_BY_ID, FEEDS
from dashboard.snapshot.inputs import FeedArrival, read_delivery

NOW = datetime(2022, 9, 6, 8)
HEADER = "date,province,provinceCode,city,cityCode,confirmed,suspected,cured,dead"
GOOD = "2022-09-05,四川省,510000,绵阳市,510700,{n},0,0,0"


def cases(folder: Path, *, day: str = "2022-09-05", good: int = 1, bad: int = 0) -> None:
    first = int(day[-2:])
    rows = [GOOD.replace("2022-09-05", f"{day[:8]}{first - n:02d}").format(n=n) for n in range(good)]
    rows += [GOOD.format(n="x")] * bad
    (folder / "cases.csv").write_text("\n".join([HEADER, *rows]) + "\n", encoding="utf-8")


def risk(folder: Path, time: str) -> None:
    item = {"province": "四川省", "city": "成都市", "county": "武侯区", "communitys": ["甲"]}
    feed = {"end_update_time": time, "highlist": [item]}
    (folder / "risk.json").write_text(json.dumps(feed, ensure_ascii=False), encoding="utf-8")


def log(folder: Path, *lines: dict[str, object]) -> None:
    text = "\n".join(json.dumps(line, ensure_ascii=False) for line in lines)
    (folder / "feed_log.jsonl").write_text(text, encoding="utf-8")


def state(folder: Path, feed: str = "cases", **late_after: int) -> FeedArrival:
    delivery = read_delivery(folder, now=NOW, late_after=late_after)
    assert [f.feed for f in delivery.feeds] == [f.id for f in FEEDS]
    return next(f for f in delivery.feeds if f.feed == feed)


def test_without_a_log(tmp_path: Path) -> None:
    cases(tmp_path)
    assert state(tmp_path) == FeedArrival(
        feed="cases",
        department=FEED_BY_ID["cases"].department,
        owner="",
        data_until=datetime(2022, 9, 5, 23, 59),
        arrived_at=None,
        accepted=1,
        rejected=0,
        usual=None,
        state="on_time",
        note=None,
    )


def test_newest_line_of_the_log_holds(tmp_path: Path) -> None:
    cases(tmp_path)
    new = {
        "feed": "cases",
        "department": "省卫健委",
        "owner": "值班岗",
        "delivered_at": "2022-09-06T07:30:00",
        "data_until": "2022-09-05T21:00:00",
        "rows": 1,
        "usual_rows": 1,
        "note": "按时",
    }
    log(tmp_path, new, {"feed": "cases", "delivered_at": "2022-09-05T07:30:00", "rows": 900, "note": "旧"})
    found = state(tmp_path)
    assert (found.department, found.owner, found.note, found.usual) == ("省卫健委", "值班岗", "按时", 1)
    assert found.arrived_at == datetime(2022, 9, 6, 7, 30)
    assert found.data_until == datetime(2022, 9, 5, 21)
    assert found.state == "on_time"


def test_a_logged_feed_that_did_not_arrive(tmp_path: Path) -> None:
    log(
        tmp_path,
        {"feed": "cases", "delivered_at": "2022-09-06T07:30:00", "data_until": "2022-09-05T21:00:00"},
    )
    found = state(tmp_path)
    assert (found.state, found.accepted, found.data_until) == ("not_reported", None, None)


@pytest.mark.parametrize(("minutes", "expected"), [(1439, "late"), (1440, "on_time"), (1441, "on_time")])
def test_late_at_the_boundary(minutes: int, expected: str, tmp_path: Path) -> None:
    cases(tmp_path, day="2022-09-04")  # until 23:59 of the 4th
    risk(tmp_path, "2022-09-05 23:59")
    assert state(tmp_path, cases=minutes).state == expected
    assert state(tmp_path, "risk_feed", cases=minutes).state == "on_time"


def test_an_old_delivery_is_not_late_against_the_clock(tmp_path: Path) -> None:
    cases(tmp_path, day="2020-03-04")
    assert state(tmp_path).state == "on_time"


@pytest.mark.parametrize(
    ("rows", "usual", "expected"),
    [(70, 100, "on_time"), (69, 100, "partial"), (None, 100, "on_time"), (69, None, "on_time")],
)
def test_partial_by_the_usual_rows(
    rows: int | None, usual: int | None, expected: str, tmp_path: Path
) -> None:
    rows_in_file = "".join(
        f"2022-0{4 + n // 25}-{n % 25 + 1:02d},四川省,510000,绵阳市,510700,{n},0,0,0\n" for n in range(70)
    )
    (tmp_path / "cases.csv").write_text(f"{HEADER}\n{rows_in_file}", encoding="utf-8")
    log(tmp_path, {"feed": "cases", "rows": rows, "usual_rows": usual})
    assert state(tmp_path).state == expected


def test_partial_when_less_arrived_than_logged(tmp_path: Path) -> None:
    cases(tmp_path)
    log(tmp_path, {"feed": "cases", "rows": 2})
    found = state(tmp_path)
    assert found.state == "partial"
    assert found.note is not None
    assert "2 rows logged, 1 arrived" in found.note


@pytest.mark.parametrize(("good", "bad", "expected"), [(19, 1, "on_time"), (18, 1, "partial")])
def test_partial_by_rejected_rows(good: int, bad: int, expected: str, tmp_path: Path) -> None:
    cases(tmp_path, day="2022-08-30", good=good, bad=bad)
    found = state(tmp_path)
    assert (found.accepted, found.rejected, found.state) == (good, bad, expected)


def test_rows_of_other_provinces_make_no_feed_partial(tmp_path: Path) -> None:
    rows = [GOOD.format(n=1), *["2022-09-05,湖北省,420000,,,1,0,0,0"] * 30]
    (tmp_path / "cases.csv").write_text("\n".join([HEADER, *rows]) + "\n", encoding="utf-8")
    found = state(tmp_path)
    assert (found.accepted, found.rejected, found.state) == (1, 30, "on_time")


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "[]",
        '{"feed": "weather"}',
        '{"feed": 3}',
        '{"feed": "cases", "rows": -1}',
        '{"feed": "cases", "rows": true}',
        '{"feed": "cases", "owner": 5}',
        '{"feed": "cases", "note": "\\ud800"}',
        '{"feed": "cases", "delivered_at": "yesterday"}',
        '{"feed": "cases", "delivered_at": "2022-09-06T08:01:00"}',
        '{"feed": "cases", "data_until": "2022-09-05T21:00:00+08:00"}',
        "[" * 100_000,
    ],
)
def test_bad_lines_of_the_log(line: str, tmp_path: Path) -> None:
    (tmp_path / "feed_log.jsonl").write_text(f"{line}\n", encoding="utf-8")
    delivery = read_delivery(tmp_path, now=NOW)
    assert [(r.feed, r.row, r.reason) for r in delivery.rejects] == [("unknown", 1, "bad_log_line")]


@pytest.mark.parametrize(
    ("marker", "synthetic"),
    [
        ('{"synthetic": true}', True),
        ('{"synthetic": false}', False),
        ("{", True),
        ("[]", True),
        (None, False),
    ],
)
def test_marker(marker: str | None, synthetic: bool, tmp_path: Path) -> None:
    if marker is not None:
        (tmp_path / "synthetic.json").write_text(marker, encoding="utf-8")
    delivery = read_delivery(tmp_path, now=NOW)
    assert delivery.synthetic is synthetic
    assert delivery.rejects == ()


def test_what_is_no_part_of_a_delivery(tmp_path: Path) -> None:
    inside = tmp_path / "in"
    (inside / ".git").mkdir(parents=True)
    (inside / ".git" / "x").write_text("x", encoding="utf-8")
    (inside / ".DS_Store").write_text("x", encoding="utf-8")
    (inside / "README.md").write_text("x", encoding="utf-8")
    cases(inside)
    (inside / "again.csv").symlink_to(inside / "cases.csv")
    (inside / "all").symlink_to(inside)
    delivery = read_delivery(inside, now=NOW)
    assert delivery.rejects == ()
    assert set(delivery.tables) == {"case_daily"}


def test_a_link_to_a_hidden_file_is_read(tmp_path: Path) -> None:
    (tmp_path / ".store").mkdir()
    cases(tmp_path / ".store")
    (tmp_path / "cases.csv").symlink_to(tmp_path / ".store" / "cases.csv")
    delivery = read_delivery(tmp_path, now=NOW)
    assert delivery.rejects == ()
    assert set(delivery.tables) == {"case_daily"}


def test_files_that_would_hang_or_lead_astray(tmp_path: Path) -> None:
    inside, outside = tmp_path / "in", tmp_path / "out"
    inside.mkdir()
    outside.mkdir()
    cases(outside)
    (inside / "folder").symlink_to(outside)
    (inside / "gone").symlink_to(outside / "nothing")
    (inside / "loop").symlink_to(inside / "loop")
    os.mkfifo(inside / "pipe")
    (inside / "utf16.csv").write_bytes(HEADER.encode("utf-16"))
    (inside / "empty.json").write_bytes(b"")
    delivery = read_delivery(inside, now=NOW)
    assert delivery.tables == {}
    assert {(r.file, r.reason) for r in delivery.rejects} == {
        ("folder", "link_outside"),
        ("gone", "link_outside"),
        ("loop", "unreadable_file"),
        ("pipe", "unrecognised_file"),
        ("utf16.csv", "bad_encoding"),
        ("empty.json", "empty_file"),
    }


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is no folder"):
        read_delivery(tmp_path / "nothing", now=NOW)
