"""A real Chroma server on this machine, which tests start, kill and start again."""

from __future__ import annotations

import http.client
import socket
import subprocess
import sys
import time
from pathlib import Path

# What the command `chroma` does, without the client library, which takes seconds to import.
_RUN = "import sys, chromadb_rust_bindings as chroma; chroma.cli(['chroma', *sys.argv[1:]])"
_STARTS = 120.0  # seconds


class ChromaProcess:
    """A server over a folder; it keeps its port when it is started again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port: int = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, folder: Path | None = None) -> None:
        """Start it, over another folder if one is given, and wait until it answers."""
        self._folder = folder or self._folder
        command = ["run", "--path", str(self._folder), "--host", "127.0.0.1", "--port", str(self._port)]
        self._process = subprocess.Popen(
            [sys.executable, "-c", _RUN, *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        until = time.monotonic() + _STARTS
        while not self.answers():
            assert self._process.poll() is None and time.monotonic() < until, "the Chroma server did not start"
            time.sleep(0.1)

    def kill(self) -> None:
        """End it as a power failure would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def answers(self) -> bool:
        """Return whether it is there."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=5)
        try:
            connection.request("GET", "/api/v2/heartbeat")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()
