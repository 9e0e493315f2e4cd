"""The risk feed: the real day counted another way, a history of publications, times and texts."""

from __future__ import annotations

import json
import re
from collections import Counter
from datetime import date, datetime
from pathlib import Path

import polars as pl
import pytest

from dashboard.snapshot.contract import TABLE_BY_NAME
from dashboard.snapshot.importers.result import polars_schema
from dashboard.snapshot.importers.risk_feed import Publication, read_publication
from dashboard.snapshot.importers.text import identity, normalise
from dashboard.snapshot.inputs import Delivery, read_delivery
from geo.areas import find_area

NOW = datetime(2022, 9, 30, 8)
REAL = "sichuan_risk_areas_2022-09-05_original_format.json"


def read_real(shared_data: Path, tmp_path: Path) -> pl.DataFrame:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "risk.json").write_bytes((shared_data / REAL).read_bytes())
    delivery = read_delivery(tmp_path / "in", now=NOW)
    assert delivery.rejects == ()
    return delivery.tables["risk_place"].lazy().collect()


def publish(folder: Path, name: str, time: str, **lists: list[str] | None) -> None:
    """Write one publication whose items all lie in 武侯区; a list that is None is absent."""
    feed: dict[str, object] = {"end_update_time": time}
    for key, texts in lists.items():
        item = {"province": "四川省", "city": "成都市", "county": "武侯区", "communitys": texts}
        if texts is not None:
            feed[key] = [item] if texts else []
    (folder / name).write_text(json.dumps(feed, ensure_ascii=False), encoding="utf-8")


def spells(delivery: Delivery) -> set[tuple[object, ...]]:
    frame = delivery.tables["risk_place"].lazy().collect()
    return set(frame.select("text", "level", "listed_from", "listed_to").rows())


def test_real_day_by_level(shared_data: Path, tmp_path: Path) -> None:
    # Counted in the file: its text lines between the three list names.
    places = read_real(shared_data, tmp_path)
    assert Counter(places["level"].to_list()) == {"high": 312, "medium": 363, "low": 34}
    assert places.schema == polars_schema(TABLE_BY_NAME["risk_place"])
    assert places["place_id"].n_unique() == 709
    assert places["rule_set"].unique().to_list() == ["compound-7+3"]
    assert places["source_time"].unique().to_list() == [datetime(2022, 9, 5, 18)]
    assert places["listed_from"].unique().to_list() == [date(2022, 9, 5)]
    assert places["listed_to"].null_count() == 709


def test_real_day_by_county(shared_data: Path, tmp_path: Path) -> None:
    places = read_real(shared_data, tmp_path)
    # An own count on the lines of the file: no JSON parser and no importer takes part.
    expected: Counter[tuple[str, str, str]] = Counter()
    level = city = county = ""
    inside = False
    for line in (shared_data / REAL).read_text(encoding="utf-8").splitlines():
        if match := re.match(r'"(high|middle|low)list"', line):
            level = match[1].replace("middle", "medium")
        elif match := re.match(r'"(city|county)": "(.*)"', line):
            city, county = (match[2], county) if match[1] == "city" else (city, match[2])
        elif line.startswith('"communitys"'):
            inside = True
        elif line.startswith("]"):
            inside = False
        elif inside:
            expected[level, city, county] += 1
    assert expected["high", "成都市", "锦江区"] == 51
    assert len(expected) == 100
    for (level, city, county), count in expected.items():
        area = find_area(county, city=city)
        assert area is not None
        assert places.filter(pl.col("area") == area.code, pl.col("level") == level).height == count


@pytest.mark.parametrize(
    ("area", "high", "medium", "low"),
    [
        ("5101F1", 26, 29, 1),
        ("5101F2", 5, 11, 1),
        ("5101F3", 4, 3, 1),
        ("510104", 51, 50, 1),
        ("510118", 1, 1, 1),
    ],
)
def test_real_day_of_functional_zones(
    area: str, high: int, medium: int, low: int, shared_data: Path, tmp_path: Path
) -> None:
    levels = Counter(read_real(shared_data, tmp_path).filter(pl.col("area") == area)["level"].to_list())
    assert levels == {"high": high, "medium": medium, "low": low}


def test_history_makes_spells(tmp_path: Path) -> None:
    publish(tmp_path, "a", "2022-09-01 18时", highlist=["甲", "乙", "丙"], middlelist=["丁"])
    publish(tmp_path, "b", "2022-09-03 18时", highlist=["甲", "丙"], middlelist=["丁", "乙"])
    publish(tmp_path, "c", "2022-09-04 18时", highlist=["甲"])  # no medium list: nothing ends there
    publish(tmp_path, "d", "2022-09-06 18时", highlist=["甲", "丙"], middlelist=["乙"])
    d = date
    assert spells(read_delivery(tmp_path, now=NOW)) == {
        ("甲", "high", d(2022, 9, 1), None),
        ("乙", "high", d(2022, 9, 1), d(2022, 9, 2)),
        ("乙", "medium", d(2022, 9, 3), None),
        ("丙", "high", d(2022, 9, 1), d(2022, 9, 3)),
        ("丙", "high", d(2022, 9, 6), None),  # listed again
        ("丁", "medium", d(2022, 9, 1), d(2022, 9, 5)),
    }


def test_newest_publication_without_a_list_is_said(tmp_path: Path) -> None:
    publish(tmp_path, "a", "2022-09-01 18时", highlist=["甲"], middlelist=["乙"])
    publish(tmp_path, "b", "2022-09-02 18时", highlist=[])
    delivery = read_delivery(tmp_path, now=NOW)
    assert spells(delivery) == {
        ("甲", "high", date(2022, 9, 1), date(2022, 9, 1)),
        ("乙", "medium", date(2022, 9, 1), None),
    }
    assert any("medium" in note for note in delivery.notes)


