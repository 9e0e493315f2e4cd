"""The signed envelope: what it may say, what a signature protects, which bytes are refused and why."""

from __future__ import annotations

import base64
import hmac
import json
import random
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jws as jose
from joserfc.jwk import ECKey

from dashboard.envelope.errors import STATUS_OF, EnvelopeError
from dashboard.envelope.jws import (
    MAX_BYTES,
    check_content_digest,
    content_digest,
    digest,
    open_envelope,
    sign,
)
from dashboard.envelope.keys import Trust, make_signing_key
from dashboard.envelope.model import (
    Envelope,
    VersionEntry,
    active_entry,
    parse_payload,
    payload_bytes,
    pending_entries,
    read_stamp,
    write_stamp,
)
from dashboard.envelope.schema import envelope_schema
from dashboard.policy.document import canonical_json, digest_policy
from dashboard.policy.model import Text
from dashboard.policy.store import load_baseline
from tests.envelopes import NOW, chain, entry, envelope, policy_at

KEY = make_signing_key()
TRUST = Trust((KEY.public(),))
BODY = sign(envelope(), KEY)


def encode(content: bytes | dict[str, Any]) -> str:
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def resign(payload: bytes, **header: object) -> bytes:
    """The payload signed with the good key under any header."""
    full = {"alg": "ES256", "typ": "tianfu-policy+jws", "kid": KEY.kid} | header
    registry = jose.JWSRegistry(algorithms=["ES256"], strict_check_header=False)
    return jose.serialize_compact(full, payload, KEY.key, registry=registry).encode()


def code_of(body: bytes, trust: Trust = TRUST, *, now_s: int = NOW) -> str:
    with pytest.raises(EnvelopeError) as caught:
        open_envelope(body, trust, now_s=now_s)
    assert caught.value.http_status == STATUS_OF[caught.value.code]
    return caught.value.code


def test_what_was_signed_is_what_is_opened() -> None:
    first = envelope(3, entry(2), entry(3, start_s=NOW + 60), prev=digest(b"x"))
    body = sign(first, KEY)
    opened = open_envelope(body, TRUST, now_s=NOW)
    assert opened == first
    assert payload_bytes(opened) == payload_bytes(first)
    assert opened.newest.policy().version == 3
    assert digest_policy(opened.versions[0].policy()) == digest_policy(first.versions[0].policy())


def test_the_payload_is_canonical_and_holds_the_policy_as_its_digest_knows_it() -> None:
    payload = payload_bytes(envelope(version_policy := 1))
    content = json.loads(payload)
    assert content["schema"] == "tianfu.policy/v1"
    assert content["versions"][0]["expires_at_s"] is None
    policy = load_baseline().model_copy(update={"version": version_policy})
    assert content["versions"][0]["thresholds"] == json.loads(canonical_json(policy))
    assert payload == json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def test_signing_twice_gives_two_bodies_of_one_envelope() -> None:
    again = sign(envelope(), KEY)
    assert again != BODY
    assert open_envelope(again, TRUST, now_s=NOW) == open_envelope(BODY, TRUST, now_s=NOW)


def test_any_flipped_bit_is_refused() -> None:
    """Every bit of the header and the signature, and a sample of the long payload."""
    first, second = BODY.index(b"."), BODY.rindex(b".")
    places = [*range(first + 1), *range(second, len(BODY))]
    places += random.Random(20210111).sample(range(first + 1, second), 200)
    for place in places:
        for bit in range(8):
            damaged = bytearray(BODY)
            damaged[place] ^= 1 << bit
            assert code_of(bytes(damaged)) in {
                "form",
                "wrong_alg",
                "wrong_typ",
                "unknown_kid",
                "bad_signature",
            }


