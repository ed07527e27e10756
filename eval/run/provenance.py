"""Which code made a run."""

from __future__ import annotations

import subprocess
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path


def code_version() -> str:
    """Return the version of the installed package."""
    with suppress(PackageNotFoundError):
        return version("dateline")
    return "unknown"  # run from a folder that is not installed


def commit() -> str | None:
    """Return the commit of this code, with `-dirty` when tracked files were changed; None outside its repository."""
    here = Path(__file__).resolve()

    def git(*arguments: str) -> str:
        done = subprocess.run(["git", "-C", str(here.parent), *arguments], capture_output=True, text=True, check=True)
        return done.stdout.strip()

    try:
        git("ls-files", "--error-unmatch", here.name)  # installed inside another repository, it is not that one's
        dirty = git("status", "--porcelain", "--untracked-files=no", ":/")
        return git("rev-parse", "--short", "HEAD") + ("-dirty" if dirty else "")
    except (OSError, subprocess.CalledProcessError):
        return None
