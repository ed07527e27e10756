"""Open the store that the settings name: in its folder, or in PostgreSQL."""

from __future__ import annotations

from rag.settings import DEFAULT_COLLECTION, Settings
from rag.store import collections
from rag.store.index import Index
from rag.store.vector_server import ChromaServer

# SQLAlchemy is imported where it is used: the other stores need not wait for it.


def open_index(settings: Settings, embedding: str, create: bool = False) -> Index:
    """Open the collection that the settings name; close it afterwards.

    Args:
        settings: The configuration.
        embedding: Name of the embedding model.
        create: Whether the collection is made if it does not exist. The default one always is.

    Raises:
        CollectionError: There is no such collection.
        StoreError: The store cannot be opened; see its subclasses.
    """
    chroma = ChromaServer.of(settings)
    if settings.database is None:
        return Index.open(collections.find(settings.store, settings.collection, create), embedding, chroma)
    from rag.store.shared_index import SharedIndex

    known = (DEFAULT_COLLECTION,) if settings.collection == DEFAULT_COLLECTION else collection_names(settings)
    name = collections.chosen(known, settings.collection, create)
    return SharedIndex.connect(settings.store, settings.database.get_secret_value(), name, embedding, chroma)


def collection_names(settings: Settings) -> tuple[str, ...]:
    """Return the names of the collections in the store: the default one, then the others in alphabetical order.

    Raises:
        StoreError: They are in a database that cannot be used.
    """
    if settings.database is None:
        return collections.collections(settings.store)
    from rag.store import postgres

    return DEFAULT_COLLECTION, *postgres.collections(settings.database.get_secret_value())
