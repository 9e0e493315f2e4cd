"""The bundle for a stock policy engine.

No engine binary is part of the tests. Its rules for a signed bundle are written here a second time, from its
documentation and without our own code: one JWT, ES256, the key named by ``kid``, the scope, every file but
the signatures listed under its name without a leading slash, structured files hashed over their parsed
content with sorted keys. ``regopy`` runs the module that is inside.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import tarfile
from dataclasses import replace

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from regopy import Interpreter

from dashboard.envelope.bundle import build_bundle, etag_of
from dashboard.envelope.keys import SigningKey, make_signing_key
from dashboard.envelope.model import payload_bytes
from dashboard.policy.decide import decide
from dashboard.policy.document import parse_policy
from tests.envelopes import entry, envelope

KEY = make_signing_key()
ENVELOPE = envelope(3, entry(3), prev="sha256:" + "1" * 64)


def public_pem(key: SigningKey) -> str:
    """As it stands in the engine's settings under ``keys``."""
    return key.key.as_pem(private=False).decode()


def unpack(bundle: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(bundle), mode="r:gz") as tar:
        return {member.name: tar.extractfile(member).read() for member in tar.getmembers()}


def pack(files: dict[str, bytes]) -> bytes:
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return gzip.compress(plain.getvalue())


# --- the engine's rules, a second time -----------------------------------------------------------


def walk(value: object) -> bytes:
    """What the engine feeds to the hash for parsed JSON: keys in order of their bytes, no spaces."""
    if isinstance(value, dict):
        parts = [walk(key) + b":" + walk(value[key]) for key in sorted(value, key=lambda k: k.encode())]
        return b"{" + b",".join(parts) + b"}"
    if isinstance(value, list):
        return b"[" + b",".join(walk(item) for item in value) + b"]"
    if isinstance(value, str):
        plain = "".join(
            f"\\u{ord(c):04x}" if c in "\u2028\u2029" else json.dumps(c, ensure_ascii=False)[1:-1]
            for c in value
        )
        return f'"{plain}"'.encode()
    return json.dumps(value).encode()


