"""Migrate stores of an older layout to the current one, after making a copy of their database."""

from __future__ import annotations

import shutil
from pathlib import Path

from rag.errors import StoreError, StoreMismatchError
from rag.language.characters import name_key
from rag.language.words import VERSION
from rag.store import duplicates, outbox
from rag.store.database import Connection, Database
from rag.store.documents import SCHEMA

LAYOUT = "3"
LEXICAL = "lexical"
INDEXES = "chroma", LEXICAL  # folders beside the database, with what is derived from it
UNCHECKED = "unchecked"  # "1" in a store whose indexes must still be compared with its documents in full

# These statements copy the documents, passages and places of layout 1 into the current layout.
_DOCUMENTS = """
INSERT INTO documents (number, id, state, kept, source, title, path, added, date, author, publisher, language, url,
    passages, sentences, family, folded)
SELECT o.rowid, o.id, 'live', o.path = '', o.source, o.title, o.path, o.added, '', '', '', '', '', COUNT(c.id),
    COALESCE(SUM(json_array_length(c.spans)), 0), o.rowid, ''
FROM documents_1 o LEFT JOIN chunks_1 c ON c.document_id = o.id GROUP BY o.rowid
"""
_CHUNKS = """
INSERT INTO chunks (id, document, start, end, spans, vectors)
SELECT c.id, d.number, c.start, c.end, c.spans, c.vectors
FROM chunks_1 c JOIN documents d ON d.id = c.document_id ORDER BY d.number, c.start
"""
_PLACES = """
INSERT INTO places (path, file, version, source, document, folded, title, date, author, publisher, language, url)
SELECT f.path, f.path, '', f.source, d.number, '', d.title, '', '', '', '', ''
FROM files_1 f JOIN documents d ON d.id = f.document_id
"""
# And this one the places of layout 2, in which only a document's main place had details.
_PLACES_2 = """
INSERT INTO places (path, file, version, source, document, folded, title, date, author, publisher, language, url)
SELECT p.path, p.file, p.version, p.source, p.document, p.folded, d.title, IIF(p.path = d.path, d.date, ''),
    IIF(p.path = d.path, d.author, ''), IIF(p.path = d.path, d.publisher, ''), d.language,
    IIF(p.path = d.path, d.url, '')
FROM places_2 p JOIN documents d ON d.number = p.document
"""
_DIMENSIONS = """
INSERT INTO meta SELECT 'dimensions', length(vectors) / 2 / (1 + json_array_length(spans)) FROM chunks LIMIT 1
"""


def migrate(path: Path) -> None:
    """Migrate a store's database to the current layout in one transaction, after copying it to a file beside it.

    Raises:
        StoreMismatchError: The database has a layout that this version does not know.
        StoreError: It cannot be read or written, or it is missing while its indexes exist. Nothing was changed.
    """
    if not path.exists() or not path.stat().st_size:
        _refuse_lost(path)  # before anything opens it, because that would create it
        return
    database = Database(path)
    try:
        layout = _layout(database)
        if layout is None:
            _refuse_lost(path)
        if layout == LAYOUT:
            _renew_terms(database, path.parent / LEXICAL)
        if layout in (None, LAYOUT):
            return
        if layout not in _STEPS:
            raise StoreMismatchError(
                f"the store {path.parent} has layout {layout}, this version needs {LAYOUT}; install the version that "
                "made it, or choose another folder with --store and ingest the articles again: rag ingest PATH"
            )
        database.back_up(path.with_name(f"{path.name}.layout-{layout}.bak"))
        with database.write() as connection:
            _STEPS[layout](connection)
            connection.execute("UPDATE meta SET value = ? WHERE key = 'layout'", (LAYOUT,))
        _renew_terms(database, path.parent / LEXICAL)
    finally:
        database.close()


def _renew_terms(database: Database, folder: Path) -> None:
    """Remove a lexical index whose terms another version made; the index is filled again when the store opens."""
    with database.read() as connection:
        found = connection.execute("SELECT value FROM meta WHERE key = 'terms'").fetchone()
    if found and found[0] == VERSION:
        return
    try:
        if folder.exists():
            shutil.rmtree(folder)
    except OSError as error:
        raise StoreError(f"{folder} cannot be removed: {error.strerror}; it has to be built again") from error
    with database.write() as connection:
        connection.execute("INSERT OR REPLACE INTO meta VALUES ('terms', ?)", (VERSION,))


def _refuse_lost(path: Path) -> None:
    """Raise if there are indexes beside an empty database: creating a new store there would hide the loss."""
    if any(file.is_file() for name in INDEXES for file in (path.parent / name).rglob("*")):
        raise lost(path)


def lost(path: Path) -> StoreError:
    """Return the error for a database that is missing while its indexes still exist."""
    return StoreError(
        f"{path} is missing or empty, but the indexes of its articles are there; put {path.name} back from a copy, or "
        f"move {path.parent} away and ingest the articles again"
    )


def _layout(database: Database) -> str | None:
    with database.read() as connection:
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'meta'").fetchone():
            return None
        found = connection.execute("SELECT value FROM meta WHERE key = 'layout'").fetchone()
        return str(found[0]) if found else None


def _from_1(connection: Connection) -> None:
    for name in ("documents_path", "files_document", "chunks_document"):
        connection.execute(f"DROP INDEX IF EXISTS {name}")
    for name in ("documents", "files", "chunks"):
        connection.execute(f"ALTER TABLE {name} RENAME TO {name}_1")
    for statement in SCHEMA.split(";"):
        connection.execute(statement)
    for statement in (_DOCUMENTS, _CHUNKS, _PLACES, _DIMENSIONS):
        connection.execute(statement)
    for number, text in connection.execute("SELECT rowid, text FROM documents_1 ORDER BY rowid"):
        signed = duplicates.signature(text.decode("utf-8", "surrogatepass"))
        connection.execute("INSERT INTO texts VALUES (?, ?, ?)", (number, signed, text))
        outbox.link(connection, number, signed)
    _fold(connection)
    for name in ("chunks", "files", "documents"):
        connection.execute(f"DROP TABLE {name}_1")
    connection.execute("DELETE FROM meta WHERE key = 'dirty'")
    connection.execute("INSERT INTO meta VALUES ('version', '1'), (?, '1')", (UNCHECKED,))
    outbox.mend(connection)


def _from_2(connection: Connection) -> None:
    for name in ("places_folded", "places_file", "places_document"):
        connection.execute(f"DROP INDEX IF EXISTS {name}")
    connection.execute("ALTER TABLE places RENAME TO places_2")
    connection.execute("DROP TABLE arrivals")  # what waits in it is read again
    for statement in SCHEMA.split(";"):
        connection.execute(statement)
    connection.execute(_PLACES_2)
    connection.execute("DROP TABLE places_2")
    _fold(connection)
    # What the other copies of a text say of themselves was not kept, so the next sync reads them again.
    connection.execute(
        "DELETE FROM files WHERE path IN (SELECT p.file FROM places p JOIN documents d ON d.number = p.document "
        "WHERE p.path != d.path)"
    )


def _fold(connection: Connection) -> None:
    """Store the names of sources in the form in which this version compares them."""
    for table in ("documents", "places"):
        rows = connection.execute(f"SELECT rowid, source FROM {table}").fetchall()
        folded = [(name_key(source), row) for row, source in rows]
        connection.executemany(f"UPDATE {table} SET folded = ? WHERE rowid = ?", folded)


_STEPS = {"1": _from_1, "2": _from_2}
