"""The command line: what goes to stdout, what to stderr, and the exit code of everything that can go wrong."""

from __future__ import annotations

import json
import os
from importlib import metadata
from pathlib import Path

import pytest
from commands import Done, Rag, process
from fakes import SEEDS, FakeEmbedding, make_engine, write_articles

from rag import Engine

pytestmark = pytest.mark.long

AID = "How much additional aid did Harris announce for the region?"
COD = {"cod.txt": "The cod left the harbour in May 2019. Captain Odile Brandt saw it."}


def assert_one_line(run: Done, code: int) -> str:
    assert (run.code, run.out) == (code, "")
    [line] = run.err.splitlines()
    assert line.startswith("rag: error: ")
    return line


def test_fresh_library_answers(rag: Rag, tmp_path: Path) -> None:
    run = rag("ask", AID)
    assert run.code == 0
    assert "310 million" in run.out and "[1]" in run.out and "003_" in run.out
    assert run.err.startswith("rag: made a new library") and len(run.err.splitlines()) == 1
    assert rag("ask", AID) == Done(0, run.out, ""), "made once"


def test_ask_as_json(rag: Rag) -> None:
    run = rag("ask", AID, "--json")
    answer = json.loads(run.out)
    [cited] = answer["citations"]
    text = (SEEDS / cited["source"]).read_bytes().decode()
    assert text[cited["start"] : cited["end"]] == cited["quote"]
    assert "310 million" in cited["quote"] and not answer["abstained"]


def test_abstention_is_no_failure(rag: Rag) -> None:
    answer = json.loads(rag("ask", "What is the capital of Australia?", "--json").out)
    assert answer["abstained"] and answer["citations"] == []
    run = rag("ask", "What is the capital of Australia?")
    assert run.code == 0 and "Australia" in run.out and "[1]" not in run.out


def test_ingest_sources_remove(rag: Rag, tmp_path: Path) -> None:
    folder = write_articles(tmp_path / "articles", COD)
    run = rag("ingest", folder)
    assert (
        run.code == 0
        and "added cod.txt" in run.out
        and "1 added, 0 replaced, 0 moved, 0 removed, 0 unchanged, 0 failed" in run.out
    )
    assert "1 unchanged" in rag("ingest", folder).out
    write_articles(folder, {"cod.txt": "The trout left the harbour in June 2020."})
    assert "replaced cod.txt" in rag("ingest", folder).out
    run = rag("sources")
    assert "cod.txt" in run.out and "The trout left the harbour" in run.out and run.out.splitlines()[-1] == "1 article"
    [source] = json.loads(rag("sources", "--json").out)
    assert source["source"] == "cod.txt" and source["passages"] == 1
    assert "2020" in rag("ask", "When did the trout leave the harbour?").out
    assert rag("remove", "cod.txt") == Done(0, "removed cod.txt\n", "")
    assert json.loads(rag("sources", "--json").out) == []
    assert "rag ingest" in rag("ask", "When did the trout leave the harbour?").out, "an emptied library stays empty"


def test_ingest_without_a_path_takes_the_shipped_articles(rag: Rag) -> None:
    report = json.loads(rag("ingest", "--json").out)
    assert len(report["added"]) == 5 and report["failed"] == []


def test_ingest_with_a_bad_file_fails_but_takes_the_others(rag: Rag, tmp_path: Path) -> None:
    folder = write_articles(tmp_path / "articles", COD)
    (folder / "bad.txt").write_bytes(b"\xff")
    run = rag("ingest", folder)
    assert run.code == 1
    assert "added cod.txt" in run.out and "0 unchanged, 1 failed" in run.out
    [line] = [line for line in run.err.splitlines() if "bad.txt" in line]
    assert "UTF-8" in line and "Traceback" not in run.err
    run = rag("ingest", folder, "--json")
    assert run.code == 1 and json.loads(run.out)["failed"][0][0] == "bad.txt"


