"""Change the documents in steps: after a crash at any point, the states in the database show what is left to do.

1. `stage`: new documents and their passages are stored as `pending`, and the places where they were found as
   `arrivals`. Then the pending passages are written to Chroma and the lexical index.
2. `flip`, in one transaction: pending documents become live, places and files are updated, and documents that have no
   place any more become `going`. Then both indexes are updated with what is `changed`, and what is going is removed
   from them.
3. `purge`: documents that are going are deleted.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from rag.errors import StoreError
from rag.language.characters import name_key
from rag.store import change_log, duplicates
from rag.store.connection import Connection
from rag.store.view import pack
from rag.types import Document, Entry, File

_DETAILS = ("title", "date", "author", "publisher", "language", "url")
_COLUMNS = ", ".join(_DETAILS)
_CHANGED = f"({', '.join(f'p.{name}' for name in _DETAILS)}) != ({', '.join(f'a.{name}' for name in _DETAILS)})"
_PLACE = ("file", "version", "source", "document", "folded", *_DETAILS)  # what is known of a place, beside its path
Outcome = tuple[list[str], list[Document]]  # words about entries or names, and documents whose details have changed
_RENEWED = ", ".join(f"{name} = excluded.{name}" for name in _PLACE)


def stage(connection: Connection, entries: Sequence[Entry]) -> Outcome:
    """Store the new documents of a batch as pending, not yet visible to readers.

    Returns:
        For each entry "added", "replaced", "unchanged" or "missing" (not in the store, and given without passages), and
        the documents that the store holds but whose details (title, date, …) have changed.

    Raises:
        StoreError: Vectors are not finite, not one for each sentence and passage, or of another size than the store's.
    """
    held = _places(connection, [entry.document.path for entry in entries])
    words: list[str] = []
    retold: list[Document] = []
    for entry in entries:
        document = entry.document
        found = connection.execute(
            "SELECT number, state, path, title, date, author, publisher, language, url FROM documents WHERE id = ?",
            (document.id,),
        ).fetchone()
        if found is None and entry.chunks is None:
            words.append("missing")
            continue
        number = int(found[0]) if found else _insert(connection, entry)
        details = tuple(getattr(document, name) for name in _DETAILS)
        if found and found[1] != "pending" and found[2] == document.path and tuple(found[3:]) != details:
            retold.append(document)
        if document.path:
            connection.execute(
                "INSERT INTO arrivals VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
                f"ON CONFLICT (path) DO UPDATE SET {_RENEWED}",
                (
                    document.path,
                    entry.file.path or document.path,
                    entry.file.hash,
                    document.source,
                    number,
                    name_key(document.source),
                    *details,
                ),
            )
            before = held.get(document.path)
            words.append("added" if before is None else "unchanged" if before == document.id else "replaced")
            held[document.path] = document.id
        else:
            connection.execute("UPDATE documents SET kept = 1 WHERE number = ?", (number,))
            words.append("unchanged" if found else "added")
    return words, retold


def words(found: Sequence[Outcome]) -> list[str]:
    """Return the words of a batch that was staged again after a lost connection.

    The first attempt says what became of an entry, since a later one may find what the first has written. Whether
    something is missing, the last one knows: others may have removed or added it in between.
    """
    pairs = zip(found[0][0], found[-1][0], strict=True)
    return [last if "missing" in (first, last) else first for first, last in pairs]


def flip(connection: Connection, finished: Sequence[File] = (), retold: Sequence[Document] = ()) -> None:
    """Make pending documents visible and hide what they replace; record the files that were read completely."""
    pending = _numbers(connection, "SELECT number FROM documents WHERE state = 'pending'")
    moved = _numbers(
        connection,
        "SELECT p.document FROM arrivals a CROSS JOIN places p ON p.path = a.path "
        "WHERE p.document != a.document OR p.source != a.source",
    )
    placed = _numbers(
        connection,
        "SELECT a.document FROM arrivals a LEFT JOIN places p ON p.path = a.path "
        f"WHERE p.path IS NULL OR p.document != a.document OR p.source != a.source OR {_CHANGED}",
    )
    # A file that is being read again is unknown until it has been read completely.
    connection.execute(
        "DELETE FROM files WHERE path IN "
        "(SELECT f.path FROM arrivals a CROSS JOIN files f ON f.path = a.file WHERE f.hash != a.version)"
    )
    connection.execute(
        f"INSERT INTO places SELECT * FROM arrivals WHERE true ON CONFLICT (path) DO UPDATE SET {_RENEWED}"
    )
    connection.execute("DELETE FROM arrivals")
    for file in {file.path: file for file in finished}.values():
        stale = (file.path, file.hash)
        moved |= _numbers(connection, "SELECT document FROM places WHERE file = ? AND version != ?", *stale)
        connection.execute("DELETE FROM places WHERE file = ? AND version != ?", stale)
    touch(connection, finished)
    connection.execute("UPDATE documents SET state = 'live' WHERE state = 'pending'")
    for document in retold:
        told = ", ".join(f"{name} = ?" for name in _DETAILS)
        connection.execute(
            f"UPDATE documents SET state = 'changed', {told} WHERE id = ? AND state != 'going'",
            (*(getattr(document, name) for name in _DETAILS), document.id),
        )
    _settle(connection, moved | placed | pending)
    new = "SELECT number FROM documents WHERE state IN ('changed', 'going')"
    change_log.record(connection, pending | _numbers(connection, new))
    if pending or moved or placed or retold:
        _grow(connection)


def touch(connection: Connection, files: Sequence[File]) -> None:
    """Record the size, time and hash of files that were read completely."""
    connection.executemany(
        "INSERT INTO files VALUES (?, ?, ?, ?) ON CONFLICT (path) DO UPDATE SET size = excluded.size, "
        "mtime_ns = excluded.mtime_ns, hash = excluded.hash",
        [(f.path, f.size, f.mtime_ns, f.hash) for f in files],
    )


def drop(connection: Connection, paths: Sequence[str]) -> list[str]:
    """Remove these files and their places, and return the source names of the places."""
    listed = list(paths)
    found = connection.execute(
        "SELECT p.source, p.document FROM texts(?) j JOIN places p ON p.file = j.value ORDER BY p.source", (listed,)
    ).fetchall()
    connection.execute("DELETE FROM places WHERE file IN (SELECT value FROM texts(?))", (listed,))
    connection.execute("DELETE FROM files WHERE path IN (SELECT value FROM texts(?))", (listed,))
    if found:
        _settle(connection, {int(number) for _, number in found})
        _grow(connection)
    return [str(source) for source, _ in found]


def remove(connection: Connection, document_id: str) -> None:
    """Mark a document as going, whichever files hold it; the files are forgotten, so they are read again."""
    mine = "document = (SELECT number FROM documents WHERE id = ?)"
    connection.execute(f"DELETE FROM files WHERE path IN (SELECT file FROM places WHERE {mine})", (document_id,))
    connection.execute(f"DELETE FROM places WHERE {mine}", (document_id,))
    if connection.execute("UPDATE documents SET state = 'going' WHERE id = ?", (document_id,)).rowcount:
        _grow(connection)


def settled(connection: Connection) -> None:
    """Mark changed documents as live, since both indexes are up to date with them."""
    connection.execute("UPDATE documents SET state = 'live' WHERE state = 'changed'")


def mend(connection: Connection) -> None:
    """Repair what follows from the documents themselves: their places, names and families."""
    # A document that lost its place gets it back; the next sync finds out whether the file still exists.
    connection.execute(
        f"INSERT INTO places SELECT path, path, '', source, number, folded, {_COLUMNS} FROM documents d "
        "WHERE state != 'going' AND path != '' "
        "AND NOT EXISTS (SELECT 1 FROM places p WHERE p.document = d.number) ON CONFLICT DO NOTHING"
    )
    connection.execute("DELETE FROM files WHERE path IN (SELECT p.file FROM places p WHERE p.version != files.hash)")
    _settle(connection, _numbers(connection, "SELECT number FROM documents"))
    wrong = "SELECT family FROM documents GROUP BY family HAVING MIN(number) != family"
    for family in _numbers(connection, wrong):
        regroup(connection, family)
    _grow(connection)


def purge(connection: Connection, numbers: Sequence[int]) -> None:
    """Delete documents that are going, and regroup the families they leave behind."""
    listed = list(numbers)
    families = _numbers(
        connection, "SELECT family FROM documents WHERE number IN (SELECT value FROM numbers(?))", listed
    )
    change_log.record(connection, listed)
    connection.execute("DELETE FROM documents WHERE number IN (SELECT value FROM numbers(?))", (listed,))
    for family in families:
        regroup(connection, family)


def regroup(connection: Connection, family: int) -> None:
    """Group the documents of one family again: some may have been linked only through a deleted one."""
    rows = connection.execute(
        "SELECT d.number, t.signature FROM documents d JOIN texts t ON t.document = d.number WHERE d.family = ?",
        (family,),
    ).fetchall()
    for group in duplicates.components(dict(rows)):
        connection.executemany(
            "UPDATE documents SET family = ? WHERE number = ? AND family != ?", [(group[0], n, group[0]) for n in group]
        )


def link(connection: Connection, number: int, signed: bytes) -> None:
    """Store a document's signature bands, and put it into one family with the documents near-identical to it."""
    connection.executemany(
        "INSERT INTO bands VALUES (?, ?) ON CONFLICT DO NOTHING", [(k, number) for k in duplicates.bands(signed)]
    )
    families: dict[int, list[int]] = {}
    for family, other in connection.execute(
        "SELECT DISTINCT d.family, d.number FROM bands mine CROSS JOIN bands other ON other.key = mine.key "
        "CROSS JOIN documents d ON d.number = other.document WHERE mine.document = ? AND other.document != ?",
        (number, number),
    ):
        families.setdefault(family, []).append(other)
    # One near-identical member is enough, so the rest of a large family is not compared.
    joined = [family for family, others in families.items() if any(map(_is_near(connection, signed), others))]
    if joined:
        first = min(*joined, number)
        connection.execute(
            "UPDATE documents SET family = ? WHERE family IN (SELECT value FROM numbers(?)) AND family != ?",
            (first, [*joined, number], first),
        )


