"""Read Word files (`.docx`)."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator

from rag.errors import DocumentError
from rag.load import worker
from rag.load.article import Article, Input, clean, one_line
from rag.load.formats.word_body import blocks_of
from rag.load.zip_archive import Archive
from rag.types import Note

MEMBER = "word/document.xml"  # present in every Word file
MAX_XML = 20_000_000  # all parts together; they are parsed as a whole, which takes ten times their size


def read(file: Input) -> Iterator[Article | Note]:
    """Yield the article of a Word file."""
    yield from worker.read("word", file)


def parse(file: Input) -> Iterator[Article | Note]:
    """Yield the article of a Word file; runs in the process of `rag.load.worker`."""
    plain = _without_media(Archive(file), file)
    # Imported here, because it takes a tenth of a second and only Word files need it.
    import docx

    try:
        document = docx.Document(plain)
        text = clean("\n\n".join(blocks_of(document.element.body)))
        properties = document.core_properties
        known = {name: one_line(getattr(properties, name)) for name in ("title", "author", "language")}
        date = properties.created or ""
    except MemoryError:
        raise
    except Exception as error:  # a broken part fails wherever the library first reads it
        raise DocumentError(f"{file.source} is a broken Word file; open it in Word and save it again") from error
    if not text:
        raise DocumentError(f"{file.source} holds no text (only pictures?); add its text")
    yield Article(text=text, date=date, **known)


def _without_media(archive: Archive, file: Input) -> io.BytesIO:
    """Return the file with only its XML, so that it takes no more memory than was counted."""
    if MEMBER not in archive.members:
        raise DocumentError(f"{file.source} is no Word file (it lacks {MEMBER}); save it as .docx")
    left = MAX_XML
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as packed:
        for name in archive.members:
            content = b""
            if name.lower().endswith((".xml", ".rels")):
                content = archive.read(name, MAX_XML)
                left -= len(content)
                if left < 0:
                    raise DocumentError(f"{file.source} holds more than {MAX_XML / 1e6:g} MB of XML; split it")
            packed.writestr(name, content)
    target.seek(0)
    return target
