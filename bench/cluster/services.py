"""The services of a library for many machines, each of which can be killed and started again."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import httpx
import psycopg

ROOT = Path(__file__).resolve().parents[2]
STARTS = 300.0  # seconds that a service may take to start, on a machine that does other work as well
_CHROMA = "import sys, chromadb_rust_bindings as chroma; chroma.cli(['chroma', *sys.argv[1:]])"


def free_port() -> int:
    """Return a port that nobody uses."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def wait(what: str, is_there: Callable[[], bool], seconds: float = STARTS, every: float = 0.1) -> None:
    """Wait until something is there.

    Raises:
        TimeoutError: It is not there in time.
    """
    until = time.monotonic() + seconds
    while not is_there():
        if time.monotonic() > until:
            raise TimeoutError(f"{what} is not there after {seconds:.0f} s")
        time.sleep(every)


def environment(**changes: str) -> dict[str, str]:
    """Return the environment of a process that runs this checkout, with other variables."""
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH", ""))))
    return os.environ | {"PYTHONPATH": path} | changes


class Postgres:
    """A PostgreSQL server of its own, as it is installed, that survives a crash."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._port = folder, free_port()
        found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
        on_path = shutil.which("initdb")
        if not found and not on_path:
            raise SystemExit("PostgreSQL is not installed here; install it, such as with: apt-get install postgresql")
        self._programs = (found[-1] if found else Path(on_path or "").resolve()).parent
        self._user: dict[str, Any] = {"user": "postgres", "group": "postgres", "extra_groups": []}
        if os.geteuid() != 0:
            self._user = {}
        folder.mkdir()
        if self._user:
            shutil.chown(folder, "postgres", "postgres")
        self._run("initdb", "-U", "dateline", "-A", "trust")
        self.url = f"postgresql+psycopg://dateline@127.0.0.1:{self._port}/postgres"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        flags = f"-p {self._port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c max_connections=200"
        self._run("pg_ctl", "-w", "-t", "60", "-l", str(self._folder / "log"), "-o", flags, "start")

    def kill(self) -> None:
        """End all its processes at once, as a power failure would."""
        mark = self._folder / "data" / "postmaster.pid"
        if not mark.exists():
            return
        head = int(mark.read_text(encoding="ascii").split()[0])
        family = [head, *_children(head)]
        for process in family:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        wait("the end of PostgreSQL", lambda: not any(Path(f"/proc/{process}/exe").exists() for process in family))
        mark.unlink(missing_ok=True)

    def rows(self, statement: str) -> list[Any]:
        """Return the rows of a SELECT statement."""
        with psycopg.connect(self.url.replace("+psycopg", ""), connect_timeout=2) as connection:
            return connection.execute(statement).fetchall()  # type: ignore[arg-type]

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._programs / program), "-D", str(self._folder / "data"), *arguments]
        said = subprocess.DEVNULL
        subprocess.run(command, cwd=self._folder, stdout=said, stderr=said, check=True, timeout=STARTS, **self._user)


class Process:
    """A service that is one process and answers over HTTP."""

    def __init__(self, name: str, command: list[str], url: str, look: str, log: Path, given: Mapping[str, str]) -> None:
        self.name, self.url = name, url
        self._command, self._look, self._log, self._given = command, look, log, given
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self.begin()
        wait(self.name, self.answers)

    def begin(self) -> None:
        """Start it without waiting."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log, env=environment(**self._given))

    def answers(self) -> bool:
        """Return whether it answers.

        Raises:
            SystemExit: It has ended by itself.
        """
        if self._process is not None and self._process.poll() is not None:
            raise SystemExit(f"{self.name} ended: {self._log.read_text(encoding='utf-8', errors='replace')[-500:]}")
        try:
            return httpx.get(self.url + self._look, timeout=5, trust_env=False).status_code == 200
        except httpx.HTTPError:
            return False

    def kill(self) -> None:
        """End it as a power failure would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    @property
    def memory(self) -> int:
        """Return its memory in bytes."""
        assert self._process is not None
        status = Path(f"/proc/{self._process.pid}/status").read_text(encoding="ascii")
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")) * 1024


def chroma(folder: Path) -> Process:
    """Return a Chroma server."""
    port = free_port()
    command = [sys.executable, "-c", _CHROMA, "run", "--path", str(folder), "--host", "127.0.0.1", "--port", str(port)]
    return Process("Chroma", command, f"http://127.0.0.1:{port}", "/api/v2/heartbeat", folder.with_suffix(".log"), {})


def replica(number: int, folder: Path, given: Mapping[str, str], program: str) -> Process:
    """Return a replica: `rag chat` with a store folder of its own."""
    port = free_port()
    command = [sys.executable, "-m", program, "chat", "--port", str(port)]
    place = folder / f"replica-{number}"
    log = folder / f"replica-{number}.log"
    given = {**given, "RAG_STORE": str(place)}
    return Process(f"replica {number}", command, f"http://127.0.0.1:{port}", "/healthz", log, given)


class RayNodes:
    """A Ray cluster of two nodes on this machine; the second one can be killed."""

    def __init__(self) -> None:
        # Its processes inherit this. Ray's workers would step back behind the other services.
        os.environ.update(environment(RAY_USAGE_STATS_ENABLED="0", RAY_worker_niceness="0"))
        from ray.cluster_utils import Cluster

        self._cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
        self.start()

    @property
    def address(self) -> str:
        """Return the address for `--ray`."""
        return str(self._cluster.address)

    def start(self) -> None:
        """Start the second node; Ray gives a node up that is not there within 30 s."""
        for attempt in range(5):
            try:
                self._node = self._cluster.add_node(num_cpus=1)
                return
            except Exception as error:  # a plain one, for nodes that are late
                print(f"Ray node, attempt {attempt + 1}: {error}", file=sys.stderr, flush=True)
        raise SystemExit("the second Ray node does not start")

    def kill(self) -> None:
        """End the second node as a power failure would."""
        self._cluster.remove_node(self._node, allow_graceful=False)

    def close(self) -> None:
        """End all nodes."""
        self._cluster.shutdown()


def _children(process: int) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if int(path.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[1]) == process:
                found.append(int(path.parent.name))
    return found
