"""Whatever is delivered: nothing raises, nothing is dropped, and the tables keep the contract."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

from dashboard.snapshot.contract import TABLE_BY_NAME
from dashboard.snapshot.importers.case_days import build_days
from dashboard.snapshot.importers.cases import Counts, Node
from dashboard.snapshot.importers.result import polars_schema
from dashboard.snapshot.importers.risk_feed import Level, Place, Publication
from dashboard.snapshot.importers.risk_places import build_spells
from dashboard.snapshot.inputs import Delivery, read_delivery
from dashboard.snapshot.quarantine import REASONS, count_rows, write_quarantine

GOLDEN = Path(__file__).parents[1] / "golden" / "import"
NOW = datetime(2022, 9, 30, 8)
CSV = (GOLDEN / "cases_cumulative.csv").read_bytes()
JSON = json.dumps(json.loads((GOLDEN / "risk_reasons.json").read_bytes()), ensure_ascii=False).encode()

Change = Callable[[bytes], bytes]


def deliver(name: str, data: bytes) -> Delivery:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / name).write_bytes(data)
        delivery = read_delivery(Path(folder), now=NOW)
        write_quarantine(Path(folder) / ".quarantine", delivery.rejects)
    for table, frame in delivery.tables.items():
        assert frame.collect_schema() == polars_schema(TABLE_BY_NAME[table])
    assert all(reject.reason in REASONS and reject.detail for reject in delivery.rejects)
    return delivery


def accounted(delivery: Delivery, feed: str) -> int:
    accepted = next((f.accepted for f in delivery.feeds if f.feed == feed), None) or 0
    return accepted + count_rows(r for r in delivery.rejects if r.feed == feed)


def place(at: float, data: bytes) -> int:
    return int(at * len(data))


share = st.floats(0, 1, allow_nan=False)
bits = st.one_of(
    st.binary(max_size=6),
    st.sampled_from(
        [b",", b'"', b"\n", b"\r\n", b"\r", b"\x00", b"-", b"99999999999", "\u2028".encode(), b"{", b"["]
    ),
)
changes: st.SearchStrategy[Change] = st.one_of(
    st.builds(lambda at, new: lambda d: d[: place(at, d)] + new + d[place(at, d) :], share, bits),
    st.builds(lambda at, new: lambda d: d[: place(at, d)] + new + d[place(at, d) + len(new) :], share, bits),
    st.builds(lambda at, n: lambda d: d[: place(at, d)] + d[place(at, d) + n :], share, st.integers(1, 60)),
    st.builds(lambda at: lambda d: d[: place(at, d)], share),
    st.builds(
        lambda at, n: lambda d: d[: place(at, d)] + d[place(at, d) : place(at, d) + n] + d,
        share,
        st.integers(1, 90),
    ),
)


@settings(max_examples=120, deadline=None)
@given(st.lists(changes, max_size=4))
def test_any_change_of_a_csv_is_accounted_for(made: list[Change]) -> None:
    data = CSV
    for change in made:
        data = change(data)
    delivery = deliver("cases.csv", data)
    if any(r.feed == "unknown" for r in delivery.rejects):
        assert accounted(delivery, "unknown") == 1  # no cases file any more: one file, one entry
        assert "case_daily" not in delivery.tables
        return
    if "case_daily" not in delivery.tables and not delivery.rejects:
        raise AssertionError("the file vanished")
    lines = re.split(b"\r\n|\n|\r", data.removeprefix(b"\xef\xbb\xbf"))[1:]
    assert accounted(delivery, "cases") == max(1, sum(bool(line.strip(b" \t")) for line in lines))


@settings(max_examples=120, deadline=None)
@given(st.lists(changes, max_size=4))
@example([lambda d: d[: len(d) // 2]])
def test_any_change_of_a_json_goes_to_rejects(made: list[Change]) -> None:
    data = JSON
    for change in made:
        data = change(data)
    delivery = deliver("risk.json", data)
    assert delivery.tables or delivery.rejects


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
names = st.sampled_from(["四川省", "成都市", "武侯区", "高新区", "无此区", "湖北省", ""]) | anything
items = st.one_of(
    anything,
    st.fixed_dictionaries(
        {
            "province": st.just("四川省"),
            "city": st.just("成都市"),
            "county": st.sampled_from(["武侯区", "高新区"]),
        },
        optional={
            "communitys": st.lists(st.sampled_from(["甲", "乙", "甲 ", "\ud800"]) | anything, max_size=4)
            | anything,
            "area_name": anything,
            "since": anything,
            "rule_set": anything,
        },
    ),
    st.fixed_dictionaries(
        {"province": names, "city": names, "county": names, "communitys": st.lists(names, max_size=3)}
    ),
)
lists = st.lists(items, max_size=4) | anything


def count_places(feed: dict[str, object]) -> int:
    """The rows of a publication, counted the plain way."""
    total, reported = 0, 0
    for key in ("highlist", "middlelist", "lowlist"):
        value = feed.get(key)
        if isinstance(value, list):
            reported += 1
            for item in value:
                inner = item.get("communitys") if isinstance(item, dict) else None
                total += max(1, len(inner)) if isinstance(inner, list) else 1
        elif value is not None:
            total += 1
            reported += 1
    return total if reported else 1


@settings(max_examples=150, deadline=None)
@given(st.fixed_dictionaries({}, optional={"highlist": lists, "middlelist": lists, "lowlist": lists}))
def test_every_place_is_accepted_or_rejected(feed: dict[str, object]) -> None:
    feed = {"end_update_time": "2022-09-05 18时", **feed}
    delivery = deliver("risk.json", json.dumps(feed).encode())
    assert accounted(delivery, "risk_feed") == count_places(feed)


START = date(2022, 9, 1)
publications = st.lists(
    st.tuples(st.integers(0, 6), st.integers(0, 23), st.sets(st.sampled_from("甲乙")), st.booleans()),
    min_size=1,
    max_size=9,
)


def publish(day: int, hour: int, named: set[str], *, reported: bool) -> Publication:
    places = tuple(
        Place("510107", key, key, "high", "compound-7+3", None, None) for key in sorted(named) if reported
    )
    time = datetime(2022, 9, 1) + timedelta(days=day, hours=hour)
    levels: frozenset[Level] = frozenset({"high"} if reported else {"low"})
    return Publication("f", time, time.date(), levels, places, (), 0)


@settings(max_examples=200, deadline=None)
@given(publications)
def test_spells_agree_with_a_slow_twin(history: list[tuple[int, int, set[str], bool]]) -> None:
    made = [publish(d, h, named, reported=r) for d, h, named, r in sorted(history, key=lambda p: p[:2])]
    spells = build_spells(made)
    heard = [p for p in made if "high" in p.reported]
    for key in "甲乙":
        own = sorted((s for s in spells if s.place.key == key), key=lambda s: s.listed_from)
        yesterday = False
        for n in range(8):
            day = START + timedelta(days=n)
            before = [p for p in heard if p.day <= day]
            newest = bool(before) and any(p.key == key for p in before[-1].places)
            during = any(p.day == day and any(q.key == key for q in p.places) for p in heard)
            expected = newest or (during and not yesterday)
            covering = [
                s for s in own if s.listed_from <= day and (s.listed_to is None or day <= s.listed_to)
            ]
            assert len(covering) == int(expected)
            yesterday = expected
        assert all(s.listed_to is None or s.listed_from <= s.listed_to for s in own)
        assert len({s.listed_from for s in own}) == len(own)


series = st.dictionaries(st.integers(0, 7), st.integers(0, 50), max_size=8)


@settings(max_examples=100, deadline=None)
@given(
    st.dictionaries(st.integers(0, 7), st.integers(0, 200), min_size=1, max_size=8),
    st.lists(series, min_size=6, max_size=6),
)
def test_rows_add_up_to_the_published_total(total: dict[int, int], parts: Sequence[dict[int, int]]) -> None:
    nodes = [
        Node("city", "510100"),
        Node("county", "510107"),
        Node("county", "510104"),
        Node("city", "510700"),
        Node("imported", "510000"),
        Node("unpublished", "510000"),
    ]
    given_series = {
        Node("province", "510000"): total,
        **{n: p for n, p in zip(nodes, parts, strict=True) if p},
    }
    rows = build_days(
        {
            node: {START + timedelta(days=d): Counts(v, None, v // 2, None) for d, v in values.items()}
            for node, values in given_series.items()
        }
    )
    assert len({(r.day, r.area, r.origin) for r in rows}) == len(rows)
    known = sorted(total)
    for earlier, later in pairwise(known):
        between = [
            r for r in rows if START + timedelta(days=earlier) < r.day <= START + timedelta(days=later)
        ]
        assert sum(r.new[0] or 0 for r in between) == total[later] - total[earlier]
        assert all(r.new[0] is not None for r in between)
    assert all(r.correction for r in rows if r.new[0] is not None and r.new[0] < 0)
    assert all(r.new[1] is None and r.new[3] is None for r in rows)  # what nobody reported stays empty
