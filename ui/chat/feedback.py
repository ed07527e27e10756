"""Keep what readers think of answers, and turn it into eval questions.

Each line of the feedback is a vote or a note; the last line with an answer's id counts. Where there are users, each
line names the user, and an answer's id counts for each of them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime, timezone
from typing import Any

from rag import Answer, Feedback, Settings
from ui.chat.conversations import Conversation, Turn, without_markers


def save(settings: Settings, turn: Turn, user: str = "") -> None:
    """Add the reader's feedback on this turn.

    Args:
        settings: Where the library is.
        turn: What the feedback is about.
        user: The user's name; empty where there are no users.

    Raises:
        RagError: It cannot be written, or there is no place for it.
    """
    Feedback(settings).add(_record(turn) | ({"user": user} if user else {}))


def _record(turn: Turn) -> dict[str, Any]:
    given = turn.answer
    return {
        "id": turn.id,
        "time": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "vote": turn.vote or None,
        "note": turn.note,
        "unsaid": turn.unsaid,
        "asked": turn.asked,
        "answer": given.to_dict() if given else None,
    }


def to_questions(conversations: Iterable[Conversation]) -> str:
    """Convert the answers that a reader judged to questions of the eval suite, one JSON object per line.

    A good answer becomes a question with that answer and its cited sentences as evidence. A good abstention becomes a
    question that must be refused, and so does a bad answer if the reader says that the articles do not state it. Any
    other bad answer is skipped, since the right answer is unknown.
    """
    judged = (turn for c in conversations for turn in c.turns if turn.vote and turn.answer)
    questions = (q for turn in judged if turn.answer and (q := _question(turn, turn.answer)))
    return "".join(json.dumps(q, ensure_ascii=False) + "\n" for q in questions)


def _question(turn: Turn, given: Answer) -> dict[str, Any] | None:
    question = {"id": f"feedback-{turn.id}", "split": "dev", "turns": [given.question]}
    refuse = given.abstained if turn.vote == "up" else turn.unsaid
    if refuse:
        return question | {"kind": "no_answer", "answers": [], "keys": [], "evidence": []}
    if turn.vote == "down" or not given.citations:
        return None
    answer = without_markers(given.text)
    evidence = [[{"source": c.source, "start": c.start, "end": c.end, "quote": c.quote}] for c in given.citations]
    return question | {"kind": "fact", "answers": [answer], "keys": [[answer]], "evidence": evidence}
