from __future__ import annotations

from rag import Role


def test_each_role_covers_the_smaller_ones() -> None:
    roles = list(Role)
    for n, role in enumerate(roles):
        for m, needed in enumerate(roles):
            assert role.covers(needed) is (n >= m)
            assert role.at_most(needed) is roles[min(n, m)]
