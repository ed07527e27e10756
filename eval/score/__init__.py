"""What answers are worth: the metrics of a question and the figures of a run."""
