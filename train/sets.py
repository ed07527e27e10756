"""`python -m train.sets MIRROR OUT`: write the public sets that the judge is fitted on in one format.

MIRROR has a folder `owner+name` for each repository in `SETS`, which is its work tree or has its git directory in it.
OUT receives `raw/NAME.jsonl`, with lines of premise, hypothesis, label and sometimes question, and
`qa/NAME.squad.json`, with questions in SQuAD's format. `train.claims` reads both. The label is e (the premise supports
the hypothesis), c (contradicts it), n (says neither) or no (c or n).
"""

from __future__ import annotations

import csv
import io
import json
import random
import re
import subprocess
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

Row = dict[str, Any]
Pair = dict[str, str]
Convert = Callable[[Row], Iterator[Pair]]

_LABELS = {
    "entailment": "e", "entailed": "e", "supports": "e", "supported": "e", "fully attributable": "e",
    "contradiction": "c", "refutes": "c", "refuted": "c", "neutral": "n", "not enough info": "n",
    "not_enough_info": "n", "not_entailment": "no", "not-entailed": "no", "not fully attributable": "no",
}  # fmt: skip
_SIGNS = dict(zip("-LRB- -RRB- -LSB- -RSB- -LCB- -RCB- -COLON- `` ''".split(), '()[]{}:""', strict=True))
_SIGN = re.compile("|".join(map(re.escape, _SIGNS)))
_TIGHT = (
    (re.compile(r" ([,.;:?!%)\]}]|'s\b|'\B|n't\b|'(?:re|ve|ll|d|m)\b)"), r"\1"),
    (re.compile(r"([(\[{$£€]) "), r"\1"),
    (re.compile(r"(\w) ([-–]) (\w)"), r"\1\2\3"),
    (re.compile(r'(^|\s)" ([^"]*?) "(?=\W|$)'), r'\1"\2"'),
)


def tidy(text: str) -> str:
    """Return a text without the spaces and signs that a tokeniser put in."""
    if tokenised := re.search(r" [,.;?!](?: |$)|-LRB-|``", text):
        text = _SIGN.sub(lambda found: _SIGNS[found[0]], text)
    text = " ".join(text.split())
    if tokenised:
        for pattern, put in _TIGHT:
            text = pattern.sub(put, text)
    return text


def _titled(title: str, text: str) -> str:
    """Return a text with the title of its page in front, unless the text names it."""
    title = tidy(re.sub(r"\s*-LRB-.*|\s*\(.*", "", title.replace("_", " ")))
    return text if not title or any(w in text for w in title.split() if len(w) > 3) else f"{title}: {text}"


def plain(premise: str, hypothesis: str, label: str, labels: dict[str, str] | None = None) -> Convert:
    """Return a converter of rows that are pairs already; the arguments name their fields (A|B: the first there is)."""

    def convert(row: Row) -> Iterator[Pair]:
        if said := (labels or _LABELS).get(str(row.get(label)).strip().lower()):
            text = next(row[key] for key in premise.split("|") if key in row)
            texts = text if isinstance(text, list) else [text]
            yield {"premise": " ".join(dict.fromkeys(texts)), "hypothesis": str(row[hypothesis]), "label": said}

    return convert


def _yes_no(premise: str, question: str, answer: object) -> Iterator[Pair]:
    """Yield the right and the wrong answer to a question that is answered with yes or no."""
    question = question[:1].upper() + question[1:].rstrip("? ") + "?"
    yes = str(answer).strip().lower() in ("yes", "true", "1")
    for said, label in (("Yes", "e" if yes else "c"), ("No", "c" if yes else "e")):
        yield {"premise": premise, "hypothesis": said, "label": label, "question": question}


def _condaqa(row: Row) -> Iterator[Pair]:
    answer = str(row["label"]).strip()
    if answer.lower() in ("yes", "no"):
        yield from _yes_no(row["sentence1"], row["sentence2"], answer)
    else:
        said, label = ("Yes", "n") if re.match(r"do ?n[o'’]?t know", answer.lower()) else (answer, "e")
        yield {"premise": row["sentence1"], "hypothesis": said, "label": label, "question": row["sentence2"]}


