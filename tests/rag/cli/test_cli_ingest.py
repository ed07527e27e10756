"""`rag ingest` in all its ways, `rag ask` with filters, and what a terminal is shown of hostile names."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from commands import Rag, environment
from fakes import WAIT, FakeEmbedding, make_engine, write_articles
from rich.console import Console

from rag import Engine, UsageError
from rag.cli import ingest as cli_ingest
from rag.cli.console import shown
from rag.cli.ingest import parse_columns, summary
from rag.reports import IngestReport

pytestmark = pytest.mark.long

COD = {"cod.txt": "The cod left the harbour in May 2019. Captain Odile Brandt saw it."}
TABLE = {
    "list.csv": "Aufmacher,Inhalt,Tag\nStorm,The storm hit the coast of Tessin.,2024-03-01\n"
    "Calm,The storm left the coast of Tessin.,2024-05-02\n"
}
COLUMNS = "title=Aufmacher, text=Inhalt, date=Tag"


def test_a_folder_is_mirrored(rag: Rag, tmp_path: Path) -> None:
    folder = write_articles(tmp_path / "articles", COD | {"pike.txt": "A pike was seen."})
    rag("ingest", folder)
    (folder / "cod.txt").rename(folder / "fish.txt")
    (folder / "pike.txt").unlink()
    done = rag("ingest", folder)
    assert (done.code, done.err) == (0, "")
    *changes, total = done.out.splitlines()
    assert changes == ["moved fish.txt", "removed pike.txt"]
    assert total.startswith("0 added, 0 replaced, 1 moved, 1 removed, 0 unchanged, 0 failed; 0 new passages in ")


def test_columns_and_metadata(rag: Rag, tmp_path: Path) -> None:
    folder = write_articles(tmp_path / "articles", TABLE)
    done = rag("ingest", folder)
    assert done.code == 1 and "--columns text=NAME" in done.err
    assert "added list.csv!/" in rag("ingest", folder, "--columns", COLUMNS).out
    done = rag("sources")
    assert "1 Mar 2024" in done.out and "Storm" in done.out
    assert {entry["date"] for entry in json.loads(rag("sources", "--json").out)} == {"2024-03-01", "2024-05-02"}


@pytest.mark.parametrize(
    ("options", "titles"),
    [
        ([], {"Storm", "Calm"}),
        (["--since", "2024-04"], {"Calm"}),
        (["--until", "2024-03-01"], {"Storm"}),
        (["--since", "2024-03-01", "--until", "2024"], {"Storm", "Calm"}),
        (["--source", "list*", "--source", "x"], {"Storm", "Calm"}),
        (["--source", "other*"], set()),
        (["--author", "nobody"], set()),
        (["--language", "de"], set()),
    ],
)
def test_questions_are_filtered(rag: Rag, tmp_path: Path, options: list[str], titles: set[str]) -> None:
    folder = write_articles(tmp_path / "articles", TABLE)
    rag("ingest", folder, "--columns", COLUMNS)
    answer = json.loads(rag("ask", "What did the storm do on the coast of Tessin?", "--json", *options).out)
    assert {evidence["title"] for evidence in answer["evidence"]} == titles
    assert answer["abstained"] == (not titles)


@pytest.mark.parametrize("option", ["--since", "--until"])
def test_no_date_is_wrong_usage(rag: Rag, option: str) -> None:
    done = rag("ask", "Who?", option, "yesterday")
    assert done.code == 2 and "'yesterday' is no date" in done.err and done.out == ""


def test_columns_are_checked() -> None:
    assert parse_columns(" text = Body ,title=A=B,") == {"text": "Body", "title": "A=B"}
    for wrong in ("text", "text=", "body=Text", "=x"):
        with pytest.raises(UsageError, match="text=Body,title=Head"):
            parse_columns(wrong)


def test_wrong_columns_are_wrong_usage(rag: Rag, tmp_path: Path) -> None:
    assert rag("ingest", tmp_path, "--columns", "Body").code == 2
    assert not (tmp_path / "store").exists()


def test_many_failures_are_cut_short(rag: Rag, tmp_path: Path) -> None:
    folder = write_articles(tmp_path / "articles", {f"{n:03}.txt": "\0" for n in range(70)} | COD)
    done = rag("ingest", folder)
    lines = done.err.splitlines()
    assert done.code == 1 and len(lines) == 51 and lines[-1] == "and 20 more; --json lists all"
    assert all(line.startswith(f"failed {n:03}.txt: ") for n, line in enumerate(lines[:-1]))
    assert len(json.loads(rag("ingest", folder, "--json").out)["failed"]) == 70


def test_names_move_no_cursor(rag: Rag, tmp_path: Path) -> None:
    assert shown("a\x1b[2Jb\nc\u202ed é") == "a\\x1b[2Jb\\nc\\u202ed é"
    write_articles(tmp_path / "articles", {"a\x1b[2J.txt": "Some text."})
    done = rag("ingest", tmp_path / "articles")
    assert "added a\\x1b[2J.txt" in done.out and "\x1b" not in done.out + rag("sources").out
    assert rag("remove", "a\x1b[2J.txt").out == "removed a\\x1b[2J.txt\n"


def test_summary_in_one_line() -> None:
    report = IngestReport(added=("a",), passages=3000, seconds=2.0)
    assert summary(report) == (
        "1 added, 0 replaced, 0 moved, 0 removed, 0 unchanged, 0 failed; 3,000 new passages in 2.0 s (1,500/s)"
    )


def test_progress_is_shown_on_a_terminal_only(rag: Rag, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_articles(tmp_path / "articles", COD)
    terminal = Console(force_terminal=True, record=True, width=100)
    monkeypatch.setattr(cli_ingest, "_err", terminal)
    seen: list[tuple[bool, bool]] = []
    ingest = Engine.ingest

    def watched(self: Engine, *paths: Any, **options: Any) -> IngestReport:
        seen.append((bool(options["progress"]), bool(options["pace"])))
        return ingest(self, *paths, **options)

    monkeypatch.setattr(Engine, "ingest", watched)
    rag("ingest", folder)
    assert "passages/s" in terminal.export_text() and seen == [(True, True)]
    monkeypatch.setattr(cli_ingest, "_err", Console(stderr=True))
    assert rag("ingest", folder).err == "" and seen[1] == (False, False)


def test_ctrl_c_says_what_is_left(rag: Rag, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_articles(tmp_path / "articles", COD)

    def impatient(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(FakeEmbedding, "embed_passages", impatient)
        done = rag("ingest", folder)
    assert (done.code, done.out) == (130, "")
    assert done.err == "rag: stopped; what was read so far is in the store, the same command goes on\n"
    assert rag("ingest", folder).code == 0


def test_a_web_address_cannot_be_watched(rag: Rag) -> None:
    done = rag("ingest", "https://example.org/a", "--watch")
    assert done.code == 2 and "cannot be watched" in done.err


def test_the_chat_keeps_its_folders(rag: Rag, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import ui.app

    folder = write_articles(tmp_path / "articles", COD)
    seen: list[str] = []

    def launch(engine: Engine, **_: object) -> None:
        write_articles(folder, {"pike.txt": "A pike was seen."})
        end = time.monotonic() + WAIT
        while len(engine.sources()) < 2 and time.monotonic() < end:
            time.sleep(0.05)
        seen.extend(entry.source for entry in engine.sources())

    make_engine(tmp_path, documents=COD, embedding=FakeEmbedding("all-MiniLM-L6-v2")).close()
    monkeypatch.setattr(ui.app, "launch", launch)
    assert rag("chat", "--watch", folder).code == 0
    assert seen == ["cod.txt", "pike.txt"]
    assert not [thread for thread in threading.enumerate() if thread.name == "dateline-watch"]


PROGRAM = """
import sys, time
sys.path[:0] = [{tests!r}]
from fakes import FakeEmbedding
from rag.cli import app as cli
from rag.models import runtime

