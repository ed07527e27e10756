"""A server of the test's own, in a process that a test can end: `python server.py FOLDER PORT [ROOT_PATH]`."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from fakes import FakeLLM, make_engine

import ui

if __name__ == "__main__":
    folder, port, *root_path = sys.argv[1:]
    model = FakeLLM(default="in May 2019", pace=0.5)
    articles = {"cod.txt": "The cod left the harbour in May 2019."}
    with make_engine(Path(folder), documents=articles, model=model, log_requests=True) as engine:
        access = ui.Access(names=("news.example",))
        ui.launch(engine, port=int(port), access=access, root_path="".join(root_path))
