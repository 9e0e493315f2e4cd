"""Fixtures that every test room shares."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of the real input files, which are not part of the project; skips where it is absent."""
    folder = Path(os.environ.get("TIANFU_SHARED_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"real input files are not beside this checkout ({folder.name}/ is absent)")
    return folder


def pytest_make_parametrize_id(config: pytest.Config, val: object, argname: str) -> str | None:
    """Long values, such as a signature made anew in each process, name no test: two processes must agree."""
    return argname if isinstance(val, (str, bytes)) and len(val) > 60 else None
