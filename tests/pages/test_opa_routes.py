"""What a policy engine may ask the board for, with its token alone, and what it may not."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, insert, select

import app as app_module
from dashboard.clock import from_epoch_s
from dashboard.envelope.jws import digest
from dashboard.envelope.keyring import ensure_demo_keys
from dashboard.envelope.keys import load_trust
from dashboard.envelope.opa_config import public_keys, render_settings
from dashboard.errors import InputError
from dashboard.publishing import opa
from dashboard.settings import Settings
from dashboard.shell import security
from dashboard.store.audit import list_audit
from dashboard.store.engine import Database
from dashboard.store.opa_models import OpaDecisionRow
from dashboard.store.policy_models import PolicyEnvelopeRow, PolicyOutboxRow
from tests.envelopes import NOW, chain, home_settings
from tests.unit.test_opa_bundle import engine_accepts

AT = from_epoch_s(NOW)
BUNDLE, STATUS, LOGS = "/opa/v1/bundles/tianfu", "/opa/v1/status", "/opa/v1/logs"
BUNDLES = "application/vnd.openpolicyagent.bundles"


@dataclass
class Engines:
    """A board with two registered engines and envelopes at hand."""

    server: Flask
    database: Database
    settings: Settings
    bodies: list[bytes]
    tokens: dict[str, str]
    at: datetime = AT

    def browser(self) -> FlaskClient:
        return self.server.test_client()

    def issue(self, seq: int, *, state: str = "accepted") -> None:
        """Put envelope ``seq`` into the store, as publishing does."""
        filled = {
            column.name: [] if column.name == "entries" else None
            for column in PolicyEnvelopeRow.__table__.columns
        }
        row = filled | {
            "policy_id": "epidemic",
            "seq": seq,
            "kind": "normal",
            "version": seq,
            "digest": digest(self.bodies[seq - 1]),
            "body": self.bodies[seq - 1],
            "document": "{}",
            "issued_at": self.at,
            "effective_at_s": NOW,
        }
        with self.database.write() as connection:
            connection.execute(insert(PolicyEnvelopeRow).values({k: v for k, v in row.items() if k != "id"}))
            connection.execute(
                insert(PolicyOutboxRow).values(
                    policy_id="epidemic",
                    seq=seq,
                    state=state,
                    attempts=0,
                    created_at=self.at,
                    next_try_at=self.at,
                    last_error="",
                )
            )

    def ask(self, path: str, *, engine: str = "gate", method: str = "GET", **given: object):
        headers = {"Authorization": f"Bearer {self.tokens[engine]}", **given.pop("headers", {})}
        return self.browser().open(path, method=method, headers=headers, **given)

    def instance(self, name: str = "gate") -> opa.OpaInstance:
        with self.database.read() as connection:
            return next(one for one in opa.list_instances(connection, self.at) if one.name == name)


@pytest.fixture
def engines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engines]:
    settings = home_settings(tmp_path / "home")
    key = ensure_demo_keys(settings)
    board = app_module.create_app(settings)
    server = board.server
    database = Database(settings)
    with database.write() as connection:
        tokens = {
            name: opa.add_instance(connection, name, actor="test", at=AT) for name in ("gate", "station")
        }
    made = Engines(server, database, settings, chain(key, 3), tokens)
    monkeypatch.setattr(security.desk_of(server, settings), "clock", lambda: made.at)
    yield made
    security.desk_of(server, settings).database.close()
    database.close()


def test_nothing_is_there_before_the_first_publication(engines):
    answer = engines.ask(BUNDLE)
    assert (answer.status_code, answer.headers.get("ETag")) == (404, None)


def test_the_newest_bundle_is_handed_out_once(engines):
    engines.issue(1)
    first = engines.ask(BUNDLE)
    assert (first.status_code, first.content_type) == (200, BUNDLES)
    assert len(first.data) > 1000
    again = engines.ask(BUNDLE, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", first.headers["ETag"])
    # An engine reads this content type on a 304 as "ask again at once".
    assert again.headers.get("Content-Type") != BUNDLES
    engines.issue(2)
    newer = engines.ask(BUNDLE, headers={"If-None-Match": first.headers["ETag"]})
    assert newer.status_code == 200
    assert newer.headers["ETag"] != first.headers["ETag"]
    assert engines.instance().served_seq == 2
    assert engines.instance("station").served_seq == 0


def test_a_wait_is_answered_at_once(engines):
    engines.issue(1)
    tag = engines.ask(BUNDLE).headers["ETag"]
    held = engines.ask(BUNDLE, headers={"If-None-Match": tag, "Prefer": "modes=snapshot,delta;wait=30"})
    assert held.status_code == 304


def test_an_engine_is_never_handed_an_older_revision(engines):
    engines.issue(2)
    assert engines.ask(BUNDLE).status_code == 200
    # The store comes back from a backup in which only the first was issued.
    with engines.database.write() as connection:
        connection.exec_driver_sql("DROP TRIGGER policy_envelope_no_delete")
        connection.exec_driver_sql("DELETE FROM policy_envelope")
    engines.issue(1)
    assert engines.ask(BUNDLE).status_code == 503
    assert engines.instance().served_seq == 2
    # Another engine never saw the second and gets the first.
    assert engines.ask(BUNDLE, engine="station").status_code == 200


def test_a_publication_refused_for_good_is_not_handed_out(engines):
    engines.issue(1)
    tag = engines.ask(BUNDLE).headers["ETag"]
    engines.issue(2, state="blocked")
    assert engines.ask(BUNDLE, headers={"If-None-Match": tag}).status_code == 304


@pytest.mark.parametrize(
    ("method", "path", "body"), [("GET", BUNDLE, None), ("POST", STATUS, {}), ("POST", LOGS, [])]
)
@pytest.mark.parametrize("said", [None, "", "Bearer", "Bearer ", "Bearer wrong", "Basic Z2F0ZTpnYXRl"])
def test_without_a_good_token_nothing_is_told_or_taken(engines, method, path, body, said):
    engines.issue(1)
    headers = {} if said is None else {"Authorization": said}
    answer = engines.browser().open(path, method=method, headers=headers, json=body)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert b"tianfu" not in answer.data
    assert engines.instance().reported_at is None


def test_a_revoked_token_is_refused_and_both_acts_are_in_the_audit_log(engines):
    engines.issue(1)
    assert engines.ask(BUNDLE).status_code == 200
    with engines.database.write() as connection:
        opa.revoke_instance(connection, "gate", actor="test", at=AT)
    assert engines.ask(BUNDLE).status_code == 401
    with engines.database.read() as connection:
        acts = [(row.action, row.object) for row in list_audit(connection)]
    assert acts[:3] == [
        ("policy.opa.revoked", "gate"),
        ("policy.opa.added", "station"),
        ("policy.opa.added", "gate"),
    ]


@pytest.mark.parametrize("path", [BUNDLE, STATUS, LOGS])
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH"])
def test_the_token_opens_three_calls_and_no_other(engines, path, method):
    if (method, path) in security.BY_TOKEN:
        return
    assert engines.ask(path, method=method).status_code in (302, 303, 401, 403, 405)


@pytest.mark.parametrize("path", ["/", "/policy", "/_dash-layout", "/opa/v1/bundles/other", "/opa/v1"])
def test_a_token_is_no_session(engines, path):
    assert engines.ask(path).status_code in (302, 303, 401)


def _status(revision: str | None, **more: object) -> dict:
    bundle = {"name": "tianfu", "active_revision": revision, **more}
    return {"labels": {"id": "x"}, "bundles": {"tianfu": bundle}}


def test_an_engine_is_judged_by_what_it_reports_and_when(engines):
    engines.issue(1)
    assert engines.instance().verdict == "unknown"  # handed out is not active
    engines.ask(BUNDLE)
    assert engines.instance().verdict == "unknown"
    assert engines.ask(STATUS, method="POST", json=_status("epidemic:1")).status_code == 204
    assert engines.instance().verdict == "synced"
    engines.issue(2)
    assert engines.instance().verdict == "behind"
    failing = _status("epidemic:1", code="bundle_error", message="signature")
    engines.ask(STATUS, method="POST", json=failing)
    assert (engines.instance().verdict, engines.instance().problem) == ("failing", "signature")
    engines.ask(STATUS, method="POST", json=_status("epidemic:2"))
    assert engines.instance().verdict == "synced"
    engines.at += timedelta(minutes=3, seconds=1)
    assert engines.instance().verdict == "unknown"


@pytest.mark.parametrize(
    ("body", "verdict"),
    [({}, "failing"), ({"bundles": {"other": {"active_revision": "epidemic:1"}}}, "failing"),
     (_status(None), "behind"), (_status(7), "behind")],
)  # fmt: skip
def test_a_status_without_our_bundle_is_no_good_sign(engines, body, verdict):
    engines.issue(1)
    assert engines.ask(STATUS, method="POST", json=body).status_code == 204
    assert engines.instance().verdict == verdict


def _event(number: str, **more: object) -> dict:
    return {
        "decision_id": number,
        "path": "tianfu/policy/answer",
        "bundles": {"tianfu": {"revision": "epidemic:1"}},
        "input": {"ask": "code", "reason_code": "close_contact", "secret": "110101199001011234"},
        "result": {"colour": "red", "reason": "held"},
        **more,
    }


def _logs(engines: Engines, events: object, **given: object):
    packed = gzip.compress(json.dumps(events).encode())
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    return engines.ask(LOGS, method="POST", data=packed, headers=headers, **given)


def _kept(engines: Engines) -> int:
    with engines.database.read() as connection:
        return connection.execute(select(func.count()).select_from(OpaDecisionRow)).scalar_one()


def test_a_decision_is_kept_once_and_without_what_was_asked(engines):
    assert _logs(engines, [_event("a"), _event("b"), _event("b")]).status_code == 204
    assert _logs(engines, [_event("b"), _event("c", result=None, bundles={})]).status_code == 204
    assert _kept(engines) == 3
    with engines.database.read() as connection:
        assert opa.count_decisions(connection, since=AT) == {
            ("epidemic:1", "code", "held"): 2,
            ("", "code", ""): 1,
        }
        dump = "\n".join(connection.connection.driver_connection.iterdump())
    assert "110101199001011234" not in dump


def test_old_decisions_are_forgotten(engines):
    _logs(engines, [_event("a")])
    engines.at += timedelta(days=8)
    _logs(engines, [_event("b")])
    assert _kept(engines) == 1


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"[", 400),
        (b"{}", 400),
        (b"[1]", 400),
        (b'[{"decision_id": ""}]', 400),
        (b'[{"decision_id": 5}]', 400),
        (b"[" * 100_000, 400),
        (b"1" * 5000, 400),
        (b'[{"decision_id": "\\ud800"}]', 400),
    ],
)
def test_logs_that_cannot_be_read_are_refused_whole(engines, body, status):
    answer = engines.ask(LOGS, method="POST", data=body)
    assert (answer.status_code, _kept(engines)) == (status, 0)


def test_half_a_character_holds_up_no_engine(engines):
    """JSON can name it, no store keeps it; an error would be answered by the same log again, for ever."""
    odd = b'[{"decision_id": "a", "input": {"ask": "\\ud800"}, "result": {"reason": "\\udc00x"}}]'
    assert engines.ask(LOGS, method="POST", data=odd).status_code == 204
    with engines.database.read() as connection:
        assert opa.count_decisions(connection, since=AT) == {("", "?", "?x"): 1}
    odd = b'{"bundles": {"tianfu": {"active_revision": "\\ud800", "message": "\\ud800 failed"}}}'
    assert engines.ask(STATUS, method="POST", data=odd).status_code == 204
    assert (engines.instance().reported_revision, engines.instance().problem) == ("?", "? failed")


def test_a_packed_body_is_neither_trusted_nor_unpacked_without_end(engines):
    def send(data: bytes) -> int:
        packed = {"Content-Encoding": "gzip"}
        return engines.ask(LOGS, method="POST", data=data, headers=packed).status_code

    assert send(b"no gzip") == 400
    assert send(gzip.compress(b"[]")[:-9]) == 400
    assert send(gzip.compress(b" " * 40_000_000)) == 413
    assert send(b"x" * 2_000_000) == 413


def test_an_engine_with_the_settings_as_printed_pulls_verifies_and_reports(engines):
    """The addresses are put together as the engine does it: url, a slash, the path without slashes."""
    engines.issue(1)
    keys = public_keys(load_trust(engines.settings))
    printed = yaml.safe_load(render_settings("https://board.example.cn/", keys))
    service = printed["services"][printed["bundles"]["tianfu"]["service"]]
    assert service["credentials"]["bearer"]["token"] == "${TIANFU_OPA_TOKEN}"
    at = lambda path: urlsplit(f"{service['url'].rstrip('/')}/{path.strip('/')}").path  # noqa: E731
    pulled = engines.ask(at(printed["bundles"]["tianfu"]["resource"]))
    scope = printed["bundles"]["tianfu"]["signing"]["scope"]
    pems = {kid: key["key"] for kid, key in printed["keys"].items()}
    assert {key["algorithm"] for key in printed["keys"].values()} == {"ES256"}
    files = engine_accepts(pulled.data, pems, scope=scope)
    assert json.loads(files[".manifest"])["revision"] == "epidemic:1"
    assert "tianfu/policy/policy.rego" in files
    assert printed["status"]["service"] == printed["decision_logs"]["service"] == "tianfu"
    assert engines.ask(at("/status/"), method="POST", json=_status("epidemic:1")).status_code == 204
    assert engines.ask(at("/logs"), method="POST", json=[_event("a")]).status_code == 204
    assert (engines.instance().verdict, _kept(engines)) == ("synced", 1)


def test_the_manual_prints_the_settings_as_the_command_does():
    page = (Path(app_module.__file__).parent / "docs" / "rules-service-opa.md").read_text(encoding="utf-8")
    pem = "-----BEGIN PUBLIC KEY-----\nas printed\n-----END PUBLIC KEY-----\n"
    assert render_settings("https://board.example.cn", {"key-id-as-printed": pem}) in page


@pytest.mark.parametrize("name", ["", "a b", "a/b", "门", "x" * 65, "gate"])
def test_a_name_that_is_none_or_taken_is_refused(engines, name):
    with pytest.raises(InputError), engines.database.write() as connection:
        opa.add_instance(connection, name, actor="test", at=AT)
    with pytest.raises(InputError), engines.database.write() as connection:
        opa.revoke_instance(connection, "nobody", actor="test", at=AT)
