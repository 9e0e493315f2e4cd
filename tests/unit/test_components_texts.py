"""Every text, icon and class a component names exists, and components import only what they may."""

from __future__ import annotations

import ast
import re
from datetime import date
from pathlib import Path

import pytest

from dashboard.components.filters import AreaChoice, area_select, date_picker, day_slider, view_switch
from dashboard.i18n.catalogue import LANGS, Lang, load_texts, t

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted((ROOT / "dashboard" / "components").glob("*.py"))
BASE = (ROOT / "assets" / "base.css").read_text(encoding="utf-8")
COMMAND = (ROOT / "assets" / "command.js").read_text(encoding="utf-8")
ICONS = {path.stem for path in (ROOT / "assets" / "icons").glob("*.svg")}
ALLOWED = (
    "dash",
    "dash_mantine_components",
    "dash_ag_grid",
    "dashboard.i18n",
    "dashboard.cells",
    "dashboard.errors",
)
# An override of a policy names its city: the list of areas lies below everything.
ALLOWED += ("dashboard.settings", "dashboard.components", "geo.areas", "__future__")
STDLIB = ("collections", "dataclasses", "datetime", "json", "math", "typing", "urllib")


def strings(path: Path) -> list[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str)]


def imported(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    plain = {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
    return plain | {n.module or "" for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}


@pytest.mark.parametrize("path", MODULES, ids=lambda p: p.stem)
def test_imports(path: Path) -> None:
    for name in imported(path):
        assert name.split(".")[0] in STDLIB or name.startswith(ALLOWED), name
        assert not name.startswith("plotly"), "figures are plain dicts"


@pytest.mark.parametrize("path", MODULES, ids=lambda p: p.stem)
def test_texts_named_exist(path: Path) -> None:
    texts = load_texts()
    # A key that ends in a point or holds a value is put together at run time; its prefix must exist.
    for value in strings(path):
        if re.fullmatch(r"(ui|cell|age)\.[a-z_.]+", value):
            assert value in texts or any(key.startswith(value) for key in texts), value


def test_texts_of_components_are_used() -> None:
    source = "".join(path.read_text(encoding="utf-8") for path in MODULES)
    # The total is for pages, which fill the pinned row.
    built = ("ui.table.total", "ui.feed.", "ui.colour.", "ui.level.", "ui.change.", "ui.view.", "ui.rate.")
    for key in load_texts():
        if key.startswith("ui."):
            assert f'"{key}"' in source or key.startswith(built), key


@pytest.mark.parametrize("lang", LANGS)
def test_states_known_to_the_data_have_words(lang: Lang) -> None:
    for state in ("on_time", "late", "partial", "not_reported"):
        assert t(lang, f"ui.feed.{state}")
    for state in ("suppressed", "not_reported"):
        assert t(lang, f"ui.change.{state}")
        assert t(lang, f"ui.rate.{state}")


def test_every_icon_has_a_file_and_a_class() -> None:
    classes = dict(re.findall(r'\.tf-icon-([\w-]+) \{ --tf-icon: url\("icons/([\w-]+)\.svg"\)', BASE))
    assert set(classes) == set(classes.values()) == ICONS
    named = {
        n for path in MODULES for n in re.findall(r'icon\("([\w-]+)"\)', path.read_text(encoding="utf-8"))
    }
    named |= set(re.findall(r'icon_name="([\w-]+)"', (ROOT / "dashboard/components/states.py").read_text()))
    named |= {
        "on-time",
        "late",
        "partial",
        "not-reported",
        "unknown",
        "suppressed",
        "up",
        "down",
        "flat",
        "play",
        "pause",
    }
    assert named <= ICONS


def test_icons_ask_nobody() -> None:
    for path in (ROOT / "assets" / "icons").glob("*.svg"):
        text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert "http" not in text
        assert "<script" not in text


def test_styles_ask_nobody_and_colours_stand_in_tokens() -> None:
    assert "http" not in BASE
    assert "@import" not in BASE
    assert not re.findall(r"#[0-9a-fA-F]{3,8}\b", BASE)


def test_custom_properties_used_exist() -> None:
    tokens = (ROOT / "assets" / "tokens.css").read_text(encoding="utf-8")
    known = set(re.findall(r"(--tf-[\w-]+):", tokens)) | {"--tf-icon"}
    assert set(re.findall(r"var\((--tf-[\w-]+)", BASE)) <= known


def test_motion_can_be_turned_off() -> None:
    assert "prefers-reduced-motion: reduce" in BASE


@pytest.mark.parametrize("lang", LANGS)
def test_filters(lang: Lang) -> None:
    days = tuple(date(2021, 1, d) for d in range(1, 20))
    slider = day_slider(id="d", days=days, value=days[4], lang=lang)
    ids = [child.id for child in slider.children]
    assert ids == ["d-previous", "d-play", "d-next", "d"]
    assert slider.children[-1].value == 4
    assert len(slider.children[-1].marks) <= 7
    assert slider.children[-1].marks[-1] == {"value": 18, "label": "01-19"}
    areas = area_select(
        id="a",
        areas=(AreaChoice("510100", "成都市", "Chengdu"),),
        value="510100",
        label="x",
        nothing_found="y",
    )
    assert areas.data == [{"value": "510100", "label": "成都市 Chengdu"}]
    assert [o["value"] for o in view_switch(id="v", value="count", lang=lang).data] == [
        "count",
        "rate",
        "change",
    ]
    picker = date_picker(id="p", value=days[1], first=days[0], last=days[-1], label="x", lang=lang)
    assert picker.children.value == "2021-01-02"
    assert f'"dayjs_locale_{picker.settings["locale"]}"' in COMMAND or lang == "en"


def test_slider_function_named_exists() -> None:
    slider = day_slider(id="d", days=(date(2021, 1, 1),), value=date(2021, 1, 1), lang="en").children[-1]
    assert f"mantine.{slider.label['function']} = function" in COMMAND
