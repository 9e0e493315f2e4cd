"""Making and rotating keys in the home folder: whole files or none, once, whoever comes first.

A rotation has two steps, so that a rules service elsewhere can be given the new public key before anything
is signed with it: ``prepare_key`` makes the next key and trusts it, ``rotate_key`` lets it sign.
"""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dashboard.envelope.keys import (
    SigningKey,
    Trust,
    load_trust,
    make_signing_key,
    read_signing_key,
    read_trust,
    signing_key_path,
    token_path,
    trust_path,
)
from dashboard.errors import SettingError, StorageError
from dashboard.settings import Settings


def ensure_demo_keys(settings: Settings) -> SigningKey:
    """Make what is missing of key, trust file and token in the home folder; the key that signs.

    What settings name elsewhere is only read, never made: a file that production names and does not have is a
    mistake to report. Safe when several processes start at once.
    """
    with _locked(settings):
        path, trusted = signing_key_path(settings), trust_path(settings)
        if settings.policy_key is None and not path.exists():
            write_private(path, make_signing_key().pem())
        key = read_signing_key(path)
        if settings.policy_trust is None:
            trust = read_trust(trusted) if trusted.exists() else Trust(())
            if all(other.kid != key.kid for other in trust.keys):
                write_private(trusted, trust.with_key(key.public()).to_json().encode(), mode=0o644)
        token = token_path(settings)
        if not settings.rules_token and not token.exists():
            write_private(token, f"{secrets.token_urlsafe(32)}\n".encode())
    return key


def next_key_path(settings: Settings) -> Path:
    """The file of the key that is prepared and does not sign yet."""
    path = signing_key_path(settings)
    return path.with_name(f"{path.stem}-next{path.suffix}")


def prepare_key(settings: Settings) -> SigningKey:
    """Make the next key, or read the one already prepared, and add it to the trust file."""
    with _locked(settings):
        return _prepare(settings)


def rotate_key(settings: Settings, *, now_s: int, overlap_s: int) -> SigningKey:
    """Let the next key sign from now on; the key before it stays trusted for ``overlap_s`` seconds.

    Raises ``SettingError`` for an overlap below an hour: what was signed last must stay valid until the
    hourly refresh has signed it again.
    """
    if overlap_s < 3600:
        raise SettingError(
            f"The overlap is {overlap_s} s.", todo="Let the old key be trusted for at least one hour more."
        )
    with _locked(settings):
        path = signing_key_path(settings)
        old = read_signing_key(path)
        new = _prepare(settings)
        write_private(path, new.pem())
        trust = load_trust(settings).with_key(old.public(not_after_s=now_s + overlap_s))
        write_private(trust_path(settings), trust.to_json().encode(), mode=0o644)
        next_key_path(settings).unlink()
    return new


def _prepare(settings: Settings) -> SigningKey:
    path = next_key_path(settings)
    if not path.exists():
        write_private(path, make_signing_key().pem())
    key = read_signing_key(path)
    trust = load_trust(settings)
    if all(other.kid != key.kid for other in trust.keys):
        write_private(trust_path(settings), trust.with_key(key.public()).to_json().encode(), mode=0o644)
    return key


def write_private(path: Path, content: bytes, *, mode: int = 0o600) -> None:
    """Write a whole file or nothing, with ``mode`` from its first byte; raises ``StorageError``."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
        try:
            os.fchmod(handle, mode)
            with open(handle, "wb", closefd=False) as file:
                file.write(content)
            os.fsync(handle)
        finally:
            os.close(handle)
        os.replace(draft, path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as problem:
        draft.unlink(missing_ok=True)
        raise StorageError(
            f"{path} cannot be written: {problem.strerror}.",
            todo="Check the folder and the room on the disk.",
        ) from problem


@contextmanager
def _locked(settings: Settings) -> Iterator[None]:
    folder = settings.home / "keys"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
        handle = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as problem:
        raise StorageError(
            f"{folder} cannot be used: {problem.strerror}.", todo="Check TIANFU_HOME and who owns it."
        ) from problem
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
