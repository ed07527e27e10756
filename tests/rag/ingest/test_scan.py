"""What lies at the paths that a user gives, however odd they are."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fakes import write_articles

from rag.errors import DocumentError
from rag.ingest.scan import Scan, is_racy, key_of, scan, text_of

TWO = {"a.txt": "One.", "b/c.md": "Two."}


def look(*paths: Path | str, held: int = 0) -> Scan:
    return scan(paths, lambda _: held)


def sources(found: Scan) -> list[str]:
    return [file.source for file in found.files.values()]


@pytest.fixture
def deny(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], None]:
    """Make a folder one that cannot be listed, for root too."""
    real, denied = os.scandir, set()

    def scandir(path: str) -> Any:
        if path in denied:
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    return lambda folder: denied.add(str(folder))


def test_files_in_the_order_of_their_names(tmp_path: Path) -> None:
    names = ("b.txt", "a/z.txt", "a/b/c.md", "A.TXT", "c/d.html", "picture.png", "noname")
    write_articles(tmp_path, dict.fromkeys(names, "Text."))
    found = look(tmp_path)
    assert sources(found) == ["A.TXT", "a/b/c.md", "a/z.txt", "b.txt", "c/d.html"]
    file = found.files[f"{tmp_path}/b.txt"]
    assert (file.path, file.size, file.mtime_ns) == (file.key, 5, (tmp_path / "b.txt").stat().st_mtime_ns)
    assert found.mirrors(f"{tmp_path}/gone.txt") and not found.mirrors(f"{tmp_path}x/gone.txt")


def test_hidden_files_are_left_out(tmp_path: Path) -> None:
    write_articles(tmp_path, dict.fromkeys((".a.txt", ".git/a.txt", "~$a.docx", "b.txt"), "Text."))
    assert sources(look(tmp_path)) == ["b.txt"]
    assert sources(look(tmp_path / ".git")) == ["a.txt"], "named, it is meant"


def test_a_file_by_itself_mirrors_nothing(tmp_path: Path) -> None:
    folder = write_articles(tmp_path, TWO)
    found = look(folder / "a.txt")
    assert sources(found) == ["a.txt"] and not found.mirrors(f"{folder}/gone.txt")


def test_the_same_file_given_in_many_ways_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_articles(tmp_path / "x", TWO)
    monkeypatch.chdir(tmp_path)
    link = tmp_path / "link"
    link.symlink_to(folder)
    found = look(folder, "x", str(folder) + "/", folder / "b", link, folder / "b" / ".." / "a.txt")
    assert sources(found) == ["a.txt", "b/c.md"]
    assert sources(look(folder / "b", folder)) == ["c.md", "a.txt"], "by the name that was given first"


def test_links_to_files_are_followed_and_links_to_folders_are_not(tmp_path: Path) -> None:
    folder = write_articles(tmp_path / "x", TWO)
    (folder / "round").symlink_to(folder)
    (folder / "b" / "up").symlink_to("..")
    (folder / "folder.txt").symlink_to(folder / "b")
    (folder / "other.txt").symlink_to(folder / "a.txt")
    found = look(folder)
    assert sources(found) == ["a.txt", "b/c.md", "other.txt"]
    assert [name for name, _ in found.notices] == ["b/up", "folder.txt", "round"]
    assert "not followed" in found.notices[0][1]


def test_links_that_lead_nowhere_are_named(tmp_path: Path) -> None:
    folder = write_articles(tmp_path / "x", TWO)
    (folder / "none.txt").symlink_to(folder / "gone.txt")
    (folder / "self.txt").symlink_to(folder / "self.txt")
    found = look(folder)
    assert [name for name, _ in found.failed] == ["none.txt", "self.txt"]
    assert not found.mirrors(f"{folder}/none.txt") and found.mirrors(f"{folder}/gone.txt")
    with pytest.raises(DocumentError):
        look(folder / "self.txt")


@pytest.mark.skipif(os.name == "nt", reason="names are text there")
def test_names_that_are_no_text_are_escaped(tmp_path: Path) -> None:
    folder = write_articles(tmp_path / "x", TWO)
    (folder / os.fsdecode(b"caf\xe9.txt")).write_bytes(b"Three.")
    (folder / "new\nline\x1b[1m.txt").write_bytes(b"Four.")
    found = look(folder)
    assert sources(found) == ["a.txt", "b/c.md", "caf\\xe9.txt", "new\nline\x1b[1m.txt"]
    file = found.files[f"{folder}/caf\\xe9.txt"]
    assert Path(file.path).read_bytes() == b"Three."
    found.files.clear()
    assert sources(look(folder / os.fsdecode(b"caf\xe9.txt"))) == ["caf\\xe9.txt"]
    assert key_of("/ä/b") == "/ä/b" and text_of("ä\udce9") == "ä\\xe9"


def test_special_files_are_not_opened(tmp_path: Path) -> None:
    folder = write_articles(tmp_path / "x", TWO)
    os.mkfifo(folder / "pipe.txt")
    assert sources(look(folder)) == ["a.txt", "b/c.md"]


def test_deep_folders(tmp_path: Path) -> None:
    folder = tmp_path
    for _ in range(300):
        folder = folder / "d"
    write_articles(folder, {"a.txt": "Deep."})
    assert sources(look(tmp_path)) == ["d/" * 300 + "a.txt"]


def test_a_folder_that_cannot_be_listed_is_named_and_hides_what_it_held(
    tmp_path: Path, deny: Callable[[Path], None]
) -> None:
    folder = write_articles(tmp_path / "x", TWO | {"b/deep/e.txt": "Three."})
    deny(folder / "b")
    found = look(folder)
    assert sources(found) == ["a.txt"]
    [(name, reason)] = found.failed
    assert name == "b" and "Permission denied" in reason
    assert not found.mirrors(f"{folder}/b/deep/e.txt") and found.mirrors(f"{folder}/bb/e.txt")
    deny(folder)
    with pytest.raises(DocumentError, match="cannot be listed"):
        look(folder)


@pytest.mark.parametrize("name", ["empty", "no"])
def test_a_path_where_nothing_is(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "picture.png").write_bytes(b"x")
    with pytest.raises(DocumentError, match=r"holds no article file|does not exist") as caught:
        look(tmp_path / name)
    assert "give a folder" in str(caught.value)
    with pytest.raises(DocumentError, match=r"holds articles in the store \(7 files\)"):
        look(tmp_path / name, held=7)


def test_a_change_of_just_now_is_not_relied_on() -> None:
    now = time.time_ns()
    assert is_racy(now) and is_racy(now + 10**12) and is_racy(now - 10**9)
    assert not is_racy(now - 3 * 10**9)
