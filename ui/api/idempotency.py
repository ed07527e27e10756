"""Remember uploads by the key that their sender gave them, so that one sent twice is carried out once."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

from rag import RagError, UsageError

_MOST = 1000  # keys remembered
_KEPT = 24 * 3600.0  # seconds


class InProgressError(RagError):
    """The same request is being carried out."""


@dataclass
class _Request:
    fingerprint: str
    began: float = field(default_factory=time.monotonic)
    result: Any = None


class Keys:
    """The keys of the requests of this process; thread-safe."""

    def __init__(self) -> None:
        """Begin without keys."""
        self._requests: OrderedDict[tuple[str, str], _Request] = OrderedDict()
        self._lock = threading.Lock()

    def begin(self, owner: str, key: str, fingerprint: str) -> Any:
        """Return the result of the earlier request with this key, or None if it is new and is to be carried out.

        Args:
            owner: The id of the sender.
            key: What the sender called the request.
            fingerprint: The same for the same content only.

        Raises:
            UsageError: The key belongs to a request with other content.
            InProgressError: The request has not ended yet.
        """
        with self._lock:
            now = time.monotonic()
            while self._requests and now - next(iter(self._requests.values())).began > _KEPT:
                self._requests.popitem(last=False)
            earlier = self._requests.get((owner, key))
            if earlier is None:
                self._requests[owner, key] = _Request(fingerprint)
                while len(self._requests) > _MOST:
                    self._requests.popitem(last=False)
                return None
            if earlier.fingerprint != fingerprint:
                raise UsageError("this Idempotency-Key was used for other files; use a new key")
            if earlier.result is None:
                raise InProgressError("the same upload is in progress; ask again in some seconds")
            return earlier.result

    def end(self, owner: str, key: str, result: Any) -> None:
        """Record the result of a request, or forget a request that failed (None)."""
        with self._lock:
            if result is None:
                self._requests.pop((owner, key), None)
            elif (owner, key) in self._requests:
                self._requests[owner, key].result = result