def _eraser(row: Row) -> Iterator[Pair]:
    spans = [span for spans in row["evidences"] for span in spans]
    text = " ".join(dict.fromkeys(span["text"] for span in spans))
    premise = _titled(spans[0]["docid"], text) if spans else ""
    yield {"premise": premise, "hypothesis": row["query"], "label": _LABELS[row["classification"].lower()]}


def _fool_me_twice(row: Row) -> Iterator[Pair]:
    text = _titled(row["wikipedia_page"], " ".join(dict.fromkeys(part["text"] for part in row["gold_evidence"])))
    yield {"premise": text, "hypothesis": row["text"], "label": _LABELS[row["label"].lower()]}


def _numbered(row: Row) -> Iterator[Pair]:
    if asked := re.match(r"question: (.*?)\npassage: (.*)", row["sentence"], re.DOTALL):
        yield from _yes_no(asked[2], asked[1], row["label"])
    elif pair := re.match(r"sentence 1: (.*?)\nsentence 2: (.*)", row["sentence"], re.DOTALL):
        yield {"premise": pair[1], "hypothesis": pair[2], "label": _LABELS[row["label"].lower()]}


def _boolq_contrast(row: Row) -> Iterator[Pair]:
    for asked in ({**row, "perturbed_q": row["question"]}, *row["perturbed_questions"]):
        if asked["answer"] in ("TRUE", "FALSE"):
            yield from _yes_no(row["paragraph"], asked["perturbed_q"], asked["answer"])


def _bump(row: Row) -> Iterator[Pair]:
    for key, label in (("reference_summary", "e"), ("edited_summary", "no")):
        yield {"premise": row["article"], "hypothesis": row[key], "label": label}


def _choices(row: Row) -> Iterator[Pair]:
    for n, choice in enumerate(row["list_choices"]):
        yield {"premise": row["input"], "hypothesis": choice, "label": "e" if n == row["lbl"] else "no"}


def _tweet(row: Row) -> Iterator[Row]:
    for answer in row["Answer"]:
        if (at := row["Tweet"].lower().find(answer.lower())) >= 0 and answer:
            said = {"text": row["Tweet"][at : at + len(answer)], "answer_start": at}
            yield {"context": row["Tweet"], "question": row["Question"], "answers": [said]}
            return


def _ester(row: Row) -> Iterator[Row]:
    answers = []
    for place in row.get("answer_indices", ()):
        start, end = (int(n) for n in re.findall(r"\d+", place)[:2])
        answers.append({"text": row["context"][start:end], "answer_start": start})
    if answers:
        yield {"context": row["context"], "question": row["question"], "answers": answers}


@dataclass(frozen=True, slots=True)
class Set:
    """Files of a repository, how their rows are converted, and under which terms the data is published."""

    name: str
    repository: str
    licence: str
    paths: str  # {a,b} stands for one file with each; FILE.zip!MEMBER is a file in an archive
    convert: Convert | None  # None: SQuAD's format already
    questions: bool = False  # what is converted are questions with answers in a text
    many: int | None = None  # how many rows are written at most
    new: bool = False  # pairs of the sets before it are left out

    def files(self) -> list[str]:
        """Return the paths one by one."""
        some = re.search(r"\{(.*)\}", self.paths)
        return [self.paths.replace(some[0], part) for part in some[1].split(",")] if some else [self.paths]


def _each(name: str, owner: str, terms: str, paths: str, convert: Convert | None, parts: str, **more: Any) -> list[Set]:
    """Return a set for each part NAME or NAME=FILE, which are put in the place of @."""
    found = [(part.partition("=")[0], part.partition("=")[2] or part) for part in parts.split()]
    return [Set(name.replace("@", a), owner, terms, paths.replace("@", b), convert, **more) for a, b in found]


