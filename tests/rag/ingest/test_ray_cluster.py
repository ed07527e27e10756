"""Ingest on Ray: a cluster that is started here, a worker that is killed, and what is said when there is none."""

from __future__ import annotations

import os
import socket
import sys
import threading
from pathlib import Path

import pytest
from commands import Rag
from fakes import WAIT, FakeEmbedding, make_engine, write_articles
from killed_once import KilledOnce, Missing
from syncs import assert_sound, library

from rag import ClusterError, UsageError
from rag.ingest.ray_cluster import RayWorkers

TEXTS = {f"{n:03d}.txt": f"Ferry {n} sank near pier {n}. Its captain {n} was saved." for n in range(600)}


@pytest.mark.long
@pytest.mark.filterwarnings("ignore::ResourceWarning")  # Ray leaves files and sockets to the garbage collector
def test_a_local_cluster_and_a_worker_that_is_killed(tmp_path: Path) -> None:
    pytest.importorskip("ray")
    folder = write_articles(tmp_path / "articles", TEXTS)
    embedding = KilledOnce(tmp_path / "mark")
    with make_engine(tmp_path, documents={}, embedding=embedding) as engine:
        report = engine.ingest(folder, ray="local")
        assert embedding.mark.exists()
        assert report.added == tuple(sorted(TEXTS)) and not report.failed
        assert report.passages == len(TEXTS) and library(engine) == TEXTS
        assert_sound(engine)


@pytest.mark.parametrize("address", ["", "http://host:1", "ray://", "host", "host:x", "ray://host:1/path"])
def test_addresses_that_are_none(address: str) -> None:
    with pytest.raises(UsageError, match=r"is not the address of a Ray cluster; write local, host:6379 or ray://host"):
        RayWorkers(address, FakeEmbedding(), 4)


@pytest.mark.parametrize("scheme", ["", "ray://"])
def test_nobody_answers(scheme: str, rag: Rag, tmp_path: Path) -> None:
    pytest.importorskip("ray")
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"{scheme}127.0.0.1:{free.getsockname()[1]}"
    said = rag("ingest", write_articles(tmp_path / "articles", {"a.txt": "Cod left."}), "--ray", address)
    assert said.code == 1 and said.err.count("\n") == 1
    assert f"no Ray cluster answers at {address}" in said.err and "start it with: ray start --head" in said.err


def test_ray_is_not_installed(rag: Rag, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    said = rag("ingest", write_articles(tmp_path / "articles", {"a.txt": "Cod left."}), "--ray", "local")
    assert said.code == 2 and 'run: pip install "dateline[ray]"' in said.err and said.err.count("\n") == 1


def test_folders_are_watched_without_a_cluster(rag: Rag, tmp_path: Path) -> None:
    said = rag("ingest", write_articles(tmp_path / "articles", {"a.txt": "Cod left."}), "--ray", "local", "--watch")
    assert said.code == 2 and "leave --ray or --watch out" in said.err


@pytest.mark.long
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_workers_that_cannot_start() -> None:
    pytest.importorskip("ray")
    workers = RayWorkers("local", Missing("nothing", "nothing"), 4)
    try:
        with pytest.raises(
            ClusterError, match=r"workers do not start on the cluster: no weights in /models; run: rag models"
        ):
            workers.lend(threading.Event()).__enter__()
        with pytest.raises(ClusterError, match=r"^workers do not start on the cluster: no weights in /models"):
            workers.await_all(WAIT)
    finally:
        workers.close()
        workers.close()


@pytest.mark.long
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_more_workers_than_the_cluster_has_processors(tmp_path: Path) -> None:
    pytest.importorskip("ray")
    (tmp_path / "mark").touch()  # so that no worker is killed
    workers = RayWorkers("local", KilledOnce(tmp_path / "mark"), 4, count=(os.cpu_count() or 1) + 1)
    try:
        with pytest.raises(ClusterError, match=r"^only \d+ of \d+ workers have started within 1 s; look into Ray's"):
            workers.await_all(1.0)
    finally:
        workers.close()
