"""Finds the files of a delivery and says by their content what each is."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from dashboard.snapshot.contract import AGGREGATES, TABLE_BY_NAME
from dashboard.snapshot.importers.text import UTF8_BOM, UTF16_BOMS
from dashboard.snapshot.quarantine import UNKNOWN_FEED, Reject, printable

Kind = Literal["risk_feed", "cases", "table", "feed_log", "marker"]

CASE_HEADER = (
    "date",
    "province",
    "provinceCode",
    "city",
    "cityCode",
    "confirmed",
    "suspected",
    "cured",
    "dead",
)
FEED_LOG = "feed_log.jsonl"
MARKER = "synthetic.json"
# Events of persons are far too many to be read here; the roll-ups read these folders.
EVENT_FOLDERS = ("scans", "code_events", "venues")
# Event folders that the screening of an outbreak reads and the snapshot does not.
SCREENING_FOLDERS = ("holders", "left_province", "telecom", "vaccination")
# Results of tests count the negatives of open codes; without code changes the screening alone reads them.
TEST_FOLDER = "tests"
# JSON and CSV are read into memory as a whole; a day of either is below 10 MB.
MAX_TEXT_BYTES = 512 * 1024 * 1024

_RISK_KEYS = (b'"end_update_time"', b'"highlist"', b'"middlelist"', b'"lowlist"')
_HEADER_ENOUGH = 5  # of the nine names: a header with a slip is still the cases feed, and is told so


@dataclass(frozen=True)
class Found:
    """One file to import: where it is, its path below the delivery, what it is; a table has its name."""

    path: Path
    name: str
    kind: Kind
    table: str = ""


@dataclass(frozen=True)
class Listing:
    """All files of a delivery: those an importer claims, and those refused before being read."""

    found: tuple[Found, ...]
    rejects: tuple[Reject, ...]


def list_files(folder: Path) -> Listing:
    """Every regular file below ``folder``, in the order of their paths.

    Dot files and README files are not part of a delivery. A link to a file that is listed itself is
    left out, since that file is read where it is; a link that leads outside is refused.
    """
    found: list[Found] = []
    rejects: list[Reject] = []
    rolled, screened = _event_folders(folder)
    inputs: Counter[str] = Counter()
    for path in _walk(folder):
        name = printable(path.relative_to(folder).as_posix())
        top, _, below = name.partition("/")
        if below and top in rolled:
            continue
        if below and top in screened:
            inputs[top] += 1
            continue
        try:
            known = _recognise(path, name, folder)
        except OSError as error:
            known = _refuse(name, "unreadable_file", f"cannot be read: {error.strerror or error}")
        if isinstance(known, Found):
            found.append(known)
        elif known is not None:
            rejects.append(known)
    rejects += [_screening_input(top, files) for top, files in sorted(inputs.items())]
    return Listing(tuple(found), tuple(rejects))


def _event_folders(folder: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The folders the roll-ups read, and those only the screening does."""
    if (folder / "code_events").is_dir():
        return (*EVENT_FOLDERS, TEST_FOLDER), SCREENING_FOLDERS
    return EVENT_FOLDERS, (*SCREENING_FOLDERS, TEST_FOLDER)


def _screening_input(folder: str, files: int) -> Reject:
    said = f"{files} file{'s' if files > 1 else ''} of {folder}/: read by tianfu screening run alone."
    return Reject("screening", folder, None, "screening_input", said, "", files)


def feed_of(name: str) -> str:
    """The feed of a file that could not be read, as far as its folder tells."""
    table = TABLE_BY_NAME.get(name.split("/", 1)[0])
    return table.feed if table is not None and table.name in AGGREGATES else UNKNOWN_FEED


def hash_content(path: Path) -> str:
    """SHA-256 of a file: the same content delivered twice is one delivery."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def is_synthetic(path: Path) -> bool:
    """Whether the marker says synthetic; an unreadable one still marks, only ``false`` unmarks."""
    try:
        marker = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return True
    return not (isinstance(marker, dict) and marker.get("synthetic") is False)


def _walk(folder: Path) -> Iterator[Path]:
    for here, below, names in os.walk(folder):
        below[:] = sorted(name for name in below if not name.startswith("."))
        links = [name for name in below if (Path(here) / name).is_symlink()]
        yield from (Path(here) / name for name in sorted([*names, *links]) if _is_listed(Path(name)))


def _is_listed(path: Path) -> bool:
    """Whether a path below the delivery is read where it is."""
    return not any(part.startswith(".") for part in path.parts) and not path.name.upper().startswith("README")


def _recognise(path: Path, name: str, folder: Path) -> Found | Reject | None:
    if path.is_symlink():
        root, target = os.path.realpath(folder), os.path.realpath(path)
        if not Path(target).is_relative_to(root):
            return _refuse(name, "link_outside", "is a link that leads outside the delivery")
        if os.path.exists(target) and _is_listed(Path(target).relative_to(root)):
            return None
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        return _refuse(name, "unrecognised_file", "is no regular file")
    if status.st_size == 0:
        return _refuse(name, "empty_file", "has no content")
    if name == MARKER:
        return Found(path, name, "marker")
    table = name.split("/", 1)[0]
    if table in AGGREGATES and path.suffix == ".parquet":
        return Found(path, name, "table", table)
    if status.st_size > MAX_TEXT_BYTES:
        return _refuse(name, "too_large", f"has {status.st_size} bytes; {MAX_TEXT_BYTES} is the limit")
    if name == FEED_LOG:
        return Found(path, name, "feed_log")
    if table in AGGREGATES and path.suffix == ".csv":
        return Found(path, name, "table", table)
    return _sniff(path, name)


def _sniff(path: Path, name: str) -> Found | Reject:
    with path.open("rb") as stream:
        head = stream.read(64 * 1024)
        if head.startswith(UTF16_BOMS):
            return _refuse(name, "bad_encoding", "is UTF-16; deliver UTF-8 or GB18030")
        text = head.removeprefix(UTF8_BOM).lstrip()
        if text.startswith(b"{"):
            # The keys may stand behind a long list, in any order.
            if any(key in head for key in _RISK_KEYS) or _RISK_KEYS[0] in head + stream.read():
                return Found(path, name, "risk_feed")
            return _refuse(name, "unrecognised_file", "is a JSON object without 'end_update_time'")
    first = text.splitlines()[0] if text else b""
    cells = {cell.strip().strip(b'"').decode("ascii", "replace") for cell in first.split(b",")}
    if len(cells & set(CASE_HEADER)) >= _HEADER_ENOUGH:
        return Found(path, name, "cases")
    return _refuse(name, "unrecognised_file", "is none of the forms of the data contract")


def _refuse(name: str, reason: str, what: str) -> Reject:
    return Reject(feed_of(name), name, None, reason, f"{name} {what}", "")
