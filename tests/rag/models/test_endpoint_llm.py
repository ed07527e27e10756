"""Endpoints that do everything wrong, over real HTTP: a sentence with a notice instead, and never a word of theirs."""

from __future__ import annotations

import gc
import importlib.util
import json
import sys
from pathlib import Path

import pytest
from commands import process
from fakes import WAIT, make_engine
from llama_index.core.base.llms.types import ChatMessage

from bench.support.bad_endpoint import KINDS, endpoint
from rag import Answer, LLMError, Settings
from rag.cli.doctor import checks
from rag.models.llm import make_llm
from rag.models.reply import stream_chat
from rag.network.bounded import MAX_BYTES, MAX_LINE

pytestmark = pytest.mark.long

AID = "How much additional aid did Harris announce for the region?"
OVER = MAX_BYTES * 4
SAYS = {
    "noise": "sends far more than an answer",
    "many": "far more than an answer",
    "tiny": "sends far more than an answer",
    "packed": "packs its reply",
    "cut": "was cut off at its longest",
    "broken": "broke off before its end",
    "filtered": "held the reply back",
    "odd": "broke off before its end",
    "thinkcut": "spent its reply on thinking",
    "reasoning": "spent its reply on thinking",
    "slow": "took longer than 1 s",
    "slow head": "took longer than 1 s",
    "slow line": "took longer than 1 s",
    "redirect": "leads to another address (307), which is not followed",
    "refused": "refused the key",
    "missing": "knows no such model or address",
    "fault": "has a fault of its own (500)",
    "told": "sent no answer that can be read",
    "no http": "does not speak as it should",
}


def asked(url: str, tmp_path: Path, question: str = AID, timeout: float = WAIT) -> Answer:
    options = {"llm": "openai:m", "llm_base_url": url, "llm_timeout": timeout, "llm_api_key": "sk-secret-1"}
    with make_engine(tmp_path, **options) as engine:
        return engine.answer(question)


def test_every_kind_is_tried() -> None:
    assert {*SAYS, "good", "think"} == set(KINDS)


@pytest.mark.parametrize("kind", SAYS)
def test_bad_reply_is_never_an_answer(kind: str, tmp_path: Path) -> None:
    with endpoint(kind, OVER) as server:
        answer = asked(server.url, tmp_path, timeout=1 if "slow" in kind else WAIT)
    assert answer.model == "extractive" and "310 million" in answer.text and answer.citations
    [notice] = answer.notices
    assert SAYS[kind] in notice and "llm" in notice and "\n" not in notice
    told = json.dumps(answer.to_dict())
    assert "swordfish" not in told and "sk-secret" not in told and f":{server.server_port}" not in told
    calls = 2 if kind in ("thinkcut", "reasoning") else 1  # once more with room for thoughts
    assert server.paths == ["/v1/chat/completions"] * calls, "no redirect is followed"


@pytest.mark.parametrize("kind", ["good", "think"])
def test_good_reply_is_an_answer(kind: str, tmp_path: Path) -> None:
    with endpoint(kind) as server:
        answer = asked(server.url, tmp_path)
    assert answer.model == "m" and not answer.notices
    assert "US $310 million" in answer.text and "think" not in answer.text


def test_part_that_failed_keeps_its_notice(tmp_path: Path) -> None:
    with endpoint("cut") as server:
        answer = asked(server.url, tmp_path, "Who is Mexico's foreign minister and how much aid did Harris announce?")
    assert len(answer.notices) == 1


@pytest.mark.parametrize("kind", ["cut", "fault", "redirect", "noise"])
def test_every_call_is_bounded(kind: str, tmp_path: Path) -> None:
    """Rewriting a follow-up and the doctor ask as answers do."""
    with endpoint(kind, OVER) as server:
        settings = Settings(llm="openai:m", llm_base_url=server.url, llm_timeout=WAIT, store=tmp_path / "store")
        with make_engine(tmp_path, documents={}, llm="openai:m", llm_base_url=server.url, llm_timeout=WAIT) as engine:
            assert engine.complete([ChatMessage(role="user", content="?")]) is None
        found = {name: (problem, said) for name, problem, said in checks(settings)}
    problem, said = found["answer model"]
    assert problem and SAYS[kind] in said and "swordfish" not in said


