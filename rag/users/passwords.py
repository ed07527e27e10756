"""Hashes of passwords and of API keys' secrets."""

from __future__ import annotations

import hashlib
import secrets
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from rag.errors import UsageError

LEAST, MOST = 10, 1000  # characters of a password
_hasher = PasswordHasher()


def hash_password(password: str) -> str:
    """Return the hash of a new password (argon2id).

    Raises:
        UsageError: It is too short or too long.
    """
    if not LEAST <= len(password) <= MOST:
        raise UsageError(f"a password has {LEAST} to {MOST:,} characters; choose another one")
    return _hasher.hash(_bytes(password))


def fits(password: str, hashed: str | None) -> bool:
    """Return whether a password has this hash; None is the hash of nobody, for which it takes as long to find out."""
    try:
        return len(password) <= MOST and _hasher.verify(hashed or _nobody(), _bytes(password)) and hashed is not None
    except (VerificationError, InvalidHashError):
        return False


def hash_secret(secret: str) -> str:
    """Return the hash of a key's secret; it is long and random, so a quick hash is enough."""
    return hashlib.sha256(secret.encode()).hexdigest()


@cache
def _nobody() -> str:
    return _hasher.hash(secrets.token_hex(16))


def _bytes(password: str) -> bytes:
    return password.encode("utf-8", "surrogatepass")
