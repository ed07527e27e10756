"""Every prompt, and the one word by which a model says that the sentences do not hold the answer."""

from __future__ import annotations

from collections.abc import Sequence

from llama_index.core.base.llms.types import ChatMessage

from rag.types import Evidence

UNKNOWN = "unknown"

_SYSTEM = f"""You answer questions about news articles from the numbered sentences only.
Answer with the shortest words of the sentences that answer the whole question. No explanations.
If the sentences do not say exactly what is asked, answer: {UNKNOWN}"""

# The examples' subjects are far from any archive on purpose: what leaks from them would be seen at once.
_EXAMPLES = (
    (
        "[1] The Larkspur ferry carried 4,210 passengers in its first week, the harbour board said.\n"
        "[2] Tickets cost 12 crowns, and children under six travel free.\n"
        "[3] “We never expected so many,” captain Odile Brandt told the Harbour Post.",
        "How many people did the Larkspur ferry carry in its first week?",
        "4,210",
    ),
    (
        "[1] The Larkspur ferry carried 4,210 passengers in its first week, the harbour board said.\n"
        "[2] Tickets cost 12 crowns, and children under six travel free.",
        "How many passengers did the Larkspur ferry carry in its second week?",
        UNKNOWN,
    ),
    (
        "[1] The museum shut its north wing on Monday because the roof had let in rain.\n"
        "[2] Visitors may still see the clocks, the glass and the ship models.",
        "Why was the north wing of the museum closed?",
        "because the roof had let in rain",
    ),
    (
        "[1] Visitors may still see the clocks, the glass and the ship models.\n"
        "[2] Director Ana Kovic will show the mayor of Tessin the repairs in May.",
        "What can visitors still see?",
        "the clocks, the glass and the ship models",
    ),
    (
        "[1] Director Ana Kovic will show the mayor of Tessin the repairs in May.\n"
        "[2] The museum opened in 1931.",
        "Who is the mayor of Tessin?",
        UNKNOWN,
    ),
    (
        "[1] The museum shut its north wing on Monday because the roof had let in rain.\n"
        "[2] The museum opened in 1931.",
        "Did the museum close its north wing?",
        "Yes",
    ),
)


def answer_messages(question: str, evidence: Sequence[Evidence]) -> list[ChatMessage]:
    """Return the messages that ask for an answer: a fixed start, which the model's cache keeps, then this question."""
    messages = [ChatMessage(role="system", content=_SYSTEM)]
    for sentences, example, reply in _EXAMPLES:
        messages.append(ChatMessage(role="user", content=_ask(sentences, example)))
        messages.append(ChatMessage(role="assistant", content=reply))
    shown = "\n".join(f"[{e.rank}] {_line(e)}" for e in evidence)
    messages.append(ChatMessage(role="user", content=_ask(shown, _one_line(question))))
    return messages


def _line(evidence: Evidence) -> str:
    text = f"{evidence.context} {evidence.text}" if evidence.context else evidence.text
    return _one_line(text)


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _ask(sentences: str, question: str) -> str:
    return f"Sentences:\n{sentences}\n\nQuestion: {question}"


_REWRITE = """Rewrite the last question so that it can be understood without the conversation.
Replace pronouns and fill in what is left out. Keep everything else. If it already stands alone, repeat it."""

_REWRITE_EXAMPLES = (
    ("Q: Who runs the Larkspur ferry?\nA: Odile Brandt\nQ: Since when?", "Since when does Odile Brandt run the Larkspur ferry?"),
    ("Q: What does a ticket cost?\nA: 12 crowns\nQ: And for children?", "What does a ticket for children cost?"),
    ("Q: Why did the museum close its north wing?\nA: the roof let in rain\nQ: When did it open?", "When did the museum open?"),
    ("Q: When will Kovic meet the mayor?\nA: in May\nQ: No, I meant the minister", "When will Kovic meet the minister?"),
    ("Q: What did Brandt say?\nA: We never expected so many\nQ: How old is the museum?", "How old is the museum?"),
)


def rewrite_messages(history: Sequence[tuple[str, str]], question: str) -> list[ChatMessage]:
    """Return the messages that ask for the stand-alone form of a follow-up.

    Args:
        history: Earlier (question, answer) pairs, oldest first.
        question: The follow-up.
    """
    messages = [ChatMessage(role="system", content=_REWRITE)]
    for conversation, rewritten in _REWRITE_EXAMPLES:
        messages.append(ChatMessage(role="user", content=conversation))
        messages.append(ChatMessage(role="assistant", content=rewritten))
    turns = [f"Q: {_one_line(q)}\nA: {_one_line(a)}" for q, a in history]
    messages.append(ChatMessage(role="user", content="\n".join([*turns, f"Q: {_one_line(question)}"])))
    return messages
