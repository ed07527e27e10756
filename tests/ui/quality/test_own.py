"""Questions about the reader's own library: proposed, kept beside the store, read and run by the eval suite."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from fakes import FakeLLM, make_engine
from parsed import Parsed

from eval.datasets.formats import open_data
from rag import Engine, Settings, UsageError
from ui.quality import own_view as show
from ui.quality import view
from ui.quality.own import MOST_CHARS, NAME, OwnQuestions, Sentence, own_path
from ui.quality.own_tab import OwnDesk, Proposing
from ui.quality.propose import Proposal, proposals
from ui.quality.runner import Runner
from ui.quality.runs import KeptRuns

QUOTE = "Governor Ana Kovic pledged $12 million in state aid."
ARTICLE = f"Aid for the port\n\n{QUOTE} The port of Harborough was hit by a storm on Monday evening, officials said.\n"
GERMAN = (
    "Hilfe für den Hafen\n\nMinister Jan Brandt besuchte am Montag den Hafen. Der Minister Jan Brandt blieb lange.\n"
)
HOSTILE = "<img src=x onerror=alert(1)> \"'${alert(2)}"
STORM = "Question: When was the port of Harborough hit by a storm?\nAnswer: Monday evening."


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with make_engine(tmp_path, documents={"a.txt": ARTICLE}, caution=0.0) as engine:
        yield engine


@pytest.fixture
def own(tmp_path: Path) -> OwnQuestions:
    return OwnQuestions(tmp_path / "store-questions.jsonl")


def found(engine: Engine) -> list[Proposal]:
    return [one for one in proposals(engine, random.Random(1)) if one]


def test_without_a_model_the_words_of_the_sentence_are_proposed(engine: Engine) -> None:
    first = found(engine)[0]
    assert (first.question, first.answer) == ("How much state aid did Governor Ana Kovic pledge?", "$12 million")
    text = engine.document(first.document_id).text
    assert text[first.sentence.start : first.sentence.end] == first.sentence.quote == QUOTE


def test_articles_in_other_languages_give_questions_too(tmp_path: Path) -> None:
    with make_engine(tmp_path, documents={"d.txt": GERMAN}, caution=0.0) as engine:
        assert any(one.answer in one.sentence.quote and "Jan Brandt" in one.question for one in found(engine))


@pytest.mark.parametrize(
    ("reply", "proposed"),
    [
        (STORM, ("When was the port of Harborough hit by a storm?", "Monday evening")),
        ("Question: When was it hit?\nAnswer: on a Tuesday", None),  # the sentence does not say so
        ("Question: Was it Monday evening?\nAnswer: Monday evening", None),  # the question gives it away
        ("I cannot help with that.", None),
        ("", None),
    ],
)
def test_model_proposes_what_the_sentence_says(tmp_path: Path, reply: str, proposed: tuple[str, str] | None) -> None:
    model = FakeLLM(default=reply)
    with make_engine(tmp_path, documents={"a.txt": ARTICLE}, model=model, llm="openai:fake") as engine:
        asked = [(one.question, one.answer) for one in found(engine)]
    assert (proposed in asked) if proposed else not {"Monday evening", "on a Tuesday"} & {answer for _, answer in asked}


def test_model_that_is_down_leaves_the_patterns(tmp_path: Path) -> None:
    model = FakeLLM(error=OSError("connection refused"))
    with make_engine(tmp_path, documents={"a.txt": ARTICLE}, model=model, llm="openai:fake") as engine:
        assert found(engine)[0].answer == "$12 million"


def test_kept_questions_are_a_data_set_that_rag_eval_reads(own: OwnQuestions, tmp_path: Path) -> None:
    own.keep(" How much\naid? ", "$12 million | 12 million dollars", Sentence("a.txt", 18, 18 + len(QUOTE), QUOTE))
    own.keep("Who won?", "")
    own.keep("Changed?", "something else", Sentence("a.txt", 18, 18 + len(QUOTE), QUOTE))
    data = open_data(own.path, None, tmp_path)
    first, second, third = data.questions
    assert (first.turns, first.answers) == (("How much aid?",), ("$12 million", "12 million dollars"))
    assert first.evidence[0][0].quote == QUOTE and not first.must_refuse and data.articles is None
    assert second.must_refuse and not third.evidence and third.answers
    assert own.data_set().name == NAME and own.listed() == data.questions
    own.forget(second.id)
    own.forget("../../etc/passwd")
    assert [one.turns[0] for one in own.listed()] == ["How much aid?", "Changed?"]
    assert own.listed()[0] == first


def test_any_column_called_evidence_is_left_alone(tmp_path: Path) -> None:
    table = tmp_path / "own.csv"
    table.write_text("question,answer,evidence\nWho won?,Rovers,page 3\n", encoding="utf-8")
    assert open_data(table, None, tmp_path).questions[0].evidence == ()


@pytest.mark.parametrize(
    ("question", "answer", "says"),
    [
        ("  ", "x", "empty"),
        ("x" * (MOST_CHARS + 1), "x", "at most"),
        ("Who?", "x" * (MOST_CHARS + 1), "at most"),
        ("Who?", "|".join(map(str, range(50))), "10 answers"),
        ("WHO  won?", "x", "already"),
    ],
)
def test_what_cannot_be_kept_says_why(own: OwnQuestions, question: str, answer: str, says: str) -> None:
    own.keep("Who won?", "Rovers")
    with pytest.raises(UsageError, match=says):
        own.keep(question, answer)
    assert len(own.listed()) == 1


def test_there_is_a_limit(own: OwnQuestions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ui.quality.own.MOST_KEPT", 2)
    own.keep("One?", "")
    own.keep("Two?", "")
    with pytest.raises(UsageError, match="delete some first"):
        own.keep("Three?", "")


def test_damaged_file_is_told_and_kept(own: OwnQuestions) -> None:
    own.path.write_text('{"question": 1\n', encoding="utf-8")
    with pytest.raises(UsageError, match="line 1"):
        own.keep("Who won?", "")
    assert own.path.read_text(encoding="utf-8") == '{"question": 1\n'


def test_half_characters_of_a_browser_are_left_out(own: OwnQuestions) -> None:
    own.keep("Who \ud83d won?", "Rov\udc00ers")
    assert (own.listed()[0].turns, own.listed()[0].answers) == (("Who won?",), ("Rovers",))


def test_each_collection_has_its_own(tmp_path: Path) -> None:
    assert own_path(Settings(store=tmp_path / "s")) == tmp_path / "s-questions.jsonl"
    assert own_path(Settings(store=tmp_path / "s", collection="court")) == tmp_path / "s-questions-court.jsonl"


def test_nothing_of_a_question_becomes_html(own: OwnQuestions) -> None:
    own.keep(HOSTILE, HOSTILE)
    proposal = Proposal(HOSTILE, HOSTILE, HOSTILE, HOSTILE, Sentence(HOSTILE, 0, 5, HOSTILE))
    html = Parsed(show.own(own.listed(), show.card("c1", HOSTILE, HOSTILE, proposal), HOSTILE))
    assert not html.tags["img"] and html.find("textarea") == [HOSTILE] and html.find("dl-asked") == [HOSTILE]
    assert html.elements("input")[0]["value"] == HOSTILE


class Reader:
    """Clicks in the part about the library, as the page's script sends them."""

    def __init__(self, engine: Engine, own: OwnQuestions) -> None:
        self.desk = OwnDesk(engine, own)
        self.state: Proposing | None = None

    def does(self, **data: Any) -> Parsed:
        for state, html in self.desk.on_own(self.state, gr.EventData(None, data)):
            self.state, shown = state, html
        return Parsed(shown)

    def keeps(self, html: Parsed, question: str, answer: str) -> Parsed:
        return self.does(do="keep", card=html.elements("dl-own-card")[0]["data-card"], question=question, answer=answer)