def test_several_publications_a_day(tmp_path: Path) -> None:
    publish(tmp_path, "a", "2022-09-01 9时", highlist=["甲", "乙", "丙"])
    publish(tmp_path, "b", "2022-09-01 12时", highlist=["甲"])
    publish(tmp_path, "c", "2022-09-01 15时", highlist=["甲", "丙"])
    publish(tmp_path, "d", "2022-09-02 9时", highlist=[])
    publish(tmp_path, "e", "2022-09-02 12时", highlist=["甲"])
    assert spells(read_delivery(tmp_path, now=NOW)) == {
        ("甲", "high", date(2022, 9, 1), None),  # back on the same day: no day is lost or counted twice
        ("乙", "high", date(2022, 9, 1), date(2022, 9, 1)),
        ("丙", "high", date(2022, 9, 1), date(2022, 9, 1)),
    }


def test_place_id_is_stable(tmp_path: Path) -> None:
    publish(tmp_path, "a", "2022-09-01 18时", highlist=["示例街道１－３ 栋（甲）"])
    publish(tmp_path, "b", "2022-09-02 18时", highlist=["示例街道1-3栋(甲)"])
    frame = read_delivery(tmp_path, now=NOW).tables["risk_place"].lazy().collect()
    assert frame.select("text", "listed_from", "listed_to").rows() == [
        ("示例街道1-3栋(甲)", date(2022, 9, 1), None)
    ]
    # A change of this value would cut every place off from its past.
    assert frame["place_id"].to_list() == ["5eb8323d2ac19f9a"]


@pytest.mark.parametrize(
    ("stated", "time", "day"),
    [
        ("2022-09-05 18时", datetime(2022, 9, 5, 18), date(2022, 9, 5)),
        ("2022-09-05 24时", datetime(2022, 9, 6), date(2022, 9, 5)),
        ("２０２２－０９－０５　１８时", datetime(2022, 9, 5, 18), date(2022, 9, 5)),
        ("2022-09-05", datetime(2022, 9, 5), date(2022, 9, 5)),
        ("2022年9月5日18时", datetime(2022, 9, 5, 18), date(2022, 9, 5)),
        (" 2022-09-05  8时 ", datetime(2022, 9, 5, 8), date(2022, 9, 5)),
        ("2022-09-05 18:30", datetime(2022, 9, 5, 18, 30), date(2022, 9, 5)),
        ("2022-09-05 18时30分", datetime(2022, 9, 5, 18, 30), date(2022, 9, 5)),
    ],
)
def test_publication_time(stated: str, time: datetime, day: date) -> None:
    data = json.dumps({"end_update_time": stated, "highlist": []}).encode()
    read = read_publication("a", data, now=NOW)
    assert isinstance(read, Publication)
    assert (read.time, read.day) == (time, day)


@pytest.mark.parametrize(
    "stated", ["", "2022-09-31 18时", "2022-09-05 25时", "18时", None, 20220905, "2022-09-05 18时以前"]
)
def test_publication_time_that_is_none(stated: object) -> None:
    read = read_publication("a", json.dumps({"end_update_time": stated, "highlist": []}).encode(), now=NOW)
    assert not isinstance(read, Publication)
    assert read.reason == "bad_publication_time"


def test_publication_later_than_the_build() -> None:
    data = json.dumps({"end_update_time": "2022-09-30 9时", "highlist": []}).encode()
    read = read_publication("a", data, now=NOW)
    assert not isinstance(read, Publication)
    assert read.reason == "future_date"


@pytest.mark.parametrize(
    ("day", "rule_set"),
    [
        ("2022-06-27", "county-14d"),
        ("2022-06-28", "compound-7+3"),
        ("2022-11-10", "compound-7+3"),
        ("2022-11-11", "high-low-5d"),
    ],
)
def test_rule_set_by_date(day: str, rule_set: str, tmp_path: Path) -> None:
    publish(tmp_path, "a", f"{day} 18时", highlist=["甲"])
    frame = read_delivery(tmp_path, now=datetime(2023, 1, 1)).tables["risk_place"].lazy().collect()
    assert frame["rule_set"].to_list() == [rule_set]


def test_stated_days_and_rule_set() -> None:
    item = {"province": "四川", "city": "成都", "county": "新津县", "communitys": ["甲"]}
    good = item | {"rule_set": "high-low-5d", "since": "2022-09-01", "last_case": "2022-08-31"}
    wrong = item | {"communitys": ["乙"], "rule_set": "new", "since": "2022-09-07", "last_case": "soon"}
    data = json.dumps({"end_update_time": "2022-09-05 18时", "highlist": [good, wrong]}).encode()
    read = read_publication("a", data, now=NOW)
    assert isinstance(read, Publication)
    assert [(p.area, p.rule_set, p.since, p.last_case) for p in read.places] == [
        ("510118", "high-low-5d", date(2022, 9, 1), date(2022, 8, 31)),
        ("510118", "compound-7+3", None, None),  # the place stays: only what is wrong is left out
    ]
    assert read.unread_days == 3


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("示例1—5栋", "示例1-5栋", True),
        ("示例１－５栋", "示例1-5 栋", True),
        ("示例（东区）", "示例(东区)", True),
        ("示例\u200b小区", "示例小区", True),
        ("示例 小区", "示例小区", True),
        ("示例1 2栋", "示例12栋", False),
        ("示例一5栋", "示例-5栋", False),
        ("示例1~5栋", "示例1-5栋", False),
        ("示例1、2栋", "示例12栋", False),
        ("示例A 1栋", "示例A1栋", False),
    ],
)
def test_same_place(one: str, other: str, same: bool) -> None:
    assert (identity(normalise(one)) == identity(normalise(other))) is same
