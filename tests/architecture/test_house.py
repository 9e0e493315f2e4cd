"""Rules of the house that a tool cannot check by itself."""

from __future__ import annotations

import dataclasses
import re
import subprocess
import sys
from pathlib import Path

import pytest

from dashboard.i18n.catalogue import load_texts
from dashboard.settings import SETTINGS, Settings

ROOT = Path(__file__).resolve().parents[2]
TRACKED = [
    ROOT / name
    for name in subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    if (ROOT / name).is_file()
]
TEXT = [
    p
    for p in TRACKED
    if p.suffix in {".py", ".md", ".toml", ".txt", ".css", ".js", ".sql", ".yaml", ".ini", ""}
]
SOURCES = [p for p in TRACKED if p.suffix == ".py" and "tests" not in p.relative_to(ROOT).parts]
# Written in pieces, so that this file does not name what it looks for.
REGISTRIES = re.compile(
    "|".join(["py" + "pi\\.org", "python" + "hosted", "npm" + "js\\.", "deb\\." + "debian"])
)


def test_no_file_names_a_package_registry() -> None:
    named = [p.name for p in TEXT if REGISTRIES.search(p.read_text(encoding="utf-8"))]
    assert named == []


def test_no_file_holds_two_sides_of_a_merge() -> None:
    mark = re.compile(r"^(<{7} |>{7} )", re.MULTILINE)
    assert [str(p) for p in TEXT if mark.search(p.read_text(encoding="utf-8"))] == []


def test_constraints_pin_exact_versions_without_addresses() -> None:
    lines = (ROOT / "constraints.txt").read_text().split()
    assert len(lines) > 50
    assert [line for line in lines if not re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.+!-]+", line)] == []


def test_modules_are_short_enough_to_hold_in_the_head() -> None:
    long = {
        p.relative_to(ROOT).as_posix(): n for p in SOURCES if (n := len(p.read_text().splitlines())) > 400
    }
    assert long == {}


def test_no_large_file_is_tracked() -> None:
    large = {p.name: p.stat().st_size for p in TRACKED if p.stat().st_size > 300_000}
    assert large == {}


def test_every_setting_is_declared_and_every_declaration_used() -> None:
    assert {s.field for s in SETTINGS} == {f.name for f in dataclasses.fields(Settings)}
    assert all(s.sentence.endswith(".") for s in SETTINGS)


def test_every_text_is_used() -> None:
    """A key counts as used when it, or a prefix that code completes with an id, stands in a source file."""
    code = "\n".join(
        p.read_text(encoding="utf-8") for p in [*SOURCES, *(ROOT / "queries/metrics").glob("*.toml")]
    )
    code += "\n".join(p.read_text(encoding="utf-8") for p in (ROOT / "dashboard").rglob("*.html"))
    quoted = set(re.findall(r"[\"']([a-z][A-Za-z0-9_]*(?:\.[A-Za-z0-9_+-]+)+)[\"']", code))
    prefixes = tuple(set(re.findall(r"[\"']([a-z][a-z0-9_]*(?:\.[a-z0-9_]+)*\.)(?:\{|[\"'])", code)))
    unused = [
        k for k in load_texts() if k not in quoted and not k.startswith(prefixes) and not _todo_of(k, quoted)
    ]
    assert unused == []


def _todo_of(key: str, quoted: set[str]) -> bool:
    return key.endswith(".todo") and key.removesuffix(".todo") in quoted


@pytest.mark.parametrize("module", ["plotly.express", "pandas", "geopandas"])
def test_importing_the_app_leaves_out_what_is_slow(module: str) -> None:
    """plotly express and figure validation cost ten times the query; geopandas is for boundary files only."""
    code = f"import sys, app; sys.exit({module!r} in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr or f"{module} is imported"


def test_importing_the_app_opens_nothing(tmp_path: Path) -> None:
    """A connection opened before gunicorn forks would hang or crash its workers."""
    code = (
        "import app\nfrom dashboard.shell.board import get_board\n"
        "assert get_board().store._connection is None\n"
    )
    env = {"PATH": "/usr/bin:/bin", "TIANFU_HOME": str(tmp_path / "home")}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "home").exists()
