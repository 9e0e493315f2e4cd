"""Finds a Chromium for the browser tests, or installs Debian's through the system's package manager.

    python -m tests.browser.chromium [--install]

prints the path. Ends with one sentence that says what to install where neither works.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
# Chinese pages need Chinese glyphs: without them every screenshot is a page of boxes.
PACKAGES = ("chromium", "fonts-noto-cjk")
SENTENCE = (
    "The browser tests need Chromium: install the packages 'chromium' and 'fonts-noto-cjk' "
    "(or set TIANFU_CHROMIUM to a Chromium binary), or leave them out with: make test BROWSER=0"
)


def find_chromium() -> str | None:
    """Path of a Chromium or Chrome binary, or None."""
    named = os.environ.get("TIANFU_CHROMIUM", "")
    if named:
        return named if os.access(named, os.X_OK) else None
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def has_chinese_font() -> bool:
    listed = shutil.which("fc-list")
    if not listed:
        return False
    return bool(
        subprocess.run([listed, ":lang=zh-cn"], capture_output=True, text=True, check=False).stdout.strip()
    )


def install_chromium() -> None:
    """Install Debian's packages where this user may; otherwise do nothing."""
    apt = shutil.which("apt-get")
    if apt is None:
        return
    as_root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    if as_root and not shutil.which("sudo"):
        return
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for words in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", *PACKAGES]):
        done = subprocess.run([*as_root, apt, *words], env=env, check=False, stdout=subprocess.DEVNULL)
        if done.returncode:
            return


def main() -> int:
    if "--install" in sys.argv and not (find_chromium() and has_chinese_font()):
        install_chromium()
    path = find_chromium()
    if path is None:
        print(SENTENCE, file=sys.stderr)
        return 2
    print(f"Chromium: {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
