"""Word a supported statement as its sentence does; give the whole sentence where a part would mislead."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence

from rag.language.opposites import denies, says_no, unsettled
from rag.language.questions import Form, asks_reason, asks_time, form, main_clause
from rag.language.readable import readable
from rag.language.words import content_terms, fold, names
from rag.language.words import words as words_of
from rag.models.prompts import UNKNOWN
from rag.types import Evidence

MARKERS = re.compile(r"\s*[\[【(]\s*(\d{1,3}(?:\s*[,;]\s*\d{1,3})*)\s*[\]】)]")
YES_NO = re.compile(r"(yes|no)\b[.,:;!]*\s*", re.IGNORECASE)
YES, NO = (re.compile(rf"\s*{word}\b", re.IGNORECASE) for word in ("yes", "no"))
NAME = r"[^\W\d_a-z][\w'’.-]*(?: (?:(?:de|del|da|la|van|von|al|bin) )*[^\W\d_a-z][\w'’.-]*)*"
_NAMES = re.compile(rf"{NAME}(?:, {NAME})*,? and {NAME}(?!\w)")
_BETWEEN = re.compile(r",? and |, ")
# A question about a single one of them, or one that does not ask who or which.
_OF_ONE = re.compile(r"(?!.*\b(?:who|whom|which)\b)|.*\b(?:who|which \w+) (?:is|was)\b|.*'s\b")
_BESIDE = re.compile(r"\b(?:after|before|when|as|since|until|following)\b")
_WORD = re.compile(r"\d+(?:[.,]\d+)*|\w+")
_LIMIT = re.compile(
    r"(?:\b(?i:(?:more|less|fewer) than|at least|at most|up to|about|around|nearly|almost|over|under|some|roughly"
    r"|approximately|an estimated)\s+)?(?:(?:\b[A-Z]{1,3}\s?)?[$€£¥₹]\s?|\b(?:USD|EUR|GBP|JPY|INR|CHF)\s)?$"
)
_SCALE = re.compile(r"(?:[.,]\d+)?(?:\s?%|\s?(?:percent|per cent|hundred|thousand|million|billion|trillion)\b)?")
# Words that cannot end a phrase: "a day after".
_DANGLING = re.compile(
    r"\b(?:a|an|the|after|before|of|to|in|on|at|by|for|from|with|since|until|because|that|and|or|than|as|under|over"
    r"|between)\W*$",
    re.IGNORECASE,
)
_MAX_SENTENCE = 600  # longest sentence, in characters, that is given whole
_MISSPELT = 0.85  # similarity (difflib) above which an unknown name counts as a misspelt name from the sentences


def tidied(text: str, evidence: Sequence[Evidence]) -> str:
    """Return a model's words without its markers and remarks, with names spelt as in the sentences."""
    return _respelt(_clean(text), evidence)


def given(statement: str, question: str, sentences: Sequence[Evidence], unsure: bool) -> tuple[str, bool] | None:
    """Return the words in which a statement is shown, and whether they are the whole first sentence.

    None if it cannot be shown, such as a yes to what the sentences leave open.

    Args:
        statement: A statement that the sentences support.
        question: The stand-alone question.
        sentences: The sentences that support it, best first.
        unsure: Whether the model may have picked the wrong words from the sentence.
    """
    asked_for, best = form(question), sentences[0]
    words = _verbatim(statement.strip(), [e.text for e in sentences])
    if asked_for is Form.SHORT:
        words = _with_the_others(words, best.text, question)
    told = YES_NO.sub("", words, count=1)
    says_both = says_no(told) and not says_no(question)  # "Yes, tested negative"
    asked, held = set(content_terms(question)), set(content_terms(best.in_context))
    main = set(content_terms(main_clause(question)))
    no_time = set(content_terms(told)) <= asked and not asked - main <= held  # "Yes, stayed afloat", but when?
    untold = no_time or (YES.match(words) and (says_both or unsettled(question, best.in_context)))
    if asked_for is Form.YES_NO and untold:
        # A sentence that has nearly everything asked about is worth showing without the yes.
        lacking = main - held
        sentence = _whole(words, best.text) if len(lacking) <= 1 else None
        return (sentence, True) if sentence else None
    if asked_for is Form.YES_NO and NO.match(words) and not denies(told):
        # The part that makes it a no was left out: "congratulated him (only after the vote)".
        sentence = _whole(words, best.text)
        words = f"No: {sentence}" if sentence and denies(sentence) else words
    misleads = (
        (unsure and len(sentences) == 1)
        or _DANGLING.search(words)
        or (asked_for is Form.OPEN and _tells_little(words, question))
        or _circular(words, question)
        or (asked_for is Form.SHORT and " or " not in question and set(content_terms(words)) <= asked)
    )
    if misleads and (sentence := _whole(words, best.text)):
        return sentence, True
    return words, False


