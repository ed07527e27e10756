"""What is known of language: words, names of languages, dates, questions, opposites and near meanings."""
