"""Every prompt, and the word with which a model says that the sentences do not contain the answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rag.language.characters import usual
from rag.language.questions import Form
from rag.models.messages import message
from rag.types import Evidence

if TYPE_CHECKING:
    from llama_index.core.base.llms.types import ChatMessage

UNKNOWN = "unknown"

_FERRY = """\
- The Larkspur ferry carried 4,210 passengers in its first week, the harbour board said on Tuesday, a day after its \
chairman resigned.
- Captain Odile Brandt promised to reopen the night line before winter if the city paid for a second crew.
- Tickets cost 12 crowns, and children under six travel free."""
_STRIKE = """\
- The board's answer was taken as an insult in the port, leading to a strike of the crews, who saw it as one more \
broken promise.
- Captain Odile Brandt promised to reopen the night line before winter if the city paid for a second crew.
- “We never expected so many guests, because it rained all week,” Brandt said."""
_MUSEUM = """\
- The museum shut its north wing on Monday because heavy rain had come through the roof and damaged two paintings.
- Its director, Ana Kovic, called the rumour that the whole house would close “pure invention”.
- Visitors can still see the clocks, the glass and the ship models."""
_CAFE = f"""\
{_MUSEUM}
- Its café has been slow to reopen, amid a lack of cooks and a broken oven."""
_LETTER = """\
- The museum shut its north wing on Monday because heavy rain had come through the roof.
- Its director, Ana Kovic, refused to see the mayor before the roof was mended, and made no mention of the ship models.
- The mayor apologised only after the papers had printed her letter."""

# The instructions and examples for each form of question. The subjects of the examples are deliberately unlike any
# archive, so that anything that leaks from them is easy to notice. Each list of sentences is given once and used for
# several questions, because a short fixed start is read faster at every cold start.
_Dialogue = tuple[str, tuple[tuple[str, str], ...]]
_PROMPTS: dict[Form, tuple[str, tuple[_Dialogue, ...]]] = {
    Form.SHORT: (
        f"""Answer questions about news from the sentences given.
Copy the words that answer the question: short, but complete. If the sentences do not hold the answer, say \
{UNKNOWN}.""",
        (
            (
                _FERRY,
                (
                    ("How many people travelled on the Larkspur ferry in its first week?", "4,210 passengers"),
                    (
                        "What promise did the captain make?",
                        "to reopen the night line before winter if the city paid for a second crew",
                    ),
                    ("How many passengers did the ferry carry in its second week?", UNKNOWN),
                    ("When did the chairman of the harbour board resign?", "on Monday, a day before the board spoke"),
                    ("Who is the captain?", "Odile Brandt"),
                    ("And what does a ticket cost?", "12 crowns"),
                ),
            ),
            (
                _MUSEUM,
                (
                    (
                        "Which wing of the museum is closed because of the rain?",
                        "its north wing",
                    ),
                    ("Who is the mayor of Tessin?", UNKNOWN),
                    ("What rumour did Kovic reject?", "that the whole house would close"),
                    ("Which wing did Kovic shut on Friday?", UNKNOWN),
                    ("What is left for visitors to see?", "the clocks, the glass and the ship models"),
                ),
            ),
        ),
    ),
    Form.OPEN: (
        f"""Answer questions about news from the sentences given. Copy the whole part of the sentence that answers the \
question, every word of it. If the sentences do not hold the answer, say {UNKNOWN}.""",
        (
            (
                _STRIKE,
                (
                    (
                        "What promise did the captain make?",
                        "to reopen the night line before winter if the city paid for a second crew",
                    ),
                    (
                        "Why did the crews strike?",
                        "The board's answer was taken as an insult in the port, leading to a strike of the crews, who "
                        "saw it as one more broken promise",
                    ),
                    ("Why did the mayor resign?", UNKNOWN),
                    (
                        "What did Brandt say about the guests?",
                        "“We never expected so many guests, because it rained all week,”",
                    ),
                ),
            ),
            (
                _CAFE,
                (
                    (
                        "Why was the north wing closed?",
                        "because heavy rain had come through the roof and damaged two paintings",
                    ),
                    ("Why is the café still shut?", "amid a lack of cooks and a broken oven"),
                    (
                        "What did Kovic say about the rumour?",
                        "called the rumour that the whole house would close “pure invention”",
                    ),
                    ("What did Kovic say about the mayor?", UNKNOWN),
                    ("Why did Kovic close the south wing?", UNKNOWN),
                ),
            ),
        ),
    ),
    Form.YES_NO: (
        f"""Answer questions about news from the sentences given. Say yes or no, then copy the words that show it. \
