"""The event-level feeds a screening reads: where they lie, which columns, and each as a relation of SQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from dashboard.errors import InputError
from dashboard.snapshot.importers.bulk import find_bulky_text
from dashboard.snapshot.job_connection import BuildConnection, columns_of, plain_errors, quote

Kind = Literal["key", "venue", "text", "time", "day", "whole"]

# The columns each feed must have; others may stand beside them and are never read.
FEED_COLUMNS: MappingProxyType[str, dict[str, Kind]] = MappingProxyType(
    {
        "scans": {"ts": "time", "venue_id": "venue", "holder_key": "key", "colour": "text"},
        "venues": {"venue_id": "venue", "area_code": "text"},
        "holders": {"holder_key": "key", "area_code": "text"},
        "left_province": {"holder_key": "key", "left_at": "time"},
        "telecom": {"holder_key": "key", "area_code": "text", "day": "day"},
        "code_events": {"ts": "time", "holder_key": "key", "to_colour": "text"},
        "tests": {"holder_key": "key", "sampled_at": "time", "result": "text"},
        "vaccination": {"holder_key": "key", "dose": "whole", "given_on": "day"},
    }
)
_WHOLE = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT")
# A time with a zone is refused: which zone the department meant by it cannot be known.
_FITS: MappingProxyType[Kind, tuple[str, ...]] = MappingProxyType(
    {
        "key": ("VARCHAR", "UUID", *_WHOLE),
        "venue": ("VARCHAR", *_WHOLE),
        "text": ("VARCHAR", "ENUM"),
        "time": ("TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS"),
        "day": ("DATE",),
        "whole": _WHOLE,
    }
)
_CAST: MappingProxyType[Kind, str] = MappingProxyType(
    {"text": "VARCHAR", "time": "TIMESTAMP", "day": "DATE", "whole": "BIGINT"}
)


# The only words of a column; another language or spelling must not pass for "no negative test".
_WORDS = MappingProxyType({"tests": ("result", ("negative", "positive", "invalid"))})


class Feeds:
    """What lies in one input folder.

    ``key_type`` and ``venue_type`` are the DuckDB types of ``holder_key`` and ``venue_id`` in the scans:
    joined as they are delivered, no event is converted. Raises ``InputError`` for a
    feed without its columns, or with another type in one of them.
    """

    def __init__(self, con: BuildConnection, folder: Path) -> None:
        if not folder.is_dir():
            raise InputError(f"{folder} is no folder.", todo="Name the folder the departments deliver into.")
        self._con = con
        self._folder = folder
        self._scans: dict[date, str | None] = {}
        self.key_type = self.venue_type = "VARCHAR"
        if files := [f for f in _files(folder / "scans") if f.suffix == ".parquet"]:
            with plain_errors("scans"):
                given = columns_of(con, _parquet(files[:1]))
            # Another type is refused with all others, when the scans are asked for.
            self.key_type = _type_or_text(given.get("holder_key", ""), _FITS["key"])
            self.venue_type = _type_or_text(given.get("venue_id", ""), _FITS["venue"])

    def scans(self, day: date) -> str | None:
        """The scans of a day; None when nothing was delivered for it."""
        if day not in self._scans:
            files = [f for f in _files(self._folder / "scans" / f"date={day}") if f.suffix == ".parquet"]
            self._scans[day] = self._relation("scans", files) if files else None
        return self._scans[day]

    def find(self, feed: str) -> str | None:
        """A feed other than the scans; None when it was not delivered, or without a single row."""
        files = _files(self._folder / feed)
        if not files:
            return None
        relation = self._relation(feed, files)
        with plain_errors(feed):
            if not self._con.execute(f"SELECT 1 FROM {relation} LIMIT 1").fetchone():  # noqa: S608
                return None
            self._check_words(feed, relation)
        return relation

    def _check_words(self, feed: str, relation: str) -> None:
        column, words = _WORDS.get(feed, ("", ()))
        if not column:
            return
        sql = f"SELECT 1 FROM {relation} WHERE {column} NOT IN (SELECT unnest($words)) LIMIT 1"  # noqa: S608
        if self._con.execute(sql, {"words": list(words)}).fetchone():
            raise InputError(
                f"{feed}: {column} holds other words than {', '.join(words)}.",
                todo="Deliver the feed again with these words.",
            )

    def _relation(self, feed: str, files: Sequence[Path]) -> str:
        parquet = [f for f in files if f.suffix == ".parquet"]
        _check_texts(feed, parquet)
        csv = [f for f in files if f.suffix == ".csv"]
        sources = [_parquet(parquet)] if parquet else []
        if csv:
            sources.append(f"read_csv([{_names(csv)}], header = true, all_varchar = true)")
        return f"({' UNION ALL '.join(self._select(feed, source) for source in sources)})"

    def _select(self, feed: str, source: str) -> str:
        wanted = FEED_COLUMNS[feed]
        with plain_errors(feed):
            given = columns_of(self._con, source)
        if missing := [name for name in wanted if name not in given]:
            raise InputError(
                f"{feed} lacks the column {', '.join(missing)}.", todo="docs/screening.md lists the columns."
            )
        if not source.startswith("read_csv"):
            wrong = [
                f"{name} is {given[name]}, not {' or '.join(_FITS[kind][:2])}"
                for name, kind in wanted.items()
                if given[name].split("(")[0] not in _FITS[kind]
            ]
            if wrong:
                raise InputError(
                    f"{feed}: {'; '.join(wrong)}.",
                    todo="Deliver the columns of docs/screening.md; times have no zone.",
                )
        types = {**_CAST, "key": self.key_type, "venue": self.venue_type}
        columns = ", ".join(f"CAST({name} AS {types[kind]}) AS {name}" for name, kind in wanted.items())
        return f"SELECT {columns} FROM {source}"  # noqa: S608 - names are ours, paths are quoted


def _check_texts(feed: str, files: Sequence[Path]) -> None:
    """Raise ``InputError`` for a column of ids or words that unpacks to far more than those need."""
    for file in files:
        if bulky := find_bulky_text(file, FEED_COLUMNS[feed]):
            raise InputError(f"{feed}: {bulky}", todo="Deliver ids and words in the columns, nothing longer.")


def _type_or_text(given: str, fits: Sequence[str]) -> str:
    return given if given in fits else "VARCHAR"


def _files(folder: Path) -> list[Path]:
    """Parquet and CSV files below ``folder``, sorted; hidden ones are not part of a delivery."""
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix in (".parquet", ".csv")
        and path.is_file()
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )


def _parquet(files: Sequence[Path]) -> str:
    return f"read_parquet([{_names(files)}], hive_partitioning = false)"


def _names(files: Sequence[Path]) -> str:
    return ", ".join(quote(str(f.resolve())) for f in files)
