"""docs/structure.md and its picture are what docs/structure.py makes of the code."""

from __future__ import annotations

import subprocess
import sys

from structure import ROOT


def test_page_of_the_structure_is_up_to_date() -> None:
    run = subprocess.run([sys.executable, "docs/structure.py", "--check"], cwd=ROOT, capture_output=True, text=True)
    assert (run.returncode, run.stderr) == (0, "")
