"""Embed passages and questions with the fastest backend that is accurate enough on this processor."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rag.errors import one_line
from rag.language.characters import usual_spans
from rag.models import openvino_encoder
from rag.models.encoder import EXACT, Encoder, Vectors, least_cosine
from rag.models.openvino_encoder import OpenVinoEncoder
from rag.models.torch_encoder import TorchEncoder, has_bf16, quiet
from rag.types import Chunk, Span

if TYPE_CHECKING:
    from rag.models.llama_embedding import LlamaEmbedding

_log = logging.getLogger(__name__)


class PassageEmbedding:
    """A sentence-transformers model; `llama_index` is the same model for LlamaIndex.

    It embeds a passage together with each of its sentences in one forward pass: a sentence's vector is the mean of its
    tokens' embeddings inside the passage, so it includes the context. (If a model's vectors are not the mean of its
    tokens' embeddings, each sentence is embedded by itself.)

    Args:
        folder: The model's folder, or any name sentence-transformers resolves without a network.
        name: The model's name in the store.

    Raises:
        ModelError: The model cannot be loaded (raised at first use).
    """

    def __init__(self, folder: Path | str, name: str) -> None:
        self.folder = str(folder)
        self.model_name = name
        self._encoder: Encoder | None = None
        self._lock = threading.Lock()

    def __getstate__(self) -> dict[str, Any]:
        """Return what a copy in another process needs; it loads the model by itself."""
        return {name: value for name, value in vars(self).items() if name not in ("_encoder", "_lock")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._encoder, self._lock = None, threading.Lock()

    @property
    def llama_index(self) -> LlamaEmbedding:
        """Return the same model with LlamaIndex's interface."""
        from rag.models.llama_embedding import LlamaEmbedding  # LlamaIndex takes seconds to import

        return LlamaEmbedding(self)

    @property
    def path(self) -> str:
        """Return the backend that runs the model, such as `openvino bf16`; this loads the model."""
        return self._loaded().path

    def load(self) -> None:
        """Load the model now instead of at first use."""
        self._loaded()

    def embed_question(self, text: str) -> Vectors:
        """Return the unit vector of a question, float32 of shape (dimensions,)."""
        vector: Vectors = self._encode([text], question=True)[0]
        return vector

    def embed_passages(self, chunks: Sequence[Chunk]) -> list[Vectors]:
        """Return for each passage a float32 array of shape (1 + sentences, dimensions), rows of unit length.

        The first row is the passage's own vector, the others are its sentences' in order.
        """
        whole = [usual_spans(c.text, [Span(s.start - c.start, s.end - c.start) for s in c.sentences]) for c in chunks]
        texts, spans = [text for text, _ in whole], [inside for _, inside in whole]
        found = self._loaded().encode_passages(texts, spans)
        # A sentence beyond the model's window has no tokens in the passage: it is embedded by itself.
        missing = [(i, n) for i, rows in enumerate(found) for n, row in enumerate(rows) if row is None]
        if missing:
            alone = [texts[i][spans[i][n - 1].start : spans[i][n - 1].end] for i, n in missing]
            for (i, n), vector in zip(missing, self._encode(alone), strict=True):
                found[i][n] = vector
        return [np.stack([row for row in rows if row is not None]) for rows in found]

    def embed_texts(self, texts: list[str]) -> Vectors:
        """Return the unit vectors of texts, float32 of shape (texts, dimensions)."""
        return self._encode(texts)

    def _encode(self, texts: list[str], question: bool = False) -> Vectors:
        return self._loaded().encode(texts, question)

    def _loaded(self) -> Encoder:
        with self._lock:
            if self._encoder is None:
                self._encoder = _choose(self.folder)
            return self._encoder


def _choose(folder: str) -> Encoder:
    """Return the fastest backend whose vectors match those of the model as published."""
    home = _home(folder)
    if openvino_encoder.is_here() and home and (restored := openvino_encoder.restore(home, OpenVinoEncoder)):
        return restored
    reference = TorchEncoder(folder)
    for encoder in _ways(folder, reference):
        least = least_cosine(encoder, reference)
        if least >= EXACT:
            if isinstance(encoder, OpenVinoEncoder) and home:
                openvino_encoder.save(encoder, home)
            return encoder
        _log.warning("%s embeds otherwise than %s does (cosine %.3f); trying another way", encoder.path, folder, least)
    return reference


def _home(folder: str) -> Path | None:
    """Return the folder of a model, which may be given as a name in the Hugging Face cache, or None."""
    if Path(folder).is_dir():
        return Path(folder)
    # Imported here because it is rarely needed: models are usually given as folders.
    from huggingface_hub import try_to_load_from_cache

    try:
        found = try_to_load_from_cache(folder, "modules.json")
    except ValueError:  # not a valid model name
        return None
    return Path(found).parent if isinstance(found, str) else None


def _ways(folder: str, reference: TorchEncoder) -> Iterator[Encoder]:
    parts = reference.export() if openvino_encoder.is_here() else None
    if parts is not None:
        try:
            with quiet():
                converted = openvino_encoder.convert(parts)
            for precision in openvino_encoder.precisions():
                yield OpenVinoEncoder(*converted, precision)
        except Exception as error:  # conversion can fail in a different way for every model
            _log.info("OpenVINO cannot run %s: %s", folder, one_line(error, first=True))
    if has_bf16():
        yield TorchEncoder(folder, bf16=True)
