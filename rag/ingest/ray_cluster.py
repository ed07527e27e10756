"""Workers on a Ray cluster; no other module in `rag` uses Ray."""

from __future__ import annotations

import logging
import os
import queue
import socket
import sys
import threading
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from rag.errors import ClusterError, RagError, UsageError, one_line
from rag.ingest.prepare import Files, Preparer
from rag.ingest.read import Part
from rag.ingest.spread import LostWorkerError, Prepared
from rag.protocols import Embedding, Vectors

_log = logging.getLogger(__name__)
LOCAL = "local"  # the address that starts a cluster on this machine
_CORES = 8  # that one worker uses, see `rag.models.openvino_encoder`
_AT_ONCE = 2  # batches that a worker has: it reads one while it embeds the other
_CONNECT = 5.0  # seconds
_PATIENCE = 300.0  # seconds to wait for a worker while the cluster has none
_STARTS = 3  # workers that may fail to start, one after another
_CLIENT_PORT = 10001


class RayWorkers:
    """Workers on a Ray cluster: one on each machine, or one for every eight cores. Close it to end them.

    Each machine needs Dateline and the embedding model, both in the same place as here.

    Args:
        address: `local` for a cluster on this machine, `host:port` of a cluster that this machine is part of, or
            `ray://host:port` of any other.
        embedding: The embedding model; each worker gets a copy.
        size: The most sentences in a passage.
        columns: The names of the columns of tables.
        count: How many workers, instead of that.

    Raises:
        UsageError: The address is not one, or Ray is not installed.
        ClusterError: The cluster cannot be reached.
    """

    def __init__(
        self,
        address: str,
        embedding: Embedding,
        size: int,
        columns: Mapping[str, str] | None = None,
        count: int | None = None,
    ) -> None:
        self._made_with = (embedding, size, dict(columns or {}))
        self._ray, self._is_ours = _connected(address)
        self._free: queue.Queue[_RayWorker] = queue.Queue()
        self._lock = threading.Lock()
        self._asking = threading.Lock()  # who came first is lent a worker first: batches are written in their order
        self._actors: dict[int, Any] = {}  # those that run or are about to, by a number of ours
        self._numbers = 0
        self._failures = 0  # workers in a row that did not start
        self._hopeless = ""  # why no worker will start
        self._closed = False
        self._there: set[int] = set()  # those that have started and are not lost
        self._seen = time.monotonic()  # when one was last there
        cores = [int(n["Resources"].get("CPU", 0)) for n in self._ray.nodes() if n["Alive"]]
        self._count = count or sum(-(-n // _CORES) for n in cores) or 1
        for _ in range(self._count):
            self._start()

    @property
    def most(self) -> int:
        """Return how many batches the workers take at the same time when all of them are there."""
        return self._count * _AT_ONCE

    def await_all(self, seconds: float) -> None:
        """Wait until every worker is there. An ingest need not: it begins with the first one.

        Args:
            seconds: How long to wait at most.

        Raises:
            ClusterError: They do not start, or not all of them in time.
        """
        until = time.monotonic() + seconds
        while (there := len(self._there)) < self._count:
            if self._hopeless:
                raise ClusterError(f"workers do not start on the cluster: {self._hopeless}")
            if time.monotonic() > until:
                raise ClusterError(
                    f"only {there} of {self._count} workers have started within {seconds:.0f} s; look into Ray's logs, "
                    "add machines to the cluster, or end what else runs there"
                )
            time.sleep(0.05)

    def close(self) -> None:
        """End the workers, and a cluster that was started here; a second call does nothing."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            actors = list(self._actors.values())
        for actor in actors:
            self._end(actor)
        if self._is_ours:
            self._ray.shutdown()

    @contextmanager
    def lend(self, stopped: threading.Event) -> Iterator[_RayWorker]:
        """Wait for a worker that is free, and lend it; see `rag.ingest.spread.Workers`."""
        worker = self._wait(stopped)
        try:
            yield worker
        except LostWorkerError:
            self._replace(worker)
            raise
        finally:
            with self._lock:
                if worker.number in self._there:
                    self._free.put(worker)

    def _wait(self, stopped: threading.Event) -> _RayWorker:
        with self._asking:
            while not stopped.is_set():
                try:
                    worker = self._free.get(timeout=0.2)
                except queue.Empty:
                    self._check_hope()
                    continue
                with self._lock:
                    if worker.number in self._there:  # it was not lost while it waited here
                        return worker
        raise ClusterError("the ingest was stopped")

    def _check_hope(self) -> None:
        if self._there:
            self._seen = time.monotonic()
        elif self._hopeless:
            raise ClusterError(f"workers do not start on the cluster: {self._hopeless}")
        elif time.monotonic() - self._seen > _PATIENCE:
            raise ClusterError(
                f"the cluster has had no free processor for a worker for {_PATIENCE:.0f} s; "
                "add machines to it, or end what else runs there"
            )

    def _start(self) -> None:
        """Ask for a worker; it is lent once it is there, which takes as long as the cluster needs for it."""
        actor = self._ray.remote(Preparer).options(num_cpus=1, max_concurrency=_AT_ONCE, scheduling_strategy="SPREAD")
        with self._lock:
            if self._closed:
                return
            self._numbers += 1
            number = self._numbers
            made = self._actors[number] = actor.remote(*self._made_with)
        worker = _RayWorker(self._ray, made, number)
        threading.Thread(target=self._await, args=(worker,), name="dateline-worker", daemon=True).start()

    def _await(self, worker: _RayWorker) -> None:
        try:
            path = worker.ready()
        except RagError as error:
            self._failures += 1
            if self._failures >= _STARTS or not isinstance(error, LostWorkerError):
                self._hopeless = str(error)
            elif not self._closed:
                self._replace(worker)
            return
        except Exception as error:  # in a thread: otherwise nobody would hear of it
            self._hopeless = one_line(error, first=True, named=True)
            return
        _log.info("worker %d is there, with %s", worker.number, path)
        self._failures = 0
        with self._lock:
            self._there.add(worker.number)
            for _ in range(_AT_ONCE):
                self._free.put(worker)

    def _replace(self, worker: _RayWorker) -> None:
        with self._lock:
            actor = self._actors.pop(worker.number, None)
            self._there.discard(worker.number)
        if actor is not None:  # else whoever used it at the same time has done so
            _log.warning("a worker of the cluster is lost; another one does its work")
            self._end(actor)
            self._start()

    def _end(self, actor: Any) -> None:
        try:
            self._ray.kill(actor)
        except Exception as error:  # it is gone already, in one of Ray's many ways
            _log.debug("%s", error)


class _RayWorker:
    """One worker. Every method raises `LostWorkerError` when it is gone.

    Args:
        ray: The package.
        actor: The `Preparer` on the cluster.
        number: Distinguishes it from the others.
    """

    def __init__(self, ray: Any, actor: Any, number: int) -> None:
        self._ray, self._actor, self.number = ray, actor, number

    def ready(self) -> str:
        """Wait until it is there, and return the backend of its model."""
        return str(self._done(self._actor.ready.remote()))

    def read(self, number: int, files: Files) -> list[str]:
        """Read files; see `Preparer.read`."""
        ids: list[str] = self._done(self._actor.read.remote(number, files))
        return ids

    def embed(self, number: int, known: Collection[str]) -> Prepared:
        """Embed what was read; see `Preparer.embed`."""
        prepared: Prepared = self._done(self._actor.embed.remote(number, known))
        return prepared

    def vectors(self, parts: Sequence[Part]) -> list[Vectors]:
        """Return the vectors of passages; see `Preparer.vectors`."""
        vectors: list[Vectors] = self._done(self._actor.vectors.remote(parts))
        return vectors

    def _done(self, call: Any) -> Any:
        from ray.exceptions import RayError, RayTaskError

        try:
            return self._ray.get(call)
        except RayTaskError as error:  # what failed there is not the worker, and would fail again
            cause = error.cause
            if isinstance(cause, RagError):
                raise type(cause)(str(cause)) from error
            raise ClusterError(f"a worker failed ({one_line(cause, first=True, named=True)})") from error
        except (RayError, ConnectionError, RuntimeError, SystemExit) as error:  # the last when Ray is ended meanwhile
            raise LostWorkerError(one_line(_last(error), named=True)) from error


def _last(error: BaseException) -> str:
    """Return the end of Ray's long messages, where the reason is."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__


def _connected(address: str) -> tuple[Any, bool]:
    """Return the package, connected to the cluster, and whether it was connected here."""
    where = _place(address)
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # read at import; Ray would report to its makers
    try:
        import ray
    except ModuleNotFoundError as error:
        raise UsageError(
            f'--ray needs a package that is not installed ({error.name}); run: pip install "dateline[ray]"'
        ) from error
    if ray.is_initialized():
        return ray, False
    if where is not None:
        _look(address, *where)
    options: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    if where is None:
        # What is imported here, such as this package in a checkout, the workers find as well.
        # The cluster itself is for this machine only, since Ray lets in whoever reaches it.
        options |= {
            "_node_ip_address": "127.0.0.1",
            "include_dashboard": False,
            "runtime_env": {"env_vars": {"PYTHONPATH": os.pathsep.join(sys.path)}},
        }
    try:
        ray.init(address=address, **options)
    except Exception as error:  # connection errors, other versions of Ray or Python, and much else
        raise ClusterError(
            f"the Ray cluster {address} cannot be used: {one_line(error, first=True, named=True)}; "
            "start it with: ray start --head, or give the address that it prints"
        ) from error
    return ray, True


def _place(address: str) -> tuple[str, int] | None:
    """Return the host and port of an address; None for `local`."""
    if address == LOCAL:
        return None
    parts = urlsplit(address if "://" in address else f"gcs://{address}")
    try:
        port = parts.port or (_CLIENT_PORT if parts.scheme == "ray" else 0)
    except ValueError:
        port = 0
    if parts.scheme not in ("ray", "gcs") or not parts.hostname or not port or parts.path:
        raise UsageError(f"{address!r} is not the address of a Ray cluster; write local, host:6379 or ray://host:10001")
    return parts.hostname, port


def _look(address: str, host: str, port: int) -> None:
    """Check that somebody answers there: Ray itself would try for minutes."""
    try:
        socket.create_connection((host, port), timeout=_CONNECT).close()
    except OSError as error:
        raise ClusterError(
            f"no Ray cluster answers at {address} ({error.strerror or error}); start it with: ray start --head, "
            "or correct --ray"
        ) from error
