"""Generate an archive of made-up news articles of any size from a seed, with questions whose answers are known.

The same seed gives the same bytes everywhere, and article 17 is the same in an archive of 100 as in one of 100,000.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import random
import re
from collections.abc import Iterator
from pathlib import Path

from bench.words import FACTS, HEADLINES, PATTERNS, WORDS, number_of

_VOWEL = re.compile(r"\b([Aa]) (?=[aeio]|u(?!ni|t))")  # before these letters "a" becomes "an"
# One sentence in this many states a similar fact about another place, so the wording alone cannot find the answer.
_ELSEWHERE = 400
FILES_IN_FOLDER = 1000  # a folder of 100,000 files is slow to list


@dataclasses.dataclass(frozen=True)
class Planted:
    """A question that exactly one sentence in the archive answers."""

    question: str
    source: str
    sentence: str


@dataclasses.dataclass(frozen=True)
class Article:
    """An article: its file name relative to the archive's folder, its text, and its planted question, if any."""

    source: str
    text: str
    planted: Planted | None = None


def articles(
    passages: int,
    *,
    seed: int = 1,
    per_article: int = 1,
    sentences: int = 4,
    questions: int = 200,
    headlines: bool = True,
) -> Iterator[Article]:
    """Yield the articles of an archive.

    Args:
        passages: The total number of passages.
        seed: A different seed gives a different archive.
        per_article: The number of passages in each article.
        sentences: The number of sentences in a passage; set chunk_sentences to the same number for ingest.
        questions: The number of articles with a planted sentence, spread evenly.
        headlines: Whether each article begins with a headline.
    """
    count = -(-passages // per_article)
    facts = {number: fact for fact, number in enumerate(_planted_in(count, questions))}
    for number in range(count):
        left = min(per_article, passages - number * per_article)
        article = _article(number, seed, left, sentences, facts.get(number))
        yield article if headlines else dataclasses.replace(article, text=article.text.partition("\n\n")[2])


def planted(passages: int, *, per_article: int = 1, questions: int = 200) -> list[str]:
    """Return the questions of an archive's planted sentences, without making the other articles; see `articles`."""
    count = -(-passages // per_article)
    found = []
    for fact, number in enumerate(_planted_in(count, questions)):
        article = _article(number, 1, min(per_article, passages - number * per_article), 4, fact)
        found += [article.planted.question] if article.planted else []
    return found


def _planted_in(count: int, questions: int) -> range:
    """Return the numbers of the articles with a planted sentence."""
    step = max(1, count // questions) if questions else count + 1
    return range(0, min(count, step * questions), step)


def write(folder: Path, passages: int, **options: int) -> list[Planted]:
    """Write an archive of txt files to a folder and the questions to FOLDER.jsonl beside it; return the questions.

    Args:
        folder: Created if missing. Existing files are overwritten if they have the same name, never removed.
        passages: The total number of passages.
        **options: Passed on to `articles`.
    """
    planted = []
    for article in articles(passages, **options):
        path = folder / article.source
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(article.text, encoding="utf-8", newline="")
        if article.planted:
            planted.append(article.planted)
    lines = (json.dumps(dataclasses.asdict(p), ensure_ascii=False) + "\n" for p in planted)
    folder.with_suffix(".jsonl").write_text("".join(lines), encoding="utf-8")
    return planted


def read_questions(folder: Path) -> list[Planted]:
    """Return the questions that `write` wrote beside a folder."""
    lines = folder.with_suffix(".jsonl").read_text(encoding="utf-8").splitlines()
    return [Planted(**json.loads(line)) for line in lines]


def _article(number: int, seed: int, passages: int, sentences: int, fact: int | None) -> Article:
    draw = random.Random(f"{seed}-{number}")
    source = f"{number // FILES_IN_FOLDER:04d}/article-{number:06d}.txt"
    # An article uses only a few names, as news articles do.
    names = {kind: draw.sample(WORDS[kind], 2) for kind in ("person", "place", "company")}
    said = [_sentence(draw, names) for _ in range(passages * sentences)]
    planted = None
    if fact is not None:
        sentence, question = _fact(fact, seed)
        said[draw.randrange(len(said))] = sentence
        planted = Planted(question, source, sentence)
    paragraphs = [" ".join(said[i : i + sentences]) for i in range(0, len(said), sentences)]
    headline = _fill(draw.choice(HEADLINES), draw, names)
    return Article(source, "\n\n".join([headline, *paragraphs]) + "\n", planted)


def _fact(number: int, seed: int) -> tuple[str, str]:
    """Return a sentence that occurs only once, and a question that it answers in other words."""
    draw = random.Random(f"{seed}-fact-{number}")
    sentence, question = FACTS[number % len(FACTS)]
    # Each fact has its own place; the other names occur all over the archive.
    values = {kind: draw.choice(WORDS[kind]) for kind in WORDS} | number_of(draw)
    values["place"] = WORDS["place"][number % len(WORDS["place"])]
    return sentence.format_map(values), question.format_map(values)


def _sentence(draw: random.Random, names: dict[str, list[str]]) -> str:
    if draw.randrange(_ELSEWHERE) == 0:
        return _fill(draw.choice(FACTS)[0], draw, {"place": WORDS["elsewhere"]})
    pattern = draw.choice(PATTERNS)
    sentence = _VOWEL.sub(r"\1n ", _fill(pattern, draw, names))
    return f"{sentence[0].upper()}{sentence[1:]}."


def _fill(pattern: str, draw: random.Random, names: dict[str, list[str]]) -> str:
    values = {kind: draw.choice(names.get(kind, words)) for kind, words in WORDS.items()}
    # A second word of the same kind in one sentence, as in "{adjective} {noun} ... {adjective2} {noun2}".
    values |= {f"{kind}2": draw.choice(WORDS[kind]) for kind in WORDS}
    return pattern.format_map(values | number_of(draw))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.archive", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--passages", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--per-article", type=int, default=1)
    parser.add_argument("--sentences", type=int, default=4)
    parser.add_argument("--questions", type=int, default=200)
    options = vars(parser.parse_args())
    folder = options.pop("folder")
    planted = write(folder, options.pop("passages"), **options)
    print(f"{folder}: written; {len(planted)} questions in {folder.with_suffix('.jsonl')}")


if __name__ == "__main__":
    main()
