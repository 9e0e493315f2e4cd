"""The trust file, read again when it changed, so that a rotation of keys needs no restart."""

from __future__ import annotations

from pathlib import Path

from dashboard.envelope.keys import Trust, read_trust
from dashboard.errors import SettingError


class TrustFile:
    """The keys in a file. One that became unreadable leaves the last good keys and a ``problem``."""

    def __init__(self, path: Path) -> None:
        """Read the file; raises ``SettingError`` when there is nothing good to begin with."""
        self._path = path
        self._seen = self._stamp()
        self._trust = read_trust(path)
        self.problem = ""

    def current(self) -> Trust:
        """The keys as the file holds them now."""
        stamp = self._stamp()
        if stamp != self._seen:
            try:
                self._trust, self.problem = read_trust(self._path), ""
            except SettingError as error:
                self.problem = str(error)
            self._seen = stamp
        return self._trust

    def _stamp(self) -> tuple[int, int, int] | None:
        try:
            now = self._path.stat()
        except OSError:
            return None
        return now.st_mtime_ns, now.st_size, now.st_ino