_GNLI, _OLORA, _DOCNLI = "anthonywchen/generative-nli", "cmnfriend/O-LoRA", "salesforce/DocNLI"
_CONDAQA, _RATIONALES = "AbhilashaRavichander/CondaQA", "shaggyday/evaluating-human-rationales"
_DNC = "decompositional-semantics-initiative/DNC"
_MNLI, _WIKIPEDIA, _NONE = "OANC and others", "CC BY-SA 3.0", "none stated"
_NLI, _PAIRS = plain("premise", "hypothesis", "label"), plain("sentence1", "sentence2", "gold_label")
_CONTEXT, _EVIDENCE = plain("context", "hypothesis", "label"), plain("evidence", "claim", "label")
_NUMBERS = plain("1", "2", "0")
SETS = (
    Set("mnli_dev", _GNLI, _MNLI, "data/mnli/dev.jsonl", _NLI),
    Set("mnli_binary", _DOCNLI, _MNLI, "Data/binary-MNLI/{dev,test}.txt", _NUMBERS, new=True),
    Set("mnli_train", _OLORA, _MNLI, "CL_Benchmark/NLI/MNLI/train.json", _numbered),
    Set("snli_dev", _GNLI, "CC BY-SA 4.0", "data/snli/dev.jsonl", _NLI),
    Set("snli_hard", "m43/focal-loss-against-heuristics", "CC BY-SA 4.0",
        "data/raw/SNLI Test Hard/snli_1.0_test_hard.jsonl", _PAIRS),
    Set("snli_counterfactual", "acmi-lab/counterfactually-augmented-data", "Apache-2.0",
        "NLI/all_combined/{train,dev,test}.tsv", _PAIRS),
    Set("fever_symmetric", "TalSchuster/FeverSymmetric", f"MIT, {_WIKIPEDIA}",
        "symmetric_v0.{1/fever_symmetric_full,1/fever_symmetric_generated,2/fever_symmetric_dev,"
        "2/fever_symmetric_test}.jsonl", plain("evidence_sentence|evidence", "claim", "label")),
    Set("eraser_fever", _RATIONALES, _WIKIPEDIA, "data/fever/{val,dev,test}.jsonl", _eraser),
    Set("fever_dev", "athnlp/athnlp-labs", _WIKIPEDIA, "data/fever/{validation,test}.jsonl", _EVIDENCE, new=True),
    Set("fever_binary", _DOCNLI, _WIKIPEDIA, "Data/binary-FEVER-NLI/{dev,test}.txt", _NUMBERS, new=True),
    Set("fool_me_twice", "google-research/fool-me-twice", "Apache-2.0", "dataset/{dev,test}.jsonl", _fool_me_twice),
    Set("condaqa_dev", _CONDAQA, "Apache-2.0", "data/condaqa_dev.json", _condaqa),
    Set("condaqa_test", _CONDAQA, "Apache-2.0", "data/few-shot/test_splits/conda_fewshot_test_{1,2,3,4,5}.json",
        _condaqa),
    Set("boolq_dev", _OLORA, _WIKIPEDIA, "CL_Benchmark/BoolQA/BoolQA/dev.json", _numbered),
    Set("boolq_train", _OLORA, _WIKIPEDIA, "CL_Benchmark/BoolQA/BoolQA/train.json", _numbered),
    Set("boolq_contrast", "allenai/contrast-sets", _NONE, "BoolQ/boolq_perturbed.json", _boolq_contrast),
    *_each("negation_@", "mosharafhossain/negation-and-nli", "MIT", "data/new_benchmarks/clean_data/@.txt",
           plain("Text", "Hypothesis", "gold_label"), "mnli=MNLI snli=SNLI rte=RTE"),
    Set("breaking_nli", "BIU-NLP/Breaking_NLI", "CC BY-SA 4.0", "breaking_nli_dataset.zip!data/dataset.jsonl", _PAIRS),
    *_each("curriculum_@", "eric11eca/curriculum-ling", "MIT", "benchmark/tasks/@.zip!@/{val,train}.jsonl",
           plain("premise", "hypothesis", "gold_label"), "comparison=comparative counting coreference time=temporal"
           " events=ester alternation=syntactic_alternation relations=kg_relations space=spatial", many=4000),
    *_each("summedits_@", "salesforce/factualNLG", "Apache-2.0", "data/summedits/summedits_@.json",
           plain("doc", "summary", "label", {"1": "e", "0": "no"}),
           "ectsum podcast qmsumm sales_call sales_email samsum scitldr"),
    Set("bump", "dataminr-ai/BUMP", "MIT", "data/task{1,2}_dataset.json", _bump),
    *_each("fib_xsum_@", "r-three/fib", "CC BY 4.0", "multiple_choice-dataset/xsum/@.jsonl", _choices,
           "fib=fib/binary_choice-using_{bart-base,bart-large,bloom-560m,distil-bart,distil-pegasus,pegasus,t5-large}"
           "_distractors factcc=factcc/binary_choice-using_{dateswp,entswp,negation,numswp,pronoun} fir="
           "fir/binary_choice-using_non_factual_gold_distractors mfma=mfma/binary_choice-using_{bart-base,t5-base}"),
    Set("begin_wow", "google/BEGIN-dataset", "CC BY 4.0", "wow/begin_{dev,test}_wow.tsv",
        plain("knowledge", "response", "begin_label")),
    *_each("squadshifts_@", "modestyachts/squadshifts-website", "CC BY 4.0", "datasets/@_v1.0.json", None,
           "wiki=new_wiki reddit amazon=amazon_reviews", questions=True),
    Set("tweetqa", "huangjingxian/TweetQA", "CC BY-SA 4.0", "origin_data/{train,dev}.json", _tweet, True),
    Set("ester", "PlusLabNLP/ESTER", _NONE,
        "data/final_{dev_ans_gen,train_ans_gen_500completed,train_ans_gen_500original}.json", _ester, True),
    Set("paws_wiki", "hoangdzung/simmat", "free for any purpose (Google)", "data/final/{dev,test}.tsv",
        plain("1", "2", "3", {"1": "e", "0": "no"})),
    Set("syntactic_swaps", "Aatlantise/syntactic-augmentation-nli", "MIT",
        "datasets/{inv_trsf,inv_orig,pass_trsf_pos,pass_trsf_neg}_large.tsv",
        plain("8", "9", "11", {"entailment": "e", "neutral": "no"})),
    Set("dnc_megaveridicality", _DNC, "MIT", "{train,dev,test}/recast_megaveridicality_data.json", _CONTEXT),
    Set("function_words", _DNC, _MNLI,
        "function_words/NLI/nli-{comparatives,negation,prepositions,quantification,spatial}_data.json", _CONTEXT),
    Set("conjnli", "swarnaHub/ConjNLI", "MIT", "data/NLI/{conj_dev,adversarial_train_15k}.tsv",
        plain("Premise", "Hypothesis", "Label"), many=6000),
    Set("med", "verypluming/MED", "CC BY-SA 4.0", "MED.tsv",
        plain("sentence1", "sentence2", "gold_label", {"entailment": "e", "neutral": "no"})),
    Set("monli", "atticusg/MoNLI", "none stated; SNLI's", "{pmonli,nmonli_train,nmonli_test}.jsonl", _PAIRS),
)  # fmt: skip


