"""What readers think of the answers, kept beside the store or in its database."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydantic import SecretStr

from rag import Feedback, RagError, Settings
from rag.users import feedback
from rag.users.feedback import feedback_path


@pytest.fixture
def settings(tmp_path: Path, database: str | None) -> Settings:
    return Settings(store=tmp_path / "store", database=SecretStr(database) if database else None)


def test_a_line_for_each(settings: Settings) -> None:
    kept = Feedback(settings)
    assert list(kept.lines()) == []
    records = [{"vote": "up", "note": "a\nb\x00\ud800é"}, {"vote": "down", "answer": {"text": "x"}}]
    for record in records:
        kept.add(record)
    assert [json.loads(line) for line in Feedback(settings).lines()] == records


def test_there_is_a_limit(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RagError, match="this answer is too long"):
        Feedback(settings).add({"note": "x" * 100_000})
    monkeypatch.setattr(feedback, "MOST_BYTES", 25)
    Feedback(settings).add({"vote": "up"})
    with pytest.raises(RagError, match="your browser keeps your vote"):
        Feedback(settings).add({"vote": "down"})
    assert len(list(Feedback(settings).lines())) == 1


def test_the_file_lies_beside_the_store(tmp_path: Path) -> None:
    Feedback(Settings(store=tmp_path / "store")).add({"vote": "up"})
    assert feedback_path(tmp_path / "store") == tmp_path / "store-feedback.jsonl"
    assert (tmp_path / "store-feedback.jsonl").read_text(encoding="utf-8") == '{"vote": "up"}\n'


def test_a_file_that_cannot_be_used_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "store-feedback.jsonl").mkdir()
    kept = Feedback(Settings(store=tmp_path / "store"))
    with pytest.raises(RagError, match=r"^the feedback cannot be written to .*\.jsonl: Is a directory; ") as raised:
        kept.add({})
    assert "\n" not in str(raised.value)
    with pytest.raises(RagError, match=r"store-feedback\.jsonl cannot be read: Is a directory"):
        list(kept.lines())


def test_replicas_share_a_database(settings: Settings, database: str | None, tmp_path: Path) -> None:
    if database is None:
        pytest.skip("a folder is one machine's")
    Feedback(settings).add({"vote": "up"})
    other = settings.model_copy(update={"store": tmp_path / "other"})
    assert list(Feedback(other).lines()) == ['{"vote": "up"}'] and list(tmp_path.iterdir()) == []
