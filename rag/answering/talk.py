"""What is said to messages that are not about the articles."""

from __future__ import annotations

TALK = "talk"  # the `model` of answers to messages that ask nothing
_TRY = (
    "Try “What are the main topics?”, “Summarize the article about …”, or a question about what happened, "
    "such as who, when, how many or why."
)
HELLO = f"Hello. I answer questions about the articles in this library, with the sentences that say so. {_TRY}"
THANKS = "You are welcome. Ask on about the articles whenever you like."
HELP = (
    "I answer from the articles in this library alone: each statement comes with the sentence that it rests on, and "
    f"where the articles do not say, I say so. {_TRY} You can add your own articles in the library."
)
SORRY = (
    "I am sorry that I was of no help. I know only what the articles in this library say, and I answer only where I "
    f"find a sentence for it. {_TRY}"
)
NO_ANSWER_YET = f"Nothing was asked before that I could go back to. Ask a question about the articles first. {_TRY}"
NO_ANSWER_LAST = (
    "I found no answer to the last question in the articles, so there is nothing more to say or to show. Ask it in "
    "other words, or ask about something else."
)
