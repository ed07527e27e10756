"""`python -m train.claims DATA OUT`: write the claims that the judge is fitted on.

DATA holds public sets, as `python -m train.sets` writes them: `raw/*.jsonl` with pairs of premise and hypothesis, and
`qa/*.squad.json` with questions in SQuAD's format. Four kinds of claims are made of them: the pairs as they are,
answers to questions (right ones, and other spans of the same passage), sentences changed by `train.cases`, and claims
with evidence from `train.scenes`.
OUT receives `fit.jsonl`, in the order in which it is read, easy claims first, and two files whose evidence is not in
it: `dev.jsonl` to watch the fit with, and `weigh.jsonl` for `train.support`.
"""

from __future__ import annotations

import difflib
import json
import random
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from rag.language.words import content_terms, split_sentences
from train.cases import FALSE, TRUE
from train.scenes import planned, spoken

_EVIDENCE_WORDS = 110
_PERSON = re.compile(r"\b[A-Z][a-z]+ [A-Z][a-z]+\b")
_TEXTS = {"bump", "fib_xsum_fib", "fib_xsum_factcc", "fib_xsum_fir", "fib_xsum_mfma", "boolq_dev", "condaqa_dev"}
_TALK = {"squadshifts_reddit.squad.json", "squadshifts_amazon.squad.json", "tweetqa.squad.json"}  # no articles
_DEV, _WEIGH = 120, 2000  # rows of each kind, and of the pairs, that are kept apart
# Share of each kind, and the most rows of one public set, so that none outweighs the rest.
_SHARES = {"pairs": 0.5, "answers": 0.06, "made": 0.18, "changed": 0.16, "scenes": 0.1}
_MOST = 500
_MORE = {
    "mnli_dev": 6000, "mnli_binary": 6000, "mnli_train": 2000, "snli_hard": 1200, "syntactic_swaps": 1500,
    "conjnli": 1500, "fever_binary": 3000, "med": 800, "fool_me_twice": 2400, "snli_counterfactual": 1400,
    "fever_symmetric": 1200, "condaqa_dev": 1200, "snli_dev": 1200, "eraser_fever": 3000, "paws_wiki": 4000,
    "fever_dev": 3000, "condaqa_test": 1500, "fib_xsum_fib": 1500, "fib_xsum_factcc": 1000, "bump": 1000,
    "boolq_dev": 1000, "boolq_train": 800, "breaking_nli": 600,
}  # fmt: skip


_EASY = {"mnli_dev", "snli_dev", "snli_counterfactual", "vitaminc_test_real", "elsewhere", "true"}
_PLAIN = {"snli_dev", "snli_counterfactual"}  # captions of pictures
_EASY_CHARS, _EASY_FIRST = 420, 2400


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim with evidence; the label is e (supported), c (contradicted), n (neither) or no (c or n).

    `wrong` has the spans of the words that make it wrong, where they are known.
    """

    claim: str
    evidence: str
    label: str
    question: str | None = None
    kind: str = ""
    wrong: tuple[tuple[int, int], ...] = ()


def read_claims(path: Path) -> list[Claim]:
    """Return the rows of a file that `main` wrote."""
    return [Claim(**row) for row in _rows(path)]


def _rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def pairs(rows: Sequence[dict[str, Any]], kind: str) -> Iterator[Claim]:
    """Yield the claims of a public set of pairs; long premises are cut to the sentences that share most words."""
    for row in rows:
        claim, label = " ".join(row["hypothesis"].split()), row["label"]
        evidence = nearest(" ".join(row["premise"].split()), claim)
        if 1 <= len(claim.split()) <= 45 and len(evidence.split()) >= 3:
            yield Claim(claim, evidence, label, row.get("question"), kind)


def nearest(text: str, claim: str) -> str:
    """Return the sentences of a text that share most words with a claim, in their order, up to a length."""
    if len(text.split()) <= _EVIDENCE_WORDS:
        return text
    wanted = set(content_terms(claim))
    sentences = split_sentences(text)
    shared = [len(wanted & set(content_terms(s))) for s in sentences]
    kept: set[int] = set()
    room = _EVIDENCE_WORDS
    for n in sorted(range(len(sentences)), key=lambda n: (-shared[n], n)):
        if (words := len(sentences[n].split())) <= room:
            kept.add(n)
            room -= words
    return " ".join(sentences[n] for n in sorted(kept))


def answers(path: Path, draw: random.Random) -> Iterator[Claim]:
    """Yield right and wrong answers to the questions of a set in SQuAD's format."""
    for article in json.loads(path.read_text(encoding="utf-8"))["data"]:
        for paragraph in article["paragraphs"]:
            yield from _of_paragraph(paragraph, path.name.split(".")[0], draw)


