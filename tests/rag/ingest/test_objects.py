"""Articles in object stores: in an S3 server on this machine, and in memory."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import buckets
import pytest
from buckets import Bucket
from commands import Rag
from crews import Crew
from fakes import FakeEmbedding, make_engine
from killed_once import KilledOnce
from syncs import THREE, assert_sound, did, library, rows

from rag import DocumentError, Engine, ObjectStoreError, UsageError
from rag.ingest.objects import _opened, copied, is_object, listing
from rag.ingest.sync import sync


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    with buckets.bucket(monkeypatch) as bucket:
        for name, text in THREE.items():
            bucket.put(f"fish/{name}", text)
        yield bucket


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with make_engine(tmp_path, documents={}) as engine:
        yield engine
        assert_sound(engine)


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses of the objects that are copied."""
    urls: list[str] = []

    def watched(url: str, size: int, mtime_ns: int) -> AbstractContextManager[Any]:
        urls.append(url)
        return copied(url, size, mtime_ns)

    monkeypatch.setattr("rag.ingest.read.copied", watched)
    return urls


@pytest.fixture
def memory() -> Iterator[Any]:
    """fsspec's store in memory."""
    pytest.importorskip("fsspec")
    files, _ = _opened("memory://fish")
    yield files
    files.store.clear()
    files.pseudo_dirs[:] = [""]


def test_a_folder_in_s3_is_mirrored(bucket: Bucket, engine: Engine, fetched: list[str]) -> None:
    bucket.put("fish/.hidden.txt", "Hidden.")
    bucket.put("fish/b/photo.jpg", "A picture.")
    bucket.put("fishery/other.txt", "Another folder.")
    bucket.put("fish/table.jsonl", rows(300))
    report = engine.ingest(f"{bucket.url}/fish")
    assert len(report.added) == 303 and not report.failed
    assert {name: text for name, text in library(engine).items() if "!/" not in name} == THREE
    assert {s.path for s in engine.sources() if s.source == "b/news.md"} == {"s3://news/fish/b/news.md"}
    assert sorted(fetched) == [f"s3://news/fish/{name}" for name in sorted([*THREE, "table.jsonl"])]
    fetched.clear()
    assert len(engine.ingest(f"{bucket.url}/fish/").unchanged) == 4 and fetched == []
    bucket.put("fish/b/news.md", "Herring left us.")  # of the same size, and within the same second
    bucket.put("fish/moved.md", THREE["b/pike.txt"])
    bucket.put("fish/table.jsonl", rows(300))
    bucket.delete("fish/b/pike.txt")
    bucket.delete("fish/cod.txt")
    report = engine.ingest(f"{bucket.url}/fish")
    assert did(report) == {
        "replaced": ("b/news.md",),
        "unchanged": ("table.jsonl",),
        "moved": ("moved.md",),
        "removed": ("cod.txt",),
    }
    assert sorted(fetched) == ["s3://news/fish/b/news.md", "s3://news/fish/moved.md", "s3://news/fish/table.jsonl"]


def test_one_object_and_names_with_odd_characters(bucket: Bucket, engine: Engine) -> None:
    odd = "fish/50% of #1 [é] what?.txt"
    bucket.put(odd, "Eels are odd.")
    assert did(engine.ingest(f"{bucket.url}/fish/cod.txt")) == {"added": ("cod.txt",)}
    assert did(engine.ingest(f"{bucket.url}/{odd}")) == {"added": ("50% of #1 [é] what?.txt",)}
    assert "50% of #1 [é] what?.txt" in library(engine)


def test_what_is_gone_from_s3_stays_when_the_whole_folder_is(bucket: Bucket, engine: Engine) -> None:
    engine.ingest(f"{bucket.url}/fish")
    for name in THREE:
        bucket.delete(f"fish/{name}")
    with pytest.raises(DocumentError, match=r"s3://news/fish holds no article file now, but .* check the address"):
        engine.ingest(f"{bucket.url}/fish")
    assert library(engine) == THREE


@pytest.mark.parametrize("url", ["s3://nothing/here", "s3://nothing"])
def test_no_such_bucket(url: str, bucket: Bucket, engine: Engine) -> None:
    with pytest.raises(DocumentError, match=f"^{url} does not exist; check the address$"):
        engine.ingest(url)


def test_no_permission(bucket: Bucket, engine: Engine) -> None:
    bucket.check_keys()
    with pytest.raises(DocumentError, match=r"^s3://news/fish may not be read: .*; check the credentials") as caught:
        engine.ingest(f"{bucket.url}/fish")
    assert "\n" not in str(caught.value) and "hush" not in str(caught.value)