What was refused, denied or not done is a no. If the sentences do not tell, say {UNKNOWN}.""",
        (
            (
                _FERRY,
                (
                    ("Did the ferry carry more than 4,000 passengers in its first week?", "Yes, 4,210 passengers"),
                    ("Do children of five pay for the ferry?", "No, children under six travel free"),
                    ("Has the ferry been sold?", UNKNOWN),
                    (
                        "Did the captain promise to reopen the night line?",
                        "Yes, promised to reopen the night line before winter",
                    ),
                ),
            ),
            (
                _LETTER,
                (
                    (
                        "Did Kovic meet the mayor before the roof was mended?",
                        "No, refused to see the mayor before the roof was mended",
                    ),
                    ("Did Kovic speak of the ship models?", "No, made no mention of the ship models"),
                    (
                        "Did the mayor apologise before the letter was printed?",
                        "No, apologised only after the papers had printed her letter",
                    ),
                    ("Was the north wing shut because of rain?", "Yes, because heavy rain had come through the roof"),
                    ("Did Kovic close the south wing?", UNKNOWN),
                ),
            ),
        ),
    ),
}


def answer_messages(
    question: str,
    evidence: Sequence[Evidence],
    form: Form,
    earlier: Sequence[tuple[str, str]] = (),
    without: Sequence[Evidence] = (),
) -> list[ChatMessage]:
    """Return the messages that ask for an answer: a fixed start, which the model's cache keeps, then this question.

    Args:
        question: What to answer.
        evidence: The sentences to answer it from.
        form: The question's form, which selects the fixed start.
        earlier: Parts of the same question that were answered already, with the model's replies.
        without: Sentences shown to the model earlier, in which it did not find the answer.
    """
    messages = answer_start(form)
    if without:
        messages.append(message(role="user", content=_ask(_lines(without), one_line(question))))
        messages.append(message(role="assistant", content=UNKNOWN))
    asked = _ask(_lines(evidence), one_line(earlier[0][0] if earlier else question))
    for number, (_, said) in enumerate(earlier, 1):
        messages.append(message(role="user", content=asked))
        messages.append(message(role="assistant", content=one_line(said)))
        asked = f"Question: {one_line(earlier[number][0] if number < len(earlier) else question)}"
    return [*messages, message(role="user", content=asked)]


def answer_start(form: Form) -> list[ChatMessage]:
    """Return the fixed start of all prompts for this form of question."""
    system, examples = _PROMPTS[form]
    messages = [message(role="system", content=system)]
    for sentences, dialogue in examples:
        for number, (example, reply) in enumerate(dialogue):
            asked = f"Question: {example}" if number else _ask(sentences, example)
            messages.append(message(role="user", content=asked))
            messages.append(message(role="assistant", content=reply))
    return messages


def _lines(evidence: Sequence[Evidence]) -> str:
    return "\n".join(f"- {one_line(e.in_context)}" for e in evidence)


def one_line(text: str) -> str:
    """Return text on one line, so that nothing in it looks like a part of the prompt."""
    return " ".join(usual(text).split())


def _ask(sentences: str, question: str) -> str:
    return f"{sentences}\nQuestion: {question}"


_SPEAKS = "Does the sentence speak of this, in these or other words? Say yes or no."

_SPEAKS_EXAMPLES = (
    (
        "The Larkspur ferry carried 4,210 passengers in its first week, the harbour board said on Tuesday, a day after "
        "its chairman resigned.",
        "travellers: yes; trains: no; boat: yes; crew: no; quit: yes; children: no; transported: yes; cargo: no",
    ),
    (
        "The museum shut its north wing on Monday because heavy rain had come through the roof and damaged two "
        "paintings.",
        "closed: yes; snow: no; artworks: yes; reason: yes; sculptures: no; opened: no; building: yes; library: no; "
        "storm: yes; visitors: no",
    ),
)


def speaks_start() -> list[ChatMessage]:
    """Return the fixed start of all prompts that ask whether a sentence mentions something."""
    messages = [message(role="system", content=_SPEAKS)]
    for sentence, replies in _SPEAKS_EXAMPLES:
        for number, pair in enumerate(replies.split("; ")):
            word, reply = pair.split(": ")
            asked = f"Speaks of: {word}" if number else _of(sentence, word)
            messages.append(message(role="user", content=asked))
            messages.append(message(role="assistant", content=reply))
    return messages


def speaks_messages(sentence: str, word: str) -> list[ChatMessage]:
    """Return the messages that ask, yes or no, whether a sentence mentions what a word means."""
    return [*speaks_start(), message(role="user", content=_of(sentence, word))]


def _of(sentence: str, word: str) -> str:
    return f"Sentence: {one_line(sentence)}\nSpeaks of: {word}"


_REWRITE = """Make follow-up questions complete. Write the follow-up as one question that can be understood alone: put \
names in the place of he, she, it, they, that, there, and add what is left out. Do not answer it."""

_REWRITE_EXAMPLES = (
    ("Who runs the night ferry?", "Odile Brandt", "Since when?", "Since when does Odile Brandt run the night ferry?"),
    ("What does a ticket cost?", "12 crowns", "And for children?", "What does a ticket for children cost?"),
    (
        "Why did the museum close its north wing?",
        "because the roof let in rain",
        "When did it open again?",
        "When did the museum open its north wing again?",
    ),
    ("When will Kovic meet the mayor?", "in May", "No, I meant the minister", "When will Kovic meet the minister?"),
    (
        "What did Brandt promise the crews?",
        "to reopen the night line",
        "And would that be soon, according to her deputy?",
        "Would Odile Brandt reopen the night line soon, according to her deputy?",
    ),
    ("Which paper accused the mayor?", "the Tessin Post", "Who owns it?", "Who owns the Tessin Post?"),
    (
        "What did the mayor say about the strike?",
        "it was a pity",
        "How did the crews feel about that?",
        "How did the crews feel about what the mayor said about the strike?",
    ),
    (
        "What was the night line?",
        "a ferry that ran until two",
        "What were those passengers paying?",
        "What were the passengers of the night line paying?",
    ),
    ("Where was the fair held?", "in Tessin", "Who won its prize?", "Who won the prize of the fair in Tessin?"),
)


def rewrite_start() -> list[ChatMessage]:
    """Return the fixed start of all prompts that turn a follow-up into a stand-alone question."""
    messages = [message(role="system", content=_REWRITE)]
    for question, answer, follow_up, whole in _REWRITE_EXAMPLES:
        messages.append(message(role="user", content=_conversation([(question, answer)], follow_up)))
        messages.append(message(role="assistant", content=whole))
    return messages


def rewrite_messages(history: Sequence[tuple[str, str]], question: str) -> list[ChatMessage]:
    """Return the messages that ask for the stand-alone form of a follow-up.

    Args:
        history: Earlier (question, answer) pairs, oldest first; the answer is empty where there was none.
        question: The follow-up.
    """
    return [*rewrite_start(), message(role="user", content=_conversation(history, question))]


def _conversation(history: Sequence[tuple[str, str]], question: str) -> str:
    turns = [f"Question: {one_line(q)}" + (f"\nAnswer: {one_line(a)}" if a else "") for q, a in history]
    return "\n".join([*turns, f"Follow-up: {one_line(question)}"])
