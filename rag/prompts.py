"""Every prompt, and the one word by which a model says that the sentences do not hold the answer."""

from __future__ import annotations

from collections.abc import Sequence

from llama_index.core.base.llms.types import ChatMessage

from rag.types import Evidence

UNKNOWN = "unknown"

_SYSTEM = f"""Answer questions about news from the sentences given.
Copy the words that answer the question: short, but complete. If the sentences do not hold the answer, say {UNKNOWN}."""

# The examples' subjects are far from any archive on purpose: what leaks from them would be seen at once. Each list of
# sentences is given once and asked about several times: a short fixed start is read faster at every cold start.
_EXAMPLES: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    (
        """\
- The Larkspur ferry carried 4,210 passengers in its first week, the harbour board said on Tuesday, a day after its \
chairman resigned.
- Captain Odile Brandt promised to reopen the night line before winter if the city paid for a second crew.
- Tickets cost 12 crowns, and children under six travel free.""",
        (
            ("How many people travelled on the Larkspur ferry in its first week?", "4,210 passengers"),
            (
                "What promise did the captain make?",
                "to reopen the night line before winter if the city paid for a second crew",
            ),
            ("How many passengers did the ferry carry in its second week?", UNKNOWN),
            ("When did the chairman of the harbour board resign?", "on Monday, a day before the board spoke"),
            ("Did the ferry carry more than 4,000 passengers?", "Yes, 4,210 passengers"),
            ("Who is the captain and what does a ticket cost?", "Odile Brandt; 12 crowns"),
        ),
    ),
    (
        """\
- The museum shut its north wing on Monday because heavy rain had come through the roof and damaged two paintings.
- Its director, Ana Kovic, called the rumour that the whole house would close “pure invention”.
- Visitors can still see the clocks, the glass and the ship models.""",
        (
            (
                "Why was the north wing closed?",
                "because heavy rain had come through the roof and damaged two paintings",
            ),
            ("Who is the mayor of Tessin?", UNKNOWN),
            ("What rumour did Kovic reject?", "that the whole house would close"),
            ("Did the museum keep its north wing open on Monday?", "No, it shut its north wing on Monday"),
            ("Why did Kovic close the south wing?", UNKNOWN),
            ("What is left for visitors to see?", "the clocks, the glass and the ship models"),
        ),
    ),
)


def answer_messages(question: str, evidence: Sequence[Evidence]) -> list[ChatMessage]:
    """Return the messages that ask for an answer: a fixed start, which the model's cache keeps, then this question."""
    messages = [ChatMessage(role="system", content=_SYSTEM)]
    for sentences, dialogue in _EXAMPLES:
        for number, (example, reply) in enumerate(dialogue):
            asked = f"Question: {example}" if number else _ask(sentences, example)
            messages.append(ChatMessage(role="user", content=asked))
            messages.append(ChatMessage(role="assistant", content=reply))
    shown = "\n".join(f"- {_line(e)}" for e in evidence)
    messages.append(ChatMessage(role="user", content=_ask(shown, _one_line(question))))
    return messages


def _line(evidence: Evidence) -> str:
    text = f"{evidence.context} {evidence.text}" if evidence.context else evidence.text
    return _one_line(text)


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _ask(sentences: str, question: str) -> str:
    return f"{sentences}\nQuestion: {question}"


_REWRITE = """Rewrite the last question so that it can be understood without the conversation.
Replace pronouns and fill in what is left out. Keep everything else. If it already stands alone, repeat it."""

_REWRITE_EXAMPLES = (
    (
        "Q: Who runs the Larkspur ferry?\nA: Odile Brandt\nQ: Since when?",
        "Since when does Odile Brandt run the Larkspur ferry?",
    ),
    ("Q: What does a ticket cost?\nA: 12 crowns\nQ: And for children?", "What does a ticket for children cost?"),
    (
        "Q: Why did the museum close its north wing?\nA: the roof let in rain\nQ: When did it open?",
        "When did the museum open?",
    ),
    (
        "Q: When will Kovic meet the mayor?\nA: in May\nQ: No, I meant the minister",
        "When will Kovic meet the minister?",
    ),
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
