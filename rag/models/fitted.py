"""Run a model that was fitted on a public base: the base's weights with the changes from a small file added."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file

from rag.errors import ModelError, one_line
from rag.models import openvino_encoder
from rag.models.encoder import EXACT, Export, Vectors
from rag.models.openvino_encoder import OpenVinoTokens
from rag.models.torch_encoder import quiet

_REMEMBERED = 256  # pairs; a question about a time is asked of its articles first, and then perhaps of all


class FittedModel:
    """A base with changes, converted for OpenVINO once and loaded at first use. Thread-safe.

    Args:
        name: What messages call it.
        setting: The setting that turns it off with `none`.
        folder: The folder of the base.
        changes: The file of changes.
        export: Makes the changed model of the folder and the changes.
    """

    def __init__(
        self,
        name: str,
        setting: str,
        folder: Path,
        changes: Path,
        export: Callable[[str, Mapping[str, Vectors]], Export],
    ) -> None:
        self._name, self._setting = name, setting
        self._folder, self._changes, self._export = folder, changes, export
        self._model: OpenVinoTokens | None = None
        self._lock = threading.Lock()
        self._lately: OrderedDict[tuple[str, str], tuple[Vectors, Any]] = OrderedDict()

    def run(self, pairs: Sequence[tuple[str, str]]) -> Iterator[tuple[int, Vectors, Any]]:
        """Yield (number, outputs for each token, encoding) for each pair of texts, in any order.

        Pairs that were read lately are not read again.

        Raises:
            ModelError: The model cannot be made or run.
        """
        model, new = self.load(), []
        for number, pair in enumerate(pairs):
            if known := self._lately.get(pair):
                yield number, *known
            else:
                new.append(number)
        for n, outputs, encoding in model.run([pairs[number] for number in new]):
            with self._lock:
                self._lately[pairs[new[n]]] = outputs, encoding
                while len(self._lately) > _REMEMBERED:
                    self._lately.popitem(last=False)
            yield new[n], outputs, encoding

    def load(self) -> OpenVinoTokens:
        """Return the model, loaded now if it was not."""
        with self._lock:
            if self._model is None:
                kept = openvino_encoder.restore(self._folder, OpenVinoTokens, self._changes)
                self._model = kept or self._made()
            return self._model

    def _made(self) -> OpenVinoTokens:
        try:
            changes = {name: np.asarray(values, dtype=np.float32) for name, values in load_file(self._changes).items()}
            with quiet():
                converted = openvino_encoder.convert(self._export(str(self._folder), changes))
        except ModelError:
            raise
        except Exception as error:  # conversion can fail in many ways, depending on the processor and on damaged files
            raise ModelError(
                f"the {self._name} cannot be made of {self._folder}: {one_line(error)}; "
                f"run: rag models verify, or set '{self._setting}' to none"
            ) from error
        exact = OpenVinoTokens(*converted, "fp32")
        ways = (OpenVinoTokens(*converted, precision) for precision in openvino_encoder.precisions())
        model = next((way for way in ways if float(way.probe() @ exact.probe()) >= EXACT), exact)
        openvino_encoder.save(model, self._folder, self._changes)
        return model
