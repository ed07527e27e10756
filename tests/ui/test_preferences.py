"""What a reader sets: read back with care, and turned into a view of the engine that is theirs alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest
from fakes import make_engine

from rag import Engine, SettingsError
from ui.preferences import ENDPOINT, SERVER, Preferences, choices, model_name, read_preferences, view

URL = "http://127.0.0.1:9/v1"


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    options = {"llm": "openai:own", "llm_base_url": "http://own.example/v1", "llm_api_key": "server-secret"}
    with make_engine(tmp_path, documents={}, **options) as engine:
        yield engine


def test_what_was_stored_comes_back() -> None:
    wanted = Preferences(ENDPOINT, URL, "m", 0.25, 7)
    assert read_preferences(asdict(wanted)) == wanted


@pytest.mark.parametrize(
    "corrupt",
    [None, "x", 7, [], {"model": "evil"}, {"caution": 2}, {"caution": "much"}, {"sources": 0}, {"sources": 10**9}],
)
def test_corrupt_preferences_count_as_none(corrupt: object) -> None:
    assert read_preferences(corrupt) == Preferences()


def test_nothing_changed_is_no_view(engine: Engine) -> None:
    assert view(engine, Preferences(), "") is None
    settings = engine.settings
    assert view(engine, Preferences(SERVER, caution=settings.caution, sources=settings.evidence), "") is None


def test_view_has_the_readers_settings(engine: Engine) -> None:
    own = view(engine, Preferences("extractive", caution=0.9, sources=3), "")
    assert own and (own.settings.llm, own.settings.caution, own.settings.evidence) == ("extractive", 0.9, 3)
    assert engine.settings.llm == "openai:own" and engine.settings.evidence != 3
    own.close()


@pytest.mark.parametrize("name", ["m", "own"])
def test_the_servers_key_never_goes_to_a_readers_address(engine: Engine, name: str) -> None:
    own = view(engine, Preferences(ENDPOINT, URL, name), "")
    assert own and own.settings.llm_api_key is None and own.settings.llm_base_url == URL
    own.close()
    own = view(engine, Preferences(ENDPOINT, URL, name), "mine")
    assert own and own.settings.llm_api_key and own.settings.llm_api_key.get_secret_value() == "mine"
    own.close()


@pytest.mark.parametrize(
    "wanted", [Preferences(ENDPOINT), Preferences(ENDPOINT, "nonsense", "m"), Preferences(ENDPOINT, URL)]
)
def test_half_an_endpoint_is_an_error(engine: Engine, wanted: Preferences) -> None:
    with pytest.raises(SettingsError):
        view(engine, wanted, "")


def test_model_names() -> None:
    assert model_name("openai:org/model-7b") == "org/model-7b"
    assert model_name("/models/tiny.gguf") == "tiny"
    assert "built-in" in model_name("local") and "small" in model_name("local:small")


def test_choices_name_what_the_server_is_set_up_with() -> None:
    assert [value for _, value in choices("local")] == ["local", "local:small", "extractive", ENDPOINT]
    assert choices("openai:org/m")[0] == ("As this server is set up: org/m", SERVER)
