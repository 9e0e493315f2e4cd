"""Script and style bundles, compressed once as tightly as brotli can and then served from disk.

The libraries' bundles are 9 MB of script. Compressed on the fly (quality 4) the first page costs
2.6 MB, at quality 11 below 2 MB, but that takes 15 s of processor time; so it is done once, beside
the running board, and kept by content hash below ``TIANFU_HOME/cache``.

    python -m dashboard.shell.static     fills the cache
"""

from __future__ import annotations

import hashlib
import os
import sys
from importlib.util import find_spec
from pathlib import Path

import brotli
from flask import Flask, Response, request

from dashboard.settings import Settings, read_settings

PREFIXES = ("/_dash-component-suites/", "/assets/")
KINDS = (".js", ".css")
# What the pages load; source maps, unused languages and unused components are left as they are.
BUNDLES = (
    ("plotly", "package_data/plotly.min.js"),
    ("dash", "dcc/*.js"),
    ("dash", "dash-renderer/build/*.min.js"),
    ("dash", "deps/*.min.js"),
    ("dash_ag_grid", "dash_ag_grid.min.js"),
    ("dash_ag_grid", "async-community.js"),
    ("dash_mantine_components", "dash_mantine_components*.js"),
    ("dash_leaflet", "dash_leaflet.js"),
    ("dash_leaflet", "async-GeoJSON.js"),
)
SKIPPED = ("async-mathjax", "async-highlight")


def cache_folder(settings: Settings) -> Path:
    return settings.home / "cache" / "static"


def install(server: Flask, settings: Settings) -> None:
    """Answer a bundle from the cache where it is there; otherwise leave it to on-the-fly compression."""
    folder = cache_folder(settings)
    known: dict[str, bytes] = {}

    @server.after_request
    def precompressed(response: Response) -> Response:
        if (
            request.method != "GET"
            or response.status_code != 200
            or not request.path.startswith(PREFIXES)
            or not request.path.endswith(KINDS)
            or not request.accept_encodings["br"]
            or "Content-Encoding" in response.headers
        ):
            return response
        response.direct_passthrough = False
        name = hashlib.sha256(response.get_data()).hexdigest()
        if name not in known:
            try:
                known[name] = (folder / f"{name}.br").read_bytes()
            except OSError:
                return response
        response.set_data(known[name])
        response.headers["Content-Encoding"] = "br"
        response.vary.add("Accept-Encoding")
        return response


def fill_cache(settings: Settings) -> int:
    """Compress every bundle that is not in the cache yet; returns how many were made."""
    folder = cache_folder(settings)
    folder.mkdir(parents=True, exist_ok=True)
    made = 0
    for path in bundles():
        body = path.read_bytes()
        target = folder / f"{hashlib.sha256(body).hexdigest()}.br"
        if target.exists():
            continue
        # A name of its own, then a rename: a reader never sees half a file, two fillers never collide.
        part = target.with_suffix(f".{os.getpid()}")
        part.write_bytes(brotli.compress(body, mode=brotli.MODE_TEXT, quality=11, lgwin=22))
        part.replace(target)
        made += 1
    return made


def bundles() -> list[Path]:
    """The installed bundle files, smallest first, so that most are ready within a second."""
    found: list[Path] = []
    for package, pattern in BUNDLES:
        spec = find_spec(package)
        if spec and spec.origin:
            found += Path(spec.origin).parent.glob(pattern)
    kept = [path for path in set(found) if not path.name.startswith(SKIPPED)]
    return sorted(kept, key=lambda path: path.stat().st_size)


if __name__ == "__main__":
    os.nice(10)
    fill_cache(read_settings())
    sys.exit(0)
