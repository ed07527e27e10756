"""An engine over several collections: questions, checks and the library stay within the one that is asked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from doubles import WordJudge
from fakes import FakeEmbedding, FakeLLM, make_engine, write_articles

from rag import Chat, CollectionError, Engine, Filters, Settings, SettingsError, StoreError

PIER = {"pier.txt": "Harborough opened a pier of 40 metres. Its builder is Odile Brandt."}
COURT = {
    "ruling.txt": "The court of Harborough fined the builder 310 euros. The judge is Ana Kovic.",
    "pier.txt": PIER["pier.txt"],
    "appeal.txt": "The court of Harborough heard an appeal. It will rule in June.",
}
IN_COURT = Filters(collection="court")


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with make_engine(tmp_path, documents=PIER, judge=WordJudge()) as engine:
        engine.collection("court", create=True).ingest(write_articles(tmp_path / "court", COURT))
        yield engine


def names(engine: Engine) -> list[str]:
    return [entry.source for entry in engine.sources()]


def test_a_question_stays_in_its_collection(engine: Engine) -> None:
    question = "How much was the builder fined?"
    assert "310" in engine.answer(question, IN_COURT).text
    assert {e.source for e in engine.retrieve(question)} == {"pier.txt"}
    assert "310" not in engine.answer(question).text
    assert {e.source for e in engine.retrieve(question, filters=IN_COURT)} >= {"ruling.txt"}
    assert [part for part in engine.stream(question, IN_COURT) if not isinstance(part, str)][-1].citations


def test_other_filters_apply_within_it(engine: Engine) -> None:
    only = Filters(sources=("ruling*",), collection="court")
    assert {e.source for e in engine.retrieve("What happened in Harborough?", filters=only)} == {"ruling.txt"}
    nothing = engine.answer("What happened in Harborough?", Filters(sources=("x*",), collection="court"))
    assert nothing.abstained and "No article in the library meets the filter" in nothing.text


def test_questions_about_articles_count_those_of_the_collection(engine: Engine) -> None:
    assert "1" in engine.answer("How many articles are there about Harborough?").text
    assert "3" in engine.answer("How many articles are there about Harborough?", IN_COURT).text


def test_words_and_near_copies_of_another_collection_do_not_count(engine: Engine) -> None:
    assert engine.answer("Who is Ana Kovic?").text == "The articles do not mention Ana or Kovic."
    assert all(entry.copies == entry.similar == () for entry in engine.collection("court").sources())


def test_a_check_reads_only_its_collection(engine: Engine) -> None:
    claim = "The court of Harborough fined the builder 310 euros."
    assert engine.check(claim, IN_COURT).items[0].verdict == "supported"
    assert engine.check(claim).items[0].verdict == "not found"


def test_a_conversation_takes_filters_along(engine: Engine) -> None:
    chat = Chat(engine)
    assert "310" in chat.ask("How much was the builder fined?", IN_COURT).text
    assert "310" not in chat.ask("How much was the builder fined?").text


def test_removing_a_text_from_one_leaves_the_other(engine: Engine) -> None:
    court = engine.collection("court")
    engine.remove("pier.txt")
    assert names(engine) == [] and names(court) == ["appeal.txt", "pier.txt", "ruling.txt"]
    assert "40 metres" in engine.answer("How long is the pier?", IN_COURT).text
    court.remove("ruling.txt")
    assert names(court) == ["appeal.txt", "pier.txt"]


def test_an_unknown_collection_is_an_error_that_lists_those_that_exist(engine: Engine, tmp_path: Path) -> None:
    with pytest.raises(CollectionError, match="no collection 'curt'; there are default, court"):
        engine.answer("Who?", Filters(collection="curt"))
    for wrong in ("../court", "a b", "x" * 65):
        with pytest.raises(CollectionError, match="cannot be the name"):
            engine.answer("Who?", Filters(collection=wrong))
    with pytest.raises(CollectionError, match="no collection 'curt'"):
        Engine(engine.settings.model_copy(update={"collection": "curt"}), embedding=FakeEmbedding())
    assert engine.collections() == ("default", "court")
    assert not (tmp_path / "store" / "collection-curt").exists()


def test_case_and_the_own_name_change_nothing(engine: Engine) -> None:
    assert engine.collection("COURT") is engine.collection("court")
    assert engine.collection("") is engine.collection("Default") is engine
    assert engine.collection("court").collection("default") is not engine.collection("court")


def test_collections_share_the_models(engine: Engine) -> None:
    assert engine.collection("court")._models is engine._models


def test_another_view_of_the_engine_has_its_settings_in_every_collection(engine: Engine) -> None:
    model = FakeLLM(default="310 euros")
    with engine.using(evidence=2) as other:
        assert other.collection("court").settings.evidence == 2
    with engine.using(collection="court") as court:
        assert names(court) == ["appeal.txt", "pier.txt", "ruling.txt"]
    settings = engine.settings.model_copy(update={"collection": "court", "llm": "local"})
    with Engine(settings, llm=model, embedding=FakeEmbedding()) as court:
        assert "310" in court.answer("How much was the builder fined?").text
    assert engine.collection("court").counts()[0] == 3  # still open


def test_a_collection_that_nothing_was_added_to_goes_again(engine: Engine, tmp_path: Path) -> None:
    with engine.using() as other:
        made = other.collection("typo", create=True)
        assert made.is_new and other.collections() == ("default", "court", "typo")
    assert engine.collections() == ("default", "court")


def test_a_closed_engine_opens_nothing(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, documents=PIER)
    engine.close()
    with pytest.raises(StoreError, match="closed"):
        engine.collection("court", create=True)


def test_the_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings().collection == "default"
    monkeypatch.setenv("RAG_COLLECTION", "Court")
    assert Settings().collection == "court" and Settings().hash == Settings(collection="x").hash
    with pytest.raises(SettingsError, match="cannot be the name of a collection"):
        Settings(collection="../x")
