"""Passwords: argon2id hashes, checked in the same time whether or not the login exists."""

from __future__ import annotations

import threading

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from dashboard.errors import TianfuError

SHORTEST, LONGEST = 12, 256
# RFC 9106, the variant for little memory: 3 passes over 64 MiB.
_HASHER = PasswordHasher(time_cost=3, memory_cost=64 * 1024, parallelism=4)
# Each check takes 64 MiB: eight threads at once would take half a gigabyte for strangers' guesses.
_AT_ONCE = threading.BoundedSemaphore(2)
# The hash of a random password nobody knows, made with the parameters above.
NOBODY = "$argon2id$v=19$m=65536,t=3,p=4$56UIWI/3WkRXeqtETqbuRw$z0ejIizAIwBCEo+8Mg0M3UZVxSSS73eD6+l9GaBxJ5A"


def hash_password(password: str) -> str:
    """The argon2id hash of ``password``. Raises ``TianfuError`` when it is too short or too long."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise TianfuError(
            f"The password has {len(password)} characters.",
            todo=f"Choose one of {SHORTEST} to {LONGEST} characters.",
        )
    with _AT_ONCE:
        return _HASHER.hash(password)


def password_matches(stored: str | None, password: str) -> bool:
    """Whether ``password`` is the one behind ``stored``; None, for a login nobody has, never matches.

    None is weighed against a hash all the same, so that the time taken does not tell who exists.
    """
    with _AT_ONCE:
        try:
            _HASHER.verify(stored or NOBODY, password[: LONGEST + 1])
        except (VerificationError, InvalidHashError):
            return False
    return stored is not None and len(password) <= LONGEST


def is_outdated(stored: str) -> bool:
    """Whether ``stored`` was made with weaker parameters than those of today."""
    return _HASHER.check_needs_rehash(stored)