def _read(mirror: Path, repository: str, path: str) -> bytes:
    """Return a file of a repository's work tree, or of the newest commit of its git directory."""
    folder = mirror / repository.replace("/", "+")
    if (folder / path).is_file():
        return (folder / path).read_bytes()
    places = (folder, folder / ".git", *folder.glob("*"), *folder.glob("*/.git"))
    git = next(place for place in places if (place / "HEAD").exists())
    return subprocess.run(["git", f"--git-dir={git}", "show", f"HEAD:{path}"], check=True, capture_output=True).stdout


def rows(name: str, data: bytes) -> Iterator[Row]:
    """Yield the rows of a file; the columns of one without a header are named by their numbers."""
    # What is not UTF-8 is mostly quotation marks of Windows.
    text = data.decode("utf-8-sig", errors="replace").replace("\r\n", "\n").replace("\ufffd", "'")
    if name.endswith((".json", ".jsonl")):
        try:
            found = json.loads(text)
            found = found if isinstance(found, list) else found.get("data", [found])
        except json.JSONDecodeError:
            found = [json.loads(line) for line in text.split("\n") if line.strip()]
        yield from found
    else:
        kind = {} if name.endswith(".csv") else {"delimiter": "\t", "quoting": csv.QUOTE_NONE}
        lines = list(csv.reader(io.StringIO(text), **kind))  # type: ignore[arg-type]
        header = lines[0]
        if header[0].isdigit() or header[0] in _LABELS:  # no header
            header, lines = [str(n) for n in range(len(header))], [header, *lines]
        yield from (dict(zip(header, line, strict=False)) for line in lines[1:] if len(line) == len(header))