def _of_paragraph(paragraph: dict[str, Any], kind: str, draw: random.Random) -> Iterator[Claim]:
    text = paragraph["context"]
    places = _sentences(text)
    sentences = [text[a:b] for a, b in places]
    asked = paragraph["qas"]
    every = [qa["answers"][0] for qa in asked if qa.get("answers")]
    for qa in asked:
        question = " ".join(qa["question"].split())
        if qa.get("is_impossible") or not qa.get("answers"):
            for tempting in qa.get("plausible_answers", ())[:1]:
                at = _holding(places, tempting["answer_start"])
                claim = tempting["text"] if draw.random() < 0.6 else sentences[at]
                yield Claim(claim, _window(sentences, [at], draw), "no", question, kind)
            continue
        right = [answer["text"] for answer in qa["answers"]]
        at = _holding(places, qa["answers"][0]["answer_start"])
        evidence = _window(sentences, [at], draw)
        way = draw.random()
        if way < 0.35:
            yield Claim(right[0], evidence, "e", question, kind)
        elif way < 0.5:
            yield Claim(sentences[at], evidence, "e", question, kind)
        elif way < 0.75:
            others = [a for a in every if not any(_overlap(a["text"], r) for r in right)]
            if others:
                other = draw.choice(others)
                there = _holding(places, other["answer_start"])
                claim = other["text"] if draw.random() < 0.7 else sentences[there]
                if claim != sentences[at]:
                    yield Claim(claim, _window(sentences, [at, there], draw), "no", question, kind)
        elif way < 0.9:  # the answer is right, but to another question
            change = draw.choice(
                (FALSE["entity"], FALSE["time"], FALSE["number"], FALSE["opposite"], FALSE["opposite"])
            )[0]
            if (other_question := change(question, [*sentences, *(q["question"] for q in asked)], draw)) is not None:
                claim = right[0] if draw.random() < 0.7 else sentences[at]
                yield Claim(claim, evidence, "no", other_question, f"{kind}_question")
        else:  # the answer is right, but this evidence does not give it
            rest = [n for n, s in enumerate(sentences) if not any(r.lower() in s.lower() for r in right) and n != at]
            if rest:
                yield Claim(right[0], _window(sentences, [draw.choice(rest)], draw, at), "n", question, kind)


def made(texts: Sequence[str], draw: random.Random) -> Iterator[Claim]:
    """Yield claims that a program makes of sentences, about as many that hold as that do not."""
    seen: Counter[str] = Counter()
    for text in texts:
        sentences = [text[a:b] for a, b in _sentences(text)]
        usable = [n for n, s in enumerate(sentences) if 6 <= len(s.split()) <= 42 and s[0].isupper() and s[-1] in '.”"']
        for n in draw.sample(usable, min(len(usable), 6)):
            around = [s for m, s in enumerate(sentences) if m != n]
            claim, wanted = _whole(sentences, n, draw)
            for kept in draw.sample(sorted(TRUE), draw.choice((1, 2, 2))):
                claim = TRUE[kept](claim, around, draw) or claim
            if draw.random() < 0.07 and len(sentences) > 2:  # nothing here says so
                yield Claim(
                    claim,
                    _window(sentences, [draw.choice([m for m in range(len(sentences)) if m not in wanted])], draw, n),
                    "n",
                    None,
                    "elsewhere",
                )
                continue
            evidence = _window(sentences, wanted, draw)
            if draw.random() < 0.45:
                yield Claim(claim, evidence, "e", None, "true")
                continue
            # The rarer kinds first, so that all come up.
            for name in sorted(FALSE, key=lambda name: seen[name] + 5 * draw.random()):
                change, label = FALSE[name]
                if (wrong := change(claim, around, draw)) and wrong.lower() != claim.lower():
                    seen[name] += 1
                    yield Claim(wrong, evidence, label, None, name, _changed(claim, wrong))
                    break


