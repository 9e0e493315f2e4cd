"""Whether the bytes on disk are still the ones that were built."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dashboard.errors import SnapshotInvalid
from dashboard.snapshot.files import hash_file
from dashboard.snapshot.manifest import MANIFEST, FileEntry, Manifest


@dataclass(frozen=True)
class Broken:
    """One file that is not as the manifest says: table, path inside the snapshot, what is wrong."""

    table: str
    path: str
    what: str


def find_broken(folder: Path, manifest: Manifest) -> tuple[Broken, ...]:
    """Every file of the snapshot that is missing, torn, edited, swapped, a link, or not in the manifest."""
    broken = []
    for table in manifest.tables:
        for file in table.files:
            what = _wrong(folder / file.path, file)
            if what:
                broken.append(Broken(table.name, file.path, what))
    known = {MANIFEST} | {file.path for table in manifest.tables for file in table.files}
    for path in sorted(p for p in folder.rglob("*") if not p.is_dir()):
        name = path.relative_to(folder).as_posix()
        if name not in known:
            broken.append(Broken("", name, "is not in the manifest"))
    return tuple(broken)


def check_files(folder: Path, manifest: Manifest) -> None:
    """Raise ``SnapshotInvalid`` naming the first file that is not as built."""
    for broken in find_broken(folder, manifest):
        raise SnapshotInvalid(
            f"{broken.path} of snapshot {manifest.id} {broken.what}.",
            todo="Build it again, or publish another snapshot.",
        )


def _wrong(path: Path, file: FileEntry) -> str:
    if path.is_symlink() or path.parent.is_symlink():
        return "is a link, not a file"
    try:
        size = path.stat().st_size
        if size != file.bytes:
            return f"has {size} bytes instead of {file.bytes}"
        return "" if hash_file(path) == file.sha256 else "was changed after the build (its SHA-256 differs)"
    except FileNotFoundError:
        return "is missing"
    except OSError as error:
        return f"cannot be read ({error.strerror})"
