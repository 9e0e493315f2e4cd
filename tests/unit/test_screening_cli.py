"""``tianfu screening run``: report, JSON, files, exit codes, and that no output names a person."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from dashboard.cli.main import run
from tests.screening_twin import D1, PIDU, WUHOU, World, at, scan, venues

KEY = "holder-key-of-somebody"
FILE = {
    "incident": "pidu-1",
    "name_zh": "郫都区疫情",
    "name_en": "Pidu outbreak",
    "area": PIDU,
    "began": str(D1),
    "days": {"first": str(D1), "last": str(D1)},
    "window": {"before_minutes": 0, "after_minutes": 60},
    "index_persons": [f"{KEY}-0"],
    "index_venues": [{"venue_id": "V1", "day": str(D1), "from": "10:00", "to": "12:00"}],
    "steps": [{"kind": "not_under_control"}, {"kind": "no_negative_test"}],
}


@pytest.fixture
def outbreak(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder whose ``input`` holds an outbreak: 4 people and the index person."""
    monkeypatch.setenv("TIANFU_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "120")
    scans = [scan(at(D1, "11:00"), "V1", f"{KEY}-{n}", "red" if n == 1 else "green") for n in range(5)]
    holders = [{"holder_key": f"{KEY}-2", "area_code": WUHOU, "age_band": "15-59"}]
    World({"scans": scans, "venues": venues(V1=PIDU), "holders": holders}).write(tmp_path / "home" / "input")
    path = tmp_path / "outbreak.json"
    path.write_text(json.dumps(FILE), encoding="utf-8")
    return path


def _written(tmp_path: Path) -> list[Path]:
    return [
        p
        for p in tmp_path.rglob("*")
        if p.is_file() and p.name != "outbreak.json" and p.parent.name in ("funnel", "incident", "screening")
    ]


@pytest.mark.parametrize("words", [["--lang", "en"], ["--lang", "zh-CN"], ["--json"]])
def test_no_output_holds_a_key(
    words: list[str], outbreak: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(["screening", "run", "--incident", str(outbreak), *words]) == 0
    said = capfd.readouterr()
    assert KEY not in said.out + said.err
    written = _written(tmp_path)
    assert [p.parent.name for p in sorted(written)] == ["funnel", "incident"]
    assert [p for p in written if KEY.encode() in p.read_bytes()] == []
    frame = pl.concat([pl.read_parquet(p).cast(pl.String) for p in written], how="diagonal")
    assert KEY not in frame.write_csv()


def test_report_shows_stages_and_cities(outbreak: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["screening", "run", "--incident", str(outbreak), "--lang", "en"]) == 0
    said = capfd.readouterr()
    assert "Pidu outbreak" in said.out
    assert "under control already 1" in said.out
    assert "not run: feed not reported (tests)" in said.out
    assert "Chengdu" in said.out
    assert "screening 1/" in said.err
    assert run(["screening", "run", "--incident", str(outbreak)]) == 0
    assert "未执行：数据未报送" in capfd.readouterr().out


def test_json_has_stages_and_rows(outbreak: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "delivery"
    assert run(["screening", "run", "--incident", str(outbreak), "--out", str(out), "--json"]) == 0
    said = json.loads(capfd.readouterr().out)
    assert [(s["stage"], s["entered"], s["kept"], s["run"]) for s in said["stages"]] == [
        ("co_present", 5, 5, True),
        ("persons", 5, 4, True),
        ("not_under_control", 4, 3, True),
        ("no_negative_test", 3, 3, False),
        ("final_list", 3, 3, True),
    ]
    assert said["stages"][-1]["kept_by_city"] == {"510100": 3}
    assert len(said["rows"]) == pl.read_parquet(out / "funnel" / "pidu-1.parquet").height
    assert not (tmp_path / "home" / "input" / "funnel").exists()


@pytest.mark.parametrize("lang", ["zh-CN", "en"])
def test_every_stage_and_reason_has_words(lang: str) -> None:
    from dashboard.i18n.catalogue import read_lang, t
    from dashboard.screening.funnel import NOT_RUN
    from dashboard.screening.steps import DROP_REASON

    names = ["co_present", "persons", *DROP_REASON, "final_list"]
    reasons = [
        "outside_window",
        "index_person",
        "no_holder_key",
        "repeated_scan",
        *DROP_REASON.values(),
        NOT_RUN,
    ]
    for key in [f"stage.{n}" for n in names] + [f"dropreason.{r}" for r in reasons]:
        assert t(read_lang(lang), key)


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["--memory", "lots"], 10, "--memory is 'lots'"),
        (["--memory", "100MB"], 10, "at least 256 MB"),
        (["--input", "/nowhere"], 3, "/nowhere is no folder"),
        (["--out", __file__], 7, "a file is in the place of the folder"),
    ],
)
def test_exit_codes(
    words: list[str], code: int, says: str, outbreak: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(["screening", "run", "--incident", str(outbreak), *words]) == code
    assert says in capfd.readouterr().err
    assert _written(tmp_path) == []


def test_unknown_venue_is_named(outbreak: Path, capfd: pytest.CaptureFixture[str]) -> None:
    venue = {"venue_id": "V404", "day": str(D1), "from": "10:00", "to": "12:00"}
    outbreak.write_text(json.dumps(FILE | {"index_venues": [venue]}), encoding="utf-8")
    assert run(["screening", "run", "--incident", str(outbreak)]) == 3
    assert "V404 is not in the venue register" in capfd.readouterr().err
