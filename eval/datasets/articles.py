"""Write the texts of a data set to a folder of articles."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from eval.datasets.rows import DatasetError

_BOM = "\ufeff"


class ArticleFolder:
    """Writes one file for each distinct text; reading the file gives exactly the same text."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._sources: dict[bytes, str] = {}
        folder.mkdir(parents=True, exist_ok=True)

    def add(self, title: str, text: str, where: str) -> str:
        """Write a text and return its file's name; a text that was already written keeps its file.

        Args:
            title: What the file is named after.
            text: The article.
            where: The file (and line) that it comes from, for error messages.

        Raises:
            DatasetError: The text cannot be written, or contains a character that an article cannot have.
        """
        raw = text.encode()
        if "\0" in text:
            raise DatasetError(f"{where}: a NUL character in a text; mend the file")
        digest = hashlib.sha256(raw).digest()
        if digest not in self._sources:
            name = re.sub(r"[^\w.-]+", "_", title).strip("._")[:60] or "article"
            source = f"{len(self._sources) + 1:06d}-{name}.txt"
            # Reading removes one byte order mark, so a text that begins with one needs two.
            mark = _BOM.encode() if text.startswith(_BOM) else b""
            try:
                (self._folder / source).write_bytes(mark + raw)
            except OSError as error:
                raise DatasetError(f"{self._folder} cannot be written: {error.strerror}; free the disk") from error
            self._sources[digest] = source
        return self._sources[digest]
