"""The manifest of a snapshot: what it holds, of when, made when, from which feeds, with which hashes."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from pathlib import Path

from dashboard.errors import SnapshotInvalid, SnapshotNotFound
from dashboard.snapshot.contract import ADDED_LATER, CONTRACT_VERSION

MANIFEST = "manifest.json"
# A snapshot id: data time, then the first 12 hex digits of the content hash. The id is the version.
SNAPSHOT_ID = re.compile(r"\A\d{8}T\d{4}-[0-9a-f]{12}\Z")


@dataclass(frozen=True)
class FileEntry:
    """One Parquet file: path relative to the snapshot folder, rows, bytes, SHA-256 in hex."""

    path: str
    rows: int
    bytes: int
    sha256: str


@dataclass(frozen=True)
class TableEntry:
    """One table. ``reported`` is False when no feed delivered it: its view is empty and says so."""

    name: str
    reported: bool
    rows: int
    files: tuple[FileEntry, ...]
    first_day: date | None = None
    last_day: date | None = None


@dataclass(frozen=True)
class Checked:
    """What one rule found against one table, without any row: outcome, rows, days and areas, sentences.

    ``where`` holds up to five texts such as ``date=2021-02-03 area=510107``; ``sentence_zh`` may be "".
    """

    outcome: str
    rule: str
    table: str
    rows: int
    where: tuple[str, ...]
    sentence: str
    sentence_zh: str


@dataclass(frozen=True)
class Validation:
    """What the validation said of a snapshot: checks passed, and all that was found."""

    passed: int
    findings: tuple[Checked, ...]


@dataclass(frozen=True)
class Manifest:
    """The whole manifest.

    ``data_time`` is the newest moment any feed speaks of, ``data_day`` the newest day with rows,
    ``built_at`` the moment of the build; all are China Standard Time. ``validation`` is None where the rows
    were never judged, or by a version that did not note it here.
    """

    id: str
    contract_version: int
    data_time: datetime
    data_day: date
    built_at: datetime
    policy_version: int
    synthetic: bool
    tables: tuple[TableEntry, ...]
    feeds: dict[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    validation: Validation | None = None

    def table(self, name: str) -> TableEntry:
        for entry in self.tables:
            if entry.name == name:
                return entry
        raise SnapshotInvalid(f"Snapshot {self.id} has no table {name!r}.", todo="Build it again.")


def write_manifest(folder: Path, manifest: Manifest) -> Path:
    """Write ``manifest.json`` into ``folder`` and return its path."""
    path = folder / MANIFEST
    path.write_text(
        json.dumps(asdict(manifest), ensure_ascii=False, indent=1, default=_plain) + "\n", encoding="utf-8"
    )
    return path


def read_manifest(folder: Path) -> Manifest:
    """Read and check ``manifest.json`` of one snapshot folder.

    Raises ``SnapshotNotFound`` when there is none and ``SnapshotInvalid`` when it is torn, of another
    contract version, or names files outside its folder.
    """
    path = folder / MANIFEST
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SnapshotNotFound(
            f"Snapshot {folder.name} does not exist.",
            todo="List them with: tianfu snapshot list",
            key="error.unknown_snapshot",
        ) from None
    except (OSError, ValueError) as error:
        raise SnapshotInvalid(f"{path.name} of {folder.name} cannot be read: {error}.") from error
    try:
        manifest = _parse(raw)
    except (KeyError, TypeError, ValueError) as error:
        raise SnapshotInvalid(f"The manifest of {folder.name} is not complete: {error!r}.") from error
    if manifest.contract_version != CONTRACT_VERSION:
        raise SnapshotInvalid(
            f"Snapshot {folder.name} follows contract version {manifest.contract_version}, "
            f"this board reads version {CONTRACT_VERSION}.",
            todo="Build it again with this version, or update the board.",
        )
    if manifest.id != folder.name and not folder.name.startswith("."):
        raise SnapshotInvalid(f"The folder {folder.name} holds the manifest of {manifest.id}.")
    for table in manifest.tables:
        for file in table.files:
            if not re.fullmatch(r"[a-z_]+(/date=\d{4}-\d{2}-\d{2})?/[a-z0-9_-]+\.parquet", file.path):
                raise SnapshotInvalid(f"The manifest of {folder.name} names the file {file.path!r}.")
    return manifest


def _parse(raw: dict[str, object]) -> Manifest:
    data = dict(raw)
    tables = tuple(_parse_table(entry) for entry in _list(data.pop("tables")))
    named = {table.name for table in tables}
    tables += tuple(TableEntry(name, False, 0, ()) for name in ADDED_LATER if name not in named)
    feeds = data.pop("feeds", {})
    if not isinstance(feeds, dict):
        raise TypeError("feeds")
    return Manifest(
        id=str(data["id"]),
        contract_version=_int(data["contract_version"]),
        data_time=datetime.fromisoformat(str(data["data_time"])),
        data_day=date.fromisoformat(str(data["data_day"])),
        built_at=datetime.fromisoformat(str(data["built_at"])),
        policy_version=_int(data["policy_version"]),
        synthetic=bool(data["synthetic"]),
        tables=tables,
        feeds={str(k): str(v) for k, v in feeds.items()},
        warnings=tuple(str(w) for w in _list(data.get("warnings", []))),
        validation=parse_validation(data.get("validation")),
    )


def parse_validation(raw: object) -> Validation | None:
    """The validation as JSON carries it; raises ``TypeError`` or ``KeyError`` for another form."""
    if raw is None:
        return None
    if not isinstance(raw, dict):
        raise TypeError("validation")
    return Validation(
        passed=_int(raw["passed"]),
        findings=tuple(
            Checked(
                outcome=str(f["outcome"]),
                rule=str(f["rule"]),
                table=str(f["table"]),
                rows=_int(f["rows"]),
                where=tuple(str(w) for w in _list(f["where"])),
                sentence=str(f["sentence"]),
                sentence_zh=str(f["sentence_zh"]),
            )
            for f in _list(raw["findings"])
        ),
    )


def _parse_table(raw: object) -> TableEntry:
    if not isinstance(raw, dict):
        raise TypeError("tables")
    files = tuple(
        FileEntry(str(f["path"]), _int(f["rows"]), _int(f["bytes"]), str(f["sha256"]))
        for f in _list(raw["files"])
    )
    return TableEntry(
        name=str(raw["name"]),
        reported=bool(raw["reported"]),
        rows=_int(raw["rows"]),
        files=files,
        first_day=_day(raw.get("first_day")),
        last_day=_day(raw.get("last_day")),
    )


def _list(value: object) -> list[dict[str, object]]:
    if not isinstance(value, list):
        raise TypeError("a list is expected")
    return value


def _int(value: object) -> int:
    if not isinstance(value, int):
        raise TypeError(f"{value!r} is not a whole number")
    return value


def _day(value: object) -> date | None:
    return None if value is None else date.fromisoformat(str(value))


def _plain(value: object) -> str:
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    raise TypeError(type(value).__name__)
