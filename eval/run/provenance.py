"""Find out which version of the code made a run."""

from __future__ import annotations

import subprocess
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path


def code_version() -> str:
    """Return the version of the installed package."""
    with suppress(PackageNotFoundError):
        return version("dateline")
    return "unknown"  # run from a source folder without an installed package


def commit() -> str | None:
    """Return the commit of this code, with `-dirty` if tracked files were changed; None outside its repository."""
    here = Path(__file__).resolve()

    def git(*arguments: str) -> str:
        done = subprocess.run(["git", "-C", str(here.parent), *arguments], capture_output=True, text=True, check=True)
        return done.stdout.strip()

    try:
        git("ls-files", "--error-unmatch", here.name)  # fails if this file is installed inside another repository
        dirty = git("status", "--porcelain", "--untracked-files=no", ":/")
        return git("rev-parse", "--short", "HEAD") + ("-dirty" if dirty else "")
    except (OSError, subprocess.CalledProcessError):
        return None
