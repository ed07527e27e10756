"""The eval suite: questions with known answers, metrics and runs. It uses `rag` only through its public names."""