def test_cut_word_is_enough_where_one_is_wanted() -> None:
    with endpoint("cut") as server:
        llm = make_llm(Settings(llm="openai:m", llm_base_url=server.url), lambda name: name)
        messages = [ChatMessage(role="user", content="?")]
        *_, (text, _, _) = stream_chat(llm, messages, WAIT, whole=False, max_tokens=1)
        assert text == "US $310 "
        with pytest.raises(LLMError, match="cut off"):
            list(stream_chat(llm, messages, WAIT))


def test_other_clients_of_the_model_are_bounded_too() -> None:
    """Whatever LlamaIndex calls of it: without streaming and as a completion."""
    with endpoint("noise", OVER) as server:
        llm = make_llm(Settings(llm="openai:m", llm_base_url=server.url), lambda name: name)
        for call in (lambda: llm.complete("?"), lambda: llm.chat([]), lambda: list(llm.stream_complete("?"))):
            with pytest.raises(LLMError, match="far more than an answer"):
                call()


def test_reply_that_nobody_waits_for_is_ended_at_once() -> None:
    gc.disable()  # the OpenAI client's stream is a circle of references, which only a collection would close
    try:
        with endpoint("slow") as server:
            llm = make_llm(Settings(llm="openai:m", llm_base_url=server.url), lambda name: name)
            stream = stream_chat(llm, [ChatMessage(role="user", content="?")], WAIT)
            next(stream)
            stream.close()  # type: ignore[attr-defined]
            assert server.replied.acquire(timeout=WAIT), "the endpoint writes on"
    finally:
        gc.enable()


def test_one_line_is_bounded() -> None:
    with endpoint("noise", MAX_LINE * 3) as server:
        llm = make_llm(Settings(llm="openai:m", llm_base_url=server.url), lambda name: name)
        with pytest.raises(LLMError, match="sends far more than an answer"):
            list(stream_chat(llm, [ChatMessage(role="user", content="?")], WAIT))


def test_model_of_another_protocol_is_one_line(tmp_path: Path) -> None:
    with make_engine(tmp_path, llm="openai:gpt-5.2-pro", llm_base_url="http://127.0.0.1:9/v1") as engine:
        [notice] = engine.answer(AID).notices
    assert "cannot be asked at a chat endpoint" in notice


# --- proxies of the environment


@pytest.fixture
def socks(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "socks5://127.0.0.1:1")
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.usefixtures("socks")
def test_no_proxy_leads_to_this_machine(tmp_path: Path) -> None:
    with endpoint("good") as server:
        assert not asked(server.url, tmp_path).notices


@pytest.mark.usefixtures("socks")
def test_missing_package_for_a_proxy_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "socksio", None)
    monkeypatch.delitem(sys.modules, "httpcore._sync.socks_proxy", raising=False)
    [notice] = asked("http://models.example/v1", tmp_path).notices
    assert "pip install socksio" in notice and "Traceback" not in notice


def test_a_proxy_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    with endpoint("good") as server:
        monkeypatch.setenv("http_proxy", server.url.removesuffix("/v1"))
        assert not asked("http://models.example/v1", tmp_path).notices
    assert server.paths == ["http://models.example/v1/chat/completions"]


@pytest.mark.skipif(importlib.util.find_spec("socksio") is not None, reason="the package is there")
def test_web_chat_without_the_package_is_one_line(tmp_path: Path) -> None:
    done = process("chat", "--store", str(tmp_path / "store"), ALL_PROXY="socks5://127.0.0.1:1")
    assert done.code == 2 and "pip install socksio" in done.err and "Traceback" not in done.err


def test_pull_through_a_proxy_that_fails_is_one_line(tmp_path: Path) -> None:
    places = {"RAG_MODELS": str(tmp_path / "models"), "HF_HOME": str(tmp_path / "hub")}
    done = process("models", "pull", "all-MiniLM-L6-v2", ALL_PROXY="socks5://127.0.0.1:1", **places)
    assert done.code == 1 and "cannot get all-MiniLM-L6-v2" in done.err and "Traceback" not in done.err
