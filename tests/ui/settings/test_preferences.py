"""What a reader sets: read back with care, and turned into a view of the engine that is theirs alone."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from fakes import make_engine

from rag import Engine, Settings, SettingsError
from ui.chat.session import Session
from ui.settings.preferences import (
    ENDPOINT,
    SERVER,
    Preferences,
    choices,
    endpoint_allowed,
    model_name,
    read_preferences,
    view,
)
from ui.settings.tab import settings_tab

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
    assert ENDPOINT not in [value for _, value in choices("local", endpoint=False)]


LISTED = "https://models.example/v1, http://10.0.0.5:8000/team"


@pytest.mark.parametrize(
    ("allowed", "url", "here", "elsewhere"),
    [
        ("auto", URL, True, False),
        ("all", URL, True, True),
        ("none", URL, False, False),
        ("all", "http://user:pw@a/v1", False, False),
        (LISTED, "https://models.example/v1", True, True),
        (LISTED, "https://MODELS.example:443/v1/", True, True),
        (LISTED, "https://models.example/v1/deeper", True, True),
        (LISTED, "http://10.0.0.5:8000/team", True, True),
        (LISTED, "http://models.example/v1", False, False),
        (LISTED, "https://models.example:444/v1", False, False),
        (LISTED, "https://models.example/v12", False, False),
        (LISTED, "https://models.example/", False, False),
        (LISTED, "https://models.example/v1/../admin", False, False),
        (LISTED, "https://models.example/v1/%2e%2e/admin", False, False),
        (LISTED, "https://models.example/v1/..%2fadmin", False, False),
        (LISTED, "https://models.example/v1/..\\admin", False, False),
        (LISTED, "https://models.example.evil.example/v1", False, False),
        (LISTED, "https://models.example@evil.example/v1", False, False),
        (LISTED, "http://10.0.0.6:8000/team", False, False),
    ],
)
def test_which_endpoints_readers_may_set(allowed: str, url: str, here: bool, elsewhere: bool) -> None:
    settings = Settings(reader_endpoints=allowed)
    assert endpoint_allowed(settings, url, loopback=True) is here
    assert endpoint_allowed(settings, url, loopback=False) is elsewhere


@pytest.mark.parametrize("allowed", ["some", "10.0.0.5", "http://a/v1,", "http://a/v1?x=1", "auto,all"])
def test_unusable_list_of_endpoints(allowed: str) -> None:
    with pytest.raises(SettingsError, match="reader_endpoints"):
        Settings(reader_endpoints=allowed)


@pytest.mark.parametrize(("allowed", "loopback"), [("none", True), ("auto", False), ("http://10.0.0.5/v1", True)])
def test_the_server_refuses_wherever_settings_come_from(tmp_path: Path, allowed: str, loopback: bool) -> None:
    """What a browser kept, what it saves and what it tests; nothing is asked at that address."""
    wanted = Preferences(ENDPOINT, URL, "m")
    values = (ENDPOINT, URL, "m", 0.2, 5, "")
    with make_engine(tmp_path, documents={}, reader_endpoints=allowed) as engine, gr.Blocks():
        with pytest.raises(SettingsError, match="asks no model"):
            view(engine, wanted, "", loopback)
        session: Any = Session()
        tab = settings_tab(engine, gr.State(session), gr.BrowserState(storage_key="x", secret="x"), loopback)
        offered = ENDPOINT in [value for _, value in tab.model.choices]
        assert offered is (allowed.startswith("http"))
        model, *_, shown, said = tab.opened(session, asdict(wanted))
        assert session.own is None and (offered or model != ENDPOINT) and shown["visible"] is offered
        assert "asks no model" in said if offered else "asks no model" not in said
        *_, said = tab.on_save(session, *values)
        assert "asks no model" in said and session.own is None
        assert "asks no model" in asyncio.run(tab.on_test(session, *values))
