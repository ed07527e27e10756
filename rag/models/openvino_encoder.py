"""Run models with OpenVINO, several times as fast as torch; no other module in `rag` uses it or `tokenizers`.

A model is converted once and the result kept in the user's cache folder, so that afterwards neither torch nor
sentence-transformers is imported. Everything there can be recreated, so an unwritable folder only costs time.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import queue
import shutil
import sys
import warnings
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import platformdirs

from rag.errors import ModelError
from rag.models.encoder import EXACT, Export, Vectors, pool, unit
from rag.types import Span

_log = logging.getLogger(__name__)
_FORMAT = 2
# Fewer are slower; more are no faster, and a question that arrives in between has to wait longer.
_BATCH_TOKENS = 512
_MOST_STREAMS = 8
_PROBE = "The cod left the harbour in spring."
_PRECISIONS = {"bf16": "bf16", "fp32": "f32"}


@dataclass(frozen=True)
class Facts:
    """What is needed besides the converted model; names as in `Export`.

    `probe` is the output for a known text; `marks` detect damaged files.
    """

    window: int
    padding: int
    prompts: tuple[str, str]
    dimensions: int
    precision: str = ""
    probe: tuple[float, ...] = ()
    marks: dict[str, str] | None = None


class OpenVinoTokens:
    """A model that gives a vector for each token of a text, or of a pair of texts, run by OpenVINO. Thread-safe.

    Args:
        model: An `openvino.Model` from ids and mask (and token types for pairs) to the tokens' vectors, or its file.
        tokenizer: JSON of a `tokenizers.Tokenizer`.
        facts: What else is needed.
        precision: `bf16` or `fp32`.
        compiled: Folder where the compiled model is kept; compiling takes twice as long as reading it.
    """

    def __init__(self, model: Any, tokenizer: str, facts: Facts, precision: str, compiled: Path | None = None) -> None:
        from tokenizers import Tokenizer

        self.model, self.tokenizer_json, self.facts, self.precision = model, tokenizer, facts, precision
        self._tokenizer = Tokenizer.from_str(tokenizer)
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(facts.window)
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        # One or a few threads for each request are as fast as all threads for one request, and they do not wait for one
        # another while the answer model uses the same cores. Pinned threads would wait for the core that it uses.
        self._streams = min(cores, _MOST_STREAMS)
        options = {
            "INFERENCE_PRECISION_HINT": _PRECISIONS[precision],
            "NUM_STREAMS": str(self._streams),
            "INFERENCE_NUM_THREADS": cores,
            "ENABLE_CPU_PINNING": False,
        }
        self._compiled = _compiled(model, options, compiled)
        self._reads_pairs = len(self._compiled.inputs) == 3
        self._idle: queue.SimpleQueue[Any] = queue.SimpleQueue()
        for _ in range(self._streams):  # made now, because making one takes longer than using it
            self._idle.put(self._compiled.create_infer_request())

    @property
    def path(self) -> str:
        """Return the backend's name."""
        return f"openvino {self.precision}"

    def probe(self) -> Vectors:
        """Return the output for a known text, as one unit vector."""
        none = np.zeros((1, 1), dtype=np.float32)  # if the tokenizer finds no tokens in it
        return unit(next((tokens for _, tokens, _ in self.run([_PROBE])), none).ravel())

    def run(self, texts: Sequence[str] | Sequence[tuple[str, str]]) -> Iterator[tuple[int, Vectors, Any]]:
        """Yield (number, token vectors, encoding) for each text that has tokens, in any order."""
        encodings = self._tokenizer.encode_batch(texts)
        running: deque[tuple[Any, list[int]]] = deque()
        for batch in _batches([len(e.ids) for e in encodings], self._streams):
            if len(running) == self._streams:
                yield from self._finish(*running.popleft(), encodings)
            running.append((self._start([encodings[i] for i in batch]), batch))
        while running:
            yield from self._finish(*running.popleft(), encodings)

    def _start(self, rows: Sequence[Any]) -> Any:
        ids = np.full((len(rows), max(len(row.ids) for row in rows)), self.facts.padding, dtype=np.int64)
        mask, second = np.zeros_like(ids), np.zeros_like(ids)
        for number, row in enumerate(rows):
            ids[number, : len(row.ids)] = row.ids
            mask[number, : len(row.ids)] = 1
            second[number, : len(row.ids)] = row.type_ids
        try:
            request = self._idle.get_nowait()
        except queue.Empty:
            request = self._compiled.create_infer_request()
        inputs = {"input_ids": ids, "attention_mask": mask}
        request.start_async(inputs | ({"token_type_ids": second} if self._reads_pairs else {}))
        return request

    def _finish(self, request: Any, batch: list[int], encodings: Sequence[Any]) -> Iterator[tuple[int, Vectors, Any]]:
        try:
            request.wait()
        except RuntimeError as error:
            reason = str(error).strip().split("\n")[-1]
            raise ModelError(f"the embedding model failed: {reason}; is there enough memory? Try again") from error
        outputs = np.array(request.get_output_tensor(0).data)  # the next batch will overwrite the tensor
        self._idle.put(request)
        for row, i in enumerate(batch):
            yield i, outputs[row, : len(encodings[i].ids)], encodings[i]


