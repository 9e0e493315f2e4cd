"""A text of millions of characters is refused with a sentence, wherever a delivery may carry one."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dashboard.errors import InputError
from dashboard.screening.feeds import FEED_COLUMNS, Feeds
from dashboard.snapshot.build import BuildResult
from dashboard.snapshot.importers.bulk import LONGEST_TEXT
from dashboard.snapshot.inputs import read_delivery
from dashboard.snapshot.job_connection import open_build_connection
from tests.events import D2, D3, build, deliver, make_changes, make_scans, make_venues, rows_of
from tests.tiny import tiny_tables

ROWS = 12
IDS = [f"V{i:04d}" for i in range(12)]
LONG = "长" * 1_600_000  # three bytes each


def wide(rows: pl.DataFrame, column: str, *, every: bool) -> pa.Table:
    """``rows`` with the long text in the first row, or in all, as one word of a dictionary."""
    arrow = rows.to_arrow()
    words = pa.array([LONG, *map(str, rows[column].to_list())])
    places = [0] * rows.height if every else [0, *range(2, rows.height + 1)]
    texts = pa.DictionaryArray.from_arrays(pa.array(places, pa.int32()), words)
    return arrow.set_column(arrow.column_names.index(column), column, texts)


def write(table: pa.Table, path: Path) -> None:
    """The long text stands once on the disk, whatever stands in the rows."""
    pq.write_table(
        table, path, compression="zstd", dictionary_pagesize_limit=100_000_000, write_statistics=False
    )


def results() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "holder_key": [f"p{n}" for n in range(ROWS)],
            "sampled_at": [datetime(2022, 8, 30, 8)] * ROWS,
            "result": ["negative"] * ROWS,
        },
        schema_overrides={"sampled_at": pl.Datetime("us")},
    )


def scans() -> pl.DataFrame:
    return make_scans(D3, IDS, seed=1, rows=ROWS).with_columns(pl.col("holder_key").cast(pl.String))


def changes() -> pl.DataFrame:
    return make_changes(D3, seed=1, rows=ROWS).with_columns(
        pl.col("holder_key", "rule_version").cast(pl.String)
    )


def register() -> pl.DataFrame:
    return make_venues([f"W{i:04d}" for i in range(ROWS)])


EVENTS: list[tuple[str, Callable[[], pl.DataFrame], str]] = [
    *(("scans", scans, column) for column in ("venue_id", "holder_key", "colour", "channel")),
    *(
        ("code_events", changes, column)
        for column in (
            "holder_key",
            "area_code",
            "from_colour",
            "to_colour",
            "reason_code",
            "rule_version",
            "actor",
        )
    ),
    *(("tests", results, column) for column in ("holder_key", "result")),
    *(("venues", register, column) for column in ("venue_id", "area_code", "category", "crs")),
]
WHOLE = [one for one in EVENTS if one[2] in ("venue_id", "reason_code", "result", "crs")]
FEED = {"code_events": "codes"}


def deliver_with(folder: Path, name: str, table: pa.Table) -> BuildResult:
    """Build a delivery of events that is good but for one file."""
    for good, rows in (("scans", make_scans(D2, IDS, seed=0)), ("code_events", make_changes(D2, seed=0))):
        deliver(folder / "in", good, D2, rows)
    (folder / "in" / "venues").mkdir()
    make_venues(IDS).write_parquet(folder / "in" / "venues" / "venues.parquet")
    place = "venues" if name == "venues" else f"{name}/date={D3}"
    path = folder / "in" / place / "wide.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    if name == "tests":
        deliver(folder / "in", "code_events", D3, make_changes(D3, seed=1))
    write(table, path)
    return build(folder / "in", folder)


@pytest.mark.parametrize(("name", "rows", "column"), WHOLE)
def test_a_column_of_events_that_is_long_in_every_row_puts_the_file_aside(
    tmp_path: Path, name: str, rows: Callable[[], pl.DataFrame], column: str
) -> None:
    result = deliver_with(tmp_path, name, wide(rows(), column, every=True))
    feed = FEED.get(name, name)
    assert (feed, "long_text", ROWS) in set(rows_of(tmp_path, result, "feed_reject").iter_rows())
    quarantine = (tmp_path / "quarantine" / result.manifest.id / f"{feed}.jsonl").read_text()
    (said,) = [
        e["detail"] for line in quarantine.splitlines() if (e := json.loads(line))["reason"] == "long_text"
    ]
    assert said.startswith((f"The column {column} unpacks to", f"The column {column} holds a text"))
    assert len(quarantine) < 20_000


@pytest.mark.parametrize(("name", "rows", "column"), EVENTS)
def test_one_long_text_of_events_puts_its_row_aside(
    tmp_path: Path, name: str, rows: Callable[[], pl.DataFrame], column: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.unit.test_long_texts.LONG", "x" * (LONGEST_TEXT + 1))
    result = deliver_with(tmp_path, name, wide(rows(), column, every=False))
    got = {(r[0], r[1]): r[2] for r in rows_of(tmp_path, result, "feed_reject").iter_rows()}
    feed = FEED.get(name, name)
    if (name, column) == ("scans", "channel"):
        assert not got  # no column that is read
    elif (name, column) == ("scans", "colour"):
        assert got == {("scans", "unknown_colour"): 1}
    elif name == "venues":
        assert got == {(feed, "long_text"): ROWS}
    else:
        assert got == {(feed, "long_text"): 1}


@pytest.mark.parametrize("every", [True, False])
@pytest.mark.parametrize("column", ["institution", "name", "crs"])
def test_texts_of_a_table_and_of_its_optional_columns(tmp_path: Path, column: str, *, every: bool) -> None:
    one = tiny_tables()["institution"].head(1).with_columns(crs=pl.lit("wgs84"))
    rows = pl.concat([one] * ROWS).with_columns(institution=pl.Series([f"i{n}" for n in range(ROWS)]))
    (tmp_path / "institution").mkdir()
    path = tmp_path / "institution" / "a.parquet"
    write(wide(rows, column, every=every), path)
    delivery = read_delivery(tmp_path, now=datetime(2030, 1, 1))
    ((reason, count, said),) = [(r.reason, r.rows, r.detail) for r in delivery.rejects]
    assert (reason, count) == ("long_text", ROWS)
    assert said.startswith(f"The column {column} ")


def test_an_absent_optional_column_is_no_trouble(tmp_path: Path) -> None:
    (tmp_path / "institution").mkdir()
    rows = tiny_tables()["institution"]
    rows.write_parquet(tmp_path / "institution" / "a.parquet")
    delivery = read_delivery(tmp_path, now=datetime(2030, 1, 1))
    assert not delivery.rejects
    assert delivery.tables["institution"].lazy().collect().height == rows.height


def test_a_long_cell_of_a_csv_puts_its_line_aside(tmp_path: Path) -> None:
    (tmp_path / "institution").mkdir()
    rows = tiny_tables()["institution"]
    bad = rows.head(1).with_columns(institution=pl.lit("bad"), name=pl.lit("长" * 500_000))
    pl.concat([rows, bad]).write_csv(tmp_path / "institution" / "a.csv")
    delivery = read_delivery(tmp_path, now=datetime(2030, 1, 1))
    ((reason, row, said),) = [(r.reason, r.row, r.detail) for r in delivery.rejects]
    assert (reason, row) == ("long_text", rows.height + 2)
    assert said == f"name is '{'长' * 80}'."


TEXTS = [
    (feed, c)
    for feed, columns in FEED_COLUMNS.items()
    for c, kind in columns.items()
    if kind in ("text", "key")
]


@pytest.mark.parametrize(("feed", "column"), TEXTS)
def test_the_screening_refuses_a_feed_with_texts_of_that_size(tmp_path: Path, feed: str, column: str) -> None:
    kinds = {
        "key": "k",
        "venue": "v",
        "text": "negative",
        "time": datetime(2022, 8, 30),
        "day": D3,
        "whole": 1,
    }
    rows = pl.DataFrame({c: [kinds[kind]] * ROWS for c, kind in FEED_COLUMNS[feed].items()})
    folder = tmp_path / feed / f"date={D3}"
    folder.mkdir(parents=True)
    write(wide(rows, column, every=True), folder / "a.parquet")
    (tmp_path / "temp").mkdir()
    with open_build_connection(memory="500MB", temp=tmp_path / "temp", reads=(tmp_path,)) as con:
        feeds = Feeds(con, tmp_path)
        with pytest.raises(InputError, match=f"{feed}.*column {column} unpacks"):
            _ = feeds.scans(D3) if feed == "scans" else feeds.find(feed)
