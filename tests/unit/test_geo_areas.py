"""The area table: totals, dated codes, English names, tolerant names."""

from __future__ import annotations

import csv
import re
from collections import Counter
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pypinyin import lazy_pinyin

from geo.areas import (
    PROVINCE,
    UnknownArea,
    all_areas,
    ancestors,
    children,
    current_code,
    find_area,
    get_area,
    is_area,
    name_of,
    subtree,
)

COUNTIES = [a for a in all_areas() if a.level == "county"]
CITIES = [a for a in all_areas() if a.level == "city"]
ZONES = [a for a in all_areas() if a.level == "functional"]

# Characters that pypinyin reads otherwise, and names with an English form of their own.
SPELLED = {
    "新都": "Xindu",
    "郫都": "Pidu",
    "什邡": "Shifang",
    "长宁": "Changning",
    "筠连": "Junlian",
    "荥经": "Yingjing",
    "甘孜": "Garzê",
}


def pinyin(stem: str) -> str:
    if stem in SPELLED:
        return SPELLED[stem]
    first, *others = lazy_pinyin(stem)
    return (first + "".join(f"'{s}" if s[0] in "aoe" else s for s in others)).capitalize()


def stem_of(name: str) -> str:
    name = re.sub("(羌|彝|藏)族自治县$", "", name)
    return re.sub("[市州区县省]$", "", name) if len(name) > 2 and name[-1] in "市州区县省" else name


def test_counts_of_the_list_in_force() -> None:
    assert Counter(a.level for a in all_areas()) == {
        "province": 1,
        "city": 21,
        "county": 183,
        "functional": 13,
    }


def test_residents_add_up() -> None:
    assert sum(a.residents or 0 for a in CITIES) == get_area(PROVINCE).residents == 83_674_866
    for city in CITIES:
        parts = [a.residents for a in children(city.code) if a.level == "county"]
        assert None not in parts
        assert sum(p or 0 for p in parts) == city.residents, city


@pytest.mark.parametrize("code", [*(a.code for a in ZONES), "510132", "513425"])
def test_areas_without_residents_of_their_own_say_none(code: str) -> None:
    assert get_area(code).residents is None


def test_residents_follow_the_census_shares(shared_data: Path) -> None:
    with (shared_data / "sichuan_county_population_mapchina.csv").open(encoding="utf-8-sig") as file:
        census = {current_code(r["Code_County"]): float(r["Pop_2010"]) for r in csv.DictReader(file)}
    assert set(census) == {a.code for a in COUNTIES}
    for city in CITIES:
        parts = [a for a in children(city.code) if a.level == "county"]
        total = sum(census[a.code] for a in parts)
        for area in parts:
            assert area.residents == pytest.approx(census[area.code] * (city.residents or 0) / total, abs=1)


@pytest.mark.parametrize("area", [*CITIES, *COUNTIES], ids=lambda a: a.code)
def test_english_names_follow_pinyin(area) -> None:
    assert area.name_en == pinyin(stem_of(area.name_zh))


@pytest.mark.parametrize(
    ("old", "new", "day"),
    [("510132", "510118", date(2020, 6, 5)), ("513425", "513402", date(2021, 1, 20))],
)
def test_dated_codes(old: str, new: str, day: date) -> None:
    before, after = date.fromordinal(day.toordinal() - 1), day
    assert current_code(old) == new == current_code(new)
    assert {old} == {a.code for a in all_areas(on=before)} & {old, new}
    assert {new} == {a.code for a in all_areas(on=after)} & {old, new}
    assert old not in {a.code for a in all_areas()}
    assert old not in {a.code for a in children(get_area(old).parent)}
    assert is_area(old)
    assert old in subtree(new)
    assert subtree(old) == {old}
    assert {old, new} <= subtree(get_area(new).city)


def test_children_are_counties_by_code_then_functional_areas() -> None:
    levels = [a.level for a in children("510100")]
    assert levels == ["county"] * 20 + ["functional"] * 3
    codes = [a.code for a in children("510100")]
    assert codes[:20] == sorted(codes[:20])
    assert codes[20:] == ["5101F1", "5101F2", "5101F3"]
    assert children("510104") == ()


def test_ancestors_come_from_the_top() -> None:
    assert [a.code for a in ancestors("510104")] == ["510000", "510100"]
    assert [a.code for a in ancestors("5101F1")] == ["510000", "510100"]
    assert ancestors(PROVINCE) == ()


def test_the_subtree_of_the_province_is_everything() -> None:
    assert len(subtree(PROVINCE)) == 1 + 21 + 183 + 13 + 2


@pytest.mark.parametrize("call", [get_area, subtree, children, ancestors, current_code])
def test_unknown_codes_are_named(call) -> None:
    with pytest.raises(UnknownArea, match="'110000' is no area code"):
        call("110000")