def scenes(texts: Sequence[str], draw: random.Random) -> Iterator[Claim]:
    """Yield claims whose evidence a program wrote as well: who said what, and what is a plan and what a fact."""
    for text in texts:
        sentences = [text[a:b] for a, b in _sentences(text)]
        for name, make in (("attribution", spoken), ("attribution", spoken), ("modality", planned)):
            for claim, evidence, label, wrong in make(sentences, draw):
                at = claim.find(wrong)
                if len(evidence.split()) <= _EVIDENCE_WORDS + 20:
                    span = ((at, at + len(wrong)),) if wrong and at >= 0 else ()
                    yield Claim(claim, evidence, label, None, f"{name}_scene", span)


def _whole(sentences: Sequence[str], n: int, draw: random.Random) -> tuple[str, list[int]]:
    """Return a sentence and its number, sometimes joined with the next one, or with a name for its pronoun."""
    claim = sentences[n]
    people = _PERSON.findall(sentences[n - 1]) if n else []
    if (said := re.match(r"(?:He|She) (?=[a-z])", claim)) and len(set(people)) == 1 and draw.random() < 0.8:
        return f"{people[0]} {claim[said.end() :]}", [n - 1, n]
    after = sentences[n + 1] if n + 1 < len(sentences) else ""
    fits = re.match(r"(?:The|It|He|She|They|A|An|In|This) [a-z]", after) and len(f"{claim} {after}".split()) <= 42
    if fits and claim.endswith(".") and draw.random() < 0.25:
        return f"{claim[:-1]}{draw.choice((', and ', ' and ', ', while '))}{after[0].lower()}{after[1:]}", [n, n + 1]
    return claim, [n]


def changed(rows: Sequence[Claim], draw: random.Random) -> Iterator[Claim]:
    """Yield supported claims that people worded in their own way, changed by a program until they are wrong."""
    seen: Counter[str] = Counter()
    for row in rows:
        around = [*split_sentences(row.evidence), row.evidence]
        for name in sorted(FALSE, key=lambda name: seen[name] + 20 * draw.random()):
            change, label = FALSE[name]
            wrong = change(row.claim, around, draw)
            if wrong and wrong.lower() != row.claim.lower() and wrong not in row.evidence:
                seen[name] += 1
                yield Claim(wrong, row.evidence, label, row.question, name, _changed(row.claim, wrong))
                break


def _changed(before: str, after: str) -> tuple[tuple[int, int], ...]:
    """Return the spans of the words of a changed text that were not there before, or that words were taken from."""
    old, words = before.split(), list(re.finditer(r"\S+", after))
    new = [word[0] for word in words]
    found: list[tuple[int, int]] = []
    for how, _, _, first, last in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if how == "delete":
            first, last = max(0, first - 1), min(len(words), last + 1)
        if how != "equal" and first < last:
            found.append((words[first].start(), words[last - 1].end()))
    return tuple(found)


def _sentences(text: str) -> list[tuple[int, int]]:
    places, start = [], 0
    for sentence in split_sentences(text):
        start = text.index(sentence, start)
        places.append((start, start + len(sentence)))
        start += len(sentence)
    return places or [(0, len(text))]


def _holding(places: Sequence[tuple[int, int]], at: int) -> int:
    return next((n for n, (_, end) in enumerate(places) if at < end), len(places) - 1)


def _window(sentences: Sequence[str], wanted: Sequence[int], draw: random.Random, without: int | None = None) -> str:
    """Return these sentences with some others, in order: mostly neighbours, sometimes any of the passage."""
    kept = set(wanted)
    rest = [n for n in range(len(sentences)) if n not in kept and n != without]
    near = sorted(rest, key=lambda n: min(abs(n - w) for w in wanted) if draw.random() < 0.7 else draw.random() * 5)
    for n in near[: draw.choice((0, 1, 1, 2, 2, 3, 4))]:
        if sum(len(sentences[m].split()) for m in {*kept, n}) <= _EVIDENCE_WORDS:
            kept.add(n)
    return " ".join(sentences[n] for n in sorted(kept))


def _overlap(a: str, b: str) -> bool:
    return bool(set(content_terms(a)) & set(content_terms(b))) or a.lower() in b.lower() or b.lower() in a.lower()


def _passages(path: Path) -> list[str]:
    data = json.loads(path.read_text(encoding="utf-8"))["data"]
    texts = [" ".join(p["context"].split()) for article in data for p in article["paragraphs"]]
    return [t for t in texts if len(t.split()) >= 50 and not re.search(r"https?:|\*\*|\[\w", t)]


