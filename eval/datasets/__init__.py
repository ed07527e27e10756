"""Read questions with known answers from data sets in every supported format."""