def test_no_credentials(bucket: Bucket, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    with pytest.raises(ObjectStoreError, match=r"^the store of s3://news/fish cannot be used: NoCredentialsError"):
        engine.ingest(f"{bucket.url}/fish")


def test_nobody_answers(rag: Rag, bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free.getsockname()[1]}")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    said = rag("ingest", f"{bucket.url}/fish")
    assert said.code == 1 and said.err.count("\n") == 1
    assert "the store of s3://news/fish cannot be used: " in said.err and "and the network" in said.err


def test_the_command(rag: Rag, bucket: Bucket) -> None:
    said = rag("ingest", f"{bucket.url}/fish")
    assert said.code == 0 and "added b/news.md" in said.out and "3 added" in said.out
    said = rag("ingest", f"{bucket.url}/fish")
    assert said.code == 0 and "3 unchanged" in said.out
    assert rag("ingest", f"{bucket.url}/fish", "--watch").err.count("cannot be watched; run: rag ingest s3://") == 1


@pytest.mark.long
@pytest.mark.filterwarnings("ignore::ResourceWarning")  # Ray leaves files and sockets to the garbage collector
def test_workers_on_ray_read_s3_themselves(bucket: Bucket, tmp_path: Path, fetched: list[str]) -> None:
    pytest.importorskip("ray")
    (tmp_path / "mark").touch()  # so that no worker is killed
    with make_engine(tmp_path, documents={}, embedding=KilledOnce(tmp_path / "mark")) as engine:
        report = engine.ingest(f"{bucket.url}/fish", ray="local")
        assert len(report.added) == 3 and library(engine) == THREE and fetched == []
        assert_sound(engine)


def test_workers_read_and_a_store_that_fails_ends_the_ingest(
    memory: Any, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, text in THREE.items():
        memory.pipe(f"/fish/{name}", text.encode())
    monkeypatch.setattr("rag.ingest.spread._FILES", 1)
    crew = Crew()
    report = sync(engine._index, FakeEmbedding(), ["memory://fish"], 4, workers=crew)
    assert len(report.added) == 3 and library(engine) == THREE and crew.embedding.embedded == 3
    memory.pipe("/fish/cod.txt", b"Cod came back.")

    def fails(*_: object) -> None:
        raise TimeoutError("the store sleeps")

    monkeypatch.setattr(memory, "get_file", fails)
    for workers in (crew, None):
        with pytest.raises(ObjectStoreError, match=r"fish/.* cannot be used: TimeoutError: the store sleeps; check"):
            sync(engine._index, FakeEmbedding(), ["memory://fish"], 4, workers=workers)
    assert library(engine) == THREE


def test_an_object_that_may_not_be_read_or_changes_fails_alone(
    memory: Any, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, text in THREE.items():
        memory.pipe(f"/fish/{name}", text.encode())
    copy = memory.get_file

    def copies(name: str, path: str) -> None:
        if name.endswith("cod.txt"):
            raise PermissionError("Access Denied")
        copy(name, path)
        if name.endswith("pike.txt"):
            memory.pipe(name, b"Pikes change.")

    monkeypatch.setattr(memory, "get_file", copies)
    report = engine.ingest("memory://fish")
    assert report.added == ("b/news.md",)
    assert [reason.partition(": ")[0] for _, reason in report.failed] == [
        "memory:///fish/b/pike.txt changes while it is read; it is read again with the next ingest",
        "memory:///fish/cod.txt may not be read",
    ]
    monkeypatch.undo()
    assert sorted(engine.ingest("memory://fish").added) == ["b/pike.txt", "cod.txt"]


def test_an_object_that_is_gone_before_it_is_read(memory: Any, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    memory.pipe("/fish/cod.txt", b"Cod came back.")
    engine.ingest("memory://fish")
    memory.pipe("/fish/cod.txt", b"Cod left.")
    monkeypatch.setattr("rag.ingest.read.copied", lambda url, *seen: (memory.rm(url), copied(url, *seen))[1])
    assert did(engine.ingest("memory://fish")) == {"removed": ("cod.txt",)}


def test_files_without_a_tag_are_compared_by_their_bytes_while_they_are_new(
    tmp_path: Path, engine: Engine, fetched: list[str]
) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "cod.txt").write_text("Cod came back.")
    url = f"file://{tmp_path}/in"
    assert did(engine.ingest(url)) == {"added": ("cod.txt",)}
    assert did(engine.ingest(url)) == {"unchanged": ("cod.txt",)} and len(fetched) == 2


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("s3://", "names no bucket; write it like s3://bucket/folder"),
        ("nothing://news/fish", "is in no kind of store that is known"),
        ("memory://a::memory://b", "is more than one address"),
        ("ftp://me:hush@host/news", "holds a password; set the credentials in the environment"),
    ],
)
def test_addresses_that_are_none(url: str, says: str) -> None:
    with pytest.raises(UsageError, match=says) as caught:
        listing(url)
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "package", "what"),
    [("s3://news/fish", "s3fs", "dateline[objects]"), ("gs://news/fish", "gcsfs", "gcsfs")],
)
def test_packages_that_are_not_installed(
    url: str, package: str, what: str, rag: Rag, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("fsspec")
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.delitem(sys.modules["fsspec.registry"]._registry, url.partition("://")[0], raising=False)
    said = rag("ingest", url)
    assert said.code == 2 and said.err.count("\n") == 1
    assert f'needs a package that is not installed ({package}); run: pip install "{what}"' in said.err


def test_what_is_an_address_of_a_store() -> None:
    assert all(map(is_object, ["s3://news/fish", "gs://news", "az://news/fish", "memory://fish", "S3://news"]))
    assert not any(map(is_object, ["fish", "/fish", "C:\\fish", "https://example.org", "HTTP://x", Path("s3://news")]))


@pytest.mark.parametrize("url", ["s3://news/fish/cod.txt", "memory://fish/cod.txt", "file:///etc/passwd"])
def test_the_web_chat_does_not_reach_stores(url: str, memory: Any, engine: Engine) -> None:
    memory.pipe("/fish/cod.txt", b"Cod came back.")
    for allow_private in (False, True):
        report = engine.add_url(url, allow_private=allow_private)
        assert "is no web address; give one that starts with https:// or http://" in report.failed[0][1]
    assert engine.sources() == ()
