"""Which answer model the settings mean."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from answers import KEY, find_weights, no_weights

from rag import ModelError, Settings, SettingsError
from rag.models.llm import LocalLLM, make_llm
from rag.models.profile import is_extractive


@pytest.mark.parametrize("llm", ["local", "local:small"])
def test_local_models_by_name(llm: str) -> None:
    made = make_llm(Settings(llm=llm, threads=3, llm_timeout=7), find_weights)
    assert isinstance(made, LocalLLM)
    assert made.path == str(find_weights(llm)) and made.metadata.model_name == find_weights(llm).stem
    assert (made.threads, made.timeout) == (3, 7)


def test_local_model_by_path(tmp_path: Path) -> None:
    weights = tmp_path / "my-model.gguf"
    weights.touch()
    made = make_llm(Settings(llm=str(weights)), no_weights)
    assert isinstance(made, LocalLLM) and made.metadata.model_name == "my-model"


def test_path_in_the_home_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    (tmp_path / "m.gguf").touch()
    made = make_llm(Settings(llm="~/m.gguf"), no_weights)
    assert isinstance(made, LocalLLM) and made.path == str(tmp_path / "m.gguf")


def test_endpoint() -> None:
    settings = Settings(llm="openai:my/model:7b", llm_base_url="http://127.0.0.1:9/v1", llm_api_key=KEY, llm_timeout=3)
    made: Any = make_llm(settings, no_weights)
    assert made.metadata.model_name == "my/model:7b" and made.metadata.is_chat_model
    assert (made.api_base, made.api_key, made.timeout) == ("http://127.0.0.1:9/v1", KEY, 3)


def test_endpoint_without_an_address_is_openai(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_BASE", "http://127.0.0.1:9/elsewhere")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-another-program")
    made: Any = make_llm(Settings(llm="openai:gpt-5"), no_weights)
    assert made.api_base == "https://api.openai.com/v1"
    assert made.api_key != "sk-of-another-program"  # only what Dateline was given is sent


@pytest.mark.parametrize("llm", ["gpt-5", "openai:", "openai", "locall", "LOCAL", "/no/suffix"])
def test_no_kind_of_model(llm: str) -> None:
    with pytest.raises(SettingsError) as caught:
        make_llm(Settings(llm=llm), no_weights)
    assert "openai:MODEL" in str(caught.value) and "\n" not in str(caught.value)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="does not exist"):
        make_llm(Settings(llm=str(tmp_path / "no.gguf")), no_weights)


@pytest.mark.parametrize("llm", ["local", "local:small", "local:huge"])
def test_missing_weights_say_how_to_get_them(llm: str) -> None:
    with pytest.raises(ModelError, match="rag models pull"):
        make_llm(Settings(llm=llm), no_weights)


def test_extractive() -> None:
    assert is_extractive(Settings(llm="extractive")) and not is_extractive(Settings(llm="local"))
