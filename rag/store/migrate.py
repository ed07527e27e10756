"""Migrate stores of an older layout to the current one, after making a copy of their database."""

from __future__ import annotations

from pathlib import Path

from rag.errors import StoreError, StoreMismatchError
from rag.language.characters import name_key
from rag.store import duplicates, outbox
from rag.store.database import Connection, Database
from rag.store.documents import SCHEMA

LAYOUT = "2"
INDEXES = "chroma", "lexical"  # folders beside the database, with what is derived from it
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
INSERT INTO places (path, file, version, source, document, folded)
SELECT f.path, f.path, '', f.source, d.number, '' FROM files_1 f JOIN documents d ON d.id = f.document_id
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
        if layout in (None, LAYOUT):
            return
        if layout != "1":
            raise StoreMismatchError(
                f"the store {path.parent} has layout {layout}, this version needs {LAYOUT}; install the version that "
                "made it, or choose another folder with --store and ingest the articles again: rag ingest PATH"
            )
        database.back_up(path.with_name(f"{path.name}.layout-1.bak"))
        with database.write() as connection:
            _from_1(connection)
    finally:
        database.close()


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
    for table in ("documents", "places"):
        rows = connection.execute(f"SELECT rowid, source FROM {table}").fetchall()
        folded = [(name_key(source), row) for row, source in rows]
        connection.executemany(f"UPDATE {table} SET folded = ? WHERE rowid = ?", folded)
    for name in ("chunks", "files", "documents"):
        connection.execute(f"DROP TABLE {name}_1")
    connection.execute("DELETE FROM meta WHERE key = 'dirty'")
    connection.execute("UPDATE meta SET value = ? WHERE key = 'layout'", (LAYOUT,))
    connection.execute("INSERT INTO meta VALUES ('version', '1'), (?, '1')", (UNCHECKED,))
    outbox.mend(connection)
