"""What reads question and passage together: a tiny model with random changes, but everything else is real."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import platformdirs
import pytest
from fakes import SIZE, FakeEmbedding, make_model
from safetensors.numpy import save_file

from rag import ModelError, Settings
from rag.models import fitted, openvino_encoder, reader, registry
from rag.models.embedding import PassageEmbedding
from rag.models.reader import Reader
from rag.models.runtime import Models
from rag.types import Candidate, Chunk, Document, Hit, Place, Span

pytestmark = pytest.mark.long

QUESTION = "Nobody objected to the ban?"
PASSAGES = ("The cod left the harbour. Nobody in the town objected.", "Day of fishing. The town.")
SPANS = (((0, 25), (26, 54)), ((0, 15), (16, 25)))
SHIPPED = reader._CHANGES
CHANGED = "encoder.layer.0.attention.self.query"


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("models") / "mean")


@pytest.fixture(autouse=True)
def changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, np.ndarray]:
    draw = np.random.default_rng(3)
    sizes = {
        f"{CHANGED}.weight.left": (SIZE, 2),
        f"{CHANGED}.weight.right": (2, SIZE),
        f"{CHANGED}.bias.change": (SIZE,),
    }
    found = {name: draw.normal(size=size).astype(np.float16) for name, size in sizes.items()}
    found |= {
        "head": draw.normal(size=(3, SIZE)).astype(np.float16),
        "bias": np.array([0.5, -1.5, 0.2], dtype=np.float16),
    }
    save_file(found, tmp_path / "changes.safetensors")
    monkeypatch.setattr(reader, "_CHANGES", tmp_path / "changes.safetensors")
    return found


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(platformdirs, "user_cache_path", lambda *_, **__: tmp_path / "cache")
    monkeypatch.setattr(openvino_encoder, "precisions", lambda: ("fp32",))
    yield tmp_path / "cache" / "embedding"


def make_chunk(number: int, text: str = "", spans: tuple[tuple[int, int], ...] = ()) -> Chunk:
    """Return a passage that begins at character 100 of its article."""
    text, spans = text or PASSAGES[number], spans or SPANS[number]
    return Chunk(
        f"c{number}", f"d{number}", 100, 100 + len(text), text, tuple(Span(100 + a, 100 + b) for a, b in spans)
    )


def expected(base: Path, changes: dict[str, np.ndarray], text: str) -> tuple[np.ndarray, list[tuple[int, int]], float]:
    """Return what transformers and torch make of it: the passage's tokens with their places, and "none"."""
    import torch
    from transformers import AutoTokenizer, BertModel

    model = BertModel.from_pretrained(base)
    weights = dict(model.named_parameters())
    parts = {name: torch.from_numpy(values.astype(np.float32)) for name, values in changes.items()}
    with torch.no_grad():
        weights[f"{CHANGED}.weight"] += parts[f"{CHANGED}.weight.left"] @ parts[f"{CHANGED}.weight.right"]
        weights[f"{CHANGED}.bias"] += parts[f"{CHANGED}.bias.change"]
        given = AutoTokenizer.from_pretrained(base)(
            QUESTION, text, return_tensors="pt", return_offsets_mapping=True, return_token_type_ids=True
        )
        places = given.pop("offset_mapping")[0].tolist()
        out = model(**given).last_hidden_state[0] @ parts["head"].T + parts["bias"]
    second = given["token_type_ids"][0].tolist()
    tokens = [(out[n, 0].item(), place) for n, place in enumerate(places) if second[n] and place[1]]
    return np.array([v for v, _ in tokens]), [(a, b) for _, (a, b) in tokens], out[0, 1].item()


def test_each_sentence_has_the_sum_of_its_tokens(base: Path, changes: dict[str, np.ndarray]) -> None:
    found, none = Reader(base).read(QUESTION, [make_chunk(0), make_chunk(1)])
    nothing = []
    for number, text in enumerate(PASSAGES):
        values, places, of_none = expected(base, changes, text)
        nothing.append(of_none)
        for start, end in SPANS[number]:
            own = [v for v, (a, b) in zip(values, places, strict=True) if start <= a and b <= end]
            assert found[f"d{number}", 100 + start].score == pytest.approx(np.log(np.exp(own).sum()), abs=1e-3)
    assert len(found) == 4
    assert none == pytest.approx(np.mean(nothing), abs=1e-3)


