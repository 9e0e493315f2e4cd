"""Keys of the envelope: one private key that signs, a list of public keys that are trusted.

A key is EC P-256 and named by its thumbprint (RFC 7638). The trust file is a JWKS in which each key may
carry ``not_before_s`` and ``not_after_s``, so that two keys overlap while one takes over from the other.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from joserfc.errors import JoseError
from joserfc.jwk import ECKey
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dashboard.envelope.model import Second
from dashboard.errors import SettingError
from dashboard.settings import Settings

_CURVE = "P-256"
_Coordinate = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{43}$")]


@dataclass(frozen=True)
class SigningKey:
    """A private key; ``kid`` is its thumbprint."""

    kid: str
    key: ECKey

    def pem(self) -> bytes:
        """The private key as PEM (PKCS 8)."""
        return bytes(self.key.as_pem(private=True))

    def public(self, *, not_before_s: int | None = None, not_after_s: int | None = None) -> TrustedKey:
        """The public half, as a trust file lists it."""
        content = self.key.as_dict(private=False)
        return TrustedKey(
            kid=self.kid,
            x=str(content["x"]),
            y=str(content["y"]),
            not_before_s=not_before_s,
            not_after_s=not_after_s,
        )


class TrustedKey(BaseModel):
    """One public key of a trust file with the time in which it is trusted; no other field is allowed.

    ``extra=forbid`` also refuses ``d``: a private key has no place in a file that is handed on.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    kty: Literal["EC"] = "EC"
    crv: Literal["P-256"] = "P-256"
    use: Literal["sig"] = "sig"
    alg: Literal["ES256"] = "ES256"
    kid: Annotated[str, Field(min_length=1, max_length=100)]
    x: _Coordinate
    y: _Coordinate
    not_before_s: Second | None = None
    not_after_s: Second | None = None

    def holds(self, now_s: int) -> bool:
        """Whether the key is trusted at ``now_s``."""
        return (self.not_before_s is None or self.not_before_s <= now_s) and (
            self.not_after_s is None or now_s < self.not_after_s
        )

    def ec_key(self) -> ECKey:
        """The key to check a signature with; raises ``JoseError`` or ``ValueError`` off the curve."""
        return ECKey.import_key({"kty": self.kty, "crv": self.crv, "x": self.x, "y": self.y})


@dataclass(frozen=True)
class Trust:
    """The public keys an envelope may be signed with, each for its time."""

    keys: tuple[TrustedKey, ...]

    def key_for(self, kid: str, *, now_s: int) -> ECKey | None:
        """The key named ``kid``; None when it is unknown or not trusted at ``now_s``."""
        found = next((key for key in self.keys if key.kid == kid), None)
        return found.ec_key() if found is not None and found.holds(now_s) else None

    def with_key(self, key: TrustedKey) -> Trust:
        """This trust with ``key`` added, or in the place of the one of the same name."""
        return Trust((*(other for other in self.keys if other.kid != key.kid), key))

    def to_json(self) -> str:
        """The text of a trust file (JWKS)."""
        keys = [key.model_dump(exclude_none=True) for key in self.keys]
        return json.dumps({"keys": keys}, indent=2) + "\n"


class _TrustFile(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    keys: Annotated[tuple[TrustedKey, ...], Field(min_length=1, max_length=32)]


def make_signing_key() -> SigningKey:
    """A new key."""
    key = ECKey.generate_key(_CURVE)
    return SigningKey(kid=key.thumbprint(), key=key)


def signing_key_path(settings: Settings) -> Path:
    """The file of the private key: TIANFU_POLICY_KEY, or ``keys/policy.pem`` in the home folder."""
    return settings.policy_key or settings.home / "keys" / "policy.pem"


def trust_path(settings: Settings) -> Path:
    """The trust file: TIANFU_POLICY_TRUST, or ``keys/policy-trust.json`` in the home folder."""
    return settings.policy_trust or settings.home / "keys" / "policy-trust.json"


def token_path(settings: Settings) -> Path:
    """The file that holds the bearer token where TIANFU_RULES_TOKEN is empty."""
    return settings.home / "rules-token"


def load_signing_key(settings: Settings) -> SigningKey:
    """The key that signs. Read at each use, so that a rotation needs no restart. Raises ``SettingError``."""
    return read_signing_key(signing_key_path(settings))


def read_signing_key(path: Path) -> SigningKey:
    """The private key in ``path``; raises ``SettingError`` when it is not one, or others may read it."""
    try:
        mode, content = path.stat().st_mode, path.read_bytes()
    except OSError as problem:
        raise SettingError(
            f"The key {path} that signs policies cannot be read: {problem.strerror}.",
            todo="Name it in TIANFU_POLICY_KEY, or make one: tianfu policy keys make",
        ) from None
    if mode & 0o007:
        raise SettingError(
            f"The key {path} that signs policies can be read by every user of this machine.",
            todo=f"Take that right away: chmod 600 {path}",
        )
    try:
        key = ECKey.import_key(content)
        good = key.is_private and key.curve_name == _CURVE
    except (JoseError, ValueError, TypeError):
        good = False
    if not good:
        raise SettingError(
            f"{path} is not a private EC key on the curve P-256 in PEM.",
            todo="Make one: openssl ecparam -name prime256v1 -genkey -noout -out policy.pem",
        )
    return SigningKey(kid=key.thumbprint(), key=key)


def load_trust(settings: Settings) -> Trust:
    """The trusted public keys; raises ``SettingError``."""
    return read_trust(trust_path(settings))


def read_trust(path: Path) -> Trust:
    """The public keys in ``path``; raises ``SettingError`` naming the key that is wrong."""
    try:
        content = path.read_bytes()
    except OSError as problem:
        raise SettingError(
            f"The trust file {path} cannot be read: {problem.strerror}.",
            todo="Name it in TIANFU_POLICY_TRUST, or copy the one of the board there.",
        ) from None
    try:
        keys = _TrustFile.model_validate_json(content).keys
    except ValidationError as problem:
        first = problem.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise SettingError(
            f"The trust file {path} is not valid: {where}: {first['msg'].lower()}.",
            todo='It is a JWKS of public EC keys on P-256: {"keys": [...]}.',
        ) from None
    for key in keys:
        _check_trusted(key, path)
    names = [key.kid for key in keys]
    if len(set(names)) != len(names):
        raise SettingError(f"The trust file {path} lists a key twice.", todo="Keep one of them.")
    return Trust(keys)


def _check_trusted(key: TrustedKey, path: Path) -> None:
    try:
        thumbprint = key.ec_key().thumbprint()
    except (JoseError, ValueError):
        raise SettingError(
            f"The key {key.kid} in {path} is no point of P-256.", todo="Copy the key again."
        ) from None
    if thumbprint != key.kid:
        raise SettingError(
            f"The key {key.kid} in {path} has the thumbprint {thumbprint}.",
            todo="Set its kid to that thumbprint (RFC 7638).",
        )


def load_token(settings: Settings) -> str:
    """The bearer token of the rules service; raises ``SettingError`` when there is none."""
    if settings.rules_token:
        return settings.rules_token
    path = token_path(settings)
    try:
        token = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        token = ""
    if len(token) < 16:
        raise SettingError(
            f"There is no token of the rules service: TIANFU_RULES_TOKEN is empty and {path} holds none.",
            todo="Set one of at least 16 characters, the same on both sides.",
        )
    return token
