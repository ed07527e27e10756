"""Articles that are hard to show, and a chat whose answer to each question is a sentence of one of them."""

from __future__ import annotations

from collections.abc import Iterator

from samples import citation, make_answer, related

from rag import Answer, Chat, Engine, Filters

MARKDOWN = """\
# The **swing bridge** opens again

The *council* of [Harborough](https://example.org/council) voted to reopen the **swing bridge**,
which has been closed since a storm.

## What it costs

- Repairs cost **4.2 million** euros.
- The county pays half.

> We have waited for years.

| Part | Euros |
|------|-------|
| Bridge | 4 million |
| Pier | 200,000 |

<b id="injected">x</b> [bad](javascript:alert(1))
"""
MAIL = """\
A ferry stops

Dear readers,

the ferry to Eidsund stopped on Monday, because its engine had to be
taken out. The company said that repairs would take nine weeks, and
that a bus would run instead. Tickets stay valid.

Ada wrote:
> I was on board. The engine stopped in the middle of the sound, and
> nobody told us anything for an hour.

Best wishes
The editors
"""
ARABIC = """\
(AFP) إعادة فتح الجسر في هاربورو

(AFP) - صوت مجلس مدينة هاربورو يوم الثلاثاء على إعادة فتح الجسر المتحرك. كلف الإصلاح 4.2 مليون يورو.

ستعود العبارة Eidsund في الصيف.
"""
HEBREW = """\
הגשר נפתח מחדש

מועצת העיר החליטה ביום שלישי לפתוח מחדש את הגשר. התיקון עלה 4.2 מיליון אירו.
"""
DATED = """\
---
title: تأخر العبارة
date: 2024-07-12
source: صحيفة الميناء
---
قال رئيس البلدية إن العبارة ستعود في الخريف.
"""
DOCUMENTS = {"bridge.md": MARKDOWN, "ferry.txt": MAIL, "arabic.txt": ARABIC, "hebrew.txt": HEBREW, "dated.md": DATED}
# By the question: the article, the cited sentence, and the answer.
ANSWERS = {
    "What did the council decide?": (
        "bridge.md",
        "The *council* of [Harborough](https://example.org/council) voted to reopen the **swing bridge**,\n"
        "which has been closed since a storm.",
        "The *council* voted to reopen the **swing bridge** [1]",
    ),
    "How long do the repairs take?": (
        "ferry.txt",
        "The company said that repairs would take nine weeks, and\nthat a bus would run instead.",
        "Nine weeks [1]",
    ),
    "كم كلف الجسر؟": ("arabic.txt", "كلف الإصلاح 4.2 مليون يورو.", "كلف الإصلاح 4.2 مليون يورو [1]"),
    "כמה עלה התיקון?": ("hebrew.txt", "התיקון עלה 4.2 מיליון אירו.", "התיקון עלה 4.2 מיליון אירו [1]"),
    "متى تعود العبارة؟": ("dated.md", "قال رئيس البلدية إن العبارة ستعود في الخريف.", "في الخريف [1]"),
}
REFUSED = "من فاز؟"


class ReadingChat(Chat):
    """Gives these answers, and a refusal with related passages for `REFUSED`."""

    def stream(self, question: str, filters: Filters | None = None) -> Iterator[str | Answer]:
        documents = {source.source: self.engine.document(source.id) for source in self.engine.sources()}
        if question == REFUSED:
            passages = [related(documents[name], quote) for name, quote, _ in list(ANSWERS.values())[1:4]]
            yield make_answer(question, "المقالات لا تذكر ذلك.", related=tuple(passages))
            return
        name, quote, text = ANSWERS[question]
        yield make_answer(question, text, [citation(1, documents[name], quote, 0.9)])


def reading_chat(engine: Engine, history: list[tuple[str, str]]) -> ReadingChat:
    """Return a conversation that gives these answers."""
    return ReadingChat(engine, history)