def test_store_option_wins(rag: Rag, tmp_path: Path) -> None:
    folder = write_articles(tmp_path / "articles", COD)
    assert rag("ingest", folder, "--store", tmp_path / "other").code == 0
    assert len(json.loads(rag("sources", "--json", "--store", tmp_path / "other").out)) == 1
    assert not (tmp_path / "store").exists()


def test_names_are_printed_as_they_are(rag: Rag, tmp_path: Path) -> None:
    folder = write_articles(tmp_path / "articles", {"[bold]x[/red].txt": "[link=x] The [b]cod[/b] left."})
    assert "added [bold]x[/red].txt" in rag("ingest", folder).out
    assert "[bold]x[/red].txt" in rag("sources").out
    assert "[b]cod[/b]" in rag("sources").out


def test_missing_model_is_a_notice(rag: Rag, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RAG_LLM", "local")
    monkeypatch.setenv("RAG_MODELS", str(tmp_path / "no-models"))
    run = rag("ask", AID)
    assert run.code == 0 and "310 million" in run.out and "rag models pull" in run.out


def test_damaged_model_is_an_error(rag: Rag, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    rag("ingest")
    (tmp_path / "damaged.gguf").write_bytes(b"damaged " * 1000)
    monkeypatch.setenv("RAG_LLM", str(tmp_path / "damaged.gguf"))
    assert "damaged.gguf" in assert_one_line(rag("ask", AID), 1)


@pytest.mark.parametrize("question", ["", "   ", "x" * 100_000])
def test_unusable_question(rag: Rag, question: str) -> None:
    rag("ingest")
    line = assert_one_line(rag("ask", question), 2)
    assert len(line) < 300


def test_missing_folder(rag: Rag, tmp_path: Path) -> None:
    assert "does not exist" in assert_one_line(rag("ingest", tmp_path / "no"), 1)


def test_unknown_source(rag: Rag) -> None:
    assert "rag sources" in assert_one_line(rag("remove", "no.txt"), 1)


@pytest.mark.parametrize(
    "command", [["ask", "Who?"], ["sources"], ["ingest"], ["doctor"], ["eval"], ["models", "list"]]
)
def test_unknown_setting(rag: Rag, command: list[str]) -> None:
    Path("rag.toml").write_text("stoer = 'x'\n", encoding="utf-8")
    assert "did you mean store?" in assert_one_line(rag(*command), 2)


def test_broken_settings_file(rag: Rag) -> None:
    Path("rag.toml").write_text("evidence = 'many'\n", encoding="utf-8")
    assert "'evidence'" in assert_one_line(rag("sources"), 2)


def test_store_of_another_embedding_model(rag: Rag, tmp_path: Path) -> None:
    make_engine(tmp_path, documents={}, embedding=FakeEmbedding("other-model")).close()
    assert "other-model" in assert_one_line(rag("ask", "Who?"), 1)


def test_store_that_is_a_file(rag: Rag, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    assert_one_line(rag("sources", "--store", tmp_path / "file"), 1)


@pytest.mark.parametrize(
    "arguments",
    [
        ["ask"],
        ["frobnicate"],
        ["ask", "Who?", "--loud"],
        ["remove"],
        ["chat", "--port", "0"],
        ["chat", "--port", "http"],
    ],
)
def test_wrong_usage(rag: Rag, arguments: list[str]) -> None:
    run = rag(*arguments)
    assert run.code == 2 and run.out == ""
    assert run.err and "Traceback" not in run.err


@pytest.mark.parametrize("arguments", [["--help"], ["ask", "--help"], ["models", "--help"]])
def test_help(rag: Rag, arguments: list[str]) -> None:
    run = rag(*arguments)
    assert run.code == 0 and "Usage" in run.out


def test_version(rag: Rag) -> None:
    assert rag("--version") == Done(0, f"dateline {metadata.version('dateline')}\n", "")


def test_names_are_whole_where_the_output_is_piped(rag: Rag, tmp_path: Path) -> None:
    name, title = f"{'long' * 40}.txt", "The cod left the harbour of a town whose name is long " * 3
    rag("ingest", write_articles(tmp_path / "articles", {name: f"{title.strip()}\n\nIt rained in May 2019."}))
    run = rag("sources")
    assert name in run.out and title.strip() in run.out


def test_an_article_does_not_control_the_terminal(rag: Rag, tmp_path: Path) -> None:
    rag(
        "ingest",
        write_articles(tmp_path / "articles", {"cod.txt": "The cod \x9b2J\u202eleft the harbour in May 2019."}),
    )
    run = rag("ask", "When did the cod leave the harbour?")
    assert "2019" in run.out and not {"\x9b", "\u202e"} & set(run.out)


def test_interrupted(rag: Rag, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    rag("ingest")
    monkeypatch.setattr(Engine, "answer", interrupted)
    run = rag("ask", "Who?")
    assert run.code == 130 and "Traceback" not in run.err


def test_doctor_says_what_to_do(rag: Rag, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RAG_MODELS", str(tmp_path / "no-models"))
    run = rag("doctor")
    assert run.code == 1
    lines = {line[6:24].strip(): line for line in run.out.splitlines()}
    assert lines["embedding model"].startswith("FAIL") and "rag models pull" in lines["embedding model"]
    assert lines["answer model"].startswith("ok") and lines["store"].startswith("ok")


def test_chat_opens_with_the_library(rag: Rag, monkeypatch: pytest.MonkeyPatch) -> None:
    import ui.app

    seen: list[object] = []

    def launch(engine: Engine, **options: object) -> None:
        seen.extend([len(engine.sources()), options["port"], options["open_browser"]])

    monkeypatch.setattr(ui.app, "launch", launch)
    assert rag("chat", "--port", 7999).code == 0
    assert seen == [5, 7999, False]


def test_chat_for_others_wants_a_password_or_open(rag: Rag, monkeypatch: pytest.MonkeyPatch) -> None:
    import ui.app

    seen: list[ui.app.Access] = []
    monkeypatch.setattr(ui.app, "launch", lambda engine, **options: seen.append(options["access"]))
    assert "RAG_PASSWORD" in assert_one_line(rag("chat", "--host", "0.0.0.0"), 2) and not seen
    assert rag("chat", "--host", "0.0.0.0", "--open", "--read-only", "--allow-host", "news.example").code == 0
    monkeypatch.setenv("RAG_PASSWORD", "letters")
    assert rag("chat", "--host", "0.0.0.0").code == 0
    assert [(a.password, a.everyone, a.read_only, a.names) for a in seen] == [
        (None, True, True, ("news.example",)),
        ("letters", False, False, ()),
    ]


def test_process_fails_in_one_line(tmp_path: Path) -> None:
    run = process("ask", "", RAG_STORE=str(tmp_path / "store"), RAG_MODELS=str(tmp_path / "no-models"))
    assert "rag models pull" in assert_one_line(run, 1), "the library cannot be made before the weights are there"


def test_process_that_finds_the_store_in_use(tmp_path: Path) -> None:
    with make_engine(tmp_path, documents=COD, embedding=FakeEmbedding("all-MiniLM-L6-v2")) as engine:
        line = assert_one_line(process("sources", RAG_STORE=str(tmp_path / "store")), 1)
        assert f"process {os.getpid()}" in line
        assert engine.counts()[0] == 1


@pytest.mark.slow
def test_from_nothing_to_a_cited_answer(tmp_path: Path, models_folder: Path) -> None:
    """`python -m rag` twice, with the real embedding: the first makes the library, the second finds it."""
    env = {"RAG_STORE": str(tmp_path / "store"), "RAG_MODELS": str(models_folder)}
    run = process("ask", "Who is Mexico's foreign minister?", "--json", **env)
    assert run.code == 0, run.err
    answer = json.loads(run.out)
    assert "Ebrard" in answer["text"] and answer["citations"]
    for cited in answer["citations"]:
        assert (SEEDS / cited["source"]).read_bytes().decode()[cited["start"] : cited["end"]] == cited["quote"]
    run = process("ask", "What is the capital of Australia?", **env)
    assert (run.code, run.err) == (0, "") and "Australia" in run.out
