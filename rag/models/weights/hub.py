"""Fetch weights from the Hugging Face hub, or from its local cache, which other programs share."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError  # another class than TimeoutError in Python 3.10
from pathlib import Path
from typing import Any

from rag.errors import one_line
from rag.models.weights.job import DamagedError, Job, UnusableError, copy
from rag.models.weights.pins import WeightFile, sha256_of

logger = logging.getLogger(__name__)

_HUB_PATIENCE = 5.0  # seconds without an answer until the hub counts as unreachable
_STREAM_PATIENCE = 30.0  # seconds without a byte until a connection counts as broken


def from_cache(job: Job) -> None:
    """Copy the missing files from the Hugging Face cache; raises `UnusableError` if some are still missing."""
    # Imported here because it takes 0.3 s and is not needed once the models are in place.
    from huggingface_hub import try_to_load_from_cache

    def locate(file: WeightFile) -> Path | None:
        found = try_to_load_from_cache(job.model.repo, file.path, revision=job.model.revision)
        return Path(found) if isinstance(found, str) else None

    copy(job, locate)


def from_hub(job: Job) -> None:
    """Download the missing files from the hub; raises `UnusableError` if some are still missing."""
    # hf_hub_download is not used: since version 2 it discards interrupted downloads, and it retries an unreachable hub
    # for minutes.
    import huggingface_hub

    if huggingface_hub.constants.HF_HUB_OFFLINE:
        raise UnusableError("HF_HUB_OFFLINE is set")
    for file in list(job.missing):
        url = huggingface_hub.hf_hub_url(
            job.model.repo, file.path, revision=job.model.revision, endpoint=os.environ.get("HF_ENDPOINT") or None
        )
        try:
            for again in (job.part(file, ".hub").is_file(), False):
                try:
                    _from_url(job, file, url)
                    break
                except DamagedError:
                    if not again:  # retry only if the fault may be in what an earlier run left
                        raise
        except UnusableError:
            raise
        except Exception as error:  # the client's transport, and so its exceptions, differ between versions
            raise UnusableError(one_line(error)) from error


def _from_url(job: Job, file: WeightFile, url: str) -> None:
    import huggingface_hub

    head = _within(_HUB_PATIENCE, lambda: huggingface_hub.get_hf_file_metadata(url, timeout=_HUB_PATIENCE))
    if head.size not in (None, file.size):
        raise UnusableError(f"{file.path} has {head.size:,} bytes there, the official one {file.size:,}")
    part = job.part(file, ".hub")
    part.touch()
    job.bar.update(part.stat().st_size)
    while (done := part.stat().st_size) < file.size:
        try:
            _append(job, file, url, part)
            if part.stat().st_size <= done:
                raise UnusableError(f"{file.path} ends after {done:,} bytes")
        except Exception:
            if part.stat().st_size <= done:
                raise
            logger.info("%s: the connection broke; going on", file.path)
    job.place(file, part, sha256_of(part))


def _append(job: Job, file: WeightFile, url: str, part: Path) -> None:
    from huggingface_hub import get_session
    from huggingface_hub.utils import build_hf_headers, hf_raise_for_status  # type: ignore[attr-defined]

    headers = {**build_hf_headers(), "Accept-Encoding": "identity"}
    if done := part.stat().st_size:
        headers["Range"] = f"bytes={done}-"
    with get_session().stream("GET", url, headers=headers, timeout=_STREAM_PATIENCE) as response:
        hf_raise_for_status(response)
        with part.open("ab" if response.status_code == 206 else "wb") as out:
            for chunk in response.iter_bytes():
                out.write(chunk)
                job.bar.update(len(chunk))
                if out.tell() > file.size:  # it cannot be the official file; the hash check will reject it
                    return


def _within(seconds: float, call: Callable[[], Any]) -> Any:
    """Return `call()`; the client's own timeout excludes name resolution and restarts for each address."""
    result: Future[Any] = Future()

    def work() -> None:
        try:
            result.set_result(call())
        except Exception as error:
            result.set_exception(error)

    threading.Thread(target=work, daemon=True).start()
    try:
        return result.result(timeout=seconds)
    except FutureTimeoutError as error:
        raise UnusableError(f"no answer within {seconds:g} s") from error