def test_the_changes_change_it(base: Path, changes: dict[str, np.ndarray]) -> None:
    still = {name: values if name in ("head", "bias") else np.zeros_like(values) for name, values in changes.items()}
    assert not np.allclose(expected(base, changes, PASSAGES[0])[0], expected(base, still, PASSAGES[0])[0], atol=0.01)


def test_a_sentence_that_is_cut_off_is_left_out(base: Path) -> None:
    text = "The cod left. " + "The town objected. " * 30
    spans = ((0, 13), *((14 + 19 * n, 32 + 19 * n) for n in range(30)))
    found, _ = Reader(base).read(QUESTION, [make_chunk(0, text, spans)])
    assert ("d0", 100) in found and 1 < len(found) < 31


def make_hits(*scores: float) -> tuple[list[Hit], list[Candidate]]:
    """Return the sentences of both passages with these scores, and the passages."""
    chunks = [make_chunk(number) for number in range(2)]
    hits = [
        Hit(
            place=Place(chunk.document_id, "a.txt", "A", span.start, span.end),
            text=chunk.text[span.start - 100 : span.end - 100],
            score=score,
            dense=0.5,
            lexical=0.5,
            passage=Span(chunk.start, chunk.end),
        )
        for score, (chunk, span) in zip(
            scores, [(chunk, span) for chunk in chunks for span in chunk.sentences], strict=True
        )
    ]
    document = Document("d", "a.txt", "A", "x")
    vectors = np.zeros((3, 4), dtype=np.float32)
    return hits, [Candidate(chunk, "a.txt", "A", vectors, (0.0, 0.0), document) for chunk in chunks]


def test_what_the_reader_prefers_rises(base: Path) -> None:
    close = Reader(base)
    hits, candidates = make_hits(1.0, 1.0, 1.0, 1.0)
    says, none = close.read(QUESTION, [c.chunk for c in candidates])
    found = close.rank(QUESTION, hits, candidates)
    assert [h.place.start for h in found] == [
        start for (_, start), _ in sorted(says.items(), key=lambda item: -item[1].score)
    ]
    assert found[0].score == 1.0 and found[-1].score < 1.0
    assert [h.answers for h in found] == pytest.approx(sorted((s.score - none for s in says.values()), reverse=True))
    assert [(h.words, h.sure) for h in found] == [
        (s.words, s.sure) for s in (says[h.place.document_id, h.place.start] for h in found)
    ]


def test_what_was_not_read_stays_below(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "_READ", 1)
    hits, candidates = make_hits(1.0, 0.9, 0.9, 0.8)
    found = Reader(base).rank(QUESTION, hits, candidates)
    assert {h.place.document_id for h in found[:2]} == {"d0"}
    assert all(h.answers is not None for h in found[:2]) and [h.answers for h in found[2:]] == [None, None]
    assert Reader(base).rank(QUESTION, [], []) == []


def test_only_the_sentences_around_are_read() -> None:
    chunk = make_chunk(0, "One. Two. Six. Ten. Hut.", ((0, 4), (5, 9), (10, 14), (15, 19), (20, 24)))
    part = reader._around(chunk, [115])
    assert part.text == "Six. Ten. Hut." and (part.start, part.end) == (110, 124)
    assert [(s.start, s.end) for s in part.sentences] == [(110, 114), (115, 119), (120, 124)]
    assert reader._around(chunk, [100]).text == "One. Two."
    assert reader._around(chunk, [110, 105]).text == "One. Two. Six. Ten."