def _premises(folder: Path) -> list[str]:
    """Return the beginnings of the premises that are articles or parts of articles."""
    rows = (row for path in sorted(folder.glob("*.jsonl")) if path.stem in _TEXTS for row in _rows(path))
    articles = dict.fromkeys(" ".join(row["premise"].split()) for row in rows)
    return [" ".join(split_sentences(text[:4000])[:12]) for text in articles]


def _beginnings(folder: Path) -> set[str]:
    """Return the first 60 characters of the long sentences of the evidence in a folder of claims."""
    rows = (row for path in sorted(folder.glob("*.jsonl")) for row in _rows(path))
    return {s[:60] for row in rows for text in row["evidence"] for s in split_sentences(text) if len(s) >= 60}


def _balanced(rows: list[Claim], draw: random.Random, most: int) -> list[Claim]:
    """Return at most this many rows, half of them supported."""
    draw.shuffle(rows)
    good = [r for r in rows if r.label == "e"]
    bad = [r for r in rows if r.label != "e"]
    half = min(len(good), len(bad), most // 2)
    return good[:half] + bad[:half]


def main(
    data: Annotated[Path, typer.Argument(help="Folder with raw/ and qa/.")],
    out: Annotated[Path, typer.Argument(help="Folder for fit.jsonl and dev.jsonl.")],
    count: Annotated[int, typer.Option(help="How many claims to write, at most.")] = 40_000,
    apart: Annotated[
        Path | None, typer.Option(help="Folder of claims to report on; their articles are left out.")
    ] = None,
) -> None:
    """Write the claims for fitting."""
    draw = random.Random(19)
    known = _beginnings(apart) if apart else set()
    found: dict[str, list[Claim]] = {name: [] for name in _SHARES}
    for path in sorted((data / "raw").glob("*.jsonl")):
        most = _MORE.get(path.stem, _MOST)
        every = _rows(path)
        some = draw.sample(every, min(len(every), 4 * most))  # cutting all the long premises would take long
        usable = [p for p in pairs(some, path.stem) if not known & {s[:60] for s in split_sentences(p.evidence)}]
        found["pairs"] += _balanced(usable, draw, most)
    for path in sorted((data / "qa").glob("*.squad.json")):
        found["answers"] += _balanced(list(answers(path, draw)), draw, 4000)
        texts = _passages(path)
        draw.shuffle(texts)
        found["made"] += list(made(texts[:3500], draw))
        if path.name not in _TALK:
            found["scenes"] += list(scenes(texts, draw))
    premises = _premises(data / "raw")
    found["made"] += list(made(premises, draw))
    found["scenes"] += list(scenes(premises, draw))
    worded = [row for row in found["pairs"] if row.label == "e" and not row.question and row.kind not in _PLAIN]
    found["changed"] = list(changed(worded, draw))
    parts: dict[str, list[Claim]] = {"fit": [], "dev": [], "weigh": []}
    for kind, rows in found.items():
        draw.shuffle(rows)
        parts["dev"] += rows[:_DEV]
        # What a program changes is told from the rest more easily than what people word: it would make the regression
        # too strict.
        parts["weigh"] += rows[_DEV : _DEV + _WEIGH] if kind == "pairs" else []
    held = {row.evidence for name in ("dev", "weigh") for row in parts[name]}
    for kind, rows in found.items():
        parts["fit"] += [row for row in rows if row.evidence not in held][: round(_SHARES[kind] * count)]
    draw.shuffle(parts["fit"])
    # A model that has never compared two texts learns it sooner from short and plain ones.
    easy = [row for row in parts["fit"] if row.kind in _EASY and len(row.evidence) < _EASY_CHARS][:_EASY_FIRST]
    first = {id(row) for row in easy}
    parts["fit"] = easy + [row for row in parts["fit"] if id(row) not in first]
    out.mkdir(parents=True, exist_ok=True)
    for name, rows in parts.items():
        plain = (
            {key: " ".join(value.split()) if isinstance(value, str) else value for key, value in asdict(row).items()}
            for row in rows
        )
        lines = (json.dumps(row, ensure_ascii=False) for row in plain)
        (out / f"{name}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
        typer.echo(f"{name}: {Counter((row.kind, row.label) for row in rows).most_common(80)}")


if __name__ == "__main__":
    typer.run(main)