def _compiled(model: Any, options: dict[str, Any], folder: Path | None) -> Any:
    if folder:
        # Without the weights, which are in the model's own file.
        kept = options | {"CACHE_DIR": str(folder), "CACHE_MODE": "OPTIMIZE_SIZE"}
        try:
            return _core().compile_model(model, "CPU", kept)
        except RuntimeError as error:  # a folder that cannot be written
            _log.info("the compiled embedding model is not kept: %s", error)
    return _core().compile_model(model, "CPU", options)


class OpenVinoEncoder(OpenVinoTokens):
    """A model whose vector is the mean of its tokens' embeddings, run by OpenVINO."""

    def encode(self, texts: Sequence[str], question: bool = False) -> Vectors:
        """Return unit vectors; see `Encoder`."""
        prompt = self.facts.prompts[0 if question else 1]
        vectors = np.zeros((len(texts), self.facts.dimensions), dtype=np.float32)
        for i, tokens, _ in self.run([prompt + text for text in texts]):
            vectors[i] = unit(tokens.mean(axis=0))
        return vectors

    def encode_passages(self, texts: Sequence[str], spans: Sequence[Sequence[Span]]) -> list[list[Vectors | None]]:
        """Return the vectors of passages and sentences; see `Encoder`."""
        prompt = self.facts.prompts[1]
        found: list[list[Vectors | None]] = [
            [np.zeros(self.facts.dimensions, dtype=np.float32), *[None] * len(own)] for own in spans
        ]
        for i, tokens, encoding in self.run([prompt + text for text in texts]):
            found[i] = pool(tokens, np.array(encoding.offsets, dtype=np.int64), spans[i], prompt)
        return found


_Tokens = TypeVar("_Tokens", bound=OpenVinoTokens)


def is_here() -> bool:
    """Return whether OpenVINO is installed."""
    try:
        _core()
    except ImportError:
        return False
    return True


def precisions() -> tuple[str, ...]:
    """Return the precisions that this processor supports, fastest first."""
    bf16 = "BF16" in _core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return ("bf16", "fp32") if bf16 else ("fp32",)


def convert(parts: Export) -> tuple[Any, str, Facts]:
    """Convert a model to OpenVINO; return it with its tokenizer and its facts.

    Raises:
        Exception: OpenVINO cannot convert it; the class depends on OpenVINO and torch.
    """
    import openvino

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tracing a model gives warnings about its own code
        model = openvino.convert_model(parts.module, example_input=parts.example)
    dimensions = int(model.outputs[0].get_partial_shape()[2].get_length())
    return model, parts.tokenizer, Facts(parts.window, parts.padding, parts.prompts, dimensions)


