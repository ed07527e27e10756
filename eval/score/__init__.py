"""Score answers: the metrics of a question and the figures of a run."""