HEAD, PAYLOAD, SIGNATURE = BODY.decode().split(".")
GOOD_HEAD = {"alg": "ES256", "typ": "tianfu-policy+jws", "kid": KEY.kid}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "form"),
        (b"a.b", "form"),
        (BODY + b"\n", "form"),
        (BODY + b".x", "form"),
        (BODY.replace(b".", b"=.", 1), "form"),
        (f"{encode({'alg': 'none'})}.{PAYLOAD}.".encode(), "form"),
        (f"{encode(GOOD_HEAD | {'alg': 'none'})}.{PAYLOAD}.{SIGNATURE}".encode(), "wrong_alg"),
        (f"{encode(GOOD_HEAD | {'alg': 'EdDSA'})}.{PAYLOAD}.{SIGNATURE}".encode(), "wrong_alg"),
        (f"{encode(GOOD_HEAD | {'alg': None})}.{PAYLOAD}.{SIGNATURE}".encode(), "wrong_alg"),
        (f"{encode(GOOD_HEAD | {'typ': 'JWT'})}.{PAYLOAD}.{SIGNATURE}".encode(), "wrong_typ"),
        (f"{encode({'alg': 'ES256', 'kid': KEY.kid})}.{PAYLOAD}.{SIGNATURE}".encode(), "wrong_typ"),
        (f"{encode(GOOD_HEAD | {'kid': 'x'})}.{PAYLOAD}.{SIGNATURE}".encode(), "unknown_kid"),
        (f"{encode(GOOD_HEAD | {'kid': 7})}.{PAYLOAD}.{SIGNATURE}".encode(), "form"),
        (f"{encode(GOOD_HEAD | {'crit': ['b64']})}.{PAYLOAD}.{SIGNATURE}".encode(), "form"),
        (f"{encode(json.dumps(GOOD_HEAD).encode('utf-16'))}.{PAYLOAD}.{SIGNATURE}".encode(), "form"),
        (f"{encode(b'[]')}.{PAYLOAD}.{SIGNATURE}".encode(), "form"),
        (f"{encode(b'[[1,2]]')}.{PAYLOAD}.{SIGNATURE}".encode(), "form"),
        (f"{encode(b'[' * 100_000)}.{PAYLOAD}.{SIGNATURE}".encode(), "form"),
        (resign(payload_bytes(envelope()), jwk=KEY.key.as_dict(private=False)), "form"),
        (resign(b"no json"), "form"),
        (resign(b"\xff"), "form"),
        (resign(b"[" * 50_000), "form"),
        (resign(payload_bytes(envelope())[:-1] + b',"seq":1}'), "form"),
        (resign(payload_bytes(envelope()).replace(b'"seq":1', b'"seq":NaN')), "form"),
        (resign(b"{}"), "schema"),
        (BODY + b"A" * MAX_BYTES, "too_large"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_refused(body: bytes, code: str) -> None:
    assert code_of(body) == code


def test_a_mac_made_with_the_public_key_is_no_signature() -> None:
    """The classic confusion: HS256 with the public key as the secret."""
    signed = f"{encode(GOOD_HEAD | {'alg': 'HS256'})}.{PAYLOAD}"
    for secret in (KEY.key.as_pem(private=False), KEY.key.as_der(private=False)):
        mac = hmac.digest(secret, signed.encode(), "sha256")
        assert code_of(f"{signed}.{encode(mac)}".encode()) == "wrong_alg"
        under_our_alg = f"{HEAD}.{PAYLOAD}"
        mac = hmac.digest(secret, under_our_alg.encode(), "sha256")
        assert code_of(f"{under_our_alg}.{encode(mac)}".encode()) == "bad_signature"


def test_the_key_of_another_is_not_ours_under_our_name() -> None:
    other = ECKey.generate_key("P-256")
    forged = jose.serialize_compact(GOOD_HEAD, payload_bytes(envelope()), other, algorithms=["ES256"])
    assert code_of(forged.encode()) == "bad_signature"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"schema": "tianfu.policy/v2"}, "tianfu.policy/v1"),
        ({"policy_id": "other"}, "epidemic"),
        ({"seq": "1"}, "seq"),
        ({"seq": 1.0}, "whole number"),
        ({"seq": True}, "seq"),
        ({"seq": 0, "revision": "epidemic:0"}, "seq"),
        ({"seq": 2**53}, "seq"),
        ({"revision": "epidemic:9"}, "must be policy_id and seq"),
        ({"prev": "sha256:" + "0" * 64}, "null exactly for seq 1"),
        ({"seq": 2, "revision": "epidemic:2"}, "null exactly for seq 1"),
        ({"kind": "rollback"}, "rollback_of"),
        ({"rollback_of": 1}, "rollback_of"),
        ({"issued_at": "2021-02-30T00:00:00Z"}, "that exist"),
        ({"issued_at": "2021-01-11T07:00:00+08:00"}, "issued_at"),
        ({"issued_at": "2021-01-11T07:00:00Z\n"}, "issued_at"),
        ({"versions": []}, "versions"),
        ({"more": 1}, "no such field"),
        ({"kind": "emergency"}, "an emergency must end"),
    ],
)
def test_a_payload_that_breaks_the_schema_is_told_where(change: dict[str, object], words: str) -> None:
    content = json.loads(payload_bytes(envelope())) | change
    with pytest.raises(EnvelopeError, match=words) as caught:
        parse_payload(json.dumps(content).encode())
    assert caught.value.code == "schema"