def _is_near(connection: Connection, signed: bytes) -> Callable[[int], bool]:
    def is_near(number: int) -> bool:
        found = connection.execute("SELECT signature FROM texts WHERE document = ?", (number,)).fetchone()
        return duplicates.similarity(signed, found[0]) >= duplicates.SIMILAR

    return is_near


def _insert(connection: Connection, entry: Entry) -> int:
    document, chunks, vectors = entry.document, entry.chunks or (), entry.vectors or ()
    _check_vectors(connection, entry)
    rows = [
        (c.id, c.start, c.end, json.dumps([(s.start, s.end) for s in c.sentences]), pack(v))
        for c, v in zip(chunks, vectors, strict=True)
    ]
    number = connection.execute(
        "INSERT INTO documents SELECT COALESCE(MAX(number), 0) + 1, ?, 'pending', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, "
        "COALESCE(MAX(number), 0) + 1, ? FROM documents RETURNING number",
        (
            document.id,
            int(not document.path),
            document.source,
            document.title,
            document.path,
            document.added,
            document.date,
            document.author,
            document.publisher,
            document.language,
            document.url,
            len(chunks),
            sum(len(c.sentences) for c in chunks),
            name_key(document.source),
        ),
    ).fetchone()[0]
    signed = duplicates.signature(document.text)
    text = document.text.encode("utf-8", "surrogatepass")
    connection.execute("INSERT INTO texts VALUES (?, ?, ?)", (number, signed, text))
    link(connection, number, signed)
    connection.executemany(
        'INSERT INTO chunks (id, document, start, "end", spans, vectors) VALUES (?, ?, ?, ?, ?, ?)',
        [(row[0], number, *row[1:]) for row in rows],
    )
    return int(number)