def test_questions_are_kept_corrected_and_dropped_one_by_one(engine: Engine, own: OwnQuestions) -> None:
    reader = Reader(engine, own)
    card = reader.does(do="propose")
    assert card.find("dl-quote") == [QUOTE] and card.elements("dl-title")[0]["data-start"] == str(ARTICLE.index(QUOTE))
    after = reader.keeps(card, card.find("textarea")[0] + " (corrected)", "$12 million|12 million dollars")
    (kept,) = own.listed()
    assert kept.turns[0].endswith("(corrected)") and kept.answers == ("$12 million", "12 million dollars")
    assert kept.evidence[0][0].quote == QUOTE and "Kept." in after.text
    while after.elements("dl-own-card"):
        after = reader.does(do="propose")  # drops it
    assert len(own.listed()) == 1 and "No question was found" in after.text
    written = reader.keeps(reader.does(do="write"), "Who won the cup?", "")
    assert own.listed()[1].must_refuse and not written.elements("dl-own-card")
    assert "2 questions are kept" in written.text
    assert "1 question is kept" in reader.does(do="forget", question=kept.id).text
    assert not reader.does(do="end").elements("dl-own-card")


def test_what_is_wrong_leaves_the_typed_words(engine: Engine, own: OwnQuestions) -> None:
    own.keep("Who won?", "Rovers")
    reader = Reader(engine, own)
    html = reader.keeps(reader.does(do="propose"), "Who won?", "Town")
    assert "already" in html.find("dl-said")[0] and html.find("textarea") == ["Who won?"]
    assert html.elements("input")[0]["value"] == "Town"


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"do": "keep"},
        {"do": "keep", "card": "", "question": "Who?", "answer": "x"},
        {"do": "keep", "card": "0" * 16, "question": "Who?", "answer": "x"},
        {"do": "forget", "question": 5},
        {"do": ["x"]},
    ],
)
def test_forged_clicks_keep_nothing(engine: Engine, own: OwnQuestions, data: dict[str, Any]) -> None:
    reader = Reader(engine, own)
    reader.does(**data)
    assert own.listed() == ()


def test_fault_is_told_and_the_page_goes_on(engine: Engine, own: OwnQuestions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ui.quality.own_tab.proposals", lambda _: 1 / 0)
    assert "its log says what" in Reader(engine, own).does(do="propose").text


@pytest.mark.long
def test_own_questions_are_run_over_the_library(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    from test_quality import ended

    monkeypatch.setattr(KeptRuns, "write_report", lambda self, folder: True)  # its plots take long
    runner = Runner(engine)
    with pytest.raises(UsageError, match="keep some first"):
        runner.start(["dateline"], "own", None)
    start = ARTICLE.index(QUOTE)
    runner.own.keep(
        "How much state aid did Governor Ana Kovic pledge?", "$12 million", Sentence("a.txt", start, start + 52, QUOTE)
    )
    runner.own.keep("What is the capital of Australia?", "")
    runner.start(["dateline", "extractive"], "own", None)
    assert ended(runner).said == "Finished."
    runs = runner.kept.listed()
    assert {(run.system, run.split, run.questions, run.right) for run in runs} == {
        ("dateline", NAME, 2, 1.0),
        ("extractive", NAME, 2, 1.0),
    }
    records = [json.loads(line) for line in runner.kept.lines(runs[0].id).splitlines()[1:]]
    assert records[0]["scores"]["citation_recall"] == 1.0 and records[0]["scores"]["evidence_recall@1"] == 1.0
    table = Parsed(view.kept(runs))
    assert "Answered by quoting" in table.text and "2 your library" in table.text and "extractive" not in table.text
