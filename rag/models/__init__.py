"""The models: embedding, reader, reranker and answer models, and their weights."""