def _check_vectors(connection: Connection, entry: Entry) -> None:
    """Reject vectors that Chroma would reject later, when they are pending and block every later write."""
    found = connection.execute("SELECT value FROM meta WHERE key = 'dimensions'").fetchone()
    size = int(found[0]) if found else None
    for chunk, rows in zip(entry.chunks or (), entry.vectors or (), strict=True):
        size = size or int(rows.shape[-1])
        wanted = (1 + len(chunk.sentences), size)
        if rows.shape != wanted or not np.isfinite(rows).all() or np.abs(rows).max() > 1e4:
            raise StoreError(
                f"the vectors of {entry.document.source} are no numbers of shape {wanted}, as the store holds them; "
                "check the embedding model, or use another store"
            )
    if found is None and size is not None:
        connection.execute("INSERT INTO meta VALUES ('dimensions', ?)", (str(size),))


def _settle(connection: Connection, numbers: Iterable[int]) -> None:
    """Mark those of these documents that have no place as going, and name the others after a place they have."""
    listed = sorted(numbers)
    among = "number IN (SELECT value FROM numbers(?)) AND state != 'going' AND kept = 0"
    connection.execute(
        f"UPDATE documents SET state = 'going' WHERE {among} "
        "AND NOT EXISTS (SELECT 1 FROM places p WHERE p.document = documents.number)",
        (listed,),
    )
    homeless = connection.execute(
        f"SELECT number, path FROM documents WHERE {among} AND NOT EXISTS (SELECT 1 FROM places p "
        "WHERE p.document = documents.number AND p.path = documents.path AND p.source = documents.source)",
        (listed,),
    ).fetchall()
    for number, path in homeless:
        connection.execute(
            f"UPDATE documents SET state = 'changed', (source, path, folded, {_COLUMNS}) = "
            f"(SELECT source, path, folded, {_COLUMNS} FROM places WHERE document = ? "
            "ORDER BY path != ?, path LIMIT 1) WHERE number = ?",
            (number, path, number),
        )


def _grow(connection: Connection) -> None:
    connection.execute(
        "INSERT INTO meta VALUES ('version', '1') "
        "ON CONFLICT (key) DO UPDATE SET value = CAST(CAST(meta.value AS INTEGER) + 1 AS TEXT)"
    )


def _places(connection: Connection, paths: Sequence[str]) -> dict[str, str]:
    return dict(
        connection.execute(
            "SELECT p.path, d.id FROM texts(?) j JOIN places p ON p.path = j.value "
            "JOIN documents d ON d.number = p.document",
            (list(paths),),
        ).fetchall()
    )


def _numbers(connection: Connection, statement: str, *values: object) -> set[int]:
    return {int(row[0]) for row in connection.execute(statement, values)}
