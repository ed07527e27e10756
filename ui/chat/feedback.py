"""Save readers' feedback on answers as JSON lines, and turn it into eval questions.

The lines are in `STORE-feedback.jsonl` in the folder that holds the store, or in the database that has the documents.
Each is a vote or a note; the last line with an answer's id counts. Where there are users, each line names the user, and
an answer's id counts for each of them.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from rag import Answer, RagError, Settings
from ui.chat.conversations import Conversation, Turn, without_markers

_writing = threading.Lock()
MOST_BYTES = 20_000_000  # of all lines: about ten thousand votes
_MOST_LINE = 100_000  # characters; an answer that comes back from a browser may be of any length


def feedback_path(store: Path) -> Path:
    """Return where the feedback on a store's answers is kept."""
    return store.with_name(f"{store.name}-feedback.jsonl")


def save(settings: Settings, turn: Turn, user: str = "") -> None:
    """Add the reader's feedback on this turn.

    Args:
        settings: Where the library is.
        turn: What the feedback is about.
        user: The user's name; empty where there are no users.

    Raises:
        RagError: It cannot be written, or there is no place for it.
    """
    record = _record(turn) | ({"user": user} if user else {})
    line = json.dumps(record, ensure_ascii=False)
    if len(line) > _MOST_LINE:
        raise RagError("this answer is too long for the feedback file; your browser keeps your vote")
    if settings.database is None:
        _append(feedback_path(settings.store), line + "\n")
        return
    from rag.users.shared import SharedFeedback, SharedTables

    with SharedTables(settings.database.get_secret_value()) as tables:
        # In ASCII, since PostgreSQL takes neither NUL nor half a character.
        if not SharedFeedback(tables).add(json.dumps(record), MOST_BYTES):
            raise RagError(
                "there is no place for more feedback; your browser keeps your vote, and the operator can keep the "
                "lines elsewhere (rag feedback) and remove them"
            )


def saved(settings: Settings) -> Iterator[str]:
    """Yield the lines, oldest first.

    Args:
        settings: Where the library is.

    Raises:
        RagError: They cannot be read.
    """
    if settings.database is not None:
        from rag.users.shared import SharedFeedback, SharedTables

        with SharedTables(settings.database.get_secret_value()) as tables:
            yield from SharedFeedback(tables).lines()
        return
    path = feedback_path(settings.store)
    try:
        with path.open(encoding="utf-8", errors="surrogatepass") as file:
            yield from (line.rstrip("\n") for line in file)
    except FileNotFoundError:
        return
    except OSError as error:
        raise RagError(f"{path} cannot be read: {error.strerror}; check its permissions") from error


def _append(path: Path, line: str) -> None:
    try:
        with _writing, path.open("a", encoding="utf-8", errors="surrogatepass") as file:
            if file.tell() + len(line) > MOST_BYTES:
                raise RagError(
                    "the feedback file is full; your browser keeps your vote, and the operator can move the file"
                )
            file.write(line)
    except OSError as error:
        raise RagError(
            f"the feedback cannot be written to {path}: {error.strerror}; free the disk or the file"
        ) from error


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
