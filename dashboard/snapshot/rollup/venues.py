"""The register of venues: where each is, of which category, since when, and its pixel on the map."""

from __future__ import annotations

import hashlib
import io
import os
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from dashboard.snapshot.contract import VENUE_CATEGORIES
from dashboard.snapshot.importers.bulk import LONGEST_TEXT, find_bulky_column, find_long_text
from dashboard.snapshot.importers.places import area_by_code
from dashboard.snapshot.importers.text import decode
from dashboard.snapshot.quarantine import Reject, printable
from geo.gcj02 import gcj02_to_wgs84

FEED = "venues"
COLUMNS = ("venue_id", "area_code", "category", "lon", "lat", "crs", "registered_at")
# CGCS2000 and WGS84 differ by centimetres.
_PLAIN = ("WGS84", "EPSG4326", "CGCS2000", "EPSG4490")
_SHIFTED = ("GCJ02",)
# The province with room around it: a coordinate outside is a slip, or swapped.
_WEST, _EAST, _SOUTH, _NORTH = 96.0, 109.5, 25.5, 35.0
_WORDS = ("venue_id", "area_code", "category", "crs", "registered_at")
PIXELS = 256 << 14  # pixels around the world at zoom 14


@dataclass(frozen=True)
class Venues:
    """``rows``: venue_id, area (today's code), category, x, y (pixel at zoom 14 or NULL), registered (day).

    ``words`` says that ids are text, otherwise whole numbers.
    """

    rows: pl.DataFrame
    words: bool
    accepted: int
    rejects: tuple[Reject, ...]
    notes: tuple[str, ...]

    def on(self, day: date) -> pl.DataFrame:
        """The venues registered by ``day``; one without a day of registration was always there."""
        registered = pl.col("registered")
        return self.rows.filter(registered.is_null() | (registered <= day))

    def digest(self, day: date) -> str:
        """Changes when a venue registered by ``day`` does, not when one is added later."""
        rows = self.on(day)
        hashes = rows.hash_rows(seed=1).sort()
        return f"{rows.height} {hashlib.sha256(hashes.to_numpy().tobytes()).hexdigest()}"


def read_venues(folder: Path, *, now: datetime) -> Venues:
    """Read every file of ``folder/venues``; the last row of an id holds."""
    frames: list[pl.DataFrame] = []
    rejects: list[Reject] = []
    for path in sorted(
        p for p in (folder / "venues").rglob("*") if p.is_file() and not p.name.startswith(".")
    ):
        name = printable(path.relative_to(folder).as_posix())
        if path.is_symlink() and not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder)):
            rejects.append(Reject(FEED, name, None, "link_outside", "A link that leads outside.", ""))
            continue
        read = _read(path, name)
        if isinstance(read, Reject):
            rejects.append(read)
        else:
            frames.append(read.with_columns(pl.lit(name).alias("__file")))
    words = not frames or any(frame.schema["venue_id"] == pl.String for frame in frames)
    kind = pl.String if words else pl.Int64
    if not frames:
        return Venues(_locate(pl.DataFrame(schema=_schema(kind))), words, 0, tuple(rejects), ())
    rows = pl.concat([f.with_columns(pl.col("venue_id").cast(kind)) for f in frames])
    good, bad = _check(rows, now)
    rejects += bad
    twice = good.filter(~pl.col("venue_id").is_last_distinct())
    rejects += _summed(twice.with_columns(pl.lit("conflicting_row").alias("__why")))
    good = good.filter(pl.col("venue_id").is_last_distinct())
    located = _locate(good)
    lost = located.filter(pl.col("x").is_null()).height
    note = (
        f"{lost} 个场所坐标缺失或在省外，计入统计但不上图 / "
        f"{lost} venues without a usable position: counted, not drawn"
    )
    return Venues(located, words, good.height, tuple(rejects), (note,) if lost else ())


