"""Run the steps of the Dockerfile's build in a fresh folder, without Docker: `python deploy/steps.py`.

It shows that what the image copies is enough to install Dateline and to start it. Every COPY and RUN of the first stage
is carried out, with /src and /opt/dateline below the folder; pip uses this machine's settings.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def steps(text: str) -> Iterator[tuple[str, str]]:
    """Yield the instructions of a Dockerfile's first stage as (name, arguments)."""
    text = re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", " ")
    first = text.split("\nFROM ", 1)[0]
    for line in first.splitlines():
        name, _, arguments = line.strip().partition(" ")
        if name:
            yield name, arguments.strip()


def main() -> None:
    """Run the steps, then the installed command."""
    folder = Path(tempfile.mkdtemp(prefix="dateline-image-"))
    places = {"/src": str(folder / "src"), "/opt/dateline": str(folder / "dateline")}
    Path(places["/src"]).mkdir()
    for name, arguments in steps((ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8")):
        if name == "COPY":
            *sources, target = arguments.split()
            for source in sources:
                _copy(ROOT / source, Path(places["/src"]) / target / ("" if len(sources) == 1 else source))
        elif name == "RUN":
            command = arguments.replace("/opt/dateline", places["/opt/dateline"])
            print(f"$ {command}", flush=True)
            path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
            subprocess.run(command, shell=True, check=True, cwd=places["/src"], env=os.environ | {"PATH": path})
    subprocess.run([f"{places['/opt/dateline']}/bin/rag", "--version"], check=True, cwd=folder)
    size = sum(file.stat().st_size for file in Path(places["/opt/dateline"]).rglob("*") if file.is_file())
    print(f"{size / 1e9:.1f} GB in {folder}")


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy(source, target)


if __name__ == "__main__":
    main()
