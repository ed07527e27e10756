"""Find near-identical texts by MinHash signatures over runs of three words. Only this module uses datasketch."""

from __future__ import annotations

import hashlib
import re
import zlib
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from rag.language.characters import comparable

# The share of three-word runs that two near-identical articles have in common, estimated from their signatures.
SIMILAR = 0.7
# With 20 bands of 6 rows, a pair that shares 0.7 of its runs shares a band in 92 of 100 cases; 0.8 always, 0.4 in 8.
_BANDS, _ROWS = 20, 6
_RUN = 3
_SLICE = 4096  # runs hashed at a time: needs 2 MB, however long the text
_WORD = re.compile(r"\w+")


def signature(text: str) -> bytes:
    """Return the MinHash signature of a text: 120 little-endian unsigned 32-bit integers."""
    # Imported here because it imports scipy, which takes 0.9 s that a process which only answers does not need.
    from datasketch import MinHash

    words = _WORD.findall(comparable(text).casefold())
    runs = [" ".join(words[i : i + _RUN]) for i in range(max(1, len(words) - _RUN + 1))]
    minhash = MinHash(num_perm=_BANDS * _ROWS, hashfunc=zlib.crc32, scheme="affine32")
    for first in range(0, len(runs), _SLICE):
        minhash.update_batch(run.encode("utf-8", "surrogatepass") for run in runs[first : first + _SLICE])
    return np.asarray(minhash.hashvalues, dtype="<u4").tobytes()


def bands(signed: bytes) -> list[int]:
    """Return the keys of a signature's bands as signed 64-bit integers; near-identical texts share one or more."""
    width = len(signed) // _BANDS
    return [
        int.from_bytes(
            hashlib.blake2b(signed[n * width : (n + 1) * width], digest_size=8, salt=bytes([n])).digest(),
            "little",
            signed=True,
        )
        for n in range(_BANDS)
    ]


def similarity(one: bytes, other: bytes) -> float:
    """Return the estimated share of runs that two texts have in common, from their signatures."""
    return float(np.mean(_values(one) == _values(other)))


def components(signed: Mapping[int, bytes]) -> list[list[int]]:
    """Return the numbers of the texts in groups: texts linked directly or through others are in the same group.

    Two texts are linked when they share a band and are `SIMILAR`, so the groups depend on the texts alone, not on the
    order in which they were added.
    """
    numbers = sorted(signed)
    values = np.stack([_values(signed[n]) for n in numbers]) if numbers else np.zeros((0, 0), dtype=np.uint32)
    left = np.ones(len(numbers), dtype=bool)
    found: list[list[int]] = []
    for start in range(len(numbers)):
        if not left[start]:
            continue
        left[start] = False
        group, waiting = [start], [start]
        while waiting:
            near = _linked(values, waiting.pop(), np.flatnonzero(left))
            left[near] = False
            group.extend(near)
            waiting.extend(near)
        found.append(sorted(numbers[i] for i in group))
    return found


def _linked(values: npt.NDArray[np.uint32], one: int, others: npt.NDArray[np.intp]) -> Sequence[int]:
    same = values[others] == values[one]
    meets = same.reshape(len(others), _BANDS, _ROWS).all(axis=2).any(axis=1)
    return [int(i) for i in others[meets & (same.mean(axis=1) >= SIMILAR)]]


def _values(signed: bytes) -> npt.NDArray[np.uint32]:
    return np.frombuffer(signed, dtype="<u4")
