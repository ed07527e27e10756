"""A library in PostgreSQL, opened here or in processes that may be killed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from fakes import ROOT
from stores import MODEL

from rag.store.index import Index
from rag.store.shared_index import SharedIndex


def connect(database: str, folder: Path, collection: str = "default") -> Index:
    """Open the library in this process, with its indexes below a folder."""
    return SharedIndex.connect(folder, database, collection, MODEL, None)


_BEGIN = f"""
import os, signal, sys, time
from pathlib import Path
sys.path.insert(0, {str(ROOT / "tests")!r})
from shared import connect
from stores import add, found, make_entry, sources, write
from rag.store import outbox
index = connect(sys.argv[1], Path(sys.argv[2]))
"""


def start(script: str, database: str, folder: Path, *arguments: str) -> subprocess.Popen[str]:
    """Run a script in another process that has the library open as `index`."""
    command = [sys.executable, "-c", _BEGIN + script, database, str(folder), *arguments]
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.Popen(command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def done(process: subprocess.Popen[str]) -> list[str]:
    """Return the lines that a process printed, after it ended without an error."""
    out, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    return out.splitlines()
