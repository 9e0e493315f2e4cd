"""A delivery that comes as one archive: unpacked into a fresh folder, or refused as a whole.

Only ordinary files and folders with plain relative names are taken. The limits count what is written,
not what the archive claims, so a bomb stops at the limit; nothing is left of a refused archive.
"""

from __future__ import annotations

import gzip
import os
import shutil
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, Protocol, cast

from dashboard.errors import InputError
from dashboard.snapshot.contract import AGGREGATES
from dashboard.snapshot.files import disk_trouble
from dashboard.snapshot.importers.files import EVENT_FOLDERS, SCREENING_FOLDERS, TEST_FOLDER
from dashboard.snapshot.quarantine import printable

UNPACKED = ".unpacked-"
# Folders of a delivery that mean something by their name: never the wrapper of an archive.
OWN_FOLDERS = frozenset((*AGGREGATES, *EVENT_FOLDERS, *SCREENING_FOLDERS, TEST_FOLDER))
_CHUNK = 1024 * 1024
_ZIP, _GZIP = b"PK\x03\x04", b"\x1f\x8b"
_ZIP64_LOCATOR = b"PK\x06\x07"
_ZIP_END = b"PK\x05\x06"
# Members of other methods are unpacked without a bound by the library.
_ZIP_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_NOT_UNIX = 0


@dataclass(frozen=True)
class Limits:
    """Bounds of one archive. A day of the whole province is some hundred files of some gigabytes.

    ``times`` is how often larger than the archive its content may be: Parquet hardly shrinks, CSV and JSON
    to a tenth; below ``always`` bytes the ratio does not matter.
    """

    files: int = 20_000
    total: int = 64 * 1024**3
    times: int = 200
    always: int = 64 * 1024**2
    depth: int = 12
    name: int = 200


class Readable(Protocol):
    """Anything that gives bytes."""

    def read(self, size: int, /) -> bytes: ...


@contextmanager
def open_delivery(given: Path, *, scratch: Path, limits: Limits | None = None) -> Iterator[Path]:
    """The folder of a delivery: ``given`` itself, or what the archive ``given`` holds, until the block ends.

    Archives are unpacked below ``scratch``, on the build side. Raises ``InputError`` with a sentence for one
    that is no .zip or .tar.gz, is torn, or holds anything but plain files within the limits.
    """
    if not given.is_file():
        yield given
        return
    if not os.access(given, os.R_OK):
        raise InputError(f"{given} cannot be read.", todo="Mend its permissions.")
    with disk_trouble(scratch):
        scratch.mkdir(parents=True, exist_ok=True)
        _clean(scratch)
        top = scratch / f"{UNPACKED}{os.getpid()}"
        folder = top / (given.name.split(".")[0] or "delivery")
        folder.mkdir(parents=True, mode=0o700)
    try:
        with disk_trouble(scratch):
            unpack(given, folder, limits=limits or Limits())
        yield _inner(folder)
    finally:
        shutil.rmtree(top, ignore_errors=True)


def unpack(archive: Path, folder: Path, *, limits: Limits) -> int:
    """Unpack ``archive`` into the fresh, empty ``folder`` and return the number of files."""
    with archive.open("rb") as stream:
        magic = stream.read(4)
    budget = _Budget(archive, limits)
    try:
        if magic == _ZIP:
            _unpack_zip(archive, folder, budget)
        elif magic[:2] == _GZIP:
            _unpack_tar(archive, folder, budget)
        else:
            raise budget.refuse("is neither a .zip nor a .tar.gz")
    except (zipfile.BadZipFile, tarfile.TarError, zlib.error, gzip.BadGzipFile, EOFError) as error:
        raise budget.refuse(f"is torn: {printable(str(error))[:200] or type(error).__name__}") from None
    except (
        NotImplementedError,
        RuntimeError,
        UnicodeError,
        ValueError,
        OverflowError,
        struct.error,
    ) as error:
        raise budget.refuse(f"cannot be read: {printable(str(error))[:200]}") from None
    return budget.files


