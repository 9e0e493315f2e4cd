"""The page of the feeds: corrections, the validation report, refused deliveries, serving a snapshot."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from dashboard.i18n.catalogue import LANGS, Lang, load_texts, t
from dashboard.shell import board as boards
from dashboard.shell import serving
from dashboard.shell.pages import PAGES
from dashboard.shell.security import current_desk
from dashboard.snapshot.build import build_snapshot
from dashboard.snapshot.contract import MEASURES, RESTATED_KINDS
from dashboard.snapshot.history import read_current
from dashboard.snapshot.last_build import LastBuild, write_last_build
from dashboard.snapshot.manifest import Checked, Validation
from dashboard.snapshot.publish import publish_snapshot
from dashboard.snapshot.validate import GROUPS
from dashboard.store.audit import check_audit, list_audit
from tests.pages.conftest import House
from tests.pages.walk import Visitor, cards_of, components, content, grids, text_of, with_class
from tests.tiny import BUILT_AT, DAY2, build_tiny, write_delivery

SERVE = "/snapshots/serve"


def card_of(house: House, visitor: Visitor, name: str, snapshot: str) -> Any:
    page = PAGES["feeds"]
    card = next(c for c in cards_of(house.app, page) if c.outputs[0][0] == name)
    return content(visitor.card(card, page, house.words(snapshot)))[name]["children"]


def serve(visitor: Visitor, body: object, **headers: str | None) -> Any:
    usual: dict[str, str | None] = {"X-CSRFToken": visitor.csrf, "Origin": "http://localhost"}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    sent = {name: value for name, value in (usual | named).items() if value is not None}
    return visitor.client.post(SERVE, json=body, headers=sent)


@pytest.fixture
def own(tmp_path: Path, quiet: None, monkeypatch: pytest.MonkeyPatch) -> House:
    """A board of its own with two snapshots, of which the one with more tables is served."""
    house = House(tmp_path)
    monkeypatch.setitem(boards._BOARDS, "board", house.board)
    root = house.settings.snapshots
    house.snapshots = {"old": build_tiny(root, without=["scan_hourly"]).id, "new": build_tiny(root).id}
    for minute, name in enumerate(("old", "new")):
        publish_snapshot(root, house.snapshots[name], now=BUILT_AT + timedelta(minutes=minute))
    house.visitors = {login: house.sign_in(login) for login in ("viewer", "commander", "admin")}
    return house


def acts(house: House) -> list[tuple[str, str, str]]:
    with current_desk(house.app.server).database.read() as connection:
        check_audit(connection)
        rows = list_audit(connection)
    return [(r.actor, r.action, r.object) for r in rows if r.action.startswith("snapshot_")]


@pytest.mark.parametrize("lang", LANGS)
def test_corrections_are_listed_with_was_now_and_since_when(house: House, lang: Lang) -> None:
    drawn = card_of(house, house.visitors["commander"].wear(lang), "feeds-corrections", "full")
    rows = grids(drawn)["feeds-corrections-table"]
    said = [(r["day"], r["feed"], r["before__t"], r["after__t"]) for r in rows]
    assert said[0] == ("2022-08-29", t(lang, "feed.cases"), "3", "4")
    assert len(rows) == 4
    assert t(lang, "feeds.restated.note", minimum=10) in text_of(drawn)
    county = card_of(house, house.visitors["wuhou"].wear(lang), "feeds-corrections", "full")
    assert {r["after__t"] for r in grids(county)["feeds-corrections-table"]} == {"40", "1,200", "230"}


def test_a_chart_marks_the_days_that_were_restated(house: House) -> None:
    visitor = house.visitors["commander"].wear("en")
    for key, name in (("codes", "codes-trend"), ("risk", "risk-cases")):
        page = PAGES[key]
        card = next(c for c in cards_of(house.app, page) if c.outputs[0][0] == name)
        drawn = str(content(visitor.card(card, page, house.words("full"))))
        was = "was 45 people, now 60 people" if key == "codes" else "was 3 cases, now 4 cases"
        assert f"{was} (corrected, known since 08-30 20:30)" in drawn
        assert "diamond-open" in drawn
        bare = str(content(visitor.card(card, page, house.words("without-restated"))))
        assert "diamond-open" not in bare
    page = PAGES["overview"]
    card = next(c for c in cards_of(house.app, page) if c.outputs[0][0] == "overview-cases")
    assert "◇ late or corrected: 08-29" in str(content(visitor.card(card, page, house.words("full"))))


@pytest.mark.parametrize("lang", LANGS)
def test_the_report_names_rule_rows_and_place_and_the_header_leads_to_it(
    own: House, lang: Lang, tmp_path: Path
) -> None:
    delivery = write_delivery(tmp_path / "in")
    path = delivery / "code_stock" / "two-days.parquet"
    more = pl.when(pl.col("date") == DAY2).then(100).otherwise(0)
    pl.read_parquet(path).with_columns(holders=pl.col("holders") + more).write_parquet(path)
    later = BUILT_AT + timedelta(hours=15)
    built = build_snapshot(
        input_dir=delivery, out=own.settings.snapshots, publish=True, clock=lambda: later
    ).manifest
    assert built.warnings
    own.snapshots["warned"] = built.id
    visitor = own.visitors["viewer"].wear(lang)
    drawn = card_of(own, visitor, "feeds-report", "warned")
    lines = grids(drawn)["feeds-report-table"]
    assert [line["outcome"] for line in lines] == [t(lang, "feeds.report.outcome.warning")] * len(lines)
    line = next(x for x in lines if x["rule"] == t(lang, "rule.flows_explain_stocks"))
    assert "code_stock" in line["table"]
    assert "2022-08-30" in line["where"]
    badge = with_class(visitor.get("/_dash-layout").get_json(), "tf-warn-badge")
    assert [text_of(part) for part in badge] == [t(lang, "shell.warnings", n=len(built.warnings))]
    clean = card_of(own, visitor, "feeds-report", "old")
    assert t(lang, "feeds.report.unknown") in text_of(clean)


@pytest.mark.parametrize("lang", LANGS)
def test_a_refused_delivery_is_explained_and_the_good_snapshot_stays(own: House, lang: Lang) -> None:
    root = own.settings.snapshots
    place = ("date=2022-08-30 area=510107",)
    found = Checked("error", "keys_are_unique", "code_stock", 3, place, "Three.", "三行。")
    write_last_build(
        root,
        LastBuild(
            at=datetime(2022, 8, 31, 8, 10),
            id="20220830T2100-0123456789ab",
            outcome="refuse",
            validation=Validation(9, (found,)),
            rejects=(("cases", "future_date", 2),),
        ),
    )
    visitor = own.visitors["viewer"].wear(lang)
    frame = visitor.get("/_dash-layout").get_json()
    assert t(lang, "shell.refused", at="08-31 08:10") in text_of(with_class(frame, "tf-plate-refused"))
    page = content(visitor.open("/feeds"))["_pages_content"]["children"]
    plate = text_of(with_class(page, "tf-plate-report"))
    for words in (
        t(lang, "rule.keys_are_unique"),
        "Three." if lang == "en" else "三行。",
        t(lang, "reject.future_date"),
        "2022-08-30",
    ):
        assert words in plate
    write_last_build(root, LastBuild(at=BUILT_AT - timedelta(days=1), id="", outcome="refuse"))
    page = content(visitor.open("/feeds"))["_pages_content"]["children"]
    assert with_class(page, "tf-plate-report") == []


def test_every_rule_and_every_measure_has_words() -> None:
    texts = load_texts()
    assert [r.__name__ for group in GROUPS for r in group if f"rule.{r.__name__}" not in texts] == []
    assert [m for m in MEASURES if f"measure.{m.table}.{m.column}" not in texts] == []
    assert [kind for kind in RESTATED_KINDS if f"restatedkind.{kind}" not in texts] == []


def test_an_administrator_serves_another_snapshot_and_it_is_written_down(own: House) -> None:
    admin, root = own.visitors["admin"], own.settings.snapshots
    buttons = [part for part in _parts(content(admin.open("/feeds"))) if part.get("data-tf-serve")]
    assert [part["data-tf-serve"] for part in buttons] == [own.snapshots["old"]]
    answer = serve(admin, {"snapshot": own.snapshots["old"]})
    assert answer.status_code == 200
    assert own.snapshots["old"] in answer.get_json()["said"]
    assert read_current(root) == own.snapshots["old"]
    assert admin.get("/healthz").get_json()["snapshot_id"] == own.snapshots["old"]
    again = serve(admin, {"snapshot": own.snapshots["old"]})
    assert again.status_code == 200
    assert acts(own) == [("admin", "snapshot_served", f"snapshot:{own.snapshots['old']}")]


@pytest.mark.parametrize("login", ["viewer", "commander"])
def test_nobody_else_serves_a_snapshot_and_the_try_is_written_down(own: House, login: str) -> None:
    visitor = own.visitors[login]
    assert [p for p in _parts(content(visitor.open("/feeds"))) if p.get("data-tf-serve")] == []
    answer = serve(visitor, {"snapshot": own.snapshots["old"]})
    assert answer.status_code == 403
    assert read_current(own.settings.snapshots) == own.snapshots["new"]
    assert acts(own) == [(login, "snapshot_serve_refused", f"snapshot:{own.snapshots['old']}")]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"X_CSRFToken": None}, 403),
        ({"X_CSRFToken": "guessed"}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Sec_Fetch_Site": "cross-site"}, 403),
    ],
)
def test_another_site_cannot_serve_a_snapshot(
    own: House, headers: dict[str, str | None], status: int
) -> None:
    answer = serve(own.visitors["admin"], {"snapshot": own.snapshots["old"]}, **headers)
    assert answer.status_code == status
    assert read_current(own.settings.snapshots) == own.snapshots["new"]
    assert acts(own) == []


@pytest.mark.parametrize(
    "body",
    [None, [], {}, {"snapshot": 7}, {"snapshot": "../../etc"}, {"snapshot": "20990101T0000-0123456789ab"}],
)
def test_a_snapshot_that_is_none_is_refused_in_a_sentence(own: House, body: object) -> None:
    answer = serve(own.visitors["admin"], body)
    assert answer.status_code == 404
    assert answer.get_json()["error"]
    assert read_current(own.settings.snapshots) == own.snapshots["new"]
    assert acts(own) == []


def test_a_torn_snapshot_is_not_served(own: House) -> None:
    root = own.settings.snapshots
    path = root / own.snapshots["old"] / "code_stock" / "part-0.parquet"
    path.write_bytes(path.read_bytes()[:-9])
    answer = serve(own.visitors["admin"], {"snapshot": own.snapshots["old"]})
    assert answer.status_code in (400, 422, 500, 503)
    assert "code_stock" in answer.get_json()["error"]
    assert read_current(root) == own.snapshots["new"]
    assert acts(own) == []


def test_a_switch_that_fails_leaves_no_row(own: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_args: object, **_words: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(serving, "switch_current", full)
    answer = serve(own.visitors["admin"], {"snapshot": own.snapshots["old"]})
    assert "disk is full" in answer.get_json()["error"]
    assert acts(own) == []


def _parts(tree: Any) -> list[dict[str, Any]]:
    return list(components(tree))