def _all_rows(mirror: Path, one: Set) -> Iterator[Row]:
    for path in one.files():
        outer, _, inner = path.partition("!")
        data = _read(mirror, one.repository, outer)
        yield from rows(path, zipfile.ZipFile(io.BytesIO(data)).read(inner) if inner else data)


def _pairs(found: Iterable[Row], convert: Convert, seen: set[str]) -> Iterator[Pair]:
    for row in found:
        for pair in convert(row):
            pair = {key: value if key == "label" else tidy(value) for key, value in pair.items()}
            once = re.sub(r"[^\w\t]", "", "\t".join(pair[key] for key in sorted(pair) if key != "label").lower())
            if pair["premise"] and pair["hypothesis"] and once not in seen:
                seen.add(once)
                yield pair


def _squad(found: Iterable[Row]) -> list[Row]:
    """Return questions in SQuAD's format, those on one text together."""
    paragraphs: dict[str, list[Row]] = {}
    for row in found:
        asked = paragraphs.setdefault(row["context"], [])
        asked.append({"id": str(len(asked)), "question": row["question"], "answers": row["answers"]})
    return [{"title": "", "paragraphs": [{"context": text, "qas": asked}]} for text, asked in paragraphs.items()]


def write(mirror: Path, out: Path, one: Set, seen: set[str]) -> str:
    """Write one set, add its pairs to those that were seen, and return what was written, in words."""
    found = _all_rows(mirror, one)
    if one.questions:
        data = list(found) if one.convert is None else _squad(q for row in found for q in one.convert(row))
        text = json.dumps({"data": data}, ensure_ascii=False)
        (out / "qa" / f"{one.name}.squad.json").write_text(text, encoding="utf-8")
        return f"{sum(len(p['qas']) for article in data for p in article['paragraphs'])} questions"
    here = set(seen) if one.new else set()
    pairs = list(_pairs(found, one.convert or _NLI, here))
    seen |= here
    pairs = random.Random(19).sample(pairs, one.many) if one.many and len(pairs) > one.many else pairs
    lines = "".join(json.dumps(pair, ensure_ascii=False) + "\n" for pair in pairs)
    (out / "raw" / f"{one.name}.jsonl").write_text(lines, encoding="utf-8")
    return f"{len(pairs)} pairs {dict(sorted(Counter(pair['label'] for pair in pairs).items()))}"


def main(
    mirror: Annotated[Path, typer.Argument(help="Folder with the repositories, each in owner+name.")],
    out: Annotated[Path, typer.Argument(help="Folder for raw/ and qa/.")],
) -> None:
    """Write the public sets."""
    for name in ("raw", "qa"):
        (out / name).mkdir(parents=True, exist_ok=True)
    seen: set[str] = set()
    for one in SETS:
        try:
            said = write(mirror, out, one, seen)
        except (subprocess.CalledProcessError, StopIteration) as error:
            said = f"not written: {error!r}"
        typer.echo(f"{one.name}: {said} ({one.repository}, {one.licence})")


if __name__ == "__main__":
    typer.run(main)