def _verbatim(statement: str, sentences: Sequence[str]) -> str:
    """Return the statement with a sentence's spelling and punctuation, if the sentence has the same words in a row.

    A bare amount also regains its currency or limit: "310 million" becomes "US $310 million", "186,000" becomes
    "More than 186,000".
    """
    wanted = [fold(m.group()) for m in _WORD.finditer(statement)]
    for sentence in sentences:
        found = list(_WORD.finditer(sentence))
        row = [fold(m.group()) for m in found]
        for first in range(len(row) - len(wanted) + 1):
            if wanted and row[first : first + len(wanted)] == wanted:
                start, end = found[first].start(), found[first + len(wanted) - 1].end()
                if wanted[0][0].isdigit():
                    start = _LIMIT.search(sentence[:start]).start()  # type: ignore[union-attr]  # matches the empty end
                    end += _SCALE.match(sentence[end:]).end()  # type: ignore[union-attr]
                # Do not show half a pair of brackets.
                half = sentence[start:end].count(")") > sentence[start:end].count("(")
                start -= half and sentence[:start].endswith("(")
                words = " ".join(sentence[start:end].split())
                if MARKERS.search(words):
                    return statement  # the article's own brackets must not pass for markers
                # Keep the statement's closing punctuation.
                return (
                    words + statement[len(statement.rstrip(".!?\"”’')")) :]
                    if statement.endswith((".", "!", "?"))
                    else words
                )
    return statement


def _with_the_others(words: str, sentence: str, question: str) -> str:
    """Return a name with the others listed beside it: "Brandt and Kovic" for "Brandt" to "Who voted against it?"."""
    if _OF_ONE.match(fold(question)):
        return words
    asked = set(names(question))
    for listed in _NAMES.finditer(" ".join(sentence.split())):
        if words in _BETWEEN.split(listed.group()) and not asked & set(content_terms(listed.group())):
            return listed.group().rstrip(".")
    return words


def _circular(words: str, question: str) -> bool:
    """Return whether a time only refers to the event asked about: "after it was sent" to "When was it sent?"."""
    asked = set(content_terms(question))
    told = asked & set(content_terms(words))
    return asks_time(question) and bool(_BESIDE.search(fold(words))) and len(told) >= 0.6 * len(asked)


def _tells_little(words: str, question: str) -> bool:
    """Return whether these words need their whole sentence: the question asks for a reason, or they are few."""
    return asks_reason(question) or len(words.split()) < 4


def _whole(words: str, sentence: str) -> str | None:
    """Return the whole sentence that words are from; None if it adds nothing or cannot be shown."""
    plain = readable(sentence)
    return None if plain == words or MARKERS.search(plain) or len(plain) > _MAX_SENTENCE else plain


def _respelt(text: str, evidence: Sequence[Evidence]) -> str:
    """Return a model's words with misspelt names corrected from the sentences: `Norkraft` for `Norrkraft`."""
    said = {fold(word): word for e in evidence for word in words_of(e.in_context)}
    capitals = [folded for folded, word in said.items() if word[0].isupper()]
    for word in words_of(text):
        if word[0].isupper() and len(word) > 4 and fold(word) not in said:
            near = difflib.get_close_matches(fold(word), [c for c in capitals if c[0] == fold(word)[0]], 1, _MISSPELT)
            if near:
                text = re.sub(rf"\b{re.escape(word)}\b", said[near[0]], text)
    return text


def _clean(text: str) -> str:
    text = MARKERS.sub("", text.replace("**", ""))
    text = re.sub(r"^\s*(?:answer|a)\s*:\s*", "", text, flags=re.IGNORECASE)
    text = re.sub(rf"\s*[;,]\s*{UNKNOWN}\W*$", "", text, flags=re.IGNORECASE)
    return " ".join(text.split())