def engine_accepts(bundle: bytes, keys: dict[str, str], *, scope: str) -> dict[str, bytes]:
    """The files of a bundle that the engine would activate; raises ``ValueError`` with its reason."""
    files = unpack(bundle)
    signatures = json.loads(files.pop(".signatures.json"))["signatures"]
    if len(signatures) != 1:
        raise ValueError("expected exactly one JWT")
    head, payload, signature = signatures[0].split(".")
    header, claims = (json.loads(_decode(part)) for part in (head, payload))
    if header["kid"] not in keys:
        raise ValueError("verification key not found")
    raw = _decode(signature)
    key = serialization.load_pem_public_key(keys[header["kid"]].encode())
    der = encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))
    try:
        key.verify(der, f"{head}.{payload}".encode(), ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        raise ValueError("signature") from None
    if claims.get("scope", "") != scope:
        raise ValueError("scope mismatch")
    listed = {entry["name"]: entry for entry in claims["files"]}
    for name, content in files.items():
        if name not in listed:
            raise ValueError(f"file {name} not included in bundle signature")
        structured = name.split("/")[-1] in (".manifest", "data.json", "data.yaml", "data.yml")
        content = walk(json.loads(content)) if structured else content
        if listed[name]["algorithm"] != "SHA-256":
            raise ValueError("unsupported hashing algorithm")
        if hashlib.sha256(content).hexdigest() != listed.pop(name)["hash"]:
            raise ValueError(f"{name}: digest mismatch")
    if listed:
        raise ValueError(f"files {sorted(listed)} specified in bundle signatures but not found")
    manifest = json.loads(files[".manifest"])
    for name in files:
        if name != ".manifest" and name.split("/")[0] not in manifest["roots"]:
            raise ValueError("outside the roots")
    return files


def _decode(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


# --- tests ---------------------------------------------------------------------------------------


def test_the_engine_accepts_the_bundle_and_finds_policy_and_thresholds():
    files = engine_accepts(build_bundle(ENVELOPE, KEY), {KEY.kid: public_pem(KEY)}, scope="write")
    assert set(files) == {".manifest", "tianfu/thresholds/data.json", "tianfu/policy/policy.rego"}
    assert json.loads(files[".manifest"]) == {
        "revision": "epidemic:3",
        "roots": ["tianfu"],
        "rego_version": 1,
    }
    assert files["tianfu/thresholds/data.json"] == payload_bytes(ENVELOPE)


def test_the_same_envelope_is_the_same_bundle_and_another_one_is_not():
    bundle = build_bundle(ENVELOPE, KEY)
    assert build_bundle(ENVELOPE, KEY) == bundle
    other = build_bundle(envelope(4, entry(3), prev="sha256:" + "1" * 64), KEY)
    assert len({etag_of(bundle), etag_of(other), etag_of(build_bundle(ENVELOPE, make_signing_key()))}) == 3
    with tarfile.open(fileobj=io.BytesIO(bundle), mode="r:gz") as tar:
        assert {(m.mtime, m.uid, m.gid, m.uname, m.isfile()) for m in tar.getmembers()} == {
            (0, 0, 0, "", True)
        }


def _edit(name: str, change) -> object:
    def edit(files: dict[str, bytes]) -> dict[str, bytes]:
        return files | {name: change(files[name])}

    return edit


BREAKS = {
    "a threshold": (
        _edit("tianfu/thresholds/data.json", lambda c: c.replace(b'_days":14', b'_days":15', 1)),
        "data.json: digest mismatch",
    ),
    "a byte of the policy": (
        _edit("tianfu/policy/policy.rego", lambda c: c.replace(b">=", b"> ", 1)),
        "policy.rego: digest mismatch",
    ),
    "the revision": (_edit(".manifest", lambda c: c.replace(b":3", b":4")), "manifest: digest mismatch"),
    "a file more": (
        lambda files: files | {"tianfu/more/data.json": b"{}"},
        "not included in bundle signature",
    ),
    "a file less": (
        lambda files: {n: c for n, c in files.items() if not n.endswith(".rego")},
        "specified in bundle signatures but not found",
    ),
    "the signature": (
        # Another letter of the alphabet: what is refused is the signature, not its spelling.
        _edit(".signatures.json", lambda c: c[:-8] + (b"B" if c[-8:-7] == b"A" else b"A") + c[-7:]),
        "signature",
    ),
}


@pytest.mark.parametrize("broken", sorted(BREAKS))
def test_the_engine_refuses_a_bundle_that_was_changed(broken):
    change, reason = BREAKS[broken]
    files = unpack(build_bundle(ENVELOPE, KEY))
    changed = change(files)
    assert changed != files
    with pytest.raises(ValueError, match=reason):
        engine_accepts(pack(changed), {KEY.kid: public_pem(KEY)}, scope="write")
    assert engine_accepts(pack(files), {KEY.kid: public_pem(KEY)}, scope="write")


@pytest.mark.parametrize(
    ("keys", "scope", "reason"),
    [
        ({"other": public_pem(KEY)}, "write", "not found"),
        ({KEY.kid: public_pem(make_signing_key())}, "write", "signature"),
        ({KEY.kid: public_pem(KEY)}, "read", "scope"),
    ],
)
def test_the_engine_refuses_another_key_and_another_scope(keys, scope, reason):
    with pytest.raises(ValueError, match=reason):
        engine_accepts(build_bundle(ENVELOPE, KEY), keys, scope=scope)


def test_spaces_and_order_of_structured_files_do_not_matter_and_odd_characters_are_hashed_alike():
    odd = '<b>&amp; "quoted" 绿 \u2028\u2029 é'
    first = envelope(1)
    odd_one = first.model_copy(update={"approval": first.approval.model_copy(update={"reason": odd})})
    files = unpack(build_bundle(odd_one, KEY))
    content = json.loads(files["tianfu/thresholds/data.json"])
    assert content["approval"]["reason"] == odd
    spaced = json.dumps(dict(reversed(content.items())), indent=3).encode()
    files["tianfu/thresholds/data.json"] = spaced
    assert engine_accepts(pack(files), {KEY.kid: public_pem(KEY)}, scope="write")


def test_the_policy_inside_decides_like_the_rules_service_by_the_thresholds_inside():
    bundle = build_bundle(
        envelope(
            2,
            entry(1),
            entry(2, window_days=7, clear_days_high=7, clear_days_medium=7),
            prev="sha256:" + "1" * 64,
        ),
        KEY,
    )
    files = engine_accepts(bundle, {KEY.kid: public_pem(KEY)}, scope="write")
    thresholds = json.loads(files["tianfu/thresholds/data.json"])
    engine = Interpreter()
    engine.add_module("policy.rego", files["tianfu/policy/policy.rego"].decode())
    engine.add_data({"tianfu": {"thresholds": thresholds}})
    built = engine.build(None, ["tianfu/policy/answer"])
    policy = parse_policy(json.dumps(thresholds["versions"][1]["thresholds"]), name="inside", kind="json")
    assert policy.version == 2
    for asked in (
        {"ask": "area_level", "new_cases_in_window": 1, "cumulative_cases": 3, "days_since_last_case": 6},
        {"ask": "area_level", "new_cases_in_window": 1, "cumulative_cases": 3, "days_since_last_case": 7},
        {"ask": "code", "reason_code": "close_contact", "hours_since_start": 504},
    ):
        engine.set_input(asked)
        answer = json.loads(str(engine.query_bundle_entrypoint(built, "tianfu/policy/answer")))
        assert answer["expressions"] == [decide(policy, asked)]


def test_a_public_key_signs_no_bundle():
    public = replace(KEY, key=type(KEY.key).import_key(KEY.key.as_dict(private=False)))
    with pytest.raises(ValueError, match="public key"):
        build_bundle(ENVELOPE, public)
