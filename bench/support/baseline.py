"""Run LlamaIndex's default pipeline over a folder of txt files, as the baseline for `bench.ingest`."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import chromadb
from chromadb.config import Settings
from llama_index.core import Document, StorageContext, VectorStoreIndex
from llama_index.core.node_parser import SentenceSplitter
from llama_index.embeddings.huggingface import HuggingFaceEmbedding
from llama_index.vector_stores.chroma import ChromaVectorStore


def ingest(folder: Path, store: Path, model: Path) -> int:
    """Read, split, embed and store every article, and return the number of passages."""
    documents = [
        Document(
            text=path.read_text(encoding="utf-8"),
            metadata={"source": str(path.relative_to(folder))},
            excluded_embed_metadata_keys=["source"],  # so that both sides embed the same text
        )
        for path in sorted(folder.rglob("*.txt"))
    ]
    client = chromadb.PersistentClient(str(store), Settings(anonymized_telemetry=False))
    collection = client.get_or_create_collection("baseline")
    VectorStoreIndex.from_documents(
        documents,
        storage_context=StorageContext.from_defaults(vector_store=ChromaVectorStore(chroma_collection=collection)),
        transformations=[SentenceSplitter()],
        embed_model=HuggingFaceEmbedding(model_name=str(model), device="cpu"),
    )
    return int(collection.count())


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.support.baseline", description=__doc__)
    for name in ("folder", "store", "model"):
        parser.add_argument(name, type=Path)
    print(json.dumps({"passages": ingest(**vars(parser.parse_args()))}))


if __name__ == "__main__":
    main()
