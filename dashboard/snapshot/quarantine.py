"""The quarantine: what a delivery held that could not be used, each with a plain reason.

Nothing is dropped or clipped on the way in. A row is either accepted or stands here, and the two add
up to the rows delivered. A file that cannot be used as a whole stands here once, for all its rows.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

# The feed of a file that no importer claims.
UNKNOWN_FEED = "unknown"

# Each code has a sentence in i18n/texts/rejects.toml and an explanation in docs/data-contract.md.
REASONS: tuple[str, ...] = (
    # a file as a whole
    "unrecognised_file",
    "screening_input",
    "empty_file",
    "unreadable_file",
    "too_large",
    "link_outside",
    "malformed_file",
    "bad_publication_time",
    "bad_list",
    "wrong_header",
    "missing_column",
    "wrong_type",
    "long_text",
    "duplicate_delivery",
    "bad_log_line",
    # one row or place
    "bad_encoding",
    "torn_line",
    "wrong_width",
    "bad_date",
    "future_date",
    "wrong_folder_day",
    "bad_number",
    "negative_count",
    "missing_value",
    "out_of_range",
    "unknown_category",
    "unknown_colour",
    "unknown_reason",
    "unknown_venue",
    "unknown_area",
    "wrong_level",
    "name_code_mismatch",
    "outside_province",
    "malformed_item",
    "bad_text",
    "duplicate_row",
    "conflicting_row",
    "duplicate_place",
    "place_at_two_levels",
)

# Rejected without any loss: the same fact was accepted once, or it is none of this province's.
# These do not make a feed ``partial``.
HARMLESS = frozenset(
    {"outside_province", "duplicate_row", "duplicate_place", "duplicate_delivery", "screening_input"}
)

_RAW_LIMIT = 2000


@dataclass(frozen=True)
class Reject:
    """One rejected row, or one rejected file when ``row`` is None.

    ``file`` is the path below the delivery. ``row`` is the line of a CSV or JSON-lines file (the header
    is line 1), the number of the place in a risk-feed file, or the row of a Parquet file (from 1).
    ``detail`` names the value in words, ``raw`` is the row as delivered (first 2,000 characters).
    ``rows`` says how many delivered rows this entry stands for: 1 but for whole files, and for the
    rest of a Parquet file once a thousand of its rows were listed for one reason.
    """

    feed: str
    file: str
    row: int | None
    reason: str
    detail: str
    raw: str
    rows: int = 1

    def __post_init__(self) -> None:
        # A stray surrogate in a file name or a JSON escape must not break the writing of the quarantine.
        for name in ("file", "detail", "raw"):
            object.__setattr__(self, name, printable(getattr(self, name))[:_RAW_LIMIT])


def printable(text: str) -> str:
    """``text`` as valid Unicode: lone surrogates become visible escapes."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def count_rows(rejects: Iterable[Reject]) -> int:
    """Delivered rows that ``rejects`` stand for."""
    return sum(reject.rows for reject in rejects)


def count_reasons(rejects: Iterable[Reject]) -> list[tuple[str, str, int]]:
    """Rows by (feed, reason), sorted: the rows of the table ``feed_reject``."""
    counts: Counter[tuple[str, str]] = Counter()
    for reject in rejects:
        counts[reject.feed, reject.reason] += reject.rows
    return [(feed, reason, rows) for (feed, reason), rows in sorted(counts.items())]


def write_quarantine(folder: Path, rejects: Iterable[Reject]) -> list[Path]:
    """Write ``<feed>.jsonl`` files into ``folder``, one line for each reject, and return their paths."""
    by_feed: dict[str, list[str]] = {}
    for reject in rejects:
        line = json.dumps(asdict(reject), ensure_ascii=False)
        by_feed.setdefault(reject.feed, []).append(line)
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for feed, lines in sorted(by_feed.items()):
        path = folder / f"{feed}.jsonl"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        paths.append(path)
    return paths