@dataclass
class _Budget:
    """What may still be written, and the words for what may not."""

    archive: Path
    limits: Limits
    files: int = 0
    bytes: int = 0
    seen: set[str] = field(default_factory=set)

    def refuse(self, what: str) -> InputError:
        return InputError(
            f"{printable(self.archive.name)!r} {what}. Nothing of it was used.",
            todo="Deliver plain files below one folder, as .zip or .tar.gz, or unpack it yourself.",
        )

    def entry(self) -> None:
        self.files += 1
        if self.files > self.limits.files:
            raise self.refuse(f"holds more than {self.limits.files} files")

    def path(self, name: str) -> PurePosixPath:
        """A checked relative path; each only once, whatever the case of its letters."""
        shown = ascii(name[:80])
        if "\\" in name or name.startswith("/") or (len(name) > 1 and name[1] == ":"):
            raise self.refuse(f"holds {shown}, which is no relative path")
        if any(not char.isprintable() for char in name):
            raise self.refuse(f"holds {shown}, a name with characters that cannot be printed")
        parts = [part for part in name.split("/") if part not in ("", ".")]
        if ".." in parts:
            raise self.refuse(f"holds {shown}, which leads outside")
        if not parts or len(parts) > self.limits.depth:
            raise self.refuse(f"holds {shown}, which is nested too deep")
        if any(len(part.encode()) > self.limits.name for part in parts):
            raise self.refuse(f"holds {shown}, a name of more than {self.limits.name} bytes")
        path = PurePosixPath(*parts)
        key = str(path).casefold()
        if key in self.seen:
            raise self.refuse(f"holds {shown} twice")
        self.seen.add(key)
        return path

    def spend(self, count: int) -> None:
        self.bytes += count
        allowed = max(self.limits.always, self.archive.stat().st_size * self.limits.times)
        if self.bytes > min(allowed, self.limits.total):
            raise self.refuse(
                f"unpacks to more than {min(allowed, self.limits.total)} bytes, too much for its size"
            )

    def copy(self, source: Readable, path: Path) -> None:
        """Write one new file; never through a link, because the folder is fresh and none is ever made."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        except (FileExistsError, NotADirectoryError):
            raise self.refuse(f"holds {path.name!a} both as file and as folder") from None
        with os.fdopen(handle, "wb") as out:
            while chunk := source.read(_CHUNK):
                self.spend(len(chunk))
                out.write(chunk)


def _unpack_zip(archive: Path, folder: Path, budget: _Budget) -> None:
    _check_zip_end(archive, budget)
    with zipfile.ZipFile(archive) as opened:
        for info in opened.infolist():
            budget.entry()
            path = budget.path(info.filename)
            kind = stat.S_IFMT(info.external_attr >> 16)
            if kind not in (_NOT_UNIX, stat.S_IFREG, stat.S_IFDIR):
                raise budget.refuse(f"holds {info.filename[:80]!a}, a link or device")
            if info.flag_bits & 0x1:
                raise budget.refuse("is encrypted")
            if info.is_dir():
                continue
            if info.compress_type not in _ZIP_METHODS:
                raise budget.refuse("is packed by another method than deflate")
            with opened.open(info) as source:
                budget.copy(source, folder / path)


def _check_zip_end(archive: Path, budget: _Budget) -> None:
    """Bound the directory of a .zip before the library reads it into memory."""
    size = archive.stat().st_size
    with archive.open("rb") as stream:
        stream.seek(max(0, size - 66_000))
        tail = stream.read()
    end = tail.rfind(_ZIP_END)
    if end < 0 or len(tail) < end + 22:
        raise budget.refuse("is torn: it has no end")
    if _ZIP64_LOCATOR in tail:
        raise budget.refuse("is a .zip of more than 4 GB; deliver .tar.gz")
    entries = int.from_bytes(tail[end + 10 : end + 12], "little")
    directory = int.from_bytes(tail[end + 12 : end + 16], "little")
    if entries > budget.limits.files or directory > budget.limits.files * 1024:
        raise budget.refuse(f"holds more than {budget.limits.files} files")


def _unpack_tar(archive: Path, folder: Path, budget: _Budget) -> None:
    # First the plain tar, counted: seeking back in a packed one would unpack it again and again.
    plain = folder.parent / "plain.tar"
    tar_budget = _Budget(archive, budget.limits)
    with gzip.open(archive, "rb") as source:
        tar_budget.copy(source, plain)
    with plain.open("rb") as stream, _open_tar(stream, budget) as opened:
        while (member := opened.next()) is not None:
            budget.entry()
            if member.isdir() and member.name.strip("./") == "":
                continue
            path = budget.path(member.name)
            if member.isdir():
                continue
            if not member.isreg() or member.issparse():
                raise budget.refuse(f"holds {member.name[:80]!a}, a link or device")
            source_file = opened.extractfile(member)
            if source_file is None:
                raise budget.refuse(f"holds {member.name[:80]!a}, which is no file")
            with source_file:
                budget.copy(source_file, folder / path)
    plain.unlink()


def _open_tar(stream: IO[bytes], budget: _Budget) -> tarfile.TarFile:
    return tarfile.open(fileobj=cast("IO[bytes]", _Careful(stream, budget)), mode="r:")


class _Careful:
    """A tar file whose headers cannot make the library read an endless name into memory."""

    def __init__(self, stream: IO[bytes], budget: _Budget) -> None:
        self._stream, self._budget = stream, budget

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= _CHUNK:
            raise self._budget.refuse("holds a header of more than 1 MB")
        return self._stream.read(size)

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()


def _inner(folder: Path) -> Path:
    """An archive often holds one folder with the delivery in it."""
    entries = list(folder.iterdir())
    if len(entries) == 1 and entries[0].is_dir() and entries[0].name not in OWN_FOLDERS:
        return entries[0]
    return folder


def _clean(scratch: Path) -> None:
    """Remove what builds that were killed left unpacked."""
    for path in scratch.iterdir():
        pid = path.name.removeprefix(UNPACKED)
        if path.name.startswith(UNPACKED) and not (pid.isdigit() and Path(f"/proc/{pid}").exists()):
            shutil.rmtree(path, ignore_errors=True)
