"""Raw scan events of one day at the size of a province: invented, streamed to Parquet, quick to write.

Events are made in pieces of a few million, each from a random stream of its own, so that two cores work
side by side, memory does not grow with the number of events, and the same seed gives the same rows.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from dashboard.demo.rhythm import SCANNED, SHOWS, hour_shares
from dashboard.demo.story import Floats, Ints, stream
from dashboard.demo.venues import Venues
from dashboard.demo.world import World

PIECE = 2_000_000  # events in one file and one piece of work: about 250 MB while it is made
_POOL = 1 << 21
# A venue's guests are of its county but for these.
_AWAY = 0.04
_YELLOW, _RED, _REFUSED = 0.0030, 0.0002, 0.0008
_FAMILY, _OFFLINE = 0.06, 0.02
_PLANTED = 7  # events of the last piece whose venue no register holds
UNKNOWN_VENUE = 2_000_000_000
_COLOURS = pa.array(["green", "yellow", "red"])
_CHANNELS = pa.array(["self", "family", "offline"])
_MIX = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True)
class _Piece:
    number: int
    hour: int
    rows: int


def write_scans(
    folder: Path,
    day: date,
    world: World,
    venues: Venues,
    *,
    events: int,
    seed: int,
    tell: Callable[[float], None] = lambda _share: None,
) -> int:
    """Write ``events`` scans of ``day`` as files of ``folder`` and return how many of them are wrong.

    Columns: ts, venue_id, holder_key, colour, channel, by_guard, refused. Files are in order of time.
    """
    folder.mkdir(parents=True, exist_ok=True)
    holders = np.maximum(world.holders.sum(axis=1), 1.0)
    pieces = _plan(events, seed)

    def work(piece: _Piece, pool: Ints) -> None:
        table = _make(piece, day, venues, holders, pool, seed, last=piece is pieces[-1])
        _write(table, folder / f"part-{piece.number:04d}.parquet")

    done = 0
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as crew:
        for hour in range(24):
            mine = [piece for piece in pieces if piece.hour == hour]
            pool = _pool(venues, hour, seed)
            for piece, _ in zip(mine, crew.map(partial(work, pool=pool), mine), strict=True):
                done += piece.rows
                tell(done / events)
    return min(_PLANTED, pieces[-1].rows)


def _plan(events: int, seed: int) -> list[_Piece]:
    """How many events fall into each hour, cut into pieces."""
    weights = (hour_shares() * SHOWS[:, None]).sum(axis=0)
    hours = stream(seed, "event hours").multinomial(events, weights / weights.sum())
    pieces: list[_Piece] = []
    for hour, rows in enumerate(hours.tolist()):
        while rows > 0:
            take = min(rows, PIECE)
            pieces.append(_Piece(len(pieces), hour, take))
            rows -= take
    return pieces


def _pool(venues: Venues, hour: int, seed: int) -> Ints:
    """Rows of venues, each as often as it is visited in the hour: a draw from it is a guest."""
    weight = venues.size * (hour_shares()[:, hour] * SHOWS)[venues.category]
    count = stream(seed, f"pool {hour}").poisson(weight / weight.sum() * _POOL)
    return np.repeat(np.arange(len(count), dtype=np.int32), count)


def _make(
    piece: _Piece, day: date, venues: Venues, holders: Floats, pool: Ints, seed: int, *, last: bool
) -> pa.Table:
    random = np.random.Generator(np.random.SFC64([seed, piece.number]))
    n = piece.rows
    venue = pool[random.integers(0, len(pool), n, dtype=np.int32)]
    # Whole seconds in order: how many in each is drawn, so nothing has to be sorted.
    seconds = random.multinomial(n, np.full(3600, 1 / 3600))
    begin = (day - date(1970, 1, 1)).days * 86_400 + piece.hour * 3_600
    ts = np.repeat(np.arange(begin, begin + 3_600, dtype=np.int64) * 1_000_000, seconds)
    luck = random.integers(0, 1 << 16, n, dtype=np.uint16)  # one draw serves guard and channel
    guard = (luck & 0xFF) >= _GUARD_BELOW[venues.category][venue]
    channel = np.searchsorted(_CHANNEL_STEPS, luck >> 8, side="right").astype(np.int8)
    colour = np.zeros(n, dtype=np.int8)
    colour[_some(random, n, _YELLOW)] = 1
    colour[_some(random, n, _RED)] = 2
    refused = np.zeros(n, dtype=np.bool_)
    refused[_some(random, n, _REFUSED)] = True
    refused |= colour == 2
    ids = venues.ids[venue]
    if last:
        ids[-_PLANTED:] = UNKNOWN_VENUE
    return pa.table(
        {
            "ts": pa.array(ts, type=pa.timestamp("us")),
            "venue_id": ids,
            "holder_key": _people(random, venues.county[venue], holders),
            "colour": pa.DictionaryArray.from_arrays(pa.array(colour), _COLOURS),
            "channel": pa.DictionaryArray.from_arrays(pa.array(channel), _CHANNELS),
            "by_guard": guard,
            "refused": refused,
        }
    )


_GUARD_BELOW = (SCANNED * 256).astype(np.uint16)
_CHANNEL_STEPS = np.array([(1 - _FAMILY - _OFFLINE) * 256, (1 - _OFFLINE) * 256], dtype=np.uint16)


def _some(random: np.random.Generator, n: int, share: float) -> Ints:
    """Places of the few rows that are not like the others: far cheaper than one draw for each row."""
    return random.integers(0, n, random.binomial(n, share), dtype=np.int64)


def _people(random: np.random.Generator, county: Ints, holders: Floats) -> Ints:
    """Pseudonyms of 63 bits: a person of the county, a few from anywhere."""
    first = np.concatenate([[0.0], np.cumsum(holders)])
    draw = random.random(len(county), dtype=np.float32)
    person = (first[:-1][county] + draw * holders[county]).astype(np.uint64)
    away = _some(random, len(county), _AWAY)
    person[away] = (random.random(len(away)) * first[-1]).astype(np.uint64)
    # An odd factor modulo 2^63 maps no two people to one pseudonym.
    return np.asarray((person * _MIX) & np.uint64((1 << 63) - 1)).view(np.int64)


def _write(table: pa.Table, path: Path) -> None:
    # Pseudonyms do not compress; the rest does, to about three bytes an event.
    squeezed = [name for name in table.column_names if name != "holder_key"]
    pq.write_table(
        table,
        path,
        row_group_size=PIECE // 2,
        use_dictionary=["ts", "colour", "channel"],
        compression={**dict.fromkeys(squeezed, "zstd"), "holder_key": "none"},
        compression_level=dict.fromkeys(squeezed, 1),
        store_schema=False,
    )
