"""Copy weights from a file or folder that the user names."""

from __future__ import annotations

from pathlib import Path

from rag.models.weights.job import Job, copy
from rag.models.weights.pins import WeightFile


def from_path(job: Job) -> None:
    """Copy the missing files from the given path; raises `UnusableError` if some are still missing."""
    given = job.local or job.home

    def locate(file: WeightFile) -> Path | None:
        if given.is_file():
            return given if len(job.model.files) == 1 else None
        places = (given / file.path, given / job.model.name / file.path)
        return next((place for place in places if place.is_file()), None)

    copy(job, locate)
