"""Where a setting comes from, what is refused, and what the hash tells apart."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from commands import process
from fakes import ROOT

from rag import Settings, SettingsError, UsageError
from rag.settings import PREFIX

SECRET = "sk-very-secret-1234"


@pytest.fixture(autouse=True)
def _nothing_warned_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rag.settings._warned_of", set())


def one_line(error: Exception) -> str:
    text = str(error)
    assert text and "\n" not in text
    return text


def test_defaults_need_nothing(tmp_path: Path) -> None:
    settings = Settings()
    assert settings.llm == "local"
    assert settings.embedding == "all-MiniLM-L6-v2"
    assert settings.store != settings.models
    home = Path(os.environ["HOME"])
    assert home in settings.store.parents and home in settings.models.parents
    assert not settings.store.exists()  # reading settings makes nothing
    assert settings.threads == os.cpu_count()


def test_order_of_sources(monkeypatch: pytest.MonkeyPatch) -> None:
    # evidence is given by one source more each time: default, rag.toml, variable, keyword
    assert Settings().evidence == Settings.model_fields["evidence"].default
    Path("rag.toml").write_text("evidence = 11\ncandidates = 12\nllm = 'extractive'\n", encoding="utf-8")
    assert (Settings().evidence, Settings().candidates) == (11, 12)
    monkeypatch.setenv("RAG_EVIDENCE", "21")
    assert (Settings().evidence, Settings().candidates) == (21, 12)
    settings = Settings(evidence=31)
    assert (settings.evidence, settings.candidates, settings.llm) == (31, 12, "extractive")


def test_only_the_working_directory_is_searched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("rag.toml").write_text("evidence = 11\n", encoding="utf-8")
    below = Path("below")
    below.mkdir()
    monkeypatch.chdir(below)
    assert Settings().evidence == Settings.model_fields["evidence"].default


def test_dotenv_file_is_not_read() -> None:
    Path(".env").write_text("RAG_EVIDENCE=11\n", encoding="utf-8")
    assert Settings().evidence == Settings.model_fields["evidence"].default


def test_every_setting_has_a_variable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    values = {
        "store": str(tmp_path / "s"),
        "models": str(tmp_path / "m"),
        "llm": "openai:gpt",
        "llm_base_url": "http://127.0.0.1:9/v1",
        "llm_api_key": SECRET,
        "llm_timeout": "1.5",
        "embedding": "other",
        "chunk_sentences": "3",
        "candidates": "7",
        "evidence": "6",
        "max_question_chars": "99",
        "threads": "2",
    }
    assert set(values) <= set(Settings.model_fields)
    for name, value in values.items():
        monkeypatch.setenv(PREFIX + name.upper(), value)
    settings = Settings()
    for name, value in values.items():
        found = getattr(settings, name)
        assert str(found.get_secret_value() if name == "llm_api_key" else found) == value, name


def test_empty_variable_counts_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAG_LLM", "")
    assert Settings().llm == "local"


def test_unknown_keyword() -> None:
    with pytest.raises(SettingsError) as caught:
        Settings(evidense=3)
    text = one_line(caught.value)
    assert "'evidense'" in text and "did you mean evidence?" in text
    assert caught.value.exit_code == 2


def test_a_near_miss_of_a_variable_is_a_warning(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("RAG_STOER", "x")
    assert Settings().store == Settings().store  # the second time nothing is said
    [record] = caplog.records
    assert record.levelname == "WARNING"
    assert "RAG_STOER" in record.getMessage() and "did you mean RAG_STORE?" in record.getMessage()


def test_a_variable_of_another_program_is_a_warning_without_its_value(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("RAG_ZEBRA_COUNT", SECRET)
    Settings()
    [record] = caplog.records
    assert "RAG_ZEBRA_COUNT" in record.getMessage() and "did you mean" not in record.getMessage()
    assert SECRET not in caplog.text


def test_the_command_line_warns_in_one_line_and_goes_on(tmp_path: Path) -> None:
    done = process("sources", RAG_STORE=str(tmp_path), RAG_EMBEDDING="fake-embedding", RAG_LLM_APIKEY=SECRET)
    assert done.code == 0 and "0 articles" in done.out
    [line] = done.err.splitlines()
    assert line.startswith("rag: ") and "RAG_LLM_APIKEY" in line and "did you mean RAG_LLM_API_KEY?" in line


def test_unknown_toml_key() -> None:
    Path("rag.toml").write_text("candidate = 12\n", encoding="utf-8")
    with pytest.raises(SettingsError, match=r"'candidate' \(did you mean candidates\?\)"):
        Settings()


@pytest.mark.parametrize("text", ["evidence = ", "[evidence]\nx = 1\n", "evidence = 'many'\n"])
def test_unusable_toml_is_one_line(text: str) -> None:
    Path("rag.toml").write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        Settings()
    one_line(caught.value)


def test_toml_that_is_not_utf8_is_one_line() -> None:
    Path("rag.toml").write_bytes(b"llm = '\xff'\n")
    with pytest.raises(SettingsError) as caught:
        Settings()
    assert "rag.toml" in one_line(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("evidence", "many"),
        ("evidence", "0"),
        ("candidates", "0"),
        ("candidates", "1001"),
        ("chunk_sentences", "0"),
        ("llm_timeout", "0"),
        ("llm_timeout", "-1"),
        ("threads", "0"),
        ("max_question_chars", "0"),
    ],
)
def test_unusable_value_names_setting_and_variable(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PREFIX + name.upper(), value)
    with pytest.raises(SettingsError) as caught:
        Settings()
    text = one_line(caught.value)
    assert repr(name) in text and PREFIX + name.upper() in text


@pytest.mark.parametrize("value", ["nan", "inf"])
def test_time_limit_must_be_a_number_that_ends(value: str) -> None:
    with pytest.raises(SettingsError):
        Settings(llm_timeout=float(value))


def test_settings_cannot_be_changed() -> None:
    settings = Settings()
    with pytest.raises(Exception, match="frozen"):
        settings.evidence = 3  # type: ignore[misc]


def test_secret_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAG_LLM_API_KEY", SECRET)
    settings = Settings()
    assert settings.llm_api_key is not None and settings.llm_api_key.get_secret_value() == SECRET
    shown = [repr(settings), str(settings), repr(settings.model_dump()), settings.model_dump_json()]
    assert not any(SECRET in text for text in shown)
    monkeypatch.setenv("RAG_EVIDENCE", "x")  # an error about another setting does not print the key either
    with pytest.raises(SettingsError) as caught:
        Settings()
    assert SECRET not in str(caught.value)


def test_unusable_secret_is_not_shown() -> None:
    with pytest.raises(SettingsError) as caught:
        Settings(llm_api_key=[SECRET])
    assert SECRET not in str(caught.value)


def test_hash_is_16_hex_digits_and_without_secrets_and_places(tmp_path: Path) -> None:
    plain = Settings().hash
    assert len(plain) == 16 and int(plain, 16) >= 0
    same = [
        {"llm_api_key": SECRET},
        {"llm_base_url": "http://127.0.0.1:1/v1"},
        {"store": tmp_path},
        {"models": tmp_path},
        {"threads": 1},
        {"llm_timeout": 1},
    ]
    assert {Settings(**values).hash for values in same} == {plain}


def test_hash_changes_with_what_changes_answers() -> None:
    others = [
        {"llm": "extractive"},
        {"embedding": "other"},
        {"chunk_sentences": 1},
        {"candidates": 1},
        {"evidence": 1},
        {"max_question_chars": 1},
    ]
    hashes = [Settings().hash, *(Settings(**values).hash for values in others)]
    assert len(set(hashes)) == 1 + 6


def test_hash_is_the_same_in_another_process() -> None:
    code = "from rag import Settings; import json; print(json.dumps(Settings(evidence=4).hash))"
    env = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "77"}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=60, check=True)
    assert json.loads(done.stdout) == Settings(evidence=4).hash


def test_settings_error_is_a_usage_error() -> None:
    assert issubclass(SettingsError, UsageError)
