"""The tables of a library in PostgreSQL, and how a library of an older layout becomes one of the newest."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from rag.errors import StoreMismatchError
from rag.store.connection import Connection

# The same tables as in SQLite (`rag.store.documents.SCHEMA`), and three more things: the change log, which every
# process follows; a row to lock for those that write; and the functions of the statements (`rag.store.connection`).
# Texts are compared byte by byte, as SQLite compares them, whatever the database's language is.
_FIRST = """
CREATE DOMAIN words AS TEXT COLLATE "C";
CREATE TABLE meta (key words PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE documents (
    number BIGINT PRIMARY KEY, id words NOT NULL UNIQUE,
    state words NOT NULL CHECK (state IN ('pending', 'live', 'changed', 'going')), kept BIGINT NOT NULL,
    source words NOT NULL, title words NOT NULL, path words NOT NULL, added words NOT NULL, date words NOT NULL,
    author words NOT NULL, publisher words NOT NULL, language words NOT NULL, url words NOT NULL,
    passages BIGINT NOT NULL, sentences BIGINT NOT NULL, family BIGINT NOT NULL, folded words NOT NULL);
CREATE INDEX documents_state ON documents (state, passages, sentences);
CREATE INDEX documents_family ON documents (family, state, date);
CREATE INDEX documents_date ON documents (date);
CREATE TABLE texts (
    document BIGINT PRIMARY KEY REFERENCES documents (number) ON DELETE CASCADE,
    signature BYTEA NOT NULL, text BYTEA NOT NULL);
CREATE TABLE bands (
    key BIGINT NOT NULL, document BIGINT NOT NULL REFERENCES documents (number) ON DELETE CASCADE,
    PRIMARY KEY (key, document));
CREATE INDEX bands_document ON bands (document);
CREATE TABLE chunks (
    number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, id words NOT NULL UNIQUE,
    document BIGINT NOT NULL REFERENCES documents (number) ON DELETE CASCADE,
    start BIGINT NOT NULL, "end" BIGINT NOT NULL, spans TEXT NOT NULL, vectors BYTEA NOT NULL);
CREATE INDEX chunks_document ON chunks (document, id);
CREATE TABLE files (path words PRIMARY KEY, size BIGINT NOT NULL, mtime_ns BIGINT NOT NULL, hash words NOT NULL);
CREATE TABLE places (
    path words PRIMARY KEY, file words NOT NULL, version words NOT NULL, source words NOT NULL,
    document BIGINT NOT NULL REFERENCES documents (number), folded words NOT NULL,
    title words NOT NULL, date words NOT NULL, author words NOT NULL, publisher words NOT NULL, language words NOT NULL,
    url words NOT NULL);
CREATE INDEX places_file ON places (file);
CREATE INDEX places_document ON places (document, source);
CREATE TABLE arrivals (
    path words PRIMARY KEY, file words NOT NULL, version words NOT NULL, source words NOT NULL,
    document BIGINT NOT NULL REFERENCES documents (number) ON DELETE CASCADE, folded words NOT NULL,
    title words NOT NULL, date words NOT NULL, author words NOT NULL, publisher words NOT NULL, language words NOT NULL,
    url words NOT NULL);
CREATE INDEX arrivals_document ON arrivals (document);
CREATE TABLE changes (number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, passages TEXT[] NOT NULL);
CREATE TABLE turns (name words PRIMARY KEY);
INSERT INTO turns VALUES ('write');
CREATE FUNCTION texts(list TEXT[]) RETURNS TABLE (value TEXT) LANGUAGE sql IMMUTABLE
    AS $$ SELECT * FROM unnest(list) $$;
CREATE FUNCTION numbers(list BIGINT[]) RETURNS TABLE (value BIGINT) LANGUAGE sql IMMUTABLE
    AS $$ SELECT * FROM unnest(list) $$;
CREATE FUNCTION json_valid(value TEXT) RETURNS BOOLEAN LANGUAGE plpgsql IMMUTABLE
    AS $$ BEGIN PERFORM value::json; RETURN true; EXCEPTION WHEN OTHERS THEN RETURN false; END $$;
CREATE FUNCTION json_array_length(value TEXT) RETURNS BIGINT LANGUAGE plpgsql IMMUTABLE
    AS $$ BEGIN RETURN json_array_length(value::json); EXCEPTION WHEN OTHERS THEN RETURN -1; END $$;
CREATE FUNCTION glob(pattern TEXT) RETURNS TEXT LANGUAGE sql IMMUTABLE AS $$ SELECT '^(?:' || replace(replace(
    regexp_replace(regexp_replace(pattern, '([.\\\\+(){}|$])', '\\\\\\1', 'g'), '(?<!\\[)\\^', '\\\\^', 'g'),
    '*', '.*'), '?', '.') || ')$' $$;
"""
# Each makes the layout after the one before it. A new layout is a script at the end; none is ever changed.
LAYOUTS = (_FIRST,)

_HAS_TABLES = "SELECT 1 FROM pg_catalog.pg_tables WHERE schemaname = ? AND tablename = 'meta'"


def prepare(connection: Connection, where: str, layouts: Sequence[str]) -> None:
    """Make the tables of a schema, or bring older ones to the newest layout, within the caller's transaction.

    Args:
        connection: It has the schema as its search path.
        where: How the database is called in messages.
        layouts: The scripts of the layouts; the first one makes a table `meta` with a `key` and a `value`.

    Raises:
        StoreMismatchError: The tables have a newer layout than this version knows.
    """
    layout = _layout(connection)
    if layout == len(layouts):
        return
    connection.execute("SELECT pg_advisory_xact_lock(hashtext('dateline'))")  # of several processes, one makes them
    layout = _layout(connection)
    if layout > len(layouts):
        raise StoreMismatchError(
            f"the tables in {where} have layout {layout}, and this version of Dateline knows {len(layouts)}; install "
            "the version that made them, or name another database"
        )
    if not layout:
        connection.execute('CREATE SCHEMA IF NOT EXISTS "' + _schema(connection) + '"')
    for script in layouts[layout:]:
        connection.execute(script)
    connection.execute(
        "INSERT INTO meta VALUES ('layout', ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        (str(len(layouts)),),
    )
    connection.execute(
        "INSERT INTO meta VALUES ('library', ?) ON CONFLICT DO NOTHING", (secrets.token_hex(8),)
    )  # so that a process notices when it is given another library


def _layout(connection: Connection) -> int:
    # Not by to_regclass: a connection may not know yet that another one has just made the schema.
    if not connection.execute(_HAS_TABLES, (_schema(connection),)).fetchone():
        return 0
    found = connection.execute("SELECT value FROM meta WHERE key = 'layout'").fetchone()
    return int(found[0]) if found else 0


def _schema(connection: Connection) -> str:
    return str(connection.execute("SELECT current_setting('search_path')").fetchone()[0]).strip('"')