class Slow(FakeEmbedding):
    def embed_passages(self, chunks):
        print("embedding", flush=True)
        time.sleep({seconds})
        return super().embed_passages(chunks)

runtime.Models.embedding = lambda _, made=Slow("all-MiniLM-L6-v2"): made
cli.main()
"""


def start(store: Path, *arguments: object, seconds: float = 0) -> subprocess.Popen[str]:
    """Start `rag ingest …` with the fake embedding as a process that Ctrl-C reaches."""
    code = PROGRAM.format(tests=str(Path(__file__).parents[2]), seconds=seconds)
    return subprocess.Popen(
        [sys.executable, "-c", code, "ingest", *map(str, arguments)],
        env=environment(RAG_STORE=str(store)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A shell without job control starts background jobs with SIGINT ignored, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_ctrl_c_in_a_process_keeps_what_was_embedded(rag: Rag, tmp_path: Path) -> None:
    lines = (json.dumps({"title": f"T{n}", "text": f"This is row {n} of the table."}) for n in range(900))
    folder = write_articles(tmp_path / "articles", {"list.jsonl": "\n".join(lines)})
    with start(tmp_path / "store", folder, seconds=1) as process:
        assert process.stdout
        for _ in range(3):
            assert process.stdout.readline() == "embedding\n"
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGINT)  # an impatient one
        _, err = process.communicate(timeout=WAIT)
    assert (process.returncode, "Traceback" in err) == (130, False), err
    assert "what was read so far is in the store" in err
    held = len(json.loads(rag("sources", "--json").out))
    assert 200 < held < 900
    assert json.loads(rag("ingest", folder, "--json").out)["passages"] == 900 - held


@pytest.mark.skipif(os.name == "nt", reason="signals")
@pytest.mark.parametrize("as_json", [False, True])
def test_watching_until_ctrl_c(tmp_path: Path, as_json: bool) -> None:
    folder = write_articles(tmp_path / "articles", COD)

    def line() -> str:
        assert process.stdout
        while (read := process.stdout.readline()) == "embedding\n":
            pass
        return read

    with start(tmp_path / "store", folder, "--watch", *(["--json"] if as_json else [])) as process:
        lines = [line()]
        if not as_json:
            lines.append(line())  # the sum, after what was added
        write_articles(folder, {"pike.txt": "A pike was seen."})
        lines.append(line())
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=WAIT)
    assert (process.returncode, out) == (0, ""), err
    if as_json:
        assert [json.loads(line)["added"] for line in lines] == [["cod.txt"], ["pike.txt"]] and err == ""
    else:
        assert lines[0] == "added cod.txt\n" and "1 added" in lines[2] and lines[2][2] == ":"
        assert err == "rag: watching; Ctrl-C ends it\n"
