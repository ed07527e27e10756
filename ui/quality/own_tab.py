"""The part of the Quality tab where readers make questions about their own library, one by one."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from typing import Any

import gradio as gr

from rag import Engine, RagError
from ui.chat.conversations import new_id
from ui.quality import own_view as show
from ui.quality.own import OwnQuestions
from ui.quality.propose import Proposal, proposals

log = logging.getLogger(__name__)
_PATIENCE = 30.0  # seconds to look for one question
_FAULT = "Something went wrong inside Dateline; its log says what."
_NONE = "No question was found. Look again, or write one yourself."


class Proposing:
    """What one reader is deciding on; it stays on the server, so that the browser sends words only, never a place."""

    def __init__(self) -> None:
        self.card = ""  # the id of the card that is shown; empty if there is none
        self.question = self.answer = ""  # as they are shown in it
        self.proposal: Proposal | None = None  # what the card is about; None for a question of the reader's own
        self._found: Iterator[Proposal | None] | None = None
        self._looking = threading.Lock()

    def look(self, engine: Engine) -> None:
        """Find the next question that an article answers; there is none afterwards if nothing was found in time.

        Raises:
            RagError: The library or the model failed.
        """
        if not self._looking.acquire(blocking=False):  # two clicks; the first one finds it
            return
        try:
            self._found = self._found or proposals(engine)
            until = time.monotonic() + _PATIENCE
            self.close()
            for found in self._found:
                if found:
                    self.open(found)
                if found or time.monotonic() > until:
                    return
            self._found = None  # from the beginning at the next click
        finally:
            self._looking.release()

    def open(self, proposal: Proposal | None = None) -> None:
        """Put up a proposal, or an empty card."""
        self.card, self.proposal = new_id(), proposal
        self.question, self.answer = (proposal.question, proposal.answer) if proposal else ("", "")

    def close(self) -> None:
        """Put the card away."""
        self.card, self.proposal = "", None


class OwnDesk:
    """The event handlers; the kept questions are shared by all readers, what is being decided is each reader's own."""

    def __init__(self, engine: Engine, own: OwnQuestions) -> None:
        self.engine = engine
        self.own = own

    def html(self, reader: Proposing | None = None, said: str = "", *, bad: bool = False) -> str:
        """Return the part as it is now."""
        try:
            kept = self.own.listed()
        except RagError as error:
            return show.own((), "", str(error), bad=True)
        card = ""
        if reader and reader.card:
            card = show.card(reader.card, reader.question, reader.answer, reader.proposal)
        return show.own(kept, card, said, bad=bad)

    def on_own(self, reader: Proposing | None, event: gr.EventData) -> Iterator[tuple[Any, ...]]:
        """Handle a click or a submitted form; what takes long is preceded by a line that says so."""
        reader = reader or Proposing()
        data = dict(event._data or {})
        said, bad = "", False
        try:
            said, looks = self._decide(reader, data)
            if looks:
                yield reader, show.own(self.own.listed(), show.looking(), said)
                reader.look(self.engine)
                said = said if reader.card else f"{said} {_NONE}".strip()
        except RagError as error:
            said, bad = str(error), True
        except Exception:  # a bug must not leave the page without an answer
            log.exception("the questions could not do %s", data.get("do"))
            said, bad = _FAULT, True
        yield reader, self.html(reader, said, bad=bad)

    def _decide(self, reader: Proposing, data: dict[str, Any]) -> tuple[str, bool]:
        """Do what was clicked; return what to say of it, and whether to look for the next question."""
        match data.get("do"):
            case "propose":
                reader.close()
                return "", True
            case "keep" if reader.card and data.get("card") == reader.card:
                reader.question, reader.answer = str(data.get("question", "")), str(data.get("answer", ""))
                made_from = reader.proposal
                self.own.keep(reader.question, reader.answer, made_from.sentence if made_from else None)
                reader.close()
                return "Kept.", made_from is not None
            case "write":
                reader.open()
            case "end":
                reader.close()
            case "forget":
                self.own.forget(str(data.get("question", "")))
                return "Deleted.", False
        return "", False