def test_it_is_made_once(base: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = Reader(base).read(QUESTION, [make_chunk(0)])
    monkeypatch.setattr(reader, "export_reader", None)  # would fail if it were used
    assert Reader(base).read(QUESTION, [make_chunk(0)]) == first
    assert len(list(cache.iterdir())) == 1


def test_other_changes_make_another(base: Path, changes: dict[str, np.ndarray], cache: Path) -> None:
    before = Reader(base).read(QUESTION, [make_chunk(0)])
    save_file(changes | {"bias": np.array([9, 9, 9], dtype=np.float16)}, reader._CHANGES)
    assert Reader(base).read(QUESTION, [make_chunk(0)]) != before
    assert len(list(cache.iterdir())) == 1


def test_changes_that_do_not_fit_are_said(base: Path) -> None:
    save_file({"other.weight.change": np.zeros(3, dtype=np.float16)}, reader._CHANGES)
    with pytest.raises(ModelError, match="set 'reranker' to none") as caught:
        Reader(base).load()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("reranker", "name", "there"),
    [("reader", reader.BASE, True), ("none", reader.BASE, False), ("reader", "other", False)],
)
def test_engines_with_our_embedding_model_share_one(base: Path, reranker: str, name: str, there: bool) -> None:
    settings = Settings(store=base, reranker=reranker)
    first, second = (Models(settings, embedding=PassageEmbedding(base, name)).reader() for _ in range(2))
    assert first is second and (first is not None) == there


def test_a_stand_in_for_our_embedding_model_has_none(tmp_path: Path) -> None:
    assert Models(Settings(store=tmp_path), embedding=FakeEmbedding(reader.BASE)).reader() is None


def test_the_best_words_are_a_span_of_their_sentence(base: Path, changes: dict[str, np.ndarray]) -> None:
    found, none = Reader(base).read(QUESTION, [make_chunk(0)])
    values, places, _ = expected(base, changes, PASSAGES[0])
    total = np.logaddexp.reduce([*values, none])
    begins = {place[0]: np.exp(value - total) for value, place in zip(values, places, strict=True)}
    for (_, start), sentence in found.items():
        own = PASSAGES[0][start - 100 :]
        assert own.find(sentence.words) >= 0
        first = PASSAGES[0].index(sentence.words, start - 100)
        assert 0 < sentence.sure <= begins[first] + 1e-3  # it begins there, and may end elsewhere


@pytest.mark.slow
def test_the_shipped_changes_tell_an_answer_from_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "_CHANGES", SHIPPED)
    close = Reader(registry.path(reader.BASE, Settings().models))
    text = "The ferry to Tessin was late. It carried 310 passengers. The captain blamed the fog."
    chunk = make_chunk(0, text, ((0, 29), (30, 56), (57, 84)))

    def read(question: str) -> tuple[int, float]:
        found, none = close.read(question, [chunk])
        (_, start), best = max(found.items(), key=lambda item: item[1].score)
        return start - 100, best.score - none

    first, many = read("How many people were on the ship to Tessin?")
    second, who = read("What did the captain say was the reason for the delay?")
    _, nothing = read("Which party does the mayor of Brannock belong to?")
    assert (first, second) == (30, 57)
    assert min(many, who) > nothing


@pytest.mark.slow
@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("How many passengers did the ferry carry?", "310"),
        ("What did the captain blame?", "fog"),
        ("Where did the ferry go?", "Tessin"),
    ],
)
def test_the_shipped_changes_find_the_words(question: str, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "_CHANGES", SHIPPED)
    close = Reader(registry.path(reader.BASE, Settings().models))
    text = "The ferry to Tessin was late. It carried 310 passengers. The captain blamed the fog."
    found, _ = close.read(question, [make_chunk(0, text, ((0, 29), (30, 56), (57, 84)))])
    best = max(found.values(), key=lambda sentence: sentence.sure)
    assert words in best.words and len(best.words.split()) <= 4


def test_what_was_read_lately_is_not_read_again(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fitted, "_REMEMBERED", 2)
    subject = Reader(base)
    first, other = make_chunk(0), make_chunk(1)
    alone = subject.read(QUESTION, [first])
    ran: list[int] = []
    model = subject._model.load()
    real = model.run
    monkeypatch.setattr(model, "run", lambda pairs: ran.append(len(pairs)) or real(pairs))
    both = subject.read(QUESTION, [other, first])
    assert ran == [1]
    assert both == Reader(base).read(QUESTION, [other, first])
    assert subject.read(QUESTION, [first]) == alone and ran == [1, 0]
    subject.read("Another question?", [first])  # what was read first is forgotten
    assert ran == [1, 0, 1] and len(subject._model._lately) == 2
    assert subject.read(QUESTION, [first]) == alone and ran == [1, 0, 1, 1]