def to_pixels(lon: np.ndarray, lat: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Web-mercator pixel at zoom 14 of WGS84 degrees."""
    x = np.floor((lon + 180.0) / 360.0 * PIXELS)
    sine = np.sin(np.radians(lat))
    y = np.floor((0.5 - np.log((1 + sine) / (1 - sine)) / (4 * np.pi)) * PIXELS)
    return x.astype(np.int32), y.astype(np.int32)


def _schema(kind: type[pl.DataType]) -> dict[str, type[pl.DataType]]:
    return {
        "venue_id": kind, "area_code": pl.String, "category": pl.String, "lon": pl.Float64,
        "lat": pl.Float64, "crs": pl.String, "registered": pl.Date,
    }  # fmt: skip


def _read(path: Path, name: str) -> pl.DataFrame | Reject:
    try:
        frame = _read_parquet(path) if path.suffix == ".parquet" else _read_csv(path)
    except _LongText as error:
        return Reject(FEED, name, None, "long_text", str(error), "", error.rows)
    except (OSError, ValueError, TypeError, KeyError, MemoryError, pl.exceptions.PolarsError) as error:
        said = (str(error).splitlines() or [""])[0]
        return Reject(FEED, name, None, "unreadable_file", f"The file cannot be read: {said}.", "")
    missing = [c for c in COLUMNS if c not in frame.columns]
    if missing:
        return Reject(FEED, name, None, "missing_column", f"The file lacks {', '.join(missing)}.", "")
    try:
        day = pl.col("registered_at")
        if frame.schema["registered_at"] == pl.String:
            day = day.str.slice(0, 10).str.to_date("%Y-%m-%d", strict=True)
        key = pl.col("venue_id")
        return frame.select(
            key if frame.schema["venue_id"] == pl.String else key.cast(pl.Int64),
            pl.col("area_code", "category", "crs").cast(pl.String),
            pl.col("lon", "lat").cast(pl.Float64),
            day.cast(pl.Date).alias("registered"),
        )
    except pl.exceptions.PolarsError as error:
        said = (str(error).splitlines() or [""])[0]
        return Reject(FEED, name, None, "wrong_type", f"{said}.", "", max(1, frame.height))


class _LongText(ValueError):
    """A file with texts that are no ids; ``rows`` is how many rows go with it."""

    def __init__(self, said: str, rows: int) -> None:
        super().__init__(said)
        self.rows = max(1, rows)


def _read_parquet(path: Path) -> pl.DataFrame:
    with pq.ParquetFile(path) as footer:
        rows = footer.metadata.num_rows
        have = [c for c in COLUMNS if c in footer.schema_arrow.names]
        words = [c for c in _WORDS if c in have]
        if bulky := find_bulky_column(footer.metadata, words):
            raise _LongText(bulky, rows)
    with pq.ParquetFile(path, page_checksum_verification=True, read_dictionary=words) as opened:
        table = opened.read(columns=have)
    if long := find_long_text(table, words):
        raise _LongText(long, rows)
    table.validate(full=True)
    plain = [c.cast(pa.large_string()) if pa.types.is_dictionary(c.type) else c for c in table.itercolumns()]
    frame = pl.from_arrow(pa.Table.from_arrays(plain, names=table.column_names))
    if not isinstance(frame, pl.DataFrame):
        raise TypeError("a Parquet file holds a table")
    return frame


def _read_csv(path: Path) -> pl.DataFrame:
    text = decode(path.read_bytes())
    if text is None:
        raise ValueError("neither UTF-8 nor GB18030")
    frame = pl.read_csv(io.BytesIO(text.encode()), infer_schema=False)
    return frame.select(pl.col(c) for c in COLUMNS if c in frame.columns)


def _check(rows: pl.DataFrame, now: datetime) -> tuple[pl.DataFrame, list[Reject]]:
    codes = [c for c in rows["area_code"].unique().to_list() if c is not None]
    areas = {code: area_by_code(code) for code in codes}
    unknown = [code for code, area in areas.items() if area is None]
    above = [code for code, area in areas.items() if area and area.level in ("province", "city")]
    why = pl.coalesce(
        pl.when(pl.any_horizontal(pl.col("venue_id", "area_code", "category").is_null())).then(
            pl.lit("missing_value")
        ),
        pl.when(pl.any_horizontal(pl.col(pl.String).str.len_bytes() > LONGEST_TEXT)).then(
            pl.lit("long_text")
        ),
        pl.when(pl.col("area_code").is_in(unknown)).then(pl.lit("unknown_area")),
        pl.when(pl.col("area_code").is_in(above)).then(pl.lit("wrong_level")),
        pl.when(~pl.col("category").is_in(VENUE_CATEGORIES)).then(pl.lit("unknown_category")),
        pl.when(pl.col("registered") > now.date()).then(pl.lit("future_date")),
    )
    judged = rows.with_columns(why.alias("__why"))
    good = judged.filter(pl.col("__why").is_null())
    today = {code: area.code for code, area in areas.items() if area is not None}
    return (
        good.with_columns(pl.col("area_code").replace(today)),
        _summed(judged.filter(pl.col("__why").is_not_null())),
    )


def _summed(bad: pl.DataFrame) -> list[Reject]:
    """One entry for each file and reason, with its number and an example."""
    groups = (
        bad.group_by("__file", "__why")
        .agg(pl.len().alias("rows"), pl.col("venue_id").min())
        .sort("__file", "__why")
    )
    return [
        Reject(FEED, file, None, why, f"{rows} venues, for example {str(example)[:80]}.", "", rows)
        for file, why, rows, example in groups.iter_rows()
    ]


def _locate(good: pl.DataFrame) -> pl.DataFrame:
    lon, lat = good["lon"].to_numpy().astype(float), good["lat"].to_numpy().astype(float)
    datum = good["crs"].str.to_uppercase().str.replace_all(r"[^A-Z0-9]", "")
    shifted = datum.is_in(_SHIFTED).fill_null(value=False).to_numpy()
    known = shifted | datum.is_in(_PLAIN).fill_null(value=False).to_numpy()
    with np.errstate(invalid="ignore"):
        inside = known & (lon > _WEST) & (lon < _EAST) & (lat > _SOUTH) & (lat < _NORTH)
    points = np.column_stack([lon, lat])
    moved = inside & shifted
    if moved.any():
        points[moved] = gcj02_to_wgs84(points[moved])
    x, y = to_pixels(np.where(inside, points[:, 0], 104.0), np.where(inside, points[:, 1], 30.0))
    on_map = pl.Series(inside, dtype=pl.Boolean)
    return good.select(
        "venue_id",
        pl.col("area_code").alias("area"),
        "category",
        pl.when(on_map).then(pl.Series(x, dtype=pl.Int32)).alias("x"),
        pl.when(on_map).then(pl.Series(y, dtype=pl.Int32)).alias("y"),
        "registered",
    )
