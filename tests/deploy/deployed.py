"""Start and reach the server of `server.py`."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
from commands import environment
from fakes import WAIT


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


@contextlib.contextmanager
def process(folder: Path, port: int, root_path: str = "") -> Iterator[subprocess.Popen[str]]:
    """Run the server until the block ends, from when it answers."""
    command = [sys.executable, str(Path(__file__).with_name("server.py")), str(folder), str(port), root_path]
    with open(folder / "log.txt", "w", encoding="utf-8") as log:
        running = subprocess.Popen(command, env=environment(), text=True, stdout=log, stderr=log)
        try:
            wait_for(f"http://127.0.0.1:{port}/healthz/live", running)
            yield running
        finally:
            if running.poll() is None:
                os.kill(running.pid, signal.SIGKILL)
            running.wait(WAIT)


def wait_for(url: str, running: subprocess.Popen[str]) -> None:
    """Wait until an address answers."""
    end = time.monotonic() + 280
    while time.monotonic() < end and running.poll() is None:
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(url, trust_env=False).status_code == 200:
                return
        time.sleep(0.1)
    raise AssertionError(f"{url} does not answer")
