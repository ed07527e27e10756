"""Passwords that are hashed quickly, for tests that make many users."""

from __future__ import annotations

import pytest
from argon2 import PasswordHasher

from rag.users import passwords


def use(patch: pytest.MonkeyPatch) -> None:
    """Hash passwords with the least work that argon2 allows."""
    patch.setattr(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    passwords._nobody.cache_clear()