@pytest.mark.parametrize(
    ("versions", "words"),
    [
        ([(2, 0, None), (1, 0, None)], "must ascend"),
        ([(1, 0, None), (1, 0, None)], "must ascend"),
        ([(1, 0, 50)], "no entry without an end"),
        ([(1, 50, 50), (2, 0, None)], "must be after effective_at_s"),
    ],
)
def test_versions_that_cannot_be(versions: list[tuple[int, int, int | None]], words: str) -> None:
    content = json.loads(payload_bytes(envelope()))
    content["versions"] = [
        {
            "version": version,
            "effective_at_s": start,
            "expires_at_s": end,
            "thresholds": content["versions"][0]["thresholds"] | {"version": version},
        }
        for version, start, end in versions
    ]
    with pytest.raises(EnvelopeError, match=words):
        parse_payload(json.dumps(content).encode())


def test_the_version_of_an_entry_is_that_of_its_document() -> None:
    content = json.loads(payload_bytes(envelope()))
    content["versions"][0]["version"] = 5
    with pytest.raises(EnvelopeError, match=r"thresholds\.version is 1: must equal the version 5"):
        parse_payload(json.dumps(content).encode())


def test_thresholds_are_checked_as_a_policy_is() -> None:
    content = json.loads(payload_bytes(envelope()))
    content["versions"][0]["thresholds"]["risk_area"]["medium_min_new_cases"] = 900
    with pytest.raises(EnvelopeError, match="medium_min_new_cases is 900: must be at most"):
        parse_payload(json.dumps(content).encode())


@pytest.mark.parametrize(("hours", "good"), [(24, True), (25, False)])
def test_an_emergency_ends_within_a_day_inside_the_signed_text(hours: int, good: bool) -> None:
    entries = (entry(1), entry(2, start_s=NOW, end_s=NOW + hours * 3600))
    build = lambda: envelope(2, *entries, prev=digest(b""), kind="emergency")  # noqa: E731
    if good:
        assert build().newest.version == 2
    else:
        with pytest.raises(ValueError, match="an emergency must end"):
            build()


@pytest.mark.parametrize(
    ("at_s", "version"),
    [(-1, None), (0, 1), (49, 1), (50, 3), (59, 3), (60, 2), (10**9, 2)],
)
def test_the_highest_version_whose_time_has_come_and_not_passed_is_active(
    at_s: int, version: int | None
) -> None:
    start = NOW
    made = envelope(
        1,
        entry(1, start_s=start),
        entry(2, start_s=start + 55),
        entry(3, start_s=start + 50, end_s=start + 60),
    )
    found = active_entry(made, start + at_s)
    assert (found.version if found else None) == version


@settings(max_examples=60, deadline=None)
@given(
    times=st.lists(st.tuples(st.integers(0, 30), st.none() | st.integers(1, 30)), min_size=1, max_size=5),
    now=st.integers(-5, 70),
)
def test_active_is_what_the_sentence_says(times: list[tuple[int, int | None]], now: int) -> None:
    entries = [
        entry(n, start_s=NOW + start, end_s=None if last is None else NOW + start + last)
        for n, (start, last) in enumerate(times, 2)
    ]
    made = envelope(1, entry(1, start_s=NOW), *entries)
    holding = [e.version for e in made.versions if e.holds(NOW + now)]
    found = active_entry(made, NOW + now)
    assert (found.version if found else None) == (max(holding) if holding else None)
    assert {e.version for e in pending_entries(made, NOW + now)}.isdisjoint(holding)