def save(encoder: OpenVinoTokens, source: Path, changes: Path | None = None) -> None:
    """Keep a converted model for `restore`.

    Args:
        encoder: The converted model.
        source: The folder of the model that it was converted from.
        changes: A file of changes that were applied to the weights before conversion.
    """
    import openvino

    folder = _folder(source, changes)
    fresh = folder.with_name(f"{folder.name}.{os.getpid()}")
    try:
        fresh.mkdir(parents=True, exist_ok=True)
        openvino.save_model(encoder.model, fresh / "model.xml", compress_to_fp16=False)
        (fresh / "tokenizer.json").write_text(encoder.tokenizer_json, encoding="utf-8")
        facts = asdict(encoder.facts) | {
            "precision": encoder.precision,
            "probe": [round(float(x), 6) for x in encoder.probe()],
            "marks": _marks(fresh),
        }
        (fresh / "facts.json").write_text(json.dumps(facts), encoding="utf-8")
        for old in folder.parent.glob(f"{folder.name.rsplit('-', 1)[0]}-*"):
            if old != fresh:
                shutil.rmtree(old, ignore_errors=True)
        os.replace(fresh, folder)
    except (OSError, RuntimeError) as error:  # no room, read-only, or another process was faster
        _log.info("the converted embedding model is not kept: %s", error)
        shutil.rmtree(fresh, ignore_errors=True)


def restore(source: Path, kind: type[_Tokens], changes: Path | None = None) -> _Tokens | None:
    """Return the model that was converted from this folder, or None if there is no usable one; see `save`."""
    folder = _folder(source, changes)
    try:
        facts = Facts(**json.loads((folder / "facts.json").read_text(encoding="utf-8")))
        if _marks(folder) != facts.marks:
            raise ValueError("a file is not as it was written")
        tokenizer = (folder / "tokenizer.json").read_text(encoding="utf-8")
        encoder = kind(folder / "model.xml", tokenizer, facts, facts.precision, folder / "compiled")
        if not float(encoder.probe() @ np.array(facts.probe, dtype=np.float32)) >= EXACT:
            raise ValueError("it embeds a known text otherwise")
    except FileNotFoundError:
        return None
    except Exception as error:  # a damaged file can fail in many ways
        _log.info("the converted embedding model in %s is not usable: %s", folder, error)
        return None
    return encoder


def _folder(source: Path, changes: Path | None) -> Path:
    """Return where the converted model is kept; the name depends on the weights, OpenVINO and the processor."""
    import openvino

    home = source.resolve()
    files = sorted(p for p in home.rglob("*") if p.is_file() and not p.name.startswith("."))
    facts = [(str(p.relative_to(home)), p.stat().st_size, p.stat().st_mtime_ns) for p in files]
    changed = hashlib.sha256(changes.read_bytes()).hexdigest() if changes else ""
    made_of = json.dumps([_FORMAT, openvino.__version__, precisions(), facts, changed])
    of_what = f"{home} {changes.name}" if changes else str(home)
    of, key = (hashlib.sha256(text.encode()).hexdigest()[:16] for text in (of_what, made_of))
    return platformdirs.user_cache_path("dateline", appauthor=False) / "embedding" / f"{home.name}-{of}-{key}"


def _marks(folder: Path) -> dict[str, str]:
    """Return each file's hash, or its size if hashing would take longer than loading (the weights)."""
    files = [path for path in folder.iterdir() if path.is_file() and path.name != "facts.json"]
    weights = {path.name: str(path.stat().st_size) for path in files if path.suffix == ".bin"}
    return weights | {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in files if p.name not in weights}


def _batches(lengths: Sequence[int], streams: int) -> Iterator[list[int]]:
    """Yield batches of texts (by number) of similar length, about `_BATCH_TOKENS` each; skip those without tokens.

    A few texts are spread over the streams, because one batch occupies one stream. Some room is left for padding.
    """
    most = min(_BATCH_TOKENS, 1.15 * sum(lengths) / streams)
    batch: list[int] = []
    for i in sorted(range(len(lengths)), key=lambda i: -lengths[i]):
        if batch and (len(batch) + 1) * lengths[batch[0]] > most:
            yield batch
            batch = []
        if lengths[i]:
            batch.append(i)
    if batch:
        yield batch


@cache
def _core() -> Any:
    if "openvino" not in sys.modules:
        # OpenVINO reports its use to its vendor through this package when imported; without it nothing is reported.
        sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    import openvino

    return openvino.Core()
