"""Feedback: kept beside the store, and turned into questions that the eval suite reads."""

from __future__ import annotations

import json
from pathlib import Path

from samples import AID, AID_QUOTE, AUSTRALIA, CALL, CALL_ALONE, citation, make_answer

from eval.datasets.dataset import Question
from rag import Feedback, Settings
from rag.load.files import make_document
from ui.chat import feedback
from ui.chat.conversations import Conversation, Turn

DOCUMENT = make_document(f"Title\n\n{AID_QUOTE}", "a.txt")
AID_ANSWER = make_answer(AID, "US $310 million [1]", [citation(1, DOCUMENT, AID_QUOTE, 0.9)])
REFUSED = make_answer(AUSTRALIA, "The articles do not mention Australia.")


def questions(*turns: Turn) -> list[Question]:
    lines = feedback.to_questions([Conversation(list(turns))]).splitlines()
    return [Question.model_validate_json(line) for line in lines]


def test_each_vote_is_a_line(tmp_path: Path) -> None:
    settings, turn = Settings(store=tmp_path / "store"), Turn(AID, AID_ANSWER, vote="up")
    assert list(Feedback(settings).lines()) == []
    feedback.save(settings, turn)
    turn.vote, turn.note, turn.unsaid = "down", "line\nbreak \ud800", True
    feedback.save(settings, turn, "anna")
    first, second = map(json.loads, Feedback(settings).lines())
    assert "user" not in first and second["user"] == "anna"
    assert first["id"] == second["id"] == turn.id
    assert [first["vote"], second["vote"], second["note"], second["unsaid"]] == [
        "up",
        "down",
        "line\nbreak \ud800",
        True,
    ]
    assert first["asked"] == AID and first["answer"]["citations"][0]["quote"] == AID_QUOTE


def test_good_answer_is_a_question_with_its_evidence() -> None:
    turn = Turn(AID, AID_ANSWER, vote="up")
    (question,) = questions(turn)
    assert (question.id, question.kind, question.split, question.turns) == (
        f"feedback-{turn.id}",
        "fact",
        "dev",
        (AID,),
    )
    assert (question.answers, question.keys) == (("US $310 million",), (("US $310 million",),))
    ((place,),) = question.evidence
    assert DOCUMENT.text[place.start : place.end] == place.quote == AID_QUOTE and place.source == "a.txt"


def test_follow_up_is_asked_as_it_was_understood() -> None:
    given = make_answer(CALL_ALONE, "x [1]", [citation(1, DOCUMENT, AID_QUOTE, 0.9)])
    (question,) = questions(Turn(CALL, given, vote="up"))
    assert question.turns == (CALL_ALONE,)


def test_good_refusal_and_unsaid_answer_must_be_refused() -> None:
    found = questions(Turn(AUSTRALIA, REFUSED, vote="up"), Turn(AID, AID_ANSWER, vote="down", unsaid=True))
    assert [(q.kind, q.must_refuse, q.turns) for q in found] == [
        ("no_answer", True, (AUSTRALIA,)),
        ("no_answer", True, (AID,)),
    ]


def test_what_nobody_knows_is_no_question() -> None:
    assert (
        questions(Turn(AID, AID_ANSWER, vote="down"), Turn(AUSTRALIA, REFUSED, vote="down"), Turn(AID, AID_ANSWER))
        == []
    )
    assert questions(Turn(AID, problem="Stopped.", vote="up")) == []