def test_digests() -> None:
    assert digest(b"") == "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert content_digest(b"hello") == "sha-256=:LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=:"
    check_content_digest(content_digest(b"hello"), b"hello")
    check_content_digest("sha-512=:AA==:, " + content_digest(b"hello"), b"hello")


@pytest.mark.parametrize(
    "header", [None, "", "sha-256=:AA==:", "sha-512=:AA==:", content_digest(b"hello") * 2, "sha-256", ":::"]
)
def test_a_content_digest_that_is_not_that_of_the_body_is_refused(header: str | None) -> None:
    with pytest.raises(EnvelopeError) as caught:
        check_content_digest(header, b"hello")
    assert caught.value.code == "digest"


def test_stamps() -> None:
    assert write_stamp(NOW) == "2021-01-11T07:00:00Z"
    assert read_stamp(write_stamp(NOW)) == NOW


def test_a_chain_names_the_one_before() -> None:
    bodies = chain(KEY, 3)
    opened = [open_envelope(body, TRUST, now_s=NOW) for body in bodies]
    assert [e.prev for e in opened] == [None, digest(bodies[0]), digest(bodies[1])]


def test_a_thousand_overrides_in_three_versions_and_a_long_reason_fit() -> None:
    content = json.loads(payload_bytes(envelope(reason="因" * 4000)))
    thresholds = content["versions"][0]["thresholds"]
    path = "appeals.backlog_days_warn"
    thresholds["override_bounds"] = {path: {"override_min": 1, "override_max": 100}}
    thresholds["overrides"] = [
        {"area": f"{10 + n // 99}{1 + n % 99:02}00", "path": path, "value": 1 + n % 100} for n in range(1000)
    ]
    content["versions"] = [
        {
            "version": version,
            "effective_at_s": NOW,
            "expires_at_s": None,
            "thresholds": thresholds | {"version": version},
        }
        for version in (1, 2, 3)
    ]
    body = sign(parse_payload(json.dumps(content).encode()), KEY)
    opened = open_envelope(body, TRUST, now_s=NOW)
    assert [len(e.policy().overrides) for e in opened.versions] == [1000] * 3


def test_what_would_not_be_accepted_is_not_signed() -> None:
    big = policy_at(1).model_copy(update={"notes": Text(zh="长" * 400_000, en="long")})
    made = envelope(1, VersionEntry(version=1, effective_at_s=NOW, expires_at_s=None, thresholds=big))
    with pytest.raises(EnvelopeError) as caught:
        sign(made, KEY)
    assert caught.value.code == "too_large"


def test_the_schema_states_every_field_and_allows_no_other() -> None:
    schema = envelope_schema()
    assert set(schema["properties"]) == set(json.loads(payload_bytes(envelope())))  # type: ignore[arg-type]
    definitions: dict[str, dict[str, Any]] = schema["$defs"]  # type: ignore[assignment]
    objects = [schema, *(d for d in definitions.values() if d.get("type") == "object")]
    assert len(objects) > 10
    assert all(part["additionalProperties"] is False for part in objects)
    window = definitions["RiskArea"]["properties"]["window_days"]
    assert (window["minimum"], window["maximum"]) == (1, 60)
    hours = definitions["NucleicTest"]["properties"]["validity_hours"]["additionalProperties"]
    assert (hours["minimum"], hours["maximum"]) == (1, 720)


def test_the_schema_agrees_with_the_reader() -> None:
    validator = jsonschema_rs.validator_for(envelope_schema())
    good = json.loads(payload_bytes(envelope()))
    assert validator.is_valid(good)
    for change in ({"seq": "1"}, {"more": 1}, {"versions": []}, {"prev": "x"}, {"issued_at": "now"}):
        assert not validator.is_valid(good | change), change
        with pytest.raises(EnvelopeError):
            parse_payload(json.dumps(good | change).encode())


def test_an_envelope_cannot_be_changed_after_it_was_checked() -> None:
    made: Envelope = envelope()
    with pytest.raises(ValueError, match="frozen"):
        made.seq = 2  # type: ignore[misc]
