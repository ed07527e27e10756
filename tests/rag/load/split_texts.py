"""Read texts and split them into sentences, for the tests of the splitter."""

from __future__ import annotations

from fakes import SEEDS

from rag.load.files import make_document
from rag.load.passages import sentences
from rag.types import Document


def texts(text: str) -> list[str]:
    return [text[span.start : span.end] for span in sentences(text)]


def seed(number: str) -> Document:
    path = next(SEEDS.glob(f"{number}_*.txt"))
    return make_document(path.read_bytes().decode(), path.name)
