"""Keys and trust: made once, kept private, rotated with an overlap, and every bad file said plainly."""

from __future__ import annotations

import json
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from joserfc.jwk import ECKey, RSAKey

from dashboard.envelope.errors import EnvelopeError
from dashboard.envelope.jws import open_envelope, sign
from dashboard.envelope.keyring import ensure_demo_keys, next_key_path, prepare_key, rotate_key
from dashboard.envelope.keys import (
    Trust,
    load_signing_key,
    load_token,
    load_trust,
    make_signing_key,
    read_signing_key,
    read_trust,
    signing_key_path,
    token_path,
    trust_path,
)
from dashboard.errors import SettingError
from tests.envelopes import NOW, envelope, home_settings


def modes(*paths: Path) -> list[str]:
    return [oct(stat.S_IMODE(path.stat().st_mode)) for path in paths]


def test_the_demo_makes_everything_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    settings = home_settings(tmp_path)
    key = ensure_demo_keys(settings)
    files = [signing_key_path(settings), trust_path(settings), token_path(settings)]
    assert modes(*files) == ["0o600", "0o644", "0o600"]
    assert modes(tmp_path / "keys") == ["0o700"]
    before = [path.read_bytes() for path in files]
    assert ensure_demo_keys(settings).kid == key.kid == load_signing_key(settings).kid
    assert [path.read_bytes() for path in files] == before
    assert len(load_token(settings)) >= 32
    assert b"PRIVATE" not in before[1]
    assert '"d"' not in before[1].decode()
    body = sign(envelope(), key)
    assert open_envelope(body, load_trust(settings), now_s=NOW).seq == 1
    assert {path.name for path in (tmp_path / "keys").iterdir()} == {
        ".lock",
        "policy.pem",
        "policy-trust.json",
    }


def test_processes_that_start_together_make_one_key(tmp_path: Path) -> None:
    settings = home_settings(tmp_path)
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: ensure_demo_keys(settings).kid, range(8)))
    assert len(set(made)) == 1
    assert [key.kid for key in load_trust(settings).keys] == made[:1]


def test_what_is_missing_is_made_again_and_the_rest_is_kept(tmp_path: Path) -> None:
    settings = home_settings(tmp_path)
    first = ensure_demo_keys(settings)
    trust_path(settings).unlink()
    assert ensure_demo_keys(settings).kid == first.kid
    signing_key_path(settings).unlink()
    second = ensure_demo_keys(settings)
    assert [key.kid for key in load_trust(settings).keys] == [first.kid, second.kid]


def test_nothing_is_made_where_settings_name_a_file(tmp_path: Path) -> None:
    named = home_settings(tmp_path, TIANFU_POLICY_KEY=str(tmp_path / "absent.pem"))
    with pytest.raises(SettingError, match=r"absent\.pem that signs policies cannot be read"):
        ensure_demo_keys(named)
    with pytest.raises(SettingError, match="no token"):
        load_token(named)
    assert load_token(home_settings(tmp_path, TIANFU_RULES_TOKEN="t" * 20)) == "t" * 20
    assert not (tmp_path / "rules-token").exists()


def test_a_rotation_overlaps(tmp_path: Path) -> None:
    settings = home_settings(tmp_path)
    old = ensure_demo_keys(settings)
    signed_before = sign(envelope(), old)
    prepared = prepare_key(settings)
    assert prepare_key(settings).kid == prepared.kid
    assert load_signing_key(settings).kid == old.kid
    new = rotate_key(settings, now_s=NOW, overlap_s=7200)
    assert new.kid == prepared.kid == load_signing_key(settings).kid != old.kid
    assert not next_key_path(settings).exists()
    signed_after = sign(envelope(), new)
    trust = load_trust(settings)
    for now_s, body in ((NOW + 7199, signed_before), (NOW + 7199, signed_after), (NOW + 7200, signed_after)):
        assert open_envelope(body, trust, now_s=now_s).seq == 1
    with pytest.raises(EnvelopeError) as caught:
        open_envelope(signed_before, trust, now_s=NOW + 7200)
    assert caught.value.code == "unknown_kid"
    with pytest.raises(SettingError, match="at least one hour"):
        rotate_key(settings, now_s=NOW, overlap_s=3599)


def test_a_key_is_not_trusted_before_its_time(tmp_path: Path) -> None:
    key = make_signing_key()
    trust = Trust((key.public(not_before_s=NOW),))
    assert trust.key_for(key.kid, now_s=NOW - 1) is None
    assert trust.key_for(key.kid, now_s=NOW) is not None
    assert trust.key_for("other", now_s=NOW) is None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no key",
        ECKey.generate_key("P-384").as_pem(private=True),
        ECKey.generate_key("P-256").as_pem(private=False),
        RSAKey.generate_key(2048).as_pem(private=True),
    ],
    ids=["empty", "words", "P-384", "public", "RSA"],
)
def test_a_file_that_is_no_private_key_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "policy.pem"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(SettingError, match="is not a private EC key on the curve P-256"):
        read_signing_key(path)


def test_a_private_key_that_everybody_reads_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "policy.pem"
    path.write_bytes(make_signing_key().pem())
    path.chmod(0o644)
    with pytest.raises(SettingError, match="chmod 600"):
        read_signing_key(path)


def public(**changes: object) -> dict[str, object]:
    return make_signing_key().public().model_dump(exclude_none=True) | changes


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ([], "at least 1"),
        ([public(d="AA")], "extra"),
        ([public(kid="mine")], "has the thumbprint"),
        ([public(x="A" * 43)], "no point"),
        ([public(crv="P-384")], "crv"),
        ([public(not_after_s="soon")], "not_after_s"),
        ([key := public(), key], "twice"),
        ("words", "not valid"),
    ],
)
def test_a_trust_file_that_is_wrong_is_told_where(tmp_path: Path, keys: object, words: str) -> None:
    path = tmp_path / "trust.json"
    path.write_text(json.dumps({"keys": keys}))
    with pytest.raises(SettingError, match=words):
        read_trust(path)


def test_a_missing_trust_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"policy-trust\.json cannot be read"):
        load_trust(home_settings(tmp_path))