@pytest.mark.parametrize(("lang", "name"), [("zh-CN", "武侯区"), ("en", "Wuhou")])
def test_name_of(lang: str, name: str) -> None:
    assert name_of("510107", lang) == name


@pytest.mark.parametrize(
    ("name", "city", "code"),
    [
        ("四川省", None, "510000"),
        ("四川", None, "510000"),
        ("成都", None, "510100"),
        ("成都市", None, "510100"),
        ("成都市", "成都市", "510100"),
        ("阿坝州", None, "513200"),
        ("阿坝藏族羌族自治州", None, "513200"),
        ("甘孜藏族自治州", None, "513300"),
        ("凉山彝族自治州", None, "513400"),
        ("凉山", None, "513400"),
        ("武侯区", None, "510107"),
        ("武侯", None, "510107"),
        ("武侯区", "510100", "510107"),
        ("武侯区", "绵阳市", None),
        ("成都市武侯区", None, "510107"),
        ("四川省 成都市 锦江区", None, "510104"),
        ("　成 都　市", None, "510100"),
        ("北川羌族自治县", None, "510726"),
        ("北川", "绵阳", "510726"),
        ("木里", "凉山州", "513422"),
        ("荣县", None, "510321"),
        ("荣", None, None),
        ("市中区", None, None),
        ("市中区", "乐山市", "511102"),
        ("市中区", "内江", "511002"),
        ("东区", None, None),
        ("东区", "攀枝花市", "510402"),
        ("攀枝花市东区", None, "510402"),
        ("西区", None, None),
        ("广安", None, "511600"),
        ("广安区", None, "511602"),
        ("广安", "广安市", "511602"),
        ("阿坝", "阿坝州", "513231"),
        ("高新区", None, None),
        ("高新区", "成都市", "5101F1"),
        ("高新区", "绵阳市", "5107F1"),
        ("高新区", "遂宁市", None),
        ("成都高新区", None, "5101F1"),
        ("高新技术产业开发区", "成都", "5101F1"),
        ("成都高新技术产业开发区", None, "5101F1"),
        ("天府新区", "成都市", "5101F2"),
        ("天府新区", "眉山市", None),
        ("四川天府新区", None, "5101F2"),
        ("东部新区", "成都市", "5101F3"),
        ("东部新区", None, None),
        ("攀枝花高新区", None, "5104F1"),
        ("郫县", "成都市", "510117"),
        ("新津县", None, "510118"),
        ("会理县", "凉山彝族自治州", "513402"),
        ("境外输入", None, None),
        ("", None, None),
        ("武侯区", "北京市", None),
        ("锦江区", "四川省", None),
    ],
)
def test_find_area(name: str, city: str | None, code: str | None) -> None:
    found = find_area(name, city=city)
    assert (found.code if found else None) == code


def test_full_width_digits_and_letters_in_a_code_given_as_city() -> None:
    found = find_area("武侯区", city="成都市\u3000")
    assert found is not None
    assert found.code == "510107"


@pytest.mark.parametrize(
    ("name", "on", "code"),
    [
        ("新津县", date(2019, 12, 31), "510132"),
        ("新津区", date(2019, 12, 31), "510132"),
        ("新津县", date(2022, 9, 5), "510118"),
        ("会理", date(2021, 1, 19), "513425"),
        ("会理", date(2021, 1, 20), "513402"),
    ],
)
def test_find_area_on_a_day(name: str, on: date, code: str) -> None:
    found = find_area(name, on=on)
    assert found is not None
    assert found.code == code


def test_every_place_of_the_real_risk_feed_is_known(shared_data: Path) -> None:
    import json

    feed = json.loads(
        (shared_data / "sichuan_risk_areas_2022-09-05_original_format.json").read_text(encoding="utf-8")
    )
    places = {
        (i["city"], i["county"]) for k in ("highlist", "middlelist", "lowlist") for i in feed.get(k, [])
    }
    assert len(places) > 30
    assert [p for p in places if find_area(p[1], city=p[0]) is None] == []


@given(st.sampled_from([a for a in all_areas() if a.parent]), st.sampled_from(["", " ", "\u3000"]))
def test_a_name_leads_back_to_its_code(area, gap: str) -> None:
    city = area.city if area.level != "city" else None
    assert find_area(gap.join(area.name_zh), city=city) == area
    assert find_area(name_of(area.city, "zh-CN") + gap + area.name_zh) in (
        area,
        None if area.level == "city" else area,
    )


@given(st.sampled_from(all_areas()))
def test_parents_and_children_agree(area) -> None:
    assert all(child.parent == area.code for child in children(area.code))
    assert all(area.code in subtree(above.code) for above in ancestors(area.code))


@given(st.text(max_size=12))
def test_any_text_is_answered_without_an_error(text: str) -> None:
    found = find_area(text)
    assert found is None or found.in_force()
